// SPDX-License-Identifier: BSD-3-Clause
// Any entry that fits is enough; nothing is ever denied by an entry.
#include "daemon/door_policy.hpp"

#include <algorithm>

namespace coterie::daemon {

bool door_policy::admits(uid_t user, gid_t group, std::span<const gid_t> supplementary) const {
    const auto allowed = [&](gid_t each) { return _entries.groups.contains(each); };
    return user == 0 || user == _own || _entries.users.contains(user) || allowed(group) ||
           std::ranges::any_of(supplementary, allowed);
}

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// Who may be a client: root, the daemon's own user, and whom `uidgid` sections name. A pure judgement of what the kernel
// says about the process at the door; who asks the kernel is the door's affair.
#pragma once

#include "config/settings.hpp"

#include <span>
#include <sys/types.h>

namespace coterie::daemon {

class door_policy {
public:
    /// `own` is the user that the daemon runs as.
    door_policy(uid_t own, config::access_entries entries) : _own(own), _entries(std::move(entries)) {}

    /// Whether a process of this effective user, primary group and supplementary groups may come in.
    [[nodiscard]] bool admits(uid_t user, gid_t group, std::span<const gid_t> supplementary) const;

private:
    uid_t _own;
    config::access_entries _entries;
};

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// The users and groups of this machine, by name: what `uidgid` sections need to know of it.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

namespace coterie::config {

/// Looks up names. May ask a directory service and so take seconds: not for the engine's thread.
class accounts {
public:
    virtual ~accounts() = default;
    [[nodiscard]] virtual std::optional<uid_t> user(const std::string& name) const = 0;
    [[nodiscard]] virtual std::optional<gid_t> group(const std::string& name) const = 0;
};

/// Those of the system's databases, see nsswitch.conf(5).
[[nodiscard]] const accounts& system_accounts();

} // namespace coterie::config

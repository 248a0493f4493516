// SPDX-License-Identifier: BSD-3-Clause
// Which node of a configuration this machine is.
#pragma once

#include "config/settings.hpp"

#include <expected>
#include <map>

namespace coterie::config {

/// What is known of this machine when the local node is looked for.
struct local_facts {
    std::optional<node_id> wanted{}; ///< by --node
    std::string host_name{};
    std::vector<std::string> addresses{}; ///< of its interfaces, as text
    /// What names in the configuration stand for, as far as they could be resolved.
    std::map<std::string, std::vector<std::string>> resolved{};
};

/// The local node's place in `nodes`: the one that is wanted; else, as Corosync looks for it, the one of this host's
/// name, of its name without the domain, with an address of this host, with a name that stands for one. The error says
/// why there is none.
[[nodiscard]] std::expected<std::size_t, std::string> find_local_node(const settings& from, const local_facts& facts);

} // namespace coterie::config

// SPDX-License-Identifier: BSD-3-Clause
// What the nodes of a cluster say of its keys, and whether a step of a change is safe. Made from the daemon's report.
#pragma once

#include "config/key_change.hpp"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace coterie::cli {

/// The keys that one daemon uses and accepts besides, by number; 0: none, or not known.
struct node_keys {
    std::uint32_t node = 0;
    bool heard = true; ///< by the local daemon
    unsigned used = 0;
    unsigned other = 0;

    [[nodiscard]] bool knows(unsigned number) const { return used == number || other == number; }
};

/// The local daemon's keys first, then those of the others by id. Empty if packets are not encrypted.
[[nodiscard]] std::vector<node_keys> keys_in(const nlohmann::ordered_json& report);

/// Why not all nodes can be taken to read what is sealed under a key; nothing if they do.
[[nodiscard]] std::string why_not_all_know(const std::vector<node_keys>& nodes, unsigned number);
/// The same of that they all use it.
[[nodiscard]] std::string why_not_all_use(const std::vector<node_keys>& nodes, unsigned number);

/// What `coterie key status` prints. `nodes` is empty if no daemon answers.
[[nodiscard]] std::string key_text(const std::string& file, const config::key_state& state,
                                   const std::vector<node_keys>& nodes);

} // namespace coterie::cli

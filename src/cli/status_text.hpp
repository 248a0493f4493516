// SPDX-License-Identifier: BSD-3-Clause
// The daemon's report as people read it: the few lines that say whether all is well first, then the links, the groups and
// the counters. A pure function of the report.
#pragma once

#include "cli/daemon_link.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace coterie::cli {

/// Groups that the status shows; `coterie groups` shows all.
inline constexpr std::size_t groups_shown_max = 20;
/// Processes of one group that are shown in a line.
inline constexpr std::size_t processes_shown_max = 8;

/// `report` is what the daemon says; fields that are missing or of another kind show as "?".
[[nodiscard]] std::string status_text(const nlohmann::ordered_json& report, const std::vector<listed_group>& groups);

/// A table of groups and their processes; says when it leaves some out.
[[nodiscard]] std::string groups_text(const std::vector<listed_group>& groups, std::size_t groups_max,
                                      std::size_t processes_max);

/// A process as NODE/PID.
[[nodiscard]] std::string process_text(const ipc::address& who);

} // namespace coterie::cli

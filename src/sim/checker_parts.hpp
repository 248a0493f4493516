// SPDX-License-Identifier: BSD-3-Clause
// The parts of the checker, one a concern; check() calls them all. Each looks at the sorted trace alone and adds what it
// finds.
#pragma once

#include "sim/checker_index.hpp"

namespace coterie::sim::checking {

/// Between which common points a client saw an item: the number of common points of its node before it (1: after the
/// first). Ambiguous where `earliest` and `latest` differ; `latest` is 0 where it could not be placed at all.
struct placement {
    std::uint32_t earliest = 0;
    std::uint32_t latest = 0;
    bool report = false; ///< it is itself part of what the common point told
};

/// By client and item.
using placements = std::vector<std::vector<placement>>;

/// 2, and 17 as far as it is about views.
void check_configurations(const sorted_trace& trace, findings& found);
/// 4
void check_transitions(const sorted_trace& trace, findings& found);
/// 1, 3, 5, 6
void check_order(const sorted_trace& trace, findings& found);
/// 1: causality has no cycle.
void check_causality(const sorted_trace& trace, findings& found);
/// 7
void check_safe(const sorted_trace& trace, findings& found);
/// 9, 11
void check_groups(const sorted_trace& trace, findings& found);
/// 10, and 11 as far as it is about nodes that have gone. Gives where each item belongs, for check_stories.
[[nodiscard]] placements check_common_points(const sorted_trace& trace, findings& found);
/// 8
void check_stories(const sorted_trace& trace, const placements& places, findings& found);
/// 1, 6, 12, 14, 15: what clients got against what their nodes delivered and their senders sent.
void check_messages(const sorted_trace& trace, findings& found);
/// 13, and 17 as far as it is about joins and leaves that are not answered.
void check_tables(const sorted_trace& trace, findings& found);
/// "Inside, checked too": promises and plans.
void check_promises(const sorted_trace& trace, findings& found);
/// "Inside, checked too": the token, and the numbers given under it.
void check_token(const sorted_trace& trace, findings& found);

} // namespace coterie::sim::checking

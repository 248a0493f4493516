// SPDX-License-Identifier: BSD-3-Clause
// Judging a run: sort the trace, then one part after the other.
#include "sim/checker.hpp"

#include "sim/checker_parts.hpp"

namespace coterie::sim {

std::vector<violation> check(std::span<const trace::event> events, const checker_options& options) {
    checking::findings found(options.violations_max_per_guarantee);
    const checking::sorted_trace trace(events, options, found);
    checking::check_configurations(trace, found);
    checking::check_transitions(trace, found);
    checking::check_order(trace, found);
    checking::check_causality(trace, found);
    checking::check_safe(trace, found);
    checking::check_groups(trace, found);
    const checking::placements places = checking::check_common_points(trace, found);
    checking::check_stories(trace, places, found);
    checking::check_messages(trace, found);
    checking::check_tables(trace, found);
    checking::check_promises(trace, found);
    checking::check_token(trace, found);
    return found.take();
}

} // namespace coterie::sim

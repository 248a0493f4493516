// SPDX-License-Identifier: BSD-3-Clause
// Finding stretches: the common points of two nodes, side by side.
#include "sim/checker_stretches.hpp"

#include <algorithm>

namespace coterie::sim::checking {

namespace {

/// How far what was delivered in the last view of a stretch agrees.
void judge_end(const sorted_trace& trace, const life& here, std::size_t visit_here, const life& there,
               std::size_t visit_there, stretch& each) {
    const visit& mine = here.visits[visit_here];
    const visit& other = there.visits[visit_there];
    const bool both_left = visit_here + 1 < here.visits.size() && visit_there + 1 < there.visits.size();
    const bool moved_together = both_left && here.visits[visit_here + 1].view == there.visits[visit_there + 1].view &&
                                mine.together == other.together && trace.together_with(mine, there.who.node);
    each.same_end = &here == &there || moved_together || mine.delivered == other.delivered;
    each.shared = std::min(mine.regular_count, other.regular_count);
    const auto inside = [](const visit& one, const visit& of) {
        return one.transitional == none && one.regular_count <= of.regular_count;
    };
    each.strict = inside(mine, other) || inside(other, mine);
}

} // namespace

std::vector<stretch> find_stretches(const sorted_trace& trace, const life& here, const life& there) {
    std::vector<stretch> result;
    const auto& mine = here.common_points;
    const auto& others = there.common_points;
    std::uint32_t i = 0;
    std::uint32_t j = 0;
    bool follows = false; // the common points before these two were one, too
    while (i < mine.size() && j < others.size()) {
        const std::size_t my_view = here.visits[mine[i].visit].view;
        const std::size_t other_view = there.visits[others[j].visit].view;
        if (my_view != other_view) {
            ++(my_view < other_view ? i : j);
            follows = false;
            continue;
        }
        const bool together = follows && std::ranges::binary_search(mine[i].together, there.who.node) &&
                              std::ranges::binary_search(others[j].together, here.who.node);
        if (together) {
            ++result.back().length;
        } else {
            result.push_back({.first_here = i + 1, .first_there = j + 1, .length = 1});
        }
        follows = true;
        ++i;
        ++j;
    }
    for (stretch& each : result) {
        judge_end(trace, here, mine[each.first_here + each.length - 2].visit, there,
                  others[each.first_there + each.length - 2].visit, each);
    }
    return result;
}

} // namespace coterie::sim::checking

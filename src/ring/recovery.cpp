// SPDX-License-Identifier: BSD-3-Clause
// Unions of holdings, in runs.
#include "ring/recovery.hpp"

#include "base/mutant.hpp"

#include <algorithm>
#include <limits>

namespace coterie::ring {

namespace {

bool holds(const wire::report& report, sequence_number number) {
    if (number <= report.received) {
        return true;
    }
    const std::uint64_t bit = number.since(report.received) - 1;
    return bit / 8 < report.beyond.size() && (report.beyond[bit / 8] & 1U << (bit % 8)) != 0;
}

sequence_number highest_of(const wire::report& report) {
    for (std::size_t bit = report.beyond.size() * 8; bit > 0; --bit) {
        if ((report.beyond[(bit - 1) / 8] & 1U << ((bit - 1) % 8)) != 0) {
            return report.received.plus(bit);
        }
    }
    return report.received;
}

} // namespace

bool plausible(const wire::report& report) {
    return report.delivered <= report.received && report.stable <= report.received &&
           report.owed_stable <= report.received && (report.old_view.valid() || report.received.value == 0);
}

bool compatible(const wire::report& left, const wire::report& right) {
    return left.old_view != right.old_view || (std::max(left.stable, left.owed_stable) <= right.received &&
                                               std::max(right.stable, right.owed_stable) <= left.received);
}

wire::transition make_transition(const std::vector<const reported*>& reports) {
    wire::transition result;
    result.old_view = reports.front()->report.old_view;
    result.base = reports.front()->report.received;
    sequence_number top;
    for (const reported* each : reports) {
        result.together.push_back(each->who.node);
        result.base = std::min(result.base, each->report.received);
        result.stable = std::max(result.stable, each->report.stable);
        if (!COTERIE_MUTANT(ring_forget_obligation)) { // drops what completed plans have promised
            result.stable = std::max(result.stable, each->report.owed_stable);
        }
        top = std::max(top, highest_of(each->report));
    }
    for (const reported* each : reports) {
        for (const node_id node : each->report.owed) {
            if (!std::ranges::binary_search(result.together, node) && !COTERIE_MUTANT(ring_forget_obligation)) {
                result.owed.push_back(node);
            }
        }
    }
    std::ranges::sort(result.owed);
    const auto repeated = std::ranges::unique(result.owed);
    result.owed.erase(repeated.begin(), repeated.end());
    // Honest members owe nobody but members of one view.
    result.owed.resize(std::min(result.owed.size(), wire::members_max));
    // Honest members differ by a window at most; a stable number beyond the base is no honest one.
    result.stable = std::min(result.stable, result.base);
    top = std::min(top, result.base.plus(wire::window_packets_max));

    std::uint8_t owner = 0;
    for (sequence_number number = result.base.next(); number <= top; number = number.next()) {
        if (owner == wire::transition::run::nobody || !holds(reports[owner]->report, number)) {
            owner = wire::transition::run::nobody;
            for (std::size_t at = 0; at < reports.size(); ++at) {
                if (holds(reports[at]->report, number)) {
                    owner = static_cast<std::uint8_t>(at);
                    break;
                }
            }
        }
        auto& runs = result.union_runs;
        if (!runs.empty() && runs.back().owner == owner &&
            runs.back().count < std::numeric_limits<std::uint16_t>::max()) {
            ++runs.back().count;
        } else {
            runs.push_back({owner, 1});
        }
    }
    return result;
}

bool plausible(const wire::transition& transition, node_id self, sequence_number received) {
    std::uint64_t numbers = 0;
    for (const wire::transition::run& run : transition.union_runs) {
        const bool known = run.owner == wire::transition::run::nobody || run.owner < transition.together.size();
        if (!known) {
            return false;
        }
        numbers += run.count;
    }
    return transition.base <= received && transition.stable <= transition.base && numbers <= wire::window_packets_max &&
           std::ranges::binary_search(transition.together, self);
}

} // namespace coterie::ring

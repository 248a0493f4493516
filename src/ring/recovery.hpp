// SPDX-License-Identifier: BSD-3-Clause
// The arithmetic of a plan: what the members of an old view that move together hold between them, who re-sends what,
// and up to where everything is known to be stable. Pure functions of reports (docs/protocol.md, section 4).
#pragma once

#include "ring/settings.hpp"
#include "wire/packets.hpp"

#include <vector>

namespace coterie::ring {

/// One member's report, with its sender.
struct reported {
    member who;
    wire::report report;
};

/// Whether a report is one that an honest member could have sent.
[[nodiscard]] bool plausible(const wire::report& report);

/// Whether two members can go from one old view to the next together: what one of them holds to be received by all, the
/// other has received. It is always so unless a member has spoken for another one; and then nobody may be left who has what
/// is missing.
[[nodiscard]] bool compatible(const wire::report& left, const wire::report& right);

/// The transition out of one old view of all `reports`, which name that view; sorted by node, not empty.
[[nodiscard]] wire::transition make_transition(const std::vector<const reported*>& reports);

/// Whether a transition can be carried out by a member that has received up to `received`.
[[nodiscard]] bool plausible(const wire::transition& transition, node_id self, sequence_number received);

/// Calls `visit(number, owner)` for each number of the union beyond the base.
template <class Visit>
void for_each_owned(const wire::transition& transition, Visit visit) {
    sequence_number number = transition.base;
    for (const wire::transition::run& run : transition.union_runs) {
        for (std::uint16_t at = 0; at < run.count; ++at) {
            number = number.next();
            if (run.owner != wire::transition::run::nobody) {
                visit(number, run.owner);
            }
        }
    }
}

} // namespace coterie::ring

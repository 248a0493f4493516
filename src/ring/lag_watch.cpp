// SPDX-License-Identifier: BSD-3-Clause
// One number after the other is marked, and the time taken until the member has it.
#include "ring/lag_watch.hpp"

#include <algorithm>

namespace coterie::ring {

void lag_watch::heard(std::size_t place, node_id node, sequence_number theirs, sequence_number own) {
    state& member = _members[place];
    const time_point now = _context.now;
    const bool marked = member.mark != sequence_number{};
    const duration taken = marked ? now - member.marked : duration::zero();
    if (marked && theirs < member.mark) {
        member.lag = std::max(member.lag, taken);
    } else {
        const bool behind = theirs < own;
        member.lag = behind ? taken : duration::zero();
        member.mark = behind ? own : sequence_number{};
        member.marked = now;
    }
    const duration limit = _context.cfg.lag_limit;
    if (!member.slow && member.lag >= limit) {
        member.slow = true;
        member.slow_since = now - member.lag;
        _context.world.on_step({.what = step::kind::lagging,
                                .number = sequence_number{{static_cast<std::uint64_t>(member.lag.count())}},
                                .peer = node});
    }
    if (!member.slow || member.lag > limit / 2) {
        member.well_since = base::never;
        const duration patience = _context.cfg.lag_patience;
        if (member.slow && patience > duration::zero() && now - member.slow_since >= patience) {
            _hopeless = place;
        }
    } else if (member.well_since == base::never) {
        member.well_since = now;
    } else if (now - member.well_since >= limit) {
        member.slow = false;
        _context.world.on_step(
            {.what = step::kind::caught_up,
             .number = sequence_number{{static_cast<std::uint64_t>((member.well_since - member.slow_since).count())}},
             .peer = node});
    }
}

void lag_watch::forget() {
    for (state& each : _members) {
        each.mark = {};
    }
}

std::optional<duration> lag_watch::lag(std::size_t place) const {
    const state& member = _members[place];
    return member.slow ? std::optional(member.lag) : std::nullopt;
}

} // namespace coterie::ring

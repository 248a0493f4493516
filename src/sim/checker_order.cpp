// SPDX-License-Identifier: BSD-3-Clause
// Guarantees 1, 3, 5 and 6 on packets: what was delivered was numbered, by a member, once; each node delivers in
// ascending order, without holes in R, and in T(R) past a hole only what may be delivered there.
//
// Why that is enough for "no two nodes anywhere deliver two messages in opposite orders": within a view all deliver by
// ascending number, and the views that a node installs ascend, so all deliver by ascending (view, number).
#include "sim/checker_parts.hpp"
#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace coterie::sim::checking {

namespace {

std::string packet_name(const sorted_trace& trace, const packet& one) {
    return fmt::format("packet {} {}", in_words(trace.views[one.view].id), one.number);
}

/// Where a packet came from, and that what is said of it is said by all.
void check_origin(const sorted_trace& trace, const life& one, std::size_t place, const packet& what, findings& found) {
    const event& seen = trace.events[place];
    if (what.numbered == none) {
        found.add(1, fmt::format("{} delivers {}, which nobody numbered", trace.name(one), packet_name(trace, what)),
                  {place});
        return;
    }
    if (trace.lives[what.life].who.node != seen.peer) {
        found.add(
            1, fmt::format("{} takes {} for one of {}", trace.name(one), packet_name(trace, what), in_words(seen.peer)),
            {place, what.numbered});
    }
    if (what.safe != seen.safe) {
        found.add(7,
                  fmt::format("{} takes {} for {} one", trace.name(one), packet_name(trace, what),
                              seen.safe ? "a safe" : "an agreed"),
                  {place, what.numbered});
    }
}

void check_numbering(const sorted_trace& trace, findings& found) {
    for (const packet& one : trace.packets) {
        if (one.numbered == none) {
            continue;
        }
        const base::member& by = trace.lives[one.life].who;
        const auto& members = trace.views[one.view].members;
        if (std::ranges::find(members, by) == members.end()) {
            found.add(
                1, fmt::format("{} is numbered by {}, which is no member", packet_name(trace, one), in_words(by.node)),
                {one.numbered});
        }
        if (one.number <= one.delivered_before) {
            found.add(5,
                      fmt::format("{} numbers {} after it delivered {} packets", in_words(by.node),
                                  packet_name(trace, one), one.delivered_before),
                      {one.numbered});
        }
    }
    for (const life& one : trace.lives) {
        for (const visit& at : one.visits) {
            for (std::size_t i = 1; i < at.numbered.size(); ++i) {
                if (at.numbered[i] <= at.numbered[i - 1]) {
                    found.add(5,
                              fmt::format("{} numbers {} after {}", trace.name(one),
                                          packet_name(trace, trace.packets[at.numbered[i]]),
                                          trace.packets[at.numbered[i - 1]].number),
                              {trace.packets[at.numbered[i]].numbered, trace.packets[at.numbered[i - 1]].numbered});
                }
            }
        }
    }
}

/// R is delivered without holes from 1 on; R and T(R) in ascending order.
void check_sequence(const sorted_trace& trace, const life& one, const visit& at, findings& found) {
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < at.delivered.size(); ++i) {
        const packet& what = trace.packets[at.delivered[i]];
        const std::size_t place = at.delivered_events[i];
        const std::size_t place_before = i > 0 ? at.delivered_events[i - 1] : none;
        check_origin(trace, one, place, what, found);
        if (what.number == last) {
            found.add(1, fmt::format("{} delivers {} twice", trace.name(one), packet_name(trace, what)),
                      {place, place_before});
        } else if (what.number < last) {
            found.add(6, fmt::format("{} delivers {} after {}", trace.name(one), packet_name(trace, what), last),
                      {place, place_before});
        } else if (what.number != last + 1 && i < at.regular_count) {
            found.add(6,
                      fmt::format("{} delivers {} in the regular configuration, past a hole after {}", trace.name(one),
                                  packet_name(trace, what), last),
                      {place});
        }
        last = std::max(last, what.number);
    }
}

/// Whether anybody who leaves the view with this set completed another attempt before: then it may owe more than its own
/// plan says.
bool has_obligations(const sorted_trace& trace, const visit& at, std::size_t next) {
    const view& in = trace.views[at.view];
    return std::ranges::any_of(in.visits, [&](const auto& mate) {
        const life& one = trace.lives[mate.first];
        const visit& there = one.visits[mate.second];
        if (!trace.together_with(at, one.who.node)) {
            return false;
        }
        return std::ranges::any_of(there.completed, [&](std::size_t place) {
            return next == none || trace.events[place].view != trace.views[next].id;
        });
    });
}

/// Past its first hole a node skips only what came from outside its transitional set, and delivers only what came from
/// inside, or is owed; and nothing that was sent by somebody who had delivered what it skips.
void check_holes(const sorted_trace& trace, std::size_t life_at, std::size_t place, findings& found) {
    const life& one = trace.lives[life_at];
    const visit& at = one.visits[place];
    if (at.together == none || at.delivered.size() == at.regular_count) {
        return;
    }
    const view& in = trace.views[at.view];
    const auto hole = [&] {
        std::uint64_t last = 0;
        for (const std::size_t each : at.delivered) {
            if (trace.packets[each].number != last + 1) {
                return last + 1;
            }
            last = trace.packets[each].number;
        }
        return last + 1;
    }();
    if (trace.packets[at.delivered.back()].number < hole) {
        return;
    }
    const bool may_owe = has_obligations(trace, at, trace.next_view(life_at, place));

    std::map<base::node_id, std::size_t> skipped; // originator: the first packet skipped
    std::size_t next = in.packets_begin;
    while (next < in.packets_end && trace.packets[next].number < hole) {
        ++next;
    }
    for (std::size_t i = 0; i < at.delivered.size(); ++i) {
        const packet& what = trace.packets[at.delivered[i]];
        if (what.number < hole || what.numbered == none) {
            continue;
        }
        const std::size_t event_at = at.delivered_events[i];
        for (; next < at.delivered[i]; ++next) {
            const packet& missing = trace.packets[next];
            if (missing.numbered == none) {
                continue;
            }
            const base::node_id from = trace.lives[missing.life].who.node;
            skipped.try_emplace(from, next);
            if (trace.together_with(at, from)) {
                found.add(6,
                          fmt::format("{} delivers {} but skips {}, though {} is in its transitional set",
                                      trace.name(one), packet_name(trace, what), missing.number, in_words(from)),
                          {event_at, missing.numbered, at.transitional});
            }
        }
        next = std::max(next, at.delivered[i] + 1);

        const base::node_id from = trace.lives[what.life].who.node;
        if (!trace.together_with(at, from) && !may_owe) {
            found.add(6,
                      fmt::format("{} delivers {} past a hole at {}, though {} is outside its transitional set and "
                                  "nobody in it owes anything",
                                  trace.name(one), packet_name(trace, what), hole, in_words(from)),
                      {event_at, what.numbered, at.transitional});
        }
        if (const auto earlier = skipped.find(from); earlier != skipped.end()) {
            found.add(5,
                      fmt::format("{} delivers {} but not {}, which {} sent before", trace.name(one),
                                  packet_name(trace, what), trace.packets[earlier->second].number, in_words(from)),
                      {event_at, trace.packets[earlier->second].numbered, what.numbered});
        }
        if (what.delivered_before >= hole) {
            found.add(5,
                      fmt::format("{} delivers {} but not {}, which {} had delivered before it sent that",
                                  trace.name(one), packet_name(trace, what), hole, in_words(from)),
                      {event_at, what.numbered});
        }
    }
}

/// What a node numbered in R it has delivered when it goes on to another view, or when all has come to rest.
void check_own(const sorted_trace& trace, const life& one, std::size_t place, findings& found) {
    const visit& at = one.visits[place];
    const bool moved = place + 1 < one.visits.size();
    if (!moved && (!trace.options.quiet_tail || !one.alive())) {
        return;
    }
    for (const std::size_t each : at.numbered) {
        const packet& own = trace.packets[each];
        if (!std::ranges::binary_search(at.delivered, each)) {
            found.add(3, fmt::format("{} does not deliver its own {}", trace.name(one), packet_name(trace, own)),
                      {own.numbered, moved ? one.visits[place + 1].regular : none});
        }
    }
}

} // namespace

void check_order(const sorted_trace& trace, findings& found) {
    check_numbering(trace, found);
    for (std::size_t at = 0; at < trace.lives.size(); ++at) {
        const life& one = trace.lives[at];
        for (std::size_t place = 0; place < one.visits.size(); ++place) {
            check_sequence(trace, one, one.visits[place], found);
            check_holes(trace, at, place, found);
            check_own(trace, one, place, found);
        }
    }
}

} // namespace coterie::sim::checking

// SPDX-License-Identifier: BSD-3-Clause
// "Inside, checked too": the token of each view. A hop has one giver, one target and one taker; only who holds the token
// numbers, and the numbers of the hops follow each other without holes.
#include "sim/checker_parts.hpp"
#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <tuple>

namespace coterie::sim::checking {

namespace {

struct hop {
    std::size_t given = none; ///< event
    std::size_t taken = none; ///< event
};

class token {
public:
    token(const sorted_trace& trace, findings& found) : _trace(trace), _found(found), _hop_of(trace.packets.size()) {}

    void check() {
        for (const life& one : _trace.lives) {
            follow(one);
        }
        for (const auto& [id, each] : _hops) {
            check_passage(id.first, id.second, each);
        }
        for (const view& each : _trace.views) {
            check_numbers(each);
        }
    }

private:
    void complain(std::string what, std::vector<std::size_t> events) {
        _found.add(inside_guarantee, std::move(what), std::move(events));
    }

    /// The token as one life has it.
    void follow(const life& one) {
        base::view_id view;
        base::view_id installed;
        std::uint64_t holding = 0; // hop
        std::uint64_t highest = 0;
        std::size_t latest = none;
        for (const std::size_t place : one.events) {
            const event& what = _trace.events[place];
            if (what.kind == event_kind::regular) {
                installed = what.view;
            }
            if (what.kind != event_kind::hop_given && what.kind != event_kind::hop_taken &&
                what.kind != event_kind::numbered) {
                continue;
            }
            if (what.view != view) {
                view = what.view;
                holding = 0;
                highest = 0;
                latest = none;
            }
            if (what.kind == event_kind::numbered) {
                number(one, place, holding, latest);
                continue;
            }
            if (what.view != installed) {
                complain(fmt::format("{} '{}' while it has {} installed", _trace.name(one), in_words(what),
                                     in_words(installed)),
                         {place});
            }
            hop& known = _hops[{what.view, what.hop.value}];
            if (what.hop.value <= highest) {
                complain(fmt::format("{} '{}' after hop {}", _trace.name(one), in_words(what), highest),
                         {place, latest});
            }
            if (what.kind == event_kind::hop_given) {
                if (holding == 0 || holding + 1 != what.hop.value) {
                    complain(fmt::format("{} '{}' without holding the token", _trace.name(one), in_words(what)),
                             {place, latest});
                }
                if (known.given != none) {
                    complain(fmt::format("hop {} of {} is given twice", what.hop.value, in_words(what.view)),
                             {place, known.given});
                } else {
                    known.given = place;
                }
                holding = 0;
            } else {
                if (known.taken != none) {
                    complain(fmt::format("hop {} of {} is taken twice", what.hop.value, in_words(what.view)),
                             {place, known.taken});
                } else {
                    known.taken = place;
                }
                holding = what.hop.value;
            }
            highest = std::max(highest, what.hop.value);
            latest = place;
        }
    }

    void number(const life& one, std::size_t place, std::uint64_t holding, std::size_t latest) {
        const std::size_t at = _trace.packet_of[place];
        if (at == none || _trace.packets[at].numbered != place) {
            return;
        }
        const packet& what = _trace.packets[at];
        const auto& members = _trace.views[what.view].members;
        if (what.number <= members.size()) {
            if (what.number == 0 || members[what.number - 1] != one.who) {
                complain(fmt::format("{} '{}', the place of another", _trace.name(one), in_words(_trace.events[place])),
                         {place, _trace.views[what.view].first_install});
            }
            return;
        }
        _hop_of[at] = holding;
        if (holding == 0 && _trace.has_ring_steps) {
            complain(fmt::format("{} '{}' without holding the token", _trace.name(one), in_words(_trace.events[place])),
                     {place, latest});
        }
    }

    void check_passage(const base::view_id& view, std::uint64_t number, const hop& each) {
        if (each.taken == none) {
            return;
        }
        const event& taken = _trace.events[each.taken];
        if (each.given == none) {
            if (number != 1) {
                complain(fmt::format("{} takes hop {} of {}, which nobody gave", in_words(taken.node), number,
                                     in_words(view)),
                         {each.taken});
            }
        } else if (_trace.events[each.given].peer != taken.node) {
            complain(fmt::format("{} takes hop {} of {}, which was given to {}", in_words(taken.node), number,
                                 in_words(view), in_words(_trace.events[each.given].peer)),
                     {each.taken, each.given});
        }
    }

    /// Behind the places of the tables, numbers follow each other, and so do the hops in which they were given.
    void check_numbers(const view& in) {
        if (!_trace.has_ring_steps) {
            return;
        }
        std::uint64_t last = in.members.size();
        std::uint64_t last_hop = 0;
        std::size_t last_event = none;
        for (std::size_t at = in.packets_begin; at < in.packets_end; ++at) {
            const packet& each = _trace.packets[at];
            if (each.numbered == none || each.number <= in.members.size()) {
                continue;
            }
            if (each.number != last + 1) {
                complain(fmt::format("{} {} is numbered, {} is not", in_words(in.id), each.number, last + 1),
                         {each.numbered, last_event});
            }
            if (_hop_of[at] < last_hop) {
                complain(fmt::format("{} {} is numbered in hop {}, the one before in hop {}", in_words(in.id),
                                     each.number, _hop_of[at], last_hop),
                         {each.numbered, last_event});
            }
            last = each.number;
            last_hop = _hop_of[at];
            last_event = each.numbered;
        }
    }

    const sorted_trace& _trace;
    findings& _found;
    std::map<std::pair<base::view_id, std::uint64_t>, hop> _hops;
    std::vector<std::uint64_t> _hop_of; ///< by packet
};

} // namespace

void check_token(const sorted_trace& trace, findings& found) { token(trace, found).check(); }

} // namespace coterie::sim::checking

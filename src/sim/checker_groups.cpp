// SPDX-License-Identifier: BSD-3-Clause
// Guarantees 9 and 11 on what each process saw of its group: the arithmetic of changes, why they say that they happened,
// that they begin with the own join and end with the own departure, and that messages come from members.
#include "sim/checker_parts.hpp"
#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <optional>

namespace coterie::sim::checking {

namespace {

std::vector<process> whos(const std::vector<trace::departed>& entries) {
    std::vector<process> result;
    result.reserve(entries.size());
    std::ranges::transform(entries, std::back_inserter(result), &trace::departed::who);
    return result;
}

bool sorted_unique(const std::vector<process>& list) {
    return std::ranges::is_sorted(list) && std::ranges::adjacent_find(list) == list.end();
}

/// The one reason of all entries; nothing if they differ.
std::optional<reason> common_reason(const std::vector<trace::departed>& entries) {
    const bool one = std::ranges::all_of(entries, [&](const auto& each) { return each.why == entries.front().why; });
    return one ? std::optional(entries.front().why) : std::nullopt;
}

/// What one process saw of one membership.
class story {
public:
    story(const sorted_trace& trace, std::size_t number, findings& found)
        : _trace(trace),
          _in(trace.memberships[number]),
          _one(trace.clients[_in.client]),
          _found(found) {}

    void check() {
        for (const std::size_t at : _in.items) {
            const std::size_t place = _one.items[at].event;
            const event& what = _trace.events[place];
            if (what.kind == event_kind::client_delivered) {
                check_delivery(place, what);
            } else {
                check_shape(place, what);
                check_arithmetic(place, what);
                check_truth(place, what);
                _members = what.processes;
                _begun = true;
                _latest_change = place;
            }
        }
    }

private:
    void complain(int guarantee, std::string_view what, std::size_t place) {
        _found.add(guarantee, fmt::format("{} {}: {}", _trace.name(_one), in_words(_trace.events[place]), what),
                   {place, _latest_change});
    }

    void check_delivery(std::size_t place, const event& what) {
        if (!_begun) {
            complain(11, "its first event is not the change that lists it", place);
        } else if (!std::ranges::binary_search(_members, what.sender)) {
            complain(11, "the sender is not a member", place);
        }
    }

    void check_shape(std::size_t place, const event& what) {
        const std::vector<process> left = whos(what.left);
        const std::vector<process> joined = whos(what.joined);
        if (!sorted_unique(what.processes) || !sorted_unique(left) || !sorted_unique(joined)) {
            complain(9, "a list is not sorted, or not without doubles", place);
        }
        if (left.empty() == joined.empty()) {
            complain(9, left.empty() ? "nothing changes" : "departures and joins in one event", place);
            return;
        }
        const auto why = common_reason(left.empty() ? what.joined : what.left);
        if (!why) {
            complain(9, "two causes in one event", place);
            return;
        }
        const bool single = left.size() + joined.size() == 1;
        switch (*why) {
        case reason::undefined: complain(9, "nobody says why", place); break;
        case reason::join:
        case reason::node_up:
            if (joined.empty()) {
                complain(9, "a departure for the reason of a join", place);
            }
            break;
        case reason::leave:
        case reason::process_down:
        case reason::node_down:
            if (left.empty()) {
                complain(9, "a join for the reason of a departure", place);
            }
            break;
        }
        if (!single && *why != reason::node_up && *why != reason::node_down) {
            complain(9, "several processes in an event of one", place);
        }
    }

    void check_arithmetic(std::size_t place, const event& what) {
        if (!_begun) {
            check_first(place, what);
            return;
        }
        std::vector<process> expected;
        const std::vector<process> left = whos(what.left);
        const std::vector<process> joined = whos(what.joined);
        std::ranges::set_difference(_members, left, std::back_inserter(expected));
        if (expected.size() + left.size() != _members.size()) {
            complain(9, "somebody leaves who was no member", place);
        }
        const std::size_t stayed = expected.size();
        std::ranges::copy_if(joined, std::back_inserter(expected), [&](const process& who) {
            return !std::binary_search(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(stayed), who);
        });
        if (expected.size() != stayed + joined.size()) {
            complain(9, "somebody joins who was a member", place);
        }
        std::ranges::inplace_merge(expected, expected.begin() + static_cast<std::ptrdiff_t>(stayed));
        if (expected != what.processes) {
            complain(9, fmt::format("the members before were {}", in_words(std::span<const process>(_members))), place);
        }
    }

    void check_first(std::size_t place, const event& what) {
        const bool refused =
            what.processes.empty() && what.left == std::vector<trace::departed>{{_one.who, reason::process_down}};
        if (refused) {
            return; // the tables of the groups were full
        }
        if (what.joined != std::vector<trace::departed>{{_one.who, reason::join}}) {
            complain(11, "its first event is not its own join", place);
        } else if (!std::ranges::binary_search(what.processes, _one.who)) {
            complain(9, "it joins, and is no member", place);
        }
        for (const process& each : what.processes) {
            check_known(each, place, [](const membership&, const client&) { return true; }, "never asked to join");
        }
    }

    /// What is said of others is so, as far as the others' own streams tell.
    void check_truth(std::size_t place, const event& what) {
        for (const trace::departed& each : what.joined) {
            if (each.who.node == _one.who.node && each.why == reason::node_up) {
                complain(10, "its own node comes up", place);
            }
            check_known(each.who, place, [](const membership&, const client&) { return true; }, "never asked to join");
        }
        for (const trace::departed& each : what.left) {
            if (each.who == _one.who && each.why != reason::leave && _begun) {
                complain(11, "it lives, and has left for another reason than a leave", place);
            }
            switch (each.why) {
            case reason::leave:
                if (each.who == _one.who && (_in.leave == none || _in.leave > place)) {
                    complain(11, "it never asked to leave", place);
                }
                check_known(
                    each.who, place, [](const membership& in, const client&) { return in.leave != none; },
                    "never asked to leave");
                break;
            case reason::process_down:
                check_known(
                    each.who, place, [](const membership&, const client& one) { return one.ended != none; },
                    "never ended");
                break;
            case reason::node_down:
                if (each.who.node == _one.who.node) {
                    complain(10, "its own node goes down", place);
                }
                break;
            default: break;
            }
        }
    }

    template <class Condition>
    void check_known(const process& who, std::size_t place, Condition&& condition, std::string_view complaint) {
        const auto known = _trace.memberships_of.find(who);
        if (known == _trace.memberships_of.end()) {
            if (_trace.options.all_clients_traced) {
                complain(11, fmt::format("{} {}", in_words(who), complaint), place);
            }
            return;
        }
        const bool any = std::ranges::any_of(known->second, [&](std::size_t at) {
            const membership& in = _trace.memberships[at];
            return in.group == _in.group && condition(in, _trace.clients[in.client]);
        });
        if (!any) {
            complain(11, fmt::format("{} {}", in_words(who), complaint), place);
        }
    }

    const sorted_trace& _trace;
    const membership& _in;
    const client& _one;
    findings& _found;
    std::vector<process> _members;
    std::size_t _latest_change = none;
    bool _begun = false;
};

} // namespace

void check_groups(const sorted_trace& trace, findings& found) {
    for (std::size_t number = 0; number < trace.memberships.size(); ++number) {
        story(trace, number, found).check();
    }
}

} // namespace coterie::sim::checking

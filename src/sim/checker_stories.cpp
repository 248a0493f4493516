// SPDX-License-Identifier: BSD-3-Clause
// Guarantee 8: processes of a group on nodes that stay together see the same deliveries and changes, interleaved alike.
// Each story is a sequence of items with known places between common points; two stories are compared item by item over
// each stretch of common points through which their nodes stay together, from where both processes are members.
#include "sim/checker_parts.hpp"
#include "sim/checker_stretches.hpp"
#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace coterie::sim::checking {

namespace {

std::uint64_t mix(std::uint64_t state, std::uint64_t value) {
    state = (state ^ value) * 0x9e3779b97f4a7c15U;
    return state ^ state >> 32U;
}

std::uint64_t mix(std::uint64_t state, const process& who) {
    return mix(state, std::uint64_t{who.node.value} << 32U | who.pid);
}

/// Two items with the same content are the same item.
std::uint64_t content_of(const event& what) {
    std::uint64_t state = mix(1, static_cast<std::uint64_t>(what.kind));
    state = mix(state, what.sender);
    state = mix(state, what.message);
    for (const process& each : what.processes) {
        state = mix(state, each);
    }
    for (const auto* list : {&what.left, &what.joined}) {
        state = mix(state, list->size());
        for (const trace::departed& each : *list) {
            state = mix(mix(state, each.who), static_cast<std::uint64_t>(each.why));
        }
    }
    return state;
}

/// One membership, as a sequence.
struct sequence {
    const membership* in = nullptr;
    const client* one = nullptr;
    std::vector<std::uint64_t> content;
    std::vector<placement> places;
    bool whole = false; ///< nothing is missing at its end

    [[nodiscard]] std::size_t size() const { return content.size(); }
    /// How many items come before what lies behind the report of this common point; nothing if that is not known.
    [[nodiscard]] std::optional<std::size_t> begin_of(std::uint32_t point) const {
        const auto at = std::ranges::partition_point(places, [point](const placement& each) {
            return each.earliest < point || (each.earliest == point && each.report);
        });
        // What was seen at the common point, but is no part of its report, lies behind it.
        const bool behind = at != places.begin() && std::prev(at)->latest == point && !std::prev(at)->report;
        return behind ? std::nullopt : known_before(at, point);
    }
    /// How many come for certain before the next common point.
    [[nodiscard]] std::size_t end_of(std::uint32_t point) const {
        const auto at =
            std::ranges::partition_point(places, [point](const placement& each) { return each.latest <= point; });
        return static_cast<std::size_t>(at - places.begin());
    }
    /// Whether what comes after `end` lies behind the next common point for certain, or there can be nothing.
    [[nodiscard]] bool ends(std::size_t end, std::uint32_t point) const {
        return end == size() ? whole : places[end].earliest > point;
    }

private:
    [[nodiscard]] std::optional<std::size_t> known_before(std::vector<placement>::const_iterator at,
                                                          std::uint32_t point) const {
        const bool known = at == places.begin() || std::prev(at)->latest <= point;
        return known ? std::optional(static_cast<std::size_t>(at - places.begin())) : std::nullopt;
    }
};

/// What is compared: items [begin, end) of one membership.
struct section {
    const sequence* of = nullptr;
    std::size_t begin = 0;
    std::size_t end = 0;
    std::uint32_t first_point = 0; ///< the stretch, in common points
    std::uint32_t last_point = 0;

    /// Whether what follows is known to lie outside of it, or there can be nothing.
    [[nodiscard]] bool ends_by_itself() const { return of->ends(end, last_point); }
    [[nodiscard]] bool in_tail(std::size_t at) const { return of->places[at].latest >= last_point; }
};

class comparison {
public:
    comparison(const sorted_trace& trace, const placements& places, findings& found) : _trace(trace), _found(found) {
        for (std::size_t at = 0; at < trace.memberships.size(); ++at) {
            const membership& in = trace.memberships[at];
            const client& one = trace.clients[in.client];
            own_joins& own = _joins[{in.group, one.who}];
            own.uncertain = own.uncertain || in.first_change == none;
            if (in.first_change != none) {
                own.changes.insert(content_of(trace.events[in.first_change]));
            }
            if (one.life == none) {
                continue;
            }
            if (in.first_change != none) {
                std::vector<sequence>& group = _of_group[in.group];
                _of_process[{in.group, one.life, one.who}].push_back(group.size());
                group.push_back(read(in, one, places[in.client]));
            } else {
                _unseen.emplace(in.group, one.life, one.who);
            }
        }
    }

    void check() {
        find_holes();
        for (const auto& [group, sequences] : _of_group) {
            for (const sequence& each : sequences) {
                check_joins(each);
            }
            for (std::size_t here = 0; here < sequences.size(); ++here) {
                for (std::size_t there = here + 1; there < sequences.size(); ++there) {
                    compare(sequences[here], sequences[there]);
                }
            }
        }
    }

private:
    [[nodiscard]] sequence read(const membership& in, const client& one, const std::vector<placement>& places) const {
        sequence result;
        result.in = &in;
        result.one = &one;
        result.whole = _trace.complete(one) || in.last_change != none;
        for (const std::size_t at : in.items) {
            if (places[at].latest == 0) {
                result.whole = false; // from here on nobody knows where it belongs; check_common_points has said so
                break;
            }
            result.content.push_back(content_of(_trace.events[one.items[at].event]));
            result.places.push_back(places[at]);
        }
        return result;
    }

    // Joins.

    void find_holes() {
        _has_holes.resize(_trace.views.size(), false);
        for (const life& one : _trace.lives) {
            for (const visit& at : one.visits) {
                const bool hole =
                    !at.delivered.empty() && _trace.packets[at.delivered.back()].number > at.delivered.size();
                _has_holes[at.view] = _has_holes[at.view] || hole;
            }
        }
    }

    /// A join looks to all as it looks to the joiner, except past a hole, where not all may know the same members.
    void check_joins(const sequence& of) {
        const std::vector<common_point>& points = _trace.lives[of.one->life].common_points;
        for (std::size_t at = 0; at < of.size(); ++at) {
            const event& what = seen(of, at);
            if (what.kind != event_kind::client_change || what.joined.size() != 1 ||
                what.joined.front().why != reason::join || what.joined.front().who == of.one->who) {
                continue;
            }
            const auto known = _joins.find({of.in->group, what.joined.front().who});
            if (known == _joins.end() || known->second.uncertain || known->second.changes.contains(of.content[at])) {
                continue;
            }
            bool certain = true;
            for (std::uint32_t point = of.places[at].earliest; point <= of.places[at].latest; ++point) {
                certain = certain && !_has_holes[_trace.lives[of.one->life].visits[points[point - 1].visit].view];
            }
            if (certain) {
                _found.add(8,
                           fmt::format("{} sees '{}', which does not look like that to the joiner",
                                       _trace.name(*of.one), in_words(what)),
                           {place(of, at)});
            }
        }
    }

    [[nodiscard]] const event& seen(const sequence& of, std::size_t at) const { return _trace.events[place(of, at)]; }
    [[nodiscard]] static std::size_t place(const sequence& of, std::size_t at) {
        return of.one->items[of.in->items[at]].event;
    }

    // Stretches of two lives.

    const std::vector<stretch>& stretches(std::size_t here, std::size_t there) {
        const auto [known, is_new] = _stretches.try_emplace({here, there});
        if (is_new) {
            known->second = find_stretches(_trace, _trace.lives[here], _trace.lives[there]);
        }
        return known->second;
    }

    // Two memberships.

    void compare(const sequence& left, const sequence& right) {
        // A process has one story at a time in a group, also if it uses one handle after the other.
        if (left.one == right.one || (left.one->who == right.one->who && left.one->life == right.one->life)) {
            return;
        }
        for (const stretch& each : stretches(left.one->life, right.one->life)) {
            const auto begin_left = left.begin_of(each.first_here);
            const auto begin_right = right.begin_of(each.first_there);
            if (!begin_left || !begin_right) {
                continue;
            }
            const std::uint32_t last_left = each.first_here + each.length - 1;
            const std::uint32_t last_right = each.first_there + each.length - 1;
            section a{&left, *begin_left, left.end_of(last_left), each.first_here, last_left};
            section b{&right, *begin_right, right.end_of(last_right), each.first_there, last_right};
            if (align(a, b, each)) {
                walk(a, b, each);
            }
        }
    }

    /// Moves the beginnings to where both are members. False if there is no such place, or none that is certain.
    bool align(section& a, section& b, const stretch& each) {
        const bool a_member = a.begin > 0;
        const bool b_member = b.begin > 0;
        if (a_member && b_member) {
            return check_meeting(a, b, each);
        }
        if (!a_member && !b_member) {
            // Both join in this stretch: the earlier one sees the other's join.
            return seek_join(a, b, false) || seek_join(b, a, false);
        }
        return a_member ? seek_join(a, b, true) : seek_join(b, a, true);
    }

    /// At the common point where their nodes meet, both know the same members.
    bool check_meeting(const section& a, const section& b, const stretch& each) {
        const auto is_there = [](const section& one) {
            const bool left = one.of->in->last_change != none && one.begin == one.of->size();
            return !left && (one.begin < one.of->size() || one.of->whole);
        };
        if (!is_there(a) || !is_there(b)) {
            return false;
        }
        const std::size_t change_a = latest_change(a);
        const std::size_t change_b = latest_change(b);
        if (_trace.events[change_a].processes != _trace.events[change_b].processes) {
            const life& at = _trace.lives[a.of->one->life];
            const common_point& point = at.common_points[each.first_here - 1];
            _found.add(8,
                       fmt::format("after the common point of {} {} and {} know different members of {}",
                                   in_words(_trace.events[point.event].view), _trace.name(*a.of->one),
                                   _trace.name(*b.of->one), quoted(_trace.groups[a.of->in->group])),
                       {change_a, change_b, point.event});
            return false;
        }
        return true;
    }

    [[nodiscard]] std::size_t latest_change(const section& one) const {
        std::size_t at = one.begin;
        while (at > 1 && seen(*one.of, at - 1).kind != event_kind::client_change) {
            --at;
        }
        return place(*one.of, at - 1);
    }

    /// `joiner` joins in the stretch: where `older` sees that, both stories begin to be one.
    bool seek_join(section& older, section& joiner, bool is_older) {
        if (joiner.begin == joiner.end || joiner.begin != 0) {
            return false;
        }
        const std::uint64_t join = joiner.of->content.front();
        const auto& content = older.of->content;
        const auto from = content.begin() + static_cast<std::ptrdiff_t>(older.begin);
        const auto until = content.begin() + static_cast<std::ptrdiff_t>(older.end);
        const std::optional<std::size_t> before = equal_joins(joiner, join, is_older);
        if (!before) {
            return false;
        }
        std::size_t skip = *before;
        auto found = std::find(from, until, join);
        for (; found != until && skip > 0; --skip) {
            found = std::find(found + 1, until, join);
        }
        if (found != until) {
            older.begin = static_cast<std::size_t>(found - content.begin());
            return true;
        }
        const bool was_there = is_older || joined_before(older, joiner);
        if (was_there && has_passed(older, joiner) && !older_left_first(older) && !joiner.in_tail(0)) {
            _found.add(8,
                       fmt::format("{} never sees the join of {}, which was together with it",
                                   _trace.name(*older.of->one), _trace.name(*joiner.of->one)),
                       {place(*joiner.of, 0)});
        }
        return false;
    }

    /// How often the joiner's process has joined before in this stretch with the very same change: that many `older` has
    /// seen, if it was there all the time. Nothing where nobody can tell which join is which.
    [[nodiscard]] std::optional<std::size_t> equal_joins(const section& joiner, std::uint64_t join,
                                                         bool is_older) const {
        const membership& own = *joiner.of->in;
        if (_unseen.contains({own.group, joiner.of->one->life, joiner.of->one->who})) {
            return std::nullopt; // a handle that was closed before it saw its own join: others may have seen the same
        }
        std::size_t count = 0;
        for (const std::size_t at : _of_process.at({own.group, joiner.of->one->life, joiner.of->one->who})) {
            const sequence& each = _of_group.at(own.group)[at];
            if (each.in == &own) {
                continue;
            }
            if (each.size() == 0) {
                return std::nullopt;
            }
            const placement& first = each.places.front();
            const bool outside = first.latest < joiner.first_point || first.earliest > joiner.last_point;
            if (outside || each.content.front() != join) {
                continue;
            }
            const bool inside = first.earliest >= joiner.first_point && first.latest <= joiner.last_point;
            if (!inside || !is_older) {
                return std::nullopt;
            }
            count += each.in->first_change < own.first_change ? 1U : 0U;
        }
        return count;
    }

    /// Of two that join in the stretch: whether some common point lies in between for certain.
    [[nodiscard]] static bool joined_before(const section& older, const section& joiner) {
        return older.of->size() > 0 && older.begin == 0 &&
               older.of->places.front().latest - older.first_point <
                   joiner.of->places.front().earliest - joiner.first_point;
    }

    /// Whether `older` has seen what came after the join for certain.
    [[nodiscard]] static bool has_passed(const section& older, const section& joiner) {
        return older.ends_by_itself() ||
               (older.end > older.begin && older.of->places[older.end - 1].earliest - older.first_point >
                                               joiner.of->places.front().latest - joiner.first_point);
    }

    [[nodiscard]] bool older_left_first(const section& older) const {
        return older.of->in->last_change != none && older.end == older.of->size();
    }

    /// The two sections item by item, from where both are members.
    void walk(const section& a, const section& b, const stretch& each) {
        std::size_t i = a.begin;
        std::size_t j = b.begin;
        for (; i < a.end && j < b.end; ++i, ++j) {
            if (a.of->content[i] != b.of->content[j]) {
                differ(a, i, b, j, each);
                return;
            }
            if (parts(seen(*a.of, i), *a.of->one, *b.of->one)) {
                return;
            }
        }
        if (i < a.end) {
            goes_on(a, i, b, each);
        } else if (j < b.end) {
            goes_on(b, j, a, each);
        }
    }

    /// After a change that lists one of the two as gone there is nothing more to compare.
    static bool parts(const event& what, const client& left, const client& right) {
        return std::ranges::any_of(
            what.left, [&](const trace::departed& each) { return each.who == left.who || each.who == right.who; });
    }

    void differ(const section& a, std::size_t i, const section& b, std::size_t j, const stretch& each) {
        const bool tail = a.in_tail(i) && b.in_tail(j);
        if (tail && !each.same_end && !each.strict && !below(a, i, each.shared) && !below(b, j, each.shared)) {
            return;
        }
        _found.add(8,
                   fmt::format("{} and {} are together and see different things: '{}' and '{}'",
                               _trace.name(*a.of->one), _trace.name(*b.of->one), in_words(seen(*a.of, i)),
                               in_words(seen(*b.of, j))),
                   {place(*a.of, i), place(*b.of, j)});
    }

    /// `longer` goes on where `shorter` has ended.
    void goes_on(const section& longer, std::size_t at, const section& shorter, const stretch& each) {
        if (!shorter.ends_by_itself()) {
            return; // it died, or has not read on
        }
        if (longer.in_tail(at) && !each.same_end && !below(longer, at, each.shared)) {
            return;
        }
        _found.add(8,
                   fmt::format("{} sees '{}', and {}, which is together with it, does not",
                               _trace.name(*longer.of->one), in_words(seen(*longer.of, at)),
                               _trace.name(*shorter.of->one)),
                   {place(*longer.of, at), shorter.end > 0 ? place(*shorter.of, shorter.end - 1) : none});
    }

    /// Whether anything from here on was delivered in the part of the view that both delivered.
    [[nodiscard]] bool below(const section& one, std::size_t at, std::uint64_t shared) const {
        for (; at < one.end; ++at) {
            const std::size_t message = one.of->one->items[one.of->in->items[at]].message;
            if (message != none) {
                return _trace.packets[_trace.messages[message].packet].number <= shared;
            }
        }
        return false;
    }

    const sorted_trace& _trace;
    findings& _found;
    std::map<std::size_t, std::vector<sequence>> _of_group;
    using process_key = std::tuple<std::size_t, std::size_t, process>; // group, life, who
    std::map<process_key, std::vector<std::size_t>> _of_process;       // places in the group's sequences
    /// A process's own joins of a group.
    struct own_joins {
        std::set<std::uint64_t> changes; ///< what they looked like to itself
        bool uncertain = false;          ///< it ended before it saw one of them
    };
    std::map<std::pair<std::size_t, process>, own_joins> _joins;
    std::vector<bool> _has_holes;  ///< by view
    std::set<process_key> _unseen; // joins that never saw themselves
    std::map<std::pair<std::size_t, std::size_t>, std::vector<stretch>> _stretches;
};

} // namespace

void check_stories(const sorted_trace& trace, const placements& places, findings& found) {
    comparison(trace, places, found).check();
}

} // namespace coterie::sim::checking

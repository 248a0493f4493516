// SPDX-License-Identifier: BSD-3-Clause
// Guarantee 10: what a client saw fits the common points of its node, with at most one NODEDOWN and one NODEUP of a group
// at each, in that order; and 11: at no common point does a group keep a process whose node has gone.
//
// A client's stream does not say where the common points lie, so all ways to lay it along them are followed at once: the
// set of states that the node may have been in after each item. A state is a number of common points passed, and how
// far the report of the last one has come. If the set becomes empty, no honest node could have told this story.
#include "sim/checker_parts.hpp"
#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <tuple>

namespace coterie::sim::checking {

namespace {

/// How much of the report of the last common point has been told. Whatever else is told ends the report.
enum class told : std::uint8_t { all = 0, node_down = 1, node_up = 2 };

struct state {
    std::uint32_t passed = 0;
    told report = told::all;
    friend auto operator<=>(const state&, const state&) = default;
};
using states = std::vector<state>; // sorted, unique

enum class sight : std::uint8_t { delivery, own_join, single, node_down, node_up, ring, first_ring };

/// Stands for the common point of a view that has none at the node.
constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();

/// What of an item matters for where it may lie.
struct step {
    sight what{};
    const event* seen = nullptr;
    std::uint32_t pinned = 0;                      ///< delivery, ring: the common point it belongs to; 0: any
    std::uint32_t pinned_last = 0;                 ///< ring: the last of several that look the same to clients
    const std::vector<process>* members = nullptr; ///< of the client's group before this item
};

class walk {
public:
    walk(const sorted_trace& trace, const client& one, findings& found)
        : _trace(trace),
          _one(one),
          _points(trace.lives[one.life].common_points),
          _found(found) {
        for (std::uint32_t at = 0; at < _points.size(); ++at) {
            _point_of.emplace(view_at(at + 1).id, at + 1);
        }
        read();
    }

    std::vector<placement> follow() {
        std::vector<placement> result(_one.items.size());
        std::vector<states> after;
        after.reserve(_steps.size());
        states now = beginning();
        for (const step& each : _steps) {
            states next = advance(now, each);
            if (next.empty()) {
                complain(after.size(), now);
                break;
            }
            after.push_back(next);
            now = std::move(next);
        }
        if (after.size() == _steps.size()) {
            check_end(after.empty() ? beginning() : after.back());
        }
        narrow(after);
        for (std::size_t at = 0; at < after.size(); ++at) {
            const auto ends = std::ranges::minmax(after[at], {}, &state::passed);
            const sight what = _steps[at].what;
            result[at] = {ends.min.passed, ends.max.passed, what == sight::node_down || what == sight::node_up};
        }
        return result;
    }

private:
    [[nodiscard]] const view& view_at(std::uint32_t passed) const {
        const common_point& point = _points[passed - 1];
        return _trace.views[_trace.lives[_one.life].visits[point.visit].view];
    }

    /// Turns the items into steps, with the members of the group before each.
    void read() {
        static const std::vector<process> nobody;
        const std::vector<process>* members = &nobody;
        const event* before = nullptr;
        _steps.reserve(_one.items.size());
        for (const item& each : _one.items) {
            const event& what = _trace.events[each.event];
            step next{.what = sight::single, .seen = &what, .pinned = 0, .members = members};
            if (what.kind == event_kind::client_delivered) {
                next.what = sight::delivery;
                if (each.message != none) {
                    const packet& in = _trace.packets[_trace.messages[each.message].packet];
                    next.pinned = point_of(_trace.views[in.view].id);
                }
            } else if (what.kind == event_kind::client_view) {
                const bool first =
                    before != nullptr && before->kind == event_kind::client_change && has_own(before->joined);
                next.what = first ? sight::first_ring : sight::ring;
                std::tie(next.pinned, next.pinned_last) = points_of_ring(what.view);
                _watches_ring = _watches_ring || !first;
            } else {
                read_change(what, next);
                members = has_own(what.left) ? &nobody : &what.processes;
            }
            _steps.push_back(next);
            before = &what;
        }
    }

    void read_change(const event& what, step& next) const {
        const auto& entries = what.left.empty() ? what.joined : what.left;
        if (has_own(what.joined)) {
            next.what = sight::own_join;
        } else if (!entries.empty() && entries.front().why == reason::node_down) {
            next.what = sight::node_down;
        } else if (!entries.empty() && entries.front().why == reason::node_up) {
            next.what = sight::node_up;
        }
    }

    [[nodiscard]] bool has_own(const std::vector<trace::departed>& entries) const {
        return std::ranges::find(entries, _one.who, &trace::departed::who) != entries.end();
    }

    [[nodiscard]] std::uint32_t point_of(const base::view_id& id) const {
        const auto known = _point_of.find(id);
        return known == _point_of.end() ? nowhere : known->second;
    }

    /// Clients know epoch and coordinator only. A coordinator whose store was rolled back may use an epoch again, in
    /// another life; such views are neighbours.
    [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> points_of_ring(const base::view_id& id) const {
        std::pair<std::uint32_t, std::uint32_t> result{nowhere, 0};
        for (auto known = _point_of.lower_bound({id.epoch, id.coordinator, base::no_incarnation});
             known != _point_of.end() && known->first.epoch == id.epoch && known->first.coordinator == id.coordinator;
             ++known) {
            result = {std::min(result.first, known->second), std::max(result.second, known->second)};
        }
        return result;
    }

    /// How many common points the node may have passed when it heard of the client.
    [[nodiscard]] states beginning() const {
        const std::int64_t opened = _one.opened == none ? 0 : _trace.events[_one.opened].time_ns;
        const auto passed_by = [this](auto&& was_passed) {
            return static_cast<std::uint32_t>(std::ranges::count_if(
                _points, [&](const common_point& each) { return was_passed(_trace.events[each.event].time_ns); }));
        };
        const std::int64_t earliest = opened - _trace.options.opening_slack_ns;
        const std::uint32_t latest = passed_by([=](std::int64_t time_ns) { return time_ns <= opened; });
        states result;
        for (std::uint32_t passed = passed_by([=](std::int64_t time_ns) { return time_ns < earliest; });
             passed <= latest; ++passed) {
            result.push_back({passed, told::all});
        }
        return result;
    }

    [[nodiscard]] bool stayed(std::uint32_t point, base::node_id node) const {
        return std::ranges::binary_search(_points[point - 1].together, node);
    }

    /// Whether a common point has no departure to tell: none of the members is on a node that has gone.
    [[nodiscard]] bool silent(std::uint32_t point, const std::vector<process>& members) const {
        return std::ranges::all_of(members, [&](const process& each) { return stayed(point, each.node); });
    }

    /// All numbers of common points that may have been passed without a word, from `now` on, at most `limit`.
    [[nodiscard]] std::vector<std::uint32_t> reach(const states& now, const std::vector<process>& members,
                                                   std::uint32_t limit) const {
        std::vector<std::uint32_t> result;
        for (const state& from : now) {
            std::uint32_t passed = from.passed;
            if (!result.empty() && result.back() >= passed) {
                continue; // reached already, and so is what follows
            }
            if (_watches_ring && from.report != told::all) {
                continue; // the view of the ring has to follow
            }
            if (passed > limit) {
                break;
            }
            result.push_back(passed);
            // Who watches the ring hears of every common point.
            while (!_watches_ring && passed < limit && silent(passed + 1, members)) {
                result.push_back(++passed);
            }
        }
        return result;
    }

    static void add(states& into, state one) {
        const auto at = std::ranges::lower_bound(into, one);
        if (at == into.end() || *at != one) {
            into.insert(at, one);
        }
    }

    [[nodiscard]] states advance(const states& now, const step& each) const {
        const auto all = static_cast<std::uint32_t>(_points.size());
        states result;
        switch (each.what) {
        case sight::delivery:
        case sight::own_join:
        case sight::single: {
            if (each.pinned == nowhere) {
                break;
            }
            if (each.what == sight::delivery && each.pinned != 0 && now.size() == 1 && now[0].passed == each.pinned) {
                return {{each.pinned, told::all}}; // by far the most common case
            }
            const std::uint32_t limit = each.pinned != 0 ? each.pinned : all;
            for (const std::uint32_t passed : reach(now, *each.members, limit)) {
                if (passed > 0 && (each.pinned == 0 || passed == each.pinned) && all_present(passed, *each.seen)) {
                    add(result, {passed, told::all});
                }
            }
            break;
        }
        case sight::node_down:
            for (const std::uint32_t passed : reach(now, *each.members, all)) {
                if (passed < all && names_all_gone(passed + 1, each)) {
                    add(result, {passed + 1, told::node_down});
                }
            }
            break;
        case sight::node_up:
            for (const state& from : now) {
                if (from.report == told::node_down && all_came(from.passed, each)) {
                    add(result, {from.passed, told::node_up});
                }
            }
            for (const std::uint32_t passed : reach(now, *each.members, all)) {
                if (passed < all && silent(passed + 1, *each.members) && all_came(passed + 1, each)) {
                    add(result, {passed + 1, told::node_up});
                }
            }
            break;
        case sight::ring:
        case sight::first_ring: advance_ring(now, each, result); break;
        }
        return result;
    }

    /// The view of the ring: after the rest of the report, or as an answer to a join.
    void advance_ring(const states& now, const step& each, states& result) const {
        for (std::uint32_t point = each.pinned; point <= each.pinned_last; ++point) {
            if (same_nodes(view_at(point), *each.seen)) {
                advance_ring(now, each, point, result);
            }
        }
    }

    void advance_ring(const states& now, const step& each, std::uint32_t point, states& result) const {
        for (const state& from : now) {
            const bool rest = from.passed == point && (from.report != told::all || each.what == sight::first_ring);
            const bool alone = from.passed + 1 == point && silent(point, *each.members);
            if (rest || alone) {
                add(result, {point, told::all});
            }
        }
    }

    static bool same_nodes(const view& in, const event& seen) {
        return std::ranges::equal(in.members, seen.members, {}, &base::member::node, &base::member::node);
    }

    /// Joins, leaves and deaths are told by nodes of the view.
    [[nodiscard]] bool all_present(std::uint32_t passed, const event& what) const {
        const view& in = view_at(passed);
        const auto present = [&](const trace::departed& each) {
            return std::ranges::find(in.members, each.who.node, &base::member::node) != in.members.end();
        };
        return std::ranges::all_of(what.left, present) && std::ranges::all_of(what.joined, present);
    }

    [[nodiscard]] bool names_all_gone(std::uint32_t point, const step& each) const {
        auto named = each.seen->left.begin();
        for (const process& member : *each.members) {
            if (stayed(point, member.node)) {
                continue;
            }
            if (named == each.seen->left.end() || named->who != member) {
                return false;
            }
            ++named;
        }
        return named == each.seen->left.end();
    }

    [[nodiscard]] bool all_came(std::uint32_t point, const step& each) const {
        const view& in = view_at(point);
        return std::ranges::all_of(each.seen->joined, [&](const trace::departed& entry) {
            return !stayed(point, entry.who.node) &&
                   std::ranges::find(in.members, entry.who.node, &base::member::node) != in.members.end();
        });
    }

    /// Whoever has read everything has passed all common points.
    void check_end(const states& now) {
        if (!_trace.complete(_one) || _one.items.empty()) {
            return;
        }
        const membership* in = _one.items.back().membership == none ? last_membership()
                                                                    : &_trace.memberships[_one.items.back().membership];
        const bool member = in != nullptr && in->first_change != none && in->last_change == none;
        static const std::vector<process> nobody;
        const std::vector<process>& members = member ? members_at_end() : nobody;
        const auto all = static_cast<std::uint32_t>(_points.size());
        const auto reached = reach(now, members, all);
        if (reached.empty() || reached.back() != all) {
            const std::uint32_t missed = (reached.empty() ? 0 : reached.back()) + 1;
            _found.add(_watches_ring && silent(missed, members) ? 10 : 11,
                       fmt::format("{} never hears of the common point of {}, where it must hear of somebody's "
                                   "departure or of the ring",
                                   _trace.name(_one), in_words(view_at(missed).id)),
                       {_one.items.back().event, _points[missed - 1].event});
        }
    }

    [[nodiscard]] const membership* last_membership() const {
        for (auto each = _one.items.rbegin(); each != _one.items.rend(); ++each) {
            if (each->membership != none) {
                return &_trace.memberships[each->membership];
            }
        }
        return nullptr;
    }

    [[nodiscard]] const std::vector<process>& members_at_end() const {
        const auto last = std::find_if(_steps.rbegin(), _steps.rend(),
                                       [](const step& each) { return each.seen->kind == event_kind::client_change; });
        return last->seen->processes;
    }

    void complain(std::size_t at, const states& now) {
        const step& each = _steps[at];
        std::vector<std::size_t> places{_one.items[at].event};
        if (at > 0) {
            places.push_back(_one.items[at - 1].event);
        }
        // The common point that the node must have passed in between, or could not.
        const std::uint32_t next = now.back().passed + 1;
        if (next <= _points.size()) {
            places.push_back(_points[next - 1].event);
        }
        const std::string who = _trace.name(_one);
        const std::string what = in_words(*each.seen);
        switch (each.what) {
        case sight::node_down:
        case sight::node_up:
            _found.add(10, fmt::format("{} {}: no common point of its node has that to report", who, what), places);
            break;
        case sight::ring:
        case sight::first_ring:
            _found.add(10, fmt::format("{} {}: its node has no such common point there", who, what), places);
            break;
        case sight::delivery:
            if (each.pinned == nowhere) {
                _found.add(11, fmt::format("{} {}: in a view that has no common point there", who, what), places);
                break;
            }
            [[fallthrough]];
        default:
            _found.add(11, fmt::format("{} {}: it should have been told of a departure or a view before", who, what),
                       places);
            break;
        }
    }

    /// Drops states from which the rest of the story cannot be told.
    void narrow(std::vector<states>& after) const {
        for (std::size_t at = after.size(); at-- > 1;) {
            states& earlier = after[at - 1];
            if (earlier.size() == 1) {
                continue;
            }
            std::erase_if(earlier, [&](const state& from) {
                const states reached = advance({from}, _steps[at]);
                return std::ranges::none_of(reached,
                                            [&](const state& to) { return std::ranges::binary_search(after[at], to); });
            });
        }
    }

    const sorted_trace& _trace;
    const client& _one;
    const std::vector<common_point>& _points;
    findings& _found;
    std::map<base::view_id, std::uint32_t> _point_of;
    std::vector<step> _steps;
    bool _watches_ring = false;
};

} // namespace

placements check_common_points(const sorted_trace& trace, findings& found) {
    placements result(trace.clients.size());
    for (std::size_t at = 0; at < trace.clients.size(); ++at) {
        const client& one = trace.clients[at];
        if (one.life == none) {
            result[at].resize(one.items.size());
        } else {
            result[at] = walk(trace, one, found).follow();
        }
    }
    return result;
}

} // namespace coterie::sim::checking

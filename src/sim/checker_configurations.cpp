// SPDX-License-Identifier: BSD-3-Clause
// Guarantees 2 and 4: what views and transitional sets are like, and who moves with whom. Also whether views come to
// rest (17).
#include "sim/checker_parts.hpp"
#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <tuple>

namespace coterie::sim::checking {

namespace {

void check_install(const sorted_trace& trace, const life& one, std::size_t place, findings& found) {
    const visit& at = one.visits[place];
    const event& what = trace.events[at.regular];
    const view& in = trace.views[at.view];
    if (!std::ranges::is_sorted(what.members, {}, &base::member::node) ||
        std::ranges::adjacent_find(what.members, {}, &base::member::node) != what.members.end()) {
        found.add(2, fmt::format("the members of {} are not sorted, or not unique", in_words(what.view)), {at.regular});
    }
    if (std::ranges::find(what.members, one.who) == what.members.end()) {
        found.add(2, fmt::format("{} is no member of {}, which it installs", trace.name(one), in_words(what.view)),
                  {at.regular});
    }
    if (what.members != in.members) {
        found.add(2, fmt::format("{} has two member lists", in_words(what.view)), {at.regular, in.first_install});
    }
    if (place == 0) {
        return;
    }
    const visit& before = one.visits[place - 1];
    if (before.view >= at.view) {
        found.add(2,
                  fmt::format("{} installs {} after {}", trace.name(one), in_words(what.view),
                              in_words(trace.views[before.view].id)),
                  {at.regular, before.regular});
    }
    if (before.transitional == none) {
        found.add(2,
                  fmt::format("{} installs {} without a transitional configuration out of {}", trace.name(one),
                              in_words(what.view), in_words(trace.views[before.view].id)),
                  {at.regular, before.regular});
    }
}

/// A transitional set holds its owner, and only members that go from the one view to the other.
void check_set(const sorted_trace& trace, std::size_t life_at, std::size_t place, findings& found) {
    const life& one = trace.lives[life_at];
    const visit& at = one.visits[place];
    if (at.together == none) {
        return;
    }
    const view& from = trace.views[at.view];
    if (!trace.together_with(at, one.who.node)) {
        found.add(2, fmt::format("{} leaves {} without itself", trace.name(one), in_words(from.id)), {at.transitional});
    }
    const std::size_t next = trace.next_view(life_at, place);
    for (const base::node_id node : trace.node_sets[at.together]) {
        const auto old = std::ranges::find(from.members, node, &base::member::node);
        if (old == from.members.end()) {
            found.add(2,
                      fmt::format("{} leaves {} with {}, which is no member", trace.name(one), in_words(from.id),
                                  in_words(node)),
                      {at.transitional, at.regular});
        } else if (next != none) {
            const auto& members = trace.views[next].members;
            if (std::ranges::find(members, *old) == members.end()) {
                found.add(4,
                          fmt::format("{} moves from {} to {} with {}, which is not in there in that life",
                                      trace.name(one), in_words(from.id), in_words(trace.views[next].id),
                                      in_words(node)),
                          {at.transitional, one.visits[place + 1].regular});
            }
        }
    }
}

/// Everyone who leaves one view.
void check_leavers(const sorted_trace& trace, const view& from, findings& found) {
    struct leaver {
        std::size_t life;
        std::size_t place;
        const visit* at;
        std::size_t next;
    };
    std::vector<leaver> leavers;
    std::map<base::node_id, std::size_t> leaver_of;
    for (const auto& [life_at, place] : from.visits) {
        const visit& at = trace.lives[life_at].visits[place];
        if (at.together != none) {
            leaver_of.try_emplace(trace.lives[life_at].who.node, leavers.size());
            leavers.push_back({life_at, place, &at, trace.next_view(life_at, place)});
        }
    }
    for (const leaver& one : leavers) {
        const base::node_id node = trace.lives[one.life].who.node;
        for (const base::node_id other_node : trace.node_sets[one.at->together]) {
            const auto other_at = leaver_of.find(other_node);
            if (other_at == leaver_of.end() || other_node == node) {
                continue;
            }
            const leaver& other = leavers[other_at->second];
            const bool same_next = one.next != none && one.next == other.next;
            const bool mutual = trace.together_with(*other.at, node);
            if (one.at->together != other.at->together && (mutual || same_next)) {
                found.add(4,
                          fmt::format("{} and {} leave {} together, with different transitional sets {} and {}",
                                      in_words(node), in_words(other_node), in_words(from.id),
                                      in_words(trace.node_sets[one.at->together]),
                                      in_words(trace.node_sets[other.at->together])),
                          {one.at->transitional, other.at->transitional});
            }
        }
    }

    // Who moves to the same view with the same set has delivered the same.
    std::map<std::pair<std::size_t, std::size_t>, const leaver*> first_of;
    for (const leaver& one : leavers) {
        if (one.next == none) {
            continue;
        }
        const auto [known, is_first] = first_of.try_emplace({one.next, one.at->together}, &one);
        if (is_first) {
            continue;
        }
        const visit& first = *known->second->at;
        if ((first.common_point == none) != (one.at->common_point == none)) {
            found.add(10,
                      fmt::format("{} and {} move from {} to {} together, but only one reached its common point",
                                  in_words(trace.lives[known->second->life].who.node),
                                  in_words(trace.lives[one.life].who.node), in_words(from.id),
                                  in_words(trace.views[one.next].id)),
                      {first.transitional, one.at->transitional, first.common_point, one.at->common_point});
        }
        if (one.at->delivered == first.delivered && one.at->regular_count == first.regular_count) {
            continue;
        }
        const auto differ = std::ranges::mismatch(one.at->delivered, first.delivered);
        const auto here = static_cast<std::size_t>(differ.in1 - one.at->delivered.begin());
        const auto event_at = [here](const visit& at) {
            return here < at.delivered_events.size() ? at.delivered_events[here] : none;
        };
        found.add(4,
                  fmt::format("{} and {} move from {} to {} together, but delivered {} + {} and {} + {} packets",
                              in_words(trace.lives[known->second->life].who.node),
                              in_words(trace.lives[one.life].who.node), in_words(from.id),
                              in_words(trace.views[one.next].id), first.regular_count,
                              first.delivered.size() - first.regular_count, one.at->regular_count,
                              one.at->delivered.size() - one.at->regular_count),
                  {event_at(first), event_at(*one.at), first.transitional, one.at->transitional});
    }
}

/// Everyone who comes to one view: from different old views, neither is in the other's set.
void check_comers(const sorted_trace& trace, const view& to, findings& found) {
    struct comer {
        std::size_t life;
        const visit* left;
    };
    std::map<base::node_id, comer> comers;
    for (const auto& [life_at, place] : to.visits) {
        if (place > 0) {
            const life& one = trace.lives[life_at];
            comers.try_emplace(one.who.node, comer{life_at, &one.visits[place - 1]});
        }
    }
    for (const auto& [node, one] : comers) {
        if (one.left->together == none) {
            continue;
        }
        for (const base::node_id other_node : trace.node_sets[one.left->together]) {
            const auto other = comers.find(other_node);
            if (other != comers.end() && other->second.left->view != one.left->view) {
                found.add(4,
                          fmt::format("{} moves from {} to {} with {}, which comes from {}", in_words(node),
                                      in_words(trace.views[one.left->view].id), in_words(to.id), in_words(other_node),
                                      in_words(trace.views[other->second.left->view].id)),
                          {one.left->transitional, other->second.left->regular});
            }
        }
    }
}

// The end of a quiet tail.

struct last_view {
    const life* one;
    std::size_t view;
    std::size_t event;
};

std::vector<base::node_id> nodes_of(const view& in) {
    std::vector<base::node_id> result;
    for (const base::member& each : in.members) {
        result.push_back(each.node);
    }
    return result;
}

/// Live nodes agree on who is in a view: each member of my last view has it as its last view.
void check_agreement(const sorted_trace& trace, const std::map<base::node_id, last_view>& last, findings& found) {
    for (const auto& [node, mine] : last) {
        if (mine.view == none) {
            found.add(17, fmt::format("{} has no view at the end", in_words(node)), {mine.one->events.back()});
            continue;
        }
        for (const base::member& member : trace.views[mine.view].members) {
            const auto other = last.find(member.node);
            if (other == last.end() || other->second.one->who != member) {
                found.add(2,
                          fmt::format("at the end {} shares {} with {}, which is dead", in_words(node),
                                      in_words(trace.views[mine.view].id), in_words(member.node)),
                          {mine.event});
            } else if (other->second.view != mine.view) {
                found.add(2,
                          fmt::format("at the end {} is in {} with {}, which is elsewhere", in_words(node),
                                      in_words(trace.views[mine.view].id), in_words(member.node)),
                          {mine.event, other->second.event});
            }
        }
    }
}

void check_final_views(const sorted_trace& trace, findings& found) {
    const checker_options& options = trace.options;
    std::map<base::node_id, last_view> last;
    for (const life& one : trace.lives) {
        if (!one.alive()) {
            continue;
        }
        const bool any = !one.visits.empty();
        last.insert_or_assign(
            one.who.node, last_view{&one, any ? one.visits.back().view : none, any ? one.visits.back().regular : none});
        if (any && one.visits.back().common_point == none) {
            found.add(17, fmt::format("{} never reaches the common point of its last view", trace.name(one)),
                      {one.visits.back().regular});
        }
        if (!any || options.quiet_since_ns == std::numeric_limits<std::int64_t>::max()) {
            continue;
        }
        const std::size_t latest = one.visits.back().regular;
        const std::int64_t late = trace.events[latest].time_ns - options.quiet_since_ns - options.liveness_bound_ns;
        if (late > 0) {
            found.add(17,
                      fmt::format("{} installs {} {:.1f} ms after views should have come to rest", trace.name(one),
                                  in_words(trace.events[latest].view), static_cast<double>(late) / 1e6),
                      {latest});
        }
    }
    check_agreement(trace, last, found);
    for (const std::vector<base::node_id>& component : options.final_components) {
        for (const base::node_id node : component) {
            const auto mine = last.find(node);
            if (mine == last.end()) {
                found.add(
                    17,
                    fmt::format("{} is expected in {} at the end, but it is dead", in_words(node), in_words(component)),
                    {});
            } else if (mine->second.view != none && nodes_of(trace.views[mine->second.view]) != component) {
                found.add(17,
                          fmt::format("at the end {} is in a view of {} instead of {}", in_words(node),
                                      in_words(nodes_of(trace.views[mine->second.view])), in_words(component)),
                          {mine->second.event});
            }
        }
    }
}

} // namespace

void check_configurations(const sorted_trace& trace, findings& found) {
    for (std::size_t at = 0; at < trace.lives.size(); ++at) {
        for (std::size_t place = 0; place < trace.lives[at].visits.size(); ++place) {
            check_install(trace, trace.lives[at], place, found);
            check_set(trace, at, place, found);
        }
    }
    if (trace.options.quiet_tail) {
        check_final_views(trace, found);
    }
}

void check_transitions(const sorted_trace& trace, findings& found) {
    for (const view& one : trace.views) {
        check_leavers(trace, one, found);
        check_comers(trace, one, found);
    }
}

} // namespace coterie::sim::checking

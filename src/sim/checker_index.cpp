// SPDX-License-Identifier: BSD-3-Clause
// Sorting a trace: streams, lives and their visits, packets. Clients and messages are in checker_index_clients.cpp.
#include "sim/checker_index.hpp"

#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <tuple>

namespace coterie::sim::checking {

namespace {

constexpr bool of_client(event_kind kind) { return kind >= event_kind::client_opened; }

constexpr bool is_attempt(event_kind kind) {
    return kind == event_kind::promised || kind == event_kind::planned || kind == event_kind::completed ||
           kind == event_kind::installed;
}

std::vector<base::node_id> nodes_of(const std::vector<base::member>& members) {
    std::vector<base::node_id> result;
    result.reserve(members.size());
    for (const base::member& each : members) {
        result.push_back(each.node);
    }
    std::ranges::sort(result);
    return result;
}

} // namespace

// findings

void findings::add(int guarantee, std::string what, std::vector<std::size_t> events) {
    auto& [kept, dropped] = _found[guarantee];
    if (kept.size() >= _per_guarantee_max) {
        ++dropped;
        return;
    }
    std::erase(events, none);
    kept.push_back({guarantee, std::move(what), std::move(events)});
}

std::vector<violation> findings::take() {
    std::vector<violation> result;
    for (auto& [guarantee, one] : _found) {
        auto& [kept, dropped] = one;
        std::ranges::stable_sort(kept, {}, [](const violation& each) { return std::tie(each.events, each.what); });
        const auto doubles = std::ranges::unique(kept, [](const violation& left, const violation& right) {
            return left.events == right.events && left.what == right.what;
        });
        kept.erase(doubles.begin(), doubles.end());
        std::ranges::move(kept, std::back_inserter(result));
        if (dropped > 0) {
            result.push_back({guarantee, fmt::format("... and {} more", dropped), {}});
        }
    }
    _found.clear();
    return result;
}

// sorted_trace

sorted_trace::sorted_trace(std::span<const event> trace, const checker_options& with, findings& found)
    : events(trace),
      options(with),
      packet_of(trace.size(), none),
      message_of(trace.size(), none) {
    sort_streams(found);
    number_views();
    for (std::size_t at = 0; at < lives.size(); ++at) {
        follow_life(at, found);
    }
    number_packets(found);
    for (life& one : lives) {
        find_together(one);
    }
    for (std::size_t at = 0; at < clients.size(); ++at) {
        find_daemon(clients[at]);
        follow_requests(at, found);
    }
    number_messages(found);
    for (std::size_t at = 0; at < clients.size(); ++at) {
        follow_sights(at, found);
    }
}

void sorted_trace::sort_streams(findings& found) {
    std::map<std::pair<base::node_id, std::uint64_t>, std::size_t> client_of;
    for (std::size_t at = 0; at < events.size(); ++at) {
        const event& what = events[at];
        if (of_client(what.kind)) {
            const auto [known, is_new] = client_of.try_emplace({what.node, what.stream}, clients.size());
            if (is_new) {
                client one;
                one.who = what.who;
                one.stream = what.stream;
                clients.push_back(std::move(one));
                _client_events.emplace_back();
                if (what.kind != event_kind::client_opened) {
                    found.add(malformed_trace, "a client's stream does not begin with its opening", {at});
                }
            }
            _client_events[known->second].push_back(at);
            continue;
        }
        const base::member who{what.node, {what.stream}};
        const auto [known, is_new] = _life_of.try_emplace(who, lives.size());
        if (is_new) {
            life one;
            one.who = who;
            lives.push_back(std::move(one));
        }
        lives[known->second].events.push_back(at);
        has_ring_steps = has_ring_steps || is_attempt(what.kind);
    }
}

void sorted_trace::number_views() {
    for (std::size_t at = 0; at < events.size(); ++at) {
        if (events[at].kind == event_kind::regular) {
            _view_of.try_emplace(events[at].view, at);
        }
    }
    views.reserve(_view_of.size());
    for (auto& [id, place] : _view_of) {
        view one;
        one.id = id;
        one.members = events[place].members;
        one.first_install = place;
        place = views.size();
        views.push_back(std::move(one));
    }
}

void sorted_trace::follow_life(std::size_t at, findings& found) {
    life& one = lives[at];
    if (events[one.events.front()].kind != event_kind::started) {
        found.add(malformed_trace, fmt::format("the stream of {} does not begin with its start", name(one)),
                  {one.events.front()});
    }
    for (const std::size_t place : one.events) {
        const event& what = events[place];
        if (one.ended != none) {
            found.add(malformed_trace, fmt::format("{} goes on after its end", name(one)), {place, one.ended});
            continue;
        }
        switch (what.kind) {
        case event_kind::started:
            if (place != one.events.front()) {
                found.add(malformed_trace, fmt::format("{} starts amid its life", name(one)), {place});
            }
            one.started = place;
            break;
        case event_kind::failed:
        case event_kind::retired: one.ended = place; break;
        case event_kind::regular: {
            visit next;
            next.view = view_number(what.view);
            next.regular = place;
            views[next.view].visits.emplace_back(at, one.visits.size());
            one.visits.push_back(std::move(next));
            break;
        }
        case event_kind::transitional:
        case event_kind::numbered:
        case event_kind::delivered:
        case event_kind::common_point:
        case event_kind::message_numbered: follow_visit(at, place, found); break;
        case event_kind::completed:
            if (!one.visits.empty()) {
                one.visits.back().completed.push_back(place);
            }
            break;
        default: break;
        }
    }
}

/// An event inside of a configuration.
void sorted_trace::follow_visit(std::size_t at, std::size_t place, findings& found) {
    life& one = lives[at];
    const event& what = events[place];
    if (one.visits.empty() || views[one.visits.back().view].id != what.view) {
        const bool moves = what.kind == event_kind::numbered || what.kind == event_kind::delivered;
        found.add(moves ? 1 : 2,
                  fmt::format("{} {} while it has {} installed", name(one), in_words(what),
                              one.visits.empty() ? "no view" : in_words(views[one.visits.back().view].id)),
                  {place, one.visits.empty() ? none : one.visits.back().regular});
        return;
    }
    visit& now = one.visits.back();
    const bool leaving = now.transitional != none;
    switch (what.kind) {
    case event_kind::transitional:
        if (leaving) {
            found.add(2, fmt::format("{} leaves {} twice", name(one), in_words(what.view)), {place, now.transitional});
            return;
        }
        now.transitional = place;
        now.regular_count = now.delivered_events.size();
        now.together = set_number(nodes_of(what.members));
        return;
    case event_kind::common_point:
        if (now.common_point != none) {
            found.add(2, fmt::format("{} reaches the common point of {} twice", name(one), in_words(what.view)),
                      {place, now.common_point});
            return;
        }
        if (now.delivered_events.size() < views[now.view].members.size()) {
            found.add(10,
                      fmt::format("{} reaches the common point of {} before it has delivered every table", name(one),
                                  in_words(what.view)),
                      {place, now.regular});
        }
        now.common_point = place;
        one.common_points.push_back({one.visits.size() - 1, place, {}});
        return;
    case event_kind::numbered:
        if (leaving) {
            found.add(1, fmt::format("{} {} in its transitional configuration", name(one), in_words(what)),
                      {place, now.transitional});
        }
        now.latest_number = what.number.value;
        break;
    case event_kind::message_numbered:
        if (now.latest_number != what.number.value) {
            found.add(1,
                      fmt::format("{} {}, which is not the one that it has just numbered", name(one), in_words(what)),
                      {place});
            return;
        }
        break;
    case event_kind::delivered:
        now.delivered_events.push_back(place);
        if (!leaving) {
            now.regular_count = now.delivered_events.size();
        }
        break;
    default: break;
    }
    _uses.push_back({now.view, what.number.value, place, at, one.visits.size() - 1});
}

void sorted_trace::number_packets(findings& found) {
    std::ranges::sort(_uses, {}, [](const packet_use& use) { return std::tuple(use.view, use.number, use.event); });
    for (const packet_use& use : _uses) {
        if (packets.empty() || packets.back().view != use.view || packets.back().number != use.number) {
            packet one;
            one.view = use.view;
            one.number = use.number;
            packets.push_back(one);
        }
        packet& one = packets.back();
        packet_of[use.event] = packets.size() - 1;
        const event& what = events[use.event];
        if (what.kind == event_kind::delivered) {
            one.delivered = true;
        } else if (what.kind == event_kind::numbered) {
            if (one.numbered != none) {
                found.add(1, fmt::format("packet {} {} is numbered twice", in_words(what.view), use.number),
                          {use.event, one.numbered});
                continue;
            }
            one.numbered = use.event;
            one.life = use.life;
            one.safe = what.safe;
            const visit& at = lives[use.life].visits[use.visit];
            one.delivered_before = static_cast<std::size_t>(std::ranges::lower_bound(at.delivered_events, use.event) -
                                                            at.delivered_events.begin());
        }
    }
    for (std::size_t at = 0; at < packets.size(); ++at) {
        view& in = views[packets[at].view];
        in.packets_begin = in.packets_end == 0 ? at : in.packets_begin;
        in.packets_end = at + 1;
    }
    for (life& one : lives) {
        for (visit& in : one.visits) {
            in.delivered.reserve(in.delivered_events.size());
            for (const std::size_t place : in.delivered_events) {
                in.delivered.push_back(packet_of[place]);
            }
        }
    }
    std::ranges::sort(_uses, {}, &packet_use::event);
    for (const packet_use& use : _uses) {
        if (events[use.event].kind == event_kind::numbered) {
            lives[use.life].visits[use.visit].numbered.push_back(packet_of[use.event]);
        }
    }
}

/// `together` at each common point: the intersection of the transitional sets since the one before.
void sorted_trace::find_together(life& one) const {
    std::size_t from = 0;
    std::vector<base::node_id> together{one.who.node};
    for (common_point& point : one.common_points) {
        for (; from < point.visit; ++from) {
            const visit& left = one.visits[from];
            std::vector<base::node_id> both;
            if (left.together != none) {
                std::ranges::set_intersection(together, node_sets[left.together], std::back_inserter(both));
            }
            together = std::move(both);
        }
        point.together = together;
        together = nodes_of(views[one.visits[point.visit].view].members);
    }
}

std::size_t sorted_trace::view_number(const base::view_id& id) const {
    const auto known = _view_of.find(id);
    return known == _view_of.end() ? none : known->second;
}

std::size_t sorted_trace::life_of(const base::member& who) const {
    const auto known = _life_of.find(who);
    return known == _life_of.end() ? none : known->second;
}

bool sorted_trace::is_member(std::size_t in, base::node_id node) const {
    return std::ranges::find(views[in].members, node, &base::member::node) != views[in].members.end();
}

std::size_t sorted_trace::visit_of(std::size_t at, std::size_t in) const {
    const auto& visits = lives[at].visits;
    const auto found = std::ranges::find(visits, in, &visit::view);
    return found == visits.end() ? none : static_cast<std::size_t>(found - visits.begin());
}

std::size_t sorted_trace::next_view(std::size_t at, std::size_t place) const {
    const auto& visits = lives[at].visits;
    return place + 1 < visits.size() ? visits[place + 1].view : none;
}

bool sorted_trace::in_set(std::size_t set, base::node_id node) const {
    return set != none && std::ranges::binary_search(node_sets[set], node);
}

bool sorted_trace::together_with(const visit& at, base::node_id node) const { return in_set(at.together, node); }

std::size_t sorted_trace::set_number(std::vector<base::node_id>&& nodes) {
    const auto [known, is_new] = _set_numbers.try_emplace(std::move(nodes), node_sets.size());
    if (is_new) {
        node_sets.push_back(known->first);
    }
    return known->second;
}

std::string sorted_trace::name(const life& one) const {
    const auto same = [&](const life& other) { return other.who.node == one.who.node; };
    if (std::ranges::count_if(lives, same) == 1) {
        return in_words(one.who.node);
    }
    const auto before = std::count_if(lives.data(), &one, same);
    return fmt::format("{} (life {})", in_words(one.who.node), before + 1);
}

} // namespace coterie::sim::checking

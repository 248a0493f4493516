// SPDX-License-Identifier: BSD-3-Clause
// What becomes of a datagram between two machines: rules first, then cuts, then the link's own faults and delays.
#include "sim/network.hpp"

#include <algorithm>
#include <utility>

namespace coterie::sim {

namespace {

constexpr std::size_t kind_at = 5; // of the packet's header, see docs/wire.md

packet_kind kind_of(const base::buffer& packet) {
    return static_cast<packet_kind>(packet.size() > kind_at ? std::to_integer<std::uint8_t>(packet.bytes()[kind_at])
                                                            : 0);
}

} // namespace

network::network(std::size_t nodes, std::uint64_t seed, timeline& events, base::buffer_pool& pool, surroundings& around)
    : _nodes(nodes),
      _random(seed),
      _events(events),
      _pool(pool),
      _around(around),
      _links(nodes * nodes) {}

std::size_t network::place(node_id node) const {
    COTERIE_ASSERT(node.value >= 1 && node.value <= _nodes, "the simulated network knows the node");
    return node.value - 1;
}

void network::set_quality(node_id from, node_id to, const link_quality& quality) {
    ++_changes;
    link& way = link_at(from, to);
    way.quality = quality;
    way.faulty = quality.faulty();
}

void network::set_quality(const link_quality& quality) {
    ++_changes;
    for (link& way : _links) {
        way.quality = quality;
        way.faulty = quality.faulty();
    }
}

void network::cut_both(node_id one, node_id other) {
    cut(one, other);
    cut(other, one);
}

void network::restore_both(node_id one, node_id other) {
    restore(one, other);
    restore(other, one);
}

void network::isolate(node_id node) {
    for (std::size_t other = 0; other < _nodes; ++other) {
        if (id(other) != node) {
            cut_both(node, id(other));
        }
    }
}

void network::partition(std::initializer_list<std::vector<node_id>> sides) {
    partition(std::span<const std::vector<node_id>>(sides.begin(), sides.size()));
}

void network::partition(std::span<const std::vector<node_id>> sides) {
    std::vector<std::size_t> side_of(_nodes);
    for (std::size_t at = 0; at < _nodes; ++at) {
        side_of[at] = sides.size() + at;
    }
    for (std::size_t side = 0; side < sides.size(); ++side) {
        for (const node_id node : sides[side]) {
            side_of[place(node)] = side;
        }
    }
    for (std::size_t from = 0; from < _nodes; ++from) {
        for (std::size_t to = 0; to < _nodes; ++to) {
            if (side_of[from] != side_of[to]) {
                set_cut(_links[from * _nodes + to]);
            }
        }
    }
}

void network::join_all() {
    ++_changes;
    for (link& way : _links) {
        way.cut = false;
    }
}

void network::heal() {
    join_all();
    for (link& way : _links) {
        const link_quality worn = way.quality;
        way.quality = link_quality{.latency = worn.latency, .jitter = worn.jitter};
        way.faulty = false;
    }
    _rules.clear();
}

network::rule& network::add_rule(verdict what, packet_filter&& filter, std::uint64_t count) {
    _rules.push_back({.id = ++_rules_made, .what = what, .filter = std::move(filter), .left = count, .held = {}});
    return _rules.back();
}

rule_id network::drop(packet_filter filter, std::uint64_t count) {
    return add_rule(verdict::drop, std::move(filter), count).id;
}

rule_id network::drop_nth(packet_filter filter, std::uint64_t skipped) {
    return add_rule(verdict::drop_nth, std::move(filter), skipped + 1).id;
}

rule_id network::hold(packet_filter filter, std::uint64_t count) {
    return add_rule(verdict::hold, std::move(filter), count).id;
}

rule_id network::delay(packet_filter filter, duration extra, std::uint64_t count) {
    rule& made = add_rule(verdict::delay, std::move(filter), count);
    made.extra = extra;
    return made.id;
}

rule_id network::repeat(packet_filter filter, duration later, std::uint64_t count) {
    rule& made = add_rule(verdict::repeat, std::move(filter), count);
    made.extra = later;
    return made.id;
}

rule_id network::watch(packet_filter filter) {
    return add_rule(verdict::watch, std::move(filter), ~std::uint64_t{0}).id;
}

network::rule* network::rule_of(rule_id id) {
    const auto found = std::ranges::find(_rules, id, &rule::id);
    return found == _rules.end() ? nullptr : &*found;
}

std::uint64_t network::hits(rule_id id) const {
    const auto found = std::ranges::find(_rules, id, &rule::id);
    return found == _rules.end() ? 0 : found->hits;
}

void network::release(rule_id id, time_point now) {
    rule* found = rule_of(id);
    if (found == nullptr) {
        return;
    }
    std::vector<flight> held = std::move(found->held);
    forget(id);
    for (flight& datagram : held) {
        const link& way = _links[datagram.from * _nodes + datagram.to];
        if (!way.cut) {
            arrive(std::move(datagram), now + way.quality.latency);
        }
    }
}

void network::forget(rule_id id) {
    std::erase_if(_rules, [id](const rule& each) { return each.id == id; });
}

bool network::apply_rules(time_point now, const flight& datagram, duration& extra) {
    const datagram_view seen{id(datagram.from), id(datagram.to), kind_of(datagram.packet), datagram.packet.bytes()};
    for (rule& each : _rules) {
        const packet_filter& filter = each.filter;
        if (each.left == 0 || !filter.kinds.has(seen.kind) ||
            (filter.from != base::no_node && filter.from != seen.from) ||
            (filter.to != base::no_node && filter.to != seen.to) || (filter.also && !filter.also(seen))) {
            continue;
        }
        ++each.hits;
        --each.left;
        switch (each.what) {
        case verdict::drop:
            ++_counts.lost;
            _around.met(datagram.to, fault::loss);
            return true;
        case verdict::drop_nth:
            if (each.left == 0) {
                ++_counts.lost;
                _around.met(datagram.to, fault::loss);
                return true;
            }
            continue;
        case verdict::hold:
            each.held.push_back(datagram);
            _around.met(datagram.to, fault::reorder);
            return true;
        case verdict::delay:
            extra = each.extra;
            _around.met(datagram.to, fault::reorder);
            return false;
        case verdict::repeat: {
            const link& way = _links[datagram.from * _nodes + datagram.to];
            arrive(flight(datagram), now + way.quality.latency + each.extra);
            _around.met(datagram.to, fault::duplicate);
            return false;
        }
        case verdict::watch: continue;
        }
    }
    return false;
}

void network::transmit(time_point now, node_id from, node_id to, const base::buffer& packet) {
    const std::size_t source = place(from);
    const std::size_t target = place(to);
    COTERIE_ASSERT(source != target, "no node sends to itself over the network");
    ++_counts.sent;
    _counts.bytes += packet.size();
    flight datagram{packet, static_cast<std::uint16_t>(source), static_cast<std::uint16_t>(target)};
    link& way = _links[source * _nodes + target];
    if (_attacker) {
        attack(now, datagram);
    }

    duration extra{};
    if (!_rules.empty() && apply_rules(now, datagram, extra)) {
        return;
    }
    if (way.cut) {
        ++_counts.cut_off;
        meet_cut(datagram);
        return;
    }
    if (extra != duration{} || (way.faulty && way.quality.afflicted.has(kind_of(packet)))) {
        meet_faults(way, datagram, now, extra);
        return;
    }
    // The usual way keeps its order.
    const time_point at = std::max(now + way.quality.latency + up_to(way.quality.jitter), way.last_arrival);
    way.last_arrival = at;
    arrive(std::move(datagram), at);
}

void network::attack(time_point now, const flight& heard) {
    if (auto sent = _attacker->hear(heard.packet)) {
        ++_counts.attacks;
        const std::size_t target = _attacker->choose(_nodes);
        const link& way = _links[heard.from * _nodes + target];
        // It is on the network: what is cut off is out of its reach.
        if (!way.cut) {
            arrive({std::move(*sent), heard.from, static_cast<std::uint16_t>(target)}, now + way.quality.latency);
        }
    }
}

void network::meet_faults(link& way, const flight& datagram, time_point now, duration extra) {
    const link_quality& quality = way.quality;
    const bool afflicted = way.faulty && quality.afflicted.has(kind_of(datagram.packet));
    if (afflicted && happens(quality.loss)) {
        ++_counts.lost;
        _around.met(datagram.to, fault::loss);
        return;
    }
    const time_point usual = now + quality.latency + up_to(quality.jitter);
    if (afflicted && happens(quality.duplicate)) {
        ++_counts.duplicated;
        _around.met(datagram.to, fault::duplicate);
        arrive(flight(datagram), usual + up_to(quality.reorder_max));
    }
    if (afflicted && happens(quality.late_duplicate)) {
        ++_counts.duplicated;
        _around.met(datagram.to, fault::late_duplicate);
        arrive(flight(datagram), usual + up_to(quality.late_max));
    }
    flight own = datagram;
    if (afflicted && happens(quality.corrupt)) {
        ++_counts.corrupted;
        _around.met(datagram.to, fault::corrupt);
        own.packet = damaged(datagram.packet);
    }
    if (afflicted && happens(quality.reorder)) {
        ++_counts.reordered;
        _around.met(datagram.to, fault::reorder);
        extra += up_to(quality.reorder_max);
    }
    if (extra != duration{}) {
        arrive(std::move(own), usual + extra);
        return;
    }
    const time_point at = std::max(usual, way.last_arrival);
    way.last_arrival = at;
    arrive(std::move(own), at);
}

void network::arrive(flight&& datagram, time_point at) {
    const std::uint16_t to = datagram.to;
    _events.put(at, happening::datagram, to, _flights.put(std::move(datagram)));
}

network::flight network::land(std::uint32_t slot) {
    flight result = _flights.take(slot);
    if (_links[result.from * _nodes + result.to].cut) {
        ++_counts.cut_off;
        meet_cut(result);
        result.packet = {};
    } else {
        ++_counts.arrived;
    }
    return result;
}

void network::meet_cut(const flight& datagram) {
    const bool both_ways = _links[datagram.to * _nodes + datagram.from].cut;
    _around.met(datagram.to, both_ways ? fault::partition : fault::one_way);
}

base::buffer network::damaged(const base::buffer& packet) {
    base::buffer result = _pool.copy(packet.bytes());
    if (result.size() == 0) {
        return result;
    }
    if (_random.chance(1, 4)) {
        result.resize(_random.below(result.size()));
        return result;
    }
    const std::uint64_t flips = 1 + _random.below(4);
    for (std::uint64_t flip = 0; flip < flips; ++flip) {
        std::byte& hit = result.writable()[_random.below(result.size())];
        hit ^= static_cast<std::byte>(1U << _random.below(8));
    }
    return result;
}

duration network::up_to(duration limit) {
    return limit.count() <= 0
               ? duration{}
               : duration(static_cast<std::int64_t>(_random.below(static_cast<std::uint64_t>(limit.count()) + 1)));
}

} // namespace coterie::sim

// SPDX-License-Identifier: BSD-3-Clause
// view_order's delivery, acknowledgements and stability, and the beacons that make a lost tail known.
#include "base/assert.hpp"
#include "base/mutant.hpp"
#include "ring/view_order.hpp"

#include <algorithm>
#include <utility>

namespace coterie::ring {

namespace {
/// Members of a large view whose acknowledgements one of them gathers.
constexpr std::size_t group_size = 8;
} // namespace

bool view_order::plausible_number(sequence_number number) const {
    return number <= _store.released().plus(_store.capacity());
}

void view_order::deliver_ready() {
    while (_delivered < _store.received()) {
        const sequence_number number = _delivered.next();
        const stored_packet* packet = _store.find(number);
        COTERIE_ASSERT(packet != nullptr, "packets are kept until they are delivered");
        if ((packet->flags & wire::data::safe) != 0 && number > _stable &&
            !COTERIE_MUTANT(ring_safe_as_agreed)) { // delivers safe messages before they are stable
            break;
        }
        if (COTERIE_MUTANT(ring_deliver_swapped) && number.value % 16 == 0 && number.next() <= _stable) {
            deliver(number.next(), *_store.find(number.next())); // two in the wrong order
            deliver(number, *packet);
            _delivered = number.next();
            continue;
        }
        deliver(number, *packet);
    }
    _store.release(std::min(_stable, _delivered));
}

void view_order::deliver(sequence_number number, const stored_packet& packet) {
    _delivered = number;
    ++_context.counts.delivered;
    const bool safe = (packet.flags & wire::data::safe) != 0;
    const bool table = (packet.flags & wire::data::table) != 0;
    const delivery event{_view.id, number, packet.originator, safe, table, packet.payload, packet.packet};
    _context.upper.on_delivery(event);
    if (COTERIE_MUTANT(ring_deliver_twice) && number.value % 16 == 0) {
        _context.upper.on_delivery(event);
    }
}

void view_order::note_received(std::size_t member, sequence_number received) {
    member_state& state = _members[member];
    if (received <= state.received || !plausible_number(received)) {
        return;
    }
    const bool lowest = state.received <= _stable;
    state.received = received;
    know_highest(received, member);
    if (lowest) {
        compute_stable();
    }
}

void view_order::compute_stable() {
    sequence_number lowest = _store.received();
    for (std::size_t place = 0; place < _members.size(); ++place) {
        if (COTERIE_MUTANT(ring_stable_without_highest_member) && place + 1 == _members.size()) {
            break;
        }
        lowest = std::min(lowest, place == _self ? _store.received() : _members[place].received);
    }
    raise_stable(lowest);
}

void view_order::raise_stable(sequence_number stable) {
    if (stable <= _stable || stable > _store.received()) {
        return;
    }
    const std::uint64_t released_before = _store.released_bytes();
    const bool frees_safe = _safe_highest > _stable;
    _stable = stable;
    deliver_ready();
    const std::uint64_t freed = _store.released_bytes() - released_before;
    _window_bytes = std::min<std::uint64_t>(_context.cfg.window_bytes, _window_bytes + freed / 8);
    if (_holding && frees_safe && !_others.empty()) {
        // The others wait for this to deliver safe messages. Unless data carries it at once, a beacon does.
        _stable_untold = true;
    }
}

bool view_order::leads_group() const {
    return size() > _context.cfg.acknowledgement_fan_in && group_first(_self) == _self;
}

std::size_t view_order::group_first(std::size_t place) const { return place / group_size * group_size; }

sequence_number view_order::acknowledgeable() const {
    sequence_number lowest = _store.received();
    if (leads_group()) {
        for (std::size_t place = _self + 1; place < std::min(_self + group_size, size()); ++place) {
            // The holder acknowledges to nobody: it is left out, here and in what is sent.
            lowest = place == _holder ? lowest : std::min(lowest, _members[place].received);
        }
    }
    if (COTERIE_MUTANT(ring_acknowledge_missing)) { // claims what it has not got
        lowest = _highest;
    }
    return lowest;
}

void view_order::on_acknowledgement(std::size_t from, const wire::acknowledgement& packet) {
    if (_frozen) {
        return;
    }
    const std::size_t first = packet.first;
    const std::size_t count = packet.count;
    const bool speaks_for_itself = count == 1 && first < size();
    const bool speaks_for_group = size() > _context.cfg.acknowledgement_fan_in && count > 0 && count <= group_size &&
                                  first + count <= size() && group_first(first) == group_first(first + count - 1);
    if (!speaks_for_itself && !speaks_for_group) {
        ++_context.counts.implausible;
        return;
    }
    for (std::size_t place = first; place < first + count; ++place) {
        if (place != _self) {
            note_received(place, packet.received);
        }
    }
    const bool gathering = leads_group() && count == 1 && group_first(first) == _self;
    if (gathering && packet.received <= _acknowledged && first != _self && !_holding && _holder != _self &&
        _holder != from) {
        // Of a former holder, which was left out when the group's minimum was sent.
        wire::acknowledgement onward = packet;
        onward.hop = _hop;
        _context.send(holder(), onward);
    } else if (gathering) {
        if ((packet.flags & wire::acknowledgement::urgent) != 0 || _safe_highest > _acknowledged) {
            consider_acknowledging(false);
        } else if (_acknowledge_at == base::never) {
            _acknowledge_at = _context.now + _context.cfg.acknowledge_delay;
        }
    } else if (!_holding && packet.hop < _hop && _holder != _self && _holder != from) {
        wire::acknowledgement onward = packet;
        onward.hop = _hop;
        _context.send(holder(), onward);
    }
}

void view_order::consider_acknowledging(bool force) {
    if (_frozen || _others.empty()) {
        return;
    }
    const sequence_number value = acknowledgeable();
    if (value <= _acknowledged && !force) {
        return;
    }
    // A quarter of the window, a little later at each member, so that not all acknowledge at once.
    const std::uint64_t volume = _window_bytes / 4 + _window_bytes / 16 * _self / size();
    const bool urgent = _safe_highest > _acknowledged;
    if (force || urgent || _unacknowledged_bytes >= volume || _context.now >= _acknowledge_at) {
        send_acknowledgement();
    } else if (_acknowledge_at == base::never) {
        _acknowledge_at = _context.now + _context.cfg.acknowledge_delay;
    }
}

void view_order::send_acknowledgement() {
    const sequence_number value = acknowledgeable();
    const bool urgent = _safe_highest > _acknowledged;
    _acknowledged = std::max(_acknowledged, value);
    _acknowledge_at = base::never;
    _unacknowledged_bytes = 0;
    const bool leads = leads_group();
    const bool through_leader = size() > _context.cfg.acknowledgement_fan_in && !leads;
    const std::size_t target = through_leader && _holder != _self ? group_first(_self) : _holder;
    if (target == _self) {
        return;
    }
    _context.world.on_step({.what = step::kind::acknowledged, .view = _view.id, .number = _store.received()});
    const auto tell = [&](std::size_t first, std::size_t end) {
        if (first < end) {
            _context.send(_view.members[target].node,
                          wire::acknowledgement{_view.id, static_cast<std::uint16_t>(first),
                                                static_cast<std::uint16_t>(end - first), value, _hop,
                                                static_cast<std::uint8_t>(urgent ? wire::acknowledgement::urgent : 0)});
        }
    };
    const std::size_t end = leads ? std::min(_self + group_size, size()) : _self + 1;
    const std::size_t split = _holder > _self && _holder < end ? _holder : end;
    tell(_self, split);
    tell(split + 1, end);
}

void view_order::on_heartbeat(std::size_t from, const wire::heartbeat& packet) {
    if (_frozen) {
        return;
    }
    learn_hop(packet.hop, packet.holder);
    know_highest(packet.highest, from);
    note_received(from, packet.received);
    _lag.heard(from, _view.members[from].node, packet.received, _store.received());
    raise_stable(packet.stable);
    // A holder that lacks acknowledgements says so by a low stable number; ours may have been lost.
    if (from == _holder && packet.stable < _store.received()) {
        consider_acknowledging(true);
    }
}

std::optional<node_id> view_order::take_hopeless() {
    const auto place = _frozen ? std::nullopt : _lag.take_hopeless();
    return place ? std::optional(_view.members[*place].node) : std::nullopt;
}

std::optional<duration> view_order::lag_of(node_id node) const {
    const auto place = _frozen ? std::nullopt : place_of(node);
    return place ? _lag.lag(*place) : std::nullopt;
}

void view_order::plan_beacon() {
    if (!_holding || _others.empty()) {
        return;
    }
    duration pause = _context.cfg.acknowledge_delay;
    for (const node_id other : _others) {
        pause = std::max(pause, _trips.overdue_after(other));
    }
    _beacon_pause = std::min(pause + _context.cfg.acknowledge_delay, _context.cfg.heartbeat_interval);
    _beacon_at = _context.now + _beacon_pause;
}

void view_order::stability_time() {
    if (_context.now >= _beacon_at) {
        _beacon_due = _holding;
        _beacon_pause *= 2;
        _beacon_at = _beacon_pause < _context.cfg.heartbeat_interval ? _context.now + _beacon_pause : base::never;
    }
    if (_context.now >= _acknowledge_at) {
        const bool anything = acknowledgeable() > _acknowledged;
        if (anything) {
            send_acknowledgement();
        } else {
            _acknowledge_at = base::never;
        }
    }
}

std::vector<node_id> view_order::take_beacon() {
    std::vector<node_id> targets;
    if (_frozen) {
        return targets;
    }
    if (std::exchange(_stable_untold, false)) {
        return _others;
    }
    if (!std::exchange(_beacon_due, false)) {
        return targets;
    }
    const sequence_number highest = _next.previous();
    bool lagging = false;
    for (std::size_t place = 0; place < size(); ++place) {
        if (place != _self && _members[place].received < highest) {
            targets.push_back(_view.members[place].node);
            lagging = true;
        }
    }
    if (!lagging) {
        _beacon_at = base::never;
    }
    return targets;
}

} // namespace coterie::ring

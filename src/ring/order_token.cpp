// SPDX-License-Identifier: BSD-3-Clause
// view_order's token: who may number, how it is asked for, passed on, repeated, relayed and proved.
#include "base/assert.hpp"
#include "base/mutant.hpp"
#include "ring/backoff.hpp"
#include "ring/view_order.hpp"

#include <algorithm>

namespace coterie::ring {

namespace {
constexpr std::uint32_t tries_before_relay = 3;
/// A member that froze a window behind the others may have to recover another window: both fit the store and a plan.
constexpr std::size_t window_packets_limit = (wire::window_packets_max - wire::members_max) / 2;
/// Nobody falls behind by more hops than this; a hop far ahead would use up all that follow.
constexpr std::uint64_t hops_ahead_max = std::uint64_t{1} << 32U;
/// Silence about a token for this many silence limits means that its target will never prove it.
constexpr int proof_limits = 4;
} // namespace

void view_order::learn_hop(hop_number hop, node_id holder) {
    if (hop <= _hop) {
        return;
    }
    const auto place = place_of(holder);
    if (!place || _holding || hop.since(_hop) > hops_ahead_max) {
        // Nobody but the holder can raise the hop.
        ++_context.counts.implausible;
        return;
    }
    // A higher hop than that of a passage proves its arrival. The same hop would not: others know of it by hearsay.
    _passage.reset();
    _hop = hop;
    _holder = *place;
}

void view_order::on_token(std::size_t from, const wire::token& packet) {
    if (_frozen) {
        return;
    }
    const auto target = place_of(packet.target);
    const auto giver = place_of(packet.giver);
    if (!target || !giver || *target == *giver || packet.members.size() != size()) {
        ++_context.counts.implausible;
        return;
    }
    if (*target != _self) {
        if (*giver == from && from != _self) {
            _relayed = relayed{packet.hop, packet.giver};
            _context.send(packet.target, packet);
        }
        return;
    }
    const auto prove = [&] {
        _context.send(packet.giver, wire::token_proof{_view.id, packet.hop});
        if (from != *giver) {
            _context.send(_view.members[from].node, wire::token_proof{_view.id, packet.hop});
        }
    };
    const bool stale = packet.hop <= _taken || packet.hop < _hop;
    if (stale && !(COTERIE_MUTANT(ring_token_taken_twice) && packet.hop == _taken && !_holding)) { // two holders
        prove();
        return;
    }
    raise_stable(packet.stable); // first: what it frees makes room for what has been numbered since
    const bool plausible =
        packet.next.value > size() && plausible_number(packet.next.previous()) && packet.next > _store.highest() &&
        packet.hop.since(_hop) <= hops_ahead_max && packet.stable <= _store.received() &&
        packet.numbered_bytes >= _store.released_bytes() &&
        packet.numbered_bytes - _store.released_bytes() <= _store.capacity() * wire::datagram_bytes_max &&
        std::ranges::all_of(packet.members,
                            [&](const wire::token::entry& entry) { return entry.received < packet.next; });
    if (!plausible && !COTERIE_MUTANT(ring_token_taken_twice)) {
        ++_context.counts.implausible;
        return;
    }
    take_token(packet);
    prove();
}

void view_order::take_token(const wire::token& token) {
    _hop = token.hop;
    _taken = token.hop;
    _holder = _self;
    _holding = true;
    _passage.reset();
    _next = token.next;
    _numbered_bytes = token.numbered_bytes;
    _hold_bytes = 0;
    _hop_first = token.next;
    for (std::size_t place = 0; place < _members.size(); ++place) {
        member_state& member = _members[place];
        member.wanted = std::max(member.wanted, token.members[place].wanted);
        member.served = std::max(member.served, token.members[place].served);
        if (place != _self) {
            note_received(place, token.members[place].received);
        }
    }
    _members[_self].wanted = _want_counter;
    _members[_self].served = _want_counter;
    _wanting = false;
    _want_next = base::never;
    ++_context.counts.hops;
    _context.world.on_step({.what = step::kind::hop_taken, .view = _view.id, .hop = _hop});
    const auto giver = place_of(token.giver);
    know_highest(token.next.previous(), giver.value_or(_self));
    plan_beacon();
}

void view_order::on_token_proof(std::size_t, const wire::token_proof& packet) {
    if (_frozen) {
        return;
    }
    if (_passage && packet.hop >= _passage->token.hop) {
        _passage.reset();
    }
    if (_relayed && packet.hop >= _relayed->hop) {
        _context.send(_relayed->giver, packet);
        _relayed.reset();
    }
}

void view_order::on_token_request(std::size_t from, const wire::token_request& packet) {
    if (_frozen) {
        return;
    }
    const auto requester = place_of(packet.requester);
    if (!requester || *requester == _self) {
        ++_context.counts.implausible;
        return;
    }
    _members[*requester].wanted = std::max(_members[*requester].wanted, packet.counter);
    // Towards a higher hop only, so that a request never goes in circles.
    if (!_holding && _hop > packet.hop && _holder != *requester && _holder != from && _holder != _self) {
        _context.send(holder(), wire::token_request{_view.id, packet.requester, packet.counter, _hop});
    }
}

std::optional<std::size_t> view_order::next_requester() const {
    for (std::size_t distance = 1; distance < size(); ++distance) {
        const std::size_t place = (_self + distance) % size();
        if (_members[place].wanted > _members[place].served) {
            return place;
        }
    }
    return std::nullopt;
}

std::size_t view_order::requesters() const {
    std::size_t count = 0;
    for (std::size_t place = 0; place < size(); ++place) {
        count += static_cast<std::size_t>(place != _self && _members[place].wanted > _members[place].served);
    }
    return count;
}

bool view_order::window_open() const {
    const std::uint64_t given = _next.value - 1 - std::max<std::uint64_t>(_stable.value, size());
    const std::uint64_t bytes = _numbered_bytes - _store.released_bytes();
    return given < std::min(_context.cfg.window_packets, window_packets_limit) && bytes < _window_bytes &&
           plausible_number(_next);
}

void view_order::number_packets() {
    if (_holding) {
        const std::size_t waiting = requesters();
        const std::uint64_t quantum = _window_bytes / (waiting + 1);
        bool dry = false;
        while (!dry && !_suspended && window_open() && (waiting == 0 || _hold_bytes < quantum)) {
            dry = !number_alone() && !number_one();
        }
        if (waiting > 0 && (_suspended || _hold_bytes >= quantum || dry || !_context.source.pending())) {
            hand_over(*next_requester());
        }
    }
    send_burst();
}

/// False when the source has nothing, whether it said so before or not.
bool view_order::number_one() {
    if (!_context.source.pending()) {
        return false;
    }
    base::buffer packet = wire::begin_data(_context.pool, _context.cfg.datagram_bytes - wire::data_overhead_bytes);
    base::byte_writer payload(wire::payload_space(packet));
    const packet_source::filled filled = _context.source.fill(payload);
    if (filled == packet_source::filled::nothing) {
        return false;
    }
    COTERIE_ASSERT(payload.ok(), "a source never writes more than there is room for");
    const sequence_number number = _next;
    _next = _next.next();
    const bool safe = filled == packet_source::filled::safe;
    const auto flags = static_cast<std::uint8_t>(safe ? wire::data::safe : 0);
    wire::finish_data(packet, _context.self,
                      {.view = _view.id,
                       .number = number,
                       .originator = _context.node(),
                       .flags = flags,
                       .hop = _hop,
                       .holder = _context.node(),
                       .hop_first = _hop_first,
                       .stable = _stable,
                       .payload = {}},
                      payload.size());
    const stored_packet stored{packet, packet.bytes().subspan(wire::data_overhead_bytes), _context.node(), flags};
    _numbered_bytes += stored.payload.size();
    _hold_bytes += stored.payload.size();
    ++_context.counts.numbered;
    _context.upper.on_numbered({_view.id, number, _context.node(), safe, false, stored.payload, packet});
    _burst.push_back({packet, flags});
    accept(number, stored, _self);
    return true;
}

/// A lone member's request is delivered where it lies: there is nobody to send a packet to, nor to keep one for.
bool view_order::number_alone() {
    if (size() > 1 || !_context.source.pending() || !_context.source.deliver_next(_view.id, _next)) {
        return false;
    }
    _store.pass(_next);
    _members[_self].received = _next;
    _highest = _next;
    _delivered = _next;
    _stable = _next;
    _next = _next.next();
    ++_context.counts.numbered;
    ++_context.counts.delivered;
    return true;
}

void view_order::hand_over(std::size_t target) {
    COTERIE_ASSERT(_holding && target != _self, "only the holder passes the token on, and to another member");
    wire::token token{.view = _view.id,
                      .hop = _hop.next(),
                      .giver = _context.node(),
                      .target = _view.members[target].node,
                      .next = _next,
                      .numbered_bytes = _numbered_bytes,
                      .stable = _stable,
                      .members = {}};
    token.members.reserve(size());
    for (const member_state& member : _members) {
        token.members.push_back({member.received, member.wanted, member.served});
    }
    _holding = false;
    _hop = token.hop;
    _holder = target;
    const duration overdue = _trips.overdue_after(token.target);
    _passage = passage{std::move(token), target, 0, _context.now, _context.now + overdue};
    _beacon_at = base::never;
    _acknowledged = std::max(_acknowledged, _members[_self].received);
    _context.world.on_step(
        {.what = step::kind::hop_given, .view = _view.id, .hop = _hop, .peer = _view.members[target].node});
    _context.world.on_step({.what = step::kind::acknowledged, .view = _view.id, .number = _members[_self].received});
    send_token();
}

void view_order::send_token() { _context.send(_passage->token.target, _passage->token); }

void view_order::send_burst() {
    for (unsent& each : _burst) {
        wire::refresh_data(each.packet, _hop, holder(), _stable, each.flags);
        _context.transmit(each.packet, _others);
    }
    if (!_burst.empty()) {
        _burst.clear();
        _stable_untold = false;
        plan_beacon();
    }
}

void view_order::want_token() {
    _wanting = true;
    ++_want_counter;
    _want_tries = 0;
    _members[_self].wanted = _want_counter;
    if (_holder != _self) {
        send_token_request(false);
    }
    _want_next = _context.now + 2 * _trips.overdue_after(holder());
}

void view_order::send_token_request(bool to_all) {
    ++_context.counts.requests_sent;
    const wire::token_request request{_view.id, _context.node(), _want_counter, _hop};
    if (to_all) {
        _context.send(_others, request);
    } else {
        _context.send(holder(), request);
    }
}

void view_order::token_time() {
    if (_passage && _context.now >= _passage->next) {
        passage& away = *_passage;
        ++away.tries;
        ++_context.counts.tokens_repeated;
        away.next =
            _context.now + backed_off(_trips.overdue_after(away.token.target), away.tries, _context.cfg.retry_max);
        send_token();
        if (away.tries >= tries_before_relay && size() > 2) {
            // The way to the target may be broken in one direction only: another member may have a better one.
            const node_id relay = _others[away.tries % _others.size()];
            if (relay != away.token.target) {
                _context.send(relay, away.token);
            }
        }
    }
    if (_wanting && _context.now >= _want_next) {
        if (!_context.source.pending()) {
            _wanting = false;
            _want_next = base::never;
            return;
        }
        ++_want_tries;
        _want_next = _context.now + backed_off(2 * _trips.overdue_after(holder()), _want_tries, _context.cfg.retry_max);
        send_token_request(true);
    }
    if (COTERIE_MUTANT(ring_requests_token_once)) { // gives up when its request is lost
        _want_next = base::never;
    }
}

void view_order::on_pause() {
    _lag.forget();
    if (_passage) {
        _passage->since = _context.now;
    }
}

std::optional<node_id> view_order::take_unproven() {
    if (!_frozen && _passage && _context.now - _passage->since > proof_limits * _context.cfg.silence_limit) {
        _passage->since = _context.now;
        return _passage->token.target;
    }
    return std::nullopt;
}

} // namespace coterie::ring

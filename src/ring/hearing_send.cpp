// SPDX-License-Identifier: BSD-3-Clause
// When heartbeats go out and to whom. One batch shares one counter, so that an echo names the moment it was sent.
#include "ring/hearing.hpp"

#include <algorithm>
#include <limits>

namespace coterie::ring {

namespace {
constexpr duration eager_interval = std::chrono::milliseconds(25);
constexpr duration announce_spacing = std::chrono::milliseconds(5);
} // namespace

duration hearing::slow_interval() const {
    return _context.now < _eager_until ? std::min(eager_interval, _context.cfg.contact_interval)
                                       : _context.cfg.contact_interval;
}

bool hearing::greets_slowly(const peer& peer) const {
    if (peer.fast && peer.heard) {
        return false;
    }
    return _context.now >= _eager_until || !mutual(peer);
}

bool hearing::anything_due() const {
    return _any_due || _context.now >= _fast_next || _context.now >= _slow_next ||
           (_announce && _context.now >= _announced + announce_spacing);
}

time_point hearing::deadline() const {
    time_point result = std::min({_fast_next, _slow_next, _judge_next});
    if (_any_due) {
        return _context.now;
    }
    if (_announce) {
        result = std::min(result, _announced + announce_spacing);
    }
    return result;
}

void hearing::send_soon(std::span<const node_id> targets) {
    for (const node_id target : targets) {
        peer* known = entry(target);
        if (known != nullptr) {
            known->answer_due = true;
            _any_due = true;
        }
    }
}

void hearing::send_heartbeats(wire::heartbeat packet) {
    const bool announcing = _announce && _context.now >= _announced + announce_spacing;
    const bool fast = _context.now >= _fast_next;
    const bool slow = _context.now >= _slow_next;
    ++_counter;
    _sent_at[_counter % _sent_at.size()] = _context.now;
    packet.counter = _counter;
    packet.hears = heard_members();
    for (peer& each : _peers) {
        const bool due = each.probe_due || each.answer_due || (fast && each.fast && each.heard) ||
                         (slow && greets_slowly(each)) ||
                         (announcing && (each.heard || each.candidate != base::no_incarnation));
        if (due) {
            send_to(each, packet, each.probe_due);
        }
        each.probe_due = false;
        each.answer_due = false;
    }
    _any_due = false;
    if (fast) {
        _fast_next = _context.now + _context.cfg.heartbeat_interval;
    }
    if (slow) {
        _slow_next = _context.now + slow_interval();
    }
    if (announcing) {
        _announce = false;
        _announced = _context.now;
    }
}

void hearing::send_to(const peer& peer, wire::heartbeat& packet, bool probe) {
    packet.flags = static_cast<std::uint8_t>(packet.flags & ~static_cast<unsigned>(wire::heartbeat::probe));
    if (probe) {
        packet.flags = static_cast<std::uint8_t>(packet.flags | wire::heartbeat::probe);
    }
    // Of two lives the one heard last gets the echo: it is the one that may be alive.
    const bool candidate =
        peer.candidate != base::no_incarnation && (!peer.heard || peer.candidate_heard > peer.last_heard);
    const time_point heard = candidate ? peer.candidate_heard : peer.counter_heard;
    packet.echo_nonce = candidate ? peer.candidate : peer.nonce;
    packet.echo_counter = candidate ? peer.candidate_counter : peer.counter;
    const auto held = std::chrono::duration_cast<std::chrono::microseconds>(_context.now - heard).count();
    packet.echo_held_us =
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(held, 0, std::numeric_limits<std::uint32_t>::max()));
    _context.send(peer.node, packet);
}

} // namespace coterie::ring

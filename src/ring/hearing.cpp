// SPDX-License-Identifier: BSD-3-Clause
// Peers and the judgement of their silence. Sending heartbeats is in hearing_send.cpp.
#include "ring/hearing.hpp"

#include <algorithm>

namespace coterie::ring {

namespace {
constexpr duration eager_span = std::chrono::milliseconds(500);
constexpr duration overdue_min = std::chrono::milliseconds(2);
/// A node that is not dropped again so long after it was let in is met like a new one.
constexpr duration hold_off_memory = std::chrono::seconds(20);
/// A node that is dropped this often without such a time between comes and goes: also a new life of it is held off.
constexpr std::uint32_t flapping_from = 3;
} // namespace

hearing::hearing(context& context) : _context(context) {
    std::vector<node_id> nodes = context.cfg.configured;
    std::ranges::sort(nodes);
    const auto repeated = std::ranges::unique(nodes);
    nodes.erase(repeated.begin(), repeated.end());
    for (const node_id node : nodes) {
        if (node != context.node() && node != base::no_node) {
            peer fresh;
            fresh.node = node;
            _peers.push_back(std::move(fresh));
        }
    }
}

void hearing::start() {
    _fast_next = _context.now + _context.cfg.heartbeat_interval;
    _slow_next = _context.now;
    _eager_until = _context.now + eager_span;
    _judge_next = _context.now;
}

peer* hearing::entry(node_id node) {
    const auto found = std::ranges::lower_bound(_peers, node, {}, &peer::node);
    return found != _peers.end() && found->node == node ? &*found : nullptr;
}

const peer* hearing::find(node_id node) const {
    const auto found = std::ranges::lower_bound(_peers, node, {}, &peer::node);
    return found != _peers.end() && found->node == node ? &*found : nullptr;
}

bool hearing::hears(const member& who) const {
    if (who.node == _context.node()) {
        return who.nonce == _context.self.nonce;
    }
    const peer* known = find(who.node);
    return known != nullptr && known->heard && known->nonce == who.nonce;
}

bool hearing::mutual(const peer& peer) const {
    return peer.heard && _context.now >= peer.hold_off_until &&
           std::ranges::binary_search(peer.last.hears, member{_context.node(), _context.self.nonce});
}

std::vector<member> hearing::heard_members() const {
    std::vector<member> result;
    result.reserve(_peers.size() + 1);
    const member self{_context.node(), _context.self.nonce};
    bool placed = false;
    for (const peer& each : _peers) {
        if (!placed && each.node > self.node) {
            result.push_back(self);
            placed = true;
        }
        if (each.heard && _context.now >= each.hold_off_until) {
            result.push_back({each.node, each.nonce});
        }
    }
    if (!placed) {
        result.push_back(self);
    }
    return result;
}

duration hearing::overdue_after(node_id node) const {
    const peer* known = find(node);
    if (known == nullptr || known->round_trip == duration::zero()) {
        return _context.cfg.retry;
    }
    return std::clamp(known->round_trip + 4 * known->round_trip_variation + std::chrono::milliseconds(1), overdue_min,
                      _context.cfg.retry_max);
}

duration hearing::limit_of(const peer& peer) const {
    const duration limit = peer.fast ? _context.cfg.silence_limit : _context.cfg.contact_limit;
    return limit + std::min(4 * peer.lateness, limit);
}

bool hearing::on_any(const wire::origin& from) {
    peer* known = entry(from.node);
    if (known == nullptr) {
        ++_context.counts.unknown_incarnation;
        return false;
    }
    if (known->nonce == from.nonce && known->heard) {
        known->last_heard = _context.now;
        known->must_answer_by = base::never;
        return true;
    }
    // Another life, or one that was given up: it counts once it echoes a heartbeat that we send from now on. A packet
    // that was long under way cannot do that.
    if (known->candidate != from.nonce) {
        known->candidate = from.nonce;
        known->candidate_since = _counter;
        known->candidate_counter = 0;
        known->answer_due = true;
        _any_due = true;
    }
    known->candidate_heard = _context.now;
    if (known->nonce != from.nonce) {
        ++_context.counts.unknown_incarnation;
        return false;
    }
    return true;
}

void hearing::on_heartbeat(const wire::origin& from, const wire::heartbeat& packet) {
    peer* known = entry(from.node);
    if (known == nullptr) {
        return;
    }
    if ((packet.flags & wire::heartbeat::probe) != 0) {
        known->answer_due = true;
        _any_due = true;
    }
    if (!known->heard || known->nonce != from.nonce) {
        if (packet.counter > known->candidate_counter) {
            known->candidate_counter = packet.counter;
        }
        const bool echoes_fresh =
            packet.echo_nonce == _context.self.nonce && packet.echo_counter > known->candidate_since;
        if (echoes_fresh && packet.echo_counter <= _counter && (packet.flags & wire::heartbeat::leaving) == 0) {
            prove(*known, from, packet);
        }
        return;
    }
    if (packet.counter <= known->counter) {
        return;
    }
    const duration interval = known->fast ? _context.cfg.heartbeat_interval : _context.cfg.contact_interval;
    const duration late = std::max(duration::zero(), _context.now - known->paced_from - interval);
    known->lateness += (std::min(late, 4 * interval) - known->lateness) / 8;
    known->counter = packet.counter;
    known->counter_heard = _context.now;
    known->paced_from = _context.now;
    measure_round_trip(*known, packet);
    const wire::heartbeat& last = known->last;
    _changed =
        _changed || packet.view != last.view || packet.view_size != last.view_size ||
        packet.promised != last.promised || packet.hears != last.hears ||
        // That it asks for an answer says nothing about it; looking at everything anew for that would go on and on
        // between two that doubt each other.
        ((packet.flags ^ last.flags) & ~static_cast<unsigned>(wire::heartbeat::probe)) != 0;
    known->last = packet;
    if ((packet.flags & wire::heartbeat::leaving) != 0) {
        known->leaving = true;
        lose(*known);
    }
    judge_confirmations();
}

void hearing::prove(peer& peer, const wire::origin& from, const wire::heartbeat& packet) {
    if (peer.nonce != from.nonce) {
        if (peer.nonce != base::no_incarnation) {
            _context.world.on_step({.what = step::kind::restarted, .peer = peer.node});
        }
        ring::peer fresh;
        fresh.node = peer.node;
        fresh.fast = peer.fast;
        fresh.answer_due = peer.answer_due;
        fresh.round_trip = peer.round_trip;
        fresh.round_trip_variation = peer.round_trip_variation;
        fresh.dropped = peer.dropped;
        fresh.dropped_until = peer.dropped_until;
        fresh.hold_off_until = times_lost(peer) >= flapping_from ? peer.hold_off_until : time_point{};
        peer = std::move(fresh);
        peer.nonce = from.nonce;
    }
    peer.candidate = base::no_incarnation;
    peer.heard = true;
    peer.last_heard = _context.now;
    peer.must_answer_by = base::never;
    peer.counter = packet.counter;
    peer.counter_heard = _context.now;
    peer.paced_from = _context.now;
    peer.lateness = {};
    measure_round_trip(peer, packet);
    peer.last = packet;
    _changed = true;
    _judge_next = _context.now;
    announce();
}

void hearing::measure_round_trip(peer& peer, const wire::heartbeat& packet) {
    if (packet.echo_nonce != _context.self.nonce || packet.echo_counter <= peer.echoed ||
        packet.echo_counter > _counter || _counter - packet.echo_counter >= _sent_at.size()) {
        return;
    }
    peer.echoed = packet.echo_counter;
    if (packet.echo_counter <= _wake_counter) {
        return; // most of that time this node was paused itself
    }
    const duration whole = _context.now - _sent_at[packet.echo_counter % _sent_at.size()];
    const duration sample = whole - std::chrono::microseconds(packet.echo_held_us);
    if (sample <= duration::zero()) {
        return;
    }
    if (peer.round_trip == duration::zero()) {
        peer.round_trip = sample;
        peer.round_trip_variation = sample / 2;
        return;
    }
    const duration off = sample > peer.round_trip ? sample - peer.round_trip : peer.round_trip - sample;
    peer.round_trip_variation += (off - peer.round_trip_variation) / 4;
    peer.round_trip += (sample - peer.round_trip) / 8;
}

void hearing::on_refused(node_id node) {
    peer* known = entry(node);
    if (known != nullptr && known->heard && known->must_answer_by == base::never) {
        known->must_answer_by = _context.now + std::max(_context.cfg.refused_limit, 2 * overdue_after(node));
        known->probe_next = _context.now;
        _judge_next = _context.now;
    }
}

void hearing::doubt(node_id node) {
    peer* known = entry(node);
    if (known != nullptr && known->heard && known->must_answer_by == base::never) {
        known->must_answer_by = _context.now + _context.cfg.silence_limit / 2;
        // One that answers and is doubted again is not asked at the pace of its answers.
        known->probe_next = std::max(known->probe_next, _context.now);
        _judge_next = _context.now;
    }
}

void hearing::give_up(node_id node) {
    peer* known = entry(node);
    if (known != nullptr && known->heard) {
        lose(*known);
    }
}

void hearing::lose(peer& peer) {
    peer.heard = false;
    peer.must_answer_by = base::never;
    peer.candidate = peer.nonce;
    peer.candidate_since = _counter;
    peer.candidate_counter = peer.counter;
    _context.world.on_step({.what = step::kind::suspected, .peer = peer.node});
    _changed = true;
    announce();
}

void hearing::on_pause(duration pause) {
    _context.world.on_step(
        {.what = step::kind::paused, .number = sequence_number{{static_cast<std::uint64_t>(pause.count())}}});
    _wake_counter = _counter;
    for (peer& each : _peers) {
        if (each.heard) {
            each.last_heard = _context.now;
            each.paced_from = _context.now;
            each.must_answer_by = base::never;
            each.probe_next = _context.now;
        }
    }
    _unconfirmed = _view_members.size() > 1;
    _judge_next = _context.now;
}

void hearing::on_late(duration late) {
    for (peer& each : _peers) {
        if (each.heard) {
            each.last_heard += late;
            each.paced_from += late;
            if (each.must_answer_by != base::never) {
                each.must_answer_by += late;
            }
        }
    }
    _judge_next = _context.now;
}

void hearing::judge_confirmations() {
    if (!_unconfirmed) {
        return;
    }
    _unconfirmed = std::ranges::any_of(_view_members, [&](const member& each) {
        if (each.node == _context.node()) {
            return false;
        }
        const peer* known = find(each.node);
        return known == nullptr || known->nonce != each.nonce || known->echoed <= _wake_counter;
    });
}

void hearing::judge(peer& peer) {
    if (peer.hold_off_until != time_point{} && _context.now >= peer.hold_off_until) {
        peer.hold_off_until = time_point{};
        _changed = true;
        announce();
    }
    if (peer.hold_off_until != time_point{}) {
        _judge_next = std::min(_judge_next, peer.hold_off_until);
    }
    if (!peer.heard) {
        return;
    }
    const duration limit = limit_of(peer);
    const time_point silent_at = std::min(peer.last_heard + limit, peer.must_answer_by);
    if (_context.now >= silent_at) {
        lose(peer);
        return;
    }
    // Half-way to the limit the node is asked for a sign of life, again and again: losses alone do not evict it.
    const bool confirming = _unconfirmed && peer.echoed <= _wake_counter;
    const bool doubted = peer.must_answer_by != base::never || confirming;
    const time_point probe_from = doubted ? peer.probe_next : std::max(peer.probe_next, peer.last_heard + limit / 2);
    if (_context.now >= probe_from) {
        peer.probe_due = true;
        _any_due = true;
        peer.probe_next = _context.now + (peer.must_answer_by != base::never
                                              ? (peer.must_answer_by - _context.now) / 4 + std::chrono::milliseconds(1)
                                              : limit / 16);
        _judge_next = std::min(_judge_next, peer.probe_next);
    } else {
        _judge_next = std::min(_judge_next, probe_from);
    }
    _judge_next = std::min(_judge_next, silent_at);
}

void hearing::on_time() {
    if (_context.now < _judge_next) {
        return;
    }
    _judge_next = base::never;
    for (peer& each : _peers) {
        judge(each);
    }
}

void hearing::on_view(const regular_view& view, std::span<const member> dropped) {
    _view_members = view.members;
    _unconfirmed = false;
    const std::size_t size = view.members.size();
    const auto self = static_cast<std::size_t>(std::ranges::find(view.members, _context.node(), &member::node) -
                                               view.members.begin());
    const std::size_t reach = _context.cfg.watchers;
    for (peer& each : _peers) {
        each.fast = false;
        if (each.hold_off_until == base::never) {
            each.hold_off_until = _context.now + _context.cfg.hold_off_max;
        }
    }
    for (std::size_t place = 0; place < size; ++place) {
        const std::size_t distance = place > self ? place - self : self - place;
        peer* known = entry(view.members[place].node);
        if (known != nullptr) {
            known->fast = size <= 2 * reach + 1 || std::min(distance, size - distance) <= reach;
            known->last_heard = known->heard ? _context.now : known->last_heard;
        }
    }
    for (const member& gone : dropped) {
        peer* known = entry(gone.node);
        if (known != nullptr && !known->leaving) {
            const bool back = std::ranges::binary_search(view.members, member{known->node, known->nonce});
            hold_off_dropped(*known, known->nonce != gone.nonce, back);
        }
    }
    _changed = true;
    _judge_next = _context.now;
    announce();
}

std::uint32_t hearing::times_lost(const peer& peer) const {
    return _context.now < peer.dropped_until ? peer.dropped : 0;
}

void hearing::hold_off_dropped(peer& peer, bool restarted, bool back) {
    peer.dropped = times_lost(peer) + 1;
    peer.dropped_until = _context.now + hold_off_memory;
    const bool flapping = peer.dropped >= flapping_from;
    if (back || (restarted && !flapping)) {
        return;
    }
    duration pause = _context.cfg.hold_off;
    for (std::uint32_t times = 1; times < peer.dropped && pause < _context.cfg.hold_off_max; ++times) {
        pause = std::min(2 * pause, _context.cfg.hold_off_max);
    }
    // One that is left out already is not let in sooner for that.
    peer.hold_off_until = std::max(peer.hold_off_until, _context.now + pause);
    peer.dropped_until = peer.hold_off_until + hold_off_memory;
    if (flapping || peer.heard) {
        _context.world.on_step({.what = flapping ? step::kind::flapping : step::kind::held_off,
                                .number = sequence_number{{static_cast<std::uint64_t>(pause.count())}},
                                .peer = peer.node,
                                .hash = peer.dropped});
    }
}

void hearing::leave_out(node_id node) {
    peer* known = entry(node);
    if (known == nullptr || !known->heard || known->hold_off_until > _context.now) {
        return;
    }
    // It stays out at least until there is a view without it, however long parting takes.
    known->hold_off_until = base::never;
    _context.world.on_step({.what = step::kind::left_out,
                            .number = sequence_number{{static_cast<std::uint64_t>(_context.cfg.hold_off_max.count())}},
                            .peer = node});
    _changed = true;
    _judge_next = _context.now;
    announce();
}

void hearing::watch(std::span<const member> members) {
    for (const member& each : members) {
        peer* known = entry(each.node);
        if (known != nullptr && !known->fast) {
            known->fast = true;
            known->last_heard = known->heard ? _context.now : known->last_heard;
            _judge_next = _context.now;
        }
    }
}

} // namespace coterie::ring

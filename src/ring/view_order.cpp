// SPDX-License-Identifier: BSD-3-Clause
// The life of a view's order: install, freeze, report, the last deliveries under a plan. Token, repairs and stability
// have their own files.
#include "ring/view_order.hpp"

#include "base/assert.hpp"
#include "base/mutant.hpp"

#include <algorithm>

namespace coterie::ring {

view_order::view_order(context& context, const round_trips& trips, regular_view view, node_id first_holder, bool frozen)
    : _context(context),
      _trips(trips),
      _view(std::move(view)),
      _self(0),
      _store(wire::window_packets_max + wire::members_max, sequence_number{{_view.members.size()}}),
      _members(_view.members.size()),
      _frozen(frozen),
      _hop{{1}},
      _holder(0),
      _window_bytes(context.cfg.window_bytes),
      _highest{{_view.members.size()}},
      _lag(context, _view.members.size()) {
    const auto self = place_of(context.node());
    const auto holder = place_of(first_holder);
    COTERIE_ASSERT(self && holder, "a node installs only views that it and the first holder are members of");
    _self = *self;
    _holder = *holder;
    _others.reserve(_view.members.size());
    for (const member& each : _view.members) {
        if (each.node != context.node()) {
            _others.push_back(each.node);
        }
    }
    _highest_from = _holder;
    _hop_first = _highest.next();
    if (frozen) {
        return;
    }
    if (_holder == _self) {
        _taken = _hop;
        _holding = true;
        _next = _highest.next();
        _context.world.on_step({.what = step::kind::hop_taken, .view = _view.id, .hop = _hop});
    }
    // The first packet has its number by place: no token is needed to exchange tables.
    const sequence_number number{{_self + 1}};
    base::buffer packet = wire::begin_data(_context.pool, _context.cfg.datagram_bytes - wire::data_overhead_bytes);
    base::byte_writer payload(wire::payload_space(packet));
    _context.source.fill_first(payload);
    const auto flags = static_cast<std::uint8_t>(wire::data::table);
    wire::finish_data(packet, _context.self,
                      {.view = _view.id,
                       .number = number,
                       .originator = _context.node(),
                       .flags = flags,
                       .hop = _hop,
                       .holder = first_holder,
                       .hop_first = _hop_first,
                       .stable = {},
                       .payload = {}},
                      payload.size());
    const stored_packet stored{packet, packet.bytes().subspan(wire::data_overhead_bytes), _context.node(), flags};
    ++_context.counts.numbered;
    _context.upper.on_numbered({_view.id, number, _context.node(), false, true, stored.payload, packet});
    _burst.push_back({packet, flags});
    accept(number, stored, _self);
    send_burst();
}

std::optional<std::size_t> view_order::place_of(node_id node) const {
    const auto found = std::ranges::lower_bound(_view.members, node, {}, &member::node);
    if (found == _view.members.end() || found->node != node) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - _view.members.begin());
}

void view_order::on_time() {
    if (_frozen) {
        return;
    }
    token_time();
    repair_time();
    stability_time();
}

time_point view_order::deadline() const {
    if (_frozen) {
        return base::never;
    }
    time_point result = std::min({_want_next, _repair_at, _acknowledge_at, _beacon_at});
    if (_passage) {
        result = std::min(result, _passage->next);
    }
    for (const pending_answer& answer : _answers) {
        result = std::min(result, answer.due);
    }
    return result;
}

void view_order::pump() {
    if (_frozen) {
        return;
    }
    number_packets();
    if (!_holding && !_wanting && _context.source.pending()) {
        want_token();
    }
    consider_acknowledging(false);
}

void view_order::freeze() {
    _frozen = true;
    _burst.clear();
    _passage.reset();
    _answers.clear();
    _beacon_due = false;
}

void view_order::fill_heartbeat(wire::heartbeat& out) {
    out.view = _view.id;
    if (_frozen) {
        return;
    }
    out.hop = _hop;
    out.holder = holder();
    out.highest = _highest;
    out.received = _store.received();
    out.stable = _stable;
    if (out.received > _told) {
        _told = out.received;
        _context.world.on_step({.what = step::kind::acknowledged, .view = _view.id, .number = _told});
    }
}

void view_order::fill_report(wire::report& out) const {
    COTERIE_ASSERT(_frozen, "a node freezes its view before it reports");
    out.old_view = _view.id;
    out.received = _store.received();
    out.delivered = _delivered;
    out.stable = _stable;
    const std::uint64_t beyond = std::min<std::uint64_t>(
        _store.highest() > _store.received() ? _store.highest().since(_store.received()) : 0, wire::window_packets_max);
    out.beyond.assign((beyond + 7) / 8, 0);
    for (std::uint64_t bit = 0; bit < beyond; ++bit) {
        if (_store.find(out.received.plus(bit + 1)) != nullptr) {
            out.beyond[bit / 8] = static_cast<std::uint8_t>(out.beyond[bit / 8] | (1U << (bit % 8)));
        }
    }
}

bool view_order::insert_recovered(const wire::recovered& packet, const base::buffer& datagram) {
    COTERIE_ASSERT(_frozen, "packets enter through a plan only after the freeze");
    if (!place_of(packet.originator) || packet.number.value > _store.released().value + _store.capacity()) {
        ++_context.counts.implausible;
        return false;
    }
    return _store.insert(packet.number, {datagram, packet.payload, packet.originator, packet.flags});
}

void view_order::finish(const wire::transition& transition) {
    COTERIE_ASSERT(_frozen, "a view is finished only after its freeze");
    std::vector<bool> held; // beyond the base: whether anybody that moves together holds the number
    for (const wire::transition::run& run : transition.union_runs) {
        held.insert(held.end(), run.count, run.owner != wire::transition::run::nobody);
    }
    const sequence_number end = transition.base.plus(held.size());
    const auto is_held = [&](sequence_number number) {
        return number <= transition.base || held[number.since(transition.base) - 1];
    };
    const auto eligible = [&](node_id originator) {
        return COTERIE_MUTANT(ring_past_hole_everything) || // delivers messages whose causes nobody has
               std::ranges::binary_search(transition.together, originator) ||
               std::ranges::find(transition.owed, originator) != transition.owed.end();
    };
    sequence_number number = _delivered.next();
    // In R: up to the first hole or the first safe message that not everybody is known to have.
    for (; number <= end && is_held(number); number = number.next()) {
        const stored_packet* packet = _store.find(number);
        if (COTERIE_MUTANT(ring_complete_without_packets) && packet == nullptr) {
            break;
        }
        COTERIE_ASSERT(packet != nullptr, "a member that completed a plan holds the union");
        if ((packet->flags & wire::data::safe) != 0 && number > transition.stable &&
            !COTERIE_MUTANT(ring_safe_in_regular)) { // claims that all of R have it
            break;
        }
        deliver(number, *packet);
    }
    if (COTERIE_MUTANT(ring_transitional_without_last) && transition.together.front() == _context.node()) {
        std::vector<node_id> fewer = transition.together; // others of T name more
        fewer.resize(std::max<std::size_t>(1, fewer.size() - 1));
        _context.upper.on_transitional({_view.id, fewer});
    } else {
        _context.upper.on_transitional({_view.id, transition.together});
    }
    // In T(R): the rest; past a hole only what cannot have been caused by what is missing.
    bool past_hole = false;
    for (; number <= end; number = number.next()) {
        if (!is_held(number)) {
            past_hole = true;
            if (COTERIE_MUTANT(ring_stop_at_hole)) { // loses own messages behind somebody else's hole
                break;
            }
            continue;
        }
        const stored_packet* packet = _store.find(number);
        if (COTERIE_MUTANT(ring_complete_without_packets) && packet == nullptr) {
            continue;
        }
        COTERIE_ASSERT(packet != nullptr, "a member that completed a plan holds the union");
        if (past_hole && !eligible(packet->originator)) {
            continue;
        }
        if (COTERIE_MUTANT(ring_own_not_in_transition) && packet->originator == _context.node()) {
            continue;
        }
        deliver(number, *packet);
    }
}

} // namespace coterie::ring

// SPDX-License-Identifier: BSD-3-Clause
// The public face of the engine, and what its core does around each input.
#include "ring/engine.hpp"

#include "ring/engine_core.hpp"

#include <algorithm>

namespace coterie::ring {

namespace {
constexpr std::uint32_t farewells = 3;
constexpr duration farewell_spacing = std::chrono::milliseconds(5);
} // namespace

engine::core::core(const settings& settings, base::buffer_pool& pool, environment& environment, listener& listener,
                   packet_source& source)
    : _settings(settings),
      _context{.cfg = _settings,
               .pool = pool,
               .world = environment,
               .upper = listener,
               .source = source,
               .self = {settings.cluster, settings.self.node, settings.self.nonce},
               .counts = {},
               .random = base::random_source(settings.random_seed ^ settings.self.nonce.value)},
      _epochs(_context),
      _hearing(_context),
      _membership(_context, _hearing, _epochs) {}

void engine::core::begin(time_point now) {
    _context.now = std::max(_context.now, now);
    if (!_started || _retired) {
        return;
    }
    const duration limit = _settings.silence_limit;
    if (_deadline != base::never && now > _deadline + limit) {
        // This node did not run. What lies in its sockets is older than its clock says: nobody is judged by it.
        _paused = {.count = _paused.count + 1, .last = now - _deadline, .ended = now};
        _hearing.on_pause(_paused.last);
        _membership.on_pause();
    } else if (_deadline != base::never && now > _deadline + _settings.heartbeat_interval / 2) {
        _hearing.on_late(now - _deadline);
    }
}

void engine::core::settle() {
    if (!_started || _retired) {
        _deadline = base::never;
        return;
    }
    if (_leaving) {
        if (_context.now >= _farewell_next) {
            _hearing.announce();
            ++_farewells;
            _farewell_next = _context.now + farewell_spacing;
        }
        _hearing.send_due([this] { return own_heartbeat(); });
        if (_farewells > farewells) {
            _retired = true;
            _context.world.on_step({.what = step::kind::retired});
        }
        _deadline = _retired ? base::never : _farewell_next;
        return;
    }
    _hearing.on_time();
    if (view_order* order = _membership.order()) {
        order->on_time();
        if (const auto unproven = order->take_unproven()) {
            _hearing.give_up(*unproven);
        }
        if (const auto slow = order->take_hopeless()) {
            _hearing.leave_out(*slow);
        }
    }
    _membership.on_time();
    while (_hearing.take_changed() || _membership.has_loopback()) {
        _membership.evaluate();
        for (const base::buffer& packet : _membership.take_loopback()) {
            const auto kind = static_cast<wire::packet_kind>(packet.bytes()[5]);
            dispatch_membership({_context.self.node, _context.self.nonce}, kind,
                                packet.bytes().subspan(wire::header_bytes), packet);
        }
    }
    if (view_order* order = _membership.order()) {
        order->suspend(_hearing.unconfirmed());
        order->pump();
        _hearing.send_soon(order->take_beacon());
    }
    _hearing.send_due([this] { return own_heartbeat(); });
    _deadline = std::min(_hearing.deadline(), _membership.deadline());
    if (const view_order* order = _membership.order()) {
        _deadline = std::min(_deadline, order->deadline());
    }
}

void engine::core::start(time_point now) {
    _context.now = now;
    _started = true;
    _epochs.start();
    _hearing.start();
    _membership.start();
    settle();
}

void engine::core::on_packet(time_point now, const base::buffer& datagram, const wire::opened& packet) {
    begin(now);
    if (!_started || _retired || _leaving) {
        return;
    }
    ++_context.counts.received[static_cast<std::size_t>(packet.kind)];
    if (packet.from.node == _context.self.node) {
        ++_context.counts.implausible;
        return;
    }
    const bool proved = _hearing.on_any(packet.from);
    const member from{packet.from.node, packet.from.nonce};
    if (packet.kind == wire::packet_kind::heartbeat) {
        take_heartbeat(from, packet.body);
    } else if (proved) {
        dispatch(from, packet.kind, packet.body, datagram);
    }
    settle();
}

void engine::core::on_time(time_point now) {
    begin(now);
    settle();
}

void engine::core::on_stored(time_point now, epoch_number epoch) {
    begin(now);
    const bool before = _epochs.available();
    _epochs.on_stored(epoch);
    if (before != _epochs.available()) {
        _hearing.announce();
    }
    if (_started && !_leaving) {
        _membership.evaluate();
    }
    settle();
}

void engine::core::on_refused(time_point now, node_id node) {
    begin(now);
    _hearing.on_refused(node);
    settle();
}

void engine::core::on_pending(time_point now) {
    begin(now);
    settle();
}

void engine::core::leave(time_point now) {
    begin(now);
    if (!_leaving) {
        _leaving = true;
        _farewell_next = _context.now;
    }
    settle();
}

const regular_view& engine::core::view() const { return order() != nullptr ? order()->view() : _no_view; }

bool engine::core::operational() const { return order() != nullptr && !order()->frozen() && !_membership.changing(); }

wire::heartbeat engine::core::own_heartbeat() {
    wire::heartbeat result;
    if (view_order* order = _membership.order()) {
        order->fill_heartbeat(result);
    }
    result.view_size = _membership.side_size();
    result.promised = _membership.promised();
    result.epoch_highest = _epochs.highest();
    const auto flag = [](bool on, wire::heartbeat::flag which) { return on ? static_cast<unsigned>(which) : 0U; };
    result.flags = static_cast<std::uint8_t>(flag(_membership.changing(), wire::heartbeat::changing) |
                                             flag(_leaving, wire::heartbeat::leaving) |
                                             flag(!_epochs.available(), wire::heartbeat::unstored));
    return result;
}

std::vector<link> engine::core::links(time_point now) const {
    std::vector<link> result;
    for (const peer& each : _hearing.peers()) {
        link one;
        one.node = each.node;
        one.heard = each.heard;
        one.mutual = _hearing.mutual(each);
        one.leaving = each.leaving;
        one.times_lost = _hearing.times_lost(each);
        if (each.hold_off_until > now) {
            one.held_off = std::min(each.hold_off_until - now, _context.cfg.hold_off_max);
        }
        if (const view_order* in = order()) {
            one.lag = in->lag_of(each.node);
        }
        if (each.nonce != base::no_incarnation) {
            one.last_heard_ago = std::max(now - each.last_heard, duration{});
        }
        if (each.round_trip > duration{}) {
            one.round_trip = each.round_trip;
        }
        result.push_back(one);
    }
    return result;
}

std::string engine::core::describe() const {
    const view_order* order = _membership.order();
    std::string result = "node " + std::to_string(_context.self.node.value);
    if (order == nullptr) {
        return result + ", no view yet";
    }
    result += ", view " + std::to_string(order->view().id.epoch.value) + "/" +
              std::to_string(order->view().id.coordinator.value) + " of " + std::to_string(order->size());
    result += order->frozen() ? ", frozen" : "";
    result += _membership.changing() ? ", changing" : "";
    result += ", hop " + std::to_string(order->hop().value) + (order->holding() ? " held" : "");
    result += ", received " + std::to_string(order->store().received().value) + " of " +
              std::to_string(order->highest().value) + ", delivered " + std::to_string(order->delivered().value) +
              ", stable " + std::to_string(order->stable().value);
    return result;
}

engine::engine(const settings& settings, base::buffer_pool& pool, environment& environment, listener& listener,
               packet_source& source)
    : _core(std::make_unique<core>(settings, pool, environment, listener, source)) {}
engine::~engine() = default;

void engine::start(time_point now) { _core->start(now); }
void engine::on_packet(time_point now, const base::buffer& datagram, const wire::opened& packet) {
    _core->on_packet(now, datagram, packet);
}
void engine::on_time(time_point now) { _core->on_time(now); }
void engine::on_stored(time_point now, epoch_number epoch) { _core->on_stored(now, epoch); }
void engine::on_refused(time_point now, node_id node) { _core->on_refused(now, node); }
void engine::on_pending(time_point now) { _core->on_pending(now); }
void engine::leave(time_point now) { _core->leave(now); }
void engine::set_datagram_bytes(std::size_t bytes) { _core->set_datagram_bytes(bytes); }
time_point engine::deadline() const { return _core->deadline(); }
bool engine::retired() const { return _core->retired(); }
const regular_view& engine::view() const { return _core->view(); }
bool engine::operational() const { return _core->operational(); }
bool engine::holds_token() const { return _core->order() != nullptr && _core->order()->holding(); }
node_id engine::holder() const { return _core->order() != nullptr ? _core->order()->holder() : base::no_node; }
hop_number engine::hop() const { return _core->order() != nullptr ? _core->order()->hop() : hop_number{}; }
sequence_number engine::stable() const {
    return _core->order() != nullptr ? _core->order()->stable() : sequence_number{};
}
sequence_number engine::delivered() const {
    return _core->order() != nullptr ? _core->order()->delivered() : sequence_number{};
}
const counters& engine::counts() const { return _core->counts(); }
std::size_t engine::stored_packets() const { return _core->order() != nullptr ? _core->order()->store().size() : 0; }
std::vector<link> engine::links(time_point now) const { return _core->links(now); }
const pauses& engine::paused() const { return _core->paused(); }
std::string engine::describe() const { return _core->describe(); }

} // namespace coterie::ring

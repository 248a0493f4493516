// SPDX-License-Identifier: BSD-3-Clause
// The bounded socket of a simulated machine: what waits in it while the daemon is busy or stands still, and what becomes of
// datagrams for a daemon that is not there.
#include "sim/node.hpp"
#include "sim/world.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace coterie::sim {

namespace {
/// What the kernel charges a socket for a datagram besides its bytes.
constexpr std::size_t datagram_overhead = 256;
} // namespace

void node::receive(std::uint16_t from, base::buffer&& datagram) {
    switch (_state) {
    case condition::vanished: return;
    case condition::off: refuse(from); return;
    case condition::paused: enqueue(std::move(datagram)); return;
    case condition::running: break;
    }
    if (!_socket.empty() || now() < _busy_until) {
        enqueue(std::move(datagram));
        schedule_drain();
        return;
    }
    handle(std::move(datagram));
}

void node::enqueue(base::buffer&& datagram) {
    const std::size_t charge = datagram.size() + datagram_overhead;
    if (_socket_bytes + charge > socket_bytes_max) {
        _world.met(_id.value - 1, fault::full_buffer);
        return;
    }
    _socket_bytes += charge;
    _socket.push_back(std::move(datagram));
}

base::buffer node::dequeue() {
    base::buffer next = std::move(_socket.front());
    _socket.pop_front();
    _socket_bytes -= next.size() + datagram_overhead;
    return next;
}

void node::schedule_drain() {
    if (!_drain_set) {
        _drain_set = true;
        _world.plan(std::max(_busy_until - now(), duration{}), happening::node_drains, _id, ++_drain_generation);
    }
}

void node::drain(std::uint32_t generation) {
    if (generation != _drain_generation || !_drain_set) {
        return;
    }
    _drain_set = false;
    if (_state != condition::running) {
        return;
    }
    if (!_socket.empty()) {
        handle(dequeue());
    }
    if (!running()) {
        return;
    }
    if (_socket.empty() && now() >= _busy_until) {
        run_timer();
    } else {
        schedule_drain();
    }
}

void node::handle(base::buffer&& datagram) {
    if (receive_ns_per_datagram != 0 || receive_ns_per_byte != 0) {
        _busy_until = now() + duration(receive_ns_per_datagram +
                                       receive_ns_per_byte * static_cast<std::int64_t>(datagram.size()));
    }
    const std::optional<received> got = open(std::move(datagram));
    if (!got) {
        return;
    }
    begin_input();
    if (got->reply) {
        const std::array to{got->from};
        send(got->reply, to);
    }
    if (got->packet) {
        _engine->on_packet(now(), got->datagram, *got->packet);
    }
    end_input();
}

std::optional<node::received> node::open(base::buffer&& datagram) {
    if (!_records) {
        const auto opened = wire::open(datagram.bytes(), _world.cluster());
        return opened ? std::optional(received{
                            .datagram = std::move(datagram), .packet = *opened, .reply = {}, .from = opened->from.node})
                      : std::nullopt;
    }
    const auto fields = wire::read_header(datagram.bytes(), _world.cluster());
    // As the transport does: who is not configured is not looked at.
    if (!fields || fields->from.node.value > _world.options().nodes || fields->from.node == _id) {
        return std::nullopt;
    }
    crypto::record_layer::taken taken = _records->take(now(), fields->from.node.value, datagram.bytes(), *fields);
    if (!taken.packet && !taken.reply) {
        return std::nullopt;
    }
    return received{.datagram = std::move(taken.datagram),
                    .packet = taken.packet,
                    .reply = std::move(taken.reply),
                    .from = fields->from.node};
}

void node::refuse(std::uint16_t from) {
    // Kernels answer at most a burst of these to one address, and then about one a second.
    constexpr std::uint32_t burst = 6;
    constexpr duration pace = std::chrono::seconds(1);
    refusal_meter& meter = _refusals[from];
    if (now() - meter.since > pace * burst) {
        meter = {now(), 0};
    }
    if (meter.used >= burst) {
        if (now() - meter.since < pace) {
            return;
        }
        meter.since += pace;
        --meter.used;
    }
    ++meter.used;
    const node_id to{static_cast<std::uint32_t>(from + 1)};
    if (!_world.net().reaches(_id, to)) {
        return;
    }
    const link_quality& way = _world.net().quality(_id, to);
    _world.plan(way.latency, happening::refused, to, _id.value);
}

void node::refused(node_id by) {
    if (_state != condition::running) {
        return;
    }
    _world.met(_id.value - 1, fault::refused);
    begin_input();
    _engine->on_refused(now(), by);
    end_input();
}

} // namespace coterie::sim

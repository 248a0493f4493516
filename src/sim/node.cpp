// SPDX-License-Identifier: BSD-3-Clause
// How a simulated machine runs its daemon: inputs one at a time, what they send as one batch after each, one timer, a
// bounded socket, and deaths in the middle of any of it.
#include "sim/node.hpp"

#include "sim/client.hpp"
#include "sim/world.hpp"

#include <algorithm>
#include <utility>

namespace coterie::sim {

using trace::event_kind;

namespace {

/// What the kernel charges a socket for a datagram besides its bytes.
constexpr std::size_t datagram_overhead = 256;
/// How often a deadline may lie in the past without time going on, before something is plainly wrong.
constexpr std::uint32_t spins_max = 10'000;
/// For so long after its install was sent a coordinator counts as installing.
constexpr duration installing_time = std::chrono::milliseconds(2);

} // namespace

std::string_view to_string(condition state) {
    switch (state) {
    case condition::off: return "off";
    case condition::running: return "running";
    case condition::paused: return "paused";
    case condition::vanished: return "vanished";
    }
    return "?";
}

node::node(world& around, node_id id)
    : socket_bytes_max(around.options().socket_bytes),
      _world(around),
      _id(id),
      _random(around.new_seed()),
      _refusals(around.options().nodes) {
    storage.write_min = around.options().store_min;
    storage.write_max = around.options().store_max;
}

node::~node() = default;

time_point node::now() const { return _world.now(); }

base::view_id node::settled_view() const {
    if (_state != condition::running || !_engine->operational() || !_service->ready()) {
        return base::no_view;
    }
    const base::view_id installed = _engine->view().id;
    return _service->current_ring_view().id == installed ? installed : base::no_view;
}

stage node::stage_now() const {
    if (_stage.now() == stage::installing && now() - _stage_since > installing_time) {
        return stage::operational;
    }
    return _stage.now();
}

// Life and death.

void node::boot(store_fate fate) {
    COTERIE_ASSERT(!_inside, "a daemon is started from outside");
    if (alive() || _state == condition::vanished) {
        return;
    }
    storage.suffer(fate, _random);
    _nonce = {_random.next() | 1U};
    _stage.begin();
    _stage_since = now();
    _state = condition::running;
    _packet_counter = 0;
    _busy_until = {};
    _spins = 0;

    const world_options& options = _world.options();
    groups::settings for_groups = options.groups;
    for_groups.self = {_id, _nonce};
    ring::settings for_ring = options.ring;
    for_ring.self = {_id, _nonce};
    for_ring.cluster = _world.cluster();
    for_ring.configured = _world.configured();
    for_ring.random_seed = _random.next();
    for_ring.epoch_stored = storage.value();
    for_ring.wall_clock_us = _world.wall_clock_us(clock_skew_us);

    note(event_kind::started);
    _service = std::make_unique<groups::service>(for_groups, _world.pool(), *this, options.record ? this : nullptr);
    _engine = std::make_unique<ring::engine>(for_ring, _world.pool(), *this, *_service, *_service);
    begin_input();
    _engine->start(now());
    end_input();
}

void node::crash(bool sent_so_far) {
    if (!alive() || _dead_inside) {
        return;
    }
    _world.met(_id.value - 1, _inside ? fault::crash_amid_burst : fault::crash);
    _dead_inside = true;
    _batch_survives = sent_so_far;
    if (!_inside) {
        bury();
    }
}

void node::bury() {
    note(event_kind::failed);
    forget_daemon();
}

void node::forget_daemon() {
    _clients.clear();
    _evicted.clear();
    _engine.reset();
    _service.reset();
    _batch.clear();
    _socket.clear();
    _socket_bytes = 0;
    _datagrams_left = no_limit;
    _datagrams_until_pause = no_limit;
    _dead_inside = false;
    _timer_set = false;
    ++_timer_generation;
    _drain_set = false;
    ++_drain_generation;
    ++_pause_generation;
    storage.interrupt(_random);
    _state = condition::off;
    _world.daemon_ended(_id);
}

void node::vanish() {
    crash();
    if (_inside) {
        _world.post([this] { _state = condition::vanished; });
    } else {
        _state = condition::vanished;
    }
}

void node::reappear() {
    if (_state == condition::vanished) {
        _state = condition::off;
    }
}

void node::leave() {
    if (!running()) {
        return;
    }
    begin_input();
    _engine->leave(now());
    end_input();
}

void node::pause() {
    if (_state == condition::running) {
        _world.met(_id.value - 1, fault::pause);
        _state = condition::paused;
        ++_pause_generation;
    }
}

void node::pause_for(duration time) {
    pause();
    if (_state == condition::paused) {
        _world.plan(time, happening::node_resumes, _id, _pause_generation);
    }
}

void node::pause_amid_burst(std::uint64_t datagrams, duration time) {
    _datagrams_until_pause = datagrams;
    _pause_time = time;
}

void node::resume_after_pause(std::uint32_t generation) {
    if (generation == _pause_generation) {
        resume();
    }
}

void node::resume() {
    if (_state != condition::paused) {
        return;
    }
    ++_pause_generation;
    _state = condition::running;
    flush();
    if (_dead_inside) {
        bury();
        return;
    }
    // As the daemon does: what waits in the socket is read before any timer is judged.
    if (receive_ns_per_datagram == 0 && receive_ns_per_byte == 0) {
        while (running() && !_socket.empty()) {
            base::buffer next = std::move(_socket.front());
            _socket.pop_front();
            _socket_bytes -= next.size() + datagram_overhead;
            handle(std::move(next));
        }
    } else {
        schedule_drain();
    }
    if (running() && _socket.empty()) {
        run_timer();
    }
    if (alive()) {
        _world.daemon_resumed(_id);
    }
}

// Inputs.

void node::begin_input() {
    COTERIE_ASSERT(!_inside && alive(), "a daemon that runs takes one input at a time");
    _inside = true;
    _service->set_trace_time(now().time_since_epoch().count());
}

void node::end_input() {
    if (!_dead_inside || _batch_survives) {
        flush();
    }
    _inside = false;
    if (_dead_inside) {
        bury();
        return;
    }
    if (_engine->retired()) {
        note(event_kind::retired);
        forget_daemon();
        return;
    }
    while (!_evicted.empty() && alive()) {
        client* slow = _evicted.back();
        _evicted.pop_back();
        slow->evicted();
    }
    if (alive()) {
        set_timer();
    }
}

void node::flush() {
    _peaks.batch = std::max(_peaks.batch, _batch.size());
    std::size_t sent = 0;
    for (; sent < _batch.size() && _datagrams_left > 0 && _datagrams_until_pause > 0; ++sent) {
        _datagrams_left -= _datagrams_left == no_limit ? 0 : 1;
        _datagrams_until_pause -= _datagrams_until_pause == no_limit ? 0 : 1;
        _world.net().transmit(now(), _id, _batch[sent].to, _batch[sent].packet);
    }
    if (_datagrams_left == 0 && !_dead_inside) {
        _world.met(_id.value - 1, fault::crash_amid_burst);
        _dead_inside = true;
    } else if (_datagrams_until_pause == 0) {
        _datagrams_until_pause = no_limit;
        _batch.erase(_batch.begin(), _batch.begin() + static_cast<std::ptrdiff_t>(sent));
        pause_for(_pause_time);
        return;
    }
    _batch.clear();
}

void node::set_timer() {
    const time_point wanted = _engine->deadline();
    if (wanted == base::never || (_timer_set && _wakes_at <= wanted)) {
        return;
    }
    _wakes_at = std::max(wanted, now());
    if (wanted <= now()) {
        _spins = _spun_at == now() ? _spins + 1 : 0;
        _spun_at = now();
        if (_spins > spins_max) {
            _world.complain(_id, "the engine's deadline stays in the past: it spins");
            _spins = 0;
            _wakes_at = now() + std::chrono::milliseconds(10);
        }
    }
    _timer_set = true;
    _world.plan(_wakes_at - now(), happening::node_wakes, _id, ++_timer_generation);
}

void node::wake(std::uint32_t generation) {
    if (generation != _timer_generation || !_timer_set) {
        return;
    }
    _timer_set = false;
    if (_state != condition::running) {
        return;
    }
    if (now() < _busy_until || !_socket.empty()) {
        schedule_drain();
        return;
    }
    run_timer();
}

void node::run_timer() {
    if (_engine->deadline() <= now()) {
        begin_input();
        _engine->on_time(now());
        end_input();
    } else {
        set_timer();
    }
}

void node::written(std::uint32_t generation) {
    if (generation != storage.generation() || !storage.writing()) {
        return;
    }
    const epoch_number done = storage.finish();
    if (const auto next = storage.begin_next(now(), _random)) {
        _world.plan(*next - now(), happening::written, _id, storage.generation());
    }
    if (_state == condition::running) {
        begin_input();
        _engine->on_stored(now(), done);
        end_input();
    } else if (_state == condition::paused) {
        // The thread that waits for the disk reports once the daemon runs again.
        const base::incarnation life = _nonce;
        _world.when_running(_id, [this, done, life] {
            if (_nonce == life && running()) {
                begin_input();
                _engine->on_stored(now(), done);
                end_input();
            }
        });
    }
}

// The socket.

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
    _peaks.socket_bytes = std::max(_peaks.socket_bytes, _socket_bytes);
    _socket.push_back(std::move(datagram));
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
        base::buffer next = std::move(_socket.front());
        _socket.pop_front();
        _socket_bytes -= next.size() + datagram_overhead;
        handle(std::move(next));
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
    const auto opened = wire::open(datagram.bytes(), _world.cluster());
    if (!opened) {
        ++_unopened;
        return;
    }
    begin_input();
    _engine->on_packet(now(), datagram, *opened);
    end_input();
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

// What the daemon's parts call.

void node::send(const base::buffer& packet, std::span<const node_id> targets) {
    if (_dead_inside) {
        return;
    }
    if (!packet.sealed()) {
        base::buffer same = packet;
        wire::seal(same, ++_packet_counter);
    }
    for (const node_id target : targets) {
        if (target.value == 0 || target.value > _world.options().nodes || target == _id) {
            _world.complain(_id, "the engine sends to node " + std::to_string(target.value));
            continue;
        }
        _batch.push_back({packet, target});
    }
}

void node::store(epoch_number epoch) {
    if (_dead_inside) {
        return;
    }
    if (const auto done = storage.write(now(), epoch, _random)) {
        _world.plan(*done - now(), happening::written, _id, storage.generation());
    }
}

void node::on_step(const step& what) {
    if (_dead_inside) {
        return;
    }
    ++_steps[static_cast<std::size_t>(what.what) % step_kinds];
    if (_stage.follow(what)) {
        _stage_since = now();
        if (storage.slow() && storage.writing()) {
            _world.met(_id.value - 1, fault::slow_store);
        }
    }
    _world.on_step(*this, what);
}

client* node::client_of(groups::handle_id handle) {
    const auto found = _clients.find(handle);
    return found == _clients.end() ? nullptr : found->second;
}

void node::on_change(groups::handle_id handle, const groups::change& what) {
    client* reader = client_of(handle);
    if (reader == nullptr || _dead_inside) {
        return;
    }
    trace::event seen = reader->event_of(event_kind::client_change);
    seen.group = what.group;
    seen.processes.assign(what.members.begin(), what.members.end());
    seen.left.assign(what.left.begin(), what.left.end());
    seen.joined.assign(what.joined.begin(), what.joined.end());
    reader->tell(std::move(seen), 0);
}

void node::on_message(groups::handle_id handle, const groups::message& what) {
    client* reader = client_of(handle);
    if (reader == nullptr || _dead_inside) {
        return;
    }
    trace::event seen = reader->event_of(event_kind::client_delivered);
    seen.group = what.group;
    seen.sender = what.sender;
    seen.message = trace::digest(what.body);
    reader->tell(std::move(seen), what.body.size());
}

void node::on_ring_view(groups::handle_id handle, const groups::ring_view& view) {
    client* reader = client_of(handle);
    if (reader == nullptr || _dead_inside) {
        return;
    }
    trace::event seen = reader->event_of(event_kind::client_view);
    seen.view = {view.id.epoch, view.id.coordinator, {}};
    for (const node_id member : view.members) {
        seen.members.push_back({member, {}});
    }
    reader->tell(std::move(seen), 0);
}

void node::on_writable(groups::handle_id handle) {
    client* writer = client_of(handle);
    if (writer != nullptr && !_dead_inside) {
        writer->writable();
    }
}

void node::record(const trace::event& what) {
    if (!_dead_inside) {
        _world.record(what);
    }
}

void node::note(event_kind kind) {
    trace::event what;
    what.kind = kind;
    what.time_ns = now().time_since_epoch().count();
    what.node = _id;
    what.stream = _nonce.value;
    _world.record(what);
}

void node::record_tables() {
    if (alive()) {
        _service->record_tables(now().time_since_epoch().count());
    }
}

void node::check_bounds() {
    if (!alive()) {
        return;
    }
    const std::size_t stored = _engine->stored_packets();
    _peaks.stored_packets = std::max(_peaks.stored_packets, stored);
    const ring::settings& limits = _world.options().ring;
    // The window, and a table packet a member. A member that has frozen its view behind the others' stable point may
    // recover as much again.
    const std::size_t windows = _engine->operational() ? 1 : 2;
    if (stored > windows * limits.window_packets + _world.options().nodes) {
        _world.complain(_id, "keeps " + std::to_string(stored) + " packets for repair, more than its window");
    }
    if (_service->open_handles() > _world.options().groups.handles_max) {
        _world.complain(_id, "has more handles open than it may");
    }
}

} // namespace coterie::sim

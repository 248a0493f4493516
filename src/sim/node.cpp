// SPDX-License-Identifier: BSD-3-Clause
// How a simulated machine runs its daemon: inputs one at a time, what they send as one batch after each, one timer, and
// deaths in the middle of any of it. Its socket is in node_socket.cpp, what the daemon asks of it in node_calls.cpp.
#include "sim/node.hpp"

#include "sim/client.hpp"
#include "sim/world.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace coterie::sim {

using trace::event_kind;

namespace {

/// How often a deadline may lie in the past without time going on, before something is plainly wrong.
constexpr std::uint32_t spins_max = 10'000;
/// For so long after its install was sent a coordinator counts as installing.
constexpr duration installing_time = std::chrono::milliseconds(2);

/// All worlds have one key.
base::bytes_view cluster_material() {
    static constexpr std::array<std::byte, crypto::material_bytes_min> material{std::byte{7}};
    return material;
}

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
      _datagram_bytes(around.options().ring.datagram_bytes),
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

    if (options.encrypted) {
        // Ciphers are each node's own affair.
        const auto cipher = static_cast<crypto::cipher>(1 + _id.value % 3);
        _records.emplace(crypto::record_layer::identity{.self = {_id, _nonce}, .cluster = _world.cluster()},
                         crypto::keyring{crypto::cluster_key(cluster_material(), "simulated"), {}}, cipher,
                         _world.pool());
    }

    note(event_kind::started);
    _service = std::make_unique<groups::service>(for_groups, _world.pool(), *this, options.record ? this : nullptr);
    _engine = std::make_unique<ring::engine>(for_ring, _world.pool(), *this, *_service, *_service);
    begin_input();
    _engine->set_datagram_bytes(_datagram_bytes);
    _engine->start(now());
    end_input();
}

void node::make_packets_for(std::size_t bytes) {
    _datagram_bytes = bytes;
    if (_engine) {
        _engine->set_datagram_bytes(bytes);
    }
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
    _paced.clear();
    _engine.reset();
    _service.reset();
    _records.reset();
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
            handle(dequeue());
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
    while (!_paced.empty() && alive()) {
        client* const which = _paced.back();
        _paced.pop_back();
        which->tell_pace();
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

} // namespace coterie::sim

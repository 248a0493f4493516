// SPDX-License-Identifier: BSD-3-Clause
// One simulated machine: the daemon's ring and groups as in the product, with a socket, a disk, a processor that can be
// slow or stand still, and deaths at awkward moments. Client processes live on it; the network connects it.
#pragma once

#include "crypto/record_layer.hpp"
#include "groups/service.hpp"
#include "ring/engine.hpp"
#include "sim/coverage.hpp"
#include "sim/disk.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coterie::sim {

class client;
class world;

using base::node_id;
using ring::step;

enum class condition : std::uint8_t {
    off, ///< the host is up, no daemon runs: its port refuses
    running,
    paused,   ///< stopped: datagrams pile up in its socket
    vanished, ///< no host: silence
};
[[nodiscard]] std::string_view to_string(condition state);

class node final : public ring::environment, public groups::client_sink, public trace::recorder {
public:
    node(world& around, node_id id);
    ~node() override;
    node(const node&) = delete;
    node& operator=(const node&) = delete;

    [[nodiscard]] node_id id() const { return _id; }
    [[nodiscard]] condition state() const { return _state; }
    /// A daemon exists: running or paused.
    [[nodiscard]] bool alive() const { return _state == condition::running || _state == condition::paused; }
    [[nodiscard]] bool running() const { return _state == condition::running && !_dead_inside; }
    [[nodiscard]] base::incarnation nonce() const { return _nonce; }

    // Only while alive().
    [[nodiscard]] const ring::engine& engine() const { return *_engine; }
    [[nodiscard]] const groups::service& groups() const { return *_service; }
    /// The engine's view if it is operational and its groups have reached the view's common point; else no view.
    [[nodiscard]] base::view_id settled_view() const;

    // Life and death.

    /// Starts a daemon with a new incarnation on what `fate` left of the store.
    void boot(store_fate fate = store_fate::kept);
    /// The daemon dies. Called from a step of its own, it dies at that very step: nothing that follows it in the same
    /// input happens. Then `sent_so_far` says whether what it had sent before in that input leaves the machine.
    void crash(bool sent_so_far = false);
    /// The daemon dies while it sends: after `datagrams` more have left, the rest of that batch is lost, though the
    /// daemon has done (and told its clients) all that went with it.
    void crash_amid_burst(std::uint64_t datagrams) { _datagrams_left = datagrams; }
    /// Calls off crash_amid_burst() and pause_amid_burst().
    void spare() { _datagrams_left = _datagrams_until_pause = no_limit; }
    /// The whole machine goes, as with its power or its cable: its port does not even refuse.
    void vanish();
    /// The machine is back, without a daemon.
    void reappear();
    /// The daemon leaves in order and ends.
    void leave();
    /// Stops the daemon (its clients go on) until resume().
    void pause();
    void resume();
    void pause_for(duration time);
    /// Stops the daemon while it sends: after `datagrams` more have left; the rest of the batch leaves at the resume.
    void pause_amid_burst(std::uint64_t datagrams, duration time);

    // Handicaps.

    disk storage;
    /// Of datagrams, from now on in all lives.
    void make_packets_for(std::size_t bytes);
    std::size_t socket_bytes_max;             ///< of the receive buffer
    std::int64_t receive_ns_per_datagram = 0; ///< what handling a datagram costs; a slow receiver
    std::int64_t receive_ns_per_byte = 0;
    std::int64_t clock_skew_us = 0; ///< of the wall clock

    // For the world and for clients.

    void receive(std::uint16_t from, base::buffer&& datagram);
    void wake(std::uint32_t generation);
    void drain(std::uint32_t generation);
    void resume_after_pause(std::uint32_t generation);
    void written(std::uint32_t generation);
    void refused(node_id by);
    /// A request of a client: run as an input of its own; the node must be running().
    template <class Request>
    auto request(Request&& what) {
        begin_input();
        auto result = what(*_service);
        if (!_dead_inside) {
            _engine->on_pending(now());
        }
        end_input();
        return result;
    }
    [[nodiscard]] bool inside() const { return _inside; }
    void attach(groups::handle_id handle, client& owner) { _clients[handle] = &owner; }
    void detach(groups::handle_id handle) { _clients.erase(handle); }
    /// The client has too much waiting for it; its handle is closed at the end of this input.
    void evict(client& slow) { _evicted.push_back(&slow); }
    /// It has become slow, or no longer is; told at the end of this input.
    void pace_changed(client& which) { _paced.push_back(&which); }
    [[nodiscard]] stage stage_now() const;
    /// Looks at the bounds; complains to the world when one is broken.
    void check_bounds();
    [[nodiscard]] std::uint64_t steps(step::kind kind) const { return _steps[static_cast<std::size_t>(kind)]; }
    void record_tables();

    // ring::environment
    void send(const base::buffer& packet, std::span<const node_id> targets) override;
    void store(epoch_number epoch) override;
    void on_step(const step& what) override;
    // groups::client_sink
    void on_change(groups::handle_id handle, const groups::change& what) override;
    void on_message(groups::handle_id handle, const groups::message& what) override;
    void on_ring_view(groups::handle_id handle, const groups::ring_view& view) override;
    void on_writable(groups::handle_id handle) override;
    // trace::recorder
    void record(const trace::event& what) override;

private:
    static constexpr std::uint64_t no_limit = ~std::uint64_t{0};
    static constexpr std::size_t step_kinds = 16;

    struct outgoing {
        base::buffer packet;
        node_id to;
    };
    struct refusal_meter {
        time_point since{};
        std::uint32_t used = 0;
    };

    [[nodiscard]] time_point now() const;
    void begin_input();
    void end_input();
    void flush();
    void bury();
    void forget_daemon();
    void set_timer();
    void run_timer();
    void handle(base::buffer&& datagram);
    [[nodiscard]] base::buffer sealed(base::buffer packet);
    /// A packet for the engine and what holds its bytes, a packet that goes back, or both.
    struct received {
        base::buffer datagram;
        std::optional<wire::opened> packet;
        base::buffer reply;
        node_id from;
    };
    /// Nothing if a datagram is refused.
    [[nodiscard]] std::optional<received> open(base::buffer&& datagram);
    void enqueue(base::buffer&& datagram);
    [[nodiscard]] base::buffer dequeue();
    void schedule_drain();
    void refuse(std::uint16_t from);
    [[nodiscard]] client* client_of(groups::handle_id handle);
    void note(trace::event_kind kind);

    world& _world;
    node_id _id;
    std::size_t _datagram_bytes;
    condition _state = condition::off;
    base::incarnation _nonce;
    base::random_source _random;
    std::unique_ptr<groups::service> _service;
    std::unique_ptr<ring::engine> _engine;
    std::optional<crypto::record_layer> _records; ///< where packets are encrypted
    std::map<groups::handle_id, client*> _clients;
    std::vector<client*> _evicted;
    std::vector<client*> _paced;

    bool _inside = false;
    bool _dead_inside = false;
    bool _batch_survives = false;
    std::uint64_t _datagrams_left = no_limit;
    std::uint64_t _datagrams_until_pause = no_limit;
    duration _pause_time{};
    std::vector<outgoing> _batch;
    std::uint64_t _packet_counter = 0;

    time_point _wakes_at{};
    std::uint32_t _timer_generation = 0;
    bool _timer_set = false;
    std::uint32_t _spins = 0;
    time_point _spun_at{};

    std::deque<base::buffer> _socket;
    std::size_t _socket_bytes = 0;
    std::uint32_t _drain_generation = 0;
    bool _drain_set = false;
    time_point _busy_until{};
    std::uint32_t _pause_generation = 0;

    std::vector<refusal_meter> _refusals;
    stage_tracker _stage;
    time_point _stage_since{};
    std::array<std::uint64_t, step_kinds> _steps{};
};

} // namespace coterie::sim

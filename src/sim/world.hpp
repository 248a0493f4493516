// SPDX-License-Identifier: BSD-3-Clause
// The simulated world: machines, network, disks, clients and time, from one seed. The same seed and the same script give
// the same run, byte for byte. A script boots nodes, lets time pass, watches steps and interferes between them.
#pragma once

#include "base/buffer.hpp"
#include "base/random.hpp"
#include "sim/attacker.hpp"
#include "sim/client.hpp"
#include "sim/coverage.hpp"
#include "sim/network.hpp"
#include "sim/node.hpp"
#include "sim/timeline.hpp"
#include "trace/event.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coterie::sim {

struct world_options {
    std::uint64_t seed = 1;
    std::size_t nodes = 5; ///< at most 64
    bool record = true;    ///< keep the trace
    ring::settings ring{}; ///< times and sizes; who and where is filled in
    groups::settings groups{};
    link_quality links{};
    std::size_t socket_bytes = std::size_t{4} << 20U;
    duration store_min = std::chrono::microseconds(500);
    duration store_max = std::chrono::milliseconds(3);
    bool encrypted = false;     ///< packets go through the record layer, all nodes have one key
    attacker::habits attacks{}; ///< only where it is so
};

/// Something that the world itself saw go wrong.
struct complaint {
    std::int64_t time_ns = 0;
    node_id node;
    int guarantee = 0; ///< of docs/guarantees.md; 0: what is checked inside (bounds, invariants)
    std::string what;
};

/// A step and who made it.
struct step_seen {
    node_id node;
    step what;
};

using hook_id = std::uint32_t;

class world final : public network::surroundings {
public:
    explicit world(const world_options& options);
    ~world() override;
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    // Time.

    [[nodiscard]] time_point now() const { return _now; }
    void run_for(duration time);
    /// Runs until `reached()` is true after some occurrence; false if that took longer than `limit`.
    template <class Reached>
    bool run_until(Reached&& reached, duration limit) {
        const time_point end = _now + limit;
        while (!reached()) {
            if (!advance(end)) {
                return false;
            }
        }
        return true;
    }
    /// The same, asking only every `pace`; for questions that take long to answer.
    template <class Reached>
    bool run_until_every(duration pace, Reached&& reached, duration limit) {
        const time_point end = _now + limit;
        while (!reached()) {
            if (_now >= end) {
                return false;
            }
            run_for(pace);
        }
        return true;
    }
    /// Runs until a step of this kind is made (by `at`, if given). The input in which it happens is finished.
    std::optional<step_seen> run_until_step(step::kind kind, duration limit, node_id at = base::no_node);
    /// Runs until an event of this kind is recorded (by `at`, if given).
    std::optional<trace::event> run_until_event(trace::event_kind kind, duration limit, node_id at = base::no_node);
    /// Does `what` after `delay`.
    void after(duration delay, std::function<void()> what);
    /// Does `what` as soon as the present occurrence is over; how hooks make requests and start daemons.
    void post(std::function<void()> what);

    // Nodes.

    [[nodiscard]] std::size_t nodes() const { return _nodes.size(); }
    [[nodiscard]] node& at(node_id id) { return *_nodes[id.value - 1]; }
    [[nodiscard]] const node& at(node_id id) const { return *_nodes[id.value - 1]; }
    [[nodiscard]] node& at(std::uint32_t id) { return at(node_id{id}); }
    [[nodiscard]] std::vector<node_id> ids() const;
    [[nodiscard]] std::vector<node_id> running() const; ///< alive and not paused
    void boot_all();
    [[nodiscard]] network& net() { return _network; }
    [[nodiscard]] const network& net() const { return _network; }

    /// Calls `call` at every step of every node, from inside the input; it may crash nodes, cut links, and post().
    hook_id on_steps(std::function<void(node&, const step&)> call);
    /// Calls `call` at every recorded event, under the same conditions.
    hook_id on_events(std::function<void(const trace::event&)> call);
    void unhook(hook_id id);

    // Clients.

    client& new_client(node_id home, client_options options = {});
    [[nodiscard]] std::uint32_t new_pid() { return ++_pids; }
    [[nodiscard]] std::size_t clients() const { return _clients.size(); }
    [[nodiscard]] client& client_at(std::size_t index) { return *_clients[index]; }
    [[nodiscard]] std::vector<client*> clients_on(node_id home);

    // Judging the state of affairs.

    /// Running nodes that reach each other both ways and nobody else, as sets that should each come to share one view.
    [[nodiscard]] std::vector<std::vector<node_id>> cliques() const;
    /// Every clique shares one view, at its common point.
    [[nodiscard]] bool converged() const;
    /// The members of every view hear each other.
    [[nodiscard]] bool mutual() const;
    /// Converged, no client waits for anything, and no daemon for packets that others of its view have delivered.
    [[nodiscard]] bool at_rest() const;
    void check_bounds();
    void record_tables();
    [[nodiscard]] std::string describe() const; ///< a line a node

    void complain(node_id node, std::string what, int guarantee = 0);
    [[nodiscard]] const std::vector<complaint>& complaints() const { return _complaints; }
    [[nodiscard]] const std::vector<trace::event>& trace() const { return _trace; }
    [[nodiscard]] std::vector<trace::event> take_trace() { return std::move(_trace); }
    [[nodiscard]] const coverage& met_faults() const { return _coverage; }
    [[nodiscard]] std::uint64_t occurrences() const { return _occurrences; }
    /// How often the token was taken, by node; cheap to keep, so that unrecorded runs have it too.
    [[nodiscard]] std::uint64_t steps_of(step::kind kind) const;

    // For the parts of the world.

    [[nodiscard]] const world_options& options() const { return _options; }
    [[nodiscard]] base::buffer_pool& pool() { return _pool; }
    [[nodiscard]] base::random_source& random() { return _random; }
    [[nodiscard]] std::uint64_t new_seed() { return _random.next(); }
    [[nodiscard]] std::uint64_t new_stream() { return ++_streams; }
    [[nodiscard]] base::cluster_id cluster() const { return _cluster; }
    [[nodiscard]] const std::vector<node_id>& configured() const { return _configured; }
    [[nodiscard]] std::uint64_t wall_clock_us(std::int64_t skew_us) const;
    void plan(duration delay, happening what, node_id node, std::uint32_t value) {
        _events.put(_now + delay, what, static_cast<std::uint16_t>(node.value - 1), value);
    }
    void plan(duration delay, happening what, std::uint32_t value) { _events.put(_now + delay, what, 0, value); }
    void record(const trace::event& what);
    void on_step(node& who, const step& what);
    void met(std::size_t place, fault kind) override;
    void daemon_ended(node_id id);
    void daemon_resumed(node_id id);
    void when_running(node_id id, std::function<void()> what);
    /// Called when a client's turn has come; set by whoever gives clients traffic.
    std::function<void(std::uint32_t)> on_turn;
    /// Called after every occurrence, if set; may look, not touch.
    std::function<void()> on_moment;

private:
    template <class Signature>
    struct hook {
        hook_id id;
        std::function<Signature> call;
        bool ended = false; ///< called no more; taken out when no hook runs
    };
    struct waiting_action {
        node_id node;
        std::function<void()> what;
    };

    /// Handles the next occurrence that is not after `end`; else moves the time to `end` and returns false.
    bool advance(time_point end);
    void handle(const occurrence& next);
    void run_posted();
    /// Every view is a clique of mutual hearing when it is chosen.
    void check_hearing(const trace::event& installed);

    world_options _options;
    base::random_source _random;
    base::buffer_pool _pool;
    timeline _events;
    network _network;
    time_point _now{};
    base::cluster_id _cluster;
    std::vector<node_id> _configured;
    std::vector<std::unique_ptr<node>> _nodes;
    std::vector<std::unique_ptr<client>> _clients;
    std::uint64_t _streams = 0;
    std::uint32_t _pids = 100;

    slots<std::function<void()>> _actions;
    std::vector<std::function<void()>> _posted;
    std::vector<waiting_action> _waiting;
    std::deque<hook<void(node&, const step&)>> _step_hooks; ///< deques: a hook that runs may add another
    std::deque<hook<void(const trace::event&)>> _event_hooks;
    hook_id _hooks_made = 0;
    bool _hooks_ended = false;

    std::vector<trace::event> _trace;
    std::map<base::view_id, time_point> _planned; ///< when
    std::vector<complaint> _complaints;
    coverage _coverage;
    std::uint64_t _occurrences = 0;
};

} // namespace coterie::sim

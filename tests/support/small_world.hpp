// SPDX-License-Identifier: BSD-3-Clause
// A few ring engines on a network in memory with virtual time: what unit tests and the fuzzer of the ring live in.
// Links have one latency, lose what a test tells them to, and show every datagram to a tap; disks are quick unless told
// otherwise. For faults at random and for judging histories there is src/sim; here a test scripts each fault itself.
#pragma once

#include "base/assert.hpp"
#include "base/random.hpp"
#include "ring/engine.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coterie::tests {

using namespace std::chrono_literals;
using base::bytes_view;
using base::duration;
using base::node_id;
using base::sequence_number;
using base::time_point;
using base::view_id;
using wire::packet_kind;

constexpr node_id node(std::uint32_t number) { return {number}; }
constexpr sequence_number number(std::uint64_t value) { return {{value}}; }
inline std::string text_of(bytes_view bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// A delivery as a listener keeps it.
struct heard_packet {
    view_id view;
    sequence_number number;
    node_id originator;
    bool safe{};
    bool table{};
    std::string text;
    friend bool operator==(const heard_packet&, const heard_packet&) = default;
};

/// The layer above of a plain node: says what it is told to say, keeps what it hears.
class speaker : public ring::listener, public ring::packet_source {
public:
    struct line {
        std::string text;
        bool safe = false;
    };
    std::deque<line> to_say;
    std::vector<heard_packet> heard;
    std::vector<heard_packet> numbered;
    std::vector<ring::regular_view> views;
    std::vector<ring::transitional_view> transitions;

    void on_delivery(const ring::delivery& packet) override { heard.push_back(kept(packet)); }
    void on_numbered(const ring::delivery& packet) override { numbered.push_back(kept(packet)); }
    void on_regular(const ring::regular_view& view) override { views.push_back(view); }
    void on_transitional(const ring::transitional_view& view) override { transitions.push_back(view); }
    [[nodiscard]] bool pending() const override { return !to_say.empty(); }
    filled fill(base::byte_writer& payload) override {
        if (to_say.empty()) {
            return filled::nothing;
        }
        const line next = std::move(to_say.front());
        to_say.pop_front();
        payload.run(std::as_bytes(std::span(next.text)).first(std::min(next.text.size(), payload.room())));
        return next.safe ? filled::safe : filled::agreed;
    }
    bool deliver_next(view_id view, sequence_number number) override {
        if (to_say.empty()) {
            return false;
        }
        const line next = std::move(to_say.front());
        to_say.pop_front();
        numbered.push_back({view, number, views.back().members.front().node, next.safe, false, next.text});
        heard.push_back(numbered.back());
        return true;
    }
    void fill_first(base::byte_writer&) override {}

    /// The texts heard, in order, without tables.
    [[nodiscard]] std::vector<std::string> texts() const {
        std::vector<std::string> result;
        for (const heard_packet& each : heard) {
            if (!each.table) {
                result.push_back(each.text);
            }
        }
        return result;
    }

private:
    static heard_packet kept(const ring::delivery& packet) {
        return {packet.view, packet.number, packet.originator, packet.safe, packet.table, text_of(packet.payload)};
    }
};

/// A datagram under way.
struct flight {
    node_id from;
    node_id to;
    std::vector<std::byte> bytes;

    [[nodiscard]] packet_kind kind() const { return static_cast<packet_kind>(bytes[5]); }
    [[nodiscard]] bytes_view body() const { return bytes_view(bytes).subspan(wire::header_bytes); }
};

class small_world {
public:
    /// Changes the settings of one node before it is made.
    using tuning = std::function<void(ring::settings&)>;
    /// The layer above a node.
    struct upper {
        std::shared_ptr<void> owner;
        ring::listener* listener = nullptr;
        ring::packet_source* source = nullptr;
    };
    using upper_maker = std::function<upper(const ring::settings&, base::buffer_pool&)>;

    class machine final : public ring::environment {
    public:
        machine(small_world& around, std::uint32_t number) : _world(around), _id(tests::node(number)) {}

        [[nodiscard]] bool alive() const { return _engine != nullptr; }
        [[nodiscard]] ring::engine& engine() { return *_engine; }
        [[nodiscard]] const ring::counters& counts() const { return _engine->counts(); }
        [[nodiscard]] node_id id() const { return _id; }
        [[nodiscard]] const ring::settings& settings() const { return _settings; }
        [[nodiscard]] base::member self() const { return _settings.self; }
        [[nodiscard]] wire::origin origin() const { return {_settings.cluster, _id, _settings.self.nonce}; }
        [[nodiscard]] speaker& voice() { return *_voice; }
        [[nodiscard]] ring::packet_source& source() { return *_upper.source; }

        /// Submits a message, and tells the engine.
        void say(std::string text, bool safe = false) {
            _voice->to_say.push_back({std::move(text), safe});
            wake();
        }
        void say_safe(std::string text) { say(std::move(text), true); }
        /// The source may have something.
        void wake() {
            if (running()) {
                _engine->on_pending(_world._now);
                _world.plan_wake(*this);
            }
        }
        void refuse(node_id by) {
            _engine->on_refused(_world._now, by);
            _world.plan_wake(*this);
        }
        void leave() {
            _engine->leave(_world._now);
            _world.plan_wake(*this);
        }
        [[nodiscard]] bool running() const { return alive() && !_paused; }
        [[nodiscard]] std::vector<std::string> texts() const { return _voice->texts(); }
        [[nodiscard]] std::size_t step_count(ring::step::kind what) const {
            return static_cast<std::size_t>(std::ranges::count(steps, what, &ring::step::what));
        }
        [[nodiscard]] std::size_t members() const { return _engine->view().members.size(); }
        [[nodiscard]] bool sees(std::vector<std::uint32_t> nodes) const {
            return std::ranges::equal(_engine->view().members, nodes, {},
                                      [](const base::member& each) { return each.node.value; });
        }

        // ring::environment
        void send(const base::buffer& packet, std::span<const node_id> targets) override {
            for (const node_id target : targets) {
                COTERIE_ASSERT(target != _id, "no node sends to itself");
                _world.carry(*this, target, packet.bytes());
            }
        }
        void store(base::epoch_number epoch) override { _world.plan_store(*this, epoch); }
        void on_step(const ring::step& what) override { steps.push_back(what); }

        std::vector<ring::step> steps;
        std::array<std::uint64_t, static_cast<std::size_t>(wire::refusal_reason::count)> refused{};
        base::epoch_number stored; ///< what the disk holds
        duration disk_delay = 100us;
        std::uint64_t wall_clock_us = 1'000'000; ///< for a store that holds nothing

    private:
        friend class small_world;

        small_world& _world;
        node_id _id;
        ring::settings _settings;
        base::buffer_pool _pool;
        std::shared_ptr<speaker> _voice;
        upper _upper;
        std::unique_ptr<ring::engine> _engine;
        std::uint64_t _life = 0;
        std::uint64_t _sent = 0;
        time_point _wake_at = base::never;
        bool _paused = false;
        std::vector<flight> _waiting;     ///< in the socket of a paused node
        std::vector<base::buffer> _given; ///< datagrams the engine may still hold
    };

    explicit small_world(std::uint32_t nodes, tuning tune = {}, upper_maker make_upper = {})
        : _tune(std::move(tune)),
          _make_upper(std::move(make_upper)) {
        for (std::uint32_t each = 1; each <= nodes; ++each) {
            _machines.push_back(std::make_unique<machine>(*this, each));
        }
    }
    small_world(const small_world&) = delete;
    small_world& operator=(const small_world&) = delete;

    // The network. A tap sees each datagram that is sent and may change it; false loses it.
    std::function<bool(flight&)> tap;
    duration latency = 100us;

    /// Nothing gets from one to the other until heal().
    void cut(std::uint32_t from, std::uint32_t to) { _cut.insert({node(from), node(to)}); }
    void cut_both(std::uint32_t one, std::uint32_t other) {
        cut(one, other);
        cut(other, one);
    }
    void heal() { _cut.clear(); }
    /// Loses the next `count` packets of that kind on their way from one to the other; 0 stands for anybody.
    void lose_next(packet_kind kind, std::uint32_t from, std::uint32_t to, std::size_t count = 1) {
        _losses.push_back({kind, node(from), node(to), count});
    }

    // Nodes.

    [[nodiscard]] machine& operator[](std::uint32_t number) { return *_machines.at(number - 1); }
    [[nodiscard]] std::vector<machine*> machines() {
        std::vector<machine*> result;
        for (const auto& each : _machines) {
            if (each->alive()) {
                result.push_back(each.get());
            }
        }
        return result;
    }
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(_machines.size()); }
    /// Starts a node with a new incarnation on what its disk holds.
    void boot(std::uint32_t number) {
        machine& one = (*this)[number];
        crash(number);
        ++one._life;
        ring::settings& cfg = one._settings;
        cfg = {};
        cfg.self = {one._id, {1'000 * one._life + number}};
        cfg.cluster = wire::cluster_of("small world");
        for (const auto& each : _machines) {
            cfg.configured.push_back(each->_id);
        }
        cfg.random_seed = number;
        cfg.epoch_stored = one.stored;
        cfg.wall_clock_us = one.wall_clock_us;
        if (_tune) {
            _tune(cfg);
        }
        one._voice = std::make_shared<speaker>();
        one._upper = _make_upper ? _make_upper(cfg, one._pool) : upper{one._voice, one._voice.get(), one._voice.get()};
        one._engine = std::make_unique<ring::engine>(cfg, one._pool, one, *one._upper.listener, *one._upper.source);
        one._engine->start(_now);
        plan_wake(one);
    }
    void boot_all() {
        for (std::uint32_t each = 1; each <= size(); ++each) {
            boot(each);
        }
    }
    void crash(std::uint32_t number) {
        machine& one = (*this)[number];
        ++one._life;
        one._engine.reset();
        one._paused = false;
        one._waiting.clear();
        one._given.clear();
        one._wake_at = base::never;
    }
    /// The node does not run; datagrams pile up in its socket.
    void pause(std::uint32_t number) { (*this)[number]._paused = true; }
    void resume(std::uint32_t number) {
        machine& one = (*this)[number];
        one._paused = false;
        for (flight& each : std::exchange(one._waiting, {})) {
            receive(one, each);
        }
        one._wake_at = base::never;
        if (one.alive()) {
            one._engine->on_time(_now);
            plan_wake(one);
        }
    }

    // Time.

    [[nodiscard]] time_point now() const { return _now; }
    void run_for(duration time) {
        const time_point end = _now + time;
        while (!_events.empty() && _events.top().at <= end) {
            step();
        }
        _now = end;
    }
    /// Whether it came true within the time.
    template <class Condition>
    [[nodiscard]] bool run_until(Condition condition, duration patience = 10s) {
        const time_point end = _now + patience;
        while (!condition()) {
            if (_events.empty() || _events.top().at > end) {
                return false;
            }
            step();
        }
        return true;
    }
    /// Boots everyone and waits for the view of all.
    [[nodiscard]] bool form_view() {
        boot_all();
        return settle();
    }
    /// Waits until all that are alive and heard of are in one view, operational, and have delivered the same.
    [[nodiscard]] bool settle(duration patience = 10s) {
        return run_until([this] { return settled(machines()); }, patience);
    }
    /// The named nodes form one view of exactly themselves.
    [[nodiscard]] bool settle_as(const std::vector<std::uint32_t>& nodes, duration patience = 10s) {
        std::vector<machine*> wanted;
        for (const std::uint32_t each : nodes) {
            wanted.push_back(&(*this)[each]);
        }
        return run_until([&] { return settled(wanted); }, patience);
    }
    /// All messages submitted have been delivered by all members of the views of their nodes.
    [[nodiscard]] bool run_until_quiet(duration patience = 10s) {
        return run_until(
            [this] {
                return std::ranges::all_of(machines(), [](machine* each) {
                    return !each->_upper.source->pending() && each->engine().stored_packets() == 0 &&
                           each->engine().operational();
                });
            },
            patience);
    }

    // Packets by hand.

    /// Puts a datagram before a node as it stands.
    void inject(std::uint32_t to, bytes_view bytes) {
        flight one{{}, node(to), {bytes.begin(), bytes.end()}};
        receive((*this)[to], one);
    }
    /// Encodes a packet as `from` would, seals it and puts it before a node.
    template <class Packet>
    void inject(std::uint32_t to, const wire::origin& from, const Packet& packet) {
        base::buffer encoded = wire::encode(_pool, from, packet);
        wire::seal(encoded, 1);
        inject(to, encoded.bytes());
    }
    /// A packet of that kind with any body, sealed.
    [[nodiscard]] std::vector<std::byte> sealed(const wire::origin& from, packet_kind kind, bytes_view body) {
        base::buffer whole = wire::encode(_pool, from, wire::token_proof{{{{1}}, {1}, {1}}, {{1}}});
        std::vector<std::byte> bytes(whole.bytes().begin(), whole.bytes().begin() + wire::header_bytes);
        bytes.insert(bytes.end(), body.begin(), body.end());
        bytes[5] = static_cast<std::byte>(kind);
        reseal(bytes);
        return bytes;
    }
    /// Mends length, counter and tag of a datagram that was changed.
    void reseal(std::vector<std::byte>& bytes) {
        const auto length = static_cast<std::uint32_t>(bytes.size() - wire::header_bytes);
        std::memcpy(bytes.data() + 20, &length, sizeof length);
        base::buffer copy = _pool.copy(bytes);
        wire::seal(copy, 1);
        std::ranges::copy(copy.bytes(), bytes.begin());
    }

    /// Datagrams that a node's engine still holds, of those it was given.
    [[nodiscard]] std::size_t held_datagrams(std::uint32_t number) {
        auto& given = (*this)[number]._given;
        std::erase_if(given, [](const base::buffer& each) { return each.references() == 1; });
        return given.size();
    }
    [[nodiscard]] std::uint64_t carried() const { return _carried; }
    [[nodiscard]] std::uint64_t carried(packet_kind kind) const { return _carried_of[static_cast<std::size_t>(kind)]; }

private:
    struct event {
        time_point at;
        std::uint64_t order;
        std::uint32_t machine;
        std::uint64_t life;
        enum class kind : std::uint8_t { arrival, wake, stored } what;
        std::shared_ptr<flight> packet;
        base::epoch_number epoch;
        friend bool operator<(const event& left, const event& right) {
            return std::pair(left.at, left.order) > std::pair(right.at, right.order);
        }
    };
    struct loss {
        packet_kind kind;
        node_id from;
        node_id to;
        std::size_t count;
    };

    void step() {
        const event next = _events.top();
        _events.pop();
        _now = std::max(_now, next.at);
        machine& one = *_machines[next.machine];
        switch (next.what) {
        case event::kind::arrival: receive(one, *next.packet); break;
        case event::kind::wake:
            if (one.running() && one._life == next.life && one._wake_at == next.at) {
                one._wake_at = base::never;
                one._engine->on_time(_now);
                plan_wake(one);
            }
            break;
        case event::kind::stored:
            if (one._life == next.life && one._paused) {
                plan(next.what, next.machine, next.life, _now + 1ms, nullptr, next.epoch);
            } else if (one._life == next.life) {
                one.stored = std::max(one.stored, next.epoch);
                one._engine->on_stored(_now, next.epoch);
                plan_wake(one);
            }
            break;
        }
    }

    void receive(machine& one, flight& packet) {
        if (!one.alive()) {
            return;
        }
        if (one._paused) {
            one._waiting.push_back(std::move(packet));
            return;
        }
        const base::buffer datagram = one._pool.copy(packet.bytes);
        const auto opened = wire::open(datagram.bytes(), one._settings.cluster);
        if (!opened) {
            ++one.refused[static_cast<std::size_t>(opened.error())];
            return;
        }
        one._engine->on_packet(_now, datagram, *opened);
        if (datagram.references() > 1) {
            one._given.push_back(datagram);
            if (one._given.size() % 8'192 == 0) {
                (void)held_datagrams(one._id.value);
            }
        }
        plan_wake(one);
    }

    void carry(machine& from, node_id to, bytes_view bytes) {
        base::buffer copy = _pool.copy(bytes);
        wire::seal(copy, ++from._sent);
        auto packet = std::make_shared<flight>(flight{from._id, to, {copy.bytes().begin(), copy.bytes().end()}});
        ++_carried;
        ++_carried_of[static_cast<std::size_t>(packet->kind())];
        if (_cut.contains({from._id, to})) {
            return;
        }
        for (loss& each : _losses) {
            if (each.count > 0 && each.kind == packet->kind() &&
                (each.from == base::no_node || each.from == from._id) && (each.to == base::no_node || each.to == to)) {
                --each.count;
                return;
            }
        }
        if (tap && !tap(*packet)) {
            return;
        }
        const auto target = std::ranges::find(_machines, to, [](const auto& each) { return each->_id; });
        if (target != _machines.end()) {
            plan(event::kind::arrival, static_cast<std::uint32_t>(target - _machines.begin()), 0, _now + latency,
                 std::move(packet), {});
        }
    }

    void plan_wake(machine& one) {
        if (!one.alive() || one._paused) {
            return;
        }
        const time_point deadline = one._engine->deadline();
        // A deadline that has passed would stop virtual time.
        const time_point at = deadline == base::never ? deadline : std::max(deadline, _now + 1us);
        if (at != base::never && at != one._wake_at) {
            one._wake_at = at;
            plan(event::kind::wake, one._id.value - 1, one._life, at, nullptr, {});
        }
    }
    void plan_store(machine& one, base::epoch_number epoch) {
        plan(event::kind::stored, one._id.value - 1, one._life, _now + one.disk_delay, nullptr, epoch);
    }
    void plan(event::kind what, std::uint32_t place, std::uint64_t life, time_point at, std::shared_ptr<flight> packet,
              base::epoch_number epoch) {
        _events.push({at, ++_order, place, life, what, std::move(packet), epoch});
    }

    [[nodiscard]] static bool settled(const std::vector<machine*>& nodes) {
        return std::ranges::all_of(nodes, [&](machine* each) {
            return each->alive() && each->engine().operational() && each->members() == nodes.size() &&
                   each->engine().view().id == nodes.front()->engine().view().id &&
                   each->engine().delivered().value >= nodes.size();
        });
    }

    tuning _tune;
    upper_maker _make_upper;
    base::buffer_pool _pool;
    std::vector<std::unique_ptr<machine>> _machines;
    std::priority_queue<event> _events;
    std::uint64_t _order = 0;
    time_point _now{1s};
    std::set<std::pair<node_id, node_id>> _cut;
    std::vector<loss> _losses;
    std::uint64_t _carried = 0;
    std::array<std::uint64_t, wire::packet_kinds> _carried_of{};
};

} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// The loop of the simulated world, its hooks, and its judgement of whether all is well.
#include "sim/world.hpp"

#include "groups/step_trace.hpp"
#include "wire/codec.hpp"

#include <algorithm>
#include <utility>

namespace coterie::sim {

namespace {

constexpr std::size_t nodes_max = 64;
constexpr std::size_t complaints_max = 32;
/// 2023-11-14 in microseconds since 1970: what the machines' clocks show when a run begins.
constexpr std::uint64_t wall_clock_begin_us = 1'700'000'000'000'000;
/// More occurrences than this in one run mean that it does not end by itself.
constexpr std::uint64_t bounds_checked_every = 512;

} // namespace

world::world(const world_options& options)
    : _options(options),
      _random(options.seed),
      _network(options.nodes, _random.next(), _events, _pool, *this),
      _cluster(wire::cluster_of("simulated")) {
    COTERIE_ASSERT(options.nodes >= 1 && options.nodes <= nodes_max, "a simulated world has 1 to 64 nodes");
    _network.set_quality(options.links);
    if (options.encrypted && (options.attacks.replays | options.attacks.forgeries) != 0) {
        _network.admit(options.attacks, options.seed);
    }
    for (std::size_t place = 0; place < options.nodes; ++place) {
        _configured.push_back({static_cast<std::uint32_t>(place + 1)});
    }
    for (const node_id id : _configured) {
        _nodes.push_back(std::make_unique<node>(*this, id));
    }
}

world::~world() = default;

// Time.

bool world::advance(time_point end) {
    if (_events.empty() || _events.next().at > end) {
        _now = end;
        _network.set_time(_now);
        return false;
    }
    const occurrence next = _events.take();
    _now = next.at;
    _network.set_time(_now);
    handle(next);
    run_posted();
    if (++_occurrences % bounds_checked_every == 0) {
        check_bounds();
    }
    if (on_moment) {
        on_moment();
    }
    return true;
}

void world::run_for(duration time) {
    run_posted();
    const time_point end = _now + time;
    while (advance(end)) {
    }
}

void world::handle(const occurrence& next) {
    switch (next.what) {
    case happening::datagram: {
        network::flight landed = _network.land(next.value);
        if (landed.packet) {
            _nodes[landed.to]->receive(landed.from, std::move(landed.packet));
        }
        return;
    }
    case happening::node_wakes: _nodes[next.place]->wake(next.value); return;
    case happening::node_drains: _nodes[next.place]->drain(next.value); return;
    case happening::node_resumes: _nodes[next.place]->resume_after_pause(next.value); return;
    case happening::written: _nodes[next.place]->written(next.value); return;
    case happening::refused: _nodes[next.place]->refused({next.value}); return;
    case happening::client_acts:
        if (on_turn) {
            on_turn(next.value);
        }
        return;
    case happening::client_reads: _clients[next.value]->read(); return;
    case happening::action: _actions.take(next.value)(); return;
    }
}

void world::after(duration delay, std::function<void()> what) {
    plan(delay, happening::action, _actions.put(std::move(what)));
}

void world::post(std::function<void()> what) { _posted.push_back(std::move(what)); }

void world::run_posted() {
    while (!_posted.empty()) {
        const std::vector<std::function<void()>> now = std::exchange(_posted, {});
        for (const auto& each : now) {
            each();
        }
    }
    if (_hooks_ended) {
        _hooks_ended = false;
        std::erase_if(_step_hooks, [](const auto& each) { return each.ended; });
        std::erase_if(_event_hooks, [](const auto& each) { return each.ended; });
    }
}

std::optional<step_seen> world::run_until_step(step::kind kind, duration limit, node_id at) {
    std::optional<step_seen> seen;
    const hook_id id = on_steps([&](const node& who, const step& what) {
        if (!seen && what.what == kind && (at == base::no_node || at == who.id())) {
            seen = step_seen{who.id(), what};
        }
    });
    run_until([&seen] { return seen.has_value(); }, limit);
    unhook(id);
    return seen;
}

std::optional<trace::event> world::run_until_event(trace::event_kind kind, duration limit, node_id at) {
    std::optional<trace::event> seen;
    const hook_id id = on_events([&](const trace::event& what) {
        if (!seen && what.kind == kind && (at == base::no_node || at == what.node)) {
            seen = what;
        }
    });
    run_until([&seen] { return seen.has_value(); }, limit);
    unhook(id);
    return seen;
}

// Nodes and clients.

std::vector<node_id> world::ids() const { return _configured; }

std::vector<node_id> world::running() const {
    std::vector<node_id> result;
    for (const auto& each : _nodes) {
        if (each->running()) {
            result.push_back(each->id());
        }
    }
    return result;
}

void world::boot_all() {
    for (const auto& each : _nodes) {
        each->boot();
    }
}

hook_id world::on_steps(std::function<void(node&, const step&)> call) {
    _step_hooks.push_back({.id = ++_hooks_made, .call = std::move(call)});
    return _hooks_made;
}

hook_id world::on_events(std::function<void(const trace::event&)> call) {
    _event_hooks.push_back({.id = ++_hooks_made, .call = std::move(call)});
    return _hooks_made;
}

void world::unhook(hook_id id) {
    // A hook may end itself while it runs: its call lives until run_posted, when no hook runs.
    for (auto& each : _step_hooks) {
        if (each.id == id) {
            each.ended = true;
        }
    }
    for (auto& each : _event_hooks) {
        if (each.id == id) {
            each.ended = true;
        }
    }
    _hooks_ended = true;
}

void world::on_step(node& who, const step& what) {
    if (_options.record) {
        if (std::optional<trace::event> seen = groups::to_event(what)) {
            seen->time_ns = _now.time_since_epoch().count();
            seen->node = who.id();
            seen->stream = who.nonce().value;
            record(*seen);
        }
    }
    for (std::size_t at = 0; at < _step_hooks.size(); ++at) {
        if (!_step_hooks[at].ended) {
            _step_hooks[at].call(who, what);
        }
    }
}

void world::met(std::size_t place, fault kind) {
    if (_nodes[place]->alive()) {
        _coverage.met(_nodes[place]->stage_now(), kind);
    }
}

void world::record(const trace::event& what) {
    if (what.kind == trace::event_kind::started) {
        for (const auto& each : _nodes) {
            if (each->id() != what.node && each->alive()) {
                _coverage.met(each->stage_now(), fault::restart);
            }
        }
    }
    if (what.kind == trace::event_kind::planned) {
        _planned.try_emplace(what.view, _now);
    } else if (what.kind == trace::event_kind::regular) {
        check_hearing(what);
    }
    if (_options.record) {
        _trace.push_back(what);
    }
    for (std::size_t at = 0; at < _event_hooks.size(); ++at) {
        if (!_event_hooks[at].ended) {
            _event_hooks[at].call(what);
        }
    }
}

void world::check_hearing(const trace::event& installed) {
    // What one member says of another may be as old as the hearing of nodes that do not watch each other.
    const duration stale = 2 * _options.ring.contact_limit;
    const auto planned = _planned.find(installed.view);
    if (planned == _planned.end()) {
        return;
    }
    for (const base::member& one : installed.members) {
        for (const base::member& other : installed.members) {
            if (one != other && planned->second - stale > _network.cut_since(one.node, other.node)) {
                complain(installed.node,
                         "installs a view with nodes " + std::to_string(one.node.value) + " and " +
                             std::to_string(other.node.value) + ", the second of which cannot hear the first",
                         2);
                return;
            }
        }
    }
}

client& world::new_client(node_id home, client_options options) {
    if (options.pid == 0) {
        options.pid = new_pid();
    }
    const auto index = static_cast<std::uint32_t>(_clients.size());
    _clients.push_back(std::make_unique<client>(*this, at(home), index, options));
    return *_clients.back();
}

std::vector<client*> world::clients_on(node_id home) {
    std::vector<client*> result;
    for (const auto& each : _clients) {
        if (each->home().id() == home) {
            result.push_back(each.get());
        }
    }
    return result;
}

void world::daemon_ended(node_id id) {
    for (client* each : clients_on(id)) {
        each->daemon_died();
    }
    std::erase_if(_waiting, [id](const waiting_action& each) { return each.node == id; });
}

void world::daemon_resumed(node_id id) {
    std::vector<std::function<void()>> due;
    for (waiting_action& each : _waiting) {
        if (each.node == id) {
            due.push_back(std::move(each.what));
        }
    }
    std::erase_if(_waiting, [id](const waiting_action& each) { return each.node == id; });
    for (const auto& each : due) {
        each();
    }
    for (client* each : clients_on(id)) {
        each->daemon_resumed();
    }
}

void world::when_running(node_id id, std::function<void()> what) { _waiting.push_back({id, std::move(what)}); }

std::uint64_t world::wall_clock_us(std::int64_t skew_us) const {
    const auto simulated = std::chrono::duration_cast<std::chrono::microseconds>(_now.time_since_epoch()).count();
    return wall_clock_begin_us + static_cast<std::uint64_t>(simulated + skew_us);
}

// Judging.

std::vector<std::vector<node_id>> world::cliques() const {
    const std::vector<node_id> live = running();
    std::vector<std::vector<node_id>> result;
    std::vector<bool> placed(_nodes.size() + 1);
    const auto touches = [this](node_id one, node_id other) {
        return _network.reaches(one, other) || _network.reaches(other, one);
    };
    for (const node_id seed : live) {
        if (placed[seed.value]) {
            continue;
        }
        std::vector<node_id> component{seed};
        placed[seed.value] = true;
        for (std::size_t at = 0; at < component.size(); ++at) {
            for (const node_id other : live) {
                if (!placed[other.value] && touches(component[at], other)) {
                    placed[other.value] = true;
                    component.push_back(other);
                }
            }
        }
        std::ranges::sort(component);
        const bool complete = std::ranges::all_of(component, [&](node_id one) {
            return std::ranges::all_of(component,
                                       [&](node_id other) { return one == other || _network.reaches(one, other); });
        });
        if (complete) {
            result.push_back(std::move(component));
        }
    }
    return result;
}

bool world::converged() const {
    for (const std::vector<node_id>& clique : cliques()) {
        const base::view_id shared = at(clique.front()).settled_view();
        if (!shared.valid()) {
            return false;
        }
        for (const node_id each : clique) {
            if (at(each).settled_view() != shared) {
                return false;
            }
        }
        const std::vector<base::member>& members = at(clique.front()).engine().view().members;
        if (!std::ranges::equal(members, clique, {}, &base::member::node)) {
            return false;
        }
    }
    return true;
}

bool world::mutual() const {
    return std::ranges::all_of(running(), [this](node_id one) {
        const std::vector<base::member>& members = at(one).engine().view().members;
        return at(one).settled_view().valid() && std::ranges::all_of(members, [&](const base::member& left) {
                   return std::ranges::all_of(members, [&](const base::member& right) {
                       return left.node == right.node || _network.reaches(left.node, right.node);
                   });
               });
    });
}

bool world::at_rest() const {
    const auto daemons_agree = [this](const std::vector<node_id>& clique) {
        const base::sequence_number delivered = at(clique.front()).engine().delivered();
        return std::ranges::all_of(clique, [&](node_id each) { return at(each).engine().delivered() == delivered; });
    };
    return converged() && std::ranges::all_of(cliques(), daemons_agree) &&
           std::ranges::all_of(_clients, [](const auto& each) { return !each->home().alive() || each->at_rest(); });
}

void world::check_bounds() {
    for (const auto& each : _nodes) {
        each->check_bounds();
    }
}

void world::record_tables() {
    for (const auto& each : _nodes) {
        each->record_tables();
    }
}

std::string world::describe() const {
    std::string result;
    for (const auto& each : _nodes) {
        result += "node " + std::to_string(each->id().value) + ": " + std::string(to_string(each->state()));
        if (each->alive()) {
            result += "; " + each->engine().describe();
        }
        result += '\n';
    }
    for (const auto& each : _clients) {
        if (each->home().alive() && !each->at_rest()) {
            result += "client " + std::to_string(each->who().pid) + " on node " +
                      std::to_string(each->who().node.value) + ": " + std::to_string(each->outstanding()) +
                      " accepted and not delivered, " + std::to_string(each->waiting()) + " unread, state " +
                      std::to_string(static_cast<int>(each->state())) + "\n";
        }
    }
    return result;
}

void world::complain(node_id node, std::string what, int guarantee) {
    if (_complaints.size() < complaints_max) {
        _complaints.push_back({_now.time_since_epoch().count(), node, guarantee, std::move(what)});
    }
}

std::uint64_t world::steps_of(step::kind kind) const {
    std::uint64_t result = 0;
    for (const auto& each : _nodes) {
        result += each->steps(kind);
    }
    return result;
}

} // namespace coterie::sim

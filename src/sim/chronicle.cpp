// SPDX-License-Identifier: BSD-3-Clause
// Compares what is with what was.
#include "sim/chronicle.hpp"

#include <array>
#include <utility>

namespace coterie::sim {

namespace {
/// How fine time is looked at; runs of many nodes have many links.
constexpr std::int64_t pace_ns = 50'000;
constexpr std::int64_t well = -1;
} // namespace

std::string_view to_string(ailment what) {
    switch (what) {
    case ailment::cut: return "cut";
    case ailment::noisy: return "noisy";
    case ailment::away: return "away";
    case ailment::paused: return "paused";
    case ailment::slow_store: return "slow disk";
    case ailment::small_buffer: return "small buffer";
    case ailment::slow_receiver: return "slow receiver";
    }
    return "?";
}

void chronicle::follow(world& around) {
    _world = &around;
    _machines.assign(around.nodes() * of_machines, well);
    _cuts.assign(around.nodes() * around.nodes(), well);
    _noises = _cuts;
    around.on_moment = [this] {
        const std::int64_t now = _world->now().time_since_epoch().count();
        if (_looked_ns < 0 || now - _looked_ns >= pace_ns) {
            _looked_ns = now;
            look();
        }
    };
}

void chronicle::note(std::int64_t& since, bool ails, ailing what) {
    if (ails == (since != well)) {
        return;
    }
    if (ails) {
        since = _looked_ns;
        return;
    }
    what.begin_ns = std::exchange(since, well);
    what.end_ns = _looked_ns;
    _past.push_back(what);
}

void chronicle::look() {
    const world_options& usual = _world->options();
    for (const node_id id : _world->ids()) {
        const node& one = _world->at(id);
        const std::array<std::pair<ailment, bool>, of_machines> state{{
            {ailment::away, one.state() == condition::vanished},
            {ailment::paused, one.state() == condition::paused},
            {ailment::slow_store, one.storage.write_max > usual.store_max},
            {ailment::small_buffer, one.socket_bytes_max < usual.socket_bytes},
            {ailment::slow_receiver, one.receive_ns_per_datagram != 0 || one.receive_ns_per_byte != 0},
        }};
        for (std::size_t at = 0; at < state.size(); ++at) {
            note(_machines[(id.value - 1) * of_machines + at], state[at].second,
                 {.what = state[at].first, .node = id, .other = base::no_node});
        }
    }
    const network& net = _world->net();
    if (net.changes() != _links_seen) {
        _links_seen = net.changes();
        look_at_links();
    }
}

void chronicle::look_at_links() {
    const network& net = _world->net();
    const duration usual = _world->options().links.latency;
    for (const node_id from : _world->ids()) {
        for (const node_id to : _world->ids()) {
            if (from == to) {
                continue;
            }
            const std::size_t link = (from.value - 1) * _world->nodes() + to.value - 1;
            const link_quality& quality = net.quality(from, to);
            const bool noisy = quality.faulty() || quality.latency > usual;
            note(_cuts[link], !net.reaches(from, to), {.what = ailment::cut, .node = from, .other = to});
            note(_noises[link], noisy, {.what = ailment::noisy, .node = from, .other = to});
        }
    }
}

void chronicle::close() {
    if (_world == nullptr) {
        return;
    }
    _world->on_moment = {};
    _looked_ns = _world->now().time_since_epoch().count();
    look();
    const std::size_t nodes = _world->nodes();
    const auto end = [this](std::int64_t& since, ailing what) { note(since, false, what); };
    for (std::size_t at = 0; at < _machines.size(); ++at) {
        end(_machines[at], {.what = static_cast<ailment>(static_cast<std::size_t>(ailment::away) + at % of_machines),
                            .node = {static_cast<std::uint32_t>(at / of_machines + 1)},
                            .other = base::no_node});
    }
    for (std::size_t link = 0; link < _cuts.size(); ++link) {
        const node_id from{static_cast<std::uint32_t>(link / nodes + 1)};
        const node_id to{static_cast<std::uint32_t>(link % nodes + 1)};
        end(_cuts[link], {.what = ailment::cut, .node = from, .other = to});
        end(_noises[link], {.what = ailment::noisy, .node = from, .other = to});
    }
    _world = nullptr;
}

} // namespace coterie::sim

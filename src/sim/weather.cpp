// SPDX-License-Identifier: BSD-3-Clause
// The kinds of bad weather, each with its beginning and its end.
#include "sim/weather.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace coterie::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

weather::weather(scene& on) : _on(on) {
    // About half of the kinds, some of them often.
    for (std::uint32_t& weight : _weights) {
        weight = _on.chance(1, 2) ? static_cast<std::uint32_t>(1 + _on.below(8)) : 0;
    }
    _weights[_on.below(troubles)] += 4;
    _gap = _on.between(milliseconds(20), milliseconds(900));
    _longest = _on.between(milliseconds(30), milliseconds(2'500));
}

void weather::begin() {
    _ended = false;
    next();
}

void weather::next() {
    _on.w.after(_on.between(_gap / 10, _gap * 2), [this] {
        if (_ended) {
            return;
        }
        std::uint64_t total = 0;
        for (const std::uint32_t weight : _weights) {
            total += weight;
        }
        std::uint64_t drawn = _on.below(total);
        for (std::size_t kind = 0; kind < troubles; ++kind) {
            if (drawn < _weights[kind]) {
                strike(static_cast<trouble>(kind));
                break;
            }
            drawn -= _weights[kind];
        }
        next();
    });
}

duration weather::some_time() {
    // Short times matter as much as long ones, so the exponent is drawn, not the time.
    const duration scale = _longest / (std::int64_t{1} << _on.below(8));
    return _on.between(scale / 2, scale) + milliseconds(1);
}

void weather::strike(trouble kind) {
    switch (kind) {
    case trouble::noise: noise(kind_set::all()); return;
    case trouble::control_noise: noise(_on.chance(1, 2) ? kind_set::control() : kind_set::membership()); return;
    case trouble::partition: partition(); return;
    case trouble::one_way: one_way(); return;
    case trouble::deaf: cut_directions(false, true); return;
    case trouble::mute: cut_directions(true, false); return;
    case trouble::flap: flap(); return;
    case trouble::crash:
    case trouble::crash_amid:
    case trouble::crash_at_step:
    case trouble::vanish:
    case trouble::leave: crash(kind); return;
    case trouble::pause: pause(false); return;
    case trouble::pause_amid: pause(true); return;
    case trouble::slow_store:
    case trouble::small_buffer:
    case trouble::slow_receiver: slow_down(kind); return;
    case trouble::count: return;
    }
}

void weather::noise(kind_set afflicted) {
    const auto badness = [this](std::uint32_t worst) {
        return _on.chance(1, 2) ? static_cast<std::uint32_t>(_on.below(worst)) : 0U;
    };
    link_quality worse = _on.options.world.links;
    worse.loss = badness(300'000);
    worse.duplicate = badness(200'000);
    worse.late_duplicate = badness(50'000);
    worse.reorder = badness(300'000);
    worse.corrupt = badness(50'000);
    worse.reorder_max = _on.between(microseconds(200), milliseconds(20));
    worse.late_max = _on.between(milliseconds(20), milliseconds(900));
    worse.afflicted = afflicted;
    if (_on.chance(1, 4)) {
        worse.latency = _on.between(microseconds(50), milliseconds(20));
        worse.jitter = worse.latency / 2;
    }
    const link_quality usual = _on.options.world.links;
    if (_on.chance(1, 2)) {
        _on.w.net().set_quality(worse);
        _on.later(some_time(), [this, usual] { _on.w.net().set_quality(usual); });
        return;
    }
    const node_id victim = _on.any_node();
    const auto around = [this, victim](const link_quality& quality) {
        for (const node_id other : _on.w.ids()) {
            if (other != victim) {
                _on.w.net().set_quality(victim, other, quality);
                _on.w.net().set_quality(other, victim, quality);
            }
        }
    };
    around(worse);
    _on.later(some_time(), [around, usual] { around(usual); });
}

void weather::partition() {
    _on.w.net().partition(_on.sides(2 + _on.below(2)));
    _on.later(some_time(), [this] { _on.w.net().join_all(); });
}

void weather::cut_directions(bool hears, bool heard) {
    const node_id victim = _on.any_node();
    for (const node_id other : _on.w.ids()) {
        if (other == victim) {
            continue;
        }
        if (!heard) {
            _on.w.net().cut(victim, other);
        }
        if (!hears) {
            _on.w.net().cut(other, victim);
        }
    }
    _on.later(some_time(), [this, victim] {
        for (const node_id other : _on.w.ids()) {
            if (other != victim) {
                _on.w.net().restore_both(victim, other);
            }
        }
    });
}

void weather::one_way() {
    const node_id one = _on.any_node();
    const node_id other = _on.any_node();
    if (one == other) {
        return;
    }
    _on.w.net().cut(one, other);
    _on.later(some_time(), [this, one, other] { _on.w.net().restore(one, other); });
}

void weather::flap() {
    const std::vector<std::vector<node_id>> sides = _on.sides(2);
    const duration period = _on.between(milliseconds(10), milliseconds(700));
    const std::uint64_t times = 2 + _on.below(6);
    for (std::uint64_t round = 0; round < times; ++round) {
        const duration begins = period * static_cast<std::int64_t>(2 * round);
        _on.later(begins, [this, sides] { _on.w.net().partition(sides); });
        _on.later(begins + period, [this] { _on.w.net().join_all(); });
    }
}

void weather::restart_later(node_id node) {
    // Some stay away until the end, most return, many within the detection limit.
    if (_on.chance(1, 8)) {
        return;
    }
    restart(node, _on.chance(1, 2) ? _on.between(milliseconds(1), milliseconds(300)) : some_time());
}

void weather::restart(node_id node, duration away) {
    _on.later(away, [this, node] {
        sim::node& one = _on.w.at(node);
        if (one.alive()) {
            // Its doom was to come at some step of its own, which it has not made yet.
            restart(node, milliseconds(150));
            return;
        }
        one.reappear();
        one.clock_skew_us = _on.chance(1, 8) ? _on.random.between(-3'600'000'000, 3'600'000'000) : one.clock_skew_us;
        one.boot(_on.any_fate());
    });
}

void weather::crash(trouble how) {
    const node_id victim = _on.chance(1, 4) ? _on.lowest_running() : _on.any_running();
    if (victim == base::no_node) {
        return;
    }
    node& one = _on.w.at(victim);
    switch (how) {
    case trouble::crash_amid: {
        one.crash_amid_burst(_on.below(1 + 2 * _on.w.nodes()));
        break;
    }
    case trouble::crash_at_step: {
        const auto hook = std::make_shared<hook_id>();
        const std::uint64_t skipped = _on.below(4);
        const bool sent = _on.chance(1, 2);
        *hook = _on.w.on_steps([this, hook, victim, sent, left = skipped](node& who, const step& what) mutable {
            if (_ended) {
                _on.w.unhook(*hook);
                return;
            }
            const bool counts = what.what != step::kind::hop_given && what.what != step::kind::hop_taken &&
                                what.what != step::kind::acknowledged;
            if (who.id() != victim || !counts || left-- > 0) {
                return;
            }
            _on.w.unhook(*hook);
            who.crash(sent);
        });
        break;
    }
    case trouble::vanish: one.vanish(); break;
    case trouble::leave: one.leave(); break;
    default: one.crash(); break;
    }
    restart_later(victim);
}

void weather::pause(bool amid) {
    const node_id victim = _on.any_running();
    if (victim == base::no_node) {
        return;
    }
    if (amid) {
        _on.w.at(victim).pause_amid_burst(_on.below(2 * _on.w.nodes()), some_time());
    } else {
        _on.w.at(victim).pause_for(some_time());
    }
}

void weather::slow_down(trouble how) {
    node& one = _on.w.at(_on.any_node());
    const node_id victim = one.id();
    if (how == trouble::slow_store) {
        one.storage.write_min = milliseconds(120);
        one.storage.write_max = _on.between(milliseconds(150), seconds(2));
        _on.later(2 * some_time(), [this, victim] {
            _on.w.at(victim).storage.write_min = _on.options.world.store_min;
            _on.w.at(victim).storage.write_max = _on.options.world.store_max;
        });
    } else if (how == trouble::small_buffer) {
        one.socket_bytes_max = static_cast<std::size_t>(_on.random.between(2'000, 60'000));
        if (_on.chance(1, 2)) {
            one.pause_for(some_time());
        }
        _on.later(some_time(), [this, victim] { _on.w.at(victim).socket_bytes_max = _on.options.world.socket_bytes; });
    } else {
        one.receive_ns_per_datagram = _on.random.between(5'000, 400'000);
        _on.later(some_time(), [this, victim] { _on.w.at(victim).receive_ns_per_datagram = 0; });
    }
}

} // namespace coterie::sim

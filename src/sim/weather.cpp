// SPDX-License-Identifier: BSD-3-Clause
// The kinds of bad weather, each with its beginning and its end.
#include "sim/weather.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace coterie::sim {

namespace {

/// Handing over and acknowledging happens all the time; everything else belongs to a view change.
bool belongs_to_view_change(const step& what) {
    return what.what != step::kind::hop_given && what.what != step::kind::hop_taken &&
           what.what != step::kind::acknowledged;
}

} // namespace

weather::weather(scene& on) : _on(on) {}

void weather::begin() {
    _on.w.on_events([this](const trace::event& what) {
        if (what.kind == trace::event_kind::failed || what.kind == trace::event_kind::retired) {
            daemon_ended(what.node);
        }
    });
    for (const planned_fault& each : _on.options.faults) {
        _on.later(each.at, [this, &each] { strike(each); });
    }
}

void weather::end() {
    _ended = true;
    _lasting.clear();
    _doomed.clear();
    refresh_links();
    refresh_machines();
}

void weather::strike(const planned_fault& what) {
    if (_ended) {
        return;
    }
    switch (what.kind) {
    case trouble::cut:
    case trouble::noise: strike_links(what, what.rounds); return;
    case trouble::slow_store:
    case trouble::small_buffer:
    case trouble::packet_size:
    case trouble::slow_receiver: handicap(what); return;
    default: break;
    }
    for (const node_id each : _on.w.ids()) {
        if (what.covers(each)) {
            strike_daemon(what, _on.w.at(each));
        }
    }
}

// Faults that last.

void weather::strike_links(const planned_fault& what, std::uint64_t rounds) {
    if (_ended) {
        return;
    }
    _lasting.push_back(&what);
    refresh_links();
    if (what.lasts == duration{}) {
        return;
    }
    _on.later(what.lasts, [this, &what, rounds] {
        lift(what);
        refresh_links();
        if (rounds > 1) {
            _on.later(what.lasts, [this, &what, rounds] { strike_links(what, rounds - 1); });
        }
    });
}

void weather::handicap(const planned_fault& what) {
    _lasting.push_back(&what);
    refresh_machines();
    if (what.lasts != duration{}) {
        _on.later(what.lasts, [this, &what] {
            lift(what);
            refresh_machines();
        });
    }
}

void weather::lift(const planned_fault& what) {
    const auto found = std::ranges::find(_lasting, &what);
    if (found != _lasting.end()) {
        _lasting.erase(found);
    }
}

void weather::refresh_links() {
    network& net = _on.w.net();
    for (const node_id from : _on.w.ids()) {
        for (const node_id to : _on.w.ids()) {
            if (from == to) {
                continue;
            }
            bool cut = false;
            const link_quality* quality = &_on.options.world.links;
            for (const planned_fault* each : _lasting) {
                if (about_links(each->kind) && each->covers(from, to)) {
                    cut = cut || each->kind == trouble::cut;
                    quality = each->kind == trouble::noise ? &each->quality : quality;
                }
            }
            net.set_quality(from, to, *quality);
            if (cut) {
                net.cut(from, to);
            } else {
                net.restore(from, to);
            }
        }
    }
}

void weather::refresh_machines() {
    for (const node_id id : _on.w.ids()) {
        node& one = _on.w.at(id);
        const world_options& usual = _on.options.world;
        one.storage.write_min = usual.store_min;
        one.storage.write_max = usual.store_max;
        one.socket_bytes_max = usual.socket_bytes;
        one.receive_ns_per_datagram = 0;
        std::size_t datagram_bytes = usual.ring.datagram_bytes;
        for (const planned_fault* each : _lasting) {
            if (about_links(each->kind) || !each->covers(id)) {
                continue;
            }
            if (each->kind == trouble::slow_store) {
                one.storage.write_min = std::min(each->slow, std::max(usual.store_min, each->slow / 4));
                one.storage.write_max = each->slow;
            } else if (each->kind == trouble::small_buffer) {
                one.socket_bytes_max = each->bytes;
            } else if (each->kind == trouble::packet_size) {
                datagram_bytes = each->bytes;
            } else {
                one.receive_ns_per_datagram = each->slow.count();
            }
        }
        one.make_packets_for(datagram_bytes);
    }
}

// Faults that strike at once.

void weather::strike_daemon(const planned_fault& what, node& victim) {
    if (what.kind == trouble::client_crash) {
        for (client* each : _on.w.clients_on(victim.id())) {
            each->crash();
        }
        return;
    }
    if (!victim.running()) {
        return;
    }
    if (what.kind == trouble::pause) {
        if (what.lasts == duration{}) {
            victim.pause();
        } else {
            victim.pause_for(what.lasts);
        }
        return;
    }
    if (what.kind == trouble::pause_amid) {
        victim.pause_amid_burst(what.skip, what.lasts);
        return;
    }
    _doomed.push_back({victim.id(), &what});
    switch (what.kind) {
    case trouble::crash_amid: victim.crash_amid_burst(what.skip); return;
    case trouble::crash_at_step: crash_at_step(what, victim.id()); return;
    case trouble::vanish: victim.vanish(); return;
    case trouble::leave: victim.leave(); return;
    default: victim.crash(); return;
    }
}

void weather::crash_at_step(const planned_fault& what, node_id victim) {
    const auto hook = std::make_shared<hook_id>();
    *hook =
        _on.w.on_steps([this, hook, victim, sent = what.sent, left = what.skip](node& who, const step& made) mutable {
            if (_ended) {
                _on.w.unhook(*hook);
                return;
            }
            if (who.id() != victim || !belongs_to_view_change(made) || left-- > 0) {
                return;
            }
            _on.w.unhook(*hook);
            who.crash(sent);
        });
}

void weather::daemon_ended(node_id id) {
    const auto found = std::ranges::find(_doomed, id, &doom::node);
    if (found == _doomed.end()) {
        return;
    }
    const planned_fault* fault = found->fault;
    _doomed.erase(found);
    if (fault->lasts == duration{}) {
        return;
    }
    _on.later(fault->lasts, [this, fault, id] {
        node& one = _on.w.at(id);
        one.reappear();
        one.clock_skew_us = fault->skew_us != 0 ? fault->skew_us : one.clock_skew_us;
        one.boot(fault->fate);
    });
}

} // namespace coterie::sim

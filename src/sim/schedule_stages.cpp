// SPDX-License-Identifier: BSD-3-Clause
// One kind of fault strikes nodes just when they enter one state of a view change, so that every pair of the two is met
// however short the state lasts. The seed draws the pair.
#include "sim/schedule.hpp"

#include <algorithm>

namespace coterie::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// Brings one fault over a node that has just entered the state. Runs between inputs.
class striker {
public:
    striker(scene& on, fault what) : _on(on), _what(what) {}

    void strike(node& victim) {
        const node_id id = victim.id();
        network& net = _on.w.net();
        const std::uint64_t few = 1 + _on.below(6);
        switch (_what) {
        case fault::loss: net.drop({.to = id}, few); return;
        case fault::duplicate: net.repeat({.to = id}, _on.between(microseconds(0), milliseconds(5)), few); return;
        case fault::late_duplicate: for_a_while(id, {.late_duplicate = 700'000}); return;
        case fault::reorder: net.delay({.to = id}, _on.between(microseconds(50), milliseconds(10)), few); return;
        case fault::corrupt: for_a_while(id, {.corrupt = 700'000}); return;
        case fault::partition:
            net.isolate(id);
            restore_later(id);
            return;
        case fault::one_way:
            for (const node_id other : _on.w.ids()) {
                if (other != id) {
                    net.cut(other, id);
                }
            }
            restore_later(id);
            return;
        case fault::crash:
            victim.crash();
            boot_later(id);
            return;
        case fault::crash_amid_burst:
            victim.crash_amid_burst(_on.below(2 * _on.w.nodes()));
            boot_later(id);
            return;
        case fault::restart:
        case fault::refused: {
            // Somebody else goes, and comes back at once.
            const node_id other = _on.any_node();
            if (other != id) {
                _on.w.at(other).crash();
                boot_later(other);
            }
            return;
        }
        case fault::pause: victim.pause_for(some_time()); return;
        case fault::slow_store: return; // they are slow from the beginning
        case fault::full_buffer:
            victim.socket_bytes_max = 64 + _on.below(600);
            victim.pause_for(some_time());
            _on.later(some_time(), [this, id] { _on.w.at(id).socket_bytes_max = _on.options.world.socket_bytes; });
            return;
        case fault::client_crash:
            for (client* each : _on.w.clients_on(id)) {
                each->crash();
            }
            return;
        case fault::count: return;
        }
    }

private:
    duration some_time() {
        return _on.between(microseconds(200), _on.chance(1, 3) ? milliseconds(700) : milliseconds(20));
    }

    void for_a_while(node_id id, link_quality worse) {
        const link_quality usual = _on.options.world.links;
        worse.latency = usual.latency;
        worse.jitter = usual.jitter;
        set_links_to(id, worse);
        _on.later(some_time(), [this, id, usual] { set_links_to(id, usual); });
    }

    void set_links_to(node_id id, const link_quality& quality) {
        for (const node_id other : _on.w.ids()) {
            if (other != id) {
                _on.w.net().set_quality(other, id, quality);
            }
        }
    }

    void restore_later(node_id id) {
        _on.later(some_time(), [this, id] {
            for (const node_id other : _on.w.ids()) {
                if (other != id) {
                    _on.w.net().restore_both(id, other);
                }
            }
        });
    }

    void boot_later(node_id id) {
        _on.later(some_time(), [this, id] { _on.w.at(id).boot(_on.any_fate()); });
    }

    scene& _on;
    fault _what;
};

} // namespace

void prepare_stages(setup& from) {
    draw_nodes(from, 3, 6);
    default_time(from, seconds(1));
}

void play_stage_faults(scene& on) {
    const auto where = static_cast<stage>(on.below(stages));
    const auto what = static_cast<fault>(on.below(faults));
    if (!on.form()) {
        return;
    }
    traffic_profile talk = on.usual_traffic();
    talk.pace = milliseconds(8);
    talk.burst_max = 6;
    talk.answers = 20;
    on.populate(1, talk);
    // Members lack packets of each other when a change comes, so that recovery takes its time.
    link_quality holes = on.options.world.links;
    holes.loss = static_cast<std::uint32_t>(on.below(600'000));
    holes.afflicted = {packet_kind::data, packet_kind::repair_request};
    on.w.net().set_quality(holes);
    if (what == fault::slow_store) {
        for (const node_id each : on.w.ids()) {
            on.w.at(each).storage.write_min = milliseconds(110);
            on.w.at(each).storage.write_max = milliseconds(600);
        }
    }
    on.w.run_for(on.between(milliseconds(50), milliseconds(200)));

    striker blow(on, what);
    std::uint64_t left = 1 + on.below(4);
    const hook_id striking = on.w.on_steps([&](const node& who, const step&) {
        if (left == 0 || who.stage_now() != where) {
            return;
        }
        --left;
        on.w.post([&blow, &on, id = who.id(), where] {
            node& victim = on.w.at(id);
            if (victim.running() && victim.stage_now() == where) {
                blow.strike(victim);
            }
        });
    });
    const time_point end = on.w.now() + on.options.time;
    while (on.w.now() < end) {
        const node_id gone = on.any_node();
        switch (on.below(3)) {
        case 0: on.w.at(gone).crash(); break;
        case 1: on.w.net().isolate(gone); break;
        default: on.w.net().partition(on.sides(2)); break;
        }
        on.w.run_for(on.between(milliseconds(1), milliseconds(700)));
        on.w.net().join_all();
        on.w.at(gone).boot(on.any_fate());
        on.w.run_for(on.between(milliseconds(1), milliseconds(400)));
    }
    on.w.unhook(striking);
    // What the blows have still to undo refers to them.
    on.finish();
}

} // namespace coterie::sim

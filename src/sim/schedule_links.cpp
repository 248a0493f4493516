// SPDX-License-Identifier: BSD-3-Clause
// Schedules about links: faults on control packets alone, and hearing that is not mutual.
#include "sim/schedule.hpp"

#include <algorithm>

namespace coterie::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

void prepare_control_faults(setup& from) {
    draw_nodes(from, 3, 6);
    default_time(from, seconds(2));
}

void play_control_faults(scene& on) {
    if (!on.form()) {
        return;
    }
    traffic_profile talk = on.usual_traffic();
    talk.pace = milliseconds(10);
    talk.burst_max = 3;
    on.populate(1, talk);
    link_quality bad = on.options.world.links;
    bad.loss = 300'000;
    bad.duplicate = 200'000;
    bad.late_duplicate = 100'000;
    bad.reorder = 200'000;
    bad.reorder_max = on.between(milliseconds(1), milliseconds(20));
    bad.late_max = on.between(milliseconds(50), milliseconds(900));
    bad.afflicted = on.chance(1, 3) ? kind_set{packet_kind::token, packet_kind::token_proof, packet_kind::token_request}
                    : on.chance(1, 2) ? kind_set::membership()
                                      : kind_set::control();
    on.w.net().set_quality(bad);

    const time_point end = on.w.now() + on.options.time;
    while (on.w.now() < end) {
        // Requests and acknowledgements that turn up when nobody remembers them.
        const rule_id stale = on.w.net().hold(
            {.kinds = {packet_kind::token_request, packet_kind::acknowledgement, packet_kind::token_proof}},
            on.below(20));
        const rule_id again =
            on.w.net().repeat({.kinds = kind_set::control()}, on.between(milliseconds(5), seconds(1)), on.below(50));
        on.w.run_for(on.between(milliseconds(20), milliseconds(300)));
        const node_id victim = on.any_node();
        switch (on.below(6)) {
        case 0: on.w.at(victim).crash(); break;
        case 1: on.w.net().isolate(victim); break;
        case 2: on.w.net().partition(on.sides(2)); break;
        default: break;
        }
        on.w.run_for(on.between(milliseconds(1), milliseconds(500)));
        on.w.net().release(stale, on.w.now());
        on.w.net().forget(again);
        on.w.net().join_all();
        on.w.at(victim).boot(on.any_fate());
        on.w.run_for(on.between(milliseconds(1), milliseconds(500)));
    }
}

void prepare_chain(setup& from) {
    const bool many = from.random.chance(1, 60);
    draw_nodes(from, many ? 24 : 3, many ? 64 : 8);
    default_time(from, many ? seconds(1) : seconds(3));
    if (from.random.chance(1, 2)) {
        from.world.ring.watchers = 1; // so that few pairs watch each other
    }
}

void play_chain_and_deaf(scene& on) {
    if (!on.form()) {
        return;
    }
    traffic_profile talk = on.usual_traffic();
    talk.pace = on.w.nodes() > 8 ? milliseconds(400) : milliseconds(40);
    on.populate(1, talk);
    on.w.run_for(milliseconds(200));
    network& net = on.w.net();
    const std::vector<node_id> order = on.shuffled();
    const duration hold_off = on.options.world.ring.hold_off;
    switch (on.below(4)) {
    case 0:
        // A chain: the ends do not hear each other, the middle hears both.
        if (order.size() > 2) {
            const std::size_t middle = order.size() / 2;
            for (std::size_t one = 0; one < middle; ++one) {
                for (std::size_t other = middle + 1; other < order.size(); ++other) {
                    net.cut_both(order[one], order[other]);
                }
            }
        }
        on.w.run_for(on.options.time);
        on.wait_mutual("a chain");
        break;
    case 1:
        // One direction is dead between two nodes, for long.
        net.cut(order[0], order[1]);
        on.w.run_for(on.options.time);
        on.wait_mutual("one dead direction");
        break;
    case 2:
        // A deaf node, later a mute one.
        for (const node_id each : on.w.ids()) {
            if (each != order[0]) {
                net.cut(each, order[0]);
            }
        }
        on.w.run_for(on.options.time / 2);
        on.wait_mutual("a deaf node");
        net.join_all();
        on.w.run_for(on.between(milliseconds(10), milliseconds(600)));
        for (const node_id each : on.w.ids()) {
            if (each != order[1]) {
                net.cut(order[1], each);
            }
        }
        on.w.run_for(on.options.time / 2);
        on.wait_mutual("a mute node");
        break;
    default: {
        // A flap at the pace of the back-off.
        duration period = hold_off;
        const time_point end = on.w.now() + on.options.time;
        const bool one_way = on.chance(1, 2);
        while (on.w.now() < end) {
            net.cut(order[0], order[1]);
            if (!one_way) {
                net.cut(order[1], order[0]);
            }
            on.w.run_for(period + on.between(milliseconds(0), milliseconds(20)));
            net.join_all();
            on.w.run_for(period);
            period = on.chance(1, 2) ? std::min<duration>(2 * period, on.options.world.ring.hold_off_max) : period;
        }
        break;
    }
    }
}

} // namespace coterie::sim

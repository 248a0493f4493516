// SPDX-License-Identifier: BSD-3-Clause
// Schedules about who knows what when a view is being installed, and about lives that follow each other so fast that
// nobody has noticed the death.
#include "sim/schedule.hpp"

#include <algorithm>

namespace coterie::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using trace::event_kind;

void prepare_install(setup& from) {
    draw_nodes(from, 5, 7);
    from.world.nodes = std::max<std::size_t>(from.world.nodes, 5);
    default_time(from, seconds(2));
}

void play_install_reaches_one(scene& on) {
    if (!on.form()) {
        return;
    }
    // The lowest of those that stay coordinates; the keeper alone receives the author's last messages.
    const std::vector<node_id> all = on.w.ids();
    const node_id author = all[all.size() - 1];
    const node_id keeper = all[all.size() - 2];
    const node_id coordinator = all[0];
    const node_id lucky = all[1 + on.below(all.size() - 3)];
    traffic_profile talk = on.usual_traffic();
    talk.pace = milliseconds(15);
    talk.answers = 30;
    on.populate(1, talk);
    client& speaker = on.quiet_member(author);
    on.w.run_for(milliseconds(200));

    // A hole: the author's packets stay with it, or reach the keeper alone; the next holders number more behind it.
    const bool kept = on.chance(1, 2);
    const rule_id hidden =
        on.w.net().drop({.kinds = {packet_kind::data, packet_kind::recovered},
                         .from = author,
                         .also = [keeper, kept](const datagram_view& each) { return !kept || each.to != keeper; }});
    for (std::uint64_t left = 1 + on.below(6); left > 0; --left) {
        (void)speaker.multicast(16 + on.below(2'000), on.any_guarantee());
    }
    if (on.w.run_until_event(event_kind::numbered, milliseconds(100), author)) {
        for (const node_id each : {lucky, coordinator}) {
            for (client* talker : on.w.clients_on(each)) {
                talker->enter("alpha");
                talker->flood(1 + on.below(5), 16 + on.below(300), on.any_guarantee());
            }
        }
        if (on.chance(2, 3)) {
            on.w.run_until_event(event_kind::numbered, milliseconds(5), lucky);
        }
    }
    on.w.run_for(on.between(microseconds(120), milliseconds(2)));
    on.w.net().isolate(keeper);
    if (on.chance(1, 2)) {
        on.w.at(author).crash();
    } else {
        on.w.net().isolate(author);
    }
    on.w.net().forget(hidden);

    // The install of those that are left reaches one of them, then both are gone. Others may get it when they have
    // promised something else.
    const bool late = on.chance(1, 2);
    const bool lucky_goes = on.chance(2, 3);
    rule_id withheld = 0;
    const hook_id narrowing = on.w.on_steps([&](const node& who, const step& what) {
        if (who.id() == coordinator && what.what == step::kind::install_sent && withheld == 0) {
            // Nothing that it says from now on reaches anyone else: neither the install nor what would imply it.
            const packet_filter installs{.kinds = packet_kind::install,
                                         .from = coordinator,
                                         .also = [lucky](const datagram_view& each) { return each.to != lucky; }};
            withheld = late ? on.w.net().hold(installs) : on.w.net().drop(installs);
            for (const node_id each : all) {
                if (each != coordinator && each != lucky) {
                    on.w.net().cut_both(coordinator, each);
                }
            }
        } else if (who.id() == lucky && what.what == step::kind::installed && lucky_goes) {
            on.w.net().isolate(lucky);
        }
    });
    if (on.w.run_until_step(step::kind::install_sent, seconds(4), coordinator)) {
        on.w.run_for(on.between(microseconds(130), microseconds(400)));
        switch (on.below(3)) {
        case 0: on.w.at(coordinator).crash(); break;
        case 1: on.w.at(coordinator).pause_for(on.between(milliseconds(100), milliseconds(2'500))); break;
        default: on.w.net().isolate(coordinator); break;
        }
    }
    on.w.unhook(narrowing);
    if (late && on.w.run_until_step(step::kind::promised, milliseconds(1'500))) {
        on.w.run_for(on.between(microseconds(0), microseconds(600)));
        for (const node_id each : all) {
            if (each != coordinator) {
                on.w.net().restore(coordinator, each);
            }
        }
        on.w.net().release(withheld, on.w.now());
        on.w.run_for(microseconds(300));
        on.w.net().isolate(coordinator);
    }
    if (on.chance(2, 3)) {
        // The uncertain meet the keeper, without the one that installed.
        for (const node_id each : all) {
            if (each != lucky && each != coordinator && each != keeper && each != author) {
                on.w.net().restore_both(each, keeper);
                on.w.net().cut_both(each, lucky);
            }
        }
    }
    on.w.run_for(on.between(milliseconds(1), milliseconds(2'500)));
    on.w.net().heal();
    if (on.chance(1, 2)) {
        on.w.at(coordinator).resume();
    }
    on.w.run_for(on.between(milliseconds(1), milliseconds(1'000)));
    on.w.at(author).boot(on.any_fate());
    on.w.at(coordinator).boot(on.any_fate());
    on.w.run_for(on.between(milliseconds(1), milliseconds(1'000)));
}

void prepare_restart(setup& from) {
    draw_nodes(from, 2, 5);
    default_time(from, seconds(2));
}

void play_restart_within_limit(scene& on) {
    if (!on.form()) {
        return;
    }
    traffic_profile talk = on.usual_traffic();
    talk.pace = on.between(milliseconds(2), milliseconds(40));
    talk.burst_max = 5;
    talk.answers = 30;
    on.populate(1 + on.below(2), talk);
    on.w.run_for(milliseconds(150));

    for (std::uint64_t round = 1 + on.below(4); round > 0; --round) {
        node_id victim = on.any_running();
        switch (on.below(3)) {
        case 0: victim = on.lowest_running(); break;
        case 1: victim = on.holder() == base::no_node ? victim : on.holder(); break;
        default: break;
        }
        if (victim == base::no_node) {
            on.w.run_for(milliseconds(100));
            continue;
        }
        // Some of the last words of the old life come later, in the middle of the new one.
        std::vector<rule_id> held;
        const auto hold = [&](kind_set kinds, node_id from, node_id to) {
            held.push_back(on.w.net().hold({.kinds = kinds, .from = from, .to = to}, 1 + on.below(30)));
        };
        hold({packet_kind::token, packet_kind::token_proof, packet_kind::acknowledgement}, victim, base::no_node);
        if (on.chance(1, 2)) {
            hold({packet_kind::install, packet_kind::plan, packet_kind::completion, packet_kind::report}, victim,
                 base::no_node);
        }
        if (on.chance(1, 2)) {
            hold({packet_kind::heartbeat, packet_kind::data, packet_kind::proposal}, victim, base::no_node);
        }
        if (on.chance(1, 3)) {
            hold(kind_set::control(), base::no_node, victim);
        }
        on.w.run_for(on.between(microseconds(0), milliseconds(5)));
        node& one = on.w.at(victim);
        if (on.chance(1, 2)) {
            one.crash_amid_burst(on.below(8));
            on.w.run_for(on.between(milliseconds(0), milliseconds(20)));
        }
        one.crash();
        on.w.run_for(on.between(milliseconds(0), on.chance(1, 4) ? milliseconds(600) : milliseconds(120)));
        one.boot(on.any_fate());
        for (const rule_id rule : held) {
            on.w.run_for(on.between(microseconds(0), milliseconds(300)));
            on.w.net().release(rule, on.w.now());
        }
        on.w.run_for(on.between(milliseconds(1), milliseconds(500)));
    }
}

} // namespace coterie::sim

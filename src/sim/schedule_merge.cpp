// SPDX-License-Identifier: BSD-3-Clause
// Schedules about views that merge: cut at the moment when the first member has everybody's tables, and merging while
// disks are slow and the lowest die.
#include "sim/schedule.hpp"

#include <algorithm>

namespace coterie::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using trace::event_kind;

void prepare_merge(setup& from) {
    draw_nodes(from, 3, 6);
    default_time(from, seconds(3));
}

void play_merge_cut_at_tables(scene& on) {
    if (!on.form()) {
        return;
    }
    traffic_profile talk = on.usual_traffic();
    talk.groups = {"alpha", "beta"};
    talk.pace = milliseconds(20);
    talk.leaves = 6;
    talk.crashes = 6;
    talk.finalizes = 3;
    talk.answers = 30;
    on.populate(2, talk);
    on.w.run_for(milliseconds(300));

    // Some clients die, leave or come while their daemon waits for the tables of a new view.
    const std::uint64_t restless = on.below(60);
    const hook_id meanwhile = on.w.on_events([&on, restless](const trace::event& what) {
        if (what.kind != event_kind::regular || on.below(100) >= restless) {
            return;
        }
        on.w.post([&on, home = what.node] {
            const std::vector<client*> there = on.w.clients_on(home);
            client& one = *there[on.below(there.size())];
            switch (on.below(4)) {
            case 0: (void)one.leave(); break;
            case 1: one.enter("alpha"); break;
            default: one.crash(); break;
            }
        });
    });

    const std::vector<std::vector<node_id>> sides = on.sides(2);
    for (int cascade = 0; cascade < 3; ++cascade) {
        on.w.net().partition(sides);
        on.w.run_for(on.between(milliseconds(300), milliseconds(900)));
        on.w.net().join_all();
        // Cut when the first (or a later) member has delivered all tables of a view with more than one side in it.
        std::uint64_t skipped = on.below(on.chance(1, 2) ? 1 : on.w.nodes());
        bool cut = false;
        const bool along_the_same_line = on.chance(1, 2);
        const std::vector<std::vector<node_id>> other_sides = on.sides(2);
        const hook_id cutting = on.w.on_events([&](const trace::event& what) {
            if (cut || what.kind != event_kind::common_point) {
                return;
            }
            const auto& members = on.w.at(what.node).engine().view().members;
            const auto in_view = [&members](node_id each) {
                return std::ranges::find(members, each, &base::member::node) != members.end();
            };
            if (std::ranges::none_of(sides[0], in_view) || std::ranges::none_of(sides[1], in_view) || skipped-- > 0) {
                return;
            }
            cut = true;
            on.w.net().partition(along_the_same_line ? sides : other_sides);
        });
        on.w.run_until([&cut] { return cut; }, seconds(4));
        on.w.unhook(cutting);
        on.w.run_for(on.chance(1, 2) ? on.between(milliseconds(0), milliseconds(30))
                                     : on.between(milliseconds(400), milliseconds(1'200)));
        on.w.net().join_all();
        on.w.run_for(on.between(milliseconds(0), milliseconds(400)));
    }
    // One after the other is cut off, each as soon as somebody has installed the view without the one before.
    for (const node_id gone : on.shuffled()) {
        on.w.net().isolate(gone);
        if (!on.w.run_until_event(event_kind::regular, seconds(2))) {
            break;
        }
        on.w.run_for(on.between(microseconds(0), microseconds(on.chance(1, 2) ? 60 : 600)));
        if (on.chance(1, 3)) {
            break;
        }
    }
    on.w.run_for(on.between(milliseconds(0), milliseconds(700)));
    on.w.net().join_all();
    if (on.chance(1, 2)) {
        // A node that leaves and returns between two common points.
        const node_id gone = on.any_node();
        on.w.at(gone).crash();
        on.w.run_for(on.between(milliseconds(1), milliseconds(700)));
        on.w.at(gone).boot(on.any_fate());
    }
    on.w.run_for(on.between(milliseconds(0), milliseconds(800)));
    on.w.unhook(meanwhile);
}

void prepare_three_partitions(setup& from) {
    draw_nodes(from, 5, 9);
    default_time(from, seconds(6));
    from.world.store_min = milliseconds(500);
    from.world.store_max = seconds(2);
    if (from.random.chance(1, 2)) {
        from.world.ring.epoch_block = static_cast<std::uint64_t>(from.random.between(1, 3));
    }
}

void play_three_partitions_slow_store(scene& on) {
    // The last two are newcomers.
    const std::vector<node_id> all = on.w.ids();
    const std::size_t founders = all.size() - 2;
    for (std::size_t at = 0; at < founders; ++at) {
        on.w.at(all[at]).boot();
    }
    if (!on.wait_converged("form-up", seconds(12))) {
        return;
    }
    traffic_profile talk = on.usual_traffic();
    talk.pace = milliseconds(20);
    talk.burst_max = 4;
    on.populate(1, talk);
    on.w.run_for(milliseconds(100));

    // Different holes everywhere: a part of the data is lost between the sides before they are cut.
    const std::vector<std::vector<node_id>> sides = on.sides(3);
    link_quality holes = on.options.world.links;
    holes.loss = 400'000;
    holes.afflicted = {packet_kind::data, packet_kind::recovered, packet_kind::repair_request};
    on.w.net().set_quality(holes);
    on.w.run_for(on.between(milliseconds(5), milliseconds(60)));
    on.w.net().partition(sides);
    on.w.net().set_quality(on.options.world.links);
    on.w.run_for(on.between(milliseconds(1), seconds(3)));
    on.w.net().join_all();

    // They merge while the disks work; the lowest dies around each of their writes, and newcomers arrive.
    constexpr duration down_max = milliseconds(1'500);
    const time_point end = on.w.now() + on.options.time;
    std::size_t newcomer = founders;
    while (on.w.now() < end) {
        const step::kind moment = on.chance(1, 2)   ? step::kind::proposed
                                  : on.chance(1, 2) ? step::kind::planned
                                                    : step::kind::install_sent;
        const node_id lowest = on.lowest_running();
        if (on.w.run_until_step(moment, milliseconds(1'500), lowest)) {
            on.w.run_for(on.between(microseconds(0), microseconds(500)));
        }
        if (lowest != base::no_node && on.chance(2, 3)) {
            on.w.at(lowest).crash();
            const store_fate fate = on.any_fate();
            on.w.after(on.between(milliseconds(1), down_max), [&on, lowest, fate] { on.w.at(lowest).boot(fate); });
        }
        if (on.chance(1, 2)) {
            node& arriving = on.w.at(all[newcomer]);
            if (arriving.alive()) {
                arriving.crash();
            }
            arriving.boot(on.any_fate());
            newcomer = newcomer + 1 == all.size() ? founders : newcomer + 1;
        }
        on.w.run_for(on.between(milliseconds(1), milliseconds(700)));
    }
    on.w.run_for(down_max); // the last restart is a fault too
}

} // namespace coterie::sim

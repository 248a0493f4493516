// SPDX-License-Identifier: BSD-3-Clause
// Schedules about the holder of the token: it dies, is cut or stands still where it hurts most.
#include "sim/schedule.hpp"

#include <algorithm>
#include <memory>

namespace coterie::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using trace::event_kind;

namespace {

/// Members of one group on every node, at rest.
std::vector<client*> members_everywhere(scene& on) {
    std::vector<client*> result;
    for (const node_id each : on.w.ids()) {
        result.push_back(&on.quiet_member(each));
    }
    on.wait_rest("joining");
    return result;
}

/// Two different nodes.
std::pair<node_id, node_id> two_nodes(scene& on) {
    const std::vector<node_id> order = on.shuffled();
    return {order[0], order[1]};
}

void flood(scene& on, client& from, std::size_t count_max) {
    from.enter("alpha");
    from.flood(1 + on.below(count_max), 16 + on.below(on.chance(1, 4) ? 5'000 : 400), on.any_guarantee());
}

} // namespace

void prepare_holder(setup& from) {
    draw_nodes(from, 3, 6);
    default_time(from, seconds(2));
    if (from.random.chance(1, 2)) {
        from.world.ring.window_packets = static_cast<std::size_t>(from.random.between(8, 128));
    }
}

void play_holder_dies_amid_burst(scene& on) {
    if (!on.form()) {
        return;
    }
    const std::vector<client*> talkers = members_everywhere(on);
    for (std::uint64_t round = 1 + on.below(3); round > 0; --round) {
        const auto [holder, next] = two_nodes(on);
        const bool only_next_hears = on.chance(1, 2);
        if (only_next_hears) {
            // The other leaver alone receives a part of the burst.
            const node_id confidant = next;
            on.w.net().drop({.kinds = packet_kind::data,
                             .from = holder,
                             .also = [confidant](const datagram_view& each) { return each.to != confidant; }},
                            1 + on.below(60));
        }
        const std::uint64_t sent = on.below(1 + 6 * on.w.nodes());
        const bool inside = on.chance(1, 4);
        const hook_id dying = on.w.on_steps([sent, inside, victim = holder](node& who, const step& what) {
            if (who.id() == victim && what.what == step::kind::hop_given) {
                if (inside) {
                    who.crash(true);
                } else {
                    who.crash_amid_burst(sent);
                }
            }
        });
        flood(on, *talkers[holder.value - 1], 200);
        flood(on, *talkers[next.value - 1], 50);
        flood(on, *talkers[on.any_node().value - 1], 5);
        on.w.run_until([&] { return !on.w.at(holder).alive(); }, milliseconds(300));
        on.w.unhook(dying);
        on.w.at(holder).crash();

        // The next one has sent more by now; then it leaves too, one way or another.
        on.w.run_for(on.between(microseconds(50), milliseconds(4)));
        switch (on.below(3)) {
        case 0: on.w.at(next).crash_amid_burst(on.below(10)); break;
        case 1: on.w.net().isolate(next); break;
        default: break;
        }
        on.w.run_for(on.between(milliseconds(1), milliseconds(900)));
        on.w.at(holder).boot(on.any_fate());
        on.w.run_for(on.between(milliseconds(1), milliseconds(900)));
        on.w.net().heal();
        on.w.at(next).spare();
        on.w.at(next).boot(on.any_fate());
        on.wait_converged("after a holder's death");
    }
}

void play_last_ack_only_holder(scene& on) {
    if (!on.form()) {
        return;
    }
    const std::vector<client*> talkers = members_everywhere(on);
    for (std::uint64_t round = 1 + on.below(2); round > 0; --round) {
        const auto [holder, second] = two_nodes(on);
        client& speaker = *talkers[holder.value - 1];
        speaker.enter("alpha");
        on.wait_rest("joining again", seconds(5));
        // Nobody else learns from the holder that the message is stable: it is cut when it delivers.
        bool cut = false;
        const bool wants_safe = on.options.safe;
        const hook_id cutting = on.w.on_events([&on, &cut, wants_safe, victim = holder](const trace::event& what) {
            if (!cut && what.node == victim && what.kind == event_kind::delivered && what.safe == wants_safe) {
                cut = true;
                on.w.net().isolate(victim);
            }
        });
        const guarantee first = on.options.safe ? guarantee::safe : guarantee::agreed;
        (void)speaker.multicast(16 + on.below(500), first);
        for (std::uint64_t more = on.below(8); more > 0; --more) {
            (void)speaker.multicast(16 + on.below(500), on.chance(1, 3) ? first : guarantee::agreed);
        }
        flood(on, *talkers[second.value - 1], 10);
        on.w.run_until([&cut] { return cut; }, milliseconds(500));
        on.w.unhook(cutting);

        // A second cut while the others recover.
        if (on.chance(2, 3)) {
            const step::kind when = on.chance(1, 2) ? step::kind::plan_accepted : step::kind::promised;
            if (on.w.run_until_step(when, seconds(2))) {
                on.w.run_for(on.between(microseconds(0), microseconds(400)));
                if (on.chance(1, 2)) {
                    on.w.net().isolate(second);
                } else {
                    on.w.at(second).crash();
                }
            }
        }
        if (on.chance(1, 3)) {
            on.w.at(holder).crash();
        }
        on.w.run_for(on.between(milliseconds(1), milliseconds(1'500)));
        on.w.net().heal();
        on.w.run_for(on.between(milliseconds(0), milliseconds(500)));
        on.w.at(second).boot(on.any_fate());
        on.w.at(holder).boot(on.any_fate());
        on.wait_converged("after the holder was cut");
    }
}

void prepare_pause(setup& from) {
    draw_nodes(from, 3, 6);
    default_time(from, seconds(3));
    from.world.socket_bytes = static_cast<std::size_t>(from.random.between(4'000, 120'000));
    if (from.random.chance(1, 2)) {
        from.world.ring.window_packets = static_cast<std::size_t>(from.random.between(16, 256));
    }
}

void play_pause_amid_burst(scene& on) {
    if (!on.form()) {
        return;
    }
    const std::vector<client*> talkers = members_everywhere(on);

    // The holder stops amid its burst; its clients go on writing.
    const auto [holder, other] = two_nodes(on);
    flood(on, *talkers[holder.value - 1], 300);
    flood(on, *talkers[other.value - 1], 100);
    on.w.at(holder).pause_amid_burst(on.below(100), on.between(milliseconds(5), milliseconds(2'500)));
    on.w.run_until([&] { return on.w.at(holder).state() == condition::paused; }, milliseconds(200));
    flood(on, *talkers[holder.value - 1], 100);
    on.w.run_for(on.between(milliseconds(1), milliseconds(3'000)));
    on.w.at(holder).resume();
    on.w.run_for(on.between(milliseconds(0), milliseconds(300)));

    // The coordinator stops between the last completion and the install.
    const node_id victim = on.shuffled().back();
    std::size_t completions = 0;
    const duration stop = on.between(milliseconds(5), milliseconds(2'000));
    bool stopped = false;
    const std::size_t wanted = 1 + on.below(on.w.nodes());
    const hook_id stopping = on.w.on_steps([&](node& who, const step& what) {
        if (what.what != step::kind::completed || stopped) {
            return;
        }
        ++completions;
        node& coordinator = on.w.at(what.view.coordinator);
        if (completions >= wanted && coordinator.running() && &coordinator != &who) {
            stopped = true;
            on.w.post([&coordinator, stop] { coordinator.pause_for(stop); });
        }
    });
    on.w.at(victim).crash();
    flood(on, *talkers[other.value - 1], 40);
    on.w.run_for(on.between(milliseconds(200), milliseconds(2'500)));
    on.w.unhook(stopping);
    on.w.at(victim).boot(on.any_fate());
    on.w.run_for(on.between(milliseconds(100), milliseconds(1'000)));
}

} // namespace coterie::sim

// SPDX-License-Identifier: BSD-3-Clause
// The list of schedules.
#include "sim/schedule.hpp"

#include <algorithm>
#include <array>

namespace coterie::sim {

namespace {

constexpr std::array list{
    schedule{"swarm", "configuration, clients, sizes and all kinds of faults drawn from the seed; up to 64 nodes",
             prepare_swarm, play_plan},
    schedule{"clean", "clients come, talk and go; no faults", prepare_clean, play_clean},
    schedule{"holder-dies-amid-burst",
             "the holder reserves, hands over and dies amid its burst; another leaver knows more", prepare_holder,
             play_holder_dies_amid_burst},
    schedule{"install-reaches-one",
             "one member installs, the coordinator is cut, the uncertain meet who holds the rest", prepare_install,
             play_install_reaches_one},
    schedule{"restart-within-limit", "kill and restart within the detection limit, old packets arrive later",
             prepare_restart, play_restart_within_limit},
    schedule{"merge-cut-at-tables", "views merge and are cut when the first member has all tables, three times over",
             prepare_merge, play_merge_cut_at_tables},
    schedule{"pause-amid-burst", "the holder stops amid its burst; a coordinator stops before its install",
             prepare_pause, play_pause_amid_burst},
    schedule{"last-ack-only-holder", "only the holder learns that a message is stable, delivers it and is cut",
             prepare_holder, play_last_ack_only_holder},
    schedule{"control-faults", "loss, late duplicates and stale requests among control packets only",
             prepare_control_faults, play_control_faults},
    schedule{"chain-and-deaf", "chains, one-way links, deaf nodes, flaps at the pace of the back-off; up to 64 nodes",
             prepare_chain, play_chain_and_deaf},
    schedule{"large-message", "ten megabytes: a merge, a joiner, a death or a leave between the pieces", prepare_large,
             play_large_message},
    schedule{"three-partitions-slow-store", "three sides with different holes merge while disks take seconds",
             prepare_three_partitions, play_three_partitions_slow_store},
    schedule{"stage-faults", "one kind of fault strikes nodes that enter one state of a view change", prepare_stages,
             play_stage_faults},
    schedule{"crash-sweep", "crashes each node at each step of one view change; the seed is the place", prepare_sweep,
             play_crash_sweep, true, true},
    schedule{"drop-sweep", "drops each control packet of one view change in turn; the seed is the place", prepare_sweep,
             play_drop_sweep, true, true},
    schedule{"steady", "ten messages a second on every node; unrecorded, measures the simulator", prepare_steady,
             play_steady, false},
    schedule{"idle", "nobody says anything; unrecorded", prepare_steady, play_idle, false},
};

} // namespace

std::span<const schedule> schedules() { return list; }

const schedule* find_schedule(std::string_view name) {
    const auto found = std::ranges::find(list, name, &schedule::name);
    return found == list.end() ? nullptr : &*found;
}

void draw_nodes(setup& from, std::size_t low, std::size_t high) {
    if (!from.nodes_given) {
        from.world.nodes = static_cast<std::size_t>(
            from.random.between(static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)));
    }
    from.world.nodes = std::max(from.world.nodes, std::min<std::size_t>(low, 3));
}

void default_time(setup& from, duration time) {
    if (!from.seconds_given) {
        from.time = time;
    }
}

} // namespace coterie::sim

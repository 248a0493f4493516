// SPDX-License-Identifier: BSD-3-Clause
// The fault schedules by name. Each is a short script on a scene and takes everything that varies from the seed; the
// ten directed ones and the two sweeps are those that docs/guarantees.md asks for.
#pragma once

#include "sim/scene.hpp"

#include <span>
#include <string_view>

namespace coterie::sim {

/// Plays what stands in the plan and draws nothing more.
void play_plan(scene& on);

struct schedule {
    std::string_view name;
    std::string_view about;
    void (*prepare)(setup&); ///< chooses what the world is made of, as far as the user has not
    void (*play)(scene&);    ///< everything up to the end of the faults; the runner finishes the scene
    bool recorded = true;    ///< false for those that only measure speed
    bool sweep = false;      ///< the seed names a place; scene::exhausted tells when there are no more

    /// Everything that happens is drawn beforehand, so that the run can be written down as a plan and shortened.
    [[nodiscard]] bool planned() const { return play == play_plan; }
};

/// All schedules, in the order in which they are listed to people.
[[nodiscard]] std::span<const schedule> schedules();
/// The schedule of this name, or null.
[[nodiscard]] const schedule* find_schedule(std::string_view name);

/// Draws the number of nodes, unless the user has said it.
void draw_nodes(setup& from, std::size_t low, std::size_t high);
/// Sets the stretch of time with faults, unless the user has said it.
void default_time(setup& from, duration time);

// The scripts, by the file that they are in.

// schedule_swarm.cpp
void prepare_swarm(setup& from);

// schedule_plain.cpp
void prepare_clean(setup& from);
void play_clean(scene& on);
void prepare_steady(setup& from);
void play_steady(scene& on);
void play_idle(scene& on);

// schedule_holder.cpp
void prepare_holder(setup& from);
void play_holder_dies_amid_burst(scene& on);
void play_last_ack_only_holder(scene& on);
void prepare_pause(setup& from);
void play_pause_amid_burst(scene& on);

// schedule_install.cpp
void prepare_install(setup& from);
void play_install_reaches_one(scene& on);
void prepare_restart(setup& from);
void play_restart_within_limit(scene& on);

// schedule_merge.cpp
void prepare_merge(setup& from);
void play_merge_cut_at_tables(scene& on);
void prepare_three_partitions(setup& from);
void play_three_partitions_slow_store(scene& on);

// schedule_links.cpp
void prepare_control_faults(setup& from);
void play_control_faults(scene& on);
void prepare_chain(setup& from);
void play_chain_and_deaf(scene& on);

// schedule_large.cpp
void prepare_large(setup& from);
void play_large_message(scene& on);

// schedule_stages.cpp
void prepare_stages(setup& from);
void play_stage_faults(scene& on);

// schedule_sweep.cpp
void prepare_sweep(setup& from);
void play_crash_sweep(scene& on);
void play_drop_sweep(scene& on);

/// How many seeds of a sweep belong to one place: when so many in a row are exhausted, the sweep is over.
[[nodiscard]] std::uint64_t sweep_block(const schedule& sweep, std::size_t nodes);

} // namespace coterie::sim

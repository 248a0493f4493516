// SPDX-License-Identifier: BSD-3-Clause
// The schedules without faults: clients that come and go, and steady work to measure by.
#include "sim/schedule.hpp"

namespace coterie::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

void prepare_clean(setup& from) {
    draw_nodes(from, 1, 8);
    default_time(from, seconds(2));
}

void play_clean(scene& on) {
    on.form();
    traffic_profile profile = on.usual_traffic();
    profile.groups = {"alpha", "beta"};
    profile.pace = milliseconds(40);
    profile.large = 3;
    profile.burst_max = 4;
    profile.answers = 50;
    profile.leaves = 5;
    profile.finalizes = 2;
    profile.crashes = 2;
    on.populate(2, profile);
    on.w.run_for(on.options.time);
}

void prepare_steady(setup& from) {
    if (!from.nodes_given) {
        from.world.nodes = 5;
    }
    default_time(from, seconds(1'000));
}

void play_steady(scene& on) {
    on.form();
    traffic_profile profile = on.usual_traffic();
    profile.regular = true;
    profile.pace = milliseconds(100);
    on.populate(1, profile);
    on.w.run_for(on.options.time);
}

void play_idle(scene& on) {
    on.form();
    on.w.run_for(on.options.time);
}

} // namespace coterie::sim

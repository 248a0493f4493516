// SPDX-License-Identifier: BSD-3-Clause
// The schedules without a plot: everything at random, nothing wrong at all, and steady work to measure by.
#include "sim/schedule.hpp"
#include "sim/weather.hpp"

#include <algorithm>

namespace coterie::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// Sizes and limits unlike the defaults, so that their edges are met in short runs.
void draw_limits(setup& from) {
    base::random_source& random = from.random;
    world_options& world = from.world;
    if (random.chance(1, 3)) {
        world.ring.window_packets = static_cast<std::size_t>(random.between(4, 64));
        world.ring.window_bytes = static_cast<std::size_t>(random.between(8, 128)) << 10U;
    }
    if (random.chance(1, 4)) {
        world.ring.acknowledgement_fan_in = static_cast<std::size_t>(random.between(2, 4));
    }
    if (random.chance(1, 4)) {
        world.ring.watchers = static_cast<std::size_t>(random.between(1, 2));
    }
    if (random.chance(1, 4)) {
        world.ring.datagram_bytes = static_cast<std::size_t>(random.between(400, 9'000));
    }
    if (random.chance(1, 4)) {
        world.ring.epoch_block = static_cast<std::uint64_t>(random.between(1, 4));
    }
    if (random.chance(1, 4)) {
        world.groups.queue_bytes_max = static_cast<std::uint64_t>(random.between(500, 20'000));
        world.groups.queue_messages_max = static_cast<std::size_t>(random.between(2, 50));
    }
    if (random.chance(1, 3)) {
        world.links.latency = duration(random.between(20'000, 3'000'000));
        world.links.jitter = world.links.latency / 4;
    }
    if (random.chance(1, 4)) {
        world.socket_bytes = static_cast<std::size_t>(random.between(30'000, 400'000));
    }
}

traffic_profile draw_profile(scene& on) {
    traffic_profile result = on.usual_traffic();
    result.groups = {"alpha"};
    for (std::uint64_t more = on.below(3); more > 0; --more) {
        result.groups.push_back("group-" + std::to_string(more));
    }
    result.pace = on.between(milliseconds(10), milliseconds(250));
    result.bytes_max = static_cast<std::size_t>(on.random.between(16, 2'000));
    result.large = on.chance(1, 3) ? static_cast<std::uint32_t>(on.below(15)) : 0;
    result.large_bytes_max = static_cast<std::size_t>(on.random.between(2'000, 60'000));
    result.burst_max = on.chance(1, 3) ? 1 + on.below(20) : 1;
    result.answers = on.chance(1, 3) ? static_cast<std::uint32_t>(on.below(80)) : 0;
    const auto now_and_then = [&on] { return on.chance(1, 2) ? static_cast<std::uint32_t>(on.below(8)) : 0U; };
    result.leaves = now_and_then();
    result.finalizes = now_and_then();
    result.crashes = now_and_then();
    result.stalls = on.chance(1, 4) ? now_and_then() : 0;
    if (on.options.safe) {
        result.safe = static_cast<std::uint32_t>(1 + on.below(100));
    }
    return result;
}

} // namespace

void prepare_mix(setup& from) {
    base::random_source& random = from.random;
    const bool many = random.chance(1, 40);
    draw_nodes(from, many ? 8 : 2, many ? 20 : 6);
    default_time(from, duration(random.between(500'000'000, 4'000'000'000)));
    draw_limits(from);
}

void play_mix(scene& on) {
    weather bad(on);
    const traffic_profile profile = draw_profile(on);
    const std::size_t clients_max = on.w.nodes() > 8 ? 1 : 3;
    for (const node_id home : on.w.ids()) {
        for (std::uint64_t left = on.below(clients_max + 1); left > 0; --left) {
            client_options options{.ring_views = on.chance(1, 3)};
            if (on.chance(1, 6)) {
                options.reads_every = on.between(milliseconds(1), milliseconds(80));
                options.waiting_max = static_cast<std::size_t>(on.random.between(5, 500));
            }
            on.t.assign(on.w.new_client(home, options), profile);
        }
    }
    if (on.chance(1, 3)) {
        // Daemons come up one after the other, or not at all.
        for (const node_id each : on.w.ids()) {
            on.later(on.between(milliseconds(0), on.options.time / 2), [&on, each] { on.w.at(each).boot(); });
        }
    } else if (on.chance(1, 2)) {
        on.form();
    } else {
        on.w.boot_all();
    }
    bad.begin();
    on.w.run_for(on.options.time);
    bad.end();
    on.finish();
}

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

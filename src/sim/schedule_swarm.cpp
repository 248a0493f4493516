// SPDX-License-Identifier: BSD-3-Clause
// The swarm: each seed draws its own configuration, clients, sizes and faults as a plan, which is then played as any plan.
#include "sim/forecast.hpp"
#include "sim/schedule.hpp"
#include "sim/weather.hpp"

#include <algorithm>

namespace coterie::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

std::size_t any_size(base::random_source& random, std::int64_t low, std::int64_t high) {
    return static_cast<std::size_t>(any_scale(random, low, high));
}

std::size_t any_number_of_nodes(base::random_source& random) {
    const std::uint64_t kind = random.below(100);
    if (kind < 80) {
        return 2 + random.below(5);
    }
    if (kind < 95) {
        return 7 + random.below(6);
    }
    return kind < 99 ? 13 + random.below(12) : 16 + random.below(49);
}

void draw_ring(base::random_source& random, ring::settings& ring) {
    if (random.chance(1, 3)) {
        ring.window_packets = any_size(random, 4, 1'984);
        ring.window_bytes = any_size(random, 8 << 10, 4 << 20);
    }
    if (random.chance(1, 4)) {
        ring.acknowledgement_fan_in = 2 + random.below(3);
    }
    if (random.chance(1, 4)) {
        ring.watchers = 1 + random.below(2);
    }
    if (random.chance(1, 4)) {
        ring.datagram_bytes = any_size(random, 400, 60'000);
    }
    if (random.chance(1, 4)) {
        ring.epoch_block = 1 + random.below(4);
    }
    if (random.chance(1, 6)) {
        // As totem.token in the configuration does.
        ring.silence_limit = any_scale(random, milliseconds(100), milliseconds(2'000));
        ring.heartbeat_interval = std::clamp<duration>(ring.silence_limit / 5, milliseconds(10), milliseconds(60));
        ring.contact_limit = std::max(ring.contact_limit, 2 * ring.silence_limit);
    }
    if (random.chance(1, 6)) {
        ring.repair_grace = any_scale(random, microseconds(100), milliseconds(10));
        ring.acknowledge_delay = any_scale(random, microseconds(100), milliseconds(10));
    }
}

void draw_world(base::random_source& random, world_options& world) {
    draw_ring(random, world.ring);
    if (random.chance(1, 4)) {
        world.groups.queue_bytes_max = static_cast<std::uint64_t>(any_scale(random, 500, 200'000));
        world.groups.queue_messages_max = any_size(random, 2, 500);
    }
    if (random.chance(1, 3)) {
        world.links.latency = any_scale(random, microseconds(20), milliseconds(5));
        world.links.jitter = any_time(random, {}, world.links.latency / 2);
    }
    if (random.chance(1, 4)) {
        // Links that are bad for as long as faults go on.
        constexpr std::int64_t least = 100; // of a million
        const auto often = [&random](std::int64_t most) {
            return random.chance(1, 2) ? static_cast<std::uint32_t>(any_scale(random, least, most)) : 0U;
        };
        world.links.loss = often(100'000);
        world.links.duplicate = often(100'000);
        world.links.late_duplicate = often(20'000);
        world.links.reorder = often(200'000);
        world.links.corrupt = often(20'000);
    }
    if (random.chance(1, 4)) {
        world.socket_bytes = any_size(random, 30'000, 4 << 20);
    }
    if (random.chance(1, 8)) {
        world.store_min = any_scale(random, microseconds(10), milliseconds(20));
        world.store_max = world.store_min + any_scale(random, microseconds(10), milliseconds(80));
    }
}

/// About how many bytes the ring carries in a second, at least: what a window takes to be acknowledged decides.
std::uint64_t bytes_a_second(const world_options& world) {
    const std::uint64_t window =
        std::min<std::uint64_t>(world.ring.window_bytes, world.ring.window_packets * world.ring.datagram_bytes);
    const duration round = 4 * world.links.latency + 2 * world.ring.acknowledge_delay + milliseconds(1);
    return window * static_cast<std::uint64_t>(seconds(1) / round + 1);
}

traffic_profile draw_profile(base::random_source& random, const plan& around) {
    constexpr std::uint64_t groups_max = 8;
    traffic_profile result;
    result.groups = {"alpha"};
    const std::uint64_t more = random.chance(1, 8) ? random.below(groups_max) : random.below(3);
    for (std::uint64_t each = 1; each <= more; ++each) {
        result.groups.push_back("group-" + std::to_string(each));
    }
    const auto crowd = static_cast<std::int64_t>(around.world.nodes);
    result.pace = any_scale(random, milliseconds(4), milliseconds(250)) * (1 + crowd / 12) + crowd * milliseconds(1);
    result.bytes_min = random.chance(1, 3) ? 16 : 1;
    result.bytes_max = any_size(random, 16, 2'000);
    result.large = random.chance(1, 3) ? static_cast<std::uint32_t>(random.below(15)) : 0;
    // So much that what waits when the faults end has gone in seconds.
    const std::uint64_t carried = std::min<std::uint64_t>(bytes_a_second(around.world), 4U << 20U);
    result.large_bytes_max =
        std::max<std::size_t>(any_size(random, 2'000, 4'000 + static_cast<std::int64_t>(carried)), result.bytes_max);
    if (result.large_bytes_max > 200'000) {
        result.large = std::min(result.large, 3U);
    }
    result.burst_max = random.chance(1, 3) ? 1 + random.below(20) : 1;
    result.answers = random.chance(1, 3) ? static_cast<std::uint32_t>(random.below(80)) : 0;
    const auto now_and_then = [&random] {
        return random.chance(1, 2) ? static_cast<std::uint32_t>(random.below(8)) : 0U;
    };
    result.leaves = now_and_then();
    result.finalizes = now_and_then();
    result.crashes = now_and_then();
    result.stalls = random.chance(1, 4) ? now_and_then() : 0;
    result.safe = around.safe ? static_cast<std::uint32_t>(1 + random.below(100)) : 0;
    return result;
}

std::vector<planned_client> draw_clients(base::random_source& random, const plan& around) {
    std::vector<planned_client> result;
    const traffic_profile usual = draw_profile(random, around);
    const std::uint64_t clients_max = around.world.nodes > 8 ? 1 : 3;
    for (std::uint32_t home = 1; home <= around.world.nodes; ++home) {
        for (std::uint64_t left = random.below(clients_max + 1); left > 0; --left) {
            planned_client& made = result.emplace_back();
            made.node = {home};
            made.seed = random.next();
            made.comes = random.chance(1, 4) ? any_time(random, {}, around.time) : duration{};
            made.options.ring_views = random.chance(1, 3);
            if (random.chance(1, 6)) {
                made.options.reads_every = any_scale(random, milliseconds(1), milliseconds(80));
                made.options.waiting_max = any_size(random, 5, 500);
            }
            made.profile = random.chance(1, 6) ? draw_profile(random, around) : usual;
        }
    }
    return result;
}

/// How the daemons come up: at once, one after the other, or waiting for their one view before anything goes wrong.
void draw_start(base::random_source& random, plan& around) {
    const std::uint64_t how = random.below(3);
    around.formed = how == 0;
    if (how == 1) {
        for (std::size_t each = 0; each < around.world.nodes; ++each) {
            around.boots.push_back(any_time(random, {}, around.time / 2));
        }
    }
}

/// Whether members that do not keep up are left out, and how soon.
void draw_slow_members(base::random_source& random, ring::settings& ring) {
    if (random.chance(1, 5)) {
        // Several heartbeats of the slow pace: what a lag is measured by.
        ring.lag_limit = any_scale(random, milliseconds(500), milliseconds(1'500));
        ring.lag_patience = any_scale(random, milliseconds(50), seconds(2));
    }
}

/// Packets under a key, for some with an attacker on the network.
void draw_encryption(base::random_source& random, world_options& world) {
    world.encrypted = random.chance(1, 3);
    if (world.encrypted && random.chance(2, 3)) {
        const auto often = [&random] { return static_cast<std::uint32_t>(any_scale(random, 100, 300'000)); };
        world.attacks = {.replays = often(), .forgeries = often()};
    }
}

} // namespace

void prepare_swarm(setup& from) {
    base::random_source& random = from.random;
    if (!from.nodes_given) {
        from.world.nodes = any_number_of_nodes(random);
    }
    const bool many = from.world.nodes > 12;
    default_time(from,
                 duration(random.between(many ? 200'000'000 : 500'000'000, many ? 1'200'000'000 : 4'000'000'000)));
    draw_world(random, from.world);
    draw_start(random, from);
    from.clients = draw_clients(random, from);
    from.faults = forecast(random, from);
    draw_slow_members(random, from.world.ring);
    draw_encryption(random, from.world);
}

void play_plan(scene& on) {
    weather bad(on);
    for (const planned_client& each : on.options.clients) {
        client& who = on.w.new_client(each.node, each.options);
        on.later(each.comes, [&on, &each, &who] { on.t.assign(who, each.profile, each.seed); });
    }
    if (on.options.formed) {
        on.form();
    } else {
        const std::vector<duration>& boots = on.options.boots;
        for (const node_id each : on.w.ids()) {
            const duration when = each.value <= boots.size() ? boots[each.value - 1] : duration{};
            on.later(when, [&on, each] { on.w.at(each).boot(); });
        }
    }
    bad.begin();
    on.w.run_for(on.options.time);
    bad.end();
    on.finish();
}

} // namespace coterie::sim

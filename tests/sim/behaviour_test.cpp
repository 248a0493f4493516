// SPDX-License-Identifier: BSD-3-Clause
// What users would notice, counted in the simulated world: hops that a message waits for, members that the token visits,
// how soon views form and deaths are seen. Times are simulated, so the figures are exact.
#include "sim/checker.hpp"
#include "sim/scene.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <span>

namespace coterie::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using trace::event_kind;

constexpr duration one_way = microseconds(100);

setup cluster_of(std::size_t nodes) {
    setup result;
    result.world.seed = 7;
    result.world.nodes = nodes;
    result.world.links.latency = one_way;
    result.world.links.jitter = {};
    return result;
}

/// A formed view with a member of one group on every node, at rest.
class formed_cluster : public scene {
public:
    explicit formed_cluster(std::size_t nodes) : scene(cluster_of(nodes)) {
        formed = form();
        for (const node_id each : w.ids()) {
            talkers.push_back(&quiet_member(each));
        }
        formed = wait_rest("joining") && formed;
    }

    client& on(std::uint32_t node) { return *talkers[node - 1]; }
    std::size_t seen_by() {
        return static_cast<std::size_t>(
            std::ranges::count_if(talkers, [](const client* each) { return each->delivered() > 0; }));
    }
    /// Gives the token to a node, by letting it speak.
    void hand_token_to(std::uint32_t node) {
        (void)on(node).multicast(64);
        w.run_for(milliseconds(20));
        ASSERT_EQ(holder(), node_id{node});
    }
    std::vector<violation> judge() {
        finish();
        checker_options rules;
        rules.quiet_tail = true;
        rules.opening_slack_ns = 0;
        rules.quiet_since_ns = quiet_since().time_since_epoch().count();
        rules.liveness_bound_ns = patience().count();
        rules.final_components = w.cliques();
        return check(w.trace(), rules);
    }

    bool formed = false;
    std::vector<client*> talkers;
};

std::string in_words(const std::vector<violation>& found) {
    std::string result;
    for (const violation& each : found) {
        result += std::to_string(each.guarantee) + ": " + each.what + "\n";
    }
    return result;
}

std::string in_words(const std::vector<complaint>& found) {
    std::string result;
    for (const complaint& each : found) {
        result += each.what + "\n";
    }
    return result;
}

TEST(a_lone_sender, that_holds_the_token_delivers_to_itself_without_waiting_for_anybody) {
    formed_cluster cluster(5);
    ASSERT_TRUE(cluster.formed);
    const node_id first_holder = cluster.holder();
    ASSERT_NE(first_holder, base::no_node);
    client& speaker = cluster.on(first_holder.value);
    ASSERT_TRUE(speaker.multicast(64));
    // No simulated time has passed.
    EXPECT_EQ(speaker.delivered(), 1U);
}

TEST(a_lone_sender, that_did_not_hold_the_token_at_first_delivers_at_once_from_its_second_message_on) {
    formed_cluster cluster(5);
    ASSERT_TRUE(cluster.formed);
    for (std::uint32_t node = 1; node <= 5; ++node) {
        cluster.hand_token_to(node);
        const std::uint64_t before = cluster.on(node).delivered();
        ASSERT_TRUE(cluster.on(node).multicast(64));
        EXPECT_EQ(cluster.on(node).delivered(), before + 1) << "node " << node;
    }
}

TEST(a_lone_sender, reaches_the_others_after_one_hop) {
    formed_cluster cluster(4);
    ASSERT_TRUE(cluster.formed);
    client& speaker = cluster.on(cluster.holder().value);
    ASSERT_TRUE(speaker.multicast(64));
    cluster.w.run_for(one_way);
    EXPECT_EQ(cluster.seen_by(), 4U);
}

TEST(an_idle_member, sends_its_first_message_in_fewer_than_three_hops) {
    formed_cluster cluster(5);
    ASSERT_TRUE(cluster.formed);
    for (const std::uint32_t node : {4U, 2U, 5U, 1U}) {
        cluster.hand_token_to(node == 3 ? 2 : 3);
        cluster.w.run_for(milliseconds(500));
        const time_point asked = cluster.w.now();
        time_point left = base::never;
        const rule_id watch = cluster.w.net().watch(
            {.kinds = packet_kind::data, .from = node_id{node}, .also = [&](const datagram_view&) {
                 left = std::min(left, cluster.w.now());
                 return true;
             }});
        ASSERT_TRUE(cluster.on(node).multicast(64));
        cluster.w.run_for(milliseconds(50));
        cluster.w.net().forget(watch);
        EXPECT_LT(left - asked, 3 * one_way) << "node " << node;
    }
}

TEST(members_with_nothing_to_say, are_never_visited_by_the_token) {
    formed_cluster cluster(6);
    ASSERT_TRUE(cluster.formed);
    cluster.w.run_for(milliseconds(100));
    std::set<std::uint32_t> visited;
    cluster.w.on_steps([&visited](const node& who, const step& what) {
        if (what.what == step::kind::hop_taken) {
            visited.insert(who.id().value);
        }
    });
    for (int round = 0; round < 200; ++round) {
        (void)cluster.on(round % 2 == 0 ? 3 : 5).multicast(64);
        cluster.w.run_for(round % 3 == 0 ? milliseconds(30) : microseconds(70));
    }
    cluster.w.run_for(seconds(1));
    EXPECT_EQ(visited, (std::set<std::uint32_t>{3, 5}));
}

TEST(a_safe_message, is_not_seen_before_every_member_is_known_to_have_it) {
    for (std::uint32_t blocked = 1; blocked <= 4; ++blocked) {
        formed_cluster cluster(4);
        ASSERT_TRUE(cluster.formed);
        const std::uint32_t speaker = blocked == 2 ? 3 : 2;
        // Acknowledgements travel in packets of several kinds, so the member is silenced altogether, for a shorter time
        // than it takes to be missed.
        const rule_id silence = cluster.w.net().hold({.from = node_id{blocked}});
        ASSERT_TRUE(cluster.on(speaker).multicast(64, guarantee::safe));
        cluster.w.run_for(milliseconds(150));
        // The silent one itself hears that all others have the message, and it knows of its own: it may go ahead.
        EXPECT_EQ(cluster.seen_by(), cluster.on(blocked).delivered()) << "node " << blocked << " is silent";
        cluster.w.net().release(silence, cluster.w.now());
        cluster.w.run_for(milliseconds(100));
        EXPECT_EQ(cluster.seen_by(), 4U) << "node " << blocked << " has spoken";
    }
}

TEST(a_safe_message, needs_two_hops_when_all_is_well) {
    formed_cluster cluster(4);
    ASSERT_TRUE(cluster.formed);
    cluster.hand_token_to(2);
    const std::uint64_t before = cluster.on(2).delivered();
    ASSERT_TRUE(cluster.on(2).multicast(64, guarantee::safe));
    cluster.w.run_for(2 * one_way);
    EXPECT_EQ(cluster.on(2).delivered(), before + 1);
    cluster.w.run_for(one_way);
    EXPECT_EQ(cluster.seen_by(), 4U);
}

TEST(two_halves_of_a_partition, both_go_on_and_merge_again) {
    formed_cluster cluster(5);
    ASSERT_TRUE(cluster.formed);
    cluster.w.net().partition({{{1}, {2}}, {{3}, {4}, {5}}});
    cluster.wait_converged("after the partition", seconds(2));
    std::vector<std::uint64_t> before;
    for (std::uint32_t node = 1; node <= 5; ++node) {
        before.push_back(cluster.on(node).delivered());
        ASSERT_TRUE(cluster.on(node).multicast(200));
    }
    cluster.w.run_for(milliseconds(50));
    for (std::uint32_t node = 1; node <= 5; ++node) {
        EXPECT_EQ(cluster.on(node).delivered() - before[node - 1], node <= 2 ? 2U : 3U) << "node " << node;
        EXPECT_EQ(cluster.on(node).members().size(), node <= 2 ? 2U : 3U) << "node " << node;
    }
    cluster.w.net().join_all();
    for (int round = 0; round < 30; ++round) {
        (void)cluster.on(static_cast<std::uint32_t>(1 + round % 5)).multicast(300);
        cluster.w.run_for(milliseconds(20));
    }
    EXPECT_EQ(in_words(cluster.judge()), "");
    EXPECT_EQ(in_words(cluster.w.complaints()), "");
    for (std::uint32_t node = 1; node <= 5; ++node) {
        EXPECT_EQ(cluster.on(node).members().size(), 5U);
    }
}

duration time_to_form(std::size_t nodes) {
    scene cluster(cluster_of(nodes));
    cluster.w.boot_all();
    const time_point began = cluster.w.now();
    cluster.w.run_until_every(milliseconds(1), [&] { return cluster.w.converged(); }, seconds(20));
    return cluster.w.now() - began;
}

TEST(a_cold_start, of_sixteen_nodes_takes_less_than_half_a_second) { EXPECT_LT(time_to_form(16), milliseconds(500)); }

TEST(a_cold_start, of_sixty_four_nodes_takes_less_than_a_second) { EXPECT_LT(time_to_form(64), seconds(1)); }

/// How long until the clients of all others have been told that the last node is gone.
template <class End>
duration time_to_notice(End&& end, std::uint32_t nodes = 3) {
    formed_cluster cluster(nodes);
    const time_point began = cluster.w.now();
    end(cluster.w.at(nodes));
    cluster.w.run_until(
        [&] {
            return std::ranges::all_of(std::span(cluster.talkers).first(nodes - 1),
                                       [&](const client* each) { return each->members().size() == nodes - 1; });
        },
        seconds(20));
    return cluster.w.now() - began;
}

TEST(survivors, are_told_of_a_killed_daemon_within_a_tenth_of_a_second) {
    EXPECT_LT(time_to_notice([](node& victim) { victim.crash(); }), milliseconds(100));
}

TEST(survivors, are_told_of_a_vanished_machine_within_seven_tenths_of_a_second) {
    EXPECT_LT(time_to_notice([](node& victim) { victim.vanish(); }), milliseconds(700));
}

TEST(survivors, are_told_of_an_orderly_leave_within_a_tenth_of_a_second) {
    EXPECT_LT(time_to_notice([](node& victim) { victim.leave(); }), milliseconds(100));
}

TEST(survivors, are_told_as_soon_in_a_large_cluster) {
    EXPECT_LT(time_to_notice([](node& victim) { victim.crash(); }, 32), milliseconds(100));
    EXPECT_LT(time_to_notice([](node& victim) { victim.vanish(); }, 32), milliseconds(700));
}

TEST(a_cascade_of_failures, ends_in_a_view_of_those_who_are_left) {
    // Whoever coordinates dies as soon as it has planned, again and again, until two are left.
    formed_cluster cluster(12);
    ASSERT_TRUE(cluster.formed);
    std::size_t alive = 12;
    const hook_id hook = cluster.w.on_steps([&](node& at, const step& what) {
        if (what.what == step::kind::planned && alive > 2) {
            --alive;
            at.crash();
        }
    });
    for (std::uint32_t each = 1; each <= 12; ++each) {
        (void)cluster.on(each).multicast(2'000);
    }
    cluster.w.at(12).crash();
    --alive;
    const bool came_to_rest = cluster.w.run_until(
        [&] {
            return alive == 2 && std::ranges::all_of(cluster.w.running(), [&](node_id each) {
                       return cluster.on(each.value).members().size() == 2;
                   });
        },
        seconds(30));
    cluster.w.unhook(hook);
    EXPECT_TRUE(came_to_rest) << alive << " are left";
    EXPECT_EQ(in_words(cluster.judge()), "");
    EXPECT_EQ(in_words(cluster.w.complaints()), "");
}

TEST(a_slow_receiver, slows_senders_and_stays_a_member) {
    formed_cluster cluster(3);
    ASSERT_TRUE(cluster.formed);
    cluster.w.at(3U).receive_ns_per_datagram = 300'000;
    cluster.on(1).flood(3'000, 1'000);
    cluster.w.run_for(seconds(3));
    EXPECT_EQ(cluster.on(1).members().size(), 3U);
    EXPECT_EQ(cluster.w.steps_of(step::kind::suspected), 0U);
    EXPECT_EQ(in_words(cluster.judge()), "");
}

/// Everybody talks for a while; nobody may be suspected by anybody.
template <class Trouble>
void expect_no_eviction(duration time, Trouble&& trouble) {
    formed_cluster cluster(5);
    ASSERT_TRUE(cluster.formed);
    traffic_profile talk;
    talk.pace = milliseconds(20);
    cluster.populate(1, talk);
    trouble(cluster);
    cluster.w.run_for(time);
    EXPECT_EQ(cluster.w.steps_of(step::kind::suspected), 0U);
    EXPECT_EQ(in_words(cluster.judge()), "");
    EXPECT_EQ(in_words(cluster.w.complaints()), "");
}

TEST(nobody_is_left_out, for_five_lost_packets_of_a_hundred) {
    expect_no_eviction(seconds(30), [](formed_cluster& cluster) {
        link_quality lossy = cluster.options.world.links;
        lossy.loss = 50'000;
        cluster.w.net().set_quality(lossy);
    });
}

TEST(nobody_is_left_out, for_a_latency_that_jumps_between_a_fifth_of_a_millisecond_and_eighty) {
    expect_no_eviction(seconds(30), [](formed_cluster& cluster) {
        for (int jump = 0; jump < 20; ++jump) {
            link_quality slow = cluster.options.world.links;
            slow.latency = jump % 2 == 0 ? milliseconds(80) : microseconds(200);
            cluster.later(milliseconds(1'300) * jump, [&cluster, slow] { cluster.w.net().set_quality(slow); });
        }
    });
}

TEST(nobody_is_left_out, for_standing_still_for_three_tenths_of_a_second) {
    expect_no_eviction(seconds(30), [](formed_cluster& cluster) {
        for (std::uint32_t pause = 0; pause < 20; ++pause) {
            cluster.later(milliseconds(1'300) * pause,
                          [&cluster, pause] { cluster.w.at(1 + pause % 5).pause_for(milliseconds(300)); });
        }
    });
}

TEST(an_idle_cluster, sends_little) {
    formed_cluster cluster(5);
    ASSERT_TRUE(cluster.formed);
    cluster.w.run_for(seconds(1));
    const std::uint64_t before = cluster.w.net().counts().sent;
    cluster.w.run_for(seconds(10));
    // Heartbeats to each of four others, and little else.
    const auto beats = static_cast<std::uint64_t>(seconds(10) / ring::settings{}.heartbeat_interval);
    EXPECT_LT(cluster.w.net().counts().sent - before, 5U * 4U * beats * 11U / 10U);
}

} // namespace
} // namespace coterie::sim

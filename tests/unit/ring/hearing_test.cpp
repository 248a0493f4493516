// SPDX-License-Identifier: BSD-3-Clause
// Who counts as alive: lives proved by a fresh echo, silence and refused ports, what a pause of one's own explains, and
// how long one that was dropped is not met again.
#include "tests/support/small_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coterie::tests {
namespace {

using ring::step;
using testing::ElementsAre;
using testing::IsEmpty;

class hearing : public testing::Test {
protected:
    hearing() {
        EXPECT_TRUE(world.form_view());
        EXPECT_TRUE(world.run_until_quiet());
        world.run_for(1s);
    }
    [[nodiscard]] bool lost(std::uint32_t who, std::uint32_t by) {
        return world[by].members() < 3 &&
               !std::ranges::binary_search(world[by].engine().view().members, node(who), {}, &base::member::node);
    }
    /// When `by` has a view without `who`.
    [[nodiscard]] duration time_to_lose(std::uint32_t who, std::uint32_t by) {
        const time_point begin = world.now();
        EXPECT_TRUE(world.run_until([&] { return lost(who, by); }));
        return world.now() - begin;
    }

    small_world world{3};
};

TEST_F(hearing, a_silent_member_is_lost_after_the_limit_and_not_before) {
    world.crash(3);
    const duration taken = time_to_lose(3, 1);
    EXPECT_GE(taken, 350ms);
    EXPECT_LE(taken, 600ms);
    EXPECT_TRUE(world.settle_as({1, 2}));
}

TEST_F(hearing, a_refused_port_and_silence_lose_a_member_in_tens_of_milliseconds) {
    world.crash(3);
    world[1].refuse(node(3));
    EXPECT_LE(time_to_lose(3, 1), 80ms);
}

TEST_F(hearing, a_refused_port_alone_loses_nobody) {
    for (int at = 0; at < 50; ++at) {
        world[1].refuse(node(3));
        world.run_for(10ms);
    }
    EXPECT_TRUE(world[1].sees({1, 2, 3}));
    EXPECT_EQ(world[1].counts().views, 1U);
}

TEST_F(hearing, lost_heartbeats_alone_lose_nobody_as_long_as_probes_are_answered) {
    std::size_t seen = 0;
    world.tap = [&](flight& packet) { return packet.from != node(3) || ++seen % 3 == 0; };
    world.run_for(10s);
    EXPECT_TRUE(world[1].sees({1, 2, 3}));
    EXPECT_EQ(world[1].counts().views, 1U);
}

TEST_F(hearing, a_new_life_is_proved_by_its_echo_and_replaces_the_old_one_at_once) {
    const base::member old_life = world[3].self();
    world.boot(3);
    ASSERT_TRUE(world.run_until(
        [&] { return world[1].members() == 3 && world[1].engine().view().members[2] != old_life; }, 300ms));
    EXPECT_GE(world[1].step_count(step::kind::restarted), 1U);
    EXPECT_TRUE(world.settle());
}

TEST_F(hearing, a_new_life_that_cannot_echo_is_not_believed) {
    wire::origin forged = world[3].origin();
    forged.nonce.value += 1;
    wire::heartbeat packet;
    packet.hears = {{node(1), world[1].self().nonce}, {node(2), world[2].self().nonce}, {node(3), forged.nonce}};
    for (std::uint64_t at = 1; at <= 100; ++at) {
        packet.counter = at;
        packet.echo_nonce = world[1].self().nonce;
        packet.echo_counter = 1; // long ago
        world.inject(1, forged, packet);
        world.run_for(5ms);
    }
    EXPECT_EQ(world[1].step_count(step::kind::restarted), 0U);
    EXPECT_EQ(world[1].counts().views, 1U);
}

TEST_F(hearing, delayed_packets_of_an_old_life_do_not_bring_it_back) {
    std::vector<flight> old;
    world.tap = [&](flight& packet) {
        if (packet.from == node(3)) {
            old.push_back(packet);
        }
        return true;
    };
    world[3].say("of the old life");
    world.run_for(500ms);
    world.tap = {};
    world.crash(3);
    ASSERT_TRUE(world.settle_as({1, 2}));
    const std::uint64_t views = world[1].counts().views;
    for (int round = 0; round < 20; ++round) {
        for (const flight& packet : old) {
            world.inject(packet.to.value, packet.bytes);
        }
        world.run_for(100ms);
    }
    EXPECT_EQ(world[1].counts().views, views);
    EXPECT_TRUE(world[1].sees({1, 2}));
    // Nor do they keep a new life out.
    world.boot(3);
    EXPECT_TRUE(world.run_until([&] {
        for (const flight& packet : old) {
            world.inject(packet.to.value, packet.bytes);
        }
        world.run_for(10ms);
        return world[1].members() == 3;
    }));
}

TEST_F(hearing, a_short_pause_is_noticed_by_nobody) {
    world.pause(3);
    world.run_for(200ms);
    world.resume(3);
    world.run_for(1s);
    EXPECT_EQ(world[1].counts().views, 1U);
    EXPECT_EQ(world[3].engine().paused().count, 0U);
}

TEST_F(hearing, who_was_paused_says_so_and_judges_nobody_by_the_silence_that_explains) {
    for (const std::uint32_t each : {1U, 2U, 3U}) {
        world.pause(each);
    }
    world.run_for(5s);
    for (const std::uint32_t each : {1U, 2U, 3U}) {
        world.resume(each);
    }
    world.run_for(1s);
    for (const std::uint32_t each : {1U, 2U, 3U}) {
        EXPECT_EQ(world[each].engine().paused().count, 1U);
        EXPECT_GE(world[each].engine().paused().last, 4s);
        EXPECT_EQ(world[each].step_count(step::kind::paused), 1U);
        EXPECT_EQ(world[each].step_count(step::kind::suspected), 0U);
        EXPECT_EQ(world[each].counts().views, 1U);
    }
}

// The silence about a token that is under way counts from the end of the giver's own pause.
TEST_F(hearing, who_was_paused_with_a_token_under_way_does_not_give_up_its_target) {
    ASSERT_TRUE(world[1].engine().holds_token());
    bool under_way = false;
    world.tap = [&](flight& each) {
        under_way = under_way || each.kind() == packet_kind::token;
        return true;
    };
    world[2].say("mine");
    ASSERT_TRUE(world.run_until([&] { return under_way; }));
    for (const std::uint32_t each : {1U, 2U, 3U}) {
        world.pause(each);
    }
    world.run_for(5s);
    for (const std::uint32_t each : {1U, 2U, 3U}) {
        world.resume(each);
    }
    world.run_for(1s);
    for (const std::uint32_t each : {1U, 2U, 3U}) {
        EXPECT_EQ(world[each].step_count(step::kind::suspected), 0U);
        EXPECT_EQ(world[each].counts().views, 1U);
    }
    EXPECT_THAT(world[1].texts(), ElementsAre("mine"));
}

// A pause of all (their host stood still, say) is no part of any round trip: what is lost after it is repeated soon.
TEST_F(hearing, a_pause_of_all_does_not_delay_what_is_repeated_after_it) {
    ASSERT_TRUE(world[1].engine().holds_token());
    for (const duration length : {duration(400ms), duration(3s)}) {
        for (const std::uint32_t each : {1U, 2U, 3U}) {
            world.pause(each);
        }
        world.run_for(length);
        for (const std::uint32_t each : {1U, 2U, 3U}) {
            world.resume(each);
        }
        world.run_for(250ms);
        const std::uint32_t asking = world[1].engine().holds_token() ? 2 : 1;
        const std::size_t heard = world[3].texts().size();
        bool lost_once = false;
        world.tap = [&](flight& each) {
            const bool lose = !lost_once && each.kind() == packet_kind::token;
            lost_once = lost_once || lose;
            return !lose;
        };
        world[asking].say("mine");
        EXPECT_TRUE(world.run_until([&] { return world[3].texts().size() > heard; }, 30ms));
        EXPECT_TRUE(lost_once);
        world.tap = {};
    }
}

TEST_F(hearing, after_a_pause_nothing_is_numbered_in_a_view_that_the_others_have_left) {
    ASSERT_TRUE(world[1].engine().holds_token());
    const view_id old_view = world[1].engine().view().id;
    world.pause(1);
    world.run_for(5s);
    ASSERT_TRUE(world.settle_as({2, 3}));
    world[1].voice().to_say.push_back({"later", false});
    world.resume(1);
    ASSERT_TRUE(world.settle());
    ASSERT_TRUE(world.run_until_quiet());
    EXPECT_THAT(world[1].texts(), ElementsAre("later"));
    EXPECT_TRUE(std::ranges::none_of(world[1].voice().heard, [&](const heard_packet& each) {
        return each.view == old_view && each.text == "later";
    }));
}

TEST_F(hearing, after_a_pause_nothing_is_numbered_until_every_member_has_echoed) {
    ASSERT_TRUE(world[1].engine().holds_token());
    for (const std::uint32_t each : {1U, 2U, 3U}) {
        world.pause(each);
    }
    world.run_for(2s);
    world[1].voice().to_say.push_back({"awake", false});
    world.resume(1);
    world.resume(2);
    world.run_for(20ms);
    EXPECT_THAT(world[1].texts(), IsEmpty()) << "node 3 has said nothing yet";
    world.resume(3);
    EXPECT_TRUE(world.run_until([&] { return world[2].texts().size() == 1; }, 150ms));
    EXPECT_EQ(world[1].counts().views, 1U);
}

TEST_F(hearing, after_a_pause_that_nobody_minded_numbering_goes_on_within_a_round_trip_or_two) {
    for (const std::uint32_t each : {1U, 2U, 3U}) {
        world.pause(each);
    }
    world.run_for(2s);
    for (const std::uint32_t each : {1U, 2U, 3U}) {
        world.resume(each);
    }
    world[1].say("awake");
    EXPECT_TRUE(world.run_until([&] { return world[3].texts().size() == 1; }, 150ms));
}

TEST_F(hearing, a_deaf_node_is_dropped_and_met_at_ever_longer_intervals) {
    // Node 3 is heard by all and hears nobody now and then, for longer than the limit.
    std::vector<std::uint64_t> hold_offs;
    for (int round = 0; round < 5; ++round) {
        world.cut(1, 3);
        world.cut(2, 3);
        ASSERT_TRUE(world.run_until([&] { return lost(3, 1); }));
        world.heal();
        ASSERT_TRUE(world.run_until([&] { return world[1].sees({1, 2, 3}); }, 20s));
        world.run_for(100ms);
    }
    for (const step& each : world[1].steps) {
        if ((each.what == step::kind::held_off || each.what == step::kind::flapping) && each.peer == node(3)) {
            hold_offs.push_back(each.number.value);
        }
    }
    EXPECT_EQ(world[1].step_count(step::kind::flapping), 3U) << "from the third time on it is named";
    ASSERT_GE(hold_offs.size(), 4U);
    EXPECT_TRUE(std::ranges::is_sorted(hold_offs));
    EXPECT_GE(hold_offs.back(), 4 * hold_offs.front());
    EXPECT_LE(hold_offs.back(), 4'000'000'000U);
}

TEST_F(hearing, a_daemon_that_crashes_again_and_again_is_held_off_from_the_third_time_on) {
    std::vector<duration> taken;
    for (int round = 0; round < 6; ++round) {
        world.crash(3);
        ASSERT_TRUE(world.run_until([&] { return lost(3, 1); }));
        world.boot(3);
        const time_point booted = world.now();
        ASSERT_TRUE(world.run_until([&] { return world[1].sees({1, 2, 3}); }, 20s));
        taken.push_back(world.now() - booted);
    }
    EXPECT_LE(taken[0], 100ms);
    EXPECT_LE(taken[1], 100ms);
    EXPECT_GE(taken[2], 300ms) << "0.4 s from the view without it on";
    EXPECT_GE(taken[5], 2s);
    EXPECT_EQ(world[1].engine().links(world.now())[1].times_lost, 6U);
    world.run_for(25s);
    EXPECT_EQ(world[1].engine().links(world.now())[1].times_lost, 0U) << "forgotten when it has stayed";
    world.crash(3);
    ASSERT_TRUE(world.run_until([&] { return lost(3, 1); }));
    world.boot(3);
    EXPECT_TRUE(world.run_until([&] { return world[1].sees({1, 2, 3}); }, 100ms));
}

TEST_F(hearing, a_node_that_leaves_in_order_is_welcome_however_often) {
    for (int round = 0; round < 8; ++round) {
        world[3].leave();
        ASSERT_TRUE(world.run_until([&] { return world[3].engine().retired() && lost(3, 1) && lost(3, 2); }));
        world.boot(3);
        ASSERT_TRUE(world.run_until([&] { return world[1].sees({1, 2, 3}); }, 200ms)) << "round " << round;
    }
}

TEST_F(hearing, a_node_that_says_farewell_is_gone_at_once) {
    world[3].leave();
    EXPECT_TRUE(world.run_until([&] { return world[1].sees({1, 2}) && world[2].sees({1, 2}); }, 50ms));
    EXPECT_TRUE(world.run_until([&] { return world[3].engine().retired(); }, 50ms));
    world.run_for(2s);
    EXPECT_TRUE(world[1].sees({1, 2}));
}

TEST_F(hearing, doubts_about_a_member_that_answers_do_not_feed_each_other) {
    // Pairs that hear each other in one direction only, so that everybody doubts somebody who doubts somebody.
    small_world five(5);
    ASSERT_TRUE(five.form_view());
    five.run_for(1s);
    five.cut(1, 5);
    five.cut(2, 3);
    five.cut(1, 2);
    five.cut(4, 5);
    // A storm would also stop virtual time.
    five.tap = [&five](flight&) { return five.carried() < 20'000; };
    const std::uint64_t before = five.carried(packet_kind::heartbeat);
    five.run_for(1s);
    EXPECT_LE(five.carried(packet_kind::heartbeat) - before, 3'000U);
}

TEST(hearing_alone, a_node_greets_nodes_that_are_away_at_a_slow_pace) {
    small_world world(3);
    world.boot(1);
    world.run_for(1s);
    EXPECT_TRUE(world[1].sees({1}));
    const std::uint64_t before = world.carried();
    world.run_for(10s);
    EXPECT_LE(world.carried() - before, 2U * 52U);
}

} // namespace
} // namespace coterie::tests

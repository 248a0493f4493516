// SPDX-License-Identifier: BSD-3-Clause
// Members that do not keep up: named once they are a second late, waited for or left out, and named again when they have
// caught up.
#include "tests/support/small_world.hpp"

#include <gtest/gtest.h>

namespace coterie::tests {
namespace {

using ring::step;

class slow_members : public testing::Test {
protected:
    small_world& with_patience(duration patience, duration hold_off_max = ring::settings{}.hold_off_max) {
        _world = std::make_unique<small_world>(3, [&](ring::settings& cfg) {
            cfg.lag_patience = patience;
            cfg.hold_off_max = hold_off_max;
        });
        EXPECT_TRUE(_world->form_view());
        EXPECT_TRUE(_world->run_until_quiet());
        return *_world;
    }
    /// No data gets there; heartbeats do.
    static void starve(small_world& world, std::uint32_t who) {
        world.tap = [who](const flight& packet) {
            return packet.to != node(who) || packet.kind() != packet_kind::data;
        };
    }
    /// What `by` calls the others, by their place among them.
    static std::optional<duration> lag(small_world& world, std::uint32_t by, std::size_t other) {
        return world[by].engine().links(world.now())[other].lag;
    }

private:
    std::unique_ptr<small_world> _world;
};

TEST_F(slow_members, are_named_after_a_second_and_waited_for) {
    small_world& world = with_patience(0s);
    starve(world, 3);
    world[1].say("late");
    world.run_for(900ms);
    EXPECT_EQ(world[1].step_count(step::kind::lagging), 0U);
    world.run_for(300ms);
    EXPECT_EQ(world[1].step_count(step::kind::lagging), 1U);
    EXPECT_EQ(world[2].step_count(step::kind::lagging), 1U) << "all others see it";
    EXPECT_EQ(world[3].step_count(step::kind::lagging), 0U) << "but not itself";
    EXPECT_GE(lag(world, 1, 1).value_or(0s), 1s);
    EXPECT_FALSE(lag(world, 1, 0)) << "node 2 keeps up";
    world.run_for(60s);
    EXPECT_TRUE(world[1].sees({1, 2, 3}));
    EXPECT_EQ(world[1].counts().views, 1U);
    EXPECT_EQ(world[1].step_count(step::kind::lagging), 1U) << "named once";
}

TEST_F(slow_members, are_named_again_when_they_have_caught_up) {
    small_world& world = with_patience(0s);
    starve(world, 3);
    world[1].say("late");
    world.run_for(3s);
    ASSERT_TRUE(lag(world, 1, 1));
    world.tap = {};
    world.run_for(2s);
    EXPECT_FALSE(lag(world, 1, 1));
    EXPECT_EQ(world[1].step_count(step::kind::caught_up), 1U);
    EXPECT_EQ(world[3].texts().size(), 1U);
}

TEST_F(slow_members, that_take_little_at_a_time_are_slow_as_well) {
    small_world& world = with_patience(0s);
    std::size_t seen = 0;
    // One datagram in a while gets through, so that it is never quite without progress.
    world.tap = [&](const flight& packet) {
        return packet.to != node(3) || packet.kind() != packet_kind::data || ++seen % 50 == 0;
    };
    for (int at = 0; at < 200; ++at) {
        world[1].say("message " + std::to_string(at));
        world.run_for(100ms);
    }
    EXPECT_GE(world[1].step_count(step::kind::lagging), 1U);
    EXPECT_GT(world[3].texts().size(), 0U);
    EXPECT_EQ(world[1].counts().views, 1U);
}

TEST_F(slow_members, are_left_out_after_the_patience_that_was_asked_for) {
    // The lowest node as well: others agree without it.
    for (const std::uint32_t slow : {3U, 1U}) {
        small_world& world = with_patience(5s);
        const std::uint32_t other = slow == 1 ? 3 : 1;
        starve(world, slow);
        world[2].say("late");
        world.run_for(4'900ms);
        EXPECT_EQ(world[2].counts().views, 1U);
        const std::vector<std::uint32_t> rest = slow == 1 ? std::vector{2U, 3U} : std::vector{1U, 2U};
        EXPECT_TRUE(world.run_until([&] { return world[2].sees(rest) && world[other].sees(rest); }, 2s)) << slow;
        EXPECT_EQ(world[2].step_count(step::kind::left_out), 1U);
        EXPECT_EQ(world[other].step_count(step::kind::left_out), 1U);
        EXPECT_EQ(world[slow].step_count(step::kind::left_out), 0U);
        // Kept away for a while, then let in, and well again.
        world.tap = {};
        world.run_for(2s);
        EXPECT_TRUE(world[2].sees(rest));
        EXPECT_TRUE(world.settle());
        EXPECT_TRUE(world[2].sees({1, 2, 3}));
    }
}

/// The time for which nodes are kept away used to begin at once: where it ended before the view had parted, nothing became
/// of it, again and again.
TEST_F(slow_members, are_left_out_however_shortly_they_are_kept_away) {
    small_world& world = with_patience(2s, 100ms);
    world.tap = [](const flight& packet) { return packet.from != node(2) || packet.kind() != packet_kind::data; };
    world[2].say("nobody else gets this");
    EXPECT_TRUE(
        world.run_until([&] { return world[2].sees({2}) && world[1].sees({1, 3}) && world[3].sees({1, 3}); }, 5s));
    EXPECT_EQ(world[2].step_count(step::kind::left_out), 2U);
    EXPECT_LE(world[2].engine().links(world.now())[0].held_off, 100ms);
    world.tap = {};
    EXPECT_TRUE(world.settle());
    EXPECT_TRUE(world[2].sees({1, 2, 3}));
}

TEST_F(slow_members, are_not_those_who_wait_while_this_node_did_not_run) {
    small_world& world = with_patience(2s);
    world[1].say("one");
    world.pause(1);
    world.run_for(300ms);
    world[2].say("two");
    world.run_for(5s);
    world.resume(1);
    world.run_for(10s);
    EXPECT_EQ(world[1].step_count(step::kind::lagging), 0U);
    EXPECT_EQ(world[2].step_count(step::kind::lagging), 0U) << "a node that says nothing is silent, not slow";
}

TEST_F(slow_members, are_not_seen_in_an_idle_or_a_busy_group_that_is_well) {
    small_world& world = with_patience(2s);
    for (int at = 0; at < 3'000; ++at) {
        world[1 + static_cast<std::uint32_t>(at) % 3].say("message " + std::to_string(at));
        world.run_for(2ms);
    }
    world.run_for(10s);
    for (const std::uint32_t each : {1U, 2U, 3U}) {
        EXPECT_EQ(world[each].step_count(step::kind::lagging), 0U);
        EXPECT_EQ(world[each].counts().views, 1U);
    }
}

} // namespace
} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// Order within a view, told by what members hear: who numbers when, how the token finds its way, how what is lost comes
// back, when safe messages are handed out, how much may be under way.
#include "tests/support/small_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coterie::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class order : public testing::Test {
protected:
    explicit order(std::uint32_t nodes = 3, small_world::tuning tune = {}) : world(nodes, std::move(tune)) {
        EXPECT_TRUE(world.form_view());
        EXPECT_TRUE(world.run_until_quiet());
        world.run_for(300ms); // round trips are known, greetings are slow
    }
    /// The node that holds the token.
    [[nodiscard]] std::uint32_t holder() {
        for (small_world::machine* each : world.machines()) {
            if (each->engine().holds_token()) {
                return each->id().value;
            }
        }
        return 0;
    }
    [[nodiscard]] std::uint64_t hops() {
        std::uint64_t result = 0;
        for (small_world::machine* each : world.machines()) {
            result += each->counts().hops;
        }
        return result;
    }
    void expect_same_history() {
        EXPECT_TRUE(world.run_until_quiet());
        for (small_world::machine* each : world.machines()) {
            EXPECT_EQ(each->voice().heard, world[1].voice().heard) << each->engine().describe();
            EXPECT_EQ(each->counts().views, 1U) << each->engine().describe();
        }
    }

    small_world world;
};

/// A window of 40 KB, packets of 1000 bytes.
struct narrow_order : order {
    narrow_order() : order(3, [](ring::settings& cfg) { cfg.window_bytes = 40'000; }) {}
    static std::string thousand(char letter) { return std::string(1'000, letter); }
};

TEST_F(order, the_holder_hears_itself_at_once_and_others_after_one_way) {
    ASSERT_EQ(holder(), 1U);
    world[1].say("hello");
    EXPECT_THAT(world[1].texts(), ElementsAre("hello"));
    EXPECT_THAT(world[2].texts(), IsEmpty());
    world.run_for(100us);
    EXPECT_THAT(world[2].texts(), ElementsAre("hello"));
    EXPECT_THAT(world[3].texts(), ElementsAre("hello"));
}

TEST_F(order, a_lone_sender_keeps_the_token) {
    world[2].say("first");
    ASSERT_TRUE(world.run_until_quiet());
    const std::uint64_t before = hops();
    for (int at = 0; at < 50; ++at) {
        world[2].say("more");
        world.run_for(1ms);
    }
    EXPECT_EQ(hops(), before);
    EXPECT_EQ(holder(), 2U);
    expect_same_history();
}

TEST_F(order, who_wants_to_speak_asks_and_speaks_after_two_ways) {
    world[3].say("mine");
    world.run_for(200us);
    EXPECT_THAT(world[3].texts(), ElementsAre("mine"));
    EXPECT_EQ(holder(), 3U);
    EXPECT_EQ(world[3].counts().requests_sent, 1U);
    world.run_for(100us);
    EXPECT_THAT(world[1].texts(), ElementsAre("mine"));
    expect_same_history();
}

TEST_F(order, members_with_nothing_to_say_are_never_visited) {
    for (int at = 0; at < 20; ++at) {
        world[2].say("two");
        world[1].say("one");
        world.run_for(2ms);
    }
    EXPECT_EQ(world[3].counts().hops, 0U);
    expect_same_history();
}

TEST_F(order, a_lost_token_is_given_again) {
    world.lose_next(packet_kind::token, 1, 2);
    world[2].say("mine");
    expect_same_history();
    EXPECT_THAT(world[3].texts(), ElementsAre("mine"));
    EXPECT_EQ(world[1].counts().tokens_repeated, 1U);
}

TEST_F(order, a_lost_proof_makes_no_second_holder) {
    world.lose_next(packet_kind::token_proof, 2, 1, 3);
    world[2].say("mine");
    world.run_for(50ms);
    EXPECT_GE(world[1].counts().tokens_repeated, 1U);
    EXPECT_EQ(world[2].counts().hops, 1U);
    EXPECT_EQ(holder(), 2U);
    expect_same_history();
}

TEST_F(order, a_lost_request_is_made_again_to_everybody) {
    world.lose_next(packet_kind::token_request, 2, 1);
    world[2].say("mine");
    expect_same_history();
    EXPECT_EQ(world[2].counts().requests_sent, 2U);
}

TEST_F(order, a_token_goes_through_another_member_when_the_direct_way_is_broken) {
    world.tap = [](flight& packet) {
        return !(packet.kind() == packet_kind::token && packet.from == node(1) && packet.to == node(2));
    };
    world[2].say("mine");
    ASSERT_TRUE(world.run_until([&] { return world[2].engine().holds_token(); }));
    world.tap = {};
    expect_same_history();
    EXPECT_THAT(world[1].texts(), ElementsAre("mine"));
}

TEST_F(order, that_others_know_of_a_hop_does_not_prove_that_its_target_took_it) {
    // The giver's heartbeats tell everybody of the hop, its target too; what they say back must not end the passage.
    world.lose_next(packet_kind::token, 1, 2, 4);
    world[2].say("mine");
    ASSERT_TRUE(world.run_until([&] { return world[1].counts().tokens_repeated == 1; }));
    // Everybody learns of the hop by hearsay, while the token itself is still lost.
    wire::heartbeat hearsay;
    hearsay.view = world[1].engine().view().id;
    hearsay.hop = world[1].engine().hop();
    hearsay.holder = node(2);
    hearsay.counter = 1'000'000;
    hearsay.hears = world[1].engine().view().members;
    hearsay.view_size = 3;
    world.inject(1, world[3].origin(), hearsay);
    world.inject(1, world[2].origin(), hearsay);
    expect_same_history();
    EXPECT_THAT(world[2].texts(), ElementsAre("mine"));
}

TEST_F(order, packets_lost_amid_a_burst_are_repaired) {
    std::size_t sent = 0;
    world.tap = [&](flight& packet) {
        return packet.kind() != packet_kind::data || packet.to != node(2) || ++sent % 3 != 0;
    };
    for (int at = 0; at < 30; ++at) {
        world[1].say(std::to_string(at));
    }
    expect_same_history();
    EXPECT_EQ(world[2].texts().size(), 30U);
    EXPECT_GT(world[2].counts().repairs_asked, 0U);
}

TEST_F(order, a_lost_tail_is_found_by_the_holders_beacon_long_before_a_heartbeat) {
    world.lose_next(packet_kind::data, 1, 2);
    world[1].say("the last word");
    EXPECT_TRUE(world.run_until([&] { return world[2].texts().size() == 1; }, 30ms));
    expect_same_history();
}

TEST_F(order, what_its_sender_lost_to_all_but_one_comes_from_that_one) {
    world.tap = [](flight& packet) {
        return packet.kind() != packet_kind::data || packet.from != node(1) || packet.to != node(3);
    };
    world[1].say("through another");
    EXPECT_TRUE(world.run_until([&] { return world[3].texts().size() == 1; }, 200ms));
    expect_same_history();
}

TEST_F(order, a_safe_message_waits_until_everybody_has_it) {
    world.tap = [](flight& packet) { return packet.kind() != packet_kind::data || packet.to != node(3); };
    world[1].say_safe("safe");
    world[1].say("behind it");
    world.run_for(100ms);
    EXPECT_THAT(world[1].texts(), IsEmpty());
    EXPECT_THAT(world[2].texts(), IsEmpty());
    world.tap = {};
    expect_same_history();
    EXPECT_THAT(world[2].texts(), ElementsAre("safe", "behind it"));
}

TEST_F(order, a_safe_message_takes_three_ways_not_a_heartbeat) {
    world[1].say_safe("safe");
    EXPECT_TRUE(world.run_until([&] { return world[3].texts().size() == 1; }, 2ms));
    EXPECT_TRUE(world.run_until([&] { return world[2].texts().size() == 1; }, 2ms));
    EXPECT_THAT(world[1].texts(), ElementsAre("safe"));
}

TEST_F(order, what_everybody_has_is_not_kept) {
    for (int at = 0; at < 100; ++at) {
        world[1].say("word");
    }
    EXPECT_GT(world[1].engine().stored_packets(), 0U);
    expect_same_history();
    for (small_world::machine* each : world.machines()) {
        EXPECT_EQ(each->engine().stored_packets(), 0U);
        EXPECT_EQ(each->engine().stable(), each->engine().delivered());
    }
}

TEST_F(narrow_order, a_receiver_that_lags_stops_numbering_at_the_window_and_lets_it_go_on_when_it_has_caught_up) {
    world.tap = [](flight& packet) { return packet.kind() != packet_kind::data || packet.to != node(3); };
    for (int at = 0; at < 100; ++at) {
        world[1].say(thousand('a'));
    }
    world.run_for(100ms);
    EXPECT_EQ(world[1].texts().size(), 40U);
    EXPECT_EQ(world[1].voice().to_say.size(), 60U);
    EXPECT_LE(world[2].engine().stored_packets(), 43U);
    world.tap = {};
    expect_same_history();
    EXPECT_EQ(world[3].texts().size(), 100U);
}

TEST_F(narrow_order, a_holder_that_is_blocked_gives_the_token_to_who_asks) {
    world.tap = [](flight& packet) { return packet.kind() != packet_kind::data || packet.to != node(3); };
    for (int at = 0; at < 60; ++at) {
        world[1].say(thousand('a'));
    }
    world.run_for(20ms);
    world[2].say("b");
    EXPECT_TRUE(world.run_until([&] { return holder() == 2; }, 50ms));
    world.tap = {};
    expect_same_history();
}

TEST_F(narrow_order, two_that_flood_take_turns) {
    for (int at = 0; at < 400; ++at) {
        world[1].say(thousand('a'));
        world[2].say(thousand('b'));
    }
    expect_same_history();
    const auto texts = world[3].texts();
    ASSERT_EQ(texts.size(), 800U);
    // After the first window neither is ever far ahead of the other.
    std::int64_t ahead = 0;
    for (std::size_t at = 0; at < 600; ++at) {
        ahead += texts[at].front() == 'a' ? 1 : -1;
        EXPECT_LE(std::abs(ahead), 60) << at;
    }
}

TEST_F(order, everyone_speaking_at_once_is_one_order) {
    for (int round = 0; round < 50; ++round) {
        for (std::uint32_t who = 1; who <= 3; ++who) {
            world[who].say(std::to_string(who) + "." + std::to_string(round), round % 7 == 0);
        }
        world.run_for(500us);
    }
    expect_same_history();
    EXPECT_EQ(world[1].texts().size(), 150U);
}

TEST_F(order, an_idle_view_costs_nothing_but_heartbeats_and_greetings) {
    world.run_for(1s);
    const std::uint64_t before = world.carried();
    const std::uint64_t heartbeats_before = world.carried(packet_kind::heartbeat);
    world.run_for(10s);
    const std::uint64_t packets = world.carried() - before;
    EXPECT_EQ(packets, world.carried(packet_kind::heartbeat) - heartbeats_before);
    const auto beats = static_cast<std::uint64_t>(10s / ring::settings{}.heartbeat_interval);
    EXPECT_LE(packets, 3U * 2U * beats * 21U / 20U);
}

} // namespace
} // namespace coterie::tests

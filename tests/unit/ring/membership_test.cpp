// SPDX-License-Identifier: BSD-3-Clause
// View changes, scripted: cold starts, losses amid an attempt, promises, installs that reach only some, what moves along
// from the old view, merging and leaving.
#include "tests/support/small_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coterie::tests {
namespace {

using ring::step;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class membership : public testing::Test {
protected:
    explicit membership(std::uint32_t nodes = 4) : world(nodes) {
        EXPECT_TRUE(world.form_view());
        EXPECT_TRUE(world.run_until_quiet());
        world.run_for(500ms);
    }
    [[nodiscard]] std::uint64_t attempts() {
        std::uint64_t result = 0;
        for (small_world::machine* each : world.machines()) {
            result += each->counts().attempts;
        }
        return result;
    }
    [[nodiscard]] std::vector<std::uint32_t> moved_together(std::uint32_t who) {
        std::vector<std::uint32_t> result;
        for (const node_id each : world[who].voice().transitions.back().together) {
            result.push_back(each.value);
        }
        return result;
    }
    /// Partitions the nodes into two sides.
    void part(const std::vector<std::uint32_t>& one, const std::vector<std::uint32_t>& other) {
        for (const std::uint32_t left : one) {
            for (const std::uint32_t right : other) {
                world.cut_both(left, right);
            }
        }
    }

    small_world world;
};

TEST(cold_start, nodes_that_start_together_form_one_view_in_one_attempt) {
    small_world world(5);
    ASSERT_TRUE(world.form_view());
    EXPECT_LE(world.now() - time_point(1s), 200ms);
    for (std::uint32_t each = 1; each <= 5; ++each) {
        EXPECT_EQ(world[each].counts().views, 1U);
        EXPECT_TRUE(world[each].engine().view().id.coordinator == node(1));
    }
    EXPECT_EQ(world[1].counts().attempts, 1U);
}

TEST(cold_start, a_lone_node_forms_a_view_of_itself_once_it_has_waited_for_others) {
    small_world world(3);
    world.boot(2);
    world.run_for(40ms);
    EXPECT_FALSE(world[2].engine().view().id.valid());
    world.run_for(40ms);
    EXPECT_TRUE(world[2].sees({2}));
    EXPECT_TRUE(world[2].engine().holds_token());
}

TEST(cold_start, a_node_whose_disk_does_not_answer_does_not_coordinate_but_takes_part) {
    small_world world(3);
    world[1].disk_delay = 30s;
    world.boot_all();
    ASSERT_TRUE(world.settle(2s));
    EXPECT_EQ(world[1].engine().view().id.coordinator, node(2));
    EXPECT_EQ(world[1].counts().attempts, 0U);
}

TEST(cold_start, the_first_packets_of_a_view_have_their_numbers_by_place) {
    small_world world(3);
    ASSERT_TRUE(world.form_view());
    ASSERT_TRUE(world.run_until_quiet());
    const auto& heard = world[2].voice().heard;
    ASSERT_EQ(heard.size(), 3U);
    for (std::uint32_t at = 0; at < 3; ++at) {
        EXPECT_EQ(heard[at].number, number(at + 1));
        EXPECT_EQ(heard[at].originator, node(at + 1));
        EXPECT_TRUE(heard[at].table);
    }
}

TEST_F(membership, ids_of_views_only_grow_and_survive_a_restart_of_everybody) {
    const view_id before = world[1].engine().view().id;
    for (std::uint32_t each = 1; each <= 4; ++each) {
        world.crash(each);
    }
    ASSERT_TRUE(world.form_view());
    EXPECT_GT(world[1].engine().view().id, before);
}

TEST_F(membership, a_crash_moves_the_others_together_into_one_view) {
    world.crash(4);
    ASSERT_TRUE(world.settle_as({1, 2, 3}));
    for (const std::uint32_t each : {1U, 2U, 3U}) {
        EXPECT_THAT(moved_together(each), ElementsAre(1, 2, 3));
        EXPECT_EQ(world[each].counts().views, 2U);
    }
}

TEST_F(membership, a_coordinator_that_dies_amid_an_attempt_is_succeeded_by_the_next) {
    world.lose_next(packet_kind::plan, 1, 0, 100);
    world.crash(4);
    ASSERT_TRUE(world.run_until([&] { return world[1].step_count(step::kind::planned) == 2; }));
    world.crash(1);
    ASSERT_TRUE(world.settle_as({2, 3}));
    EXPECT_EQ(world[2].engine().view().id.coordinator, node(2));
    EXPECT_THAT(moved_together(2), ElementsAre(2, 3));
}

TEST_F(membership, a_participant_that_dies_before_it_answers_is_left_out_of_the_plan) {
    world.tap = [](flight& packet) { return packet.kind() != packet_kind::report || packet.from != node(3); };
    world.crash(4);
    ASSERT_TRUE(world.run_until([&] { return world[3].step_count(step::kind::promised) == 2; }));
    world.crash(3);
    ASSERT_TRUE(world.settle_as({1, 2}));
    EXPECT_EQ(world[1].counts().views, 2U);
}

TEST_F(membership, a_participant_that_dies_amid_recovery_makes_a_new_attempt_necessary) {
    world.tap = [](flight& packet) { return packet.kind() != packet_kind::completion || packet.from != node(3); };
    world.crash(4);
    ASSERT_TRUE(world.run_until([&] { return world[3].step_count(step::kind::completed) == 2; }));
    world.crash(3);
    ASSERT_TRUE(world.settle_as({1, 2}));
    EXPECT_EQ(world[1].counts().views, 2U);
    EXPECT_GE(world[1].step_count(step::kind::abandoned), 1U);
}

TEST_F(membership, lost_packets_of_an_attempt_are_sent_again) {
    for (const packet_kind kind : {packet_kind::proposal, packet_kind::report, packet_kind::plan,
                                   packet_kind::completion, packet_kind::install}) {
        world.lose_next(kind, 0, 0, 2);
    }
    const std::uint64_t before = attempts();
    world.crash(4);
    ASSERT_TRUE(world.settle_as({1, 2, 3}));
    EXPECT_EQ(attempts() - before, 1U);
}

TEST_F(membership, whoever_has_promised_higher_refuses_and_says_what) {
    std::vector<wire::refusal> refusals;
    world.tap = [&](flight& packet) {
        if (packet.kind() == packet_kind::refusal) {
            refusals.push_back(*wire::decode_refusal(packet.body()));
        }
        return true;
    };
    const view_id installed = world[2].engine().view().id;
    wire::proposal late{{{{1}}, node(3), world[3].self().nonce}, world[2].engine().view().members};
    world.inject(2, world[3].origin(), late);
    ASSERT_EQ(refusals.size(), 1U);
    EXPECT_EQ(refusals[0].attempt, late.attempt);
    EXPECT_EQ(refusals[0].promised, installed);
    EXPECT_TRUE(world[2].engine().operational());
}

TEST_F(membership, an_attempt_in_the_name_of_somebody_else_is_ignored) {
    wire::proposal packet{{world[1].engine().view().id.epoch.next(), node(1), world[1].self().nonce},
                          world[2].engine().view().members};
    world.inject(2, world[3].origin(), packet);
    EXPECT_TRUE(world[2].engine().operational());
}

TEST_F(membership, a_proposal_freezes_a_view_for_good) {
    // Nodes 1 and 2 answer an attempt of node 3 that goes no further; the view is left, not resumed.
    const view_id old_view = world[1].engine().view().id;
    wire::proposal packet{{old_view.epoch.next(), node(3), world[3].self().nonce}, world[1].engine().view().members};
    world.inject(1, world[3].origin(), packet);
    EXPECT_FALSE(world[1].engine().operational());
    world[1].say("not in the old view");
    EXPECT_THAT(world[1].texts(), IsEmpty());
    ASSERT_TRUE(world.settle());
    ASSERT_TRUE(world.run_until_quiet());
    EXPECT_NE(world[1].voice().heard.back().view, old_view);
    EXPECT_THAT(world[2].texts(), ElementsAre("not in the old view"));
    EXPECT_THAT(moved_together(1), ElementsAre(1, 2, 3, 4));
}

TEST_F(membership, an_install_that_got_lost_is_made_good_by_a_member_that_speaks_in_the_new_view) {
    world.tap = [](flight& packet) { return packet.kind() != packet_kind::install || packet.to != node(2); };
    world.crash(4);
    EXPECT_TRUE(world.run_until([&] { return world[2].sees({1, 2, 3}); }, 1s));
    EXPECT_EQ(world[2].counts().views, 2U);
}

TEST_F(membership, who_completed_what_was_installed_elsewhere_passes_through_it_first) {
    // The install reaches node 3 alone; nothing that is said in the new view reaches node 2; then the coordinator dies.
    bool cut = false;
    world.tap = [&](flight& packet) {
        cut = cut || packet.kind() == packet_kind::install;
        return !cut || packet.to != node(2);
    };
    world.crash(4);
    ASSERT_TRUE(world.run_until([&] { return world[3].counts().views == 2; }));
    const view_id passed = world[3].engine().view().id;
    world.crash(1);
    world.run_for(5ms);
    EXPECT_EQ(world[2].counts().views, 1U) << "nothing has told node 2 of the install";
    world.tap = {};
    ASSERT_TRUE(world.settle_as({2, 3}));
    ASSERT_GE(world[2].voice().views.size(), 3U);
    EXPECT_EQ(world[2].voice().views[1].id, passed);
    EXPECT_EQ(world[3].voice().views[1].id, passed);
    EXPECT_EQ(world[2].voice().views.back().id, world[3].voice().views.back().id);
}

TEST_F(membership, what_one_survivor_has_all_survivors_deliver_before_the_transition) {
    ASSERT_TRUE(world[1].engine().holds_token());
    world.tap = [](flight& packet) { return packet.kind() != packet_kind::data || packet.to == node(3); };
    world[1].say("heard by one");
    world.run_for(150us);
    world.crash(1);
    world.tap = {};
    ASSERT_TRUE(world.settle_as({2, 3, 4}));
    for (const std::uint32_t each : {2U, 3U, 4U}) {
        EXPECT_THAT(world[each].texts(), ElementsAre("heard by one"));
        EXPECT_THAT(moved_together(each), ElementsAre(2, 3, 4));
    }
}

TEST_F(membership, a_safe_message_that_not_all_are_known_to_have_is_delivered_after_the_transition_or_by_nobody) {
    world.tap = [](flight& packet) { return packet.kind() != packet_kind::data || packet.to == node(3); };
    world[1].say_safe("safe");
    world.run_for(150us);
    world.crash(1);
    world.tap = {};
    ASSERT_TRUE(world.settle_as({2, 3, 4}));
    for (const std::uint32_t each : {2U, 3U, 4U}) {
        EXPECT_THAT(world[each].texts(), ElementsAre("safe"));
    }
}

TEST_F(membership, past_a_hole_only_messages_of_those_that_move_along_are_delivered) {
    ASSERT_TRUE(world[1].engine().holds_token());
    // Node 1 numbers something that reaches nobody, hands over, and dies; 2 numbers behind it.
    world.tap = [](flight& packet) { return packet.kind() != packet_kind::data || packet.from != node(1); };
    world[1].say("lost with its sender");
    world[2].say("behind the hole");
    ASSERT_TRUE(world.run_until([&] { return world[2].engine().holds_token(); }));
    world.crash(1);
    world.tap = {};
    ASSERT_TRUE(world.settle_as({2, 3, 4}));
    for (const std::uint32_t each : {2U, 3U, 4U}) {
        EXPECT_THAT(world[each].texts(), ElementsAre("behind the hole"));
    }
}

TEST_F(membership, two_sides_go_on_by_themselves_and_merge_whole) {
    part({1, 2}, {3, 4});
    ASSERT_TRUE(world.settle_as({1, 2}));
    ASSERT_TRUE(world.settle_as({3, 4}));
    world[1].say("left");
    world[3].say("right");
    ASSERT_TRUE(world.run_until_quiet());
    EXPECT_THAT(world[2].texts(), ElementsAre("left"));
    EXPECT_THAT(world[4].texts(), ElementsAre("right"));
    world.heal();
    ASSERT_TRUE(world.settle());
    EXPECT_THAT(moved_together(1), ElementsAre(1, 2));
    EXPECT_THAT(moved_together(4), ElementsAre(3, 4));
    for (std::uint32_t each = 1; each <= 4; ++each) {
        EXPECT_EQ(world[each].counts().views, 3U);
    }
}

TEST_F(membership, a_pair_that_hears_each_other_in_one_direction_only_is_parted_the_higher_one_goes) {
    world.cut(3, 4);
    ASSERT_TRUE(world.run_until([&] { return world[1].sees({1, 2, 3}); }));
    EXPECT_TRUE(world.settle_as({1, 2, 3}));
    world.run_for(2s);
    EXPECT_TRUE(world[1].sees({1, 2, 3}));
    EXPECT_TRUE(world[4].sees({4}));
    world.heal();
    EXPECT_TRUE(world.settle(20s));
}

TEST_F(membership, newcomers_wait_for_the_running_attempt) {
    world.crash(4);
    ASSERT_TRUE(world.settle_as({1, 2, 3}));
    world.crash(3);
    world.boot(4);
    ASSERT_TRUE(world.settle_as({1, 2, 4}));
    EXPECT_LE(world[1].counts().views, 5U);
}

TEST_F(membership, who_leaves_in_order_is_gone_before_any_limit_and_its_words_are_heard) {
    world[2].say("farewell");
    ASSERT_TRUE(world.run_until_quiet());
    world[2].leave();
    ASSERT_TRUE(world.run_until([&] { return world[1].sees({1, 3, 4}); }, 60ms));
    EXPECT_TRUE(world.run_until([&] { return world[2].engine().retired(); }, 60ms));
    EXPECT_THAT(world[4].texts(), ElementsAre("farewell"));
}

TEST_F(membership, an_idle_view_stays_as_it_is) {
    const std::uint64_t before = attempts();
    world.run_for(60s);
    EXPECT_EQ(attempts(), before);
    EXPECT_EQ(world[1].counts().views, 1U);
}

} // namespace
} // namespace coterie::tests

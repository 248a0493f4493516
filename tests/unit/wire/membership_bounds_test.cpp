// SPDX-License-Identifier: BSD-3-Clause
// The bounds of the packets that change a view: what their decoders refuse although the seal is good, and what their
// encoders never write.
#include "tests/support/altered_body.hpp"
#include "tests/support/largest_packets.hpp"

#include <gtest/gtest.h>

namespace coterie::tests {
namespace {

using wire::completion;
using wire::install;
using wire::plan;
using wire::proposal;
using wire::recovered;
using wire::refusal;
using wire::report;
using wire::transition;

TEST(proposal_bounds, its_attempt_is_a_real_one) { EXPECT_TRUE(judges_view<proposal>(0, false)); }

TEST(proposal_bounds, the_candidates_are_sorted_and_known) {
    proposal packet = sample<proposal>();
    packet.candidates = {member_of(7), member_of(9)};
    EXPECT_TRUE(judges_last_two_members(packet));
}

TEST(proposal_bounds, there_are_candidates_but_no_more_than_fit) {
    proposal packet = sample<proposal>();
    packet.candidates = members_of(1, 128);
    altered_body many(packet);
    EXPECT_TRUE(many.accepted<proposal>());
    many.put(20, std::uint16_t{129}).add(12, member_of(129));
    EXPECT_FALSE(many.accepted<proposal>());

    altered_body none(packet);
    none.put(20, std::uint16_t{0}).cut(22);
    EXPECT_FALSE(none.accepted<proposal>());
}

TEST(report_bounds, its_attempt_is_a_real_one_and_its_views_may_be_none) {
    EXPECT_TRUE(judges_view<report>(0, false));
    EXPECT_TRUE(judges_view<report>(20, true));
    EXPECT_TRUE(judges_view<report>(68, true));
}

TEST(report_bounds, counters_leave_room_for_arithmetic) {
    for (const std::size_t offset : {40U, 52U, 60U, 96U, 114U}) {
        EXPECT_TRUE(judges_counter<report>(offset)) << offset;
    }
}

TEST(report_bounds, a_hash_may_be_anything) {
    for (const std::uint64_t hash : {std::uint64_t{0}, ~std::uint64_t{0}}) {
        EXPECT_TRUE(altered_body(sample<report>()).put(88, hash).accepted<report>());
    }
}

TEST(report_bounds, what_it_holds_beyond_stays_within_the_window) {
    report packet = sample<report>();
    packet.beyond.assign(512, 1);
    packet.owed.clear();
    packet.hears.clear();
    EXPECT_TRUE(altered_body(packet).accepted<report>());
    // With one byte more, what lies behind moves by one; it is all small numbers, so nothing but the bound is broken.
    packet.delivered = packet.stable = packet.owed_stable = {};
    packet.epoch_highest = {};
    packet.completed = base::no_view;
    packet.completed_hash = 0;
    altered_body longer(packet);
    longer.add(1, std::uint8_t{0}).put(48, std::uint16_t{513});
    EXPECT_FALSE(longer.accepted<report>());
}

TEST(report_bounds, the_owed_are_sorted) {
    const auto accepts = [](std::uint32_t first, std::uint32_t second) {
        return altered_body(sample<report>()).put(106, first).put(110, second).accepted<report>();
    };
    EXPECT_TRUE(accepts(1, 2));
    EXPECT_FALSE(accepts(0, 2));
    EXPECT_FALSE(accepts(2, 2));
    EXPECT_FALSE(accepts(3, 2));
}

TEST(report_bounds, the_heard_are_sorted_and_known) {
    report packet = sample<report>();
    packet.hears = {member_of(7), member_of(9)};
    EXPECT_TRUE(judges_last_two_members(packet));
}

TEST(refusal_bounds, it_names_two_attempts) {
    EXPECT_TRUE(judges_view<refusal>(0, false));
    EXPECT_TRUE(judges_view<refusal>(20, false));
}

// The sample's members begin at 22, the first holder is at 58, its first transition begins at 64.
constexpr std::size_t first_transition = 64;

TEST(plan_bounds, its_attempt_is_a_real_one) { EXPECT_TRUE(judges_view<plan>(0, false)); }

TEST(plan_bounds, the_members_are_sorted_and_known) {
    const auto accepts = [](base::member second) {
        return altered_body(sample<plan>()).put(34, second).accepted<plan>();
    };
    EXPECT_TRUE(accepts(member_of(2)));
    EXPECT_FALSE(accepts(member_of(1)));
    EXPECT_FALSE(accepts(member_of(3)));
    EXPECT_FALSE(accepts({.node = {2}, .nonce = {0}}));
}

TEST(plan_bounds, the_first_holder_is_a_member) {
    const auto accepts = [](std::uint32_t holder) {
        return altered_body(sample<plan>()).put(58, holder).accepted<plan>();
    };
    EXPECT_TRUE(accepts(1));
    EXPECT_TRUE(accepts(2));
    EXPECT_TRUE(accepts(3));
    EXPECT_FALSE(accepts(0));
    EXPECT_FALSE(accepts(4));
}

TEST(plan_bounds, transitions_are_sorted_by_the_old_view_which_may_be_none) {
    const auto accepts = [](const base::view_id& first) {
        return altered_body(sample<plan>()).put(first_transition, first).accepted<plan>();
    };
    EXPECT_TRUE(accepts(base::no_view));
    EXPECT_TRUE(accepts(view_of(0)));
    EXPECT_FALSE(accepts(view_of(2)));
    EXPECT_FALSE(accepts(view_of(3)));
    for (const base::view_id& broken : broken_views) {
        EXPECT_FALSE(accepts(broken));
    }
}

TEST(plan_bounds, a_plan_without_a_past_is_accepted) {
    plan packet = sample<plan>();
    packet.transitions.clear();
    EXPECT_TRUE(altered_body(packet).accepted<plan>());
}

TEST(plan_bounds, those_who_move_together_are_sorted_and_not_nobody) {
    const auto accepts = [](std::uint32_t first, std::uint32_t second) {
        const std::size_t offset = first_transition + 22;
        return altered_body(sample<plan>()).put(offset, first).put(offset + 4, second).accepted<plan>();
    };
    EXPECT_TRUE(accepts(1, 2));
    EXPECT_FALSE(accepts(0, 2));
    EXPECT_FALSE(accepts(2, 2));
    EXPECT_FALSE(accepts(2, 1));
}

TEST(plan_bounds, counters_leave_room_for_arithmetic) {
    EXPECT_TRUE(judges_counter<plan>(first_transition + 30));
    EXPECT_TRUE(judges_counter<plan>(first_transition + 38));
}

TEST(plan_bounds, runs_have_an_owner_among_those_who_move_or_nobody) {
    const auto accepts = [](std::uint8_t owner) {
        return altered_body(sample<plan>()).put(first_transition + 54, owner).accepted<plan>();
    };
    EXPECT_TRUE(accepts(0));
    EXPECT_TRUE(accepts(1));
    EXPECT_FALSE(accepts(2));
    EXPECT_FALSE(accepts(254));
    EXPECT_TRUE(accepts(255));
}

TEST(plan_bounds, runs_are_not_empty_and_stay_within_the_window_together) {
    const auto accepts = [](std::uint16_t first, std::uint16_t second) {
        const std::size_t offset = first_transition + 55;
        return altered_body(sample<plan>()).put(offset, first).put(offset + 3, second).accepted<plan>();
    };
    EXPECT_TRUE(accepts(1, 1));
    EXPECT_TRUE(accepts(4095, 1));
    EXPECT_FALSE(accepts(4095, 2));
    EXPECT_FALSE(accepts(0xFFFF, 0xFFFF));
    EXPECT_FALSE(accepts(0, 1));
    EXPECT_FALSE(accepts(1, 0));
}

TEST(plan_bounds, counts_beyond_the_body_are_refused) {
    // Of members, transitions, those together, the owed and the runs.
    for (const std::size_t offset : {20U, 62U, 84U, 110U, 116U}) {
        EXPECT_FALSE(altered_body(sample<plan>()).put(offset, std::uint16_t{0xFFFF}).accepted<plan>()) << offset;
        EXPECT_FALSE(altered_body(sample<plan>()).put(offset, std::uint16_t{100}).accepted<plan>()) << offset;
    }
}

TEST(plan_size, is_told_before_it_is_encoded) {
    base::buffer_pool pool;
    for (const plan& packet : {sample<plan>(), largest<plan>()}) {
        EXPECT_EQ(wire::encoded_bytes(packet), wire::encode(pool, sender, packet).size());
    }
}

TEST(plan_size, is_told_for_plans_that_do_not_fit) {
    plan packet = largest<plan>();
    for (transition& one : packet.transitions) {
        one.owed = nodes_of(1, 128);
    }
    EXPECT_GT(wire::encoded_bytes(packet), wire::datagram_bytes_max);
}

TEST(plan_hash, is_the_same_for_who_wrote_the_plan_and_who_read_it) {
    base::buffer_pool pool;
    const base::buffer encoded = wire::encode(pool, sender, sample<plan>());
    const auto decoded = wire::decode_plan(body_of(encoded));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(wire::hash_of(*decoded), wire::hash_of(sample<plan>()));
    EXPECT_EQ(wire::hash_of(sample<plan>()), 0xE3C8A7BFF091AF1B);
}

TEST(plan_hash, differs_when_anything_differs) {
    const std::uint64_t original = wire::hash_of(sample<plan>());
    plan packet = sample<plan>();
    packet.first_holder = {3};
    EXPECT_NE(wire::hash_of(packet), original);
    packet = sample<plan>();
    packet.transitions.front().union_runs.front().count ^= 1U;
    EXPECT_NE(wire::hash_of(packet), original);
    packet = sample<plan>();
    packet.members.front().nonce.value ^= 1U;
    EXPECT_NE(wire::hash_of(packet), original);
}

TEST(completion_bounds, its_attempt_is_a_real_one) { EXPECT_TRUE(judges_view<completion>(0, false)); }

TEST(install_bounds, its_attempt_is_a_real_one_and_its_authority_may_be_none) {
    EXPECT_TRUE(judges_view<install>(0, false));
    EXPECT_TRUE(judges_view<install>(28, true));
}

TEST(recovered_bounds, it_names_an_attempt_an_old_view_a_number_and_an_originator) {
    EXPECT_TRUE(judges_view<recovered>(0, false));
    EXPECT_TRUE(judges_view<recovered>(20, false));
    EXPECT_TRUE(judges_counter<recovered>(40, 1));
    EXPECT_TRUE(judges_node<recovered>(48));
    EXPECT_TRUE(judges_flags<recovered>(52, 8));
}

TEST(membership_bounds_death, encoders_refuse_to_write_what_decoders_refuse_to_read) {
    base::buffer_pool pool;
    const auto encodes = [&pool](const auto& packet) { (void)wire::encode(pool, sender, packet); };

    EXPECT_DEATH(encodes(proposal{.attempt = view_of(1), .candidates = {}}),
                 "an encoded proposal is within its bounds");
    report answer = sample<report>();
    answer.beyond.resize(513);
    EXPECT_DEATH(encodes(answer), "no longer than its receiver accepts");
    EXPECT_DEATH(encodes(report{}), "an encoded report is within its bounds");
    EXPECT_DEATH(encodes(refusal{}), "an encoded refusal is within its bounds");
    plan agreed = sample<plan>();
    agreed.transitions.front().union_runs.front().owner = 2;
    EXPECT_DEATH(encodes(agreed), "an encoded plan is within its bounds");
    agreed = largest<plan>();
    for (transition& one : agreed.transitions) {
        one.owed = nodes_of(1, 128);
    }
    EXPECT_DEATH(encodes(agreed), "an encoded packet fits into one datagram");
    EXPECT_DEATH(encodes(completion{}), "an encoded completion is within its bounds");
    EXPECT_DEATH(encodes(install{}), "an encoded install is within its bounds");
    EXPECT_DEATH(encodes(recovered{}), "an encoded recovered packet is within its bounds");
}

} // namespace
} // namespace coterie::tests

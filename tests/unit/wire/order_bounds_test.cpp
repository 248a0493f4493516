// SPDX-License-Identifier: BSD-3-Clause
// The bounds of the packets that run a view: what their decoders refuse although the seal is good, and what their
// encoders never write.
#include "tests/support/altered_body.hpp"
#include "tests/support/largest_packets.hpp"

#include <gtest/gtest.h>

namespace coterie::tests {
namespace {

using wire::acknowledgement;
using wire::data;
using wire::heartbeat;
using wire::repair_request;
using wire::token;
using wire::token_proof;
using wire::token_request;

TEST(heartbeat_bounds, views_are_whole_or_none) {
    EXPECT_TRUE(judges_view<heartbeat>(0, true));
    EXPECT_TRUE(judges_view<heartbeat>(23, true));
}

TEST(heartbeat_bounds, a_view_has_no_more_members_than_fit) {
    EXPECT_TRUE(altered_body(sample<heartbeat>()).put(20, std::uint16_t{128}).accepted<heartbeat>());
    EXPECT_FALSE(altered_body(sample<heartbeat>()).put(20, std::uint16_t{129}).accepted<heartbeat>());
}

TEST(heartbeat_bounds, only_known_flags_are_accepted) { EXPECT_TRUE(judges_flags<heartbeat>(22, 16)); }

TEST(heartbeat_bounds, counters_leave_room_for_arithmetic) {
    for (const std::size_t offset : {43U, 51U, 63U, 71U, 79U, 87U, 103U}) {
        EXPECT_TRUE(judges_counter<heartbeat>(offset)) << offset;
    }
}

TEST(heartbeat_bounds, an_echoed_nonce_may_be_anything) {
    for (const std::uint64_t nonce : {std::uint64_t{0}, ~std::uint64_t{0}}) {
        EXPECT_TRUE(altered_body(sample<heartbeat>()).put(95, nonce).accepted<heartbeat>());
    }
}

TEST(heartbeat_bounds, the_heard_are_sorted_and_known) {
    heartbeat packet = sample<heartbeat>();
    packet.hears = {member_of(7), member_of(9)};
    EXPECT_TRUE(judges_last_two_members(packet));
}

TEST(heartbeat_bounds, a_sender_may_hear_nobody) {
    heartbeat packet = sample<heartbeat>();
    packet.hears.clear();
    EXPECT_TRUE(altered_body(packet).accepted<heartbeat>());
}

TEST(heartbeat_bounds, more_are_heard_than_there_can_be_members) {
    heartbeat packet = sample<heartbeat>();
    packet.hears = members_of(1, 128);
    altered_body body(packet);
    EXPECT_TRUE(body.accepted<heartbeat>());
    body.put(115, std::uint16_t{129}).add(12, member_of(129));
    EXPECT_FALSE(body.accepted<heartbeat>());
}

TEST(heartbeat_bounds, a_count_beyond_the_body_is_refused) {
    for (const std::uint16_t count : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{3}, std::uint16_t{0xFFFF}}) {
        EXPECT_FALSE(altered_body(sample<heartbeat>()).put(115, count).accepted<heartbeat>()) << count;
    }
}

TEST(data_bounds, its_view_is_a_real_one) { EXPECT_TRUE(judges_view<data>(0, false)); }

TEST(data_bounds, numbers_begin_with_one) { EXPECT_TRUE(judges_counter<data>(20, 1)); }

TEST(data_bounds, somebody_is_the_originator) { EXPECT_TRUE(judges_node<data>(28)); }

TEST(data_bounds, only_known_flags_are_accepted) { EXPECT_TRUE(judges_flags<data>(32, 8)); }

TEST(data_bounds, counters_leave_room_for_arithmetic) {
    for (const std::size_t offset : {33U, 45U, 53U}) {
        EXPECT_TRUE(judges_counter<data>(offset)) << offset;
    }
}

TEST(data_bounds, the_holder_may_be_unknown) {
    EXPECT_TRUE(altered_body(sample<data>()).put(41, std::uint32_t{0}).accepted<data>());
}

TEST(data_bounds, a_payload_may_be_empty) {
    data packet = sample<data>();
    packet.payload = {};
    EXPECT_TRUE(altered_body(packet).accepted<data>());
}

TEST(data_bounds, a_body_larger_than_a_datagram_is_refused) {
    altered_body body(largest<data>());
    EXPECT_TRUE(body.accepted<data>());
    body.add(1, std::uint8_t{0});
    EXPECT_FALSE(body.accepted<data>());
}

TEST(token_bounds, its_view_is_a_real_one) { EXPECT_TRUE(judges_view<token>(0, false)); }

TEST(token_bounds, hops_and_numbers_begin_with_one) {
    EXPECT_TRUE(judges_counter<token>(20, 1));
    EXPECT_TRUE(judges_counter<token>(36, 1));
}

TEST(token_bounds, counters_leave_room_for_arithmetic) {
    for (const std::size_t offset : {44U, 52U, 62U, 78U}) {
        EXPECT_TRUE(judges_counter<token>(offset)) << offset;
    }
}

TEST(token_bounds, somebody_gives_it_to_somebody) {
    EXPECT_TRUE(judges_node<token>(28));
    EXPECT_TRUE(judges_node<token>(32));
}

TEST(token_bounds, a_view_has_members_but_no_more_than_fit) {
    token packet = sample<token>();
    packet.members.resize(1);
    altered_body none(packet);
    EXPECT_TRUE(none.accepted<token>());
    packet.members.resize(128);
    altered_body many(packet);
    EXPECT_TRUE(many.accepted<token>());
    many.put(60, std::uint16_t{129}).add(8, std::uint64_t{1}).add(8, std::uint64_t{1});
    EXPECT_FALSE(many.accepted<token>());
}

TEST(token_proof_bounds, it_names_a_view_and_a_hop) {
    EXPECT_TRUE(judges_view<token_proof>(0, false));
    EXPECT_TRUE(judges_counter<token_proof>(20, 1));
}

TEST(token_request_bounds, it_names_a_view_a_requester_and_a_hop) {
    EXPECT_TRUE(judges_view<token_request>(0, false));
    EXPECT_TRUE(judges_node<token_request>(20));
    EXPECT_TRUE(judges_counter<token_request>(28));
}

TEST(acknowledgement_bounds, it_names_a_view_and_a_number) {
    EXPECT_TRUE(judges_view<acknowledgement>(0, false));
    EXPECT_TRUE(judges_counter<acknowledgement>(24));
    EXPECT_TRUE(judges_counter<acknowledgement>(32));
    EXPECT_TRUE(judges_flags<acknowledgement>(40, 2));
}

TEST(acknowledgement_bounds, it_speaks_for_members_that_a_view_can_have) {
    const auto accepts = [](std::uint16_t first, std::uint16_t count) {
        return altered_body(sample<acknowledgement>()).put(20, first).put(22, count).accepted<acknowledgement>();
    };
    EXPECT_TRUE(accepts(0, 128));
    EXPECT_TRUE(accepts(127, 1));
    EXPECT_FALSE(accepts(0, 0));
    EXPECT_FALSE(accepts(0, 129));
    EXPECT_FALSE(accepts(128, 1));
    EXPECT_FALSE(accepts(1, 128));
    EXPECT_FALSE(accepts(0xFFFF, 0xFFFF));
}

TEST(repair_request_bounds, its_view_is_a_real_one_and_its_attempt_may_be_none) {
    EXPECT_TRUE(judges_view<repair_request>(0, false));
    EXPECT_TRUE(judges_view<repair_request>(20, true));
}

TEST(repair_request_bounds, a_choice_is_yes_or_no) { EXPECT_TRUE(judges_flags<repair_request>(40, 2)); }

TEST(repair_request_bounds, ranges_begin_with_one_and_stay_within_the_window) {
    EXPECT_TRUE(judges_counter<repair_request>(43, 1));
    EXPECT_TRUE(judges_counter<repair_request>(55, 1));
    const auto accepts = [](std::uint32_t count) {
        return altered_body(sample<repair_request>()).put(51, count).accepted<repair_request>();
    };
    EXPECT_TRUE(accepts(1));
    EXPECT_TRUE(accepts(4096));
    EXPECT_FALSE(accepts(0));
    EXPECT_FALSE(accepts(4097));
    EXPECT_FALSE(accepts(0xFFFFFFFF));
}

TEST(repair_request_bounds, it_asks_for_something_but_not_for_everything) {
    repair_request packet = sample<repair_request>();
    packet.ranges.assign(64, {.first = {{1}}, .count = 1});
    altered_body body(packet);
    EXPECT_TRUE(body.accepted<repair_request>());
    body.put(41, std::uint16_t{65}).add(8, std::uint64_t{1}).add(4, std::uint32_t{1});
    EXPECT_FALSE(body.accepted<repair_request>());
}

TEST(order_bounds_death, encoders_refuse_to_write_what_decoders_refuse_to_read) {
    base::buffer_pool pool;
    const auto encodes = [&pool](const auto& packet) { (void)wire::encode(pool, sender, packet); };

    heartbeat beat = sample<heartbeat>();
    beat.hears = {member_of(2), member_of(1)};
    EXPECT_DEATH(encodes(beat), "an encoded heartbeat is within its bounds");
    beat.hears = members_of(1, 129);
    EXPECT_DEATH(encodes(beat), "no longer than its receiver accepts");
    data numbered = sample<data>();
    numbered.number = {};
    EXPECT_DEATH(encodes(numbered), "an encoded data packet is within its bounds");
    numbered = largest<data>();
    std::vector<std::byte> longer(numbered.payload.size() + 1);
    numbered.payload = longer;
    EXPECT_DEATH(encodes(numbered), "an encoded packet fits into one datagram");
    token passed = sample<token>();
    passed.members.clear();
    EXPECT_DEATH(encodes(passed), "an encoded token is within its bounds");
    EXPECT_DEATH(encodes(token_proof{}), "an encoded token proof is within its bounds");
    EXPECT_DEATH(encodes(token_request{}), "an encoded token request is within its bounds");
    EXPECT_DEATH(encodes(acknowledgement{}), "an encoded acknowledgement is within its bounds");
    repair_request asked = sample<repair_request>();
    asked.ranges.clear();
    EXPECT_DEATH(encodes(asked), "an encoded repair request is within its bounds");
}

} // namespace
} // namespace coterie::tests

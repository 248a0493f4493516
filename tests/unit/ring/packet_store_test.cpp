// SPDX-License-Identifier: BSD-3-Clause
// The repair store: what counts as received, what it gives back, what it lets go of, and where its range ends.
#include "ring/packet_store.hpp"

#include <gtest/gtest.h>

namespace coterie::ring {
namespace {

constexpr sequence_number number(std::uint64_t value) { return {{value}}; }

class packet_store_of_100 : public testing::Test {
protected:
    bool keep(std::uint64_t at, std::size_t bytes = 10) {
        const base::buffer packet = pool.copy(std::vector<std::byte>(bytes));
        return store.insert(number(at), {packet, packet.bytes(), {static_cast<std::uint32_t>(at)}, 0});
    }
    base::buffer_pool pool;
    packet_store store{100, number(2)};
};

TEST_F(packet_store_of_100, an_empty_store_has_received_nothing) {
    EXPECT_EQ(store.received(), number(0));
    EXPECT_EQ(store.highest(), number(0));
    EXPECT_EQ(store.find(number(0)), nullptr);
    EXPECT_EQ(store.find(number(1)), nullptr);
}

TEST_F(packet_store_of_100, a_gap_holds_received_back_until_it_is_closed) {
    EXPECT_TRUE(keep(1));
    EXPECT_TRUE(keep(3));
    EXPECT_TRUE(keep(4));
    EXPECT_EQ(store.received(), number(1));
    EXPECT_EQ(store.highest(), number(4));
    EXPECT_EQ(store.find(number(2)), nullptr);
    EXPECT_TRUE(keep(2));
    EXPECT_EQ(store.received(), number(4));
}

TEST_F(packet_store_of_100, a_number_is_kept_once) {
    EXPECT_TRUE(keep(1, 10));
    EXPECT_FALSE(keep(1, 20));
    EXPECT_EQ(store.find(number(1))->payload.size(), 10U);
    EXPECT_EQ(store.size(), 1U);
}

TEST_F(packet_store_of_100, the_range_ends_at_the_capacity_and_moves_with_what_is_released) {
    EXPECT_FALSE(keep(0));
    EXPECT_FALSE(keep(101));
    EXPECT_TRUE(keep(100));
    EXPECT_TRUE(keep(1));
    store.release(number(1));
    EXPECT_TRUE(keep(101));
    EXPECT_FALSE(keep(102));
    EXPECT_FALSE(keep(1)) << "what was released is not taken again";
    EXPECT_EQ(store.size(), 2U);
}

TEST_F(packet_store_of_100, it_grows_without_losing_what_it_holds) {
    for (const std::uint64_t at : {1U, 64U, 2U, 65U, 100U}) {
        EXPECT_TRUE(keep(at));
    }
    for (const std::uint64_t at : {1U, 2U, 64U, 65U, 100U}) {
        ASSERT_NE(store.find(number(at)), nullptr) << at;
        EXPECT_EQ(store.find(number(at))->originator.value, at);
    }
    EXPECT_EQ(store.find(number(3)), nullptr);
    EXPECT_EQ(store.received(), number(2));
}

TEST_F(packet_store_of_100, releasing_frees_packets_and_counts_their_bytes_but_not_those_of_tables) {
    for (std::uint64_t at = 1; at <= 5; ++at) {
        EXPECT_TRUE(keep(at, 10 * at));
    }
    store.release(number(4));
    EXPECT_EQ(store.released_bytes(), 30U + 40U);
    EXPECT_EQ(store.size(), 1U);
    EXPECT_EQ(store.find(number(4)), nullptr);
    EXPECT_EQ(store.find(number(5))->payload.size(), 50U);
    store.release(number(3));
    EXPECT_EQ(store.released(), number(4)) << "it never goes back";
}

TEST_F(packet_store_of_100, slots_are_used_again_and_again) {
    for (std::uint64_t at = 1; at <= 10'000; ++at) {
        ASSERT_TRUE(keep(at));
        if (at >= 50) {
            store.release(number(at - 49));
        }
    }
    EXPECT_EQ(store.received(), number(10'000));
    EXPECT_EQ(store.size(), 49U);
}

TEST_F(packet_store_of_100, packets_are_let_go_of_with_the_last_that_held_them) {
    const base::buffer packet = pool.copy(std::vector<std::byte>(10));
    EXPECT_TRUE(store.insert(number(1), {packet, packet.bytes(), {1}, 0}));
    EXPECT_EQ(packet.references(), 2U);
    store.release(number(1));
    EXPECT_EQ(packet.references(), 1U);
}

TEST_F(packet_store_of_100, what_nobody_else_needs_is_passed_over) {
    ASSERT_TRUE(keep(1));
    store.release(number(1));
    for (std::uint64_t at = 2; at <= 1'000; ++at) {
        store.pass(number(at));
    }
    EXPECT_EQ(store.received(), number(1'000));
    EXPECT_EQ(store.highest(), number(1'000));
    EXPECT_EQ(store.released(), number(1'000));
    EXPECT_TRUE(keep(1'001));
    EXPECT_EQ(store.find(number(1'000)), nullptr);
}

TEST_F(packet_store_of_100, nothing_is_passed_over_while_packets_are_kept) {
    ASSERT_TRUE(keep(1));
    EXPECT_DEATH(store.pass(number(2)), "numbers follow each other");
    store.release(number(1));
    EXPECT_DEATH(store.pass(number(3)), "numbers follow each other");
}

TEST(packet_store_death, what_has_not_been_received_is_not_released) {
    packet_store store(10, {});
    EXPECT_DEATH(store.release(number(1)), "only received packets are released");
}

} // namespace
} // namespace coterie::ring

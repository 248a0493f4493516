// SPDX-License-Identifier: BSD-3-Clause
// The order of ids, which the protocol leans on, and that numbers of different meaning do not mix.
#include "base/ids.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <concepts>
#include <random>
#include <vector>

namespace coterie::base {
namespace {

template <class Left, class Right>
concept comparable = requires(Left left, Right right) { left < right; };

static_assert(comparable<sequence_number, sequence_number>);
static_assert(!comparable<sequence_number, hop_number>);
static_assert(!comparable<node_id, epoch_number>);
static_assert(!std::convertible_to<node_id, incarnation>);
static_assert(!std::convertible_to<sequence_number, epoch_number>);

constexpr view_id view(std::uint64_t epoch, std::uint32_t coordinator, std::uint64_t nonce) {
    return {.epoch = {{epoch}}, .coordinator = {coordinator}, .nonce = {nonce}};
}

TEST(view_ids, are_ordered_by_epoch_then_coordinator_then_nonce) {
    const std::vector<view_id> ordered{no_view,       view(1, 1, 1), view(1, 1, 2), view(1, 2, 1),
                                       view(1, 2, 9), view(2, 1, 1), view(2, 1, 5), view(3, 1, 0)};
    std::vector<view_id> shuffled = ordered;
    std::ranges::shuffle(shuffled, std::mt19937(1));
    std::ranges::sort(shuffled);
    EXPECT_EQ(shuffled, ordered);
}

TEST(view_ids, are_valid_unless_they_stand_for_none) {
    EXPECT_FALSE(no_view.valid());
    EXPECT_FALSE(view_id{}.valid());
    EXPECT_TRUE(view(1, 0, 0).valid());
    EXPECT_LT(no_view, view(1, 0, 0));
}

TEST(members, are_ordered_by_node_first) {
    const member low{.node = {1}, .nonce = {9}};
    const member high{.node = {2}, .nonce = {1}};
    const member reborn{.node = {2}, .nonce = {2}};
    EXPECT_LT(low, high);
    EXPECT_LT(high, reborn);
    EXPECT_NE(high, reborn);
}

TEST(counters, count) {
    constexpr sequence_number five{{5}};
    static_assert(five.next() == sequence_number{{6}});
    static_assert(five.previous() == sequence_number{{4}});
    static_assert(five.plus(10) == sequence_number{{15}});
    static_assert(sequence_number{{15}}.since(five) == 10);
    static_assert(five.since(five) == 0);
    EXPECT_LT(five, five.next());
    EXPECT_EQ(sequence_number{}.value, 0);
}

TEST(nobody, is_zero) {
    EXPECT_EQ(no_node.value, 0);
    EXPECT_EQ(no_incarnation.value, 0);
    EXPECT_EQ(node_id{}, no_node);
}

} // namespace
} // namespace coterie::base

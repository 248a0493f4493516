// SPDX-License-Identifier: BSD-3-Clause
// Shared buffers and the pool that keeps idle ones.
#include "base/buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace coterie::base {
namespace {

constexpr std::array<std::byte, 3> three{std::byte{1}, std::byte{2}, std::byte{3}};

TEST(buffer, an_empty_handle_is_false_and_holds_nothing) {
    buffer empty;
    EXPECT_FALSE(empty);
    EXPECT_TRUE(empty.bytes().empty());
    EXPECT_TRUE(empty.space().empty());
    EXPECT_TRUE(empty.writable().empty());
    EXPECT_EQ(empty.size(), 0);
    EXPECT_EQ(empty.references(), 0);
    EXPECT_FALSE(empty.sealed());
}

TEST(buffer, a_taken_one_is_empty_and_has_the_space_asked_for) {
    buffer_pool pool;
    for (const std::size_t capacity : {0U, 1U, 63U, 64U, 65U, 1500U, 65'000U}) {
        buffer taken = pool.take(capacity);
        ASSERT_TRUE(taken);
        EXPECT_GE(taken.space().size(), capacity);
        EXPECT_EQ(taken.size(), 0);
        EXPECT_EQ(taken.references(), 1);
        EXPECT_FALSE(taken.sealed());
    }
}

TEST(buffer, a_copy_shares_the_bytes) {
    buffer_pool pool;
    buffer original = pool.copy(three);
    EXPECT_TRUE(std::ranges::equal(original.bytes(), three));
    {
        const buffer shared = original; // NOLINT(performance-unnecessary-copy-initialization)
        EXPECT_EQ(shared.bytes().data(), original.bytes().data());
        EXPECT_EQ(original.references(), 2);
        original.writable()[0] = std::byte{9};
        EXPECT_EQ(shared.bytes()[0], std::byte{9});
    }
    EXPECT_EQ(original.references(), 1);
}

TEST(buffer, a_move_leaves_nothing_behind) {
    buffer_pool pool;
    buffer first = pool.copy(three);
    buffer second = std::move(first);
    EXPECT_EQ(second.references(), 1);
    EXPECT_FALSE(first); // NOLINT(bugprone-use-after-move)
}

TEST(buffer, an_assigned_handle_lets_its_old_bytes_go_at_once) {
    buffer_pool pool;
    buffer first = pool.take(100);
    buffer second = pool.copy(three);
    first = second;
    EXPECT_EQ(second.references(), 2);
    EXPECT_EQ(pool.idle_bytes(), 128);
    buffer third = pool.take(200);
    buffer fourth = pool.copy(three);
    third = std::move(fourth);
    EXPECT_EQ(pool.idle_bytes(), 128 + 256);
}

TEST(buffer, an_assignment_to_itself_changes_nothing) {
    buffer_pool pool;
    buffer one = pool.copy(three);
    buffer& same = one;
    one = same;
    EXPECT_EQ(one.references(), 1);
    one = std::move(same);
    EXPECT_EQ(one.references(), 1);
    EXPECT_TRUE(std::ranges::equal(one.bytes(), three));
}

TEST(buffer_pool, a_returned_buffer_is_taken_again_as_new) {
    buffer_pool pool;
    const std::byte* place = nullptr;
    {
        buffer used = pool.copy(three);
        used.mark_sealed();
        place = used.bytes().data();
    }
    EXPECT_EQ(pool.idle_bytes(), 64);
    buffer again = pool.take(50);
    EXPECT_EQ(again.space().data(), place);
    EXPECT_EQ(again.size(), 0);
    EXPECT_EQ(again.references(), 1);
    EXPECT_FALSE(again.sealed());
    EXPECT_EQ(pool.idle_bytes(), 0);
}

TEST(buffer_pool, a_buffer_that_is_still_shared_is_not_taken_again) {
    buffer_pool pool;
    buffer held = pool.copy(three);
    {
        const buffer shared = held; // NOLINT(performance-unnecessary-copy-initialization)
    }
    EXPECT_EQ(pool.idle_bytes(), 0);
    const buffer other = pool.take(3);
    EXPECT_NE(other.bytes().data(), held.bytes().data());
    EXPECT_TRUE(std::ranges::equal(held.bytes(), three));
}

TEST(buffer_pool, a_small_idle_buffer_is_not_handed_out_for_a_large_one) {
    buffer_pool pool;
    {
        const buffer small = pool.take(64);
    }
    buffer large = pool.take(65);
    EXPECT_GE(large.space().size(), 65);
    EXPECT_EQ(pool.idle_bytes(), 64);
}

TEST(buffer_pool, buffers_outlive_their_pool) {
    auto pool = std::make_unique<buffer_pool>();
    {
        const buffer idle = pool->take(1000);
    }
    buffer first = pool->copy(three);
    buffer second = first;
    buffer third = pool->copy(three);
    pool.reset();
    EXPECT_TRUE(std::ranges::equal(first.bytes(), three));
    first = buffer();
    EXPECT_TRUE(std::ranges::equal(second.bytes(), three));
    second = buffer();
    EXPECT_TRUE(std::ranges::equal(third.bytes(), three));
}

TEST(buffer_pool, idle_memory_stays_below_its_bound) {
    buffer_pool pool(1000);
    std::vector<buffer> many;
    for (int i = 0; i < 100; ++i) {
        many.push_back(pool.take(128));
    }
    many.clear();
    EXPECT_EQ(pool.idle_bytes(), 7 * 128);
    {
        const buffer large = pool.take(4096);
    }
    EXPECT_EQ(pool.idle_bytes(), 7 * 128);
    {
        const buffer fits = pool.take(64);
    }
    EXPECT_EQ(pool.idle_bytes(), 7 * 128 + 64);
}

TEST(buffer_pool, a_part_shares_the_bytes_of_its_whole_and_keeps_them) {
    buffer_pool pool;
    buffer whole = pool.take(4'096);
    whole.resize(4'096);
    std::ranges::fill(whole.writable(), std::byte{7});
    buffer first = pool.part(whole, whole.bytes().subspan(0, 1'000));
    buffer second = pool.part(whole, whole.bytes().subspan(1'000, 500));
    buffer third = pool.part(second, second.bytes().subspan(100));
    EXPECT_EQ(first.bytes().data(), whole.bytes().data());
    EXPECT_EQ(third.bytes().data(), whole.bytes().data() + 1'100);
    EXPECT_EQ(third.size(), 400);
    EXPECT_EQ(third.space().size(), 400) << "what lies behind is another's";
    EXPECT_EQ(whole.references(), 4);
    second.mark_sealed();
    EXPECT_FALSE(whole.sealed());
    whole = {};
    first = {};
    second = {};
    EXPECT_TRUE(std::ranges::all_of(third.bytes(), [](std::byte each) { return each == std::byte{7}; }));
    EXPECT_EQ(pool.idle_bytes(), 2 * 64) << "the whole is still in use";
    third = {};
    EXPECT_EQ(pool.idle_bytes(), 3 * 64 + 4'096);
    buffer again = pool.take(64);
    EXPECT_EQ(again.space().size(), 64) << "a part no more";
}

TEST(buffer_pool, parts_may_outlive_the_pool) {
    buffer left;
    {
        buffer_pool pool;
        const buffer whole = pool.copy(three);
        left = pool.part(whole, whole.bytes().subspan(1));
    }
    EXPECT_TRUE(std::ranges::equal(left.bytes(), std::span(three).subspan(1)));
}

TEST(buffer_pool, a_pool_that_keeps_nothing_works) {
    buffer_pool pool(0);
    for (int i = 0; i < 3; ++i) {
        const buffer one = pool.copy(three);
        EXPECT_TRUE(std::ranges::equal(one.bytes(), three));
    }
    EXPECT_EQ(pool.idle_bytes(), 0);
}

TEST(buffer_pool, an_empty_copy_is_an_empty_buffer) {
    buffer_pool pool;
    const buffer empty = pool.copy({});
    EXPECT_TRUE(empty);
    EXPECT_EQ(empty.size(), 0);
}

TEST(buffer_death, a_buffer_is_never_used_beyond_its_capacity) {
    buffer_pool pool;
    buffer one = pool.take(64);
    one.resize(64);
    EXPECT_DEATH(one.resize(65), "never used beyond its capacity");
    buffer none;
    EXPECT_DEATH(none.resize(0), "never used beyond its capacity");
    EXPECT_DEATH((void)pool.take((std::size_t{1} << 31U) + 1), "at most 2 GiB");
    const buffer other = pool.copy(three);
    EXPECT_DEATH((void)pool.part(one, other.bytes()), "lies in its whole");
}

} // namespace
} // namespace coterie::base

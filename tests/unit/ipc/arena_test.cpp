// SPDX-License-Identifier: BSD-3-Clause
// Buffers in shared memory: what is given out never overlaps, what comes back is given out again, and all of it can be used
// up and had back. A model that knows each byte says what the arena has to answer.
#include "ipc/shared_arena.hpp"

#include "base/random.hpp"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <iterator>
#include <limits>
#include <optional>
#include <vector>

namespace coterie::ipc {

namespace {

constexpr std::size_t line = 64; ///< buffers start at multiples of this
constexpr std::size_t lines = 128;

shared_arena arena_of(std::size_t bytes) {
    auto made = shared_arena::make(bytes);
    EXPECT_TRUE(made) << made.error().message();
    return std::move(*made);
}

/// Which lines are in use, and nothing else: no lists, no merging.
class model {
public:
    /// Where the first row of so many free lines is.
    [[nodiscard]] std::optional<std::size_t> first_room(std::size_t bytes) const {
        const auto room = std::ranges::search_n(_used, static_cast<std::ptrdiff_t>(lines_of(bytes)), false);
        return room.empty()
                   ? std::nullopt
                   : std::optional(line * static_cast<std::size_t>(std::distance(_used.begin(), room.begin())));
    }
    void mark(std::size_t offset, std::size_t bytes, bool used) {
        std::fill_n(_used.begin() + static_cast<std::ptrdiff_t>(offset / line), lines_of(bytes), used);
    }

private:
    static std::size_t lines_of(std::size_t bytes) { return (std::max<std::size_t>(bytes, 1) + line - 1) / line; }

    std::vector<bool> _used = std::vector<bool>(lines, false);
};

} // namespace

TEST(shared_arena, gives_out_again_what_came_back) {
    shared_arena arena = arena_of(lines * line);
    std::byte* const one = arena.take(100);
    std::byte* const two = arena.take(100);
    ASSERT_NE(one, nullptr);
    ASSERT_EQ(two - one, 128) << "whole lines";
    ASSERT_TRUE(arena.give_back(one));
    EXPECT_EQ(arena.take(129), two + 128) << "too large for the hole";
    EXPECT_EQ(arena.take(128), one);
}

TEST(shared_arena, merges_what_came_back_in_any_order) {
    std::vector<std::size_t> order{0, 1, 2};
    do {
        shared_arena arena = arena_of(lines * line);
        std::vector<std::byte*> buffers;
        for (const std::size_t count : {1UL, 2UL, lines - 3}) {
            buffers.push_back(arena.take(count * line));
            ASSERT_NE(buffers.back(), nullptr);
        }
        EXPECT_EQ(arena.take(0), nullptr) << "used up, and even an empty buffer takes room";
        for (const std::size_t each : order) {
            EXPECT_EQ(arena.take(lines * line), nullptr);
            EXPECT_TRUE(arena.give_back(buffers[each]));
        }
        EXPECT_EQ(arena.take(lines * line), buffers[0]) << "all in one piece";
    } while (std::ranges::next_permutation(order).found);
}

TEST(shared_arena, has_no_room_for_what_is_larger_than_memory) {
    shared_arena arena = arena_of(lines * line);
    EXPECT_EQ(arena.take(lines * line + 1), nullptr);
    for (std::size_t i = 0; i < line + 2; ++i) {
        EXPECT_EQ(arena.take(std::numeric_limits<std::size_t>::max() - i), nullptr) << "rounding up does not wrap";
    }
    EXPECT_NE(arena.take(lines * line), nullptr);
}

TEST(shared_arena, knows_what_lies_in_one_buffer) {
    shared_arena arena = arena_of(lines * line);
    std::byte* const one = arena.take(100);
    std::byte* const two = arena.take(100);
    EXPECT_EQ(arena.offset_of(one, 100), 0U);
    EXPECT_EQ(arena.offset_of(one + 40, 60), 40U);
    EXPECT_EQ(arena.offset_of(two + 100, 0), 228U) << "its end, and nothing there";
    EXPECT_FALSE(arena.offset_of(one, 101)) << "the rest of its last line is nobody's";
    EXPECT_FALSE(arena.offset_of(one + 101, 0));
    EXPECT_FALSE(arena.offset_of(one, 228)) << "two buffers are not one";
    EXPECT_FALSE(arena.offset_of(one + 50, std::numeric_limits<std::size_t>::max() - 10));
    EXPECT_FALSE(arena.offset_of(one - 1, 1));
    EXPECT_FALSE(arena.offset_of(nullptr, 0));
    const char elsewhere = 0;
    EXPECT_FALSE(arena.offset_of(&elsewhere, 1));
    EXPECT_FALSE(arena.give_back(&elsewhere));
    EXPECT_FALSE(arena.give_back(one + line)) << "not the start of a buffer";
    ASSERT_TRUE(arena.give_back(one));
    EXPECT_FALSE(arena.offset_of(one, 1));
    EXPECT_FALSE(arena.give_back(one)) << "twice";
    EXPECT_EQ(arena.offset_of(two, 100), 128U) << "the other one is still there";
}

TEST(shared_arena, does_as_a_model_of_every_line_says) {
    struct buffer {
        std::byte* start;
        std::size_t bytes;
        int mark;
    };
    base::random_source random(20'251'123);
    shared_arena arena = arena_of(lines * line);
    model expected;
    std::vector<buffer> taken;
    int refused = 0;
    std::byte* const begin = arena.take(1);
    ASSERT_TRUE(arena.give_back(begin));
    const auto take = [&](std::size_t bytes, int mark) {
        const auto room = expected.first_room(bytes);
        std::byte* const start = arena.take(bytes);
        ASSERT_EQ(start, room ? begin + *room : nullptr) << bytes << " bytes at step " << mark;
        if (!room) {
            ++refused;
            return;
        }
        expected.mark(*room, bytes, true);
        std::memset(start, mark, bytes);
        taken.push_back({start, bytes, mark});
    };
    const auto give_back = [&](std::size_t which) {
        const buffer each = taken[which];
        const auto good = [&](std::byte byte) { return byte == static_cast<std::byte>(each.mark); };
        ASSERT_TRUE(std::all_of(each.start, each.start + each.bytes, good)) << "somebody else has written there";
        ASSERT_EQ(arena.offset_of(each.start, each.bytes), static_cast<std::size_t>(each.start - begin));
        ASSERT_TRUE(arena.give_back(each.start));
        ASSERT_FALSE(arena.give_back(each.start));
        expected.mark(static_cast<std::size_t>(each.start - begin), each.bytes, false);
        taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(which));
    };
    for (int step = 0; step < 20'000 && !testing::Test::HasFatalFailure(); ++step) {
        // Tides, so that it is now nearly empty and now full.
        const bool rising = step / 200 % 2 == 0;
        if (taken.empty() || random.below(10) < (rising ? 7U : 3U)) {
            take(random.below(random.below(8) == 0 ? lines * line / 4 : 5 * line), step);
        } else {
            give_back(random.below(taken.size()));
        }
    }
    while (!taken.empty() && !testing::Test::HasFatalFailure()) {
        give_back(random.below(taken.size()));
    }
    EXPECT_GT(refused, 100) << "it was full at times";
    EXPECT_EQ(arena.take(lines * line), begin) << "all of it is there again";
}

} // namespace coterie::ipc

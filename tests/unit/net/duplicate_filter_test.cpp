// SPDX-License-Identifier: BSD-3-Clause
// What comes twice is told from what is new, in any order, within a bounded memory.
#include "net/duplicate_filter.hpp"

#include <gtest/gtest.h>

namespace coterie::net {

namespace {

constexpr base::incarnation life{7};

} // namespace

TEST(duplicates, are_known_in_whatever_order_they_come) {
    duplicate_filter seen;
    for (const std::uint64_t counter : {1U, 2U, 5U, 3U, 4'000U, 64U, 63U, 65U}) {
        EXPECT_TRUE(seen.is_new(life, counter)) << counter;
        EXPECT_FALSE(seen.is_new(life, counter)) << counter;
    }
    for (const std::uint64_t counter : {1U, 2U, 3U, 5U, 63U, 64U, 65U, 4'000U}) {
        EXPECT_FALSE(seen.is_new(life, counter)) << counter;
    }
    EXPECT_TRUE(seen.is_new(life, 4));
}

TEST(duplicates, are_remembered_over_eight_thousand_datagrams) {
    duplicate_filter seen;
    for (std::uint64_t counter = 1; counter <= 100'000; ++counter) {
        ASSERT_TRUE(seen.is_new(life, counter)) << counter;
        ASSERT_FALSE(seen.is_new(life, counter)) << counter;
        if (counter > 8'191) {
            ASSERT_FALSE(seen.is_new(life, counter - 8'191)) << counter;
        }
    }
    EXPECT_TRUE(seen.is_new(life, 1)) << "too old to tell: better twice than never";
    EXPECT_TRUE(seen.is_new(life, 1));
}

TEST(duplicates, do_not_follow_from_what_was_skipped) {
    duplicate_filter seen;
    for (const std::uint64_t step : {8'191U, 8'192U, 8'193U, 100'000U}) {
        const std::uint64_t base = step * 10;
        EXPECT_TRUE(seen.is_new(life, base));
        EXPECT_TRUE(seen.is_new(life, base + step));
        EXPECT_TRUE(seen.is_new(life, base + step - 1));
        EXPECT_TRUE(seen.is_new(life, base + step - 8'190));
    }
}

TEST(duplicates, are_those_of_one_life) {
    duplicate_filter seen;
    EXPECT_TRUE(seen.is_new(life, 5));
    EXPECT_TRUE(seen.is_new({8}, 5));
    EXPECT_FALSE(seen.is_new({8}, 5));
}

} // namespace coterie::net

// SPDX-License-Identifier: BSD-3-Clause
// The deterministic source of random numbers: known values, since a seed must mean the same run for ever.
#include "base/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace coterie::base {
namespace {

TEST(random_source, gives_the_published_values_of_splitmix64) {
    random_source zero(0);
    EXPECT_EQ(zero.next(), 0xE220A8397B1DCDAF);
    EXPECT_EQ(zero.next(), 0x6E789E6AA1B965F4);
    EXPECT_EQ(zero.next(), 0x06C45D188009454F);
    random_source other(1234567);
    EXPECT_EQ(other.next(), 6457827717110365317U);
    EXPECT_EQ(other.next(), 3203168211198807973U);
    EXPECT_EQ(other.next(), 9817491932198370423U);
    EXPECT_EQ(other.next(), 4593380528125082431U);
    EXPECT_EQ(other.next(), 16408922859458223821U);
}

TEST(random_source, is_usable_in_constant_expressions) {
    constexpr std::uint64_t first = random_source(0).next();
    static_assert(first == 0xE220A8397B1DCDAF);
}

TEST(random_source, numbers_below_a_bound_reach_everything_below_it_and_nothing_else) {
    random_source random(1);
    std::array<int, 6> seen{};
    for (int i = 0; i < 60'000; ++i) {
        const std::uint64_t number = random.below(seen.size());
        ASSERT_LT(number, seen.size());
        ++seen[number];
    }
    for (const int count : seen) {
        EXPECT_NEAR(count, 10'000, 500);
    }
}

TEST(random_source, below_nothing_there_is_only_zero) {
    random_source random(1);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(random.below(0), 0);
        EXPECT_EQ(random.below(1), 0);
    }
}

TEST(random_source, numbers_between_two_reach_both) {
    random_source random(1);
    bool low = false;
    bool high = false;
    for (int i = 0; i < 1000; ++i) {
        const std::int64_t number = random.between(-2, 3);
        ASSERT_GE(number, -2);
        ASSERT_LE(number, 3);
        low |= number == -2;
        high |= number == 3;
    }
    EXPECT_TRUE(low);
    EXPECT_TRUE(high);
    EXPECT_EQ(random.between(5, 5), 5);
}

TEST(random_source, numbers_between_the_ends_of_all_numbers_do_not_overflow) {
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    random_source random(1);
    bool negative = false;
    bool positive = false;
    for (int i = 0; i < 100; ++i) {
        const std::int64_t number = random.between(least, most);
        negative |= number < 0;
        positive |= number > 0;
        EXPECT_GE(random.between(most - 1, most), most - 1);
        EXPECT_LE(random.between(least, least + 1), least + 1);
    }
    EXPECT_TRUE(negative);
    EXPECT_TRUE(positive);
}

TEST(random_source, a_chance_is_met_as_often_as_it_says) {
    random_source random(1);
    int met = 0;
    for (int i = 0; i < 100'000; ++i) {
        met += random.chance(3, 10) ? 1 : 0;
        EXPECT_FALSE(random.chance(0, 10));
        EXPECT_TRUE(random.chance(10, 10));
    }
    EXPECT_NEAR(met, 30'000, 1000);
}

} // namespace
} // namespace coterie::base

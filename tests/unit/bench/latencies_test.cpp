// SPDX-License-Identifier: BSD-3-Clause
// Times and their distribution.
#include "bench/latencies.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace coterie::bench {

TEST(latencies, tell_the_times_that_parts_of_them_do_not_exceed) {
    latencies seen;
    // 1 to 1000 microseconds, not in order.
    for (std::int64_t i = 0; i < 1'000; ++i) {
        seen.add((i * 7 % 1'000 + 1) * 1'000);
    }
    const distribution told = seen.told();
    EXPECT_EQ(told.count, 1'000);
    EXPECT_DOUBLE_EQ(told.mean_us, 500.5);
    EXPECT_NEAR(told.p50_us, 500, 1);
    EXPECT_NEAR(told.p99_us, 990, 1);
    EXPECT_NEAR(told.p999_us, 999, 1);
    EXPECT_EQ(told.max_us, 1'000);
    EXPECT_EQ(told.curve_us.front(), 1);
    EXPECT_EQ(told.curve_us.back(), 1'000);
    EXPECT_TRUE(std::is_sorted(told.curve_us.begin(), told.curve_us.end()));
}

TEST(latencies, tell_nothing_of_none_and_one_of_one) {
    EXPECT_EQ(latencies{}.told().count, 0);
    latencies seen;
    seen.add(5'000);
    EXPECT_EQ(seen.told().p50_us, 5);
    EXPECT_EQ(seen.told().max_us, 5);
}

} // namespace coterie::bench

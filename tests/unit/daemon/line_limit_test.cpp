// SPDX-License-Identifier: BSD-3-Clause
// Lines that others can cause are few in a stretch of time, and those that are left out are counted.
#include "daemon/line_limit.hpp"

#include <gtest/gtest.h>

namespace coterie::daemon {

TEST(line_limit, lets_a_few_through_and_counts_the_rest) {
    line_limit limit;
    const base::time_point start(std::chrono::hours(1));
    for (unsigned i = 0; i < line_limit::lines_max; ++i) {
        const auto each = limit.judge(start + std::chrono::milliseconds(i));
        EXPECT_TRUE(each.tell);
        EXPECT_EQ(each.left_out, 0U);
    }
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(limit.judge(start + std::chrono::seconds(9)).tell);
    }
    const auto next = limit.judge(start + line_limit::stretch);
    EXPECT_TRUE(next.tell);
    EXPECT_EQ(next.left_out, 3U);
    EXPECT_EQ(limit.judge(start + line_limit::stretch).left_out, 0U) << "said once";
}

} // namespace coterie::daemon

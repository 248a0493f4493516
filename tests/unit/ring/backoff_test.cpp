// SPDX-License-Identifier: BSD-3-Clause
// How pauses between repetitions grow.
#include "ring/backoff.hpp"

#include <gtest/gtest.h>

namespace coterie::ring {
namespace {

using std::chrono::milliseconds;

TEST(pauses_between_repetitions, double_up_to_sixteenfold) {
    EXPECT_EQ(backed_off(milliseconds(3), 0, milliseconds(200)), milliseconds(3));
    EXPECT_EQ(backed_off(milliseconds(3), 2, milliseconds(200)), milliseconds(12));
    EXPECT_EQ(backed_off(milliseconds(3), 1'000'000, milliseconds(200)), milliseconds(48));
}

TEST(pauses_between_repetitions, end_at_the_longest_unless_the_first_is_longer) {
    EXPECT_EQ(backed_off(milliseconds(150), 3, milliseconds(200)), milliseconds(200));
    EXPECT_EQ(backed_off(milliseconds(300), 3, milliseconds(200)), milliseconds(300));
}

} // namespace
} // namespace coterie::ring

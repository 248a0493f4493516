// SPDX-License-Identifier: BSD-3-Clause
// Assertions end the process and name what was broken, in every build type.
#include "base/assert.hpp"

#include <gtest/gtest.h>

namespace coterie::base {
namespace {

TEST(assertions, that_hold_evaluate_their_condition_once) {
    int evaluations = 0;
    COTERIE_ASSERT(++evaluations == 1, "an evaluation is counted");
    EXPECT_EQ(evaluations, 1);
}

TEST(assertions_death, a_broken_invariant_is_named_with_its_place) {
    EXPECT_DEATH(COTERIE_ASSERT(1 + 1 == 3, "sums are right"),
                 "coterie: invariant broken: sums are right \\(.*assert_test\\.cpp:[0-9]+\\)");
}

} // namespace
} // namespace coterie::base

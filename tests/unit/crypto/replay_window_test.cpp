// SPDX-License-Identifier: BSD-3-Clause
// What came before, what is too old to tell, and what is new, for all orders of arrival.
#include "crypto/replay_window.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>
#include <set>

namespace coterie::crypto {
namespace {

using verdict = replay_window::verdict;

TEST(replay_window, agrees_with_a_list_of_all_that_came) {
    base::random_source random(7);
    for (int world = 0; world < 20; ++world) {
        replay_window window;
        const std::uint64_t first = random.below(2) == 0 ? 0 : 1 + random.below(100'000);
        window.begin(first);
        std::set<std::uint64_t> came;
        std::uint64_t highest = first == 0 ? 0 : first - 1;
        for (int step = 0; step < 20'000; ++step) {
            const std::uint64_t reach = random.below(10) == 0 ? 20'000 : 50;
            const std::uint64_t lowest = highest < reach ? 0 : highest - reach;
            const std::uint64_t counter = lowest + random.below(2 * reach);
            const bool old = counter < first || (counter <= highest && highest - counter >= replay_window::remembered);
            const verdict expected = old ? verdict::too_old : came.contains(counter) ? verdict::seen : verdict::fresh;
            ASSERT_EQ(window.judge(counter), expected) << counter << " of " << highest;
            if (expected == verdict::fresh) {
                window.add(counter);
                came.insert(counter);
                highest = std::max(highest, counter);
            }
        }
    }
}

TEST(replay_window, takes_nothing_older_than_where_it_begins) {
    replay_window window;
    window.add(5);
    window.begin(1'000);
    EXPECT_EQ(window.judge(999), verdict::too_old);
    EXPECT_EQ(window.judge(1'000), verdict::fresh);
    window.add(1'000);
    EXPECT_EQ(window.judge(1'000), verdict::seen);
}

} // namespace
} // namespace coterie::crypto

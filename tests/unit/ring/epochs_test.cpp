// SPDX-License-Identifier: BSD-3-Clause
// Epochs: none is used before it is reserved, none twice, and all lie above whatever is known.
#include "ring/epochs.hpp"

#include "tests/support/ring_context.hpp"

#include <gtest/gtest.h>

namespace coterie::tests {
namespace {

constexpr base::epoch_number epoch(std::uint64_t value) { return {{value}}; }

class epochs : public testing::Test {
protected:
    explicit epochs(std::uint64_t stored = 500, std::uint64_t wall_clock_us = 9'000)
        : part([=](ring::settings& cfg) {
              cfg.epoch_stored = epoch(stored);
              cfg.wall_clock_us = wall_clock_us;
              cfg.epoch_block = 100;
          }),
          tested(part.context) {
        tested.start();
    }
    void store_answers() { tested.on_stored(part.world.stores.back()); }
    std::uint64_t taken() {
        const auto result = tested.take();
        return result ? result->value : 0;
    }

    lone_part part;
    ring::epochs tested;
};

struct epochs_without_a_store : epochs {
    epochs_without_a_store() : epochs(0) {}
};

TEST_F(epochs, nothing_is_taken_before_the_store_has_answered) {
    EXPECT_EQ(part.world.stores, std::vector{epoch(600)});
    EXPECT_FALSE(tested.available());
    EXPECT_EQ(taken(), 0U);
    store_answers();
    EXPECT_EQ(taken(), 500U);
    EXPECT_EQ(taken(), 501U);
}

TEST_F(epochs, the_next_block_is_asked_for_when_half_of_the_last_is_used) {
    store_answers();
    for (std::uint64_t at = 500; at < 549; ++at) {
        EXPECT_EQ(taken(), at);
    }
    EXPECT_EQ(part.world.stores.size(), 1U);
    EXPECT_EQ(taken(), 549U);
    EXPECT_EQ(part.world.stores, (std::vector{epoch(600), epoch(650)}));
    for (std::uint64_t at = 550; at < 600; ++at) {
        EXPECT_EQ(taken(), at);
    }
    EXPECT_EQ(taken(), 0U) << "the store has not answered";
    store_answers();
    EXPECT_EQ(taken(), 600U);
}

TEST_F(epochs, another_node_that_is_ahead_moves_them_above_itself) {
    store_answers();
    tested.heard(epoch(550));
    EXPECT_EQ(taken(), 551U);
    tested.heard(epoch(700));
    EXPECT_FALSE(tested.available());
    store_answers();
    EXPECT_EQ(taken(), 701U);
    tested.heard(epoch(600));
    EXPECT_EQ(taken(), 702U);
    EXPECT_EQ(tested.highest(), epoch(702));
}

TEST_F(epochs_without_a_store, they_begin_above_the_wall_clock_and_above_any_heard) {
    store_answers();
    EXPECT_EQ(taken(), 9'000U);
    tested.heard(epoch(20'000));
    store_answers();
    EXPECT_EQ(taken(), 20'001U);
}

TEST_F(epochs, an_answer_of_the_store_reserves_no_more_than_was_asked_for) {
    tested.on_stored(epoch(1'000'000));
    for (std::uint64_t at = 500; at < 600; ++at) {
        EXPECT_EQ(taken(), at);
    }
    EXPECT_EQ(taken(), 0U);
}

TEST_F(epochs, one_near_the_end_of_all_epochs_is_not_believed) {
    store_answers();
    tested.heard(epoch((std::uint64_t{1} << 62U) - 1));
    EXPECT_EQ(part.context.counts.implausible, 1U);
    EXPECT_EQ(taken(), 500U);
    EXPECT_FALSE(tested.plausible(epoch(std::uint64_t{1} << 62U)));
    EXPECT_TRUE(tested.plausible(epoch(std::uint64_t{1} << 60U)));
}

} // namespace
} // namespace coterie::tests

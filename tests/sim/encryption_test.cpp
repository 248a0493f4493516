// SPDX-License-Identifier: BSD-3-Clause
// The record layer in the path of every packet, with somebody on the network who plays back and alters what he hears: all
// guarantees hold as without him.
#include "sim/run.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coterie::sim {
namespace {

std::string text_of(const std::vector<trace::event>& events) {
    std::string result;
    for (const trace::event& each : events) {
        result += trace::format(each) + '\n';
    }
    return result;
}

plan attacked(std::uint64_t seed) {
    plan result =
        plan_of({.schedule = "swarm", .seed = seed, .nodes = 4, .time = std::chrono::seconds(1), .safe = {}}).value();
    result.world.encrypted = true;
    result.world.attacks = {.replays = 200'000, .forgeries = 200'000};
    return result;
}

TEST(an_attacker_without_the_key, changes_nothing_that_is_promised) {
    std::uint64_t attacks = 0;
    std::uint64_t delivered = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const run_outcome outcome = run(attacked(seed));
        EXPECT_TRUE(outcome.good()) << "seed " << seed << "\n" << report_of(outcome);
        attacks += outcome.network.attacks;
        delivered += outcome.delivered;
    }
    EXPECT_GT(attacks, 100'000U);
    EXPECT_GT(delivered, 1'000U);
}

TEST(an_attacker_without_the_key, is_the_same_for_the_same_seed) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        EXPECT_TRUE(text_of(run(attacked(seed)).trace) == text_of(run(attacked(seed)).trace)) << "seed " << seed;
    }
}

TEST(encryption, is_drawn_by_a_share_of_all_seeds) {
    std::uint64_t encrypted = 0;
    constexpr std::uint64_t seeds = 100;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        encrypted += plan_of({.schedule = "swarm", .seed = seed, .safe = {}})->world.encrypted ? 1U : 0U;
    }
    EXPECT_GT(encrypted, seeds / 5);
    EXPECT_LT(encrypted, seeds / 2);
}

} // namespace
} // namespace coterie::sim

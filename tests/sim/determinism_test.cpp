// SPDX-License-Identifier: BSD-3-Clause
// The same seed gives the same run, byte for byte; another seed gives another.
#include "sim/run.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coterie::sim {
namespace {

std::string trace_of(const std::string& schedule, std::uint64_t seed) {
    const run_outcome outcome = run({.schedule = schedule, .seed = seed, .safe = {}});
    std::string result;
    for (const trace::event& each : outcome.trace) {
        result += trace::format(each);
        result += '\n';
    }
    return result;
}

class every_schedule : public testing::TestWithParam<std::size_t> {};

TEST_P(every_schedule, replays_byte_for_byte_from_its_seed) {
    const schedule& what = schedules()[GetParam()];
    if (!what.recorded) {
        GTEST_SKIP() << what.name << " records nothing";
    }
    const std::uint64_t seeds = what.name == "swarm" ? 20 : 4;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const std::string once = trace_of(std::string(what.name), seed);
        // Something else in between, so that nothing can leak from one run into the next unseen.
        (void)run({.schedule = "clean", .seed = seed + 1'000, .safe = {}});
        ASSERT_FALSE(once.empty());
        ASSERT_TRUE(once == trace_of(std::string(what.name), seed)) << what.name << " with seed " << seed;
    }
}

INSTANTIATE_TEST_SUITE_P(listed, every_schedule, testing::Range(std::size_t{0}, schedules().size()),
                         [](const testing::TestParamInfo<std::size_t>& which) {
                             std::string name(schedules()[which.param].name);
                             for (char& each : name) {
                                 each = each == '-' ? '_' : each;
                             }
                             return name;
                         });

TEST(another_seed, gives_another_run) { EXPECT_NE(trace_of("swarm", 1), trace_of("swarm", 2)); }

} // namespace
} // namespace coterie::sim

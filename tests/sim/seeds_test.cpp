// SPDX-License-Identifier: BSD-3-Clause
// Many seeds of every schedule, each judged in full. Runs as several processes, one of COTERIE_SIM_SHARDS shards each;
// all of them together are the suite whose coverage coverage_test.cpp looks at.
#include "sim/run.hpp"
#include "tests/sim/suite_coverage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace coterie::sim {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// How many seeds of each schedule the whole suite runs; sweeps run to their ends.
constexpr std::uint64_t swarm_seeds = 2'000;
constexpr std::uint64_t directed_seeds = 120;
constexpr std::uint64_t clean_seeds = 40;
constexpr std::uint64_t stage_seeds = 1'200; // ten for each pair of state and fault

coverage met;

std::uint64_t seeds_of(const schedule& what) {
    if (what.name == "swarm") {
        return swarm_seeds;
    }
    if (what.name == "stage-faults") {
        return stage_seeds;
    }
    return what.name == "clean" ? clean_seeds : directed_seeds;
}

class shard {
public:
    bool owns(std::uint64_t seed) const { return seed % _count == _index; }
    std::string name() const { return "shard-" + std::to_string(_index); }

private:
    std::uint64_t _count = number_from("COTERIE_SIM_SHARDS", 1);
    std::uint64_t _index = number_from("COTERIE_SIM_SHARD", 0);
};

/// Runs one seed; false when so much has failed that more would not tell more.
bool try_seed(const run_request& request, bool& exhausted) {
    constexpr int failures_max = 5;
    static int failures = 0;
    const run_outcome outcome = run(request);
    met.add(outcome.met);
    exhausted = outcome.exhausted;
    if (outcome.good()) {
        return true;
    }
    std::string found;
    for (std::size_t at = 0; at < std::min<std::size_t>(3, outcome.violations.size()); ++at) {
        found += "  guarantee " + std::to_string(outcome.violations[at].guarantee) + ": " +
                 outcome.violations[at].what + "\n";
    }
    ADD_FAILURE() << found << "  replay: coterie sim " << replay_words(request);
    return ++failures < failures_max;
}

class many_seeds : public testing::TestWithParam<std::size_t> {};

TEST_P(many_seeds, keep_every_guarantee) {
    const schedule& what = schedules()[GetParam()];
    if (!what.recorded) {
        GTEST_SKIP() << what.name << " is not judged";
    }
    const shard mine;
    bool exhausted = false;
    if (!what.sweep) {
        for (std::uint64_t seed = 1; seed <= seeds_of(what); ++seed) {
            if (mine.owns(seed) &&
                !try_seed({.schedule = std::string(what.name), .seed = seed, .safe = {}}, exhausted)) {
                return;
            }
        }
        return;
    }
    // A sweep is over for this shard when a whole block of its places is exhausted.
    constexpr std::size_t sweep_nodes = 4;
    const std::uint64_t block = sweep_block(what, sweep_nodes);
    const std::uint64_t blocks_max = 2'000;
    for (std::uint64_t number = 0; number < blocks_max; ++number) {
        if (!mine.owns(number)) {
            continue;
        }
        bool any = false;
        for (std::uint64_t place = 0; place < block; ++place) {
            const run_request request{
                .schedule = std::string(what.name), .seed = number * block + place, .nodes = sweep_nodes, .safe = {}};
            if (!try_seed(request, exhausted)) {
                return;
            }
            any = any || !exhausted;
        }
        if (!any) {
            return;
        }
    }
    ADD_FAILURE() << what.name << " does not come to an end";
}

INSTANTIATE_TEST_SUITE_P(of, many_seeds, testing::Range(std::size_t{0}, schedules().size()),
                         [](const testing::TestParamInfo<std::size_t>& which) {
                             std::string name(schedules()[which.param].name);
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

class writes_coverage final : public testing::Environment {
public:
    void TearDown() override { write_coverage(met, shard().name()); }
};

[[maybe_unused]] const testing::Environment* const at_the_end = testing::AddGlobalTestEnvironment(new writes_coverage);

} // namespace
} // namespace coterie::sim

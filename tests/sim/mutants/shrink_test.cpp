// SPDX-License-Identifier: BSD-3-Clause
// Shrinking: what is left of a run is what its failure needs, shown by tests that know what that is and by a defect that
// is planted in the protocol.
#include "base/mutant.hpp"
#include "sim/shrink.hpp"
#include "sim/trial.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>

namespace coterie::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

plan drawn(std::uint64_t seed) { return plan_of({.schedule = "swarm", .seed = seed, .safe = {}}).value(); }

bool any_fault(const plan& in, trouble kind) {
    return std::ranges::find(in.faults, kind, &planned_fault::kind) != in.faults.end();
}

/// The first seed whose plan is of some size and has a fault of this kind.
plan large_with(trouble kind) {
    for (std::uint64_t seed = 1;; ++seed) {
        plan result = drawn(seed);
        if (result.faults.size() >= 10 && result.clients.size() >= 4 && result.world.nodes >= 4 &&
            any_fault(result, kind)) {
            return result;
        }
    }
}

TEST(shrinking, keeps_what_the_failure_needs_and_nothing_else) {
    const plan failing = large_with(trouble::pause);
    const shrunk result = shrink(
        failing,
        [](const plan& candidate) {
            return any_fault(candidate, trouble::pause) && candidate.world.nodes >= 3 && !candidate.clients.empty();
        },
        100'000);
    EXPECT_TRUE(result.finished);
    const plan& left = result.smallest;
    ASSERT_EQ(left.faults.size(), 1U);
    EXPECT_EQ(left.faults.front().kind, trouble::pause);
    EXPECT_LE(left.faults.front().lasts, milliseconds(1));
    EXPECT_EQ(left.world.nodes, 3U);
    ASSERT_EQ(left.clients.size(), 1U);
    EXPECT_TRUE(left.formed);
    EXPECT_TRUE(left.boots.empty());
    // Settings are the defaults again.
    EXPECT_EQ(left.world.ring.window_packets, ring::settings{}.window_packets);
    EXPECT_EQ(left.clients.front().profile.pace, traffic_profile{}.pace);
    EXPECT_EQ(left.clients.front().profile.crashes, 0U);
    ASSERT_TRUE(plan_from(to_text(left)));
}

TEST(shrinking, keeps_two_faults_that_fail_only_together) {
    plan failing;
    failing.world.nodes = 5;
    failing.time = seconds(3);
    for (std::uint32_t at = 0; at < 40; ++at) {
        failing.faults.push_back({.kind = at % 2 == 0 ? trouble::pause : trouble::cut,
                                  .at = milliseconds(10 * at),
                                  .lasts = milliseconds(50),
                                  .nodes = {{1 + at % 5}}});
    }
    const auto has = [](const plan& in, std::int64_t at) {
        return std::ranges::any_of(in.faults, [at](const auto& each) { return each.at == milliseconds(at); });
    };
    const shrunk result =
        shrink(failing, [&](const plan& candidate) { return has(candidate, 70) && has(candidate, 320); }, 10'000);
    EXPECT_TRUE(result.finished);
    ASSERT_EQ(result.smallest.faults.size(), 2U);
    EXPECT_EQ(result.smallest.faults.front().at, milliseconds(70));
    EXPECT_EQ(result.smallest.faults.back().at, milliseconds(320));
}

TEST(shrinking, ends_when_its_tries_are_used_up) {
    const plan failing = large_with(trouble::cut);
    std::size_t tried = 0;
    const shrunk result = shrink(
        failing,
        [&tried](const plan&) {
            ++tried;
            return false;
        },
        7);
    EXPECT_EQ(tried, 7U);
    EXPECT_EQ(result.tried, 7U);
    EXPECT_FALSE(result.finished);
    EXPECT_EQ(to_text(result.smallest), to_text(failing));
}

TEST(a_plan_without_a_node, is_about_the_nodes_that_are_left) {
    plan whole;
    whole.world.nodes = 3;
    whole.boots = {milliseconds(1), milliseconds(2), milliseconds(3)};
    whole.clients = {{.node = {1}}, {.node = {2}}, {.node = {3}}};
    whole.faults = {{.kind = trouble::crash, .nodes = {{2}}},
                    {.kind = trouble::cut, .nodes = {{1}, {2}}, .others = {{3}}},
                    {.kind = trouble::cut, .nodes = {{1}}, .others = {{2}}},
                    {.kind = trouble::noise}};
    const plan left = without_node(whole, {2});
    EXPECT_EQ(left.world.nodes, 2U);
    EXPECT_EQ(left.boots, (std::vector<duration>{milliseconds(1), milliseconds(3)}));
    ASSERT_EQ(left.clients.size(), 2U);
    EXPECT_EQ(left.clients.back().node, node_id{2});
    ASSERT_EQ(left.faults.size(), 2U);
    EXPECT_EQ(left.faults.front().nodes, std::vector<node_id>{{1}});
    EXPECT_EQ(left.faults.front().others, std::vector<node_id>{{2}});
    EXPECT_EQ(left.faults.back().kind, trouble::noise);
}

/// Plays with a planted defect, in a process of its own.
trial try_with(const char* defect, const plan& what) {
    return try_apart(
        [&] {
            base::active_mutant = defect;
            return run(what);
        },
        seconds(60));
}

TEST(a_planted_defect, is_found_by_the_swarm_and_shrunk_to_a_run_that_still_shows_it) {
    // Needs a view change while messages wait: a fault that takes a member away, and clients that send.
    const char* const defect = "groups_drop_on_view_change";
    constexpr int guarantee = 12;
    plan failing;
    for (std::uint64_t seed = 1; failing.faults.empty() && seed <= 100; ++seed) {
        const plan candidate = drawn(seed);
        if (candidate.faults.size() >= 8 && try_with(defect, candidate).broken.contains(guarantee)) {
            failing = candidate;
        }
    }
    ASSERT_FALSE(failing.faults.empty()) << "no seed shows the defect";
    const shrunk result = shrink(
        failing, [&](const plan& candidate) { return try_with(defect, candidate).broken.contains(guarantee); }, 600);
    const plan& left = result.smallest;
    EXPECT_LE(left.faults.size(), 2U) << to_text(left);
    EXPECT_LE(left.clients.size(), 2U) << to_text(left);
    EXPECT_LE(left.world.nodes, 3U) << to_text(left);
    EXPECT_LE(left.time, failing.time);
    // What is printed for people is the same run.
    const auto read = plan_from(to_text(left));
    ASSERT_TRUE(read) << read.error();
    EXPECT_TRUE(try_with(defect, *read).broken.contains(guarantee));
    EXPECT_TRUE(try_with("", *read).good()) << "without the defect nothing is wrong with it";
}

TEST(a_run_that_breaks_an_assertion, is_told_apart_from_one_that_was_judged) {
    const trial aborted = try_apart([]() -> run_outcome { std::abort(); }, seconds(60));
    EXPECT_EQ(aborted.broken, std::set<int>{died});
    EXPECT_NE(aborted.report.find("signal 6"), std::string::npos) << aborted.report;
    const trial endless = try_apart(
        []() -> run_outcome {
            for (std::atomic<int> turns = 0;; ++turns) {
            }
        },
        seconds(1));
    EXPECT_EQ(endless.broken, std::set<int>{died});
    EXPECT_NE(endless.report.find("did not end within 1 s of computing"), std::string::npos) << endless.report;
    EXPECT_TRUE(try_apart([] { return run(run_request{.seed = 1, .safe = {}}); }, seconds(60)).good());
}

} // namespace
} // namespace coterie::sim

// SPDX-License-Identifier: BSD-3-Clause
// What a picture is made of: faults with the names that people give them, and the run as its page reads it. How it looks
// is page_test.py's affair.
#include "sim/picture.hpp"
#include "sim/picture_faults.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace coterie::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Links from each of `from` to each of `to`, cut over the same time.
void cut(std::vector<ailing>& into, std::vector<std::uint32_t> from, std::vector<std::uint32_t> to) {
    for (const std::uint32_t one : from) {
        for (const std::uint32_t other : to) {
            into.push_back({ailment::cut, {one}, {other}, 10, 20});
        }
    }
}

std::string words_of(const std::vector<ailing>& those, std::size_t nodes) {
    const std::vector<drawn_fault> faults = drawn_faults(those, nodes);
    EXPECT_EQ(faults.size(), 1U);
    return faults.empty() ? std::string() : faults.front().words;
}

TEST(links_that_are_cut_together, are_one_fault_with_the_name_of_its_sides) {
    std::vector<ailing> sides;
    cut(sides, {1, 2, 3}, {5});
    cut(sides, {5}, {1, 2, 3});
    EXPECT_EQ(words_of(sides, 5), "{1-3} | {5}");
    std::vector<ailing> three = sides;
    cut(three, {4}, {1, 2, 3, 5});
    cut(three, {1, 2, 3, 5}, {4});
    EXPECT_EQ(words_of(three, 5), "{1-3} | {4} | {5}");
    std::vector<ailing> deaf;
    cut(deaf, {1, 2, 4}, {3});
    EXPECT_EQ(words_of(deaf, 4), "{1, 2, 4} → {3}");
    std::vector<ailing> some;
    cut(some, {1}, {2});
    cut(some, {2}, {3});
    EXPECT_EQ(words_of(some, 3), "1→2, 2→3");
    std::vector<ailing> all;
    cut(all, {1}, {2});
    cut(all, {2}, {1});
    EXPECT_EQ(words_of(all, 2), "all links");
}

TEST(faults_of_other_times, are_others) {
    const std::vector<ailing> two{{ailment::cut, {1}, {2}, 10, 20}, {ailment::cut, {1}, {3}, 10, 21}};
    EXPECT_EQ(drawn_faults(two, 3).size(), 2U);
}

plan three_nodes() {
    plan what;
    what.world.nodes = 3;
    what.time = std::chrono::seconds(1);
    for (std::uint32_t node = 1; node <= 3; ++node) {
        what.clients.push_back({.node = {node}});
    }
    what.faults = {{.kind = trouble::cut,
                    .at = std::chrono::milliseconds(50),
                    .lasts = std::chrono::milliseconds(600),
                    .nodes = {{1}}},
                   {.kind = trouble::slow_store,
                    .at = std::chrono::milliseconds(100),
                    .lasts = std::chrono::milliseconds(100),
                    .nodes = {{2}},
                    .slow = std::chrono::milliseconds(300)},
                   {.kind = trouble::pause,
                    .at = std::chrono::milliseconds(700),
                    .lasts = std::chrono::milliseconds(40),
                    .nodes = {{3}}}};
    return what;
}

TEST(a_chronicle, knows_the_faults_of_a_run_and_their_times) {
    chronicle notes;
    const run_outcome outcome = run(three_nodes(), &notes);
    EXPECT_TRUE(outcome.good());
    std::vector<std::string> seen;
    for (const drawn_fault& each : drawn_faults(notes.ailments(), 3)) {
        seen.push_back(std::string(to_string(each.what)) + " " + each.words + " " +
                       std::to_string((each.end_ns - each.begin_ns + 500'000) / 1'000'000));
    }
    EXPECT_THAT(seen, ElementsAre("cut {1} | {2, 3} 600", "slow disk {2} 100", "paused {3} 40"));
}

TEST(a_chronicle, changes_nothing) {
    chronicle notes;
    EXPECT_TRUE(run(three_nodes(), &notes).trace == run(three_nodes()).trace);
}

TEST(the_data_of_a_picture, leaves_out_messages_of_large_runs_and_says_so) {
    chronicle notes;
    const run_outcome outcome = run(three_nodes(), &notes);
    EXPECT_THAT(picture_data(outcome, notes.ailments(), {.title = "t", .replay = "r"}),
                HasSubstr("\"messageStep\":1,"));
    const std::string few =
        picture_data(outcome, notes.ailments(), {.title = "t", .replay = "r", .deliveries_max = 10});
    EXPECT_THAT(few, testing::Not(HasSubstr("\"messageStep\":1,")));
}

TEST(the_data_of_a_picture, cannot_end_the_script_that_it_stands_in) {
    run_outcome outcome = run(three_nodes());
    outcome.violations.push_back({.guarantee = 7, .what = "</script>\"\n\\", .events = {0}});
    const std::string data = picture_data(outcome, {}, {.title = "<t>", .replay = "r"});
    EXPECT_THAT(data, HasSubstr(R"("\u003c/script>\"\u000a\\")"));
    EXPECT_THAT(data, testing::Not(HasSubstr("<")));
}

} // namespace
} // namespace coterie::sim

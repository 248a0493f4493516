// SPDX-License-Identifier: BSD-3-Clause
// A plan is the run: written down and read again it plays the same, and what cannot be read is refused with its line.
#include "sim/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace coterie::sim {
namespace {

using testing::HasSubstr;

std::string text_of(const std::vector<trace::event>& events) {
    std::string result;
    for (const trace::event& each : events) {
        result += trace::format(each) + '\n';
    }
    return result;
}

TEST(a_plan_that_was_written_and_read, plays_as_its_seed_does_byte_for_byte) {
    constexpr std::uint64_t seeds = 12;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const run_request request{.schedule = "swarm", .seed = seed, .safe = {}};
        const std::string written = to_text(plan_of(request).value());
        const auto read = plan_from(written);
        ASSERT_TRUE(read) << read.error();
        EXPECT_EQ(to_text(*read), written);
        EXPECT_TRUE(text_of(run(*read).trace) == text_of(run(request).trace)) << "seed " << seed;
    }
}

TEST(a_plan, belongs_to_schedules_that_draw_everything_beforehand) {
    EXPECT_TRUE(plan_of({.schedule = "swarm", .safe = {}}));
    EXPECT_FALSE(plan_of({.schedule = "chain-and-deaf", .safe = {}}));
    EXPECT_FALSE(plan_of({.schedule = "nope", .safe = {}}));
}

TEST(a_plan, that_makes_no_sense_is_refused_with_its_line) {
    const std::string begin = "coterie-plan 1\n";
    const std::pair<std::string, std::string> cases[] = {
        {"", "an empty file"},
        {"coterie-plan 2\n", "the first line of a plan is 'coterie-plan 1'"},
        {begin + "\nweather bad\n", "line 3: a line begins with world"},
        {begin + "world nodes=three\n", "line 2: 'three' is no value for 'nodes'"},
        {begin + "ring windows=3\n", "line 2: there is no 'windows' here"},
        {begin + "run time=3\n", "'3' is no value for 'time'"},
        {begin + "run time=99999999999s\n", "'99999999999s' is no value for 'time'"},
        {begin + "run safe=maybe\n", "'maybe' is no value for 'safe'"},
        {begin + "world nodes=0\n", "1 to 64 nodes"},
        {begin + "world nodes=65\n", "1 to 64 nodes"},
        {begin + "world nodes=3\nclient node=4\n", "a client is on node 4"},
        {begin + "client node=1 pace=0s\n", "a client needs a group, a pace"},
        {begin + "world nodes=3\nfault kind=cut nodes=1,4\n", "a fault is about nodes that there are not"},
        {begin + "fault kind=cut at=-3ms\n", "cannot come, last or cost less than nothing"},
        {begin + "fault kind=flood\n", "'flood' is no value for 'kind'"},
    };
    for (const auto& [text, complaint] : cases) {
        const auto read = plan_from(text);
        ASSERT_FALSE(read) << text;
        EXPECT_THAT(read.error(), HasSubstr(complaint)) << text;
    }
}

TEST(a_plan, may_carry_comments) {
    const auto read = plan_from("coterie-plan 1\n# what was wrong\n\nworld nodes=3\n");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->world.nodes, 3U);
}

TEST(a_fault_of_links, covers_what_goes_between_its_ends) {
    const node_id one{1};
    const node_id two{2};
    const node_id three{3};
    const planned_fault everywhere{.kind = trouble::cut};
    EXPECT_TRUE(everywhere.covers(one, two));
    const planned_fault side{.kind = trouble::cut, .nodes = {one, two}};
    EXPECT_FALSE(side.covers(one, two));
    EXPECT_TRUE(side.covers(one, three));
    EXPECT_TRUE(side.covers(three, two));
    const planned_fault deaf{.kind = trouble::cut, .others = {one}, .one_way = true};
    EXPECT_TRUE(deaf.covers(two, one));
    EXPECT_FALSE(deaf.covers(one, two));
    const planned_fault pair{.kind = trouble::cut, .nodes = {one}, .others = {two}, .one_way = true};
    EXPECT_TRUE(pair.covers(one, two));
    EXPECT_FALSE(pair.covers(two, one));
    EXPECT_FALSE(pair.covers(one, three));
}

} // namespace
} // namespace coterie::sim

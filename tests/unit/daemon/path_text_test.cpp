// SPDX-License-Identifier: BSD-3-Clause
// The lines of the log about links.
#include "daemon/path_text.hpp"

#include <gtest/gtest.h>

namespace coterie::daemon {

namespace {

using net::path_fault;
using net::path_report;
using net::path_state;
using std::chrono::microseconds;
using std::chrono::milliseconds;

std::string line(const path_report& path, std::vector<path_report> others) {
    others.push_back(path);
    return path_line("2 (beta)", path, others);
}

const path_report link_1_used{.link = {1}, .state = path_state::up, .in_use = true};

} // namespace

TEST(lines_about_links, name_link_node_reason_and_what_is_used_instead) {
    path_report down{.link = {0}, .state = path_state::down, .fault = path_fault::unanswered, .times_down = 1};
    EXPECT_EQ(line(down, {link_1_used}),
              "link 0 to node 2 (beta) is down: probes on it get no answer, on other links they "
              "do; used now: link 1");
    down.fault = path_fault::refused;
    EXPECT_EQ(line(down, {link_1_used, {.link = {2}, .state = path_state::up, .in_use = true}}),
              "link 0 to node 2 (beta) is down: its host says that nobody listens there; used now: link 1, 2");
    down.fault = path_fault::unsendable;
    down.error = 1;
    EXPECT_EQ(line(down, {link_1_used}),
              "link 0 to node 2 (beta) is down: this machine cannot send there: Operation not "
              "permitted; used now: link 1");
}

TEST(lines_about_links, say_when_no_link_is_left) {
    const path_report down{
        .link = {0}, .state = path_state::down, .fault = path_fault::silent, .in_use = true, .times_down = 1};
    EXPECT_EQ(line(down, {}),
              "link 0 to node 2 (beta) is down: nothing is answered on any link; no link to it is up, all "
              "are tried");
}

TEST(lines_about_links, say_for_how_long_one_that_flaps_is_not_taken_back) {
    path_report down{.link = {0},
                     .state = path_state::down,
                     .fault = path_fault::unanswered,
                     .held_off = milliseconds(500),
                     .times_down = 1};
    EXPECT_EQ(line(down, {link_1_used}).find("taken back"), std::string::npos)
        << "the first time is nothing to tell of";
    down.held_off = milliseconds(4'000);
    down.times_down = 4;
    EXPECT_TRUE(line(down, {link_1_used}).ends_with("; it was down 4 times: not taken back for 4.0 s"));
}

TEST(lines_about_links, say_what_does_not_pass_any_more) {
    EXPECT_EQ(
        shrunk_line("2 (beta)", {1}, 1'452, 1'232),
        "datagrams of 1452 bytes to node 2 (beta) do not pass on link 1 any more, those of 1232 do: packets are made "
        "smaller; is an MTU on the way too small?");
}

TEST(lines_about_links, call_for_action_when_the_node_can_be_reached) {
    const path_report down{.link = {0}, .state = path_state::down};
    const path_report other_down{.link = {1}, .state = path_state::down};
    EXPECT_TRUE(is_alarming(down, std::vector{down, link_1_used}));
    EXPECT_FALSE(is_alarming(down, std::vector{down, other_down})) << "it has left, or died";
    EXPECT_FALSE(is_alarming(link_1_used, std::vector{down, link_1_used}));
}

TEST(lines_about_links, say_when_one_is_up) {
    path_report up{.link = {0}, .state = path_state::up, .in_use = true, .round_trip = microseconds(214)};
    EXPECT_EQ(line(up, {}), "link 0 to node 2 (beta) is up, round trip 0.21 ms; used now: link 0");
    up.times_down = 1;
    EXPECT_EQ(line(up, {}), "link 0 to node 2 (beta) is up again, round trip 0.21 ms; used now: link 0");
}

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// Changes of view: who is reported down and up, when, and what happens to requests and departures meanwhile.
#include "tests/unit/groups/world.hpp"

namespace coterie::groups::test {
namespace {

TEST(views, processes_of_a_lost_node_go_down_together) {
    world three(3);
    three.view({1, 2, 3});
    client a(three, 1, 1, "g");
    client b(three, 2, 2, "g");
    client c(three, 3, 4, "g");
    client d(three, 3, 3, "g");
    (void)a.seen();
    three.view({1, 2});
    EXPECT_EQ(a.seen(), strings{"g: 1.1 2.2 | -3.3 -3.4 node_down"});
    EXPECT_EQ(join_names(three.at(2).members("g")), "1.1 2.2");
}

TEST(views, each_side_of_a_merge_sees_the_other_come_up) {
    world four(4);
    four.view({1, 2});
    four.view({3, 4});
    client a(four, 1, 1, "g");
    client b(four, 2, 2, "g");
    client c(four, 3, 3, "g");
    client d(four, 4, 4, "g");
    (void)a.seen();
    (void)c.seen();
    four.view({1, 2, 3, 4});
    EXPECT_EQ(a.seen(), strings{"g: 1.1 2.2 3.3 4.4 | +3.3 +4.4 node_up"});
    EXPECT_EQ(c.seen(), strings{"g: 1.1 2.2 3.3 4.4 | +1.1 +2.2 node_up"});
    EXPECT_EQ(four.counts(1).table_mismatch, 0U);
}

TEST(views, a_first_view_shows_the_others_before_the_own_queued_joins) {
    world two(2);
    two.view({1});
    client a(two, 1, 1, "g");
    client b(two, 2, 2);
    b.join("g");
    two.view({1, 2});
    EXPECT_EQ(b.seen(), strings{"g: 1.1 2.2 | +2.2 join"});
    EXPECT_EQ(a.seen(), strings{"g: 1.1 2.2 | +2.2 join"});
}

TEST(views, a_node_that_restarted_goes_down_and_then_comes_up) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)a.seen();
    two.restart(2);
    two.install({1, 2});
    client again(two, 2, 2);
    again.join("g");
    two.settle();
    EXPECT_EQ(a.seen(), (strings{"g: 1.1 | -2.2 node_down", "g: 1.1 2.2 | +2.2 join"}));
}

TEST(views, a_node_that_was_away_goes_down_and_comes_up_in_one_report) {
    world three(3);
    three.view({1, 2, 3});
    client a(three, 1, 1, "g");
    client b(three, 2, 2, "g");
    client c(three, 3, 3, "g");
    (void)a.seen();
    (void)b.seen();
    // Node 2 is alone for a while and notices; nodes 1 and 3 never reach a common point without it.
    three.view({2});
    EXPECT_EQ(b.seen(), strings{"g: 2.2 | -1.1 -3.3 node_down"});
    three.install({1, 3});
    three.view({1, 2, 3});
    EXPECT_EQ(a.seen(), (strings{"g: 1.1 3.3 | -2.2 node_down", "g: 1.1 2.2 3.3 | +2.2 node_up"}));
    EXPECT_EQ(b.seen(), strings{"g: 1.1 2.2 3.3 | +1.1 +3.3 node_up"});
    EXPECT_EQ(c.seen(), (strings{"g: 1.1 3.3 | -2.2 node_down", "g: 1.1 2.2 3.3 | +2.2 node_up"}));
}

TEST(views, a_cascade_back_to_the_first_members_is_one_transition) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)a.seen();
    (void)b.seen();
    // {1,2} -> {1} -> {1,2} -> {1,2}; the last transition alone shows nothing of the split.
    two.install({1});
    two.install({2});
    two.install({1, 2});
    two.install({1, 2});
    EXPECT_EQ(a.seen(), strings{});
    two.settle();
    EXPECT_EQ(a.seen(), (strings{"g: 1.1 | -2.2 node_down", "g: 1.1 2.2 | +2.2 node_up"}));
    EXPECT_EQ(b.seen(), (strings{"g: 2.2 | -1.1 node_down", "g: 1.1 2.2 | +1.1 node_up"}));
}

TEST(views, views_without_a_common_point_report_nothing) {
    world three(3);
    three.view({1, 2, 3});
    client a(three, 1, 1, "g");
    client b(three, 2, 2, "g");
    client c(three, 3, 3, "g");
    client watcher(three, 1, 9, ring_watcher{});
    (void)a.seen();
    three.install({1, 2});
    three.deliver(1, 1);
    three.install({1});
    EXPECT_EQ(a.seen(), strings{});
    EXPECT_EQ(watcher.seen(), strings{});
    EXPECT_EQ(join_names(three.at(1).members("g")), "1.1 2.2 3.3");
    three.settle();
    EXPECT_EQ(a.seen(), strings{"g: 1.1 | -2.2 -3.3 node_down"});
    EXPECT_EQ(watcher.seen(), strings{"ring 3: 1"});
}

TEST(views, who_moves_together_unharmed_sees_nothing) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)a.seen();
    two.view({1, 2});
    EXPECT_EQ(a.seen(), strings{});
    EXPECT_EQ(two.counts(2).table_mismatch, 0U);
    EXPECT_EQ(two.counts(2).common_points, 2U);
}

TEST(views, groups_are_told_in_the_order_of_their_names_and_then_the_ring) {
    world two(2);
    two.view({1, 2});
    client watcher(two, 1, 9, ring_watcher{});
    watcher.join("b");
    std::vector<client> others;
    for (const char* name : {"b", "c", "a"}) {
        others.emplace_back(two, 2, 2, name);
    }
    client mine_a(two, 1, 1, "a");
    client mine_c(two, 1, 1, "c");
    (void)watcher.seen();
    two.view({1});
    EXPECT_EQ(watcher.seen(), (strings{"b: 1.9 | -2.2 node_down", "ring 2: 1"}));
    EXPECT_EQ(mine_a.seen(), strings{"a: 1.1 | -2.2 node_down"});
    EXPECT_EQ(mine_c.seen(), strings{"c: 1.1 | -2.2 node_down"});
}

TEST(views, ring_watchers_are_told_joined_or_not_and_joiners_once_if_they_ask) {
    world two(2);
    client watcher(two, 1, 9, ring_watcher{});
    two.view({1});
    EXPECT_EQ(watcher.seen(), strings{"ring 1: 1"});
    two.view({1, 2});
    EXPECT_EQ(watcher.seen(), strings{"ring 2: 1 2"});
    client asks(two, 2, 1);
    asks.join("g", true);
    two.settle();
    EXPECT_EQ(asks.seen(), (strings{"g: 2.1 | +2.1 join", "ring 2: 1 2"}));
    two.view({1, 2});
    EXPECT_EQ(asks.seen(), strings{});
    EXPECT_EQ(shown(two.at(2).current_ring_view()), "ring 3: 1 2");
    watcher.close();
    two.view({1});
    EXPECT_EQ(watcher.seen(), strings{"ring 3: 1 2"});
}

TEST(views, nothing_but_tables_is_numbered_before_the_common_point) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    a.say("waits");
    two.install({1, 2});
    EXPECT_FALSE(two.at(1).pending());
    two.deliver(1, 1);
    EXPECT_FALSE(two.at(1).pending());
    two.deliver(1, 1);
    EXPECT_TRUE(two.at(1).pending());
    two.settle();
    EXPECT_EQ(a.seen(), strings{"g: 1.1 says waits"});
}

TEST(views, requests_survive_views_in_their_order) {
    world two(2);
    two.view({1, 2});
    client b(two, 2, 2, "g");
    client a(two, 1, 1);
    a.join("g");
    a.say("one");
    two.install({1, 2});
    a.say("two");
    two.install({1, 2});
    a.leave();
    two.settle();
    EXPECT_EQ(b.seen(),
              (strings{"g: 1.1 2.2 | +1.1 join", "g: 1.1 says one", "g: 1.1 says two", "g: 2.2 | -1.1 leave"}));
}

TEST(views, a_death_during_the_exchange_comes_after_the_common_point) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    client c(two, 2, 3, "g");
    (void)a.seen();
    (void)b.seen();
    two.restart(2);
    client later(two, 2, 2);
    two.install({1, 2});
    a.close();
    later.join("g");
    EXPECT_EQ(join_names(two.at(1).members("g")), "1.1 2.2 2.3");
    two.deliver(1);
    two.deliver(2);
    EXPECT_EQ(join_names(two.at(1).members("g")), "1.1");
    two.number(2);
    two.settle();
    EXPECT_EQ(later.seen(), (strings{"g: 1.1 2.2 | +2.2 join", "g: 2.2 | -1.1 process_down"}));
    EXPECT_EQ(join_names(two.at(1).members("g")), "2.2");
    EXPECT_EQ(join_names(two.at(2).members("g")), "2.2");
    EXPECT_EQ(two.counts(1).table_mismatch, 0U);
}

TEST(views, a_departure_that_was_numbered_in_the_old_view_is_in_no_table) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)b.seen();
    a.close();
    two.number(1);
    EXPECT_EQ(two.undelivered(2), 1U);
    // It is delivered behind the transitional configuration.
    two.view({1, 2});
    EXPECT_EQ(b.seen(), strings{"g: 2.2 | -1.1 process_down"});
    EXPECT_EQ(two.counts(1).table_mismatch + two.counts(2).table_mismatch, 0U);
    EXPECT_EQ(join_names(two.at(1).members("g")), "2.2");
}

TEST(views, a_join_that_was_numbered_in_the_old_view_is_in_the_table_of_the_new) {
    world three(3);
    three.view({1, 2});
    three.view({3});
    client b(three, 2, 2, "g");
    client c(three, 3, 3, "g");
    client a(three, 1, 1);
    a.join("g");
    three.number(1);
    three.view({1, 2, 3});
    EXPECT_EQ(a.seen(), (strings{"g: 1.1 2.2 | +1.1 join", "g: 1.1 2.2 3.3 | +3.3 node_up"}));
    EXPECT_EQ(b.seen(), (strings{"g: 1.1 2.2 | +1.1 join", "g: 1.1 2.2 3.3 | +3.3 node_up"}));
    EXPECT_EQ(c.seen(), strings{"g: 1.1 2.2 3.3 | +1.1 +2.2 node_up"});
}

TEST(views, messages_of_a_lost_node_come_before_its_departure) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)a.seen();
    b.say("received");
    two.number(2);
    two.deliver(1);
    b.say("lost with its node");
    two.number(2);
    two.view({1});
    EXPECT_EQ(a.seen(), (strings{"g: 2.2 says received", "g: 1.1 | -2.2 node_down"}));
}

TEST(views, messages_numbered_on_both_sides_of_a_split_stay_there) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)a.seen();
    (void)b.seen();
    a.say("a's");
    b.say("b's");
    two.number(1);
    two.number(2);
    two.install({1});
    two.install({2});
    EXPECT_EQ(a.seen(), strings{"g: 1.1 says a's"});
    EXPECT_EQ(b.seen(), strings{"g: 2.2 says b's"});
    two.view({1, 2});
    EXPECT_EQ(a.seen(), (strings{"g: 1.1 | -2.2 node_down", "g: 1.1 2.2 | +2.2 node_up"}));
}

TEST(views, a_table_takes_as_many_packets_as_it_needs) {
    world two(2);
    two.view({1});
    two.view({2});
    client a(two, 1, 1, "big");
    std::vector<client> many;
    for (std::uint32_t pid = 1; pid <= 300; ++pid) {
        many.emplace_back(two, 2, pid);
        many.back().join("big");
        many.emplace_back(two, 2, pid);
        many.back().join("g" + std::to_string(pid) + std::string(100, 'x'));
    }
    two.settle();
    (void)a.seen();
    a.say("at last");
    two.install({1, 2});
    EXPECT_EQ(two.undelivered(1), 2U);
    EXPECT_TRUE(two.at(2).pending());
    two.deliver(1);
    EXPECT_FALSE(two.at(1).pending());
    two.settle();
    EXPECT_EQ(two.at(1).members("big").size(), 301U);
    EXPECT_EQ(two.at(1).members("big"), two.at(2).members("big"));
    EXPECT_EQ(two.at(1).group_names(), two.at(2).group_names());
    const strings seen = a.seen();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[1], "big: 1.1 says at last");
    // A view change in the middle of the parts begins them again.
    two.install({1, 2});
    two.number(2, 3);
    two.view({1, 2});
    EXPECT_EQ(two.counts(1).table_mismatch + two.counts(1).implausible, 0U);
    EXPECT_EQ(two.at(1).members("big").size(), 301U);
    EXPECT_EQ(a.seen(), strings{});
}

TEST(views, three_cascades_with_clients_coming_and_going_leave_no_ghosts) {
    world three(3);
    three.view({1, 2, 3});
    client a(three, 1, 1, "g");
    client b(three, 2, 2, "g");
    client c(three, 3, 3, "g");
    client watching(three, 1, 9, "g");
    (void)watching.seen();
    three.install({1, 2});
    b.close();
    client d(three, 1, 4);
    d.join("g");
    three.deliver(2);
    three.number(2);
    three.install({1, 2, 3});
    c.leave();
    three.install({1});
    three.install({2, 3});
    three.deliver(3);
    three.install({1, 2, 3});
    a.close();
    three.settle();
    for (const std::uint32_t id : {1U, 2U, 3U}) {
        EXPECT_EQ(join_names(three.at(id).members("g")), "1.4 1.9") << id;
        EXPECT_EQ(three.counts(id).implausible, 0U);
    }
    EXPECT_EQ(watching.seen(), (strings{"g: 1.1 1.9 2.2 | -3.3 node_down", "g: 1.1 1.9 | -2.2 process_down",
                                        "g: 1.1 1.9 3.3 | +3.3 node_up", "g: 1.1 1.4 1.9 3.3 | +1.4 join",
                                        "g: 1.4 1.9 3.3 | -1.1 process_down", "g: 1.4 1.9 | -3.3 leave"}));
}

TEST(views, a_close_that_meets_a_view_before_its_departure_is_numbered_is_still_told) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)b.seen();
    a.close();
    two.view({1, 2});
    EXPECT_EQ(b.seen(), strings{"g: 2.2 | -1.1 process_down"});
}

} // namespace
} // namespace coterie::groups::test

// SPDX-License-Identifier: BSD-3-Clause
// Joins, leaves and deaths in one quiet view, and what is refused.
#include "tests/unit/groups/world.hpp"

namespace coterie::groups::test {
namespace {

TEST(membership, a_joiner_sees_itself_in_its_first_change) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 100);
    a.join("g");
    two.settle();
    EXPECT_EQ(a.seen(), strings{"g: 1.100 | +1.100 join"});
}

TEST(membership, members_are_told_of_joins_and_leaves_in_one_order_and_sorted) {
    world two(2);
    two.view({1, 2});
    client a(two, 2, 7);
    client b(two, 1, 9);
    client c(two, 1, 8);
    a.join("g");
    two.settle();
    b.join("g");
    two.settle();
    c.join("g");
    two.settle();
    b.leave();
    two.settle();
    EXPECT_EQ(a.seen(), (strings{"g: 2.7 | +2.7 join", "g: 1.9 2.7 | +1.9 join", "g: 1.8 1.9 2.7 | +1.8 join",
                                 "g: 1.8 2.7 | -1.9 leave"}));
    EXPECT_EQ(c.seen(), (strings{"g: 1.8 1.9 2.7 | +1.8 join", "g: 1.8 2.7 | -1.9 leave"}));
    EXPECT_EQ(join_names(two.at(2).members("g")), "1.8 2.7");
}

TEST(membership, a_leaver_last_sees_itself_leave_and_may_join_again) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 100, "g");
    client b(two, 2, 200, "g");
    (void)a.seen();
    a.say("before");
    a.leave();
    EXPECT_EQ(a.try_join("h").error(), refusal::try_again);
    b.say("after");
    two.settle();
    EXPECT_EQ(a.seen(), (strings{"g: 1.100 says before", "g: 2.200 | -1.100 leave", "writable"}));
    EXPECT_EQ(b.seen(), (strings{"g: 1.100 says before", "g: 2.200 | -1.100 leave", "g: 2.200 says after"}));
    a.join("g");
    a.say("again");
    two.settle();
    EXPECT_EQ(a.seen(), (strings{"g: 1.100 2.200 | +1.100 join", "g: 1.100 says again"}));
    a.leave();
    two.settle();
    a.join("h");
    two.settle();
    EXPECT_EQ(two.at(2).group_names(), (strings{"g", "h"}));
}

TEST(membership, a_closed_handle_is_a_process_down_and_hears_nothing) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 100, "g");
    client b(two, 2, 200, "g");
    (void)a.seen();
    a.say("last words");
    a.close();
    EXPECT_EQ(two.at(1).open_handles(), 0U);
    two.settle();
    EXPECT_EQ(a.seen(), strings{});
    EXPECT_EQ(b.seen(), (strings{"g: 1.100 says last words", "g: 2.200 | -1.100 process_down"}));
    EXPECT_EQ(a.try_say("more").error(), refusal::bad_handle);
}

TEST(membership, closing_an_unjoined_handle_tells_nobody) {
    world two(2);
    two.view({1, 2});
    client b(two, 2, 200, "g");
    client a(two, 1, 100);
    a.close();
    two.settle();
    EXPECT_EQ(b.seen(), strings{});
}

TEST(membership, a_handle_that_closes_before_its_join_is_numbered_was_never_there) {
    world two(2);
    two.view({1, 2});
    client b(two, 2, 200, "g");
    client a(two, 1, 100);
    a.join("g");
    a.say("never");
    a.close();
    EXPECT_FALSE(two.at(1).pending());
    two.settle();
    EXPECT_EQ(b.seen(), strings{});
    client again(two, 1, 100, "g");
    EXPECT_EQ(b.seen(), strings{"g: 1.100 2.200 | +1.100 join"});
}

TEST(membership, a_handle_that_closes_while_its_join_is_under_way_joins_and_dies) {
    world two(2);
    two.view({1, 2});
    client b(two, 2, 200, "g");
    client a(two, 1, 100);
    a.join("g");
    two.number(1);
    a.say("one");
    a.close();
    client again(two, 1, 100);
    EXPECT_EQ(again.try_join("g").error(), refusal::try_again);
    two.settle();
    EXPECT_EQ(b.seen(),
              (strings{"g: 1.100 2.200 | +1.100 join", "g: 1.100 says one", "g: 2.200 | -1.100 process_down"}));
    EXPECT_EQ(a.seen(), strings{});
}

TEST(membership, a_leave_that_was_accepted_is_kept_when_the_handle_closes_behind_it) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 100, "g");
    client b(two, 2, 200, "g");
    a.say(long_text(5'000));
    a.say("small");
    a.leave();
    a.close();
    two.settle();
    EXPECT_EQ(b.seen(),
              (strings{"g: 1.100 says " + shown(long_text(5'000)), "g: 1.100 says small", "g: 2.200 | -1.100 leave"}));
    // The same when not even the join was numbered.
    client c(two, 1, 100);
    c.join("g");
    c.say("hello");
    c.leave();
    c.close();
    two.settle();
    EXPECT_EQ(b.seen(), (strings{"g: 1.100 2.200 | +1.100 join", "g: 1.100 says hello", "g: 2.200 | -1.100 leave"}));
}

TEST(membership, a_leave_while_joining_waits_for_the_join) {
    world one(1);
    one.view({1});
    client a(one, 1, 100);
    a.join("g");
    a.say("hello");
    a.leave();
    EXPECT_EQ(a.try_say("late").error(), refusal::not_exist);
    one.settle();
    EXPECT_EQ(a.seen(), (strings{"g: 1.100 | +1.100 join", "g: 1.100 says hello", "g: | -1.100 leave"}));
    EXPECT_EQ(one.at(1).group_names(), strings{});
}

TEST(membership, requests_out_of_place_are_refused) {
    world one(1);
    one.view({1});
    client a(one, 1, 100);
    EXPECT_EQ(a.try_say("x").error(), refusal::not_exist);
    EXPECT_EQ(a.try_leave().error(), refusal::not_exist);
    EXPECT_EQ(a.try_join("").error(), refusal::invalid);
    EXPECT_EQ(a.try_join(std::string(129, 'x')).error(), refusal::name_too_long);
    a.join("g");
    EXPECT_EQ(a.try_join("g").error(), refusal::exist);
    EXPECT_EQ(a.try_join("h").error(), refusal::exist);
    one.settle();
    EXPECT_EQ(a.try_join("h").error(), refusal::exist);
    a.leave();
    EXPECT_EQ(a.try_leave().error(), refusal::not_exist);
    EXPECT_EQ(a.try_say("x").error(), refusal::not_exist);
    EXPECT_EQ(one.at(1).open(0, false).error(), refusal::invalid);
    EXPECT_EQ(one.at(1).join(handle_id{999}, "g", false).error(), refusal::bad_handle);
    EXPECT_EQ(one.at(1).leave(handle_id{999}).error(), refusal::bad_handle);
    one.at(1).close(handle_id{999});
}

TEST(membership, a_process_joins_a_group_by_one_handle_only) {
    world one(1);
    one.view({1});
    client a(one, 1, 100, "g");
    client b(one, 1, 100);
    client c(one, 1, 101);
    EXPECT_EQ(b.try_join("g").error(), refusal::exist);
    b.join("h");
    c.join("g");
    a.leave();
    client d(one, 1, 100);
    EXPECT_EQ(d.try_join("g").error(), refusal::try_again);
    one.settle();
    d.join("g");
    one.settle();
    EXPECT_EQ(join_names(one.at(1).members("g")), "1.100 1.101");
}

TEST(membership, names_are_bytes) {
    world two(2);
    two.view({1, 2});
    const std::string with_nul("g\0x", 3);
    const std::string longest(128, '\xff');
    client a(two, 1, 1);
    client b(two, 1, 1);
    client c(two, 1, 1);
    a.join("g");
    b.join(with_nul);
    c.join(longest);
    two.settle();
    EXPECT_EQ(two.at(2).group_names(), (strings{"g", with_nul, longest}));
}

TEST(membership, handles_are_bounded) {
    world one(1, [](settings& bounds) { bounds.handles_max = 2; });
    one.view({1});
    client a(one, 1, 1, "g");
    client b(one, 1, 2);
    EXPECT_EQ(one.at(1).open(3, false).error(), refusal::no_space);
    b.close();
    client c(one, 1, 3);
    a.close();
    // Its death is not in order yet.
    EXPECT_EQ(one.at(1).open(4, false).error(), refusal::no_space);
    one.settle();
    client d(one, 1, 4);
}

TEST(membership, processes_are_bounded_in_all_nodes_together) {
    world two(2, [](settings& bounds) { bounds.processes_max = 2; });
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 1, 2);
    client c(two, 2, 3);
    b.join("g");
    c.join("g");
    // Both may be the second; the order decides, and the other is told that it is out.
    two.settle();
    EXPECT_EQ(join_names(two.at(1).members("g")), "1.1 1.2");
    EXPECT_EQ(two.at(2).members("g"), two.at(1).members("g"));
    EXPECT_EQ(c.seen(), strings{"g: | -2.3 process_down"});
    EXPECT_EQ(c.try_join("g").error(), refusal::no_space);
    EXPECT_EQ(two.counts(1).implausible, 1U);
    EXPECT_EQ(two.counts(2).implausible, 1U);
    b.leave();
    two.settle();
    c.join("g");
    two.settle();
    EXPECT_EQ(join_names(two.at(1).members("g")), "1.1 2.3");
}

/// Whoever waited for room to send into the group that it could not join in the end waited for ever.
TEST(membership, a_join_that_the_order_refuses_ends_the_wait_for_room) {
    world two(2, [](settings& bounds) {
        bounds.processes_max = 2;
        bounds.queue_messages_max = 1;
    });
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 1, 2);
    client c(two, 2, 3);
    b.join("g");
    c.join("g");
    c.say("accepted");
    EXPECT_EQ(c.try_say("later").error(), refusal::try_again);
    two.settle();
    EXPECT_EQ(c.seen(), (strings{"writable", "g: | -2.3 process_down"}));
    EXPECT_EQ(c.try_say("later").error(), refusal::not_exist);
}

} // namespace
} // namespace coterie::groups::test

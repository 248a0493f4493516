// SPDX-License-Identifier: BSD-3-Clause
// Groups that wait for a slow member: who waits, who does not, and what ends it.
#include "tests/unit/groups/world.hpp"

namespace coterie::groups::test {
namespace {

class pauses : public testing::Test {
protected:
    pauses() { two.view({1, 2}); }

    void slow(const client& who, bool is_slow = true) {
        two.at(who.node()).slow(who.id(), is_slow);
        two.settle();
    }

    world two{2};
};

} // namespace

TEST_F(pauses, hold_all_senders_of_the_group_and_nobody_else) {
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    client other(two, 1, 3, "h");
    static_cast<void>(a.seen());
    slow(b);
    a.say("from another node");
    b.say("its own");
    other.say("elsewhere");
    two.settle();
    EXPECT_EQ(a.seen(), strings{});
    EXPECT_EQ(other.seen(), strings{"h: 1.3 says elsewhere"});
    ASSERT_EQ(two.at(1).paused_groups().size(), 1U);
    EXPECT_EQ(two.at(1).paused_groups()[0].name, "g");
    EXPECT_EQ(join_names(two.at(1).paused_groups()[0].slow), "2.2");
    slow(b, false);
    EXPECT_EQ(a.seen(), (strings{"g: 1.1 says from another node", "g: 2.2 says its own"}));
    EXPECT_TRUE(two.at(1).paused_groups().empty());
}

TEST_F(pauses, end_with_the_last_of_several) {
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    static_cast<void>(a.seen());
    slow(a);
    slow(b);
    a.say("x");
    slow(a, false);
    EXPECT_EQ(a.seen(), strings{});
    slow(b, false);
    EXPECT_EQ(a.seen(), strings{"g: 1.1 says x"});
}

TEST_F(pauses, end_when_the_slow_member_goes) {
    client a(two, 1, 1, "g");
    client leaver(two, 2, 2, "g");
    client dying(two, 2, 3, "g");
    static_cast<void>(a.seen());
    slow(leaver);
    slow(dying);
    a.say("x");
    leaver.leave();
    two.settle();
    EXPECT_EQ(a.seen(), strings{"g: 1.1 2.3 | -2.2 leave"});
    dying.close();
    two.settle();
    EXPECT_EQ(a.seen(), (strings{"g: 1.1 | -2.3 process_down", "g: 1.1 says x"}));
}

TEST_F(pauses, do_not_keep_who_leaves_or_dies) {
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    client c(two, 1, 3, "g");
    static_cast<void>(b.seen());
    slow(b);
    a.say("last words");
    a.leave();
    c.say("of one that is gone");
    c.close();
    two.settle();
    EXPECT_EQ(b.seen(), (strings{"g: 1.1 says last words", "g: 1.3 2.2 | -1.1 leave", "g: 1.3 says of one that is gone",
                                 "g: 2.2 | -1.3 process_down"}));
}

TEST_F(pauses, hold_who_joins_meanwhile) {
    client a(two, 1, 1, "g");
    slow(a);
    client late(two, 2, 2, "g");
    static_cast<void>(a.seen());
    late.say("x");
    two.settle();
    EXPECT_EQ(a.seen(), strings{});
    slow(a, false);
    EXPECT_EQ(a.seen(), strings{"g: 2.2 says x"});
}

TEST_F(pauses, are_said_again_in_the_next_view) {
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    static_cast<void>(a.seen());
    slow(b);
    two.view({1, 2});
    ASSERT_EQ(two.at(1).paused_groups().size(), 1U);
    a.say("x");
    two.settle();
    EXPECT_EQ(a.seen(), strings{});
    two.view({1});
    EXPECT_EQ(a.seen(), (strings{"g: 1.1 | -2.2 node_down", "g: 1.1 says x"})) << "who is gone holds nobody";
    two.view({2});
    two.view({1, 2});
    ASSERT_EQ(two.at(1).paused_groups().size(), 1U) << "also to those that did not know of it";
    slow(b, false);
    EXPECT_TRUE(two.at(1).paused_groups().empty());
}

TEST_F(pauses, a_handle_that_was_slow_before_it_joined_says_so_as_a_member) {
    client a(two, 1, 1, "g");
    client b(two, 2, 2);
    slow(b);
    EXPECT_TRUE(two.at(1).paused_groups().empty());
    b.join("g");
    two.settle();
    ASSERT_EQ(two.at(1).paused_groups().size(), 1U);
    b.leave();
    two.settle();
    EXPECT_TRUE(two.at(1).paused_groups().empty());
    b.join("other");
    two.settle();
    ASSERT_EQ(two.at(1).paused_groups().size(), 1U);
    EXPECT_EQ(two.at(1).paused_groups()[0].name, "other");
}

TEST_F(pauses, let_a_large_message_end_that_has_begun) {
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    static_cast<void>(b.seen());
    a.say(long_text(10'000));
    a.say("behind it");
    two.number(1);
    slow(b);
    EXPECT_EQ(b.seen(), strings{"g: 1.1 says " + shown(long_text(10'000))});
    slow(b, false);
    EXPECT_EQ(b.seen(), strings{"g: 1.1 says behind it"});
}

TEST_F(pauses, leave_the_way_free_for_large_messages_of_other_groups) {
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    client other(two, 1, 3, "h");
    client third(two, 1, 4, "h");
    slow(b);
    a.say(long_text(10'000));
    other.say(long_text(9'000));
    third.say(long_text(8'000));
    two.settle();
    EXPECT_EQ(other.seen().size(), 3U) << "one join and two messages";
    // The same while it waits for another's to end, and when a view makes it begin again.
    slow(b, false);
    static_cast<void>(a.seen());
    other.say(long_text(9'000, 1));
    two.number(1);
    a.say(long_text(10'000, 1));
    two.number(1);
    slow(b);
    EXPECT_EQ(a.seen(), strings{});
    slow(b, false);
    EXPECT_EQ(a.seen(), strings{"g: 1.1 says " + shown(long_text(10'000, 1))});
    a.say(long_text(10'000, 2));
    two.number(1);
    two.install({1, 2});
    two.at(2).slow(b.id(), true);
    two.settle();
    third.say(long_text(8'000, 2));
    two.settle();
    EXPECT_EQ(third.seen().back(), "h: 1.4 says " + shown(long_text(8'000, 2)));
    slow(b, false);
    EXPECT_EQ(a.seen(), strings{"g: 1.1 says " + shown(long_text(10'000, 2))});
}

TEST_F(pauses, records_that_no_honest_node_sends_are_counted) {
    client a(two, 1, 1, "g");
    const auto forged = [&](wire::slot_number slot, bool begins) {
        const std::uint64_t before = two.counts(1).implausible;
        two.forge(2, [&](base::byte_writer& out) { EXPECT_TRUE(wire::append(out, wire::pause_record{slot, begins})); });
        two.settle();
        return two.counts(1).implausible - before;
    };
    EXPECT_EQ(forged(77, true), 1U) << "of nobody";
    client b(two, 2, 2, "g");
    EXPECT_EQ(forged(1, false), 1U) << "the end of what has not begun";
    EXPECT_EQ(forged(1, true), 0U);
    EXPECT_EQ(forged(1, true), 1U) << "the beginning of what has begun";
}

TEST(pauses_and_room, what_stands_ahead_of_a_question_is_taken_without_room) {
    world one(1, [](settings& bounds) {
        bounds.queue_messages_max = 1;
        bounds.reserve_messages = 2;
        bounds.reserve_bytes = 1'000;
    });
    one.view({1});
    client a(one, 1, 1, "g");
    one.at(1).slow(a.id(), true);
    one.settle();
    a.say("1");
    EXPECT_EQ(a.try_say("2").error(), refusal::try_again);
    const auto urgent = [&](std::string_view text) {
        return one.at(1).multicast(a.id(), guarantee::agreed, one.buffer_of(text), true);
    };
    EXPECT_TRUE(urgent("2"));
    EXPECT_TRUE(urgent("3"));
    EXPECT_EQ(urgent("4").error(), refusal::try_again) << "but not without end";
    one.settle();
    EXPECT_EQ(a.seen(), strings{});
    one.at(1).slow(a.id(), false);
    one.settle();
    EXPECT_EQ(a.seen(), (strings{"writable", "g: 1.1 says 1", "g: 1.1 says 2", "g: 1.1 says 3"}));
}

} // namespace coterie::groups::test

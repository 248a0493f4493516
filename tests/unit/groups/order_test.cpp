// SPDX-License-Identifier: BSD-3-Clause
// Messages in one view: order, fairness, packing, room.
#include "tests/unit/groups/world.hpp"

namespace coterie::groups::test {
namespace {

TEST(order, everyone_in_the_group_gets_every_message_also_the_sender) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 100, "g");
    client b(two, 2, 200, "g");
    client c(two, 2, 300, "other");
    (void)a.seen();
    a.say("one");
    b.say("two");
    a.say("");
    two.settle();
    const strings expected{"g: 1.100 says one", "g: 1.100 says ", "g: 2.200 says two"};
    EXPECT_EQ(a.seen(), expected);
    EXPECT_EQ(b.seen(), expected);
    EXPECT_EQ(c.seen(), strings{});
    EXPECT_EQ(two.counts(1).accepted, 2U);
    EXPECT_EQ(two.counts(1).numbered, 2U);
    EXPECT_EQ(two.counts(1).delivered, 3U);
}

TEST(order, a_joiner_gets_what_is_ordered_after_its_join_and_nothing_before) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 100, "g");
    client b(two, 2, 200);
    a.say("before");
    two.number(1);
    b.join("g");
    b.say("mine");
    two.number(2);
    a.say("after");
    two.settle();
    EXPECT_EQ(b.seen(), (strings{"g: 1.100 2.200 | +2.200 join", "g: 2.200 says mine", "g: 1.100 says after"}));
    EXPECT_EQ(a.seen(), (strings{"g: 1.100 says before", "g: 1.100 2.200 | +2.200 join", "g: 2.200 says mine",
                                 "g: 1.100 says after"}));
}

TEST(order, what_was_sent_before_a_leave_arrives_before_it) {
    world two(2);
    two.view({1, 2});
    client b(two, 2, 200, "g");
    client a(two, 1, 100, "g");
    (void)b.seen();
    strings expected;
    for (int i = 0; i < 500; ++i) {
        a.say(std::to_string(i));
        expected.push_back("g: 1.100 says " + std::to_string(i));
    }
    a.leave();
    expected.push_back("g: 2.200 | -1.100 leave");
    two.settle();
    EXPECT_EQ(b.seen(), expected);
}

TEST(order, small_messages_share_packets) {
    world one(1);
    one.view({1});
    client a(one, 1, 100, "g");
    client b(one, 1, 101, "g");
    one.packets_bytes.clear();
    for (int i = 0; i < 50; ++i) {
        a.say("0123456789012345678901234567890");
        b.say("0123456789012345678901234567890");
    }
    one.settle();
    // 100 records of 40 bytes each.
    EXPECT_EQ(one.packets_bytes, (std::vector<std::size_t>{1'400, 1'400, 1'200}));
}

TEST(order, who_does_not_fit_into_the_rest_of_a_packet_is_first_in_the_next) {
    world one(1);
    one.view({1});
    client a(one, 1, 1, "g");
    client b(one, 1, 2, "g");
    client c(one, 1, 3, "g");
    (void)a.seen();
    a.say(long_text(900));
    b.say(long_text(1'000));
    c.say("little");
    one.number(1);
    EXPECT_EQ(one.deliver(1), 1U);
    EXPECT_EQ(a.seen().back(), "g: 1.3 says little");
    one.settle();
    EXPECT_EQ(a.seen(), strings{"g: 1.2 says " + shown(long_text(1'000))});
}

TEST(order, a_flooding_handle_does_not_starve_another) {
    world one(1);
    one.view({1});
    client flood(one, 1, 1, "g");
    client calm(one, 1, 2, "g");
    (void)calm.seen();
    while (flood.try_say(long_text(100))) {
    }
    calm.say("me too");
    one.number(1, 2);
    one.deliver(1);
    const strings seen = calm.seen();
    EXPECT_NE(std::ranges::find(seen, "g: 1.2 says me too"), seen.end());
    EXPECT_TRUE(one.at(1).pending());
}

TEST(order, handles_that_flood_share_evenly) {
    world one(1);
    one.view({1});
    client a(one, 1, 1, "g");
    client b(one, 1, 2, "g");
    client c(one, 1, 3, "g");
    (void)a.seen();
    for (int i = 0; i < 3'000; ++i) {
        a.say(long_text(10));
        b.say(long_text(10));
    }
    for (int i = 0; i < 400; ++i) {
        c.say(long_text(1'000));
    }
    one.number(1, 100);
    one.deliver(1);
    std::map<std::string, std::size_t> bytes;
    for (const std::string& line : a.seen()) {
        bytes[line.substr(0, 6)] += line.find("bytes") == std::string::npos ? 19U : 1'009U;
    }
    EXPECT_GT(bytes["g: 1.1"], 30'000U);
    EXPECT_GT(bytes["g: 1.2"], 30'000U);
    EXPECT_GT(bytes["g: 1.3"], 30'000U);
}

TEST(order, agreed_and_safe_messages_never_share_a_packet) {
    world one(1);
    one.view({1});
    client a(one, 1, 1, "g");
    client b(one, 1, 2, "g");
    (void)a.seen();
    a.say("agreed");
    a.say_safely("safe");
    a.say_safely("safe too");
    a.say("agreed again");
    b.say_safely("of b");
    EXPECT_EQ(one.number(1, 10), 3U);
    one.settle();
    EXPECT_EQ(a.seen(), (strings{"g: 1.1 says agreed", "g: 1.2 says of b", "g: 1.1 says safe", "g: 1.1 says safe too",
                                 "g: 1.1 says agreed again"}));
}

TEST(order, joins_and_leaves_ride_with_either) {
    world one(1);
    one.view({1});
    client a(one, 1, 1);
    a.join("g");
    a.say_safely("safe");
    a.leave();
    EXPECT_EQ(one.number(1, 10), 1U);
    one.settle();
    EXPECT_EQ(a.seen().size(), 3U);
}

TEST(order, room_is_bounded_and_its_return_is_told_once) {
    world one(1, [](settings& bounds) {
        bounds.queue_bytes_max = 1'000;
        bounds.queue_messages_max = 3;
    });
    one.view({1});
    client a(one, 1, 1, "g");
    a.say(long_text(600));
    EXPECT_FALSE(one.at(1).blocked(a.id(), 400));
    EXPECT_TRUE(one.at(1).blocked(a.id(), 401));
    EXPECT_EQ(a.try_say(long_text(401)).error(), refusal::try_again);
    a.say("1");
    a.say("2");
    EXPECT_EQ(a.try_say("3").error(), refusal::try_again);
    // There is always a place for the leave, and what was accepted is not lost.
    a.leave();
    one.settle();
    EXPECT_EQ(a.seen(), (strings{"writable", "g: 1.1 says " + shown(long_text(600)), "g: 1.1 says 1", "g: 1.1 says 2",
                                 "g: | -1.1 leave"}));
}

TEST(order, an_empty_queue_takes_one_message_of_any_allowed_size) {
    world one(1, [](settings& bounds) {
        bounds.queue_bytes_max = 1'000;
        bounds.message_bytes_max = 5'000;
    });
    one.view({1});
    client a(one, 1, 1, "g");
    EXPECT_FALSE(one.at(1).blocked(a.id(), 5'000));
    EXPECT_EQ(a.try_say(long_text(5'001)).error(), refusal::too_big);
    a.say(long_text(5'000));
    EXPECT_TRUE(one.at(1).blocked(a.id(), 1));
    EXPECT_EQ(a.try_say("x").error(), refusal::try_again);
    one.settle();
    EXPECT_EQ(a.seen(), (strings{"writable", "g: 1.1 says " + shown(long_text(5'000))}));
    EXPECT_FALSE(one.at(1).blocked(a.id(), 5'000));
}

TEST(order, nothing_is_numbered_without_a_view) {
    world one(1);
    client a(one, 1, 1);
    a.join("g");
    a.say("early");
    EXPECT_FALSE(one.at(1).pending());
    EXPECT_FALSE(one.at(1).ready());
    one.view({1});
    EXPECT_TRUE(one.at(1).ready());
    EXPECT_EQ(a.seen(), (strings{"g: 1.1 | +1.1 join", "g: 1.1 says early"}));
}

} // namespace
} // namespace coterie::groups::test

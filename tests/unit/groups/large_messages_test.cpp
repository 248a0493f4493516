// SPDX-License-Identifier: BSD-3-Clause
// Messages larger than a packet: whole in one place of the order, or nowhere.
#include "tests/unit/groups/world.hpp"

namespace coterie::groups::test {
namespace {

std::string says(const char* who, const std::string& text) { return std::string("g: ") + who + " says " + shown(text); }

TEST(large_messages, arrive_whole_and_in_the_order_of_their_last_piece) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)a.seen();
    (void)b.seen();
    const std::string large = long_text(10'000);
    a.say("first");
    a.say(large);
    a.say("last");
    two.number(1, 3);
    b.say("between");
    two.number(2);
    two.settle();
    const strings expected{"g: 1.1 says first", "g: 2.2 says between", says("1.1", large), "g: 1.1 says last"};
    EXPECT_EQ(b.seen(), expected);
    EXPECT_EQ(a.seen(), expected);
    EXPECT_EQ(two.counts(2).assembling_bytes, 0U);
    EXPECT_EQ(two.counts(1).numbered, 3U);
}

TEST(large_messages, are_put_together_by_all_but_the_node_that_sent_them) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 1, 2, "g");
    client c(two, 2, 3, "g");
    (void)a.seen();
    (void)b.seen();
    const strings texts{long_text(50'000), long_text(70'000, 3), long_text(50'000, 9)};
    a.say(texts[0]);
    b.say(texts[1]);
    a.say(texts[2]);
    for (std::size_t i = 0; i < 200 && two.number(1) > 0; ++i) {
        two.deliver(1);
        EXPECT_EQ(two.counts(1).assembling_bytes, 0U);
    }
    two.deliver(2, 10);
    EXPECT_GT(two.counts(2).assembling_bytes, 10'000U);
    two.settle();
    const strings expected{says("1.1", texts[0]), says("1.2", texts[1]), says("1.1", texts[2])};
    EXPECT_EQ(a.seen(), expected);
    EXPECT_EQ(c.seen(), expected);
}

TEST(large_messages, of_every_size_around_a_packet_arrive) {
    world one(1);
    one.view({1});
    client a(one, 1, 1, "g");
    for (std::size_t size = 1'300; size < 1'500; ++size) {
        a.say(long_text(size));
        one.settle();
        EXPECT_EQ(a.seen(), strings{says("1.1", long_text(size))});
    }
}

TEST(large_messages, start_again_when_a_view_comes_between_their_pieces) {
    world three(3);
    three.view({1, 2});
    three.view({3});
    client a(three, 1, 1, "g");
    client b(three, 2, 2, "g");
    client c(three, 3, 3, "g");
    (void)b.seen();
    const std::string large = long_text(10U << 20U);
    a.say(large);
    EXPECT_EQ(three.number(1, 4'000), 4'000U);
    three.deliver(2);
    EXPECT_GT(three.counts(2).assembling_bytes, 5'000'000U);
    three.install({1, 2, 3});
    EXPECT_EQ(three.counts(2).assembling_bytes, 0U);
    three.settle();
    EXPECT_EQ(b.seen(), (strings{"g: 1.1 2.2 3.3 | +3.3 node_up", says("1.1", large)}));
    EXPECT_EQ(c.seen(), (strings{"g: 1.1 2.2 3.3 | +1.1 +2.2 node_up", says("1.1", large)}));
    EXPECT_EQ(three.counts(3).implausible, 0U);
}

TEST(large_messages, that_start_again_come_before_what_was_sent_later) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)b.seen();
    const std::string large = long_text(20'000);
    a.say(large);
    a.say("later");
    two.number(1, 5);
    two.install({1, 2});
    two.install({1, 2});
    a.leave();
    two.settle();
    EXPECT_EQ(b.seen(), (strings{says("1.1", large), "g: 1.1 says later", "g: 2.2 | -1.1 leave"}));
}

TEST(large_messages, whose_last_piece_was_numbered_are_not_sent_again) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)b.seen();
    const std::string large = long_text(3'000);
    a.say(large);
    EXPECT_EQ(two.number(1, 100), 3U);
    two.view({1, 2});
    EXPECT_EQ(b.seen(), strings{says("1.1", large)});
}

TEST(large_messages, reach_who_joins_in_their_middle_on_a_node_without_members) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    const std::string large = long_text(10'000);
    a.say(large);
    two.number(1, 4);
    client b(two, 2, 2);
    b.join("g");
    two.number(2);
    two.settle();
    EXPECT_EQ(b.seen(), (strings{"g: 1.1 2.2 | +2.2 join", says("1.1", large)}));
}

TEST(large_messages, leaving_right_after_acceptance_loses_nothing) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)b.seen();
    const std::string large = long_text(1U << 20U);
    a.say(large);
    a.leave();
    two.settle();
    EXPECT_EQ(b.seen(), (strings{says("1.1", large), "g: 2.2 | -1.1 leave"}));
}

TEST(large_messages, of_a_dead_client_are_given_up_before_its_departure) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    client c(two, 1, 3, "g");
    (void)b.seen();
    a.say("small");
    a.say(long_text(50'000));
    a.say("behind");
    two.number(1, 3);
    two.deliver(2);
    EXPECT_GT(two.counts(2).assembling_bytes, 0U);
    a.close();
    c.say(long_text(2'000));
    two.settle();
    EXPECT_EQ(b.seen(),
              (strings{"g: 1.1 says small", "g: 1.3 2.2 | -1.1 process_down", says("1.3", long_text(2'000))}));
    EXPECT_EQ(two.counts(2).assembling_bytes, 0U);
    EXPECT_EQ(two.counts(2).implausible, 0U);
}

TEST(large_messages, of_a_dead_client_that_wait_or_start_again_need_no_abort) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 1, 2, "g");
    client c(two, 2, 3, "g");
    (void)c.seen();
    a.say(long_text(50'000));
    b.say(long_text(50'000));
    two.number(1, 5);
    b.close();
    two.number(1, 2);
    two.install({1, 2});
    a.close();
    two.settle();
    EXPECT_EQ(c.seen(), (strings{"g: 1.1 2.3 | -1.2 process_down", "g: 2.3 | -1.1 process_down"}));
    EXPECT_EQ(two.counts(2).implausible, 0U);
    EXPECT_FALSE(two.at(1).pending());
}

TEST(large_messages, of_two_handles_wait_for_each_other_and_let_small_ones_pass) {
    world one(1);
    one.view({1});
    client a(one, 1, 1, "g");
    client b(one, 1, 2, "g");
    client c(one, 1, 3, "g");
    (void)c.seen();
    a.say(long_text(100'000, 1));
    b.say(long_text(100'000, 2));
    b.say("b's next");
    a.say("a's next");
    a.say(long_text(5'000, 3));
    one.number(1, 3);
    c.say("small");
    one.number(1, 2);
    one.deliver(1);
    EXPECT_EQ(c.seen(), strings{"g: 1.3 says small"});
    one.settle();
    strings seen = c.seen();
    const auto place = [&](const std::string& line) { return std::ranges::find(seen, line) - seen.begin(); };
    ASSERT_EQ(seen.size(), 5U);
    EXPECT_EQ(place(says("1.1", long_text(100'000, 1))), 0);
    EXPECT_LT(place("g: 1.1 says a's next"), place(says("1.1", long_text(5'000, 3))));
    EXPECT_LT(place(says("1.2", long_text(100'000, 2))), place("g: 1.2 says b's next"));
    EXPECT_EQ(one.counts(1).implausible, 0U);
}

TEST(large_messages, of_two_nodes_are_under_way_together) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)a.seen();
    a.say(long_text(20'000, 1));
    b.say(long_text(20'000, 2));
    for (int i = 0; i < 30; ++i) {
        two.number(1);
        two.number(2);
    }
    two.settle();
    EXPECT_EQ(a.seen(), (strings{says("1.1", long_text(20'000, 1)), says("2.2", long_text(20'000, 2))}));
}

TEST(large_messages, do_not_travel_in_silly_little_pieces) {
    world one(1);
    one.view({1});
    client a(one, 1, 1, "g");
    client b(one, 1, 2, "g");
    one.packets_bytes.clear();
    a.say(long_text(1'340));
    b.say(long_text(4'000));
    one.settle();
    EXPECT_EQ(one.packets_bytes.size(), 4U);
}

TEST(large_messages, that_are_safe_end_in_a_safe_packet_without_agreed_messages) {
    world one(1);
    one.traced = true;
    one.restart(1);
    one.view({1});
    client a(one, 1, 1, "g");
    client b(one, 1, 2, "g");
    (void)a.seen();
    b.say("agreed");
    a.say_safely(long_text(3'000));
    one.number(1, 2);
    b.say("agreed too");
    one.settle();
    EXPECT_EQ(a.seen(), (strings{"g: 1.2 says agreed", says("1.1", long_text(3'000)), "g: 1.2 says agreed too"}));
    for (const trace::event& what : one.trace()) {
        if (what.kind == trace::event_kind::message_numbered) {
            const auto packet = std::ranges::find_if(one.trace(), [&](const trace::event& other) {
                return other.kind == trace::event_kind::numbered && other.number == what.number;
            });
            ASSERT_NE(packet, one.trace().end());
            EXPECT_EQ(packet->safe, what.safe);
        }
    }
}

TEST(large_messages, of_a_lost_node_leave_nothing_behind) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 2, 2, "g");
    (void)a.seen();
    b.say(long_text(10'000));
    two.number(2, 3);
    two.deliver(1);
    two.view({1});
    EXPECT_EQ(a.seen(), strings{"g: 1.1 | -2.2 node_down"});
    EXPECT_EQ(two.counts(1).assembling_bytes, 0U);
    EXPECT_EQ(two.counts(1).implausible, 0U);
}

} // namespace
} // namespace coterie::groups::test

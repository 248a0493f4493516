// SPDX-License-Identifier: BSD-3-Clause
// A member of a view of one: its requests are delivered as they are, one number each, in no packet.
#include "tests/unit/groups/world.hpp"

namespace coterie::groups::test {
namespace {

std::string says(const char* who, const std::string& text) { return std::string("g: ") + who + " says " + shown(text); }

TEST(alone, requests_are_delivered_in_their_order_each_under_its_own_number) {
    world one(1);
    one.traced = true;
    one.restart(1);
    one.view({1});
    client a(one, 1, 7, "h");
    client b(one, 1, 8, "h");
    (void)a.seen();
    (void)b.seen();
    one.trace().clear();
    const std::string large = long_text(500'000);
    a.say("one");
    a.say(large);
    a.say_safely("safe");
    a.leave();
    EXPECT_EQ(one.deliver_alone(1), 4U);
    EXPECT_FALSE(one.at(1).pending());
    EXPECT_EQ(b.seen(),
              (strings{"h: 1.7 says one", "h: 1.7 says " + shown(large), "h: 1.7 says safe", "h: 1.8 | -1.7 leave"}));
    std::vector<std::pair<trace::event_kind, bool>> steps;
    std::uint64_t number = 0;
    for (const trace::event& each : one.trace()) {
        steps.emplace_back(each.kind, each.safe);
        EXPECT_GE(each.number.value, number);
        number = each.number.value;
    }
    using enum trace::event_kind;
    EXPECT_EQ(steps, (std::vector<std::pair<trace::event_kind, bool>>{{numbered, false},
                                                                      {message_numbered, false},
                                                                      {delivered, false},
                                                                      {numbered, false},
                                                                      {message_numbered, false},
                                                                      {delivered, false},
                                                                      {numbered, true},
                                                                      {message_numbered, true},
                                                                      {delivered, true},
                                                                      {numbered, false},
                                                                      {delivered, false}}));
}

TEST(alone, handles_take_turns) {
    world one(1);
    one.view({1});
    client a(one, 1, 1, "g");
    client b(one, 1, 2, "g");
    (void)b.seen();
    const std::string half = long_text(600);
    for (int i = 0; i < 4; ++i) {
        a.say(half);
    }
    b.say(half);
    b.say("short");
    EXPECT_EQ(one.deliver_alone(1, 4), 4U);
    EXPECT_EQ(b.seen(), (strings{says("1.1", half), says("1.1", half), says("1.2", half), says("1.2", "short")}));
    EXPECT_EQ(one.deliver_alone(1), 2U);
    EXPECT_EQ(b.seen(), (strings{says("1.1", half), says("1.1", half)}));
}

TEST(alone, a_large_message_that_was_under_way_in_a_view_of_two_is_delivered_whole) {
    world two(2);
    two.view({1, 2});
    client a(two, 1, 1, "g");
    client b(two, 1, 2, "g");
    (void)a.seen();
    (void)b.seen();
    const std::string large = long_text(20'000);
    const std::string other = long_text(30'000, 5);
    a.say(large);
    b.say(other);
    two.number(1, 5);
    two.deliver(1);
    two.install({1});
    two.deliver(1);
    EXPECT_EQ(two.deliver_alone(1), 2U);
    EXPECT_EQ(a.seen(), (strings{says("1.1", large), says("1.2", other)}));
    EXPECT_EQ(two.counts(1).implausible, 0U);
    EXPECT_EQ(two.counts(1).assembling_bytes, 0U);
}

TEST(alone, who_was_refused_for_lack_of_room_is_told_when_there_is_some) {
    world one(1, [](settings& bounds) { bounds.queue_messages_max = 2; });
    one.view({1});
    client a(one, 1, 1, "g");
    (void)a.seen();
    a.say("one");
    a.say("two");
    EXPECT_EQ(a.try_say("three").error(), refusal::try_again);
    EXPECT_EQ(one.deliver_alone(1), 2U);
    EXPECT_EQ(a.seen(), (strings{"writable", "g: 1.1 says one", "g: 1.1 says two"}));
}

TEST(alone, nothing_is_delivered_before_the_common_point) {
    world one(1);
    one.view({1});
    client a(one, 1, 1, "g");
    (void)a.seen();
    a.say("early");
    one.install({1});
    EXPECT_FALSE(one.at(1).deliver_next({}, {{2}}));
    EXPECT_EQ(a.seen(), strings{});
    one.deliver(1);
    EXPECT_EQ(one.deliver_alone(1), 1U);
    EXPECT_EQ(a.seen(), strings{"g: 1.1 says early"});
}

} // namespace
} // namespace coterie::groups::test

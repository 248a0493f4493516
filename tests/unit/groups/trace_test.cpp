// SPDX-License-Identifier: BSD-3-Clause
// What the service records for the checker.
#include "tests/unit/groups/world.hpp"

namespace coterie::groups::test {
namespace {

using trace::event;
using trace::event_kind;

TEST(trace, tells_views_packets_common_points_and_messages_in_their_order) {
    world two(2);
    two.traced = true;
    two.restart(1);
    two.at(1).set_trace_time(77);
    two.view({1, 2});
    client a(two, 1, 5);
    a.join("g");
    a.say("hello");
    a.say_safely("safe");
    two.settle();
    two.install({1});

    std::vector<event_kind> kinds;
    for (const event& what : two.trace()) {
        kinds.push_back(what.kind);
        EXPECT_EQ(what.time_ns, 77);
        EXPECT_EQ(what.node, node_id{1});
        EXPECT_NE(what.stream, 0U);
    }
    using enum event_kind;
    EXPECT_EQ(kinds, (std::vector{regular, delivered, delivered, common_point, numbered, message_numbered, delivered,
                                  numbered, message_numbered, delivered, transitional, regular}));
    const event& message = two.trace()[8];
    EXPECT_EQ(message.who, (process{{1}, 5}));
    EXPECT_EQ(message.group, "g");
    EXPECT_EQ(message.message, trace::digest(bytes_of("safe")));
    EXPECT_EQ(message.number.value, 4U);
    EXPECT_TRUE(message.safe);
    EXPECT_TRUE(two.trace()[7].safe);
    EXPECT_FALSE(two.trace()[4].safe);
}

TEST(trace, tables_are_recorded_by_group) {
    world one(1);
    one.traced = true;
    one.restart(1);
    one.view({1});
    client a(one, 1, 5, "h");
    client b(one, 1, 4, "h");
    client c(one, 1, 4, "g");
    one.trace().clear();
    one.at(1).record_tables(9);
    ASSERT_EQ(one.trace().size(), 2U);
    EXPECT_EQ(one.trace()[0].group, "g");
    EXPECT_EQ(one.trace()[1].processes, (std::vector<process>{{{1}, 4}, {{1}, 5}}));
    EXPECT_EQ(one.trace()[1].time_ns, 9);
}

} // namespace
} // namespace coterie::groups::test

// SPDX-License-Identifier: BSD-3-Clause
// The checker on order inside of views: guarantees 5 to 7, and what is checked inside of the protocol.
#include "tests/sim/checker_fixture.hpp"

namespace coterie::test {

namespace {

/// Three nodes in one view: packets 1 to 3 are their tables.
class checker_of_order : public checker_fixture {
protected:
    checker_of_order() {
        for (const std::uint32_t node : {1U, 2U, 3U}) {
            w.boot(node);
        }
        w.install({1, 2, 3});
    }

    /// A packet that these nodes deliver.
    void packet(std::uint32_t from, std::set<std::uint32_t> at, bool safe = false) {
        const auto& sent = w.number_packet(from, safe);
        if (!at.empty()) {
            w.deliver_everywhere(sent, {}, at);
        }
    }

    /// A delivery in the transitional configuration with which `node` left its first view.
    void deliver_late(std::uint32_t node, std::uint64_t number, std::uint32_t from, bool safe = false) {
        std::size_t at = w.find(event_kind::transitional, node) + 1;
        while (w.events[at].kind == event_kind::delivered && w.events[at].node.value == node) {
            ++at;
        }
        event late = w.at(event_kind::delivered, node);
        late.number = {{number}};
        late.peer = {from};
        late.safe = safe;
        w.events.insert(w.events.begin() + static_cast<std::ptrdiff_t>(at), late);
    }
};

// Guarantees 5 and 6.

TEST_F(checker_of_order, past_a_hole_what_came_from_inside_passes) {
    packet(3, {}); // 4, which goes down with node 3
    packet(1, {}); // 5
    w.crash(3);
    w.install({1, 2});
    deliver_late(1, 5, 1);
    deliver_late(2, 5, 1);
    expect_clean({{1, 2}});
}

TEST_F(checker_of_order, past_a_hole_what_came_from_outside_is_found) {
    packet(1, {1}); // 4, lost for node 2
    packet(3, {});  // 5
    w.install({1});
    w.install({2});
    deliver_late(2, 5, 3);
    expect(6, "nobody in it owes");
}

TEST_F(checker_of_order, past_a_hole_what_is_owed_passes) {
    packet(1, {1});
    packet(3, {});
    event& completed = w.record(event_kind::completed, 2);
    completed.view = {{{50}}, {3}, {w.at(event_kind::started, 3).stream}};
    w.install({1});
    w.install({2});
    deliver_late(2, 5, 3);
    sim::checker_options options;
    EXPECT_EQ(words(options).find("guarantee 6"), std::string::npos) << words(options);
}

TEST_F(checker_of_order, a_skipped_packet_of_a_companion_is_found) {
    packet(2, {2}); // 4
    packet(1, {});  // 5
    w.install({1, 2});
    w.drop(w.at(event_kind::delivered, 1, 3)); // 4
    deliver_late(1, 5, 1);
    deliver_late(2, 5, 1);
    expect(6, "skips 4");
}

TEST_F(checker_of_order, a_hole_in_the_regular_configuration_is_found) {
    packet(1, {1, 2});
    packet(1, {1, 2, 3});
    expect(6, "past a hole");
}

TEST_F(checker_of_order, deliveries_in_opposite_orders_are_found) {
    packet(1, {1, 2, 3});
    packet(2, {1, 2, 3});
    w.move(w.last(event_kind::delivered, 3), w.at(event_kind::delivered, 3, 3));
    expect(6, "after 5");
}

TEST_F(checker_of_order, a_later_packet_of_a_sender_without_the_earlier_one_is_found) {
    packet(3, {}); // 4
    packet(3, {}); // 5
    w.install({1, 2});
    deliver_late(1, 5, 3);
    expect(5, "sent before");
}

TEST_F(checker_of_order, an_effect_without_its_cause_is_found) {
    packet(3, {1, 3}); // 4: node 1 delivers it and answers
    packet(1, {});     // 5
    w.install({2});
    deliver_late(2, 5, 1);
    expect(5, "had delivered before");
}

TEST_F(checker_of_order, a_number_below_what_was_delivered_is_found) {
    packet(1, {1, 2, 3});
    packet(2, {1, 2, 3});
    w.move(w.last(event_kind::numbered, 2), w.events.back());
    w.move(w.at(event_kind::delivered, 2, 4), w.last(event_kind::numbered, 2));
    expect(5, "after it delivered");
}

// Guarantee 7.

TEST_F(checker_of_order, a_safe_packet_that_everyone_delivers_passes) {
    packet(2, {1, 2, 3}, true);
    w.install({1, 2});
    expect_clean({}, true, false);
}

TEST_F(checker_of_order, a_safe_packet_that_a_member_misses_is_found) {
    packet(2, {1, 2}, true);
    w.install({1, 2});
    w.install({3});
    expect(7, "node 3 does not");
}

TEST_F(checker_of_order, a_safe_packet_that_a_crashed_member_misses_passes) {
    packet(2, {1, 2}, true);
    w.crash(3);
    w.install({1, 2});
    expect_clean({{1, 2}});
}

TEST_F(checker_of_order, a_safe_packet_that_was_not_delivered_by_the_end_is_found) {
    packet(2, {1, 2}, true);
    expect_clean({}, true, false);
    expect(7, "node 3 does not", {.quiet = true});
}

TEST_F(checker_of_order, a_safe_packet_in_the_transitional_configuration_binds_only_its_members) {
    packet(2, {}, true); // 4
    w.install({1, 2});
    w.install({3});
    deliver_late(1, 4, 2, true);
    deliver_late(2, 4, 2, true);
    expect_clean({{1, 2}, {3}});

    w.drop(w.at(event_kind::delivered, 1, 3));
    expect(7, "node 1 does not");
}

TEST_F(checker_of_order, a_safe_packet_of_a_view_that_a_member_never_installed_is_found) {
    packet(2, {1, 2}, true);
    std::erase_if(w.events, [](const event& each) {
        return each.node.value == 3 && each.kind != event_kind::started && each.kind != event_kind::numbered;
    });
    w.drop(w.at(event_kind::numbered, 3));
    expect(7, "never installed");
}

TEST_F(checker_of_order, a_safe_message_that_is_numbered_as_agreed_is_found) {
    auto& one = w.open(1, 100);
    w.join(one, "g");
    w.send(one, 11, true);
    w.last(event_kind::message_numbered, 1).safe = false;
    expect(7, "accepted as safe and numbered as agreed");
}

TEST_F(checker_of_order, a_message_in_a_packet_of_another_time_is_found) {
    auto& one = w.open(1, 100);
    w.join(one, "g");
    w.send(one, 11);
    w.last(event_kind::message_numbered, 1).number = {{4}};
    expect(1, "not the one that it has just numbered");
}

TEST_F(checker_of_order, a_safe_message_in_an_agreed_packet_is_found) {
    auto& one = w.open(1, 100);
    w.join(one, "g");
    w.send(one, 11, true);
    w.last(event_kind::numbered, 1).safe = false;
    for (const std::uint32_t node : {1U, 2U, 3U}) {
        w.last(event_kind::delivered, node).safe = false;
    }
    expect(7, "which is not safe");
}

// Inside.

TEST_F(checker_of_order, an_acknowledgement_that_is_not_reported_is_found) {
    packet(1, {1, 2, 3});
    event& acknowledged = w.record(event_kind::acknowledged, 2);
    acknowledged.view = w.view_of(2);
    acknowledged.number = {{4}};
    w.install({1, 2, 3});
    expect_clean({}, true, false);
    w.last(event_kind::promised, 2).number = {{3}};
    expect(sim::inside_guarantee, "has acknowledged");
}

TEST_F(checker_of_order, taking_part_after_a_promise_is_found) {
    event& promise = w.record(event_kind::promised, 2);
    promise.view = {{{50}}, {1}, {w.at(event_kind::started, 1).stream}};
    promise.left_view = w.view_of(2);
    promise.number = {{3}};
    packet(2, {1, 2, 3});
    expect(sim::inside_guarantee, "by its promise");
}

TEST_F(checker_of_order, a_delivery_between_promise_and_install_is_found) {
    packet(1, {1, 2, 3});
    w.install({1, 2, 3});
    w.move(w.at(event_kind::delivered, 2, 3), w.last(event_kind::completed, 2));
    expect(sim::inside_guarantee, "between its promise and the install");
}

TEST_F(checker_of_order, a_lower_promise_is_found) {
    w.install({1, 2, 3});
    event& lower = w.repeat(w.last(event_kind::promised, 2));
    lower.view = w.at(event_kind::promised, 2).view;
    expect(sim::inside_guarantee, "promises");
}

TEST_F(checker_of_order, a_report_for_another_view_is_found) {
    w.install({1, 2, 3});
    w.last(event_kind::promised, 2).left_view = base::no_view;
    expect(sim::inside_guarantee, "reports for");
}

TEST_F(checker_of_order, completing_against_a_promise_is_found) {
    w.install({1, 2, 3});
    event& higher = w.repeat(w.last(event_kind::promised, 2));
    higher.view = {{{50}}, {1}, {w.at(event_kind::started, 1).stream}};
    expect(sim::inside_guarantee, "its latest promise");
}

TEST_F(checker_of_order, an_install_that_was_not_completed_is_found) {
    w.install({1, 2, 3});
    w.drop(w.last(event_kind::completed, 2));
    expect(sim::inside_guarantee, "has not completed");
}

TEST_F(checker_of_order, passing_through_a_view_that_others_installed_passes) {
    // Node 2 completes what node 1 installs, answers a higher attempt, then installs for the sake of node 1.
    w.install({1, 2});
    event higher = w.last(event_kind::promised, 2);
    higher.view = {{{50}}, {1}, {w.at(event_kind::started, 1).stream}};
    w.events.insert(w.events.begin() + static_cast<std::ptrdiff_t>(w.find(event_kind::completed, 2, 1)) + 1, higher);
    // In that view it only reports.
    const base::view_id passed = w.view_of(2);
    std::erase_if(w.events, [&](const event& each) {
        const bool takes_part = each.kind == event_kind::delivered || each.kind == event_kind::common_point ||
                                each.kind == event_kind::numbered;
        return each.view == passed && ((takes_part && each.node.value == 2) ||
                                       (each.kind == event_kind::delivered && each.number.value == 2) ||
                                       each.kind == event_kind::common_point);
    });
    event& answer = w.record(event_kind::promised, 1);
    answer.view = higher.view;
    answer.left_view = passed;
    answer.number = {{1}};
    expect_clean({}, true, false);

    answer.left_view = base::no_view;
    expect(sim::inside_guarantee, "nobody came from there");
    answer.left_view = passed;
    w.last(event_kind::installed, 2).view = higher.view;
    expect(sim::inside_guarantee, "has not completed");
}

TEST_F(checker_of_order, an_install_that_a_member_never_completed_is_found) {
    w.install({1, 2, 3});
    w.drop(w.last(event_kind::completed, 3));
    std::erase_if(w.events, [&](const event& each) {
        return each.node.value == 3 && each.kind == event_kind::installed && each.view == w.view_of(3);
    });
    expect(sim::inside_guarantee, "node 3 never completed it");
}

TEST_F(checker_of_order, an_install_that_nobody_planned_is_found) {
    w.drop(w.at(event_kind::planned, 1));
    expect(sim::inside_guarantee, "nobody planned");
}

TEST_F(checker_of_order, a_plan_after_its_completion_is_found) {
    w.move(w.at(event_kind::planned, 1), w.at(event_kind::regular, 1));
    expect(1, "cause of itself");
}

TEST_F(checker_of_order, leaving_without_what_was_reported_is_found) {
    w.install({1, 2, 3});
    w.last(event_kind::promised, 2).number = {{4}};
    expect(sim::inside_guarantee, "though it said that it had 4");
}

TEST_F(checker_of_order, reporting_less_than_was_delivered_is_found) {
    packet(1, {1, 2, 3});
    w.install({1, 2, 3});
    w.last(event_kind::promised, 2).number = {{3}};
    expect(sim::inside_guarantee, "has delivered more");
}

TEST_F(checker_of_order, a_promise_to_another_than_the_coordinator_is_found) {
    w.at(event_kind::promised, 2).peer = {3};
    expect(sim::inside_guarantee, "to node 3");
}

TEST_F(checker_of_order, a_hop_of_another_view_is_found) {
    packet(2, {1, 2, 3});
    w.last(event_kind::hop_taken, 2).view.epoch = {{9}};
    expect(sim::inside_guarantee, "while it has");
}

TEST_F(checker_of_order, two_plans_of_one_attempt_are_found) {
    w.at(event_kind::completed, 2).hash = 1;
    expect(sim::inside_guarantee, "two plans");
}

TEST_F(checker_of_order, a_plan_for_anothers_attempt_is_found) {
    w.at(event_kind::planned, 1).node = {2};
    w.events[w.find(event_kind::planned, 2)].stream = w.at(event_kind::started, 2).stream;
    expect(sim::inside_guarantee, "the attempt of another");
}

TEST_F(checker_of_order, a_view_without_an_install_is_found) {
    w.drop(w.at(event_kind::installed, 3));
    expect(sim::inside_guarantee, "without a step");
}

TEST_F(checker_of_order, a_hop_with_two_targets_is_found) {
    packet(2, {1, 2, 3});
    w.repeat(w.at(event_kind::hop_given, 1)).peer = {3};
    expect(sim::inside_guarantee, "given twice");
}

TEST_F(checker_of_order, a_hop_taken_by_two_is_found) {
    packet(2, {1, 2, 3});
    event& other = w.repeat(w.at(event_kind::hop_taken, 2));
    other.node = {3};
    other.stream = w.at(event_kind::started, 3).stream;
    expect(sim::inside_guarantee, "taken twice");
}

TEST_F(checker_of_order, a_hop_taken_by_another_than_its_target_is_found) {
    packet(2, {1, 2, 3});
    w.at(event_kind::hop_given, 1).peer = {3};
    expect(sim::inside_guarantee, "was given to");
}

TEST_F(checker_of_order, a_hop_from_nowhere_is_found) {
    packet(2, {1, 2, 3});
    w.drop(w.at(event_kind::hop_given, 1));
    expect(sim::inside_guarantee, "nobody gave");
}

TEST_F(checker_of_order, an_old_hop_is_found) {
    packet(2, {1, 2, 3});
    packet(3, {1, 2, 3});
    packet(2, {1, 2, 3});
    w.last(event_kind::hop_taken, 2).hop = {{2}};
    expect(sim::inside_guarantee, "after hop");
}

TEST_F(checker_of_order, numbering_without_the_token_is_found) {
    packet(2, {1, 2, 3});
    packet(3, {1, 2, 3});
    w.move(w.last(event_kind::hop_given, 2), w.last(event_kind::numbered, 2));
    expect(sim::inside_guarantee, "without holding");
}

TEST_F(checker_of_order, a_skipped_number_is_found) {
    packet(2, {1, 2, 3});
    w.last(event_kind::numbered, 2).number = {{5}};
    expect(sim::inside_guarantee, "is not");
}

TEST_F(checker_of_order, numbers_out_of_the_order_of_hops_are_found) {
    packet(2, {1, 2, 3});
    packet(3, {1, 2, 3});
    std::swap(w.last(event_kind::numbered, 2).number, w.last(event_kind::numbered, 3).number);
    expect(sim::inside_guarantee, "the one before in hop");
}

TEST_F(checker_of_order, anothers_place_for_a_table_is_found) {
    std::swap(w.at(event_kind::numbered, 2).number, w.at(event_kind::numbered, 3).number);
    expect(sim::inside_guarantee, "the place of another");
}

TEST_F(checker_of_order, a_message_before_the_common_point_is_found) {
    auto& one = w.open(1, 100);
    w.join(one, "g");
    w.send(one, 11);
    w.move(w.at(event_kind::common_point, 1), w.events.back());
    expect(sim::inside_guarantee, "before the common point");
}

// Traces that are none.

TEST_F(checker_of_order, events_after_an_end_are_found) {
    w.crash(3);
    w.record(event_kind::acknowledged, 3).view = w.view_of(3);
    expect(sim::malformed_trace, "after its end");
}

TEST_F(checker_of_order, a_life_without_a_start_is_found) {
    w.drop(w.at(event_kind::started, 3));
    expect(sim::malformed_trace, "does not begin with its start");
}

TEST_F(checker_of_order, a_second_start_is_found) {
    w.record(event_kind::started, 3);
    expect(sim::malformed_trace, "amid its life");
}

TEST_F(checker_of_order, no_more_is_told_than_asked_for) {
    packet(1, {1, 2, 3});
    for (int i = 0; i < 10; ++i) {
        w.repeat(w.last(event_kind::delivered, 3));
    }
    sim::checker_options options;
    options.violations_max_per_guarantee = 3;
    const auto found = sim::check(w.events, options);
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(found[3].what, "... and 7 more");
    EXPECT_EQ(found[3].guarantee, 1);
}

TEST_F(checker_of_order, an_excerpt_marks_what_is_at_fault) {
    packet(1, {1, 2, 3});
    w.repeat(w.last(event_kind::delivered, 3));
    const auto found = sim::check(w.events, {});
    ASSERT_FALSE(found.empty());
    const std::string text = sim::excerpt(w.events, found.front(), {.before = 1, .after = 1});
    EXPECT_NE(text.find("guarantee 1: node 3 delivers packet 1@1 4 twice"), std::string::npos) << text;
    EXPECT_NE(text.find("\n> "), std::string::npos) << text;
    EXPECT_NE(text.find("  ... "), std::string::npos) << text;
    EXPECT_NE(text.find("node 3       delivers 1@1 4 of node 1"), std::string::npos) << text;
}

} // namespace

} // namespace coterie::test

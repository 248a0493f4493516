// SPDX-License-Identifier: BSD-3-Clause
// The checker on process groups: guarantees 8 to 15, and 17 as far as traces tell.
#include "tests/sim/checker_fixture.hpp"

namespace coterie::test {

namespace {

/// Three nodes, with two clients on the first and one on each other, in one group.
class checker_of_groups : public checker_fixture {
protected:
    checker_of_groups() {
        for (const std::uint32_t node : {1U, 2U, 3U}) {
            w.boot(node);
        }
        w.install({1, 2, 3});
        a = &w.open(1, 101);
        b = &w.open(2, 201);
        c = &w.open(3, 301, true);
        a2 = &w.open(1, 102);
        for (auto* each : {a, b, c, a2}) {
            w.join(*each, "g");
        }
        w.send(*a, 11);
        w.send(*b, 12);
        w.send(*c, 13);
    }

    /// The `nth` event of a kind in the stream of one client.
    event& seen(const perfect_world::client& by, event_kind kind, std::size_t nth = 0) {
        return *std::ranges::find_if(
            w.events, [&](const event& each) { return each.kind == kind && each.who == by.who && nth-- == 0; });
    }
    event& last_seen(const perfect_world::client& by, event_kind kind) {
        return *std::find_if(w.events.rbegin(), w.events.rend(),
                             [&](const event& each) { return each.kind == kind && each.who == by.who; });
    }
    /// What the client saw last.
    event& last_sight(const perfect_world::client& by) {
        return *std::find_if(w.events.rbegin(), w.events.rend(), [&](const event& each) {
            return (each.kind == event_kind::client_delivered || each.kind == event_kind::client_change) &&
                   each.who == by.who;
        });
    }

    perfect_world::client* a = nullptr;
    perfect_world::client* a2 = nullptr;
    perfect_world::client* b = nullptr;
    perfect_world::client* c = nullptr;
};

TEST_F(checker_of_groups, all_that_may_happen_to_a_group_passes) {
    w.leave(*a2);
    w.join(*a2, "g");
    w.send(*a2, 21);
    w.install({1, 2});
    w.install({3});
    w.send(*a, 22);
    w.send(*c, 23);
    w.die(*b);
    auto& d = w.open(3, 302, true);
    w.join(d, "g");
    w.install({1, 2, 3});
    w.send(d, 31);
    w.leave(d);
    w.close(*a2);
    w.crash(3);
    w.install({1, 2});
    w.send(*a, 41);
    expect_clean({{1, 2}});
}

TEST_F(checker_of_groups, a_node_that_left_and_returned_between_two_common_points_passes) {
    // The view of {1, 2} is installed, but its tables never meet; then all merge. Node 3 stays as it was.
    w.install({1, 2, 3});
    w.send(*a, 21);
    w.install({1, 3});
    w.install({2});
    w.install({1, 2, 3});
    w.send(*b, 22);
    expect_clean({{1, 2, 3}});
}

TEST_F(checker_of_groups, tails_of_nodes_that_part_may_differ) {
    w.send(*a, 21, false, {1, 2});
    w.send(*a, 22, false, {1});
    w.install({1});
    w.install({2});
    w.install({3});
    w.install({1, 2, 3});
    w.send(*c, 31);
    expect_clean({}, true, false);
}

// Guarantee 8: same story.

TEST_F(checker_of_groups, a_change_in_another_place_is_found) {
    w.leave(*a2);
    w.send(*b, 21);
    std::swap(last_seen(*c, event_kind::client_change), last_seen(*c, event_kind::client_delivered));
    expect(8, "see different things");
}

TEST_F(checker_of_groups, a_change_that_one_does_not_see_is_found) {
    w.leave(*a2);
    w.send(*b, 21);
    w.drop(last_seen(*a, event_kind::client_change));
    expect(8, "see different things");
}

TEST_F(checker_of_groups, a_change_that_one_does_not_see_at_the_end_is_found) {
    w.leave(*a2);
    w.drop(last_seen(*c, event_kind::client_change));
    expect_clean({}, true, false);
    expect(8, "does not", {.quiet = true});
}

TEST_F(checker_of_groups, a_missed_end_is_found_when_both_have_moved_on) {
    w.send(*b, 21);
    w.install({1, 2, 3});
    w.send(*b, 22);
    const auto missed = std::ranges::find_if(w.events, [&](const event& each) {
        return each.kind == event_kind::client_delivered && each.who == c->who && each.message == 21;
    });
    w.events.erase(missed);
    expect(8, "see different things");
    expect(12, "is not given");
    expect(15, "message 2 is due");
}

TEST_F(checker_of_groups, different_tails_of_nodes_that_move_together_are_found) {
    w.leave(*a2);
    w.install({1, 2});
    w.install({3});
    // Nodes 1 and 2 go on together; what a2 did is in the first view's end.
    w.drop(last_seen(*b, event_kind::client_change)); // NODEDOWN
    w.drop(last_seen(*b, event_kind::client_change)); // LEAVE
    expect(11, "must hear", {.quiet = true});
}

TEST_F(checker_of_groups, a_join_that_another_never_sees_is_found) {
    w.install({1, 2, 3});
    auto& d = w.open(2, 202);
    w.join(d, "g");
    w.send(*a, 21);
    w.install({1, 2, 3});
    w.send(*a, 22);
    const auto missed = std::ranges::find_if(w.events, [&](const event& each) {
        return each.kind == event_kind::client_change && each.who == a->who && !each.joined.empty() &&
               each.joined.front().who == d.who;
    });
    w.events.erase(missed);
    expect(8, "never sees the join");
}

TEST_F(checker_of_groups, members_that_differ_after_a_merge_are_found) {
    w.install({1, 2});
    w.install({3});
    auto& d = w.open(3, 302);
    w.join(d, "g");
    w.install({1, 2, 3});
    w.send(*a, 31);
    event& merge = last_seen(*b, event_kind::client_change);
    std::erase(merge.processes, d.who);
    std::erase_if(merge.joined, [&](const departed& each) { return each.who == d.who; });
    expect(8, "know different members");
}

TEST_F(checker_of_groups, rejoining_again_and_again_passes) {
    for (int i = 0; i < 5; ++i) {
        w.leave(*a2);
        w.join(*a2, "g");
    }
    w.send(*a2, 21);
    w.install({1, 2, 3});
    w.leave(*a2);
    w.join(*a2, "g");
    w.send(*a2, 22);
    expect_clean({{1, 2, 3}});
}

TEST_F(checker_of_groups, a_join_that_looks_different_to_the_joiner_is_found) {
    w.install({1, 2});
    w.install({3});
    auto& d = w.open(3, 302);
    w.join(d, "g");
    w.install({1, 2, 3});
    // For node 1 it comes with the common point, but as a join.
    event& merge = last_seen(*a, event_kind::client_change);
    event& late = w.repeat(merge);
    event& early = *(&late - 1);
    early.joined.pop_back();
    std::erase(early.processes, d.who);
    late.joined = {{d.who, reason::join}};
    expect(8, "does not look like that to the joiner");
}

// Guarantee 9: arithmetic.

TEST_F(checker_of_groups, unsorted_members_are_found) {
    std::ranges::reverse(last_seen(*b, event_kind::client_change).processes);
    expect(9, "not sorted");
}

TEST_F(checker_of_groups, members_that_do_not_add_up_are_found) {
    last_seen(*b, event_kind::client_change).processes.pop_back();
    expect(9, "the members before were");
}

TEST_F(checker_of_groups, a_change_without_a_reason_is_found) {
    last_seen(*b, event_kind::client_change).joined.front().why = reason::undefined;
    expect(9, "nobody says why");
}

TEST_F(checker_of_groups, a_change_of_nothing_is_found) {
    last_seen(*b, event_kind::client_change).joined.clear();
    expect(9, "nothing changes");
}

TEST_F(checker_of_groups, a_change_of_two_kinds_is_found) {
    last_seen(*b, event_kind::client_change).left = {{a->who, reason::leave}};
    expect(9, "departures and joins");
}

TEST_F(checker_of_groups, two_causes_in_one_change_are_found) {
    w.crash(3);
    w.install({1, 2});
    last_seen(*b, event_kind::client_change).left.push_back({{{3}, 999}, reason::leave});
    expect(9, "two causes");
}

TEST_F(checker_of_groups, two_joins_in_one_change_are_found) {
    event& change = last_seen(*b, event_kind::client_change);
    change.joined.push_back({{{3}, 999}, reason::join});
    change.processes.push_back({{3}, 999});
    expect(9, "several processes");
}

TEST_F(checker_of_groups, a_join_for_the_reason_of_a_leave_is_found) {
    last_seen(*b, event_kind::client_change).joined.front().why = reason::leave;
    expect(9, "for the reason of a departure");
}

TEST_F(checker_of_groups, a_departure_of_a_stranger_is_found) {
    w.leave(*a2);
    last_seen(*b, event_kind::client_change).left = {{{{3}, 999}, reason::leave}};
    expect(9, "who was no member");
}

// Guarantee 10: one transition, one report.

TEST_F(checker_of_groups, a_common_point_without_all_tables_is_found) {
    w.move(w.at(event_kind::common_point, 2), w.at(event_kind::delivered, 2, 2));
    expect(10, "before it has delivered every table");
}

TEST_F(checker_of_groups, a_common_point_that_only_one_of_two_reaches_is_found) {
    w.install({1, 2, 3});
    w.install({1, 2, 3});
    w.drop(w.at(event_kind::common_point, 2, 1));
    expect(10, "only one reached");
}

TEST_F(checker_of_groups, a_report_without_a_common_point_is_found) {
    w.install({1, 2});
    w.drop(w.last(event_kind::common_point, 1));
    expect(10, "no common point");
}

TEST_F(checker_of_groups, two_departures_at_one_common_point_are_found) {
    auto& d = w.open(3, 302);
    w.join(d, "g");
    w.install({1, 2});
    event& down = last_seen(*a, event_kind::client_change);
    ASSERT_EQ(down.left.size(), 2U);
    event& second = w.repeat(down);
    event& first = *(&second - 1);
    first.left.pop_back();
    first.processes.push_back(second.left.back().who);
    second.left.erase(second.left.begin());
    expect(10, "no common point");
}

TEST_F(checker_of_groups, a_departure_after_an_arrival_at_one_common_point_is_found) {
    // Node 3 goes and comes back between two common points of node 1: NODEDOWN, then NODEUP.
    w.crash(3);
    w.boot(3);
    w.install({3});
    auto& d = w.open(3, 302);
    w.join(d, "g");
    w.install({1, 2, 3});
    expect_clean({{1, 2, 3}});
    event& up = last_seen(*a, event_kind::client_change);
    event& down = *std::find_if(w.events.rbegin(), w.events.rend(), [&](const event& each) {
        return each.kind == event_kind::client_change && each.who == a->who && !each.left.empty();
    });
    std::swap(up, down);
    expect(10, "no common point");
}

TEST_F(checker_of_groups, an_own_node_that_comes_up_is_found) {
    last_seen(*a, event_kind::client_change).joined.front() = {a2->who, reason::node_up};
    expect(10, "its own node comes up");
}

TEST_F(checker_of_groups, a_view_of_the_ring_without_a_common_point_is_found) {
    w.install({1, 2, 3});
    last_seen(*c, event_kind::client_view).view.epoch = {{77}};
    expect(10, "no such common point");
}

TEST_F(checker_of_groups, a_view_of_the_ring_with_other_members_is_found) {
    w.install({1, 2, 3});
    last_seen(*c, event_kind::client_view).members.pop_back();
    expect(10, "no such common point");
}

TEST_F(checker_of_groups, a_missing_view_of_the_ring_is_found) {
    w.install({1, 2, 3});
    w.send(*a, 21);
    w.install({1, 2, 3});
    w.drop(seen(*c, event_kind::client_view, 1));
    expect(11, "should have been told");
}

TEST_F(checker_of_groups, a_missing_last_view_of_the_ring_is_found) {
    w.install({1, 2, 3});
    w.install({1, 2, 3});
    w.drop(last_seen(*c, event_kind::client_view));
    expect(10, "never hears", {.quiet = true});
}

// Guarantee 11: membership is true.

TEST_F(checker_of_groups, a_departure_that_is_not_told_is_found) {
    w.install({1, 2});
    w.send(*a, 21);
    w.drop(last_seen(*b, event_kind::client_change));
    expect(11, "should have been told of a departure");
}

TEST_F(checker_of_groups, a_departure_that_is_never_told_is_found) {
    w.install({1, 2});
    w.install({3});
    w.drop(last_seen(*b, event_kind::client_change));
    expect(11, "must hear of somebody's departure", {.quiet = true});
}

TEST_F(checker_of_groups, a_message_of_a_non_member_is_found) {
    w.send(*a2, 21);
    w.leave(*a2);
    std::swap(last_seen(*b, event_kind::client_change), last_seen(*b, event_kind::client_delivered));
    expect(11, "the sender is not a member");
}

TEST_F(checker_of_groups, a_first_event_that_is_no_join_is_found) {
    w.drop(seen(*b, event_kind::client_change));
    expect(11, "not its own join");
}

TEST_F(checker_of_groups, a_message_before_the_own_join_is_found) {
    std::swap(seen(*a2, event_kind::client_change), seen(*a2, event_kind::client_delivered));
    expect(11, "not the change that lists it");
}

TEST_F(checker_of_groups, an_event_after_the_own_leave_is_found) {
    w.leave(*a2);
    w.send(*b, 21);
    event late = last_seen(*a, event_kind::client_delivered);
    late.who = a2->who;
    late.stream = a2->stream;
    w.events.push_back(late);
    expect(11, "not in the group");
}

TEST_F(checker_of_groups, a_leave_that_nobody_asked_for_is_found) {
    w.leave(*a2);
    w.drop(seen(*a2, event_kind::client_leave));
    expect(11, "never asked to leave");
}

TEST_F(checker_of_groups, a_death_that_did_not_happen_is_found) {
    w.die(*a2);
    w.drop(seen(*a2, event_kind::client_failed));
    expect(11, "never ended");
}

TEST_F(checker_of_groups, a_process_that_never_was_is_found) {
    event& up = last_seen(*b, event_kind::client_change);
    up.joined.front().who.pid = 999;
    expect(11, "never asked to join");
}

TEST_F(checker_of_groups, a_message_to_a_group_that_one_is_not_in_is_found) {
    w.leave(*a2);
    event& accepted = w.record(event_kind::client_accepted, *a2);
    accepted.group = "g";
    accepted.message = 99;
    expect(11, "not in");
}

TEST_F(checker_of_groups, leaving_for_another_reason_than_a_leave_is_found) {
    w.leave(*a2);
    last_seen(*a2, event_kind::client_change).left.front().why = reason::process_down;
    expect(11, "it lives");
}

// Guarantee 12: accepted means delivered.

TEST_F(checker_of_groups, a_message_that_is_never_numbered_is_found) {
    w.accept(*a, 21);
    expect_clean({}, true, false);
    expect(12, "never numbered", {.quiet = true});
}

TEST_F(checker_of_groups, a_message_that_is_passed_over_is_found) {
    w.accept(*a, 21);
    w.send(*a, 22);
    expect(12, "passed over");
}

TEST_F(checker_of_groups, a_message_that_a_member_is_not_given_is_found) {
    w.send(*a, 21);
    w.drop(last_seen(*c, event_kind::client_delivered));
    expect_clean({}, true, false);
    expect(12, "is not given", {.quiet = true});
}

TEST_F(checker_of_groups, a_sender_that_is_not_given_its_own_message_is_found) {
    w.send(*a, 21);
    w.send(*b, 22);
    const auto missed = std::ranges::find_if(w.events, [&](const event& each) {
        return each.kind == event_kind::client_delivered && each.who == a->who && each.message == 21;
    });
    w.events.erase(missed);
    expect(12, "is not given");
    expect(12, "never gets its own", {.quiet = true});
}

TEST_F(checker_of_groups, a_leave_that_overtakes_is_found) {
    w.accept(*a2, 21);
    w.leave(*a2);
    expect(12, "never gets its own");
}

TEST_F(checker_of_groups, a_leave_that_overtakes_elsewhere_is_found) {
    auto& d = w.open(2, 202);
    w.join(d, "g");
    w.send(d, 21);
    w.leave(d);
    w.drop(last_seen(*b, event_kind::client_delivered));
    expect(12, "leave without");
}

TEST_F(checker_of_groups, what_a_dead_client_had_waiting_may_be_lost) {
    w.accept(*a2, 21);
    w.die(*a2);
    expect_clean({{1, 2, 3}});
}

// Guarantee 13: no ghosts.

TEST_F(checker_of_groups, a_ghost_is_found) {
    w.die(*a2);
    w.finish();
    w.last(event_kind::table, 2).processes.push_back(a2->who);
    expect(13, "still knows", {.quiet = true});
}

TEST_F(checker_of_groups, a_member_that_is_missing_from_a_table_is_found) {
    w.finish();
    w.last(event_kind::table, 2).processes.pop_back();
    expect(13, "does not know", {.quiet = true});
}

TEST_F(checker_of_groups, a_table_that_is_missing_is_found) {
    w.finish();
    w.drop(w.last(event_kind::table, 2));
    expect(13, "does not know", {.quiet = true});
}

// Guarantees 14 and 15, and 1 and 6 on messages.

TEST_F(checker_of_groups, a_message_that_comes_twice_is_found) {
    w.repeat(last_seen(*b, event_kind::client_delivered));
    expect(14, "twice");
}

TEST_F(checker_of_groups, a_message_that_nobody_sent_is_found) {
    last_seen(*b, event_kind::client_delivered).message = 99;
    expect(14, "nobody sent that");
}

TEST_F(checker_of_groups, a_message_that_was_never_numbered_is_found) {
    w.accept(*a, 21);
    event& early = w.repeat(last_seen(*b, event_kind::client_delivered));
    early.sender = a->who;
    early.message = 21;
    expect(1, "never numbered");
}

TEST_F(checker_of_groups, a_message_that_the_node_did_not_deliver_is_found) {
    w.send(*a, 21, false, {1, 2});
    event& seen_early = w.repeat(last_seen(*c, event_kind::client_delivered));
    seen_early.sender = a->who;
    seen_early.message = 21;
    expect(1, "did not deliver");
}

TEST_F(checker_of_groups, messages_in_opposite_orders_are_found) {
    w.send(*a, 21);
    w.send(*b, 22);
    event& second = last_seen(*c, event_kind::client_delivered);
    std::swap(second, *std::find_if(w.events.rbegin(), w.events.rend(), [&](const event& each) {
                  return each.kind == event_kind::client_delivered && each.who == c->who && each.message == 21;
              }));
    expect(6, "ordered behind");
}

TEST_F(checker_of_groups, messages_of_one_sender_out_of_order_are_found) {
    w.accept(*a, 21);
    w.accept(*a, 22);
    w.deliver(w.number_message(*a, 22), *a, 22, {});
    w.deliver(w.number_message(*a, 21), *a, 21, {});
    expect(15, "ordered behind");
    expect(15, "after a later one");
}

TEST_F(checker_of_groups, the_first_message_of_a_joiner_is_due_first) {
    auto& d = w.open(2, 202);
    w.join(d, "g");
    w.send(d, 21);
    w.send(d, 22);
    const auto missed = std::ranges::find_if(w.events, [&](const event& each) {
        return each.kind == event_kind::client_delivered && each.who == c->who && each.message == 21;
    });
    w.events.erase(missed);
    expect(15, "message 1 is due");
}

TEST_F(checker_of_groups, gaps_while_apart_pass) {
    w.install({1, 2});
    w.install({3});
    w.send(*a, 21);
    w.install({1, 2, 3});
    w.send(*a, 22);
    expect_clean({{1, 2, 3}});
}

TEST_F(checker_of_groups, equal_messages_are_judged_by_fewer_rules) {
    w.send(*a, 11);
    expect(sim::malformed_trace, "same bytes twice");
    sim::checker_options options;
    options.messages_unique = false;
    EXPECT_EQ(words(options), "");
}

TEST_F(checker_of_groups, unknown_clients_are_found_only_where_all_are_traced) {
    std::erase_if(w.events,
                  [&](const event& each) { return each.kind >= event_kind::client_opened && each.who == a->who; });
    expect(11, "never asked to join");
    sim::checker_options options;
    options.all_clients_traced = false;
    EXPECT_EQ(words(options), "");
}

// Guarantee 17: liveness.

TEST_F(checker_of_groups, a_view_that_comes_too_late_is_found) {
    sim::checker_options options;
    options.quiet_tail = true;
    options.tables_recorded = false;
    options.quiet_since_ns = w.events.back().time_ns;
    options.liveness_bound_ns = 100'000'000;
    EXPECT_EQ(words(options), "");
    for (int i = 0; i < 5; ++i) {
        w.install({1, 2, 3});
    }
    EXPECT_NE(words(options).find("guarantee 17: node 1 installs"), std::string::npos) << words(options);
}

TEST_F(checker_of_groups, a_final_view_of_others_than_expected_is_found) {
    w.install({1, 2});
    w.install({3});
    sim::checker_options options;
    options.quiet_tail = true;
    options.tables_recorded = false;
    options.final_components = {{{1}, {2}, {3}}};
    EXPECT_NE(words(options).find("guarantee 17: at the end node 1 is in a view of {1, 2}"), std::string::npos)
        << words(options);
}

TEST_F(checker_of_groups, a_node_without_a_view_is_found) {
    w.boot(4);
    expect(17, "no view at the end", {.quiet = true});
}

TEST_F(checker_of_groups, a_last_view_without_its_common_point_is_found) {
    w.install({1, 2, 3});
    w.drop(w.last(event_kind::common_point, 2));
    expect(17, "never reaches the common point", {.quiet = true});
}

TEST_F(checker_of_groups, a_join_that_is_never_answered_is_found) {
    auto& d = w.open(2, 202);
    w.record(event_kind::client_join, d).group = "g";
    expect(17, "join of process 2:202 is never answered", {.quiet = true});
}

TEST_F(checker_of_groups, a_leave_that_is_never_answered_is_found) {
    w.record(event_kind::client_leave, *b);
    expect(17, "leave of process 2:201 is never answered", {.quiet = true});
}

} // namespace

} // namespace coterie::test

// SPDX-License-Identifier: BSD-3-Clause
// The checker on small traces: what is right passes, and each guarantee, broken in one place, is found broken under its
// own number. Guarantees 1 to 7 and what is checked inside; those of groups are in checker_groups_test.cpp.
#include "tests/sim/checker_fixture.hpp"

namespace coterie::test {

namespace {

/// Three nodes with a client each in one group, which has said a few things, some of them safe.
class checker_of_views : public checker_fixture {
protected:
    checker_of_views() {
        for (const std::uint32_t node : {1U, 2U, 3U}) {
            w.boot(node);
        }
        w.install({1, 2, 3});
        for (const std::uint32_t node : {1U, 2U, 3U}) {
            clients.push_back(&w.open(node, node * 100));
            w.join(*clients.back(), "g");
        }
        w.send(*clients[0], 11);
        w.send(*clients[1], 12);
        w.send(*clients[1], 13, true);
        w.send(*clients[2], 14);
    }

    /// The number of a packet delivered last at a node.
    event& last_delivered(std::uint32_t node) { return w.last(event_kind::delivered, node); }

    std::vector<perfect_world::client*> clients;
};

TEST_F(checker_of_views, a_quiet_run_passes) { expect_clean(); }

TEST_F(checker_of_views, a_split_and_a_merge_pass) {
    w.install({1, 2});
    w.install({3});
    w.send(*clients[0], 21);
    w.send(*clients[2], 22);
    w.install({1, 2, 3});
    w.send(*clients[2], 31);
    expect_clean({{1, 2, 3}});
}

TEST_F(checker_of_views, a_crash_and_a_restart_pass) {
    w.crash(3);
    w.install({1, 2});
    w.boot(3);
    w.install({3});
    w.install({1, 2, 3});
    auto& again = w.open(3, 300);
    w.join(again, "g");
    w.send(again, 41);
    expect_clean({{1, 2, 3}});
}

TEST_F(checker_of_views, streams_may_be_interleaved_in_any_way) {
    w.install({1, 2});
    w.install({3});
    w.install({1, 2, 3});
    w.finish();
    std::ranges::stable_sort(w.events, {}, [](const event& what) { return std::pair(what.node, what.stream); });
    expect_clean({{1, 2, 3}}, false);
}

// Guarantee 1: basic delivery.

TEST_F(checker_of_views, what_nobody_numbered_is_found) {
    w.drop(w.last(event_kind::message_numbered, 3));
    w.drop(w.last(event_kind::numbered, 3));
    expect(1, "nobody numbered");
}

TEST_F(checker_of_views, a_second_delivery_is_found) {
    w.repeat(last_delivered(2));
    expect(1, "twice");
}

TEST_F(checker_of_views, a_delivery_in_another_configuration_is_found) {
    event& late = last_delivered(2);
    const event copy = late;
    w.drop(late);
    w.install({1, 2, 3});
    w.record(event_kind::delivered, 2) = copy;
    expect(1, "while it has");
}

TEST_F(checker_of_views, a_number_given_twice_is_found) {
    event& twice = w.repeat(w.last(event_kind::numbered, 3));
    twice.node = {2};
    twice.stream = w.at(event_kind::started, 2).stream;
    expect(1, "numbered twice");
}

TEST_F(checker_of_views, a_packet_taken_for_another_nodes_is_found) {
    last_delivered(1).peer = {2};
    expect(1, "takes");
}

TEST_F(checker_of_views, a_packet_numbered_by_a_stranger_is_found) {
    for (event& each : w.events) {
        if (each.kind == event_kind::regular) {
            each.members.pop_back();
        }
    }
    expect(1, "no member");
}

TEST_F(checker_of_views, an_effect_before_its_cause_is_found) {
    // Node 1 delivers what node 3 sends after it has delivered what node 1 sends only then.
    w.send(*clients[0], 21);
    w.send(*clients[2], 22);
    w.move(w.last(event_kind::delivered, 1), w.last(event_kind::numbered, 1));
    expect(1, "cause of itself");
}

// Guarantee 2: configurations.

TEST_F(checker_of_views, an_install_without_oneself_is_found) {
    w.at(event_kind::regular, 1).members.erase(w.at(event_kind::regular, 1).members.begin());
    expect(2, "no member");
}

TEST_F(checker_of_views, two_member_lists_of_one_view_are_found) {
    w.at(event_kind::regular, 2).members.pop_back();
    expect(2, "two member lists");
}

TEST_F(checker_of_views, a_view_after_a_higher_one_is_found) {
    w.install({1, 2, 3});
    const base::view_id low{{{1}}, {0}, {1}};
    for (event& each : w.events) {
        if (each.view == w.view_of(1)) {
            each.view = low;
        }
    }
    expect(2, "after");
}

TEST_F(checker_of_views, an_event_outside_of_its_view_is_found) {
    w.at(event_kind::common_point, 1).view = {{{77}}, {1}, {1}};
    expect(2, "while it has");
}

TEST_F(checker_of_views, a_view_without_a_transition_is_found) {
    w.install({1, 2, 3});
    w.drop(w.at(event_kind::transitional, 2));
    expect(2, "without a transitional");
}

TEST_F(checker_of_views, nodes_that_end_in_different_views_are_found) {
    w.install({1, 2});
    w.install({1, 2, 3});
    w.install({1, 3});
    expect(2, "elsewhere", {.quiet = true});
}

// Guarantee 3: self-delivery.

TEST_F(checker_of_views, an_own_packet_that_is_not_delivered_is_found) {
    w.number_packet(3, false);
    w.install({1, 2, 3});
    expect(3, "its own");
}

TEST_F(checker_of_views, an_own_packet_of_the_last_view_is_due_at_the_end) {
    w.number_packet(3, false);
    expect_clean({}, true, false);
    expect(3, "its own", {.quiet = true});
}

// Guarantee 4: failure atomicity.

TEST_F(checker_of_views, different_deliveries_of_nodes_that_move_together_are_found) {
    w.send(*clients[0], 21, false, {1});
    w.install({1, 2, 3});
    // Node 3 missed the last one.
    for (std::size_t at = w.events.size(); at-- > 0;) {
        const event& each = w.events[at];
        const bool missed = each.node.value == 3 && ((each.kind == event_kind::delivered && each.number.value == 11) ||
                                                     (each.kind == event_kind::client_delivered && each.message == 21));
        if (missed) {
            w.drop(each);
        }
    }
    expect(4, "together, but delivered");
}

TEST_F(checker_of_views, different_transitional_sets_of_one_move_are_found) {
    w.install({1, 2, 3});
    w.at(event_kind::transitional, 2).members.pop_back();
    expect(4, "different transitional sets");
}

TEST_F(checker_of_views, company_from_another_view_is_found) {
    w.install({1, 2});
    w.install({3});
    w.install({1, 2, 3});
    w.last(event_kind::transitional, 1).members.push_back({{3}, {}});
    expect(2, "no member");
    w.last(event_kind::transitional, 1).members.pop_back();
    expect_clean({{1, 2, 3}});

    // The same with a node that was in the old view, and left it another way.
    w.install({1, 2});
    w.crash(3);
    w.install({1});
    w.install({1, 2});
    w.last(event_kind::transitional, 2).members = {{{1}, {}}, {{2}, {}}};
    expect(4, "comes from");
}

TEST_F(checker_of_views, a_listed_member_that_never_installs_is_no_violation) {
    // Node 1 installs {1, 2, 3}; the others never hear of that and move on without it.
    w.install({1, 2, 3});
    for (std::size_t at = w.events.size(); at-- > 0;) {
        const event& each = w.events[at];
        const bool of_new = each.view.epoch.value == 2 && each.kind != event_kind::promised &&
                            each.kind != event_kind::planned && each.kind != event_kind::completed;
        const bool leaves = each.kind == event_kind::transitional;
        const bool beyond_install =
            each.node.value == 1 &&
            (each.kind == event_kind::common_point || (each.kind == event_kind::delivered && each.number.value > 1));
        if ((each.node.value != 1 && (of_new || leaves)) || (of_new && beyond_install)) {
            w.drop(each);
        }
    }
    expect_clean({}, true, false);
}

} // namespace

} // namespace coterie::test

// SPDX-License-Identifier: BSD-3-Clause
// The arithmetic of a plan: what members that move together hold between them, who re-sends it, what is stable, what
// earlier plans oblige to, and what no honest member can have said.
#include "ring/recovery.hpp"

#include <gtest/gtest.h>

namespace coterie::ring {
namespace {

using run = wire::transition::run;

constexpr sequence_number number(std::uint64_t value) { return {{value}}; }

/// Members 1, 2, … with their reports, out of one view.
class together {
public:
    /// Received up to `received`, and of what lies beyond the numbers listed.
    together& member_with(std::uint64_t received, std::initializer_list<std::uint64_t> beyond = {}) {
        const auto at = static_cast<std::uint32_t>(_reports.size() + 1);
        reported one{{{at}, {at}}, {}};
        one.report.old_view = {{{7}}, {1}, {1}};
        one.report.received = number(received);
        for (const std::uint64_t each : beyond) {
            const std::uint64_t bit = each - received - 1;
            one.report.beyond.resize(std::max<std::size_t>(one.report.beyond.size(), bit / 8 + 1));
            one.report.beyond[bit / 8] = static_cast<std::uint8_t>(one.report.beyond[bit / 8] | 1U << bit % 8);
        }
        _reports.push_back(one);
        return *this;
    }
    wire::report& last() { return _reports.back().report; }
    [[nodiscard]] wire::transition plan() const {
        std::vector<const reported*> pointers;
        for (const reported& each : _reports) {
            pointers.push_back(&each);
        }
        return make_transition(pointers);
    }

private:
    std::vector<reported> _reports;
};

TEST(recovery, members_that_hold_the_same_have_nothing_to_send) {
    const wire::transition plan = together().member_with(10).member_with(10).plan();
    EXPECT_EQ(plan.base, number(10));
    EXPECT_TRUE(plan.union_runs.empty());
    EXPECT_EQ(plan.together, (std::vector<node_id>{{1}, {2}}));
}

TEST(recovery, what_one_has_and_another_lacks_is_sent_by_one_owner_in_one_run) {
    const wire::transition plan = together().member_with(10).member_with(14).member_with(12).plan();
    EXPECT_EQ(plan.base, number(10));
    EXPECT_EQ(plan.union_runs, (std::vector<run>{{1, 4}}));
}

TEST(recovery, a_number_that_nobody_holds_is_a_hole) {
    const wire::transition plan = together().member_with(10, {12}).member_with(10, {14, 15}).plan();
    EXPECT_EQ(plan.union_runs, (std::vector<run>{{run::nobody, 1}, {0, 1}, {run::nobody, 1}, {1, 2}}));
}

TEST(recovery, an_owner_goes_on_as_long_as_it_holds_what_follows) {
    const wire::transition plan = together().member_with(2, {4, 5, 6}).member_with(7).plan();
    EXPECT_EQ(plan.union_runs, (std::vector<run>{{1, 5}}));
}

TEST(recovery, owners_are_visited_for_each_number_they_send_and_holes_are_passed_over) {
    const wire::transition plan = together().member_with(10, {12}).member_with(11).plan();
    std::vector<std::pair<std::uint64_t, unsigned>> visited;
    for_each_owned(plan, [&](sequence_number at, std::uint8_t owner) { visited.emplace_back(at.value, owner); });
    EXPECT_EQ(visited, (std::vector<std::pair<std::uint64_t, unsigned>>{{11, 1}, {12, 0}}));
}

TEST(recovery, the_stable_number_is_the_highest_known_to_anyone_or_owed) {
    together members;
    members.member_with(10).last().stable = number(4);
    members.member_with(10).last().stable = number(6);
    EXPECT_EQ(members.plan().stable, number(6));
    members.last().owed_stable = number(9);
    EXPECT_EQ(members.plan().stable, number(9));
}

TEST(recovery, a_stable_number_beyond_what_all_have_is_not_believed) {
    together members;
    members.member_with(10).member_with(20).last().stable = number(15);
    EXPECT_EQ(members.plan().stable, number(10));
}

TEST(recovery, members_go_together_if_each_has_what_the_other_holds_to_be_stable) {
    together members;
    members.member_with(10).last().stable = number(4);
    wire::report& ahead = members.member_with(20).last();
    wire::report behind = ahead;
    behind.received = number(10);
    ahead.stable = number(10);
    EXPECT_TRUE(compatible(ahead, behind));
    EXPECT_TRUE(compatible(behind, ahead));
    ahead.stable = number(11);
    EXPECT_FALSE(compatible(ahead, behind));
    EXPECT_FALSE(compatible(behind, ahead));
    ahead.stable = number(10);
    ahead.owed_stable = number(11);
    EXPECT_FALSE(compatible(ahead, behind));
    behind.old_view = {{{8}}, {1}, {1}};
    EXPECT_TRUE(compatible(ahead, behind)) << "out of different views";
}

TEST(recovery, obligations_name_only_members_that_do_not_move_along_each_once) {
    together members;
    members.member_with(10).last().owed = {{1}, {2}, {5}};
    members.member_with(10).last().owed = {{2}, {5}, {6}};
    EXPECT_EQ(members.plan().owed, (std::vector<node_id>{{5}, {6}}));
}

TEST(recovery, obligations_never_outgrow_a_packet) {
    together members;
    for (std::uint32_t member = 0; member < 3; ++member) {
        members.member_with(10);
        for (std::uint32_t at = 0; at < wire::members_max; ++at) {
            members.last().owed.push_back({100 + member * 1'000 + at});
        }
    }
    EXPECT_EQ(members.plan().owed.size(), wire::members_max);
}

TEST(recovery, a_plan_is_never_longer_than_a_window) {
    together members;
    members.member_with(10).member_with(1'000'000'000);
    const wire::transition plan = members.plan();
    EXPECT_EQ(plan.union_runs, (std::vector<run>{{1, wire::window_packets_max}}));
    EXPECT_TRUE(plausible(plan, {1}, number(10)));
}

TEST(recovery, a_report_that_contradicts_itself_is_implausible) {
    wire::report report;
    report.attempt = {{{8}}, {1}, {1}};
    report.old_view = {{{7}}, {1}, {1}};
    report.received = number(10);
    report.delivered = number(10);
    report.stable = number(10);
    EXPECT_TRUE(plausible(report));
    const auto with = [&](auto change) {
        wire::report changed = report;
        change(changed);
        return plausible(changed);
    };
    EXPECT_FALSE(with([](wire::report& each) { each.delivered = number(11); }));
    EXPECT_FALSE(with([](wire::report& each) { each.stable = number(11); }));
    EXPECT_FALSE(with([](wire::report& each) { each.owed_stable = number(11); }));
    EXPECT_FALSE(with([](wire::report& each) { each.old_view = base::no_view; }));
}

TEST(recovery, a_transition_that_a_member_cannot_carry_out_is_implausible) {
    const wire::transition plan = together().member_with(10).member_with(14).plan();
    EXPECT_TRUE(plausible(plan, {1}, number(10)));
    EXPECT_FALSE(plausible(plan, {3}, number(10))) << "it does not name this member";
    EXPECT_FALSE(plausible(plan, {1}, number(9))) << "its base is beyond what this member has";
    wire::transition broken = plan;
    broken.stable = number(11);
    EXPECT_FALSE(plausible(broken, {1}, number(10)));
    broken = plan;
    broken.union_runs = {{2, 1}};
    EXPECT_FALSE(plausible(broken, {1}, number(10)));
    broken.union_runs = {{1, wire::window_packets_max}, {1, 1}};
    EXPECT_FALSE(plausible(broken, {1}, number(10)));
}

} // namespace
} // namespace coterie::ring

// SPDX-License-Identifier: BSD-3-Clause
// What a handle knows about its own place: which calls make sense, and what settles a join or leave that is under way.
#include "client/standing.hpp"

#include <gtest/gtest.h>

namespace coterie::client {

namespace {

/// A handle whose join of "group" has been answered and whose change has been seen.
standing joined_in_peace() {
    standing result;
    result.answered(result.begin_join("group"), true);
    result.changed_itself(false);
    return result;
}

} // namespace

TEST(standing, a_new_handle_may_join_and_nothing_else) {
    const standing it;
    EXPECT_EQ(it.judge_join(), CS_OK);
    EXPECT_EQ(it.judge_leave(""), CS_ERR_NOT_EXIST);
    EXPECT_FALSE(it.joined());
}

TEST(standing, a_join_is_settled_by_its_answer) {
    standing it;
    const auto join = it.begin_join("group");
    EXPECT_TRUE(it.joining());
    EXPECT_EQ(it.judge_join(), CS_ERR_EXIST);
    EXPECT_EQ(it.judge_leave("group"), CS_ERR_NOT_EXIST);
    it.answered(join, true);
    EXPECT_TRUE(it.joined());
    EXPECT_EQ(it.judge_leave("group"), CS_OK);
    EXPECT_EQ(it.judge_leave("other"), CS_ERR_NOT_EXIST);
    EXPECT_EQ(it.judge_join(), CS_ERR_EXIST);
}

TEST(standing, a_refused_join_leaves_it_outside) {
    standing it;
    it.answered(it.begin_join("group"), false);
    EXPECT_EQ(it.judge_join(), CS_OK);
}

TEST(standing, a_refused_leave_leaves_it_joined) {
    standing it = joined_in_peace();
    it.answered(it.begin_leave(), false);
    EXPECT_TRUE(it.joined());
}

TEST(standing, nothing_goes_while_a_leave_is_under_way) {
    standing it = joined_in_peace();
    const auto leave = it.begin_leave();
    EXPECT_FALSE(it.joined());
    EXPECT_EQ(it.judge_join(), CS_ERR_TRY_AGAIN);
    EXPECT_EQ(it.judge_leave("group"), CS_ERR_NOT_EXIST);
    it.answered(leave, true);
    EXPECT_EQ(it.judge_join(), CS_OK);
}

TEST(standing, a_change_may_settle_a_join_before_its_answer) {
    standing it;
    const auto join = it.begin_join("group");
    it.changed_itself(false);
    ASSERT_TRUE(it.joined()) << "a callback may send now";
    // And leave, before the answer to the join has been looked at.
    const auto leave = it.begin_leave();
    it.answered(join, true);
    EXPECT_EQ(it.judge_join(), CS_ERR_TRY_AGAIN) << "the late answer belongs to the join";
    it.answered(leave, true);
    EXPECT_EQ(it.judge_join(), CS_OK);
}

TEST(standing, a_change_that_waited_in_the_queue_settles_nothing_newer) {
    standing it;
    it.answered(it.begin_join("group"), true);
    it.answered(it.begin_leave(), true);
    const auto again = it.begin_join("group");
    it.changed_itself(false); // the first join's
    EXPECT_TRUE(it.joining());
    it.changed_itself(true); // the leave's
    EXPECT_TRUE(it.joining());
    it.changed_itself(false);
    EXPECT_TRUE(it.joined());
    it.answered(again, true);
    EXPECT_TRUE(it.joined());
}

TEST(standing, a_refused_join_has_no_change) {
    standing it;
    it.answered(it.begin_join("group"), false);
    const auto join = it.begin_join("other");
    it.changed_itself(false);
    EXPECT_TRUE(it.joined());
    it.answered(join, true);
    EXPECT_EQ(it.group(), "other");
}

/// The order may refuse a join that the daemon has accepted: the tables of the whole cluster are full.
TEST(standing, a_join_that_the_order_refuses_ends_outside) {
    standing late;
    late.answered(late.begin_join("group"), true);
    late.changed_itself(true);
    EXPECT_FALSE(late.joined());
    EXPECT_EQ(late.judge_join(), CS_OK);

    standing early;
    const auto join = early.begin_join("group");
    early.changed_itself(true);
    EXPECT_FALSE(early.joined());
    early.answered(join, true);
    EXPECT_EQ(early.judge_join(), CS_OK);

    standing leaving;
    leaving.answered(leaving.begin_join("group"), true);
    const auto leave = leaving.begin_leave();
    leaving.changed_itself(true);
    leaving.answered(leave, false);
    EXPECT_EQ(leaving.judge_join(), CS_OK);
    // And it can go on.
    leaving.answered(leaving.begin_join("other"), true);
    leaving.changed_itself(false);
    EXPECT_TRUE(leaving.joined());
    leaving.answered(leaving.begin_leave(), true);
    leaving.answered(leaving.begin_join("other"), true);
    leaving.changed_itself(true); // the leave's
    EXPECT_TRUE(leaving.joined());
}

} // namespace coterie::client

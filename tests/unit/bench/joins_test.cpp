// SPDX-License-Identifier: BSD-3-Clause
// The judge of changes: which are right for who joins and leaves, and which are not.
#include "bench/joins.hpp"

#include <corosync/cpg.h>
#include <gtest/gtest.h>
#include <vector>

namespace coterie::bench {

namespace {

using meaning = change_check::meaning;
using list = std::vector<cpg_address>;

constexpr cpg_address self{.nodeid = 1, .pid = 10, .reason = 0};
constexpr cpg_address other{.nodeid = 2, .pid = 10, .reason = 0};
constexpr cpg_address third{.nodeid = 2, .pid = 11, .reason = 0};

class changes : public testing::Test {
protected:
    meaning told(const list& members, const list& left, const list& joined) {
        return _check.take(members, left, joined);
    }
    [[nodiscard]] bool wrong() const { return !_check.fault().empty(); }

private:
    change_check _check{{.node = {1}, .pid = 10}};
};

} // namespace

TEST_F(changes, of_a_visit_among_others_are_right) {
    EXPECT_EQ(told({self, other}, {}, {self}), meaning::joined);
    EXPECT_EQ(told({self, other, third}, {}, {third}), meaning::of_others);
    EXPECT_EQ(told({self, third}, {other}, {}), meaning::of_others);
    EXPECT_EQ(told({third}, {self}, {}), meaning::left);
    EXPECT_EQ(told({self, third}, {}, {self}), meaning::joined);
    EXPECT_FALSE(wrong());
}

TEST_F(changes, before_the_own_join_are_wrong) {
    told({other}, {}, {other});
    EXPECT_TRUE(wrong());
}

TEST_F(changes, after_the_own_leave_are_wrong) {
    told({self}, {}, {self});
    told({}, {self}, {});
    told({other}, {}, {other});
    EXPECT_TRUE(wrong());
}

TEST_F(changes, that_lose_a_member_are_wrong) {
    told({self, other}, {}, {self});
    told({self, third}, {}, {third});
    EXPECT_TRUE(wrong());
}

TEST_F(changes, that_keep_one_who_left_are_wrong) {
    told({self, other}, {}, {self});
    told({self, other}, {other}, {});
    EXPECT_TRUE(wrong());
}

TEST_F(changes, without_oneself_or_with_oneself_twice_are_wrong) {
    told({other}, {}, {self});
    EXPECT_TRUE(wrong());
}

TEST_F(changes, that_tell_the_same_join_twice_are_wrong) {
    told({self}, {}, {self});
    told({self}, {}, {self});
    EXPECT_TRUE(wrong());
}

TEST_F(changes, with_a_member_twice_in_the_list_are_wrong) {
    told({self, other, other}, {}, {self});
    EXPECT_TRUE(wrong());
}

} // namespace coterie::bench

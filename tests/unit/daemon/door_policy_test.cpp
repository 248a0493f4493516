// SPDX-License-Identifier: BSD-3-Clause
// Who is let in.
#include "daemon/door_policy.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace coterie::daemon {

namespace {

constexpr uid_t own = 700;
constexpr uid_t stranger = 1'000;
constexpr gid_t strangers = 1'000;

const door_policy closed(own, {});
const door_policy open_to_some(own, {.users = {189}, .groups = {188, 0}});

} // namespace

TEST(the_door, is_open_to_root_and_the_daemons_own_user) {
    EXPECT_TRUE(closed.admits(0, strangers, {}));
    EXPECT_TRUE(closed.admits(own, strangers, {}));
}

TEST(the_door, is_closed_to_everyone_else) {
    EXPECT_FALSE(closed.admits(stranger, strangers, {}));
    EXPECT_FALSE(closed.admits(stranger, 0, {})) << "root's group alone is not root";
    EXPECT_FALSE(open_to_some.admits(stranger, strangers, std::vector<gid_t>{4, 24}));
}

TEST(the_door, is_open_to_users_that_are_named) { EXPECT_TRUE(open_to_some.admits(189, strangers, {})); }

TEST(the_door, is_open_to_groups_that_are_named_whether_primary_or_supplementary) {
    EXPECT_TRUE(open_to_some.admits(stranger, 188, {}));
    EXPECT_TRUE(open_to_some.admits(stranger, strangers, std::vector<gid_t>{4, 188}));
    EXPECT_TRUE(open_to_some.admits(stranger, 0, {}));
}

} // namespace coterie::daemon

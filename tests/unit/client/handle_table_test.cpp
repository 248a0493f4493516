// SPDX-License-Identifier: BSD-3-Clause
// Handles name what they were given for, until it is taken out or the process forks.
#include "client/handle_table.hpp"

#include <gtest/gtest.h>

namespace coterie::client {

TEST(handle_table, a_handle_names_its_object_until_it_is_taken) {
    handle_table<int> table;
    const auto handle = table.add(std::make_shared<int>(7));
    ASSERT_NE(table.find(handle), nullptr);
    EXPECT_EQ(*table.find(handle), 7);
    EXPECT_EQ(table.find(handle + 1), nullptr);
    EXPECT_EQ(*table.take(handle), 7);
    EXPECT_EQ(table.find(handle), nullptr);
    EXPECT_EQ(table.take(handle), nullptr);
    EXPECT_NE(table.add(std::make_shared<int>(8)), handle);
}

TEST(handle_table, removes_what_is_unwanted) {
    handle_table<int> table;
    const auto odd = table.add(std::make_shared<int>(1));
    const auto even = table.add(std::make_shared<int>(2));
    table.remove_if([](int each) { return each % 2 == 1; });
    EXPECT_EQ(table.find(odd), nullptr);
    EXPECT_NE(table.find(even), nullptr);
}

TEST(handle_table, a_child_does_not_know_the_handles_of_its_parent) {
    handle_table<int> table;
    const auto handle = table.add(std::make_shared<int>(7));
    int abandoned = 0;
    const auto abandon = [&](int each) { abandoned += each; };
    table.before_fork([](auto&) {});
    table.after_fork_in_child(abandon);
    EXPECT_EQ(abandoned, 7);
    EXPECT_EQ(table.find(handle), nullptr);
    EXPECT_EQ(table.take(handle), nullptr);
    const auto own = table.add(std::make_shared<int>(8));
    EXPECT_NE(table.find(own), nullptr);
    table.remove_if([](int) { return true; });
    EXPECT_EQ(table.find(own), nullptr);
    // A grandchild: what was abandoned before is not abandoned again.
    table.before_fork([](auto&) {});
    table.after_fork_in_child(abandon);
    EXPECT_EQ(abandoned, 7);
}

} // namespace coterie::client

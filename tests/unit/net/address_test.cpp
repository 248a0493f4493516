// SPDX-License-Identifier: BSD-3-Clause
// Addresses as people write them.
#include "net/address.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace coterie::net {

TEST(address, is_read_and_written) {
    const auto v4 = resolve("192.0.2.7", 5405);
    ASSERT_TRUE(v4) << v4.error();
    EXPECT_EQ(v4->family(), AF_INET);
    EXPECT_EQ(v4->port(), 5405);
    EXPECT_EQ(v4->host(), "192.0.2.7");
    EXPECT_EQ(v4->text(), "192.0.2.7:5405");
    const auto v6 = resolve("2001:DB8::0001", 1);
    ASSERT_TRUE(v6) << v6.error();
    EXPECT_EQ(v6->family(), AF_INET6);
    EXPECT_EQ(v6->text(), "[2001:db8::1]:1");
    EXPECT_NE(*v4, *v6);
    EXPECT_EQ(*v4, *resolve("192.0.2.7", 5405));
    EXPECT_NE(*v4, *resolve("192.0.2.7", 5406));
}

TEST(address, that_means_nothing_is_an_error_that_names_it) {
    const auto nothing = resolve("no.such.host.invalid", 1);
    ASSERT_FALSE(nothing);
    EXPECT_NE(nothing.error().find("no.such.host.invalid"), std::string::npos);
}

TEST(address, has_a_usual_spelling) {
    EXPECT_EQ(usual_spelling("FD00:0::1"), "fd00::1");
    EXPECT_EQ(usual_spelling("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(usual_spelling("a-host"), "a-host");
}

TEST(address, of_this_machine_include_loopback) {
    const auto all = local_addresses();
    EXPECT_NE(std::find(all.begin(), all.end(), "127.0.0.1"), all.end());
}

} // namespace coterie::net

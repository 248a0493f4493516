// SPDX-License-Identifier: BSD-3-Clause
// How a machine finds itself in a list of nodes, with and without being told.
#include "config/local_node.hpp"

#include <gtest/gtest.h>

namespace coterie::config {

namespace {

settings three_nodes() {
    settings result;
    const auto at = [](const std::string& first, const std::string& second) {
        return std::vector<node_address>{{.link = {0}, .host = first}, {.link = {1}, .host = second}};
    };
    result.nodes = {{.id = {1}, .name = "a.example.org", .addresses = at("192.0.2.1", "198.51.100.1"), .at = {}},
                    {.id = {2}, .name = "", .addresses = at("192.0.2.2", "198.51.100.2"), .at = {}},
                    {.id = {3}, .name = "c", .addresses = at("gamma.example.org", "gamma-b.example.org"), .at = {}}};
    return result;
}

auto place(const local_facts& facts) { return find_local_node(three_nodes(), facts); }

} // namespace

TEST(the_local_node, is_found_as_it_is_asked_for) {
    EXPECT_EQ(place({.wanted = node_id{3}, .host_name = "a.example.org"}), 2U);
    EXPECT_FALSE(place({.wanted = node_id{4}, .host_name = "a.example.org"}));
    EXPECT_EQ(place({.host_name = "c", .addresses = {"192.0.2.1"}}), 2U) << "the name comes first";
    EXPECT_EQ(place({.host_name = "a"}), 0U) << "a name without its domain";
    EXPECT_EQ(place({.host_name = "other", .addresses = {"127.0.0.1", "192.0.2.2"}}), 1U);
    EXPECT_EQ(place({.host_name = "other", .addresses = {"198.51.100.2"}}), 1U) << "an address on any link will do";
    const auto nowhere = place({.host_name = "other", .addresses = {"127.0.0.1"}});
    ASSERT_FALSE(nowhere);
    EXPECT_NE(nowhere.error().find("--node ID"), std::string::npos);
}

TEST(the_local_node, is_found_last_of_all_by_a_name_that_stands_for_an_own_address) {
    const std::map<std::string, std::vector<std::string>> resolved{{"gamma.example.org", {"2001:db8::3", "192.0.2.3"}}};
    EXPECT_EQ(place({.host_name = "other", .addresses = {"192.0.2.3"}, .resolved = resolved}), 2U);
    EXPECT_EQ(place({.host_name = "other", .addresses = {"192.0.2.3", "192.0.2.1"}, .resolved = resolved}), 0U);
    EXPECT_FALSE(place({.host_name = "other", .addresses = {"192.0.2.4"}, .resolved = resolved}));
}

} // namespace coterie::config

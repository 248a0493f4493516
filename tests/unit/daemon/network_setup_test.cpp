// SPDX-License-Identifier: BSD-3-Clause
// Which addresses a node takes for itself and its peers.
#include "daemon/network_setup.hpp"

#include <gtest/gtest.h>

namespace coterie::daemon {

namespace {

using names = std::map<std::string, address_book::entry>;

address_book::entry known(const std::vector<std::string>& addresses) {
    address_book::entry result;
    for (const std::string& each : addresses) {
        result.addresses.push_back(*net::resolve(each, 0));
    }
    return result;
}

config::settings nodes(const std::vector<std::string>& addresses) {
    config::settings result;
    result.file = "f";
    result.port = 5500;
    for (const std::string& each : addresses) {
        const auto id = static_cast<std::uint32_t>(result.nodes.size() + 1);
        result.nodes.push_back(
            {.id = {id}, .name = {}, .address = each, .at = {.id = 0, .name = 0, .address = id * 10}});
    }
    return result;
}

const config::local_facts first{.wanted = base::node_id{1}};

} // namespace

TEST(the_network, is_what_the_names_stand_for) {
    const auto got = choose_addresses(
        nodes({"a", "b", "c"}), {.host_name = "x", .addresses = {"192.0.2.2"}},
        names{{"a", known({"192.0.2.1"})}, {"b", known({"192.0.2.2"})}, {"c", {.addresses = {}, .fault = "unknown"}}});
    ASSERT_TRUE(got) << got.error();
    EXPECT_EQ(got->self, base::node_id{2});
    EXPECT_EQ(got->net.local.text(), "192.0.2.2:5500");
    ASSERT_EQ(got->net.peers.size(), 1U);
    EXPECT_EQ(got->net.peers[0].where.text(), "192.0.2.1:5500");
    ASSERT_EQ(got->missing.size(), 1U);
    EXPECT_EQ(got->missing[0].node.id, base::node_id{3});
    EXPECT_EQ(got->missing[0].fault, "unknown");
    EXPECT_EQ(address_of_peer(got->net, known({"2001:db8::3", "192.0.2.3"}).addresses)->text(), "192.0.2.3:5500");
    EXPECT_FALSE(address_of_peer(got->net, known({"2001:db8::3"}).addresses));
}

TEST(the_network, has_addresses_of_the_preferred_kind_if_all_nodes_do) {
    config::settings two = nodes({"a", "b"});
    const names both{{"a", known({"192.0.2.1", "2001:db8::1"})}, {"b", known({"192.0.2.2", "2001:db8::2"})}};
    const names mixed{{"a", known({"192.0.2.1", "2001:db8::1"})}, {"b", known({"192.0.2.2"})}};
    EXPECT_EQ(choose_addresses(two, first, both)->net.local.host(), "2001:db8::1");
    EXPECT_EQ(choose_addresses(two, first, mixed)->net.local.host(), "192.0.2.1");
    two.ip = config::ip_preference::ipv4_first;
    EXPECT_EQ(choose_addresses(two, first, both)->net.local.host(), "192.0.2.1");
    two.ip = config::ip_preference::ipv6_only;
    EXPECT_EQ(choose_addresses(two, first, both)->net.local.host(), "2001:db8::1");
    const auto refused = choose_addresses(two, first, mixed);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(),
              "f: nodelist: not all nodes have an IPv6 address; correct ring0_addr, or ip_version in totem");
}

TEST(the_network, needs_the_own_address) {
    const auto got = choose_addresses(nodes({"a", "b"}), first,
                                      names{{"a", {.addresses = {}, .fault = "unknown"}}, {"b", known({"192.0.2.2"})}});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error(), "f:10: nodelist.node.ring0_addr: a, this node's own address, cannot be resolved: unknown");
}

TEST(the_network, refuses_names_that_stand_for_one_address) {
    const auto got =
        choose_addresses(nodes({"a", "b"}), first, names{{"a", known({"192.0.2.1"})}, {"b", known({"192.0.2.1"})}});
    ASSERT_FALSE(got);
    EXPECT_TRUE(got.error().starts_with("f:20: nodelist.node.ring0_addr: b is 192.0.2.1, which is another node's"));
}

TEST(the_network, refuses_an_own_name_that_stands_for_the_loopback_when_peers_are_elsewhere) {
    const auto got =
        choose_addresses(nodes({"a", "b"}), first, names{{"a", known({"127.0.1.1"})}, {"b", known({"192.0.2.2"})}});
    ASSERT_FALSE(got);
    EXPECT_TRUE(got.error().starts_with("f:10: nodelist.node.ring0_addr: a is 127.0.1.1 on this machine"))
        << got.error();
    EXPECT_TRUE(
        choose_addresses(nodes({"a", "b"}), first, names{{"a", known({"127.0.0.1"})}, {"b", known({"127.0.0.2"})}}));
}

TEST(the_network, is_asked_for_by_number_without_a_resolver) {
    const auto got = set_up_network(nodes({"192.0.2.1", "192.0.2.2"}), first, std::chrono::milliseconds(1));
    ASSERT_TRUE(got) << got.error();
    EXPECT_TRUE(got->missing.empty());
    EXPECT_EQ(got->book, nullptr);
}

} // namespace coterie::daemon

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

/// Nodes with these addresses on one link after the other; that of node i on link j stands in line 10 i + j.
config::settings nodes(const std::vector<std::vector<std::string>>& addresses) {
    config::settings result;
    result.file = "f";
    result.links[0].port = 5500;
    for (const auto& each : addresses) {
        config::node node;
        node.id.value = static_cast<std::uint32_t>(result.nodes.size() + 1);
        for (const std::string& host : each) {
            const auto link = static_cast<std::uint8_t>(node.addresses.size());
            node.addresses.push_back({.link = {link}, .host = host, .line = node.id.value * 10 + link});
        }
        result.nodes.push_back(std::move(node));
    }
    return result;
}
config::settings nodes(std::initializer_list<const char*> addresses) {
    std::vector<std::vector<std::string>> each;
    for (const char* const host : addresses) {
        each.push_back({host});
    }
    return nodes(each);
}

std::string own_host(const std::expected<network_setup, std::string>& got) {
    return got ? got->net.links[0].where.host() : got.error();
}

const config::local_facts first{.wanted = base::node_id{1}};

} // namespace

TEST(the_network, is_what_the_names_stand_for) {
    const auto got = choose_addresses(
        nodes({"a", "b", "c"}), {.host_name = "x", .addresses = {"192.0.2.2"}},
        names{{"a", known({"192.0.2.1"})}, {"b", known({"192.0.2.2"})}, {"c", {.addresses = {}, .fault = "unknown"}}});
    ASSERT_TRUE(got) << got.error();
    EXPECT_EQ(got->self, base::node_id{2});
    EXPECT_EQ(got->net.links[0].where.text(), "192.0.2.2:5500");
    ASSERT_EQ(got->net.peers.size(), 1U);
    EXPECT_EQ(got->net.peers[0].at[0].where.text(), "192.0.2.1:5500");
    ASSERT_EQ(got->missing.size(), 1U);
    EXPECT_EQ(got->missing[0].node, base::node_id{3});
    EXPECT_EQ(got->missing[0].fault, "unknown");
    const auto late = [&](const std::vector<std::string>& addresses) {
        const auto where = late_address(got->net, {.link = {0}, .host = "c"}, known(addresses).addresses);
        return where ? where->where.text() : where.error();
    };
    EXPECT_EQ(late({"2001:db8::3", "192.0.2.3"}), "192.0.2.3:5500");
    EXPECT_EQ(late({"2001:db8::3"}),
              "c stands for no address of the kind that this cluster uses; this node runs without it");
    EXPECT_EQ(late({"192.0.2.2"}), "c is 192.0.2.2, which is another node's address; this node runs without it");
}

TEST(the_network, has_addresses_of_the_preferred_kind_if_all_nodes_do) {
    config::settings two = nodes({"a", "b"});
    const names both{{"a", known({"192.0.2.1", "2001:db8::1"})}, {"b", known({"192.0.2.2", "2001:db8::2"})}};
    const names mixed{{"a", known({"192.0.2.1", "2001:db8::1"})}, {"b", known({"192.0.2.2"})}};
    EXPECT_EQ(own_host(choose_addresses(two, first, both)), "2001:db8::1");
    EXPECT_EQ(own_host(choose_addresses(two, first, mixed)), "192.0.2.1");
    two.ip = config::ip_preference::ipv4_first;
    EXPECT_EQ(own_host(choose_addresses(two, first, both)), "192.0.2.1");
    two.ip = config::ip_preference::ipv6_only;
    EXPECT_EQ(own_host(choose_addresses(two, first, both)), "2001:db8::1");
    const auto refused = choose_addresses(two, first, mixed);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(),
              "f: nodelist: not all nodes have an IPv6 address on link 0; correct ring0_addr, or ip_version in totem");
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

TEST(the_network, has_a_kind_of_address_a_port_and_a_priority_for_each_link) {
    config::settings two = nodes({{"192.0.2.1", "a", "fd00::1"}, {"192.0.2.2", "b", "fd00::2"}});
    two.links[2].priority = 9;
    two.mode = config::link_mode::active;
    const auto got = choose_addresses(two, first,
                                      names{{"192.0.2.1", known({"192.0.2.1"})},
                                            {"192.0.2.2", known({"192.0.2.2"})},
                                            {"fd00::1", known({"fd00::1"})},
                                            {"fd00::2", known({"fd00::2"})},
                                            {"a", known({"198.51.100.1"})},
                                            {"b", {.addresses = {}, .fault = "unknown"}}});
    ASSERT_TRUE(got) << got.error();
    ASSERT_EQ(got->net.links.size(), 3U);
    EXPECT_EQ(got->net.mode, net::link_mode::active);
    EXPECT_EQ(got->net.links[1].where.text(), "198.51.100.1:5406");
    EXPECT_EQ(got->net.links[2].where.text(), "[fd00::1]:5407");
    EXPECT_EQ(got->net.links[2].priority, 9);
    ASSERT_EQ(got->net.peers.size(), 1U) << "one link to it is known";
    EXPECT_EQ(got->net.peers[0].at.size(), 2U);
    EXPECT_EQ(got->net.peers[0].on({2})->text(), "[fd00::2]:5407");
    EXPECT_EQ(got->net.peers[0].on({1}), nullptr);
    ASSERT_EQ(got->missing.size(), 1U);
    EXPECT_EQ(got->missing[0].node, base::node_id{2});
    EXPECT_EQ(got->missing[0].at.host, "b");
    const auto late = late_address(got->net, got->missing[0].at, known({"fd00::9", "198.51.100.2"}).addresses);
    ASSERT_TRUE(late) << late.error();
    EXPECT_EQ(late->where.text(), "198.51.100.2:5406");
    EXPECT_EQ(late->link, net::link_number{1});
    EXPECT_EQ(late_address(got->net, got->missing[0].at, known({"fd00::2"}).addresses).error(),
              "b stands for no address of the kind that this cluster uses; this node runs without that link");
}

TEST(the_network, names_the_link_of_an_address_that_does_not_fit) {
    const names all{{"a", known({"192.0.2.1"})},    {"b", known({"192.0.2.2"})},
                    {"c", known({"198.51.100.1"})}, {"d", known({"198.51.100.2"})},
                    {"v6", known({"fd00::2"})},     {"again", known({"192.0.2.2"})},
                    {"own", known({"192.0.2.1"})},  {"lost", {.addresses = {}, .fault = "unknown"}}};
    const auto fault = [&](const std::vector<std::vector<std::string>>& addresses) {
        const auto got = choose_addresses(nodes(addresses), first, all);
        return got ? std::string("none") : got.error();
    };
    EXPECT_EQ(fault({{"a", "c"}, {"b", "d"}}), "none");
    EXPECT_EQ(fault({{"a", "c"}, {"b", "v6"}}),
              "f: nodelist: not all nodes have addresses of one kind on link 1; correct ring1_addr, or ip_version in "
              "totem");
    EXPECT_EQ(fault({{"a", "lost"}, {"b", "d"}}),
              "f:11: nodelist.node.ring1_addr: lost, this node's own address, cannot be resolved: unknown");
    config::settings one_port = nodes({{"a", "c"}, {"b", "again"}});
    one_port.links[1].port = one_port.links[0].port;
    const auto twice = choose_addresses(one_port, first, all);
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error(),
              "f:21: nodelist.node.ring1_addr: again is 192.0.2.2, which is the node's address on another "
              "link; give each link its own");
    one_port = nodes({{"a", "own"}, {"b", "d"}});
    one_port.links[1].port = one_port.links[0].port;
    const auto own_twice = choose_addresses(one_port, first, all);
    ASSERT_FALSE(own_twice);
    EXPECT_EQ(own_twice.error(), "f:11: nodelist.node.ring1_addr: own is 192.0.2.1, which is this node's address on "
                                 "another link; give each link its own");
}

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// Nodes with several links: what is taken, and what is said of links that do not go together.
#include "config/settings.hpp"

#include <gtest/gtest.h>

namespace coterie::config {

namespace {

loaded judged(std::string_view text) { return judge(parse(text, "f"), "f"); }

/// All that is said of a text, a line each.
std::string said(std::string_view text) {
    std::string result;
    for (const diagnostic& each : judged(text).diagnostics) {
        result += (each.how == diagnostic::weight::error ? "error " : "warning ") + each.message() + "\n";
    }
    return result;
}

/// A nodelist; node i is described in five lines more than its keys, the first node's section begins in line 2.
std::string nodelist(const std::vector<std::vector<std::string>>& keys_of_nodes) {
    std::string text = "nodelist {\n";
    int id = 0;
    for (const auto& keys : keys_of_nodes) {
        text += "  node {\n    nodeid: " + std::to_string(++id) + "\n";
        for (const std::string& key : keys) {
            text += "    " + key + "\n";
        }
        text += "  }\n";
    }
    return text + "}\n";
}

} // namespace

TEST(links, are_those_on_which_nodes_have_addresses) {
    const loaded got = judged(
        "totem {\n"
        "  link_mode: rr\n"
        "  interface {\n    mcastport: 6000\n    knet_link_priority: 7\n    linknumber: 2\n    bindnetaddr: "
        "198.51.100.0\n  }\n"
        "  interface {\n    mcastport: 5500\n  }\n"
        "}\n" +
        nodelist({{"ring2_addr: beta", "ring0_addr: 192.0.2.1"}, {"ring0_addr: 192.0.2.2", "ring2_addr: delta"}}));
    EXPECT_TRUE(got.ok());
    EXPECT_EQ(got.what.mode, link_mode::round_robin);
    EXPECT_EQ(got.what.links[0], (link_settings{.port = 5500, .priority = 1}));
    EXPECT_EQ(got.what.links[1], (link_settings{.port = 5406, .priority = 1}));
    EXPECT_EQ(got.what.links[2], (link_settings{.port = 6000, .priority = 7})) << "the number may stand behind";
    ASSERT_EQ(got.what.nodes.size(), 2U);
    const std::vector<node_address> first{{.link = {0}, .host = "192.0.2.1", .line = 17},
                                          {.link = {2}, .host = "beta", .line = 16}};
    EXPECT_EQ(got.what.nodes[0].addresses, first) << "sorted by link";
    EXPECT_EQ(got.what.nodes[1].on({2})->host, "delta");
    EXPECT_EQ(got.what.nodes[1].on({1}), nullptr);
}

TEST(links, may_be_of_different_kinds_but_each_is_of_one) {
    EXPECT_EQ(said(nodelist({{"ring0_addr: 192.0.2.1", "ring1_addr: fd00::1"},
                             {"ring0_addr: 192.0.2.2", "ring1_addr: fd00::2"}})),
              "");
    EXPECT_EQ(
        said(nodelist(
            {{"ring0_addr: 192.0.2.1", "ring1_addr: fd00::1"}, {"ring0_addr: 192.0.2.2", "ring1_addr: 198.51.100.2"}})),
        "error f:10: nodelist.node.ring1_addr: 198.51.100.2 is an IPv4 address, but fd00::1 on the same link is an "
        "IPv6 address (line 5); all addresses of one link are of one kind\n");
}

TEST(links, are_the_same_for_all_nodes) {
    EXPECT_EQ(
        said(nodelist({{"ring0_addr: a"}, {"ring0_addr: b", "ring3_addr: c"}, {"ring0_addr: d"}})),
        "error f:2: nodelist.node.ring3_addr: this node has no address on link 3, but node 2 has (line 9); give all "
        "nodes one, or none\n"
        "error f:11: nodelist.node.ring3_addr: this node has no address on link 3, but node 2 has (line 9); give "
        "all nodes one, or none\n");
    EXPECT_EQ(said(nodelist({{"ring1_addr: a"}})),
              "error f:2: nodelist.node: this node has no ring0_addr; write for example `ring0_addr: 192.0.2.1`\n");
}

TEST(links, have_addresses_of_their_own) {
    EXPECT_EQ(said(nodelist({{"ring0_addr: 192.0.2.1", "ring1_addr: 192.0.2.1"}})),
              "error f:5: nodelist.node.ring1_addr: this node has the address 192.0.2.1 on two links (the other is at "
              "line 4); give each link an address of its own\n");
    EXPECT_EQ(
        said(nodelist({{"ring0_addr: fd00::1", "ring1_addr: a"}, {"ring0_addr: fd00::2", "ring1_addr: a"}})),
        "error f:10: nodelist.node.ring1_addr: two nodes have the address a (the other is at line 5); give each its "
        "own\n");
    EXPECT_EQ(
        said(nodelist(
            {{"ring0_addr: fd00::1", "ring1_addr: fd00::8"}, {"ring0_addr: fd00::2", "ring1_addr: FD00:0::1"}})),
        "error f:10: nodelist.node.ring1_addr: two nodes have the address FD00:0::1 (the other is at line 4); give "
        "each its own\n")
        << "however it is spelled, and on whichever links";
}

TEST(links, are_eight_at_most) {
    std::vector<std::string> keys;
    for (int link = 0; link <= 8; ++link) {
        keys.push_back("ring" + std::to_string(link) + "_addr: host" + std::to_string(link));
    }
    EXPECT_EQ(said(nodelist({keys})),
              "error f:12: nodelist.node.ring8_addr: there are at most 8 links, ring0_addr to ring7_addr\n");
    keys.back() = "ring_addr: a";
    EXPECT_TRUE(said(nodelist({keys})).starts_with("warning f:12: nodelist.node.ring_addr: is not known; is "));
    EXPECT_TRUE(said("totem {\n  interface {\n    linknumber: 8\n  }\n}\n")
                    .starts_with("error f:3: totem.interface.linknumber: '8' is not a number from 0 to 7"));
}

TEST(links, that_nobody_has_are_told_of) {
    EXPECT_EQ(said("totem {\n  interface {\n    linknumber: 1\n    mcastport: 6000\n  }\n}\n" +
                   nodelist({{"ring0_addr: a"}})),
              "warning f:2: totem.interface: there is no link 1: no node has a ring1_addr\n");
}

} // namespace coterie::config

// SPDX-License-Identifier: BSD-3-Clause
// Datagrams that should not be there, and how often they are told of.
#include "daemon/stranger_watch.hpp"

#include <gtest/gtest.h>

namespace coterie::daemon {

namespace {

using kind = stranger_watch::kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

net::address at(const std::string& host) { return *net::resolve(host, 5405); }

/// Node 1 of three in the cluster "red".
class strangers : public testing::Test {
protected:
    std::optional<stranger_watch::finding> judge(milliseconds when, std::uint32_t node, std::uint64_t nonce,
                                                 const std::string& from, const std::string& cluster = "red",
                                                 std::uint8_t link = 0) {
        base::buffer packet =
            wire::encode(_pool, {.cluster = wire::cluster_of(cluster), .node = {node}, .nonce = {nonce}},
                         wire::token_request{.view = {.epoch = {{1}}, .coordinator = {1}, .nonce = {1}},
                                             .requester = {1},
                                             .counter = 1,
                                             .hop = {{1}}});
        wire::seal(packet, ++_counter);
        return _watch.judge(base::time_point(when), wire::open(packet.bytes(), _net.cluster), packet.bytes(), {link},
                            at(from), _net);
    }

private:
    base::buffer_pool _pool;
    std::uint64_t _counter = 0;
    net::transport_settings _net{
        .self = {{1}, {100}},
        .links = {{.number = {0}, .where = at("192.0.2.1")}, {.number = {1}, .where = at("198.51.100.1")}},
        .peers = {{.node = {2}, .at = {{{0}, at("192.0.2.2")}, {{1}, at("198.51.100.2")}}},
                  {.node = {3}, .at = {{{0}, at("192.0.2.3")}, {{1}, at("198.51.100.3")}}},
                  {.node = {4}, .at = {{{0}, at("192.0.2.4")}}}},
        .cluster = wire::cluster_of("red")};
    stranger_watch _watch{{.node = {1}, .nonce = {100}, .cluster_name = "red"}};
};

bool has(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

} // namespace

TEST_F(strangers, are_none_of_the_listed_nodes_at_their_addresses) {
    EXPECT_FALSE(judge(milliseconds(0), 2, 200, "192.0.2.2"));
    EXPECT_FALSE(judge(milliseconds(0), 1, 100, "192.0.2.9")) << "the own words, come back";
    EXPECT_FALSE(judge(milliseconds(0), 1, 99, "192.0.2.1")) << "those of the own former life";
    EXPECT_FALSE(judge(milliseconds(0), 1, 99, "198.51.100.1", "red", 1));
    EXPECT_FALSE(judge(milliseconds(0), 3, 300, "198.51.100.3", "red", 1));
    EXPECT_FALSE(judge(milliseconds(0), 4, 400, "198.51.100.4", "red", 1)) << "its name there is not known yet";
}

TEST_F(strangers, of_another_cluster_are_told_with_both_clusters_once_a_minute) {
    const auto got = judge(seconds(1), 2, 200, "192.0.2.2", "blue");
    ASSERT_TRUE(got);
    EXPECT_EQ(got->what, kind::other_cluster);
    EXPECT_TRUE(has(got->line, "192.0.2.2:5405 sends datagrams of another cluster (id ")) << got->line;
    EXPECT_TRUE(has(got->line, "this one is 'red'")) << got->line;
    EXPECT_EQ(judge(seconds(60), 2, 200, "192.0.2.2", "blue")->line, "");
    EXPECT_NE(judge(seconds(60), 3, 300, "192.0.2.3", "blue")->line, "") << "from another address it is news";
    EXPECT_NE(judge(seconds(61), 2, 200, "192.0.2.2", "blue")->line, "");
    EXPECT_TRUE(has(judge(seconds(61), 2, 200, "192.0.2.4", "")->line, "(a cluster without a name)"));
}

TEST_F(strangers, flooding_from_invented_addresses_are_told_of_a_few_times) {
    int lines = 0;
    for (int i = 0; i < 200; ++i) {
        lines += judge(seconds(1), 2, 200, "198.51.100." + std::to_string(i), "blue")->line.empty() ? 0 : 1;
    }
    EXPECT_GT(lines, 0);
    EXPECT_LE(lines, 32);
}

TEST_F(strangers, that_are_not_listed_or_not_where_they_should_be_are_named) {
    const auto unlisted = judge(seconds(1), 9, 900, "192.0.2.9");
    ASSERT_TRUE(unlisted);
    EXPECT_EQ(unlisted->what, kind::unlisted_node);
    EXPECT_TRUE(has(unlisted->line, "192.0.2.9:5405 says that it is node 9")) << unlisted->line;
    const auto moved = judge(seconds(1), 2, 201, "192.0.2.9");
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved->what, kind::other_address);
    EXPECT_EQ(moved->node, base::node_id{2});
    EXPECT_TRUE(has(moved->line, "which is at 192.0.2.2:5405 on link 0 by the nodelist here")) << moved->line;
    const auto crossed = judge(seconds(1), 3, 300, "192.0.2.3", "red", 1);
    ASSERT_TRUE(crossed) << "the addresses of two links were mixed up";
    EXPECT_TRUE(has(crossed->line, "which is at 198.51.100.3:5405 on link 1 by the nodelist here")) << crossed->line;
}

TEST_F(strangers, with_the_own_id_are_believed_when_they_go_on) {
    EXPECT_EQ(judge(milliseconds(0), 1, 500, "192.0.2.9")->what, kind::own_id);
    EXPECT_EQ(judge(milliseconds(499), 1, 500, "192.0.2.9")->what, kind::own_id);
    EXPECT_EQ(judge(milliseconds(500), 1, 501, "192.0.2.9")->what, kind::own_id) << "that is yet another life";
    const auto got = judge(milliseconds(1'000), 1, 501, "192.0.2.3");
    EXPECT_EQ(got->what, kind::own_id_is_alive);
    EXPECT_TRUE(has(got->line, "nodeid 1 is in use")) << got->line;
    EXPECT_TRUE(has(got->line, "come from 192.0.2.3:5405 (node 3)")) << got->line;
}

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// Three daemons in three network namespaces joined by a bridge, as three machines on a switch, under a flood: what can
// happen to machines, networks and programs happens to them, and all that the daemons and clients wrote down is judged by
// the guarantees. How long something lasts is chosen so that the daemons notice; nothing is judged by its duration.
#include "tests/integration/cpg_client.hpp"
#include "tests/integration/switched_network.hpp"
#include "tests/integration/three_nodes.hpp"

#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>
#include <unistd.h>

namespace coterie::tests {

namespace {

/// Messages a second of each client: enough that there are always some on their way, few enough to judge them quickly.
constexpr std::uint64_t judged_rate = 1'000;

class three_machines : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "SKIPPED: network namespaces need root";
        }
    }

    /// The machines and the daemons' configurations; false and a skipped test if the machine does not allow it.
    [[nodiscard]] bool set_up(const std::string& prefix = "10.66.0.", bool traced = true,
                              const std::string& more = {}) {
        network.emplace(3, std::vector{prefix});
        if (!network->good()) {
            return false;
        }
        nodes.emplace(cluster_options{.places = network->places(), .traced = traced, .more = more});
        return true;
    }

    /// Ends the flood and has everything judged.
    void judge(flood& clients) {
        clients.end();
        clients.judge();
    }

    std::optional<switched_network> network;
    std::optional<cluster> nodes; ///< goes first
};

#define COTERIE_SET_UP(...)                                                                                            \
    do {                                                                                                               \
        if (!set_up(__VA_ARGS__)) {                                                                                    \
            GTEST_SKIP() << "SKIPPED: this machine does not let root make network namespaces";                         \
        }                                                                                                              \
    } while (false)

} // namespace

TEST_F(three_machines, agree_through_a_kill_and_restart_under_a_flood) {
    COTERIE_SET_UP("10.66.0.", false);
    play(*nodes, {});
}

TEST_F(three_machines, do_so_on_ipv6_as_well) {
    COTERIE_SET_UP("fd66::", false);
    play(*nodes,
         {.rate = 0, .before_kill = milliseconds(500), .apart = milliseconds(500), .after_return = milliseconds(500)});
}

TEST_F(three_machines, keep_every_guarantee_when_one_is_cut_off_and_comes_back) {
    COTERIE_SET_UP();
    flood clients(*nodes, judged_rate);
    ASSERT_TRUE(clients.wait_for({0, 1, 2}, {"change", "1,2,3"}));
    clients.let_pass(milliseconds(300));
    for (std::size_t round = 1; round <= 2; ++round) {
        ASSERT_TRUE(network->cut_off(3));
        ASSERT_TRUE(clients.wait_for({0, 1}, {"change", "1,2", "3:3"}, round));
        ASSERT_TRUE(clients.wait_for({2}, {"change", "3", "1:3,2:3"}, round));
        // Both sides go on with their own flood.
        clients.let_pass(milliseconds(300));
        ASSERT_TRUE(network->join_again(3));
        ASSERT_TRUE(clients.wait_for({0, 1}, {"change", "1,2,3", "3:4"}, round));
        ASSERT_TRUE(clients.wait_for({2}, {"change", "1,2,3", "1:4,2:4"}, round));
        clients.let_pass(milliseconds(300));
    }
    judge(clients);
}

TEST_F(three_machines, keep_every_guarantee_when_a_daemon_stands_still_for_a_second) {
    COTERIE_SET_UP();
    flood clients(*nodes, judged_rate);
    ASSERT_TRUE(clients.wait_for({0, 1, 2}, {"change", "1,2,3"}));
    clients.let_pass(milliseconds(300));
    for (const std::size_t victim : {std::size_t{1}, std::size_t{0}}) {
        nodes->daemon(victim).send_signal(SIGSTOP);
        clients.let_pass(milliseconds(1'000));
        nodes->daemon(victim).send_signal(SIGCONT);
        const std::string back = std::to_string(victim + 1) + ":4";
        ASSERT_TRUE(clients.wait_for({1 - victim, 2}, {"change", "1,2,3", back}));
        clients.let_pass(milliseconds(300));
    }
    judge(clients);
}

TEST_F(three_machines, keep_every_guarantee_when_a_client_is_killed_amid_the_flood) {
    COTERIE_SET_UP();
    flood clients(*nodes, 0);
    ASSERT_TRUE(clients.wait_for({0, 1, 2}, {"change", "1,2,3"}));
    clients.let_pass(milliseconds(100));
    clients.kill_client(2);
    ASSERT_TRUE(clients.wait_for({0, 1}, {"change", "1,2", "3:5"}));
    clients.let_pass(milliseconds(100));
    clients.kill_client(0);
    ASSERT_TRUE(clients.wait_for({1}, {"change", "2", "1:5"}));
    judge(clients);
}

TEST_F(three_machines, keep_every_guarantee_while_packets_are_lost) {
    COTERIE_SET_UP();
    if (!network->lose(2)) {
        GTEST_SKIP() << "SKIPPED: nft cannot lose packets of a bridge here";
    }
    flood clients(*nodes, judged_rate);
    ASSERT_TRUE(clients.wait_for({0, 1, 2}, {"change", "1,2,3"}));
    clients.let_pass(milliseconds(2'000));
    judge(clients);
}

/// The kernel takes no rows of datagrams that are too large for the card: they go one by one, in pieces.
TEST_F(three_machines, keep_every_guarantee_when_the_mtu_shrinks_under_a_flood) {
    COTERIE_SET_UP();
    flood clients(*nodes, 0);
    ASSERT_TRUE(clients.wait_for({0, 1, 2}, {"change", "1,2,3"}));
    clients.let_pass(milliseconds(100));
    const std::size_t changes = clients[0].told({"change"});
    for (std::size_t host = 1; host <= 3; ++host) {
        ASSERT_TRUE(network->at_host(host, {"/sbin/ip", "link", "set", switched_network::card(0), "mtu", "1300"}));
    }
    for (std::size_t place = 0; place < 3; ++place) {
        EXPECT_TRUE(eventually([&] { return nodes->log(place).contains("takes no rows of datagrams"); })) << place;
    }
    clients.let_pass(milliseconds(100));
    EXPECT_EQ(clients[0].told({"change"}), changes) << "nobody is lost by it";
    judge(clients);
}

/// A bridge port swallows them without a word.
TEST_F(three_machines, keep_every_guarantee_where_large_packets_are_swallowed_under_a_flood) {
    COTERIE_SET_UP();
    flood clients(*nodes, 0);
    ASSERT_TRUE(clients.wait_for({0, 1, 2}, {"change", "1,2,3"}));
    clients.let_pass(milliseconds(100));
    const std::size_t changes = clients[0].told({"change"});
    ASSERT_TRUE(network->take_no_larger(3, 0, 1'300));
    EXPECT_TRUE(eventually([&] {
        return nodes->log(0).contains("datagrams of 1452 bytes to node 3 (10.66.0.3) do not pass on link 0 any more");
    }));
    clients.let_pass(milliseconds(100));
    EXPECT_EQ(clients[0].told({"change"}), changes) << "nobody is lost by it";
    judge(clients);
}

TEST_F(three_machines, keep_every_guarantee_where_the_kernel_carries_datagrams_one_by_one) {
    COTERIE_SET_UP("10.66.0.", true, "system {\n  udp_offload: no\n}\n");
    flood clients(*nodes, 0);
    ASSERT_TRUE(clients.wait_for({0, 1, 2}, {"change", "1,2,3"}));
    clients.let_pass(milliseconds(200));
    judge(clients);
}

TEST_F(three_machines, keep_every_guarantee_while_clients_come_and_go) {
    COTERIE_SET_UP();
    flood clients(*nodes, judged_rate);
    ASSERT_TRUE(clients.wait_for({0, 1, 2}, {"change", "1,2,3"}));
    ::setenv("COTERIE_TRACE", (nodes->folder() / "trace-guests").c_str(), 1);
    const auto open_at = [&](cpg_client& guest, std::size_t place) {
        ::setenv("COTERIE_SOCKET", nodes->socket(place).c_str(), 1);
        return guest.open();
    };
    {
        cpg_client staying[3];
        for (std::size_t place = 0; place < 3; ++place) {
            ASSERT_EQ(open_at(staying[place], place), CS_OK);
        }
        for (int round = 0; round < 20; ++round) {
            // One that goes on to another group with the same handle, and one that ends amid its group.
            for (std::size_t place = 0; place < 3; ++place) {
                cpg_client& guest = staying[place];
                const std::string group = round % 2 == 0 ? "demo" : "side";
                cs_error_t joined = CS_ERR_TRY_AGAIN;
                ASSERT_TRUE(eventually([&] {
                    joined = guest.join(group);
                    return joined != CS_ERR_TRY_AGAIN || guest.dispatch(CS_DISPATCH_ALL) != CS_OK;
                }));
                ASSERT_EQ(joined, CS_OK);
                const std::string text = "guest " + std::to_string(place) + " in round " + std::to_string(round);
                ASSERT_EQ(guest.send_patiently(text), CS_OK);
                ASSERT_EQ(guest.leave(group), CS_OK);
            }
            cpg_client passing;
            ASSERT_EQ(open_at(passing, static_cast<std::size_t>(round) % 3), CS_OK);
            ASSERT_EQ(passing.join("passing"), CS_OK);
            ASSERT_EQ(passing.send_patiently("round " + std::to_string(round)), CS_OK);
            clients.let_pass(milliseconds(10));
        }
        for (unsigned place = 0; place < 3; ++place) {
            // All that it asked for has come: joins, messages and leaves.
            cpg_client& guest = staying[place];
            EXPECT_TRUE(eventually([&] {
                return guest.dispatch(CS_DISPATCH_ALL) == CS_OK && guest.last().starts_with("side: ") &&
                       guest.last().ends_with("; left " + self(place + 1) + "(2)");
            })) << guest.last();
        }
    }
    ::unsetenv("COTERIE_TRACE");
    judge(clients);
}

} // namespace coterie::tests

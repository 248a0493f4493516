// SPDX-License-Identifier: BSD-3-Clause
// What daemons say of a network that is not as it should be, on both sides where two are concerned: other clusters, ids
// that are taken, nodes that are not listed, names that are not known.
#include "tests/integration/daemon_fixture.hpp"

#include "cli/loopback.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <fstream>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>

namespace coterie::tests {

namespace {

const std::string one = "127.0.0.1";
const std::string two = "127.0.0.2";
const std::string three = "127.0.0.3";

class daemon_network : public daemon_test {
protected:
    int port = cli::free_udp_port({one, two, three});

    [[nodiscard]] std::string at(const std::string& address) const { return address + ":" + std::to_string(port); }
    [[nodiscard]] cli::child_process node(const std::string& name, int id, const std::vector<std::string>& addresses,
                                          const std::string& cluster = "test") {
        return start(
            {.name = name, .more = nodes_at(addresses, port, cluster), .arguments = {"--node", std::to_string(id)}});
    }
    /// What `coterie status --json` says of a daemon.
    [[nodiscard]] std::string status_of(const std::string& name) {
        cli::child_process asking =
            run({.name = "status"}, {built("bin/coterie"), "status", "--json", "--socket", socket(name)});
        EXPECT_EQ(asking.wait(milliseconds(10'000)), 0) << log("status");
        EXPECT_NE(log("status").find("\"wrong_address\": "), std::string::npos) << log("status");
        return log("status");
    }
};

} // namespace

TEST_F(daemon_network, of_two_clusters_makes_both_say_so_once) {
    const cli::child_process first = node("a", 1, {one, two}, "red");
    const cli::child_process second = node("b", 2, {one, two}, "blue");
    EXPECT_TRUE(says("a", at(two) + " sends datagrams of another cluster (id "));
    EXPECT_TRUE(says("a", "this one is 'red'"));
    EXPECT_TRUE(says("b", at(one) + " sends datagrams of another cluster (id "));
    EXPECT_TRUE(says("b", "this one is 'blue'"));
    // They go on sending; once a minute is enough to say it.
    std::this_thread::sleep_for(milliseconds(1'500));
    EXPECT_EQ(times("a", "another cluster"), 1U) << log("a");
    EXPECT_EQ(times("b", "another cluster"), 1U) << log("b");
}

TEST_F(daemon_network, with_an_id_used_twice_keeps_the_older_daemon_and_ends_the_newcomer) {
    const cli::child_process first = node("a", 1, {one, two});
    const cli::child_process second = node("b", 2, {one, two});
    ASSERT_TRUE(says("b", "members 1 (127.0.0.1), 2 (127.0.0.2)"));
    // A copy of the first machine's configuration with another address in it.
    cli::child_process newcomer = node("c", 1, {three, two});
    EXPECT_EQ(newcomer.wait(milliseconds(10'000)), 1) << log("c");
    EXPECT_TRUE(says("c", "nodeid 1 is in use in this cluster by another daemon"));
    EXPECT_TRUE(says("c", at(two) + " (node 2)"));
    EXPECT_TRUE(says("b", at(three) + " says that it is node 1, which is at " + at(one)));
    EXPECT_EQ(times("b", "says that it is node 1"), 1U) << log("b");
    EXPECT_EQ(times("b", "left 1"), 0U) << "the older daemon is not disturbed: " << log("b");
    EXPECT_TRUE(first.running());
}

TEST_F(daemon_network, with_an_id_used_twice_and_direct_contact_makes_both_say_so) {
    const cli::child_process first = node("a", 1, {one, two, three});
    const cli::child_process second = node("b", 2, {one, two, three});
    ASSERT_TRUE(says("a", "members 1 (127.0.0.1), 2 (127.0.0.2)"));
    ASSERT_TRUE(says("b", "members 1 (127.0.0.1), 2 (127.0.0.2)"));
    const std::size_t views = times("a", "info: view ") + times("b", "info: view ");
    cli::child_process newcomer = node("c", 1, {three, two, one});
    EXPECT_EQ(newcomer.wait(milliseconds(10'000)), 1) << log("c");
    EXPECT_TRUE(says("c", "nodeid 1 is in use in this cluster by another daemon"));
    EXPECT_TRUE(
        says("a", "nodeid 1 is in use in this cluster by another daemon: its datagrams come from " + at(three)));
    EXPECT_TRUE(says("b", at(three) + " says that it is node 1, which is at " + at(one)));
    // The newcomer speaks to all of them, and they speak to its address, where they expect another node.
    EXPECT_EQ(times("a", "info: view ") + times("b", "info: view "), views) << "the view is not disturbed:\n"
                                                                            << log("a") << log("b");
    EXPECT_EQ(status_of("b").find("\"wrong_address\": 0"), std::string::npos) << "what it sent was counted";
}

TEST_F(daemon_network, with_a_node_that_is_not_listed_names_it) {
    const cli::child_process first = node("a", 1, {one, two});
    const cli::child_process second = node("c", 3, {one, two, three});
    EXPECT_TRUE(says("a", at(three) + " says that it is node 3, which this node does not know"));
    EXPECT_EQ(times("a", "members 1 (127.0.0.1), 3"), 0U);
}

TEST_F(daemon_network, with_a_port_that_is_taken_is_no_network) {
    const int taken = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(port));
    ASSERT_EQ(::inet_pton(AF_INET, one.c_str(), &where.sin_addr), 1);
    ASSERT_EQ(::bind(taken, reinterpret_cast<const sockaddr*>(&where), sizeof(where)), 0);
    cli::child_process first = node("a", 1, {one, two});
    EXPECT_EQ(first.wait(milliseconds(10'000)), 1);
    EXPECT_TRUE(says("a", at(one) + " cannot be used for UDP: Address already in use; another program has this port"));
    EXPECT_EQ(times("a", "\n"), 1U) << log("a");
    ::close(taken);
}

TEST_F(daemon_network, does_without_a_peer_whose_name_turns_out_to_be_anothers_address) {
    COTERIE_NEEDS_ROOT();
    const std::string hosts = path("hosts");
    write_file(hosts, "127.0.0.1 localhost\n");
    const std::string late = "late-peer.invalid";
    const cli::child_process first = start({.name = "a",
                                            .more = nodes_at({one, two, late}, port),
                                            .arguments = {"--node", "1"},
                                            .shell = "mount --bind " + hosts + " /etc/hosts"});
    ASSERT_TRUE(says("a", late + " cannot be resolved", milliseconds(15'000)));
    std::ofstream(hosts, std::ios::app) << two << " " << late << "\n";
    EXPECT_TRUE(says("a", late + " is " + two + ", which is another node's address; this node runs without it",
                     milliseconds(20'000)));
    const cli::child_process second = node("b", 2, {one, two});
    EXPECT_TRUE(says("a", "members 1 (127.0.0.1), 2 (127.0.0.2)"));
}

TEST_F(daemon_network, takes_a_peer_in_when_its_name_becomes_known) {
    COTERIE_NEEDS_ROOT();
    const std::string hosts = path("hosts");
    write_file(hosts, "127.0.0.1 localhost\n");
    const std::string late = "late-peer.invalid";
    const cli::child_process first = start({.name = "a",
                                            .more = nodes_at({one, late}, port),
                                            .arguments = {"--node", "1"},
                                            .shell = "mount --bind " + hosts + " /etc/hosts"});
    ASSERT_TRUE(says("a", late + " cannot be resolved", milliseconds(15'000)));
    EXPECT_TRUE(says("a", "running without node 2 and asking again in the background"));
    EXPECT_TRUE(says("a", "members 1 (127.0.0.1)"));
    const cli::child_process second = node("b", 2, {one, two});
    std::ofstream(hosts, std::ios::app) << two << " " << late << "\n";
    EXPECT_TRUE(says("a", late + " is known now: node 2 is at " + at(two), milliseconds(20'000)));
    EXPECT_TRUE(says("a", "members 1 (127.0.0.1), 2 (" + late + ")"));
    EXPECT_TRUE(says("b", "members 1 (127.0.0.1), 2 (127.0.0.2)"));
}

} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// Daemons whose links are configured wrongly, or are not as configured when they start: one line that names file, line and
// key, or the address, and status 1 where nothing works; else they run with what works, and take the rest when it comes.
#include "tests/integration/daemon_fixture.hpp"

#include "cli/loopback.hpp"

#include <arpa/inet.h>
#include <fstream>
#include <netinet/in.h>
#include <sys/socket.h>

namespace coterie::tests {

namespace {

const std::string first_0 = "127.0.0.1";
const std::string first_1 = "127.0.1.1";
const std::string second_0 = "127.0.0.2";
const std::string second_1 = "127.0.1.2";
/// An address that no machine has; and a name that nobody knows.
const std::string nowhere = "203.0.113.201";
const std::string nobody = "late-link.invalid";

class link_configuration : public daemon_test {
protected:
    int port = cli::free_udp_port({first_0, first_1, second_0, second_1});

    using addresses = std::vector<std::vector<std::string>>;

    /// Nodes from 1 on with these addresses, link by link; the first node's section begins in line 15.
    [[nodiscard]] std::string nodes_on_links(const addresses& nodes) const {
        std::string text = "totem {\n version: 2\n";
        for (const char* const link : {"0", "1"}) {
            text += " interface {\n  linknumber: " + std::string(link) + "\n  mcastport: " + std::to_string(port) +
                    "\n  knet_link_priority: 1\n }\n";
        }
        text += "}\nnodelist {\n";
        int id = 0;
        for (const auto& node : nodes) {
            text += "node {\n nodeid: " + std::to_string(++id) + "\n";
            for (std::size_t link = 0; link < node.size(); ++link) {
                text += " ring" + std::to_string(link) + "_addr: " + node[link] + "\n";
            }
            text += "}\n";
        }
        return text + "}\n";
    }
    [[nodiscard]] cli::child_process node(const std::string& name, int id, const addresses& nodes,
                                          const std::string& shell = {}) {
        return start(
            {.name = name, .more = nodes_on_links(nodes), .arguments = {"--node", std::to_string(id)}, .shell = shell});
    }
    /// It ends with status 1 and one line with these words.
    void expect_refused(const addresses& nodes, const std::string& words) {
        const std::string name = "wrong" + std::to_string(++refused);
        cli::child_process wrong = node(name, 1, nodes);
        EXPECT_EQ(wrong.wait(milliseconds(10'000)), 1) << log(name);
        EXPECT_EQ(times(name, "\n"), 1U) << log(name);
        EXPECT_NE(log(name).find(words), std::string::npos) << "not '" << words << "' but: " << log(name);
    }
    [[nodiscard]] static std::string at_line(int line, const std::string& key) {
        return ".conf:" + std::to_string(line) + ": nodelist.node." + key + ": ";
    }
    int refused = 0;
    [[nodiscard]] std::string at(const std::string& address) const { return address + ":" + std::to_string(port); }
};

} // namespace

TEST_F(link_configuration, that_contradicts_itself_is_refused_with_line_and_key) {
    expect_refused({{first_0, first_1}, {second_0, first_1}}, at_line(23, "ring1_addr") + "two nodes have the address");
    expect_refused({{first_0, first_0}, {second_0, second_1}},
                   at_line(18, "ring1_addr") + "this node has the address " + first_0 + " on two links");
    expect_refused({{first_0, first_1}, {second_0}}, at_line(20, "ring1_addr") + "this node has no address on link 1");
    expect_refused({{first_0, first_1}, {second_0, "::1"}},
                   at_line(23, "ring1_addr") + "::1 is an IPv6 address, but " + first_1);
    expect_refused({{"a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"}},
                   at_line(25, "ring8_addr") + "there are at most 8 links");
}

TEST_F(link_configuration, with_an_own_name_that_nobody_knows_is_refused) {
    expect_refused({{first_0, nobody}, {second_0, second_1}},
                   at_line(18, "ring1_addr") + nobody + ", this node's own address, cannot be resolved");
}

TEST_F(link_configuration, with_a_port_that_is_taken_on_one_link_is_refused) {
    const int taken = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(port));
    ASSERT_EQ(::inet_pton(AF_INET, first_1.c_str(), &where.sin_addr), 1);
    ASSERT_EQ(::bind(taken, reinterpret_cast<const sockaddr*>(&where), sizeof(where)), 0);
    expect_refused({{first_0, first_1}, {second_0, second_1}}, at(first_1) +
                                                                   " cannot be used for UDP: Address already in "
                                                                   "use");
    ::close(taken);
}

TEST_F(link_configuration, with_addresses_that_are_not_this_machines_is_refused_when_there_are_no_others) {
    expect_refused({{nowhere, "203.0.113.202"}, {"203.0.113.203", "203.0.113.204"}},
                   at(nowhere) + " cannot be used for UDP: Cannot assign requested address");
}

TEST_F(link_configuration, with_a_peers_name_that_becomes_known_later_takes_the_link_in_then) {
    COTERIE_NEEDS_ROOT();
    const std::string hosts = path("hosts");
    write_file(hosts, "127.0.0.1 localhost\n");
    const cli::child_process one =
        node("a", 1, {{first_0, first_1}, {second_0, nobody}}, "mount --bind " + hosts + " /etc/hosts");
    ASSERT_TRUE(says("a", "ring1_addr: " + nobody + " cannot be resolved", milliseconds(15'000)));
    EXPECT_TRUE(says("a", "running without link 1 to node 2 and asking again in the background"));
    const cli::child_process two = node("b", 2, {{first_0, first_1}, {second_0, second_1}});
    EXPECT_TRUE(says("a", "members 1 (" + first_0 + "), 2 (" + second_0 + ")"));
    EXPECT_EQ(times("a", "link 1 to node 2"), 1U) << "only that it is not known: " << log("a");
    EXPECT_EQ(times("a", "says that it is node 2"), 0U) << log("a");
    std::ofstream(hosts, std::ios::app) << second_1 << " " << nobody << "\n";
    EXPECT_TRUE(says("a", nobody + " is known now: node 2 is at " + at(second_1), milliseconds(20'000)));
    EXPECT_TRUE(says("a", "link 1 to node 2 (" + second_0 + ") is up"));
    EXPECT_TRUE(says("b", "link 1 to node 1 (" + first_0 + ") is up"));
}

TEST_F(link_configuration, that_differs_from_that_of_others_is_told_of) {
    // The second node's links are the other way round in the first one's list.
    const cli::child_process one = node("a", 1, {{first_0, first_1}, {second_1, second_0}});
    const cli::child_process two = node("b", 2, {{first_0, first_1}, {second_0, second_1}});
    EXPECT_TRUE(says("a", at(second_0) + " says that it is node 2, which is at " + at(second_1) +
                              " on link 0 by the nodelist here"));
    EXPECT_EQ(times("a", "members 1 (" + first_0 + "), 2"), 0U);
}

} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// Three daemons in three network namespaces on two switches, as three machines with two networks, under a flood: whatever
// happens to one of the networks, nobody who uses the cluster notices. All that daemons and clients wrote down is judged by
// the guarantees, and no view changes. How long something lasts is chosen so that the daemons notice; nothing is judged by
// its duration.
#include "tests/integration/cpg_client.hpp"
#include "tests/integration/switched_network.hpp"
#include "tests/integration/three_nodes.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace coterie::tests {

namespace {

/// Messages a second of each client: enough that there are always some on their way, few enough to judge them quickly.
constexpr std::uint64_t judged_rate = 1'000;

std::size_t times(const std::string& words, const std::string& text) {
    std::size_t result = 0;
    for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
        ++result;
    }
    return result;
}

/// By link mode.
class two_links : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "SKIPPED: network namespaces need root";
        }
        network.emplace(3, std::vector<std::string>{"10.66.0.", "10.66.1."});
        if (!network->good()) {
            GTEST_SKIP() << "SKIPPED: this machine does not let root make network namespaces";
        }
        nodes.emplace(cluster_options{.places = network->places(),
                                      .traced = true,
                                      .more = "totem {\n  link_mode: " + std::string(GetParam()) + "\n}\n"});
        before_start();
        clients.emplace(*nodes, judged_rate);
        ASSERT_TRUE(clients->wait_for({0, 1, 2}, {"change", "1,2,3"}));
        ASSERT_NO_FATAL_FAILURE(wait_for_links());
        clients->let_pass(milliseconds(300));
        _views = views();
        _changes = changes();
    }

    /// What is done to the network before the daemons start.
    virtual void before_start() {}
    /// What the links are when they have started.
    virtual void wait_for_links() {
        for (std::size_t place = 0; place < 3; ++place) {
            for (std::size_t link = 0; link < 2; ++link) {
                ASSERT_TRUE(others_say(place, link, "up"));
            }
        }
    }

    /// A machine's place, its number, and how daemons call the link to it.
    static std::string path_to(std::size_t place, std::size_t link) {
        return "link " + std::to_string(link) + " to node " + std::to_string(place + 1) + " (10.66.0." +
               std::to_string(place + 1) + ") is ";
    }

    /// Waits until this daemon has said, so many times, that its link to another is "up" or "down".
    [[nodiscard]] testing::AssertionResult says(std::size_t who, std::size_t place, std::size_t link,
                                                const std::string& state, std::size_t wanted = 1) {
        const std::string words = path_to(place, link) + state;
        if (clients->wait_until([&] { return times(words, nodes->log(who)) >= wanted; })) {
            return testing::AssertionSuccess();
        }
        return testing::AssertionFailure() << "daemon " << who + 1 << " does not say '" << words << "'";
    }
    /// The same of all others.
    [[nodiscard]] testing::AssertionResult others_say(std::size_t place, std::size_t link, const std::string& state,
                                                      std::size_t wanted = 1) {
        for (std::size_t who = 0; who < 3; ++who) {
            if (who != place) {
                if (auto said = says(who, place, link, state, wanted); !said) {
                    return said;
                }
            }
        }
        return testing::AssertionSuccess();
    }

    /// Ends the flood and has everything judged: nobody has noticed anything.
    void judge() {
        clients->end();
        EXPECT_EQ(views(), _views);
        EXPECT_EQ(changes(), _changes);
        clients->judge();
    }

    std::optional<switched_network> network;
    std::optional<cluster> nodes; ///< go before the network
    std::optional<flood> clients;

private:
    std::size_t views() {
        std::size_t result = 0;
        for (std::size_t place = 0; place < 3; ++place) {
            result += times("info: view ", nodes->log(place));
        }
        return result;
    }
    std::size_t changes() {
        std::size_t result = 0;
        for (std::size_t place = 0; place < 3; ++place) {
            result += (*clients)[place].told({"change", "1,2,3"});
        }
        return result;
    }

    std::size_t _views = 0;
    std::size_t _changes = 0;
};

/// A machine that lacks its address on the first link when its daemon starts.
class a_late_link : public two_links {
    void before_start() override { ASSERT_TRUE(network->remove_address(3, 0)); }
    void wait_for_links() override {
        ASSERT_TRUE(clients->wait_until([&] {
            return times("error: 10.66.0.3, this node's address on link 0, is not an address of this machine; the link "
                         "is "
                         "down until it is: correct ring0_addr or the network",
                         nodes->log(2)) == 1;
        }));
        ASSERT_TRUE(others_say(2, 1, "up"));
        ASSERT_TRUE(others_say(2, 0, "down"));
        ASSERT_TRUE(says(2, 0, 0, "down: this machine cannot send there: "));
    }
};

} // namespace

TEST_P(a_late_link, is_done_without_and_taken_when_its_address_comes) {
    ASSERT_TRUE(network->add_address(3, 0));
    ASSERT_TRUE(others_say(2, 0, "up again"));
    ASSERT_TRUE(says(2, 0, 0, "up again"));
    clients->let_pass(milliseconds(300));
    judge();
}

INSTANTIATE_TEST_SUITE_P(passive, a_late_link, testing::Values("passive"));

TEST_P(two_links, survive_that_either_of_them_loses_a_machine) {
    for (const std::size_t link : {std::size_t{0}, std::size_t{1}}) {
        ASSERT_TRUE(network->cut_off(3, link));
        ASSERT_TRUE(others_say(2, link, "down"));
        ASSERT_TRUE(says(2, 0, link, "down"));
        clients->let_pass(milliseconds(300));
        ASSERT_TRUE(network->join_again(3, link));
        ASSERT_TRUE(others_say(2, link, "up again"));
        clients->let_pass(milliseconds(300));
    }
    judge();
}

TEST_P(two_links, survive_that_either_of_them_is_gone_altogether) {
    for (const std::size_t link : {std::size_t{0}, std::size_t{1}}) {
        for (std::size_t host = 1; host <= 3; ++host) {
            ASSERT_TRUE(network->cut_off(host, link));
        }
        for (std::size_t place = 0; place < 3; ++place) {
            ASSERT_TRUE(others_say(place, link, "down"));
        }
        clients->let_pass(milliseconds(300));
        for (std::size_t host = 1; host <= 3; ++host) {
            ASSERT_TRUE(network->join_again(host, link));
        }
        for (std::size_t place = 0; place < 3; ++place) {
            ASSERT_TRUE(others_say(place, link, "up again"));
        }
    }
    judge();
}

TEST_P(two_links, survive_that_a_machine_takes_its_own_end_down) {
    for (const std::size_t link : {std::size_t{0}, std::size_t{1}}) {
        ASSERT_TRUE(network->take_down(1, link));
        ASSERT_TRUE(others_say(0, link, "down"));
        ASSERT_TRUE(says(0, 2, link, "down: this machine cannot send there: Network is unreachable"));
        clients->let_pass(milliseconds(300));
        ASSERT_TRUE(network->take_up(1, link));
        ASSERT_TRUE(others_say(0, link, "up again"));
        ASSERT_TRUE(says(0, 2, link, "up again"));
    }
    judge();
}

TEST_P(two_links, survive_that_one_of_them_is_cut_one_way) {
    for (const auto& [from, to] : {std::pair<std::size_t, std::size_t>{1, 2}, {2, 1}}) {
        if (!network->cut_one_way(from, to, 0)) {
            GTEST_SKIP() << "SKIPPED: nft cannot cut one way of a bridge here";
        }
        // Neither gets an answer there.
        ASSERT_TRUE(says(0, 1, 0, "down", from));
        ASSERT_TRUE(says(1, 0, 0, "down", from));
        clients->let_pass(milliseconds(300));
        ASSERT_TRUE(network->heal());
        ASSERT_TRUE(says(0, 1, 0, "up again", from));
        ASSERT_TRUE(says(1, 0, 0, "up again", from));
    }
    judge();
}

TEST_P(two_links, survive_that_each_carries_one_way_alone) {
    if (!network->cut_one_way(1, 2, 0) || !network->cut_one_way(2, 1, 1)) {
        GTEST_SKIP() << "SKIPPED: nft cannot cut one way of a bridge here";
    }
    for (const std::size_t link : {std::size_t{0}, std::size_t{1}}) {
        ASSERT_TRUE(says(0, 1, link, "down"));
        ASSERT_TRUE(says(1, 0, link, "down"));
    }
    clients->let_pass(milliseconds(1'000));
    ASSERT_TRUE(network->heal());
    for (const std::size_t link : {std::size_t{0}, std::size_t{1}}) {
        ASSERT_TRUE(says(0, 1, link, "up again"));
        ASSERT_TRUE(says(1, 0, link, "up again"));
    }
    judge();
}

TEST_P(two_links, survive_that_one_of_them_flaps_and_hold_it_off_for_longer_each_time) {
    for (std::size_t round = 1; round <= 3; ++round) {
        ASSERT_TRUE(network->cut_off(3, 0));
        ASSERT_TRUE(others_say(2, 0, "down", round));
        ASSERT_TRUE(network->join_again(3, 0));
        ASSERT_TRUE(others_say(2, 0, "up again", round));
    }
    ASSERT_TRUE(says(0, 2, 0, "down"));
    const std::string log = nodes->log(0);
    EXPECT_NE(log.find("it was down 2 times: not taken back for 1.0 s"), std::string::npos);
    EXPECT_NE(log.find("it was down 3 times: not taken back for 2.0 s"), std::string::npos);
    judge();
}

INSTANTIATE_TEST_SUITE_P(passive, two_links, testing::Values("passive"));
INSTANTIATE_TEST_SUITE_P(active, two_links, testing::Values("active"));
INSTANTIATE_TEST_SUITE_P(rr, two_links, testing::Values("rr"));

} // namespace coterie::tests

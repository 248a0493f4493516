// SPDX-License-Identifier: BSD-3-Clause
// Clients that do not take their events, and clients that come, flood and die: what others notice, and what is left of them.
#include "tests/integration/cluster.hpp"
#include "tests/integration/cpg_client.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iostream>
#include <optional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace coterie::tests {

namespace {

class slow_clients : public testing::Test {
protected:
    /// Two nodes on loopback with these keys in their section `client`.
    void start(const std::string& keys) {
        _cluster.emplace(
            cluster_options{.places = loopback_places(2), .traced = false, .more = "client {\n" + keys + "}\n"});
        for (std::size_t place = 0; place < 2; ++place) {
            use(place);
            _cluster->start(place);
        }
    }

    /// Clients of this process connect there from now on.
    void use(std::size_t place) { ::setenv("COTERIE_SOCKET", _cluster->socket(place).c_str(), 1); }

    /// A process at a place that joins the group, takes what comes until its own join, and then nothing.
    pid_t sleeper(std::size_t place, const std::string& group) {
        use(place);
        const pid_t child = ::fork();
        if (child == 0) {
            cpg_client lazy;
            if (lazy.open() == CS_OK && lazy.join(group) == CS_OK && lazy.see(1)) {
                ::pause();
            }
            ::_exit(1);
        }
        _children.push_back(child);
        return child;
    }

    void join(cpg_client& who, std::size_t place, const std::string& group) {
        use(place);
        ASSERT_EQ(who.open(), CS_OK);
        ASSERT_EQ(who.join(group), CS_OK);
        ASSERT_TRUE(who.see(1));
    }

    /// Sends until there is no room for half a second, taking what comes. The number of messages.
    static std::size_t send_until_paused(cpg_client& who, const std::string& text) {
        std::size_t sent = 0;
        for (auto last = std::chrono::steady_clock::now();
             std::chrono::steady_clock::now() - last < std::chrono::milliseconds(500) && sent < 100'000;) {
            if (who.send(text) == CS_OK) {
                ++sent;
                last = std::chrono::steady_clock::now();
            }
            EXPECT_EQ(who.dispatch(CS_DISPATCH_ALL), CS_OK);
        }
        return sent;
    }

    static bool has_seen(const cpg_client& who, const std::string& end) {
        const auto seen = who.seen();
        return std::ranges::any_of(seen, [&](const std::string& line) { return line.ends_with(end); });
    }

    void TearDown() override {
        for (const pid_t child : _children) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
    }

    cluster& daemons() { return *_cluster; }

private:
    std::optional<cluster> _cluster;
    std::vector<pid_t> _children;
};

/// Memory of its own and descriptors of a process.
struct footprint {
    std::size_t kilobytes = 0;
    std::size_t descriptors = 0;
};

footprint footprint_of(pid_t process) {
    footprint result;
    const std::string folder = "/proc/" + std::to_string(process);
    std::ifstream facts(folder + "/status");
    for (std::string word; facts >> word;) {
        if (word == "RssAnon:") {
            facts >> result.kilobytes;
        }
    }
    for (const auto& each : std::filesystem::directory_iterator(folder + "/fd")) {
        static_cast<void>(each);
        ++result.descriptors;
    }
    return result;
}

int members_of_all_groups(const cpg_client& asking) {
    cpg_iteration_handle_t iteration = 0;
    if (cpg_iteration_initialize(asking.handle, CPG_ITERATION_ALL, nullptr, &iteration) != CS_OK) {
        return -1;
    }
    int result = 0;
    for (cpg_iteration_description_t row{}; cpg_iteration_next(iteration, &row) == CS_OK;) {
        ++result;
    }
    static_cast<void>(cpg_iteration_finalize(iteration));
    return result;
}

} // namespace

TEST_F(slow_clients, keep_their_group_waiting_until_they_are_cut_off) {
    start("slow_timeout: 2000\n");
    cpg_client sender;
    join(sender, 0, "group");
    const pid_t lazy = sleeper(1, "group");
    ASSERT_TRUE(sender.see(2));
    cpg_client other;
    join(other, 0, "other");
    const std::string text(50'000, 'x');
    const std::size_t sent = send_until_paused(sender, text);
    EXPECT_LT(sent * text.size(), 40'000'000U) << "what may wait for one client is bounded";
    cpg_flow_control_state_t state{};
    ASSERT_EQ(cpg_flow_control_state_get(sender.handle, &state), CS_OK);
    EXPECT_EQ(state, CPG_FLOW_CONTROL_ENABLED);
    // Questions are answered meanwhile, and other groups go on.
    cpg_name group = name_of("group");
    cpg_address members[CPG_MEMBERS_MAX];
    int count = 0;
    EXPECT_EQ(cpg_membership_get(sender.handle, &group, members, &count), CS_OK);
    EXPECT_EQ(count, 2);
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(other.send_patiently(text), CS_OK);
    }
    ASSERT_TRUE(other.see(101));

    const std::string gone = "; left 2/" + std::to_string(lazy) + "(5)";
    EXPECT_TRUE(eventually([&] {
        EXPECT_EQ(sender.dispatch(CS_DISPATCH_ALL), CS_OK);
        return has_seen(sender, gone);
    }));
    EXPECT_EQ(sender.send_patiently("goes on"), CS_OK);
    EXPECT_TRUE(eventually([&] {
        EXPECT_EQ(sender.dispatch(CS_DISPATCH_ALL), CS_OK);
        return sender.last().find("goes on") != std::string::npos;
    }));
    const std::string name = "client " + std::to_string(lazy);
    EXPECT_TRUE(daemons().logs(1, name + " of group 'group' takes its events too slowly")) << daemons().log(1);
    EXPECT_TRUE(daemons().logs(1, name + " is cut off: it does not take its events")) << daemons().log(1);
}

TEST_F(slow_clients, are_waited_for_where_the_policy_says_so) {
    start("slow_policy: block\nslow_timeout: 100\n");
    cpg_client sender;
    join(sender, 0, "group");
    cpg_client lazy;
    join(lazy, 1, "group");
    const std::string text(50'000, 'x');
    std::size_t sent = send_until_paused(sender, text);
    std::this_thread::sleep_for(std::chrono::milliseconds(1'000));
    EXPECT_EQ(sender.send(text), CS_ERR_TRY_AGAIN) << "it still waits";
    // What was accepted comes, all of it, and then there is room again.
    ASSERT_TRUE(lazy.see(1 + sent));
    EXPECT_TRUE(eventually([&] {
        const bool accepted = sender.send(text) == CS_OK;
        sent += accepted ? 1 : 0;
        return accepted;
    }));
    EXPECT_TRUE(lazy.see(1 + sent));
    EXPECT_TRUE(sender.see(2 + sent));
    EXPECT_EQ(daemons().log(1).find("cut off"), std::string::npos);
}

TEST_F(slow_clients, may_leave_and_finalize_while_their_group_waits) {
    start("slow_policy: block\n");
    cpg_client sender;
    join(sender, 0, "group");
    static_cast<void>(sleeper(1, "group"));
    ASSERT_TRUE(sender.see(2));
    static_cast<void>(send_until_paused(sender, std::string(50'000, 'x')));
    ASSERT_EQ(sender.leave("group"), CS_OK);
    EXPECT_TRUE(eventually([&] {
        EXPECT_EQ(sender.dispatch(CS_DISPATCH_ALL), CS_OK);
        return has_seen(sender, "(2)");
    })) << "its own leave";
    EXPECT_EQ(sender.close(), CS_OK);
}

/// A thousand clients come, flood, and are killed in the middle of it.
TEST_F(slow_clients, leave_nothing_behind) {
    start("slow_timeout: 1000\n");
    cpg_client witness;
    join(witness, 0, "witness");
    const auto generation = [&](int clients) {
        std::vector<pid_t> children;
        for (int i = 0; i < clients; ++i) {
            children.push_back(::fork());
            if (children.back() == 0) {
                cpg_client own;
                if (own.open() == CS_OK && own.join("g" + std::to_string(i % 10)) == CS_OK) {
                    const std::string text(3'000, 'x');
                    while (true) {
                        if (own.send(text) != CS_OK) {
                            std::this_thread::sleep_for(std::chrono::milliseconds(5));
                        }
                    }
                }
                ::_exit(1);
            }
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        for (const pid_t child : children) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
    };
    const pid_t daemon = daemons().daemon(0).pid();
    const auto rest = [&] {
        EXPECT_TRUE(eventually([&] { return members_of_all_groups(witness) == 1; }));
        // It gives memory back when clients have been gone for a second.
        std::this_thread::sleep_for(std::chrono::seconds(3));
        return footprint_of(daemon);
    };
    for (int i = 0; i < 5; ++i) {
        generation(50);
    }
    const footprint before = rest();
    for (int i = 0; i < 20; ++i) {
        generation(50);
    }
    const footprint after = rest();
    EXPECT_EQ(after.descriptors, before.descriptors);
    EXPECT_LE(after.kilobytes, before.kilobytes + before.kilobytes / 10)
        << "from " << before.kilobytes << " to " << after.kilobytes << " KiB";
    std::cout << "own memory " << before.kilobytes << " KiB before, " << after.kilobytes << " KiB after\n";
    EXPECT_EQ(witness.send("alive"), CS_OK);
    EXPECT_TRUE(witness.see(2));
}

} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// Whom a daemon lets in, end to end: processes of other users and groups, and processes that know themselves by another
// number than the daemon does.
#include "tests/integration/cpg_client.hpp"
#include "tests/integration/daemon_fixture.hpp"

#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>

namespace coterie::tests {

namespace {

constexpr auto short_time = milliseconds(10'000);

/// Users and groups that no machine knows by name.
constexpr unsigned named_user = 60'001;
constexpr unsigned named_group = 60'002;
constexpr unsigned user_of_a_file = 60'003;
constexpr unsigned group_of_a_file = 60'004;
constexpr unsigned nobody_special = 60'009;

struct identity {
    unsigned user = nobody_special;
    unsigned group = nobody_special;
    std::vector<unsigned> others{};
};

struct outcome {
    int status = -1;
    std::string said;
};

class daemon_door : public daemon_test {
protected:
    void SetUp() override {
        COTERIE_NEEDS_ROOT();
        // Other users need a way to the program and its library, and to the socket.
        ASSERT_EQ(::chmod(path("").c_str(), 0755), 0);
        for (const std::string each : {"bin/coterie", "lib/libcpg.so.4"}) {
            const std::string copy = path(std::filesystem::path(each).filename());
            std::filesystem::copy_file(std::filesystem::canonical(built(each)), copy);
            ASSERT_EQ(::chmod(copy.c_str(), 0755), 0);
        }
        std::filesystem::create_directory(path("uidgid.d"));
        write_file(path("uidgid.d/more"), "uidgid {\nuid: " + std::to_string(user_of_a_file) +
                                              "\n}\nuidgid {\ngid: " + std::to_string(group_of_a_file) + "\n}\n");
        _daemon = start({.more = "uidgid {\nuid: " + std::to_string(named_user) +
                                 "\n}\nuidgid {\ngid: " + std::to_string(named_group) + "\n}\n"});
        ASSERT_TRUE(says("a", "view "));
        ASSERT_TRUE(eventually([&] { return std::filesystem::exists(socket("a")); }));
    }

    /// `coterie groups` as somebody else.
    outcome ask_as(const identity& who) {
        std::string others;
        for (const unsigned each : who.others) {
            others += (others.empty() ? "" : ",") + std::to_string(each);
        }
        const std::string name = "client" + std::to_string(++_clients);
        cli::child_process asking =
            run({.name = name, .environment = {{"LD_LIBRARY_PATH", path("")}, {"COTERIE_SOCKET", socket("a")}}},
                {"/usr/bin/setpriv", "--reuid=" + std::to_string(who.user), "--regid=" + std::to_string(who.group),
                 others.empty() ? "--clear-groups" : "--groups=" + others, path("coterie"), "groups"});
        const auto status = asking.wait(short_time);
        return {.status = status.value_or(-1), .said = log(name)};
    }

    testing::AssertionResult lets_in(const identity& who) {
        const outcome answer = ask_as(who);
        return answer.status == 0 && answer.said == "There are no groups.\n"
                   ? testing::AssertionSuccess()
                   : testing::AssertionFailure() << "status " << answer.status << ": " << answer.said << log("a");
    }

    testing::AssertionResult turns_away(const identity& who) {
        const outcome answer = ask_as(who);
        // What the command says when the outcome was CS_ERR_ACCESS, and then alone.
        const std::string refusal = std::to_string(who.user) + " may not use the daemon at " + socket("a");
        return answer.status == 1 && answer.said.find(refusal) != std::string::npos
                   ? testing::AssertionSuccess()
                   : testing::AssertionFailure() << "status " << answer.status << ": " << answer.said;
    }

private:
    cli::child_process _daemon;
    int _clients = 0;
};

} // namespace

TEST_F(daemon_door, lets_in_whom_the_configuration_names) {
    EXPECT_TRUE(lets_in({.user = 0, .group = 0}));
    EXPECT_TRUE(lets_in({.user = named_user}));
    EXPECT_TRUE(lets_in({.group = named_group}));
    EXPECT_TRUE(lets_in({.others = {named_group}}));
    EXPECT_TRUE(lets_in({.others = {nobody_special, named_group, nobody_special + 1}}));
}

TEST_F(daemon_door, lets_in_whom_a_file_of_uidgid_d_names) {
    EXPECT_TRUE(lets_in({.user = user_of_a_file}));
    EXPECT_TRUE(lets_in({.group = group_of_a_file}));
    EXPECT_TRUE(lets_in({.others = {group_of_a_file}}));
}

TEST_F(daemon_door, turns_all_others_away) {
    EXPECT_TRUE(turns_away({}));
    EXPECT_TRUE(turns_away({.others = {nobody_special + 1, nobody_special + 2}}));
    EXPECT_TRUE(turns_away({.user = named_group})) << "a number of a group is no user's";
    EXPECT_TRUE(turns_away({.group = named_user, .others = {user_of_a_file}})) << "nor the other way round";
    EXPECT_TRUE(turns_away({.group = 0})) << "root's group is not root";
}

TEST_F(daemon_door, knows_a_process_by_the_number_that_it_has_for_itself) {
    const std::vector<std::string> apart{"/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount-proc"};
    std::vector<std::string> command = apart;
    command.emplace_back("/bin/true");
    if (run({.name = "trial"}, command).wait(short_time) != 0) {
        GTEST_SKIP() << "SKIPPED: there can be no process namespaces here: " << log("trial");
    }
    ::setenv("COTERIE_SOCKET", socket("a").c_str(), 1);
    cpg_client witness;
    ASSERT_EQ(witness.open(), CS_OK);
    ASSERT_EQ(witness.join("group"), CS_OK);
    ASSERT_TRUE(witness.see(1));

    // The first process of its namespace.
    command = apart;
    command.insert(command.end(), {path("coterie"), "cat", "group"});
    auto apart_client = cli::child_process::start({.command = command,
                                                   .environment = {{"LD_LIBRARY_PATH", path("")}},
                                                   .output_file = path("apart.said"),
                                                   .piped = true});
    ASSERT_TRUE(apart_client) << apart_client.error();
    ASSERT_TRUE(witness.see(2)) << log("apart");
    EXPECT_EQ(witness.last(), "group: members 1/1 " + self() + "; joined 1/1(1)");
    apart_client->kill();
    ASSERT_TRUE(witness.see(3));
    EXPECT_EQ(witness.last(), "group: members " + self() + "; left 1/1(5)");
}

} // namespace coterie::tests

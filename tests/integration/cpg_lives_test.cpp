// SPDX-License-Identifier: BSD-3-Clause
// The C API when clients are slow or many-threaded and when either side ends: nobody waits for ever, and everyone is told.
#include "tests/integration/cpg_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>

namespace coterie::tests {

using cpg_lives = cpg_api;

TEST_F(cpg_lives, flow_control_tells_the_truth) {
    cpg_client client;
    join(client, "group");
    cpg_flow_control_state_t state = CPG_FLOW_CONTROL_ENABLED;
    ASSERT_EQ(cpg_flow_control_state_get(client.handle, &state), CS_OK);
    EXPECT_EQ(state, CPG_FLOW_CONTROL_DISABLED);

    // A daemon that does not run takes nothing: the client is told so at once, without waiting.
    daemons().daemon(0).send_signal(SIGSTOP);
    std::size_t accepted = 0;
    while (client.send("m") == CS_OK) {
        ASSERT_LT(++accepted, 1'000'000U);
    }
    EXPECT_EQ(client.send("m"), CS_ERR_TRY_AGAIN);
    ASSERT_EQ(cpg_flow_control_state_get(client.handle, &state), CS_OK);
    EXPECT_EQ(state, CPG_FLOW_CONTROL_ENABLED);

    daemons().daemon(0).send_signal(SIGCONT);
    ASSERT_TRUE(client.see(1 + accepted)) << "what was accepted is delivered";
    EXPECT_TRUE(eventually([&] {
        return cpg_flow_control_state_get(client.handle, &state) == CS_OK && state == CPG_FLOW_CONTROL_DISABLED;
    }));
}

TEST_F(cpg_lives, a_process_that_dies_is_told_to_the_others) {
    cpg_client survivor;
    join(survivor, "group");
    const pid_t child = ::fork();
    if (child == 0) {
        cpg_client other;
        ::_exit(other.open() == CS_OK && other.join("group") == CS_OK && other.see(1) &&
                        other.send("last words") == CS_OK
                    ? 0
                    : 1);
    }
    ASSERT_TRUE(survivor.see(4));
    const std::string other = "1/" + std::to_string(child);
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(survivor.seen()[2], "group: 'last words' of " + other);
    EXPECT_EQ(survivor.seen()[3], "group: members " + self() + "; left " + other + "(5)");
}

TEST_F(cpg_lives, a_handle_that_is_finalized_without_leaving_counts_as_gone) {
    cpg_client survivor;
    join(survivor, "group");
    ASSERT_EQ(in_child([] {
                  cpg_client other;
                  const bool good = other.open() == CS_OK && other.join("group") == CS_OK && other.see(1) &&
                                    other.send("sent before") == CS_OK && other.close() == CS_OK;
                  return good ? 0 : 1;
              }),
              0);
    ASSERT_TRUE(survivor.see(4));
    EXPECT_TRUE(survivor.seen()[2].starts_with("group: 'sent before'"));
    EXPECT_TRUE(survivor.seen()[3].ends_with("(5)"));
}

TEST_F(cpg_lives, a_dead_daemon_is_noticed_everywhere) {
    cpg_client client;
    join(client, "group");
    std::atomic<cs_error_t> outcome{CS_OK};
    std::thread waiting([&] { outcome = client.dispatch(CS_DISPATCH_BLOCKING); });
    daemons().kill(0);
    waiting.join();
    EXPECT_EQ(outcome, CS_ERR_LIBRARY);
    EXPECT_TRUE(client.readable());
    EXPECT_EQ(client.send("x"), CS_ERR_LIBRARY);
    EXPECT_EQ(client.leave("group"), CS_ERR_LIBRARY);
    cpg_name name = name_of("group");
    cpg_address members[CPG_MEMBERS_MAX];
    int count = 0;
    EXPECT_EQ(cpg_membership_get(client.handle, &name, members, &count), CS_ERR_LIBRARY);
    EXPECT_EQ(client.close(), CS_ERR_LIBRARY);
    EXPECT_EQ(cpg_finalize(client.handle), CS_ERR_BAD_HANDLE);
    daemons().start(0);
    cpg_client again;
    join(again, "group");
}

TEST_F(cpg_lives, a_callback_may_finalize_its_own_handle) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    client.within_callback = [&] { EXPECT_EQ(client.close(), CS_OK); };
    ASSERT_EQ(client.join("group"), CS_OK);
    EXPECT_EQ(client.dispatch(CS_DISPATCH_ONE), CS_ERR_BAD_HANDLE);
}

TEST_F(cpg_lives, callbacks_may_call_anything) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    int calls = 0;
    client.within_callback = [&] {
        if (++calls == 1) {
            EXPECT_EQ(client.send("from within"), CS_OK);
        } else if (calls == 2) {
            EXPECT_EQ(client.leave("group"), CS_OK);
        } else if (calls == 3) {
            EXPECT_EQ(client.join("next"), CS_OK);
        }
    };
    ASSERT_EQ(client.join("group"), CS_OK);
    ASSERT_TRUE(client.see(4));
    EXPECT_EQ(client.last(), "next: members " + self() + "; joined " + self() + "(1)");
}

TEST_F(cpg_lives, threads_may_share_a_handle) {
    cpg_client client;
    join(client, "group");
    constexpr std::size_t each = 2'000;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            for (std::size_t n = 0; n < each; ++n) {
                EXPECT_EQ(client.send_patiently(std::to_string(i)), CS_OK);
                if (n % 100 == 0) {
                    cpg_name name = name_of("group");
                    cpg_address members[CPG_MEMBERS_MAX];
                    int count = 0;
                    EXPECT_EQ(cpg_membership_get(client.handle, &name, members, &count), CS_OK);
                    EXPECT_EQ(count, 1);
                }
            }
        });
    }
    EXPECT_TRUE(client.see(1 + 4 * each));
    for (std::thread& thread : threads) {
        thread.join();
    }
}

TEST_F(cpg_lives, a_callback_may_send_before_the_join_has_returned_elsewhere) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    std::atomic<int> refused = 0;
    client.within_callback = [&] {
        const std::string last = client.last();
        if (last.find("; joined ") != std::string::npos && client.send("at once") != CS_OK) {
            ++refused;
        }
    };
    std::thread dispatching([&] { EXPECT_EQ(client.dispatch(CS_DISPATCH_BLOCKING), CS_ERR_BAD_HANDLE); });
    for (int i = 0; i < 200; ++i) {
        cs_error_t joined = CS_ERR_TRY_AGAIN;
        ASSERT_TRUE(eventually([&] { return (joined = client.join("group")) != CS_ERR_TRY_AGAIN; }));
        ASSERT_EQ(joined, CS_OK);
        ASSERT_TRUE(eventually([&] {
            const auto seen = client.seen();
            return std::count(seen.begin(), seen.end(), "group: 'at once' of " + self()) == i + 1;
        })) << i;
        ASSERT_EQ(client.leave("group"), CS_OK);
    }
    EXPECT_EQ(refused, 0);
    ASSERT_TRUE(eventually([&] { return client.last() == "group: members; left " + self() + "(2)"; }));
    EXPECT_EQ(client.close(), CS_OK);
    dispatching.join();
}

} // namespace coterie::tests

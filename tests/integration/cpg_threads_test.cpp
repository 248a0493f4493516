// SPDX-License-Identifier: BSD-3-Clause
// The C API among threads and within callbacks: who may call what while others wait, what finalize ends, and what a
// waiting call costs.
#include "tests/integration/cpg_fixture.hpp"

#include <atomic>
#include <csignal>
#include <ctime>
#include <pthread.h>
#include <thread>

namespace coterie::tests {

using cpg_threads = cpg_api;

namespace {

constexpr auto a_while = milliseconds(100);

std::int64_t processor_time_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1'000 + now.tv_nsec / 1'000'000;
}

/// Runs `what` in a thread whose stack has this size.
void run_on_small_stack(std::size_t bytes, std::function<void()> what) {
    pthread_attr_t wish;
    ASSERT_EQ(::pthread_attr_init(&wish), 0);
    ASSERT_EQ(::pthread_attr_setstacksize(&wish, bytes), 0);
    pthread_t thread{};
    const auto run = [](void* function) -> void* {
        (*static_cast<std::function<void()>*>(function))();
        return nullptr;
    };
    ASSERT_EQ(::pthread_create(&thread, &wish, run, &what), 0);
    ASSERT_EQ(::pthread_join(thread, nullptr), 0);
    ::pthread_attr_destroy(&wish);
}

/// Waits for events in a thread of its own.
class dispatching {
public:
    dispatching(cpg_client& client, cs_dispatch_flags_t flags)
        : _thread([this, &client, flags] { _outcome = client.dispatch(flags); }) {
        std::this_thread::sleep_for(a_while);
    }
    cs_error_t outcome() {
        _thread.join();
        return _outcome;
    }
    pthread_t thread() { return _thread.native_handle(); }

private:
    std::atomic<cs_error_t> _outcome{CS_OK};
    std::thread _thread;
};

} // namespace

TEST_F(cpg_threads, every_call_returns_while_another_thread_waits_for_events) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    dispatching other(client, CS_DISPATCH_BLOCKING);
    cpg_name group = name_of("group");
    cpg_address members[CPG_MEMBERS_MAX];
    cpg_flow_control_state_t state{};
    cpg_iteration_handle_t iteration = 0;
    cpg_iteration_description_t row{};
    std::uint32_t size = 0;
    unsigned node = 0;
    int number = 0;
    void* pointer = nullptr;
    EXPECT_EQ(cpg_join(client.handle, &group), CS_OK);
    EXPECT_EQ(cpg_fd_get(client.handle, &number), CS_OK);
    EXPECT_EQ(cpg_max_atomic_msgsize_get(client.handle, &size), CS_OK);
    EXPECT_EQ(cpg_context_get(client.handle, &pointer), CS_OK);
    EXPECT_EQ(cpg_context_set(client.handle, pointer), CS_OK);
    EXPECT_EQ(client.send("one"), CS_OK);
    EXPECT_EQ(cpg_membership_get(client.handle, &group, members, &number), CS_OK);
    EXPECT_EQ(cpg_local_get(client.handle, &node), CS_OK);
    EXPECT_EQ(cpg_flow_control_state_get(client.handle, &state), CS_OK);
    EXPECT_EQ(cpg_zcb_alloc(client.handle, 3, &pointer), CS_OK);
    EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, pointer, 3), CS_OK);
    EXPECT_EQ(cpg_zcb_free(client.handle, pointer), CS_OK);
    EXPECT_EQ(cpg_iteration_initialize(client.handle, CPG_ITERATION_ALL, nullptr, &iteration), CS_OK);
    EXPECT_NE(cpg_iteration_next(iteration, &row), CS_ERR_BAD_HANDLE);
    EXPECT_EQ(cpg_iteration_finalize(iteration), CS_OK);
    EXPECT_NE(client.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_LIBRARY);
    EXPECT_EQ(client.dispatch(CS_DISPATCH_ALL), CS_OK);
    EXPECT_EQ(cpg_leave(client.handle, &group), CS_OK);
    EXPECT_TRUE(eventually([&] { return client.seen().size() == 4; })) << "join, two messages, leave";
    EXPECT_EQ(client.close(), CS_OK);
    EXPECT_EQ(other.outcome(), CS_ERR_BAD_HANDLE);
}

TEST_F(cpg_threads, finalize_ends_a_dispatch_that_waits) {
    for (const auto flags : {CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE}) {
        cpg_client client;
        join(client, "group");
        dispatching other(client, flags);
        EXPECT_EQ(client.close(), CS_OK);
        EXPECT_EQ(other.outcome(), CS_ERR_BAD_HANDLE);
    }
}

TEST_F(cpg_threads, finalize_ends_several_that_wait) {
    cpg_client client;
    join(client, "group");
    dispatching one(client, CS_DISPATCH_BLOCKING);
    dispatching two(client, CS_DISPATCH_BLOCKING);
    dispatching three(client, CS_DISPATCH_ONE);
    EXPECT_EQ(client.close(), CS_OK);
    EXPECT_EQ(one.outcome(), CS_ERR_BAD_HANDLE);
    EXPECT_EQ(two.outcome(), CS_ERR_BAD_HANDLE);
    EXPECT_EQ(three.outcome(), CS_ERR_BAD_HANDLE);
}

TEST_F(cpg_threads, finalize_from_within_a_callback_ends_every_kind_of_dispatch) {
    for (const auto flags : {CS_DISPATCH_ONE, CS_DISPATCH_ALL, CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE_NONBLOCKING}) {
        cpg_client client;
        ASSERT_EQ(client.open(), CS_OK);
        client.within_callback = [&] { EXPECT_EQ(client.close(), CS_OK); };
        ASSERT_EQ(client.join("group"), CS_OK);
        ASSERT_TRUE(eventually([&] { return client.readable(); }));
        EXPECT_EQ(client.dispatch(flags), CS_ERR_BAD_HANDLE) << flags;
        EXPECT_EQ(client.seen().size(), 1U);
    }
}

TEST_F(cpg_threads, the_death_of_the_daemon_ends_a_dispatch_that_waits) {
    cpg_client one;
    cpg_client two;
    join(one, "group");
    join(two, "other");
    dispatching blocking(one, CS_DISPATCH_BLOCKING);
    dispatching single(two, CS_DISPATCH_ONE);
    daemons().kill(0);
    EXPECT_EQ(blocking.outcome(), CS_ERR_LIBRARY);
    EXPECT_EQ(single.outcome(), CS_ERR_LIBRARY);
}

TEST_F(cpg_threads, finalize_while_others_send_harms_nobody) {
    for (int round = 0; round < 20; ++round) {
        cpg_client client;
        join(client, "group" + std::to_string(round));
        std::vector<std::thread> threads;
        for (int i = 0; i < 3; ++i) {
            threads.emplace_back([&] {
                cs_error_t outcome = CS_OK;
                while (outcome == CS_OK || outcome == CS_ERR_TRY_AGAIN) {
                    outcome = client.send("message");
                }
                EXPECT_EQ(outcome, CS_ERR_BAD_HANDLE);
            });
        }
        threads.emplace_back([&] { EXPECT_EQ(client.dispatch(CS_DISPATCH_BLOCKING), CS_ERR_BAD_HANDLE); });
        threads.emplace_back([&] {
            cs_error_t outcome = CS_OK;
            cpg_name group = name_of("group");
            while (outcome == CS_OK) {
                cpg_address members[CPG_MEMBERS_MAX];
                int count = 0;
                outcome = cpg_membership_get(client.handle, &group, members, &count);
            }
            EXPECT_EQ(outcome, CS_ERR_BAD_HANDLE);
        });
        std::this_thread::sleep_for(milliseconds(5));
        EXPECT_EQ(client.close(), CS_OK);
        for (std::thread& each : threads) {
            each.join();
        }
    }
}

TEST_F(cpg_threads, callbacks_may_dispatch) {
    cpg_client client;
    join(client, "group");
    int depth = 0;
    int deepest = 0;
    client.within_callback = [&] {
        deepest = std::max(deepest, ++depth);
        EXPECT_NE(client.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_LIBRARY);
        --depth;
    };
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(client.send("message"), CS_OK);
    }
    ASSERT_TRUE(client.see(6));
    EXPECT_EQ(client.seen().size(), 6U);
    EXPECT_GE(deepest, 1);
}

TEST_F(cpg_threads, a_leave_goes_behind_the_join_of_another_thread) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    for (int i = 0; i < 100; ++i) {
        std::thread other([&] {
            cs_error_t outcome = CS_ERR_NOT_EXIST;
            EXPECT_TRUE(eventually([&] { return (outcome = client.leave("group")) == CS_OK; })) << outcome;
        });
        cs_error_t outcome = CS_ERR_TRY_AGAIN;
        EXPECT_TRUE(eventually([&] { return (outcome = client.join("group")) != CS_ERR_TRY_AGAIN; }));
        EXPECT_EQ(outcome, CS_OK);
        other.join();
    }
    EXPECT_TRUE(client.see(200)) << "each join and each leave was told";
}

TEST_F(cpg_threads, a_thread_with_a_small_stack_is_enough) {
    cpg_client client;
    join(client, "group");
    ASSERT_EQ(client.send(std::string(1'000'000, 'x')), CS_OK);
    run_on_small_stack(65'536, [&] {
        EXPECT_EQ(client.dispatch(CS_DISPATCH_ONE), CS_OK);
        const std::string large(2'000'000, 'y');
        EXPECT_EQ(client.send(large), CS_OK);
        EXPECT_EQ(client.dispatch(CS_DISPATCH_ONE), CS_OK);
        std::vector<iovec> parts(3'000, iovec{const_cast<char*>(large.data()), 10});
        EXPECT_EQ(cpg_mcast_joined(client.handle, CPG_TYPE_AGREED, parts.data(), 3'000), CS_OK);
        EXPECT_EQ(client.dispatch(CS_DISPATCH_ONE), CS_OK);
        EXPECT_EQ(client.leave("group"), CS_OK);
        EXPECT_EQ(client.dispatch(CS_DISPATCH_ONE), CS_OK);
    });
    const auto seen = client.seen();
    ASSERT_EQ(seen.size(), 5U);
    EXPECT_EQ(seen[1], "group: 1000000 bytes of " + self());
    EXPECT_EQ(seen[2], "group: 2000000 bytes of " + self());
    EXPECT_EQ(seen[3], "group: 30000 bytes of " + self());
}

TEST_F(cpg_threads, waiting_costs_no_processor_time) {
    cpg_client client;
    join(client, "group");
    dispatching blocking(client, CS_DISPATCH_BLOCKING);
    const std::int64_t before = processor_time_ms();
    std::this_thread::sleep_for(milliseconds(500));
    EXPECT_LT(processor_time_ms() - before, 50);
    // Nor does a call that the daemon is slow to answer.
    daemons().daemon(0).send_signal(SIGSTOP);
    std::thread asking([&] { EXPECT_EQ(client.leave("group"), CS_OK); });
    const std::int64_t halted = processor_time_ms();
    std::this_thread::sleep_for(milliseconds(500));
    EXPECT_LT(processor_time_ms() - halted, 50);
    daemons().daemon(0).send_signal(SIGCONT);
    asking.join();
    EXPECT_EQ(client.close(), CS_OK);
    EXPECT_EQ(blocking.outcome(), CS_ERR_BAD_HANDLE);
}

TEST_F(cpg_threads, a_thread_that_waits_for_events_may_be_cancelled) {
    cpg_client client;
    join(client, "group");
    std::thread waiting([&] { static_cast<void>(client.dispatch(CS_DISPATCH_BLOCKING)); });
    std::this_thread::sleep_for(a_while);
    ASSERT_EQ(::pthread_cancel(waiting.native_handle()), 0);
    waiting.join();
    EXPECT_EQ(client.send("go on"), CS_OK);
    EXPECT_EQ(client.dispatch(CS_DISPATCH_ONE), CS_OK);
    EXPECT_EQ(client.last(), "group: 'go on' of " + self());
    // Other calls are carried out whole, and the thread ends behind them.
    daemons().daemon(0).send_signal(SIGSTOP);
    std::atomic<cs_error_t> outcome{CS_ERR_TRY_AGAIN};
    std::thread leaving([&] {
        outcome = client.leave("group");
        ::pthread_testcancel();
        outcome = CS_ERR_LIBRARY;
    });
    std::this_thread::sleep_for(a_while);
    ASSERT_EQ(::pthread_cancel(leaving.native_handle()), 0);
    daemons().daemon(0).send_signal(SIGCONT);
    leaving.join();
    EXPECT_EQ(outcome, CS_OK);
}

TEST_F(cpg_threads, a_signal_does_not_end_a_dispatch) {
    struct sigaction handling{};
    struct sigaction former{};
    static std::atomic<int> signals;
    signals = 0;
    handling.sa_handler = [](int) { ++signals; }; // without SA_RESTART
    ASSERT_EQ(::sigaction(SIGUSR2, &handling, &former), 0);
    cpg_client client;
    join(client, "group");
    dispatching blocking(client, CS_DISPATCH_BLOCKING);
    for (int i = 1; i <= 10; ++i) {
        ASSERT_EQ(::pthread_kill(blocking.thread(), SIGUSR2), 0);
        ASSERT_TRUE(eventually([&] { return signals == i; }));
    }
    EXPECT_EQ(client.send("after the signals"), CS_OK);
    EXPECT_TRUE(eventually([&] { return client.seen().size() == 2; }));
    EXPECT_EQ(client.close(), CS_OK);
    EXPECT_EQ(blocking.outcome(), CS_ERR_BAD_HANDLE);
    ::sigaction(SIGUSR2, &former, nullptr);
}

TEST_F(cpg_threads, a_send_from_a_buffer_that_waits_keeps_nobody_else_waiting) {
    cpg_client client;
    join(client, "group");
    void* buffer = nullptr;
    ASSERT_EQ(cpg_zcb_alloc(client.handle, 3, &buffer), CS_OK);
    daemons().daemon(0).send_signal(SIGSTOP);
    std::atomic<bool> returned = false;
    std::thread waiting([&] {
        EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, buffer, 3), CS_OK);
        returned = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(client.send("not behind the other"), CS_OK);
    EXPECT_FALSE(returned);
    daemons().daemon(0).send_signal(SIGCONT);
    waiting.join();
    EXPECT_TRUE(client.see(3));
}

/// The first buffer was asked for under the lock on the buffers, and a send looked for its buffer under the lock on
/// questions: each could wait for the other for ever.
TEST_F(cpg_threads, the_first_buffer_is_had_while_others_send_from_what_is_none) {
    cpg_client client;
    join(client, "group");
    daemons().daemon(0).send_signal(SIGSTOP);
    std::vector<std::thread> threads;
    // All others queue behind this one.
    threads.emplace_back([&] {
        cpg_name name{.length = 5, .value = "group"};
        cpg_address members[CPG_MEMBERS_MAX];
        int count = 0;
        EXPECT_EQ(cpg_membership_get(client.handle, &name, members, &count), CS_OK);
        EXPECT_EQ(count, 1);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    threads.emplace_back([&] {
        void* buffer = nullptr;
        EXPECT_EQ(cpg_zcb_alloc(client.handle, 3, &buffer), CS_OK);
        EXPECT_EQ(cpg_zcb_free(client.handle, buffer), CS_OK);
    });
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            char none = 'n';
            EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, &none, 1), CS_ERR_INVALID_PARAM);
        });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    daemons().daemon(0).send_signal(SIGCONT);
    for (std::thread& each : threads) {
        each.join();
    }
}

} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// What is accepted while the order stands still: a second daemon is halted for less than the time that ends a view, so that nothing that is asked for can happen
// yet, and calls have to say and keep what they promise.
#include "tests/integration/cluster.hpp"
#include "tests/integration/cpg_client.hpp"

#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>

namespace coterie::tests {

namespace {

class cpg_order : public testing::Test {
protected:
    void SetUp() override {
        ::setenv("COTERIE_SOCKET", _cluster.socket(0).c_str(), 1);
        ASSERT_NO_FATAL_FAILURE(_cluster.start(0));
        ASSERT_NO_FATAL_FAILURE(_cluster.start(1));
        ASSERT_EQ(_watcher.open({.ring_views = true, .initial_ring_view = true}), CS_OK);
        ASSERT_EQ(_client.open(), CS_OK);
        ::setenv("COTERIE_SOCKET", _cluster.socket(1).c_str(), 1);
        ASSERT_EQ(_distant.open(), CS_OK);
        ::setenv("COTERIE_SOCKET", _cluster.socket(0).c_str(), 1);
        ASSERT_EQ(_watcher.join("watchers"), CS_OK);
        ASSERT_TRUE(eventually([&] {
            static_cast<void>(_watcher.dispatch(CS_DISPATCH_ALL));
            return _watcher.last() == "ring: nodes 1 2";
        }));
        ASSERT_EQ(_distant.join("distant"), CS_OK);
        ASSERT_TRUE(_distant.see(1));
    }
    void TearDown() override { go_on(); }

    /// Halts the second daemon at a moment when it has the token: the first can order nothing any more.
    void halt() {
        for (int tries = 0; tries < 50; ++tries) {
            const std::size_t distant = _distant.seen().size();
            ASSERT_EQ(_distant.send("fetches the token"), CS_OK);
            ASSERT_TRUE(_distant.see(distant + 1));
            _cluster.daemon(1).send_signal(SIGSTOP);
            const std::size_t seen = _watcher.seen().size();
            ASSERT_EQ(_watcher.send("does this pass?"), CS_OK);
            const auto passes = [&] {
                static_cast<void>(_watcher.dispatch(CS_DISPATCH_ALL));
                return _watcher.seen().size() > seen;
            };
            if (!eventually(passes, milliseconds(100))) {
                return;
            }
            go_on();
        }
        FAIL() << "the order never stood still";
    }
    void go_on() { _cluster.daemon(1).send_signal(SIGCONT); }
    cpg_client& client() { return _client; }

    /// The events of the client so far, when there are `count` of them.
    std::vector<std::string> told(std::size_t count) {
        EXPECT_TRUE(_client.see(count));
        return _client.seen();
    }

private:
    cluster _cluster{{.places = loopback_places(2), .traced = false, .more = "totem {\n  token: 30000\n}\n"}};
    cpg_client _watcher;
    cpg_client _distant;
    cpg_client _client;
};

} // namespace

TEST_F(cpg_order, sends_after_a_join_has_returned_come_behind_it) {
    ASSERT_NO_FATAL_FAILURE(halt());
    ASSERT_EQ(client().join("group"), CS_OK);
    ASSERT_EQ(client().send("early"), CS_OK);
    EXPECT_EQ(client().dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN) << "nothing is ordered yet";
    go_on();
    EXPECT_EQ(told(2), (std::vector<std::string>{"group: members " + self() + "; joined " + self() + "(1)",
                                                 "group: 'early' of " + self()}));
}

TEST_F(cpg_order, a_leave_may_follow_a_join_that_is_not_done) {
    ASSERT_NO_FATAL_FAILURE(halt());
    ASSERT_EQ(client().join("group"), CS_OK);
    ASSERT_EQ(client().send("in between"), CS_OK);
    ASSERT_EQ(client().leave("group"), CS_OK);
    EXPECT_EQ(client().send("late"), CS_ERR_NOT_EXIST);
    go_on();
    EXPECT_EQ(told(3),
              (std::vector<std::string>{"group: members " + self() + "; joined " + self() + "(1)",
                                        "group: 'in between' of " + self(), "group: members; left " + self() + "(2)"}));
}

TEST_F(cpg_order, a_join_while_a_leave_is_not_done_is_put_off) {
    ASSERT_EQ(client().join("group"), CS_OK);
    ASSERT_EQ(told(1).size(), 1U);
    ASSERT_NO_FATAL_FAILURE(halt());
    ASSERT_EQ(client().leave("group"), CS_OK);
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(client().join("group"), CS_ERR_TRY_AGAIN);
    EXPECT_EQ(client().join("other"), CS_ERR_TRY_AGAIN) << "the handle is still leaving";
    cpg_client second;
    ASSERT_EQ(second.open(), CS_OK);
    EXPECT_EQ(second.join("group"), CS_ERR_TRY_AGAIN) << "and so is the process";
    EXPECT_EQ(second.join("other"), CS_OK);
    EXPECT_LT(std::chrono::steady_clock::now() - before, milliseconds(1'000)) << "none of this waits or spins";
    go_on();
    ASSERT_EQ(told(2).back(), "group: members; left " + self() + "(2)");
    EXPECT_EQ(client().join("group"), CS_OK);
    EXPECT_EQ(told(3).back(), "group: members " + self() + "; joined " + self() + "(1)");
}

} // namespace coterie::tests

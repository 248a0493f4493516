// SPDX-License-Identifier: BSD-3-Clause
// Three daemons on loopback addresses, without root: a daemon is killed and restarted under a flood. Once as fast as it
// goes, with the orders compared, and once traced, with everything judged by the guarantees.
#include "tests/integration/cpg_client.hpp"
#include "tests/integration/three_nodes.hpp"

#include <coterie/pauses.h>
#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>

namespace coterie::tests {

TEST(three_daemons, agree_through_a_kill_and_restart_under_a_flood) {
    cluster nodes({.places = loopback_places(3), .traced = false, .more = {}});
    play(nodes, {});
}

TEST(three_daemons, keep_every_guarantee_through_a_kill_and_restart) {
    cluster nodes({.places = loopback_places(3), .traced = true, .more = {}});
    play(nodes, {.rate = 3'000,
                 .before_kill = milliseconds(800),
                 .apart = milliseconds(600),
                 .after_return = milliseconds(800),
                 .judged = true});
}

TEST(three_daemons, one_that_leaves_in_order_is_told_at_once) {
    cluster nodes({.places = loopback_places(3), .traced = false, .more = {}});
    for (std::size_t place = 0; place < 3; ++place) {
        ASSERT_NO_FATAL_FAILURE(nodes.start(place));
    }
    ::setenv("COTERIE_SOCKET", nodes.socket(0).c_str(), 1);
    cpg_client observer;
    ASSERT_EQ(observer.open({.ring_views = true, .initial_ring_view = true}), CS_OK);
    ASSERT_EQ(observer.join("group"), CS_OK);
    ASSERT_TRUE(eventually(
        [&] { return observer.dispatch(CS_DISPATCH_ALL) == CS_OK && observer.last() == "ring: nodes 1 2 3"; }));
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(nodes.terminate(2), 0);
    ASSERT_TRUE(eventually(
        [&] { return observer.dispatch(CS_DISPATCH_ALL) == CS_OK && observer.last() == "ring: nodes 1 2"; }));
    EXPECT_LT(std::chrono::steady_clock::now() - before, milliseconds(2'000));
}

TEST(three_daemons, one_that_did_not_run_tells_its_clients_before_they_see_what_followed) {
    cluster nodes({.places = loopback_places(3), .traced = false, .more = {}});
    for (std::size_t place = 0; place < 3; ++place) {
        ASSERT_NO_FATAL_FAILURE(nodes.start(place));
    }
    ::setenv("COTERIE_SOCKET", nodes.socket(2).c_str(), 1);
    cpg_client observer;
    ASSERT_EQ(observer.open({.ring_views = true, .initial_ring_view = true}), CS_OK);
    ASSERT_EQ(observer.join("group"), CS_OK);
    ASSERT_TRUE(eventually(
        [&] { return observer.dispatch(CS_DISPATCH_ALL) == CS_OK && observer.last() == "ring: nodes 1 2 3"; }));
    coterie_pauses before{};
    ASSERT_EQ(coterie_pauses_get(observer.handle, &before), CS_OK);
    EXPECT_EQ(before.last_ns == 0, before.count == 0);

    nodes.daemon(2).send_signal(SIGSTOP);
    std::this_thread::sleep_for(milliseconds(2'000));
    const std::size_t seen = observer.seen().size();
    nodes.daemon(2).send_signal(SIGCONT);
    // Whatever it is told of comes after the pause is known.
    ASSERT_TRUE(
        eventually([&] { return observer.dispatch(CS_DISPATCH_ALL) == CS_OK && observer.seen().size() > seen; }));
    coterie_pauses after{};
    ASSERT_EQ(coterie_pauses_get(observer.handle, &after), CS_OK);
    EXPECT_GT(after.count, before.count);
    EXPECT_GE(after.last_ns, 1'000'000'000U);
    EXPECT_LT(after.passed_ns, 10'000'000'000U);
    // And it is back.
    EXPECT_TRUE(eventually(
        [&] { return observer.dispatch(CS_DISPATCH_ALL) == CS_OK && observer.last() == "ring: nodes 1 2 3"; }));
    EXPECT_TRUE(nodes.logs(2, "this node did not run for "));
}

} // namespace coterie::tests

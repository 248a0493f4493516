// SPDX-License-Identifier: BSD-3-Clause
// The C API against a daemon of one node: what each call does and what it answers to wrong use.
#include "tests/integration/cpg_fixture.hpp"

#include <algorithm>
#include <cerrno>
#include <corosync/cpg.h>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <poll.h>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace coterie::tests {

TEST_F(cpg_api, works_without_callbacks) {
    cpg_handle_t handle = 0;
    ASSERT_EQ(cpg_initialize(&handle, nullptr), CS_OK);
    const cpg_name group = name_of("quiet");
    ASSERT_EQ(cpg_join(handle, &group), CS_OK);
    EXPECT_EQ(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK) << "an event that nobody wants is taken in silence";
    EXPECT_EQ(cpg_finalize(handle), CS_OK);
}

TEST_F(cpg_api, the_descriptor_is_a_socket_whose_peer_is_the_daemon) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    int descriptor = -1;
    ASSERT_EQ(cpg_fd_get(client.handle, &descriptor), CS_OK);
    ucred peer{};
    socklen_t size = sizeof(peer);
    ASSERT_EQ(::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
    EXPECT_EQ(peer.pid, daemons().daemon(0).pid());
    EXPECT_EQ(peer.uid, ::geteuid());
}

TEST_F(cpg_api, knows_its_node_and_keeps_a_context) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    unsigned node = 0;
    EXPECT_EQ(cpg_local_get(client.handle, &node), CS_OK);
    EXPECT_EQ(node, 1U);
    void* context = nullptr;
    EXPECT_EQ(cpg_context_get(client.handle, &context), CS_OK);
    EXPECT_EQ(context, &client) << "as it was given to cpg_model_initialize";
    EXPECT_EQ(cpg_context_set(client.handle, &node), CS_OK);
    EXPECT_EQ(cpg_context_get(client.handle, &context), CS_OK);
    EXPECT_EQ(context, &node);
    std::uint32_t size = 0;
    EXPECT_EQ(cpg_max_atomic_msgsize_get(client.handle, &size), CS_OK);
    EXPECT_EQ(size, 1'047'552U);
}

TEST_F(cpg_api, a_joiner_sees_itself_in_its_first_change) {
    cpg_client client;
    join(client, "group");
    EXPECT_EQ(client.last(), "group: members " + self() + "; joined " + self() + "(1)");
}

TEST_F(cpg_api, messages_come_back_to_their_sender_in_order) {
    cpg_client client;
    join(client, "group");
    for (int i = 0; i < 1'000; ++i) {
        ASSERT_EQ(client.send_patiently(std::to_string(i)), CS_OK);
    }
    ASSERT_TRUE(client.see(1'001));
    const auto seen = client.seen();
    for (std::size_t i = 0; i < 1'000; ++i) {
        ASSERT_EQ(seen[i + 1], "group: '" + std::to_string(i) + "' of " + self());
    }
}

TEST_F(cpg_api, messages_accepted_before_the_join_is_done_come_after_it) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    ASSERT_EQ(client.join("group"), CS_OK);
    ASSERT_EQ(client.send("early"), CS_OK);
    ASSERT_TRUE(client.see(2));
    EXPECT_EQ(client.last(), "group: 'early' of " + self());
}

TEST_F(cpg_api, dispatch_one_runs_one_callback_and_the_descriptor_tells_of_the_rest) {
    cpg_client client;
    join(client, "group");
    EXPECT_FALSE(client.readable());
    EXPECT_EQ(client.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
    EXPECT_EQ(client.dispatch(CS_DISPATCH_ALL), CS_OK) << "nothing to do is no fault";
    ASSERT_EQ(client.send("one"), CS_OK);
    ASSERT_EQ(client.send("two"), CS_OK);
    ASSERT_EQ(client.send("three"), CS_OK);
    ASSERT_EQ(client.dispatch(CS_DISPATCH_ONE), CS_OK);
    EXPECT_EQ(client.seen().size(), 2U);
    ASSERT_TRUE(eventually([&] { return client.readable(); }));
    ASSERT_EQ(client.dispatch(CS_DISPATCH_ONE), CS_OK);
    ASSERT_EQ(client.dispatch(CS_DISPATCH_ONE), CS_OK);
    EXPECT_EQ(client.last(), "group: 'three' of " + self());
    EXPECT_FALSE(client.readable());
}

TEST_F(cpg_api, a_descriptor_stays_quiet_while_requests_are_answered) {
    cpg_client client;
    join(client, "group");
    for (int i = 0; i < 100; ++i) {
        unsigned node = 0;
        ASSERT_EQ(cpg_local_get(client.handle, &node), CS_OK);
        cpg_name name = name_of("group");
        cpg_address members[CPG_MEMBERS_MAX];
        int count = 0;
        ASSERT_EQ(cpg_membership_get(client.handle, &name, members, &count), CS_OK);
        ASSERT_FALSE(client.readable());
    }
}

TEST_F(cpg_api, a_leaver_sees_itself_leave_and_then_nothing) {
    cpg_client leaver;
    join(leaver, "group");
    cpg_client other;
    ASSERT_EQ(leaver.leave("group"), CS_OK);
    EXPECT_EQ(leaver.send("late"), CS_ERR_NOT_EXIST);
    ASSERT_TRUE(leaver.see(2));
    EXPECT_EQ(leaver.last(), "group: members; left " + self() + "(2)");
    join(other, "group");
    ASSERT_EQ(other.send("for others"), CS_OK);
    ASSERT_TRUE(other.see(2));
    EXPECT_FALSE(leaver.readable());
    EXPECT_EQ(leaver.leave("group"), CS_ERR_NOT_EXIST);
    ASSERT_EQ(other.leave("group"), CS_OK);
    ASSERT_TRUE(other.see(3));
    EXPECT_EQ(leaver.join("another"), CS_OK) << "the handle is free again";
    ASSERT_TRUE(leaver.see(3));
    EXPECT_EQ(leaver.last(), "another: members " + self() + "; joined " + self() + "(1)");
}

TEST_F(cpg_api, messages_before_a_leave_are_delivered) {
    cpg_client client;
    join(client, "group");
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(client.send("m"), CS_OK);
    }
    ASSERT_EQ(client.leave("group"), CS_OK);
    ASSERT_TRUE(client.see(102));
    EXPECT_EQ(client.last(), "group: members; left " + self() + "(2)");
}

TEST_F(cpg_api, delivers_every_size_whole) {
    cpg_client client;
    join(client, "group");
    std::size_t expected = 1;
    for (const std::size_t size : {0UL, 1UL, 1'000UL, 1'400UL, 1'500UL, 65'519UL, 65'520UL, 65'521UL, 65'536UL,
                                   70'000UL, 1'047'552UL, 1'047'553UL, 10'000'000UL}) {
        std::string text(size, '\0');
        for (std::size_t i = 0; i < size; ++i) {
            text[i] = static_cast<char>('a' + (i * 31 + size) % 26);
        }
        ASSERT_EQ(client.send_patiently(text), CS_OK) << size;
        ASSERT_TRUE(client.see(++expected)) << size;
        EXPECT_EQ(client.last(), size > 64 ? "group: " + std::to_string(size) + " bytes of " + self()
                                           : "group: '" + text + "' of " + self());
    }
}

TEST_F(cpg_api, contents_are_what_was_sent) {
    static std::string got;
    cpg_callbacks_t callbacks{};
    callbacks.cpg_deliver_fn = [](cpg_handle_t, const cpg_name*, uint32_t, uint32_t, void* text, size_t bytes) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(text) % 8, 0U);
        got.assign(static_cast<const char*>(text), bytes);
    };
    cpg_handle_t handle = 0;
    ASSERT_EQ(cpg_initialize(&handle, &callbacks), CS_OK);
    const cpg_name group = name_of("odd"); // three bytes, so that alignment has to be made
    ASSERT_EQ(cpg_join(handle, &group), CS_OK);
    ASSERT_EQ(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
    for (const std::size_t parts : {1UL, 2UL, 63UL, 64UL, 65UL, 500UL, 1'024UL, 1'025UL, 5'000UL}) {
        for (const std::size_t size : {0UL, 13UL, 300UL}) {
            std::vector<std::string> pieces;
            std::vector<iovec> row;
            std::string whole;
            for (std::size_t i = 0; i < parts; ++i) {
                pieces.push_back(std::string(size, static_cast<char>('A' + i % 26)));
                whole += pieces.back();
            }
            for (std::string& each : pieces) {
                row.push_back({each.data(), each.size()});
            }
            ASSERT_EQ(cpg_mcast_joined(handle, CPG_TYPE_AGREED, row.data(), static_cast<unsigned>(row.size())), CS_OK);
            ASSERT_EQ(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
            ASSERT_EQ(got, whole) << parts << " parts of " << size;
        }
    }
    EXPECT_EQ(cpg_mcast_joined(handle, CPG_TYPE_SAFE, nullptr, 0), CS_OK) << "an empty message, safe";
    ASSERT_EQ(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
    EXPECT_EQ(got, "");
    EXPECT_EQ(cpg_finalize(handle), CS_OK);
}

TEST_F(cpg_api, lists_members_and_groups) {
    cpg_client one;
    join(one, "apples");
    cpg_client two;
    join(two, "pears");
    cpg_name name = name_of("apples");
    cpg_address members[CPG_MEMBERS_MAX];
    int count = -1;
    ASSERT_EQ(cpg_membership_get(one.handle, &name, members, &count), CS_OK);
    ASSERT_EQ(count, 1);
    EXPECT_EQ(members[0].nodeid, 1U);
    EXPECT_EQ(members[0].pid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(members[0].reason, static_cast<std::uint32_t>(CPG_REASON_UNDEFINED));
    name = name_of("nobody's");
    ASSERT_EQ(cpg_membership_get(one.handle, &name, members, &count), CS_OK);
    EXPECT_EQ(count, 0);

    const auto walk = [&](cpg_iteration_type_t type, const cpg_name* group) {
        std::string result;
        cpg_iteration_handle_t iteration = 0;
        EXPECT_EQ(cpg_iteration_initialize(one.handle, type, group, &iteration), CS_OK);
        cpg_iteration_description_t row{};
        cs_error_t outcome = CS_OK;
        while ((outcome = cpg_iteration_next(iteration, &row)) == CS_OK) {
            result += std::string(row.group.value, row.group.length) + "/" + std::to_string(row.nodeid) + " ";
        }
        EXPECT_EQ(outcome, CS_ERR_NO_SECTIONS);
        EXPECT_EQ(cpg_iteration_finalize(iteration), CS_OK);
        EXPECT_EQ(cpg_iteration_finalize(iteration), CS_ERR_BAD_HANDLE);
        return result;
    };
    EXPECT_EQ(walk(CPG_ITERATION_NAME_ONLY, nullptr), "apples/0 pears/0 ");
    EXPECT_EQ(walk(CPG_ITERATION_ALL, nullptr), "apples/1 pears/1 ");
    name = name_of("pears");
    EXPECT_EQ(walk(CPG_ITERATION_ONE_GROUP, &name), "pears/1 ");
}

TEST_F(cpg_api, buffers_can_be_had_sent_and_given_back) {
    cpg_client client;
    join(client, "group");
    void* buffer = nullptr;
    ASSERT_EQ(cpg_zcb_alloc(client.handle, 100'000, &buffer), CS_OK);
    std::memset(buffer, 'z', 100'000);
    EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, buffer, 100'000), CS_OK);
    ASSERT_TRUE(client.see(2));
    EXPECT_EQ(client.last(), "group: 100000 bytes of " + self());
    EXPECT_EQ(cpg_zcb_free(client.handle, buffer), CS_OK);
}

TEST_F(cpg_api, an_event_without_a_callback_counts_as_one) {
    static int delivered;
    delivered = 0;
    cpg_callbacks_t callbacks{};
    callbacks.cpg_deliver_fn = [](cpg_handle_t, const cpg_name*, uint32_t, uint32_t, void*, size_t) { ++delivered; };
    cpg_handle_t handle = 0;
    ASSERT_EQ(cpg_initialize(&handle, &callbacks), CS_OK);
    const cpg_name group = name_of("group");
    const iovec nothing{};
    ASSERT_EQ(cpg_join(handle, &group), CS_OK);
    ASSERT_EQ(cpg_mcast_joined(handle, CPG_TYPE_AGREED, &nothing, 1), CS_OK);
    EXPECT_EQ(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
    EXPECT_EQ(delivered, 0) << "the change, which nobody wants to see";
    EXPECT_EQ(cpg_dispatch(handle, CS_DISPATCH_ONE), CS_OK);
    EXPECT_EQ(delivered, 1);
    EXPECT_EQ(cpg_finalize(handle), CS_OK);
}

TEST_F(cpg_api, a_message_in_many_packets_is_one_event) {
    cpg_client client;
    join(client, "group");
    ASSERT_EQ(client.send(std::string(5'000'000, 'x')), CS_OK);
    ASSERT_EQ(client.dispatch(CS_DISPATCH_ONE), CS_OK);
    EXPECT_EQ(client.last(), "group: 5000000 bytes of " + self());
}

TEST_F(cpg_api, the_ring_follows_the_first_change_when_it_is_wished_for) {
    cpg_client client;
    ASSERT_EQ(client.open({.ring_views = true, .initial_ring_view = true}), CS_OK);
    ASSERT_EQ(client.join("group"), CS_OK);
    ASSERT_TRUE(client.see(2));
    EXPECT_EQ(client.seen()[0], "group: members " + self() + "; joined " + self() + "(1)");
    EXPECT_EQ(client.seen()[1], "ring: nodes 1");
}

TEST(cs_strerror, has_a_text_of_its_own_for_every_outcome) {
    std::set<std::string> texts;
    std::size_t count = 0;
    for (int value = CS_OK; value <= CS_ERR_SECURITY; ++value) {
        if (value <= CS_ERR_TOO_MANY_GROUPS ? value != 29 : value == CS_ERR_SECURITY) {
            texts.insert(cs_strerror(static_cast<cs_error_t>(value)));
            ++count;
        }
    }
    EXPECT_EQ(count, 30U);
    EXPECT_EQ(texts.size(), count);
    cs_error_t unknown{};
    const int value = 29;
    std::memcpy(&unknown, &value, sizeof(unknown));
    EXPECT_STREQ(cs_strerror(unknown), "unknown error");
    EXPECT_FALSE(texts.contains("unknown error"));
}

TEST(qb_to_cs_error, knows_what_numbers_of_errno_stand_for) {
    EXPECT_EQ(qb_to_cs_error(0), CS_OK);
    EXPECT_EQ(qb_to_cs_error(5), CS_OK);
    EXPECT_EQ(qb_to_cs_error(-EAGAIN), CS_ERR_TRY_AGAIN);
    EXPECT_EQ(qb_to_cs_error(-ETIMEDOUT), CS_ERR_TRY_AGAIN);
    EXPECT_EQ(qb_to_cs_error(-EACCES), CS_ERR_ACCESS);
    EXPECT_EQ(qb_to_cs_error(-EMSGSIZE), CS_ERR_TOO_BIG);
    EXPECT_EQ(qb_to_cs_error(-EPIPE), CS_ERR_LIBRARY);
    EXPECT_EQ(hdb_error_to_cs(0), CS_OK);
    EXPECT_EQ(hdb_error_to_cs(-EBADF), CS_ERR_BAD_HANDLE);
}

} // namespace coterie::tests

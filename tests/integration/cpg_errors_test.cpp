// SPDX-License-Identifier: BSD-3-Clause
// Every error of every call, as the table in docs/cpg-api.md has them: what has to happen for it, and what it leaves.
#include "tests/integration/cpg_fixture.hpp"

#include <coterie/pauses.h>
#include <csignal>
#include <cstring>
#include <limits>
#include <sys/resource.h>
#include <sys/stat.h>
#include <vector>

namespace coterie::tests {

using cpg_errors = cpg_api;

namespace {

/// A value that the enumeration does not have, as a C program can pass it.
template <class Enumeration>
COTERIE_ANY_ENUMERATOR Enumeration unknown(int value) {
    Enumeration result{};
    std::memcpy(&result, &value, sizeof(result));
    return result;
}

/// Whether this program ends when it gets no more address space.
constexpr bool needs_address_space() {
#if defined(__SANITIZE_ADDRESS__)
    return true;
#elif defined(__has_feature)
    return __has_feature(address_sanitizer);
#else
    return false;
#endif
}

cpg_name too_long() {
    cpg_name result = name_of("group");
    result.length = CPG_MAX_NAME_LENGTH + 1;
    return result;
}

/// What every call but the initializing ones answers for a handle.
std::vector<std::pair<std::string, cs_error_t>> all_calls(cpg_handle_t handle) {
    cpg_name group = name_of("group");
    cpg_address members[CPG_MEMBERS_MAX];
    cpg_flow_control_state_t state{};
    cpg_iteration_handle_t iteration = 0;
    std::uint32_t size = 0;
    unsigned node = 0;
    coterie_pauses pauses{};
    int number = 0;
    void* pointer = nullptr;
    char byte = 0;
    const iovec part{&byte, 1};
    return {{"cpg_fd_get", cpg_fd_get(handle, &number)},
            {"cpg_max_atomic_msgsize_get", cpg_max_atomic_msgsize_get(handle, &size)},
            {"cpg_context_get", cpg_context_get(handle, &pointer)},
            {"cpg_context_set", cpg_context_set(handle, pointer)},
            {"cpg_local_get", cpg_local_get(handle, &node)},
            {"coterie_pauses_get", coterie_pauses_get(handle, &pauses)},
            {"cpg_flow_control_state_get", cpg_flow_control_state_get(handle, &state)},
            {"cpg_membership_get", cpg_membership_get(handle, &group, members, &number)},
            {"cpg_iteration_initialize", cpg_iteration_initialize(handle, CPG_ITERATION_ALL, nullptr, &iteration)},
            {"cpg_zcb_alloc", cpg_zcb_alloc(handle, 100, &pointer)},
            {"cpg_zcb_mcast_joined", cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, pointer, 1)},
            {"cpg_zcb_free", cpg_zcb_free(handle, pointer)},
            {"cpg_mcast_joined", cpg_mcast_joined(handle, CPG_TYPE_AGREED, &part, 1)},
            {"cpg_join", cpg_join(handle, &group)},
            {"cpg_leave", cpg_leave(handle, &group)},
            {"cpg_dispatch", cpg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING)},
            {"cpg_finalize", cpg_finalize(handle)}};
}

constexpr std::size_t message_bytes_max = std::size_t{64} << 20U;

/// Takes all but `left` of the descriptors that this process may have.
void use_up_descriptors(unsigned left) {
    const int next = ::dup(0);
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = static_cast<rlim_t>(next) + left;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::close(next);
}

} // namespace

TEST_F(cpg_errors, initialize_needs_a_daemon) {
    ::setenv("COTERIE_SOCKET", "/nonexistent/socket", 1);
    cpg_handle_t handle = 0;
    EXPECT_EQ(cpg_initialize(&handle, nullptr), CS_ERR_LIBRARY);
    EXPECT_EQ(cpg_model_initialize(&handle, CPG_MODEL_V1, nullptr, nullptr), CS_ERR_LIBRARY);
}

TEST_F(cpg_errors, initialize_needs_somewhere_to_put_the_handle) {
    EXPECT_EQ(cpg_initialize(nullptr, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_model_initialize(nullptr, CPG_MODEL_V1, nullptr, nullptr), CS_ERR_INVALID_PARAM);
}

TEST_F(cpg_errors, initialize_refuses_models_and_flags_that_it_does_not_know) {
    cpg_handle_t handle = 0;
    cpg_model_v1_data_t model{};
    auto* const data = reinterpret_cast<cpg_model_data_t*>(&model);
    EXPECT_EQ(cpg_model_initialize(&handle, unknown<cpg_model_t>(0), data, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_model_initialize(&handle, unknown<cpg_model_t>(2), data, nullptr), CS_ERR_INVALID_PARAM);
    model.flags = CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF << 1U;
    EXPECT_EQ(cpg_model_initialize(&handle, CPG_MODEL_V1, data, nullptr), CS_ERR_INVALID_PARAM);
}

TEST_F(cpg_errors, initialize_refuses_a_path_that_no_socket_can_have) {
    ::setenv("COTERIE_SOCKET", ("/tmp/" + std::string(200, 'x')).c_str(), 1);
    cpg_handle_t handle = 0;
    EXPECT_EQ(cpg_initialize(&handle, nullptr), CS_ERR_INVALID_PARAM);
}

TEST_F(cpg_errors, initialize_gives_up_on_a_daemon_that_does_not_answer) {
    daemons().daemon(0).send_signal(SIGSTOP);
    cpg_handle_t handle = 0;
    EXPECT_EQ(cpg_initialize(&handle, nullptr), CS_ERR_TRY_AGAIN);
    daemons().daemon(0).send_signal(SIGCONT);
    EXPECT_EQ(cpg_initialize(&handle, nullptr), CS_OK);
    EXPECT_EQ(cpg_finalize(handle), CS_OK);
}

TEST_F(cpg_errors, initialize_turns_other_users_away) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "SKIPPED: only root can become another user";
    }
    // The folder of the test is closed to others.
    ASSERT_EQ(::chmod(daemons().folder().path().c_str(), 0755), 0);
    EXPECT_EQ(in_child([] {
                  cpg_handle_t handle = 0;
                  return ::setgid(65'534) != 0 || ::setuid(65'534) != 0
                             ? 99
                             : static_cast<int>(cpg_initialize(&handle, nullptr));
              }),
              static_cast<int>(CS_ERR_ACCESS));
}

TEST_F(cpg_errors, initialize_says_when_the_process_has_no_descriptors_left) {
    EXPECT_EQ(in_child([] {
                  use_up_descriptors(0);
                  cpg_handle_t handle = 0;
                  return static_cast<int>(cpg_initialize(&handle, nullptr));
              }),
              static_cast<int>(CS_ERR_NO_RESOURCES));
}

TEST_F(cpg_errors, every_call_refuses_a_handle_that_never_was) {
    for (const cpg_handle_t handle : {cpg_handle_t{0}, cpg_handle_t{1}, ~cpg_handle_t{0}}) {
        for (const auto& [call, outcome] : all_calls(handle)) {
            EXPECT_EQ(outcome, CS_ERR_BAD_HANDLE) << call;
        }
    }
    cpg_iteration_description_t row{};
    EXPECT_EQ(cpg_iteration_next(0, &row), CS_ERR_BAD_HANDLE);
    EXPECT_EQ(cpg_iteration_finalize(0), CS_ERR_BAD_HANDLE);
}

TEST_F(cpg_errors, every_call_refuses_a_handle_that_was_finalized) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    cpg_iteration_handle_t iteration = 0;
    ASSERT_EQ(cpg_iteration_initialize(client.handle, CPG_ITERATION_ALL, nullptr, &iteration), CS_OK);
    ASSERT_EQ(client.close(), CS_OK);
    for (const auto& [call, outcome] : all_calls(client.handle)) {
        EXPECT_EQ(outcome, CS_ERR_BAD_HANDLE) << call;
    }
    cpg_iteration_description_t row{};
    EXPECT_EQ(cpg_iteration_next(iteration, &row), CS_ERR_BAD_HANDLE) << "an iteration ends with its handle";
    EXPECT_EQ(cpg_iteration_finalize(iteration), CS_ERR_BAD_HANDLE);
}

TEST_F(cpg_errors, every_call_refuses_a_parents_handle_in_a_child) {
    cpg_client client;
    join(client, "group");
    EXPECT_EQ(in_child([&] {
                  int accepted = 0;
                  for (const auto& [call, outcome] : all_calls(client.handle)) {
                      accepted += outcome == CS_ERR_BAD_HANDLE ? 0 : 1;
                  }
                  return accepted;
              }),
              0);
    EXPECT_EQ(client.send("from the parent"), CS_OK) << "whom it does no harm";
}

TEST_F(cpg_errors, null_pointers_are_refused) {
    cpg_client client;
    join(client, "group");
    cpg_name group = name_of("group");
    cpg_address members[CPG_MEMBERS_MAX];
    int count = 0;
    EXPECT_EQ(cpg_fd_get(client.handle, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_max_atomic_msgsize_get(client.handle, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_context_get(client.handle, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_join(client.handle, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_leave(client.handle, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_mcast_joined(client.handle, CPG_TYPE_AGREED, nullptr, 1), CS_ERR_INVALID_PARAM);
    const iovec nowhere{nullptr, 5};
    EXPECT_EQ(cpg_mcast_joined(client.handle, CPG_TYPE_AGREED, &nowhere, 1), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_membership_get(client.handle, nullptr, members, &count), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_membership_get(client.handle, &group, nullptr, &count), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_membership_get(client.handle, &group, members, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_local_get(client.handle, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(coterie_pauses_get(client.handle, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_flow_control_state_get(client.handle, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_zcb_alloc(client.handle, 100, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_zcb_free(client.handle, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, nullptr, 5), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_iteration_initialize(client.handle, CPG_ITERATION_ALL, nullptr, nullptr), CS_ERR_INVALID_PARAM);
    cpg_iteration_handle_t iteration = 0;
    ASSERT_EQ(cpg_iteration_initialize(client.handle, CPG_ITERATION_ALL, nullptr, &iteration), CS_OK);
    EXPECT_EQ(cpg_iteration_next(iteration, nullptr), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_iteration_finalize(iteration), CS_OK);
    // And none of it did harm.
    EXPECT_EQ(client.send("still here"), CS_OK);
    EXPECT_TRUE(client.see(2));
}

TEST_F(cpg_errors, names_longer_than_128_bytes_are_refused) {
    cpg_client client;
    join(client, std::string(CPG_MAX_NAME_LENGTH, 'n'));
    cpg_name name = too_long();
    cpg_address members[CPG_MEMBERS_MAX];
    int count = 0;
    cpg_iteration_handle_t iteration = 0;
    EXPECT_EQ(cpg_join(client.handle, &name), CS_ERR_NAME_TOO_LONG);
    EXPECT_EQ(cpg_leave(client.handle, &name), CS_ERR_NAME_TOO_LONG);
    EXPECT_EQ(cpg_membership_get(client.handle, &name, members, &count), CS_ERR_NAME_TOO_LONG);
    EXPECT_EQ(cpg_iteration_initialize(client.handle, CPG_ITERATION_ONE_GROUP, &name, &iteration),
              CS_ERR_NAME_TOO_LONG);
}

TEST_F(cpg_errors, numbers_that_are_no_value_of_their_enumeration_are_refused) {
    cpg_client client;
    join(client, "group");
    cpg_iteration_handle_t iteration = 0;
    for (const int value : {-1, 0, 5, 1'000}) {
        EXPECT_EQ(client.dispatch(unknown<cs_dispatch_flags_t>(value)), CS_ERR_INVALID_PARAM) << value;
        EXPECT_EQ(cpg_iteration_initialize(client.handle, unknown<cpg_iteration_type_t>(value), nullptr, &iteration),
                  CS_ERR_INVALID_PARAM)
            << value;
    }
    void* buffer = nullptr;
    ASSERT_EQ(cpg_zcb_alloc(client.handle, 5, &buffer), CS_OK);
    for (const int value : {-1, 4, 1'000}) {
        EXPECT_EQ(cpg_mcast_joined(client.handle, unknown<cpg_guarantee_t>(value), nullptr, 0), CS_ERR_INVALID_PARAM)
            << value;
        EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, unknown<cpg_guarantee_t>(value), buffer, 5), CS_ERR_INVALID_PARAM)
            << value;
    }
}

TEST_F(cpg_errors, a_group_is_given_exactly_when_one_is_walked_over) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    const cpg_name name = name_of("group");
    cpg_iteration_handle_t iteration = 0;
    for (const auto type : {CPG_ITERATION_ALL, CPG_ITERATION_NAME_ONLY}) {
        EXPECT_EQ(cpg_iteration_initialize(client.handle, type, &name, &iteration), CS_ERR_INVALID_PARAM);
    }
    EXPECT_EQ(cpg_iteration_initialize(client.handle, CPG_ITERATION_ONE_GROUP, nullptr, &iteration),
              CS_ERR_INVALID_PARAM);
    ASSERT_EQ(cpg_iteration_initialize(client.handle, CPG_ITERATION_ONE_GROUP, &name, &iteration), CS_OK);
    cpg_iteration_description_t row{};
    EXPECT_EQ(cpg_iteration_next(iteration, &row), CS_ERR_NO_SECTIONS) << "nobody has joined it";
    EXPECT_EQ(cpg_iteration_next(iteration, &row), CS_ERR_NO_SECTIONS) << "and it stays so";
    EXPECT_EQ(cpg_iteration_finalize(iteration), CS_OK);
    EXPECT_EQ(cpg_iteration_finalize(iteration), CS_ERR_BAD_HANDLE) << "twice";
}

TEST_F(cpg_errors, join_refuses_the_empty_name) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    EXPECT_EQ(client.join(""), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(client.join("group"), CS_OK) << "the handle is none the worse";
}

TEST_F(cpg_errors, join_refuses_a_second_group_and_a_second_membership) {
    cpg_client one;
    join(one, "group");
    EXPECT_EQ(one.join("group"), CS_ERR_EXIST);
    EXPECT_EQ(one.join("other"), CS_ERR_EXIST) << "a handle is in one group";
    cpg_client two;
    ASSERT_EQ(two.open(), CS_OK);
    EXPECT_EQ(two.join("group"), CS_ERR_EXIST) << "a process is in a group once";
    EXPECT_EQ(two.join("other"), CS_OK);
}

TEST_F(cpg_errors, leave_and_send_need_a_join) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    EXPECT_EQ(client.send("x"), CS_ERR_NOT_EXIST);
    EXPECT_EQ(client.leave("group"), CS_ERR_NOT_EXIST);
    ASSERT_EQ(client.join("group"), CS_OK);
    EXPECT_EQ(client.leave("other"), CS_ERR_NOT_EXIST) << "not the group it is in";
    ASSERT_EQ(client.leave("group"), CS_OK);
    EXPECT_EQ(client.leave("group"), CS_ERR_NOT_EXIST);
    EXPECT_EQ(client.send("x"), CS_ERR_NOT_EXIST);
    void* buffer = nullptr;
    ASSERT_EQ(cpg_zcb_alloc(client.handle, 100, &buffer), CS_OK);
    EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, buffer, 100), CS_ERR_NOT_EXIST);
    EXPECT_EQ(cpg_zcb_free(client.handle, buffer), CS_OK);
}

TEST_F(cpg_errors, sends_beyond_the_limit_are_too_big) {
    cpg_client client;
    join(client, "group");
    EXPECT_EQ(client.send(std::string((64U << 20U) + 1, 'x')), CS_ERR_TOO_BIG);
    char byte = 0;
    const iovec endless[2] = {{&byte, std::numeric_limits<std::size_t>::max()}, {&byte, 2}};
    EXPECT_EQ(cpg_mcast_joined(client.handle, CPG_TYPE_AGREED, endless, 2), CS_ERR_TOO_BIG) << "not even summed up";
    EXPECT_EQ(client.send("small enough"), CS_OK);
}

TEST_F(cpg_errors, buffers_beyond_the_limit_are_too_big_to_be_sent) {
    cpg_client client;
    join(client, "group");
    void* buffer = nullptr;
    ASSERT_EQ(cpg_zcb_alloc(client.handle, message_bytes_max + 1, &buffer), CS_OK);
    EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, buffer, message_bytes_max + 1), CS_ERR_TOO_BIG);
    EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, buffer, message_bytes_max), CS_OK) << "a part of it";
    ASSERT_TRUE(client.see(2));
    EXPECT_EQ(client.last(), "group: 67108864 bytes of " + self());
}

TEST_F(cpg_errors, buffers_are_sent_again_when_there_was_no_room) {
    // A member that stands still, and is given time: nothing more gets a number, so the daemon's room fills.
    cluster pair({.places = loopback_places(2), .traced = false, .more = "totem {\ntoken: 60000\n}\n"});
    ::setenv("COTERIE_SOCKET", pair.socket(0).c_str(), 1);
    pair.start(0);
    pair.start(1);
    ASSERT_TRUE(pair.logs(0, "members 1 (127.0.0.1), 2"));
    cpg_client client;
    join(client, "group");
    pair.daemon(1).send_signal(SIGSTOP);

    constexpr std::size_t bytes = std::size_t{1} << 20U;
    void* buffer = nullptr;
    ASSERT_EQ(cpg_zcb_alloc(client.handle, bytes, &buffer), CS_OK);
    const auto send = [&](std::size_t count) {
        return cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, buffer, count);
    };
    std::size_t sent = 0;
    cs_error_t outcome = send(bytes);
    while (outcome == CS_OK) {
        ASSERT_LT(++sent, 200U);
        outcome = send(bytes);
    }
    EXPECT_EQ(outcome, CS_ERR_TRY_AGAIN);
    EXPECT_GT(sent, 0U) << "one is always taken";

    pair.daemon(1).send_signal(SIGCONT);
    EXPECT_TRUE(eventually([&] { return send(10) == CS_OK; })) << "there is room again, and the buffer is still there";
    ASSERT_TRUE(client.see(2 + sent));
    EXPECT_EQ(client.seen().size(), 2 + sent) << "what was refused has not been sent";
    EXPECT_EQ(client.last(), "group: '" + std::string(10, '\0') + "' of " + self());
    EXPECT_EQ(cpg_zcb_free(client.handle, buffer), CS_OK);
}

TEST_F(cpg_errors, sends_say_when_the_process_has_no_descriptors_left) {
    EXPECT_EQ(in_child([] {
                  cpg_client client;
                  if (client.open() != CS_OK || client.join("group") != CS_OK || !client.see(1)) {
                      return 99;
                  }
                  use_up_descriptors(0);
                  const cs_error_t large = client.send(std::string(16U << 20U, 'x'));
                  return client.send("a small one needs none") == CS_OK ? static_cast<int>(large) : 98;
              }),
              static_cast<int>(CS_ERR_NO_RESOURCES));
}

TEST_F(cpg_errors, calls_say_when_memory_is_out) {
    if (needs_address_space()) {
        GTEST_SKIP() << "SKIPPED: the address sanitizer takes address space for itself all the time";
    }
    EXPECT_EQ(in_child([] {
                  cpg_client client;
                  if (client.open() != CS_OK || client.join("group") != CS_OK || !client.see(1)) {
                      return 99;
                  }
                  const rlimit none_left{0, RLIM_INFINITY};
                  ::setrlimit(RLIMIT_AS, &none_left);
                  void* buffer = nullptr;
                  const cs_error_t outcome = cpg_zcb_alloc(client.handle, 1'000, &buffer);
                  return client.send("a message needs none") == CS_OK ? static_cast<int>(outcome) : 98;
              }),
              static_cast<int>(CS_ERR_NO_MEMORY));
}

TEST_F(cpg_errors, buffers_need_a_daemon_to_share_them_with) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    daemons().kill(0);
    void* buffer = nullptr;
    EXPECT_EQ(cpg_zcb_alloc(client.handle, 100, &buffer), CS_ERR_LIBRARY);
    EXPECT_EQ(buffer, nullptr);
}

TEST_F(cpg_errors, buffers_need_a_descriptor_for_a_moment) {
    EXPECT_EQ(in_child([] {
                  cpg_client client;
                  if (client.open() != CS_OK) {
                      return 99;
                  }
                  use_up_descriptors(0);
                  void* buffer = nullptr;
                  return static_cast<int>(cpg_zcb_alloc(client.handle, 100, &buffer));
              }),
              static_cast<int>(CS_ERR_NO_RESOURCES));
}

TEST_F(cpg_errors, dispatch_says_when_the_process_has_no_descriptors_left) {
    EXPECT_EQ(in_child([] {
                  cpg_client client;
                  if (client.open() != CS_OK || client.join("group") != CS_OK || !client.see(1) ||
                      client.send(std::string(5'000'000, 'x')) != CS_OK) {
                      return 99;
                  }
                  rlimit before{};
                  ::getrlimit(RLIMIT_NOFILE, &before);
                  use_up_descriptors(0);
                  if (!eventually([&] { return client.readable(); })) {
                      return 98;
                  }
                  const cs_error_t without = client.dispatch(CS_DISPATCH_ALL);
                  ::setrlimit(RLIMIT_NOFILE, &before);
                  return client.see(2) ? static_cast<int>(without) : 97;
              }),
              static_cast<int>(CS_ERR_NO_RESOURCES))
        << "and nothing is lost";
}

TEST_F(cpg_errors, only_buffers_are_sent_without_copying) {
    cpg_client client;
    join(client, "group");
    char other[100] = {};
    EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, other, 100), CS_ERR_INVALID_PARAM);
    void* buffer = nullptr;
    ASSERT_EQ(cpg_zcb_alloc(client.handle, 100, &buffer), CS_OK);
    EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, other, 100), CS_ERR_INVALID_PARAM);
    EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, buffer, 101), CS_ERR_INVALID_PARAM) << "its end";
    ASSERT_EQ(cpg_zcb_free(client.handle, buffer), CS_OK);
    EXPECT_EQ(cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, buffer, 100), CS_ERR_INVALID_PARAM) << "given back";
}

TEST_F(cpg_errors, buffers_are_given_back_once_and_where_they_are_from) {
    cpg_client one;
    cpg_client two;
    ASSERT_EQ(one.open(), CS_OK);
    ASSERT_EQ(two.open(), CS_OK);
    void* buffer = nullptr;
    ASSERT_EQ(cpg_zcb_alloc(one.handle, 100, &buffer), CS_OK);
    EXPECT_EQ(cpg_zcb_free(two.handle, buffer), CS_ERR_INVALID_PARAM) << "another handle's";
    EXPECT_EQ(cpg_zcb_free(one.handle, &buffer), CS_ERR_INVALID_PARAM) << "not a buffer";
    EXPECT_EQ(cpg_zcb_free(one.handle, buffer), CS_OK);
    EXPECT_EQ(cpg_zcb_free(one.handle, buffer), CS_ERR_INVALID_PARAM) << "twice";
}

TEST_F(cpg_errors, buffers_larger_than_memory_are_not_to_be_had) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    void* buffer = nullptr;
    EXPECT_EQ(cpg_zcb_alloc(client.handle, std::numeric_limits<std::size_t>::max() / 4, &buffer), CS_ERR_NO_MEMORY);
}

TEST_F(cpg_errors, dispatch_says_when_nothing_waits) {
    cpg_client client;
    join(client, "group");
    EXPECT_EQ(client.dispatch(CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
    EXPECT_EQ(client.dispatch(CS_DISPATCH_ALL), CS_OK) << "all of nothing has been done";
}

TEST_F(cpg_errors, every_call_that_needs_the_daemon_says_when_it_has_gone) {
    cpg_client client;
    join(client, "group");
    cpg_iteration_handle_t iteration = 0;
    ASSERT_EQ(cpg_iteration_initialize(client.handle, CPG_ITERATION_ALL, nullptr, &iteration), CS_OK);
    void* buffer = nullptr;
    ASSERT_EQ(cpg_zcb_alloc(client.handle, 1, &buffer), CS_OK) << "from here on buffers need no daemon";
    daemons().kill(0);
    EXPECT_TRUE(client.readable()) << "so that a loop around poll() notices";
    EXPECT_EQ(client.dispatch(CS_DISPATCH_ALL), CS_ERR_LIBRARY);
    EXPECT_EQ(client.dispatch(CS_DISPATCH_ONE), CS_ERR_LIBRARY);
    EXPECT_EQ(client.dispatch(CS_DISPATCH_BLOCKING), CS_ERR_LIBRARY);
    cpg_iteration_description_t row{};
    EXPECT_EQ(cpg_iteration_next(iteration, &row), CS_OK) << "the answer came before";
    for (const auto& [call, outcome] : all_calls(client.handle)) {
        const bool local = call == "cpg_fd_get" || call == "cpg_max_atomic_msgsize_get" ||
                           call.starts_with("cpg_context_") || call == "cpg_flow_control_state_get" ||
                           call == "cpg_zcb_alloc" || call == "cpg_zcb_free";
        const cs_error_t wanted = local ? CS_OK : call == "cpg_join" ? CS_ERR_EXIST : CS_ERR_LIBRARY;
        EXPECT_EQ(outcome, wanted) << call;
    }
    EXPECT_EQ(cpg_finalize(client.handle), CS_ERR_BAD_HANDLE) << "it is gone all the same";
}

TEST_F(cpg_errors, join_says_when_the_daemon_has_gone) {
    cpg_client client;
    ASSERT_EQ(client.open(), CS_OK);
    daemons().kill(0);
    EXPECT_EQ(client.join("group"), CS_ERR_LIBRARY);
}

} // namespace coterie::tests

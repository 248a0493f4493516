// SPDX-License-Identifier: BSD-3-Clause
// The C API and processes: who is whom, what forks and new programs inherit, and groups of many members.
#include "ipc/packet_socket.hpp"
#include "tests/integration/cpg_fixture.hpp"

#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <set>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace coterie::tests {

using cpg_processes = cpg_api;

namespace {

std::set<int> open_descriptors() {
    std::set<int> result;
    DIR* const folder = ::opendir("/proc/self/fd");
    while (const dirent* const each = ::readdir(folder)) {
        result.insert(std::atoi(each->d_name));
    }
    result.erase(::dirfd(folder));
    ::closedir(folder);
    return result;
}

/// How many memory files of the channel this process has mapped.
std::size_t shared_mappings() {
    std::ifstream maps("/proc/self/maps");
    std::size_t result = 0;
    for (std::string line; std::getline(maps, line);) {
        result += line.find("memfd:coterie") != std::string::npos ? 1U : 0U;
    }
    return result;
}

/// A member that has made use of all that costs descriptors: buffers, a message by a file, one that came back by a file.
bool use_everything(cpg_client& client, const std::string& group) {
    void* buffer = nullptr;
    return client.open() == CS_OK && client.join(group) == CS_OK && client.see(1) &&
           cpg_zcb_alloc(client.handle, 100, &buffer) == CS_OK &&
           cpg_zcb_mcast_joined(client.handle, CPG_TYPE_AGREED, buffer, 100) == CS_OK && client.see(2) &&
           client.send(std::string(500'000, 'x')) == CS_OK && client.see(3);
}

} // namespace

TEST_F(cpg_processes, each_is_known_by_its_own_number) {
    cpg_client parent;
    join(parent, "group");
    const pid_t child = ::fork();
    if (child == 0) {
        cpg_client own;
        ::_exit(own.open() == CS_OK && own.join("group") == CS_OK && own.see(1) && own.leave("group") == CS_OK ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    ASSERT_TRUE(parent.see(3));
    const std::string name = "1/" + std::to_string(child);
    EXPECT_NE(parent.seen()[1].find("; joined " + name + "(1)"), std::string::npos);
    EXPECT_NE(parent.seen()[2].find("; left " + name + "(2)"), std::string::npos);
}

TEST_F(cpg_processes, a_forked_child_cannot_use_its_parents_handle_and_does_no_harm) {
    cpg_client client;
    join(client, "group");
    cpg_iteration_handle_t iteration = 0;
    ASSERT_EQ(cpg_iteration_initialize(client.handle, CPG_ITERATION_ALL, nullptr, &iteration), CS_OK);
    EXPECT_EQ(in_child([&] {
                  cpg_iteration_description_t row{};
                  unsigned node = 0;
                  const bool refused = client.send("from the child") == CS_ERR_BAD_HANDLE &&
                                       client.leave("group") == CS_ERR_BAD_HANDLE &&
                                       client.dispatch(CS_DISPATCH_ALL) == CS_ERR_BAD_HANDLE &&
                                       client.dispatch(CS_DISPATCH_BLOCKING) == CS_ERR_BAD_HANDLE &&
                                       cpg_local_get(client.handle, &node) == CS_ERR_BAD_HANDLE &&
                                       cpg_iteration_next(iteration, &row) == CS_ERR_BAD_HANDLE &&
                                       cpg_finalize(client.handle) == CS_ERR_BAD_HANDLE;
                  return refused ? 0 : 1;
              }),
              0);
    cpg_iteration_description_t row{};
    EXPECT_EQ(cpg_iteration_next(iteration, &row), CS_OK);
    ASSERT_EQ(client.send("from the parent"), CS_OK);
    ASSERT_TRUE(client.see(2));
    EXPECT_EQ(client.last(), "group: 'from the parent' of " + self());
    EXPECT_EQ(client.close(), CS_OK);
}

/// A child forked while another thread was inside cpg_initialize kept that thread's socket.
TEST_F(cpg_processes, a_child_forked_while_a_handle_is_made_keeps_no_socket) {
    // A daemon that never answers.
    const std::string path = daemons().socket(0) + ".mute";
    const auto mute = ipc::listen_at(path);
    ASSERT_TRUE(mute);
    const std::set<int> before = open_descriptors();
    ::setenv("COTERIE_SOCKET", path.c_str(), 1);
    std::jthread waiting([] {
        cpg_client never;
        EXPECT_NE(never.open(), CS_OK);
    });
    pollfd knocked{.fd = mute->number(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&knocked, 1, 10'000), 1);
    EXPECT_EQ(in_child([&] { return open_descriptors() == before ? 0 : 1; }), 0);
    EXPECT_NE(open_descriptors(), before) << "the thread has its socket";
    ipc::descriptor(::accept4(mute->number(), nullptr, nullptr, SOCK_CLOEXEC)).close();
    waiting.join();
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(cpg_processes, one_that_may_not_write_files_is_told_and_lives) {
    EXPECT_EQ(in_child([&] {
                  const rlimit small{.rlim_cur = 100'000, .rlim_max = 100'000};
                  cpg_client client;
                  void* buffer = nullptr;
                  const bool told = ::setrlimit(RLIMIT_FSIZE, &small) == 0 && client.open() == CS_OK &&
                                    client.join("group") == CS_OK &&
                                    client.send(std::string(5'000'000, 'x')) == CS_ERR_NO_RESOURCES &&
                                    cpg_zcb_alloc(client.handle, 500'000, &buffer) == CS_ERR_NO_RESOURCES &&
                                    client.send("small") == CS_OK && client.see(2);
                  return told ? 0 : 1;
              }),
              0);
}

TEST_F(cpg_processes, a_fork_within_a_callback_ends_the_childs_dispatch) {
    cpg_client client;
    join(client, "group");
    pid_t child = -1;
    client.within_callback = [&] { child = ::fork(); };
    ASSERT_EQ(client.send("message"), CS_OK);
    const cs_error_t outcome = client.dispatch(CS_DISPATCH_ONE);
    if (child == 0) {
        ::_exit(outcome == CS_ERR_BAD_HANDLE ? 0 : 1);
    }
    client.within_callback = nullptr;
    EXPECT_EQ(outcome, CS_OK);
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(client.send("go on"), CS_OK);
    EXPECT_TRUE(client.see(3));
}

TEST_F(cpg_processes, a_death_is_told_though_a_child_lives_on) {
    cpg_client survivor;
    join(survivor, "group");
    int channel[2];
    ASSERT_EQ(::pipe(channel), 0);
    const pid_t parent = ::fork();
    if (parent == 0) {
        cpg_client own;
        if (own.open() != CS_OK || own.join("group") != CS_OK || !own.see(1)) {
            ::_exit(1);
        }
        const pid_t heir = ::fork();
        if (heir == 0) {
            ::pause();
            ::_exit(0);
        }
        ::_exit(::write(channel[1], &heir, sizeof(heir)) == sizeof(heir) ? 0 : 1);
    }
    pid_t heir = 0;
    ASSERT_EQ(::read(channel[0], &heir, sizeof(heir)), static_cast<ssize_t>(sizeof(heir)));
    EXPECT_TRUE(survivor.see(3));
    EXPECT_EQ(survivor.last(), "group: members " + self() + "; left 1/" + std::to_string(parent) + "(5)");
    EXPECT_EQ(::kill(heir, 0), 0) << "the child of the dead one is still there";
    ::kill(heir, SIGKILL);
    ::waitpid(parent, nullptr, 0);
    ::close(channel[0]);
    ::close(channel[1]);
}

TEST_F(cpg_processes, a_new_program_inherits_no_descriptor) {
    const std::set<int> before = open_descriptors();
    cpg_client client;
    join(client, "group");
    ASSERT_EQ(client.send(std::string(5'000'000, 'x')), CS_OK);
    ASSERT_TRUE(client.see(2));
    int own = 0;
    for (const int each : open_descriptors()) {
        if (!before.contains(each) && ::fcntl(each, F_GETFD) >= 0) {
            ++own;
            EXPECT_NE(::fcntl(each, F_GETFD) & FD_CLOEXEC, 0) << each;
        }
    }
    EXPECT_GE(own, 1);
}

TEST_F(cpg_processes, a_program_that_a_client_becomes_has_none_of_its_descriptors) {
    const std::string listed = daemons().folder() / "descriptors";
    EXPECT_EQ(in_child([&] {
                  // What the test itself was given is not at issue.
                  ::close_range(3, ~0U, 0);
                  cpg_client client;
                  if (!use_everything(client, "group") || open_descriptors() == std::set{0, 1, 2}) {
                      return 1;
                  }
                  const int file = ::open(listed.c_str(), O_WRONLY | O_CREAT, 0600);
                  ::dup2(file, STDOUT_FILENO);
                  ::close(file);
                  // The shell has its own listed: it is what this process has become.
                  ::execl("/bin/sh", "sh", "-c", "ls /proc/$$/fd; exit 7", nullptr);
                  return 2;
              }),
              7);
    EXPECT_EQ(content_of(listed), "0\n1\n2\n");
}

TEST_F(cpg_processes, finalize_gives_everything_back) {
    const std::set<int> before = open_descriptors();
    ASSERT_EQ(shared_mappings(), 0U);
    for (int i = 0; i < 100; ++i) {
        cpg_client client;
        ASSERT_TRUE(use_everything(client, "group" + std::to_string(i)));
        ASSERT_GE(shared_mappings(), 2U) << "of the rings and of the buffers";
        ASSERT_EQ(client.close(), CS_OK);
        ASSERT_EQ(shared_mappings(), 0U);
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(cpg_processes, groups_of_more_than_128_are_listed_without_overrun) {
    constexpr std::size_t others = CPG_MEMBERS_MAX + 4;
    cpg_client client;
    join(client, "crowd");
    int door[2]; // children wait for its end
    ASSERT_EQ(::pipe(door), 0);
    std::vector<pid_t> children;
    for (std::size_t i = 0; i < others; ++i) {
        children.push_back(::fork());
        if (children.back() == 0) {
            ::close(door[1]);
            cpg_handle_t handle = 0;
            const cpg_name name = name_of("crowd");
            cs_error_t outcome = CS_ERR_TRY_AGAIN;
            for (int tries = 0; tries < 10 && outcome == CS_ERR_TRY_AGAIN; ++tries) {
                outcome = cpg_initialize(&handle, nullptr);
            }
            char end = 0;
            const bool good = outcome == CS_OK && cpg_join(handle, &name) == CS_OK && ::read(door[0], &end, 1) == 0;
            ::_exit(good ? 0 : 1);
        }
    }
    EXPECT_TRUE(client.see(1 + others));

    std::vector<cpg_address> list(CPG_MEMBERS_MAX + 100);
    constexpr std::uint32_t untouched = 0xabababab;
    for (cpg_address& each : list) {
        each.nodeid = untouched;
    }
    int count = 0;
    cpg_name name = name_of("crowd");
    EXPECT_EQ(cpg_membership_get(client.handle, &name, list.data(), &count), CS_ERR_NO_SPACE);
    EXPECT_EQ(count, CPG_MEMBERS_MAX);
    EXPECT_EQ(list[CPG_MEMBERS_MAX - 1].nodeid, 1U);
    EXPECT_EQ(list[CPG_MEMBERS_MAX].nodeid, untouched);

    // All of them are to be had one by one.
    cpg_iteration_handle_t iteration = 0;
    ASSERT_EQ(cpg_iteration_initialize(client.handle, CPG_ITERATION_ONE_GROUP, &name, &iteration), CS_OK);
    std::set<std::uint32_t> rows;
    for (cpg_iteration_description_t row{}; cpg_iteration_next(iteration, &row) == CS_OK;) {
        rows.insert(row.pid);
    }
    EXPECT_EQ(cpg_iteration_finalize(iteration), CS_OK);
    EXPECT_EQ(rows.size(), others + 1);

    ::close(door[0]);
    ::close(door[1]);
    for (const pid_t each : children) {
        int status = -1;
        ::waitpid(each, &status, 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_TRUE(client.see(1 + 2 * others)) << "the callback's lists have no limit of 128";
    EXPECT_EQ(cpg_membership_get(client.handle, &name, list.data(), &count), CS_OK);
    EXPECT_EQ(count, 1);
}

TEST_F(cpg_processes, a_child_forked_within_a_callback_keeps_the_message) {
    static int to_child[2];
    static pid_t child;
    ASSERT_EQ(::pipe(to_child), 0);
    child = 0;
    cpg_callbacks_t callbacks{};
    callbacks.cpg_deliver_fn = [](cpg_handle_t, const cpg_name*, uint32_t, uint32_t, void* message, size_t bytes) {
        if (child != 0 || (child = ::fork()) != 0) {
            return;
        }
        char go = 0;
        const bool told = ::read(to_child[0], &go, 1) == 1;
        ::_exit(told && std::string(static_cast<const char*>(message), bytes) == std::string(1'000, 'm') ? 0 : 1);
    };
    cpg_handle_t handle = 0;
    ASSERT_EQ(cpg_initialize(&handle, &callbacks), CS_OK);
    const cpg_name group = name_of("group");
    ASSERT_EQ(cpg_join(handle, &group), CS_OK);
    // Enough to write over the whole ring after the first.
    for (int i = 0; i < 3'000; ++i) {
        std::string text(1'000, i == 0 ? 'm' : 'o');
        const iovec part{text.data(), text.size()};
        cs_error_t outcome = CS_ERR_TRY_AGAIN;
        while ((outcome = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &part, 1)) == CS_ERR_TRY_AGAIN) {
            ASSERT_EQ(cpg_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
        }
        ASSERT_EQ(outcome, CS_OK);
        ASSERT_EQ(cpg_dispatch(handle, CS_DISPATCH_ALL), CS_OK);
    }
    ASSERT_GT(child, 0);
    ASSERT_EQ(::write(to_child[1], "g", 1), 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(cpg_finalize(handle), CS_OK);
    ::close(to_child[0]);
    ::close(to_child[1]);
}

} // namespace coterie::tests

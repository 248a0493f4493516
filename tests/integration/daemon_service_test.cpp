// SPDX-License-Identifier: BSD-3-Clause
// The daemon as an operator meets it: signals, logs, pid files, the service manager, rights it does not have.
#include "tests/integration/daemon_fixture.hpp"

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

namespace coterie::tests {

namespace {

using daemon_signals = daemon_test;
using daemon_logs = daemon_test;
using daemon_pid_file = daemon_test;
using daemon_service = daemon_test;
using daemon_rights = daemon_test;
using daemon_without_configuration = daemon_test;

constexpr auto short_time = milliseconds(6'000);

/// Whether `what` works, tried in a process that ends then.
bool is_allowed(const std::function<bool()>& what) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(what() ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status == 0;
}

/// A line of /proc/PID/status: what follows "NAME:".
std::string status_of(const std::string& process, const std::string& name) {
    std::ifstream in("/proc/" + process + "/status");
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(name + ":")) {
            return line.substr(line.find_first_not_of("\t ", name.size() + 1));
        }
    }
    return {};
}

/// How many threads of a process have this policy and, of those, the priority.
int threads_with(pid_t process, int policy, int priority) {
    int result = 0;
    for (const auto& each : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
        const pid_t thread = std::atoi(each.path().filename().c_str());
        sched_param parameters{};
        result += (::sched_getscheduler(thread) & ~SCHED_RESET_ON_FORK) == policy &&
                          ::sched_getparam(thread, &parameters) == 0 && parameters.sched_priority == priority
                      ? 1
                      : 0;
    }
    return result;
}

/// A socket to which datagrams are sent, as the service manager and syslog have.
class datagram_socket {
public:
    explicit datagram_socket(const std::string& path) : _number(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un where{};
        where.sun_family = AF_UNIX;
        path.copy(where.sun_path, sizeof(where.sun_path) - 1);
        EXPECT_EQ(::bind(_number, reinterpret_cast<const sockaddr*>(&where), sizeof(where)), 0) << std::strerror(errno);
    }
    datagram_socket(const datagram_socket&) = delete;
    datagram_socket& operator=(const datagram_socket&) = delete;
    ~datagram_socket() { ::close(_number); }

    /// Waits until some datagram has had this in it.
    bool gets(const std::string& words) {
        return eventually([&] {
            char text[4'096];
            for (ssize_t got = 0; (got = ::recv(_number, text, sizeof(text), MSG_DONTWAIT)) > 0;) {
                _all.append(text, static_cast<std::size_t>(got)).append("\n");
            }
            return _all.find(words) != std::string::npos;
        });
    }
    [[nodiscard]] const std::string& all() const { return _all; }

private:
    int _number;
    std::string _all;
};

} // namespace

TEST_F(daemon_signals, a_second_one_to_end_hurries) {
    cli::child_process one = start({});
    ASSERT_TRUE(says("a", "view "));
    // Both wait until it runs again.
    one.send_signal(SIGSTOP);
    one.send_signal(SIGTERM);
    one.send_signal(SIGINT);
    one.send_signal(SIGCONT);
    EXPECT_EQ(one.wait(short_time), 0);
    EXPECT_TRUE(says("a", "leaving the cluster in order"));
    EXPECT_TRUE(says("a", "again: ending at once"));
}

TEST_F(daemon_signals, hangup_opens_the_log_file_anew) {
    const std::string file = path("daemon.log");
    cli::child_process one = start({.more = "logging {\nto_logfile: yes\nlogfile: " + file + "\n}\n"});
    ASSERT_TRUE(eventually([&] { return content_of(file).find("view ") != std::string::npos; }));
    std::filesystem::rename(file, file + ".1");
    one.send_signal(SIGHUP);
    EXPECT_TRUE(eventually([&] { return content_of(file).find("SIGHUP") != std::string::npos; }));
    EXPECT_EQ(content_of(file + ".1").find("SIGHUP"), std::string::npos);
    one.send_signal(SIGTERM);
    EXPECT_EQ(one.wait(short_time), 0);
    EXPECT_NE(content_of(file).find("left the cluster in order"), std::string::npos);
}

TEST_F(daemon_logs, go_where_and_are_as_much_as_the_configuration_says) {
    const std::string file = path("daemon.log");
    cli::child_process one = start({.more = "quorum {\ntwo_node: 1\n}\nlogging {\nto_stderr: no\ntimestamp: off\n"
                                            "to_logfile: yes\nlogfile_priority: warning\nlogfile: " +
                                            file + "\n}\n"});
    ASSERT_TRUE(eventually([&] { return content_of(file).find("quorum.two_node") != std::string::npos; }));
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(socket("a")); }));
    one.send_signal(SIGTERM);
    EXPECT_EQ(one.wait(short_time), 0);
    EXPECT_TRUE(content_of(file).starts_with("warning: ")) << content_of(file);
    EXPECT_EQ(content_of(file).find("view "), std::string::npos) << content_of(file);
    EXPECT_EQ(log("a"), "");
}

TEST_F(daemon_logs, go_to_syslog) {
    COTERIE_NEEDS_ROOT();
    datagram_socket syslog(path("syslog"));
    cli::child_process one = start(
        {.more = "logging {\nto_stderr: no\nsyslog_facility: local3\n}\n",
         .shell = "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && ln -s " + path("syslog") + " /dev/log"});
    // Facility 19 and severity 6: local3.info.
    EXPECT_TRUE(syslog.gets("<158>")) << syslog.all() << log("a");
    EXPECT_TRUE(syslog.gets("coteried[" + std::to_string(one.pid()) + "]: view ")) << syslog.all();
}

TEST_F(daemon_logs, tell_a_leave_in_order_from_a_silence) {
    cluster pair({.places = loopback_places(2), .traced = false, .more = {}});
    pair.start(0);
    pair.start(1);
    ASSERT_TRUE(pair.logs(0, "members 1 (127.0.0.1), 2 (127.0.0.2)"));
    EXPECT_EQ(pair.terminate(1), 0);
    EXPECT_TRUE(pair.logs(0, "left 2 (127.0.0.2) [in order]"));
    EXPECT_TRUE(pair.logs(0, "node 2 (127.0.0.2) leaves in order"));
    EXPECT_EQ(pair.log(0).find("is silent"), std::string::npos);
    const std::size_t told = pair.log(0).size();
    pair.start(1);
    ASSERT_TRUE(eventually([&] { return pair.log(0).find("joined 2 (127.0.0.2)", told) != std::string::npos; }));
    pair.kill(1);
    EXPECT_TRUE(pair.logs(0, "left 2 (127.0.0.2) [silent]"));
}

TEST_F(daemon_pid_file, is_there_while_it_runs_and_replaced_after_a_crash) {
    const std::string file = path("pid");
    const daemon_start how{.arguments = {"--pid-file", file}};
    cli::child_process one = start(how);
    ASSERT_TRUE(says("a", "view "));
    EXPECT_EQ(content_of(file), std::to_string(one.pid()) + "\n");
    one.kill();
    EXPECT_TRUE(std::filesystem::exists(file)) << "a killed daemon leaves it";

    cli::child_process next = start(how);
    ASSERT_TRUE(eventually([&] { return content_of(file) == std::to_string(next.pid()) + "\n"; }));
    ASSERT_TRUE(eventually([&] { return times("a", "view ") == 2; }));
    cli::child_process other = start({.name = "b", .arguments = {"--pid-file", file}});
    EXPECT_EQ(other.wait(short_time), 1);
    EXPECT_TRUE(says("b", "process " + std::to_string(next.pid())));
    EXPECT_EQ(times("b", "\n"), 1U) << log("b");

    next.send_signal(SIGTERM);
    EXPECT_EQ(next.wait(short_time), 0);
    EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(daemon_service, tells_the_service_manager_how_it_is) {
    datagram_socket manager(path("notify"));
    cli::child_process one = start({.environment = {{"NOTIFY_SOCKET", path("notify")}, {"WATCHDOG_USEC", "200000"}}});
    EXPECT_TRUE(manager.gets("READY=1")) << log("a");
    EXPECT_TRUE(manager.gets("STATUS=view ")) << manager.all();
    EXPECT_TRUE(manager.gets("WATCHDOG=1\nWATCHDOG=1\n")) << manager.all();
    one.send_signal(SIGTERM);
    EXPECT_EQ(one.wait(short_time), 0);
    EXPECT_TRUE(manager.gets("STOPPING=1")) << manager.all();
}

TEST_F(daemon_rights, that_are_missing_are_told_in_one_line_each_and_done_without) {
    COTERIE_NEEDS_ROOT();
    ASSERT_EQ(::chmod(path("").c_str(), 0777), 0);
    if (::access(built("bin/coteried").c_str(), X_OK) != 0) {
        GTEST_SKIP() << "SKIPPED: the build cannot be reached";
    }
    cli::child_process one = start({.prefix = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                               "--inh-caps=-all", "--bounding-set=-all"},
                                    .shell = "ulimit -l 64 && ulimit -r 0"});
    ASSERT_TRUE(says("a", "view "));
    EXPECT_EQ(times("a", "memory is not locked"), 1U) << log("a");
    EXPECT_EQ(times("a", "no real-time priority"), 1U) << log("a");
    one.send_signal(SIGTERM);
    EXPECT_EQ(one.wait(short_time), 0);
}

TEST_F(daemon_rights, lock_its_memory) {
    constexpr unsigned long cap_ipc_lock = 1UL << 14U;
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    const bool capable = (std::stoul(status_of("self", "CapEff"), nullptr, 16) & cap_ipc_lock) != 0;
    if ((!capable && limit.rlim_cur != RLIM_INFINITY) || !is_allowed([] {
            return ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 &&
                   std::stoul(status_of("self", "VmLck")) > 0;
        })) {
        GTEST_SKIP() << "SKIPPED: this machine lets nobody lock memory here, or the sanitizer at work does";
    }
    cli::child_process one = start({});
    ASSERT_TRUE(says("a", "view "));
    const std::string process = std::to_string(one.pid());
    const auto kib = [&](const std::string& name) { return std::stoul(status_of(process, name)); };
    EXPECT_GT(kib("VmLck"), 0U);
    EXPECT_GE(kib("VmLck"), kib("VmRSS")) << "all that is in use, at least";
    EXPECT_EQ(times("a", "memory is not locked"), 0U) << log("a");
}

TEST_F(daemon_rights, give_one_thread_real_time_priority) {
    const int highest = ::sched_get_priority_max(SCHED_RR);
    if (!is_allowed([&] {
            sched_param wanted{};
            wanted.sched_priority = highest;
            return ::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &wanted) == 0;
        })) {
        GTEST_SKIP() << "SKIPPED: this machine gives no real-time priority here";
    }
    cli::child_process one = start({});
    ASSERT_TRUE(says("a", "view "));
    EXPECT_EQ(threads_with(one.pid(), SCHED_RR, highest), 1) << "the engine's, and no other's";
    EXPECT_EQ(times("a", "no real-time priority"), 0U) << log("a");
    cli::child_process two = start({.name = "b", .more = "system {\nsched_rr: no\n}\n"});
    ASSERT_TRUE(says("b", "view "));
    EXPECT_EQ(threads_with(two.pid(), SCHED_RR, highest), 0) << "nobody wished for it";
    EXPECT_GT(threads_with(two.pid(), SCHED_OTHER, 0), 0);
}

TEST_F(daemon_without_configuration, is_a_single_node_and_says_so) {
    COTERIE_NEEDS_ROOT();
    const daemon_start how{.shell = "mount -t tmpfs none /var/lib && mount -t tmpfs none /etc && mkdir -p /etc",
                           .environment = {{"COTERIE_SOCKET", socket("a")}}};
    cli::child_process one = run(how, {built("bin/coteried"), "-f"});
    EXPECT_TRUE(says("a", "there is neither /etc/coterie/coterie.conf nor /etc/corosync/corosync.conf: running as a "
                          "single node"));
    EXPECT_TRUE(says("a", "members 1"));
    one.send_signal(SIGTERM);
    EXPECT_EQ(one.wait(short_time), 0);
}

} // namespace coterie::tests

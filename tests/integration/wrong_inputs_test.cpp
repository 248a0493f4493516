// SPDX-License-Identifier: BSD-3-Clause
// What coteried says to wrong options, wrong configurations and a machine that is not as it should be: one line that names
// the fault, and status 1. Also that a socket file that nobody listens at is no fault.
#include "tests/integration/cluster.hpp"

#include <algorithm>
#include <csignal>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace coterie::tests {

namespace {

class coteried : public testing::Test {
protected:
    struct result {
        int status = -1;
        std::string said;
    };

    /// Runs it with these arguments to its end.
    result run(std::vector<std::string> arguments) {
        const std::string output = _folder / "output";
        ::unlink(output.c_str());
        arguments.insert(arguments.begin(), built("bin/coteried"));
        auto started =
            cli::child_process::start({.command = arguments, .environment = {}, .output_file = output, .piped = false});
        EXPECT_TRUE(started);
        const int status = started->wait(milliseconds(10'000)).value_or(-1);
        return {.status = status, .said = content_of(output)};
    }

    /// A configuration with this in it, and the socket and state in the test's folder unless it says otherwise.
    std::string configured(const std::string& text, const std::string& system = {}) {
        const std::string file = _folder / "conf";
        write_file(file, text + "system {\nsocket_path: " + (_folder / "sock") + "\nstate_dir: " + (_folder / "state") +
                             "\n" + system + "}\n");
        return file;
    }

    /// It ends with status 1 and says one line with all of these words.
    void expect_refused(const std::string& file, const std::vector<std::string>& words,
                        std::vector<std::string> more = {}) {
        more.insert(more.begin(), {"-f", "-c", file});
        const result got = run(more);
        EXPECT_EQ(got.status, 1) << got.said;
        EXPECT_EQ(std::count(got.said.begin(), got.said.end(), '\n'), 1) << got.said;
        for (const std::string& each : words) {
            EXPECT_NE(got.said.find(each), std::string::npos) << "'" << each << "' is not in: " << got.said;
        }
    }

    [[nodiscard]] const temporary_folder& folder() const { return _folder; }

    /// Where a file system without room is for start_with_full_disk().
    void make_full_disk() {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "SKIPPED: a small file system needs root";
        }
        ASSERT_EQ(::mkdir(full().c_str(), 0700), 0);
    }
    [[nodiscard]] std::string full() const { return _folder / "full"; }
    [[nodiscard]] std::string said() const { return _folder / "output-full"; }
    cli::child_process start_with_full_disk(const std::string& file, const std::vector<std::string>& more = {}) {
        ::unlink(said().c_str());
        std::vector<std::string> command{"/usr/bin/unshare",
                                         "--mount",
                                         "--propagation",
                                         "private",
                                         "/bin/sh",
                                         "-c",
                                         "mount -t tmpfs -o size=4k none " + full() + " && echo full >" + full() +
                                             "/full && exec \"$@\"",
                                         "sh",
                                         built("bin/coteried"),
                                         "-f",
                                         "-c",
                                         file};
        command.insert(command.end(), more.begin(), more.end());
        auto started =
            cli::child_process::start({.command = command, .environment = {}, .output_file = said(), .piped = false});
        EXPECT_TRUE(started);
        return std::move(*started);
    }

private:
    temporary_folder _folder;
};

/// The process that listens at a socket; 0 if none does.
pid_t listener_of(const std::string& path) {
    const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    path.copy(where.sun_path, sizeof(where.sun_path) - 1);
    ucred found{};
    socklen_t size = sizeof(found);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&where), sizeof(where)) == 0) {
        ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &found, &size);
    }
    ::close(socket);
    return found.pid;
}

const std::string two_nodes = "nodelist {\n"
                              "  node {\n    nodeid: 1\n    ring0_addr: 127.0.0.1\n  }\n"
                              "  node {\n    nodeid: 2\n    ring0_addr: 127.0.0.2\n  }\n"
                              "}\n";

} // namespace

TEST_F(coteried, shows_its_version_and_its_options) {
    const result version = run({"-v"});
    EXPECT_EQ(version.status, 0);
    EXPECT_TRUE(version.said.starts_with("coteried ")) << version.said;
    EXPECT_NE(run({"-h"}).said.find("--node"), std::string::npos);
}

TEST_F(coteried, refuses_unknown_options) {
    for (const std::vector<std::string>& wrong : {std::vector<std::string>{"-x"},
                                                  {"--nodes", "1"},
                                                  {"-c"},
                                                  {"--node", "none"},
                                                  {"--node", "0"},
                                                  {"-l", "pid"},
                                                  {"surplus"}}) {
        const result got = run(wrong);
        EXPECT_EQ(got.status, 1) << wrong.front();
        EXPECT_EQ(std::count(got.said.begin(), got.said.end(), '\n'), 1) << got.said;
    }
}

TEST_F(coteried, tests_a_configuration) {
    const std::string good = configured("totem {\n  version: 2\n}\n" + two_nodes);
    EXPECT_EQ(run({"-t", "-c", good}).status, 0);
    const std::string bad = configured("totem {\n  version: 3\n}\n");
    const result got = run({"-t", "-c", bad});
    EXPECT_EQ(got.status, 1);
    EXPECT_NE(got.said.find(bad + ":2: totem.version: "), std::string::npos) << got.said;
}

TEST_F(coteried, tells_everything_that_is_wrong_at_once) {
    const std::string bad = configured("totem {\n  version: 3\n  token: soon\n  crypto_hash: sha3\n}\n"
                                       "nodelist {\n  node {\n    nodeid: 0\n  }\n}\nnonsense\n");
    const result got = run({"-t", "-c", bad});
    EXPECT_EQ(got.status, 1);
    for (const std::string place : {":2: totem.version: ", ":3: totem.token: ", ":4: totem.crypto_hash: ",
                                    ":7: nodelist.node: ", ":8: nodelist.node.nodeid: ", ":11: "}) {
        EXPECT_NE(got.said.find(bad + place), std::string::npos) << place << " is not in:\n" << got.said;
    }
}

TEST_F(coteried, names_file_line_and_key) {
    expect_refused(folder() / "missing", {folder() / "missing", "cannot be read"});
    expect_refused(folder().path(), {folder().path(), "cannot be read", "it is a folder"});
    expect_refused(configured("totem {\n\n  token: soon\n}\n"), {"conf:3: totem.token: 'soon'", "token: 1000"});
    expect_refused(configured("totem {\n  interface {\n    mcastport: 70000\n  }\n}\n"),
                   {"conf:3: totem.interface.mcastport: '70000'"});
    const std::string on_network = "nodelist {\nnode {\nnodeid: 1\nring0_addr: 127.0.0.1\n}\n}\n";
    expect_refused(configured("totem {\n  crypto_cipher: aes256\n  keyfile: /nowhere/key\n}\n" + on_network),
                   {"key file /nowhere/key cannot be read", "coterie keygen"});
    expect_refused(configured("totem {\n  secauth: on\n  key: short\n}\n" + on_network),
                   {"conf:3: totem.key", "has 5 characters"});
    expect_refused(configured("totem {\n  secauth: on\n  key: " + std::string(128, 'k') + "\n}\n" + on_network),
                   {"holds a key (totem.key) and can be read or written by others", "chmod"});
    expect_refused(configured("totem {\n  version 2\n}\n"), {"conf:2: "});
    expect_refused(configured("nodelist {\n  node {\n    ring0_addr: 127.0.0.1\n    name: a\n  }\n}\n", ""),
                   {"conf:2: nodelist.node", "nodeid"});
}

TEST_F(coteried, needs_a_configuration_that_it_may_read) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "SKIPPED: to become somebody else needs root";
    }
    ASSERT_EQ(::chmod(folder().path().c_str(), 0755), 0);
    const std::string file = configured("");
    ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
    if (::access(built("bin/coteried").c_str(), X_OK) != 0) {
        GTEST_SKIP() << "SKIPPED: the build cannot be reached";
    }
    const std::string output = folder() / "output-nobody";
    auto started = cli::child_process::start({.command = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534",
                                                          "--clear-groups", built("bin/coteried"), "-f", "-c", file},
                                              .environment = {},
                                              .output_file = output,
                                              .piped = false});
    ASSERT_TRUE(started);
    EXPECT_EQ(started->wait(milliseconds(10'000)), 1);
    EXPECT_EQ(content_of(output), "coteried: " + file + ": this file cannot be read: Permission denied\n");
}

TEST_F(coteried, refuses_what_contradicts_itself) {
    const auto nodes = [](const std::string& second) {
        return "nodelist {\n  node {\n    nodeid: 1\n    ring0_addr: 127.0.0.1\n    name: a\n  }\n  node {\n" + second +
               "  }\n}\n";
    };
    expect_refused(configured(nodes("    nodeid: 1\n    ring0_addr: 127.0.0.2\n")),
                   {"conf:8: nodelist.node.nodeid", "two nodes have the nodeid 1", "line 3"}, {"--node", "1"});
    expect_refused(configured(nodes("    nodeid: 2\n    ring0_addr: 127.0.0.1\n")),
                   {"conf:9: nodelist.node.ring0_addr", "two nodes have the address 127.0.0.1"}, {"--node", "1"});
    expect_refused(configured(nodes("    nodeid: 2\n    ring0_addr: 127.0.0.2\n    name: a\n")),
                   {"conf:10: nodelist.node.name", "two nodes have the name a"}, {"--node", "1"});
    // Two names of one address show when they have been resolved.
    expect_refused(configured(nodes("    nodeid: 2\n    ring0_addr: localhost\n") + "totem {\nip_version: ipv4\n}\n"),
                   {"conf:9: nodelist.node.ring0_addr", "another node's address"}, {"--node", "1"});
    expect_refused(configured("logging {\n  to_logfile: yes\n}\n"), {"conf:2: logging.to_logfile"});
    expect_refused(configured("}\n"), {"conf:1: this } closes no section"});
}

TEST_F(coteried, warns_of_unknown_keys_and_goes_on) {
    const result got = run({"-t", "-c", configured("totem {\n  tokn: 3000\n}\nlogging {\n  nonsense: 1\n}\n")});
    EXPECT_EQ(got.status, 0) << got.said;
    EXPECT_NE(got.said.find("warning: " + (folder() / "conf") + ":2: totem.tokn: is not known; is totem.token meant?"),
              std::string::npos)
        << got.said;
    EXPECT_NE(got.said.find(":5: logging.nonsense"), std::string::npos) << got.said;
}

TEST_F(coteried, has_to_find_itself) {
    const std::string elsewhere = "nodelist {\n"
                                  "  node {\n    nodeid: 1\n    ring0_addr: 203.0.113.201\n  }\n"
                                  "  node {\n    nodeid: 2\n    ring0_addr: 203.0.113.202\n  }\n"
                                  "}\n";
    expect_refused(configured(elsewhere), {"no node is this machine", "--node ID"});
    expect_refused(configured(two_nodes), {"nodeid 7"}, {"--node", "7"});
}

TEST_F(coteried, says_when_an_address_cannot_be_used) {
    expect_refused(configured("nodelist {\n  node {\n    nodeid: 1\n    ring0_addr: 203.0.113.201\n  }\n}\n"),
                   {"203.0.113.201:5405", "Cannot assign"}, {"--node", "1"});
    expect_refused(configured("nodelist {\n  node {\n    nodeid: 1\n    ring0_addr: no.such.host.invalid\n  }\n}\n"),
                   {"ring0_addr", "no.such.host.invalid"}, {"--node", "1"});
    expect_refused(configured("nodelist {\n"
                              "  node {\n    nodeid: 1\n    ring0_addr: 127.0.0.1\n  }\n"
                              "  node {\n    nodeid: 2\n    ring0_addr: ::1\n  }\n"
                              "}\n"),
                   {"ring0_addr", "all addresses of one link are of one kind"}, {"--node", "1"});
}

TEST_F(coteried, says_when_its_folders_cannot_be_used) {
    expect_refused(configured("", "state_dir: /dev/null/state\n"), {"state_dir /dev/null/state"});
    expect_refused(configured("", "state_dir: /dev/null\n"), {"state_dir /dev/null", "Not a directory"});
    expect_refused(configured("", "socket_path: " + folder().path() + "\n"),
                   {"socket " + folder().path(), "something that is no socket stands there"});
    const std::string long_path = "/tmp/" + std::string(150, 'a');
    expect_refused(configured("", "socket_path: " + long_path + "\n"), {"socket " + long_path, "too long"});
    expect_refused(configured("", "socket_path: sock\n"), {"conf:4: system.socket_path: 'sock' is not a full path"});
    expect_refused(configured("", "trace_file: " + folder().path() + "\n"), {"trace_file", "Is a directory"});
    expect_refused(configured("logging {\n  to_logfile: yes\n  logfile: " + folder().path() + "\n}\n"),
                   {"logging.logfile", "Is a directory"});
    const std::string link = folder() / "link";
    ASSERT_EQ(::symlink("/etc/passwd", link.c_str()), 0);
    expect_refused(configured(""), {"pid file " + link, "it is a symbolic link"}, {"--pid-file", link});
    expect_refused(configured("", "socket_path: /dev/null/sock\n"), {"socket /dev/null/sock"});
    expect_refused(configured("", "trace_file: /dev/null/trace\n"), {"system.trace_file /dev/null/trace"});
    // A pipe that nobody reads kept the daemon from starting, without a word.
    const std::string pipe = folder().path() + "/pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    expect_refused(configured("logging {\n  to_logfile: yes\n  logfile: " + pipe + "\n}\n"), {"logging.logfile", pipe});
    expect_refused(configured("logging {\n  to_logfile: yes\n  logfile: /dev/null/log\n}\n"),
                   {"logging.logfile /dev/null/log", "Not a directory"});
    expect_refused(configured(""), {"pid file /dev/null/pid", "Not a directory"}, {"--pid-file", "/dev/null/pid"});
}

TEST_F(coteried, does_not_start_where_a_full_disk_takes_nothing) {
    ASSERT_NO_FATAL_FAILURE(make_full_disk());
    const auto refused = [&](const std::string& file, const std::vector<std::string>& more = {}) {
        cli::child_process started = start_with_full_disk(file, more);
        EXPECT_EQ(started.wait(milliseconds(10'000)), 1);
        return content_of(said());
    };
    EXPECT_EQ(refused(configured("", "state_dir: " + full() + "\n")),
              "coteried: state_dir " + full() + " cannot be written to: No space left on device\n");
    EXPECT_EQ(refused(configured("", "trace_file: " + full() + "/trace\n")),
              "coteried: system.trace_file " + full() + "/trace cannot be written to: No space left on device\n");
    EXPECT_EQ(refused(configured(""), {"--pid-file", full() + "/pid"}),
              "coteried: pid file " + full() + "/pid cannot be written: No space left on device\n");
}

TEST_F(coteried, starts_without_room_for_its_log_file_and_says_so) {
    ASSERT_NO_FATAL_FAILURE(make_full_disk());
    // The log is no reason to have no cluster.
    cli::child_process started =
        start_with_full_disk(configured("logging {\nto_stderr: no\nto_logfile: yes\nlogfile: " + full() + "/log\n}\n"));
    EXPECT_TRUE(eventually([&] { return listener_of(folder() / "sock") != 0; })) << content_of(said());
    started.send_signal(SIGTERM);
    EXPECT_EQ(started.wait(milliseconds(10'000)), 0);
    EXPECT_EQ(content_of(said()),
              "coteried: logging.logfile " + full() +
                  "/log cannot be written to: No space left on device; lines will be missing there\n");
}

TEST_F(coteried, refuses_a_socket_and_a_state_that_are_in_use) {
    cluster running(cluster_options{});
    running.start(0);
    const std::string same_socket = folder() / "same-socket";
    write_file(same_socket,
               "system {\nsocket_path: " + running.socket(0) + "\nstate_dir: " + (folder() / "state") + "\n}\n");
    expect_refused(same_socket, {running.socket(0), "another daemon listens there"});
    const std::string same_state = folder() / "same-state";
    write_file(same_state, "system {\nsocket_path: " + (folder() / "sock") + "\nstate_dir: " + running.folder().path() +
                               "/state1\n}\n");
    expect_refused(same_state, {"state1", "in use by another daemon"});
}

TEST_F(coteried, replaces_the_socket_of_a_dead_daemon) {
    cluster restarted(cluster_options{});
    restarted.start(0);
    restarted.kill(0);
    struct stat facts{};
    ASSERT_EQ(::stat(restarted.socket(0).c_str(), &facts), 0) << "a killed daemon leaves its socket";
    restarted.start(0);
    EXPECT_EQ(restarted.terminate(0), 0);
    EXPECT_NE(::stat(restarted.socket(0).c_str(), &facts), 0) << "one that ends in order does not";
}

TEST_F(coteried, leaves_a_file_alone_that_is_no_socket) {
    write_file(folder() / "sock", "precious");
    expect_refused(configured(""), {folder() / "sock"});
    EXPECT_EQ(content_of(folder() / "sock"), "precious");
}

TEST_F(coteried, ends_in_order_when_asked_to) {
    for (const int signal : {SIGTERM, SIGINT}) {
        cluster one(cluster_options{});
        one.start(0);
        one.daemon(0).send_signal(signal);
        EXPECT_EQ(one.daemon(0).wait(milliseconds(6'000)), 0);
    }
}

TEST_F(coteried, goes_into_the_background_once_it_serves) {
    const std::string file = configured("");
    const result got = run({"-c", file});
    EXPECT_EQ(got.status, 0) << got.said;
    // It serves now; who it is tells the lock on its state.
    const result second = run({"-c", file});
    EXPECT_EQ(second.status, 1);
    EXPECT_NE(second.said.find("in use by another daemon"), std::string::npos) << second.said;
    const pid_t background = listener_of(folder() / "sock");
    ASSERT_GT(background, 1);
    ASSERT_NE(background, ::getpid());
    ::kill(background, SIGTERM);
    EXPECT_TRUE(eventually([&] { return listener_of(folder() / "sock") == 0; }));
}

} // namespace coterie::tests

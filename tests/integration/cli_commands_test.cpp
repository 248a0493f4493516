// SPDX-License-Identifier: BSD-3-Clause
// The commands of an operator on real daemons: what they show, what they carry, and what they say when something is wrong.
#include "tests/integration/cluster.hpp"
#include "tests/integration/cpg_client.hpp"

#include <algorithm>
#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace coterie::tests {

namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr milliseconds patience{15'000};

struct outcome {
    int status = -1;
    std::string output;
    std::string errors;
};

/// The names in the first column of a document's tables.
std::vector<std::string> fields_of_rows(const std::string& document) {
    std::vector<std::string> result;
    std::istringstream in(document);
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("| `")) {
            continue;
        }
        std::istringstream cell(line.substr(0, line.find(" |", 1)));
        std::string word;
        for (bool name = false; std::getline(cell, word, '`'); name = !name) {
            if (name) {
                result.push_back(word);
            }
        }
    }
    return result;
}

/// Whether a report has a field: "a.b", "a[].b" in some element, "a.*" with something in it.
bool has_field(const json& report, const std::string& name) {
    const std::size_t dot = name.find('.');
    std::string first = name.substr(0, dot);
    const std::string rest = dot == std::string::npos ? "" : name.substr(dot + 1);
    if (first == "*") {
        return report.is_object() && !report.empty();
    }
    const bool list = first.ends_with("[]");
    first.resize(first.size() - (list ? 2 : 0));
    if (!report.is_object() || !report.contains(first)) {
        return false;
    }
    const json& field = report[first];
    if (rest.empty()) {
        return true;
    }
    return list ? std::ranges::any_of(field, [&](const json& each) { return has_field(each, rest); })
                : has_field(field, rest);
}

/// Two daemons, of which both run; packets are encrypted.
class command_line : public testing::Test {
protected:
    command_line() {
        _cluster.start(0);
        _cluster.start(1);
        ::setenv("COTERIE_SOCKET", _cluster.socket(0).c_str(), 1);
    }

    /// `coterie WORDS`, as a shell reads them, which may also say where the input comes from.
    outcome run(const std::string& words, std::size_t place = 0) {
        cli::child_process started = start(words, place);
        const auto status = started.wait(patience);
        EXPECT_TRUE(status) << words << " does not end";
        return {.status = status.value_or(-1), .output = content_of(out()), .errors = content_of(err())};
    }

    cli::child_process start(const std::string& words, std::size_t place = 0) {
        const std::string script = "exec " + built("bin/coterie") + " >" + out() + " 2>" + err() + " " + words;
        auto started = cli::child_process::start(_cluster.client(place, {"/bin/sh", "-c", script}));
        EXPECT_TRUE(started);
        return std::move(*started);
    }

    /// Sends to the member's group, and takes nothing, until the group is paused.
    bool fill(cpg_client& member) {
        const std::string text(20'000, 'x');
        return eventually([&] {
            while (member.send(text) == CS_OK) {
            }
            return !status()["groups"]["paused"].empty();
        });
    }

    json status() { return json::parse(run("status --json").output); }
    /// Both daemons are in one view.
    void meet() {
        ASSERT_TRUE(eventually([&] { return status()["view"]["members"].size() == 2; }));
    }

    std::string out() const { return _cluster.folder() / "out"; }
    std::string err() const { return _cluster.folder() / "err"; }
    cluster& daemons() { return _cluster; }

private:
    /// Where a key of the cluster is.
    std::string key_file() const {
        std::string file = _keys / "key";
        write_file(file, std::string(256, 'k'));
        ::chmod(file.c_str(), S_IRUSR);
        return file;
    }

    temporary_folder _keys;
    cluster _cluster{cluster_options{.places = loopback_places(2),
                                     .traced = false,
                                     .more = "totem {\n  secauth: on\n  keyfile: " + key_file() + "\n}\n"}};
};

TEST_F(command_line, names_who_keeps_others_waiting) {
    meet();
    cpg_client member;
    ASSERT_EQ(member.open(), CS_OK);
    ASSERT_EQ(member.join("fruit"), CS_OK);
    ASSERT_TRUE(fill(member));
    const std::string text = run("status").output;
    EXPECT_THAT(text, AllOf(HasSubstr("Paused  group fruit waits for " + self() + "\n"),
                            HasSubstr("Slow    process " + std::to_string(::getpid()) + " of group fruit: ")));
    EXPECT_EQ(status()["groups"]["paused"][0]["name"], "fruit");
    EXPECT_TRUE(run("status", 1).output.contains("Paused  group fruit waits for " + self() + "\n")) << "on every node";
}

TEST_F(command_line, shows_members_groups_and_links_to_people) {
    meet();
    cpg_client member;
    ASSERT_EQ(member.open(), CS_OK);
    ASSERT_EQ(member.join("fruit"), CS_OK);
    ASSERT_TRUE(member.see(1));
    const outcome shown = run("status");
    EXPECT_EQ(shown.status, 0);
    EXPECT_THAT(shown.output, AllOf(HasSubstr("cluster test"), HasSubstr(": operational, 2 members\n"),
                                    HasSubstr("  fruit          1  " + self() + "\n"), HasSubstr("127.0.0.2:"),
                                    HasSubstr("both ways")));
    EXPECT_EQ(shown.errors, "");
}

TEST_F(command_line, gives_programs_the_documented_fields) {
    meet();
    cpg_client member;
    ASSERT_EQ(member.open(), CS_OK);
    ASSERT_EQ(member.join("fruit"), CS_OK);
    ASSERT_TRUE(member.see(1));
    cpg_client odd;
    ASSERT_EQ(odd.open(), CS_OK);
    ASSERT_EQ(odd.join("odd \xff"), CS_OK);
    ASSERT_TRUE(odd.see(1));
    // Somebody who does not take what is sent to it.
    ASSERT_TRUE(fill(member));
    json told;
    ASSERT_TRUE(eventually([&] {
        told = status();
        return told["links"][0]["round_trip_us"].is_number();
    }));
    EXPECT_EQ(told["groups"]["list"][0]["name"], "fruit");
    EXPECT_EQ(told["groups"]["list"][0]["members"][0], (json{{"node", 1}, {"pid", ::getpid()}}));

    // Every field is in docs/status.md, and every field that is there exists.
    const std::string document = content_of(std::string(COTERIE_SOURCE_DIR) + "/docs/status.md");
    const std::vector<std::string> rows = fields_of_rows(document);
    EXPECT_GT(rows.size(), 50U);
    for (const std::string& name : rows) {
        EXPECT_TRUE(has_field(told, name)) << name << " is documented and not there";
    }
    EXPECT_FALSE(has_field(told, "view.nothing"));
    EXPECT_FALSE(has_field(told, "groups.list[].members[].nothing"));
    EXPECT_FALSE(has_field(told, "counters.nothing.*"));
    const json flat = told.flatten();
    for (const auto& [path, value] : flat.items()) {
        std::string name;
        std::istringstream parts(path);
        for (std::string part; std::getline(parts, part, '/');) {
            if (!part.empty()) {
                name = part.find_first_not_of("0123456789") == std::string::npos ? name + "[]" : name + "." + part;
            }
        }
        const std::string by_kind = name.substr(0, name.rfind('.'));
        EXPECT_TRUE(document.find("`" + name.substr(1) + "`") != std::string::npos ||
                    document.find("`" + by_kind.substr(1) + ".*`") != std::string::npos)
            << name << " is not documented";
    }
}

TEST_F(command_line, draws_the_status_again_and_again) {
    cli::child_process watching = start("status --json --watch 0.1");
    const auto lines = [&] {
        std::istringstream in(content_of(out()));
        std::vector<json> result;
        for (std::string line; std::getline(in, line) && !in.eof();) {
            result.push_back(json::parse(line));
        }
        return result;
    };
    ASSERT_TRUE(eventually([&] { return lines().size() >= 3; }));
    EXPECT_GT(lines()[2]["daemon"]["uptime_ms"], lines()[0]["daemon"]["uptime_ms"]);
    watching.send_signal(SIGINT);
    EXPECT_EQ(watching.wait(patience), 128 + SIGINT);
}

TEST_F(command_line, watches_a_daemon_through_its_restart) {
    cli::child_process watching = start("status --json --watch 0.1");
    ASSERT_TRUE(eventually([&] { return content_of(out()) != ""; }));
    const std::string before = json::parse(run("status --json").output)["daemon"]["pid"].dump();
    watching = start("status --json --watch 0.1");
    ASSERT_TRUE(eventually([&] { return content_of(out()).find("\"pid\":" + before) != std::string::npos; }));
    EXPECT_EQ(daemons().terminate(0), 0);
    ASSERT_TRUE(eventually([&] { return content_of(err()).find("coterie: ") != std::string::npos; }));
    daemons().start(0);
    const std::string after = std::to_string(daemons().daemon(0).pid());
    EXPECT_TRUE(eventually([&] { return content_of(out()).find("\"pid\":" + after) != std::string::npos; }));
}

TEST_F(command_line, lists_groups_and_the_processes_of_one) {
    EXPECT_EQ(run("groups").output, "There are no groups.\n");
    cpg_client fruit;
    cpg_client grain;
    for (auto [client, name] : {std::pair(&fruit, "fruit"), std::pair(&grain, "grain")}) {
        ASSERT_EQ(client->open(), CS_OK);
        ASSERT_EQ(client->join(name), CS_OK);
        ASSERT_TRUE(client->see(1));
    }
    EXPECT_THAT(run("groups").output, AllOf(HasSubstr("fruit"), HasSubstr("grain"), HasSubstr(self())));
    EXPECT_EQ(run("groups --names").output, "fruit\ngrain\n");
    EXPECT_EQ(json::parse(run("groups --json").output).size(), 2U);
    EXPECT_THAT(run("groups grain").output, HasSubstr(std::to_string(::getpid())));
    const outcome none = run("groups nuts");
    EXPECT_EQ(none.status, 1);
    EXPECT_THAT(none.errors, HasSubstr("no process is in a group 'nuts'; `coterie groups` lists"));
}

TEST_F(command_line, puts_a_group_into_a_pipe) {
    const outcome one = run("cat fruit <<'END'\napples\n\npears \033[31m\nEND");
    EXPECT_EQ(one.status, 0);
    EXPECT_THAT(one.output, MatchesRegex("1/[0-9]+: apples\n1/[0-9]+: \n1/[0-9]+: pears \\\\x1b\\[31m\n"));
    EXPECT_THAT(one.errors, MatchesRegex("\\* 1/[0-9]+ joined; members: 1/[0-9]+\n\\* 1/[0-9]+ left; members: none\n"));
    EXPECT_EQ(run("cat --no-sender fruit </dev/null").output, "");
    EXPECT_EQ(run("cat --no-sender fruit <<'END'\nplums\nEND").output, "plums\n");
}

TEST_F(command_line, carries_any_bytes_from_pipe_to_pipe_across_the_cluster) {
    meet();
    std::string bytes;
    for (int i = 0; i < 300'000; ++i) {
        bytes += static_cast<char>(i * 7 + i / 251);
    }
    bytes += std::string(2'000'000, 'x'); // a line that takes several messages, and the last has no end
    const std::string file = daemons().folder() / "bytes";
    const std::string received = daemons().folder() / "received";
    write_file(file, bytes);
    auto listening = cli::child_process::start(daemons().client(
        1, {"/bin/sh", "-c", "exec " + built("bin/coterie") + " cat --raw --listen bulk >" + received + " 2>&2"}));
    ASSERT_TRUE(listening);
    ASSERT_TRUE(eventually([&] { return run("groups --names").output == "bulk\n"; }));
    const outcome sent = run("cat --raw bulk <" + file);
    EXPECT_EQ(sent.status, 0) << sent.errors;
    EXPECT_TRUE(sent.output == bytes) << "what a member sends it receives itself";
    EXPECT_TRUE(eventually([&] { return content_of(received) == bytes; }));
    listening->send_signal(SIGTERM);
    EXPECT_EQ(listening->wait(patience), 128 + SIGTERM);
    EXPECT_TRUE(eventually([&] { return run("groups --names").output.empty(); })) << "it has left in order";
}

TEST_F(command_line, says_what_to_try_when_there_is_no_daemon) {
    for (const std::string command : {"status", "groups", "cat fruit"}) {
        const outcome none = run(command + " --socket /nowhere/sock </dev/null");
        EXPECT_EQ(none.status, 1);
        EXPECT_EQ(none.output, "");
        EXPECT_THAT(none.errors, AllOf(HasSubstr("coterie: no daemon runs here: there is no socket /nowhere/sock"),
                                       HasSubstr("systemctl start coteried"), HasSubstr("COTERIE_SOCKET")));
    }
    EXPECT_THAT(run("status --socket /etc/passwd").errors, HasSubstr("/etc/passwd is not a socket"));
    daemons().kill(0);
    EXPECT_THAT(run("status").errors, HasSubstr("no daemon listens at " + daemons().socket(0)));
}

TEST_F(command_line, says_who_may_use_a_daemon_to_those_who_may_not) {
    const passwd* const nobody = ::getpwnam("nobody");
    if (::geteuid() != 0 || nobody == nullptr) {
        GTEST_SKIP() << "needs root to become somebody else";
    }
    ASSERT_EQ(::chmod(daemons().folder().path().c_str(), 0755), 0);
    auto started = cli::child_process::start(daemons().client(
        0, {"/bin/sh", "-c",
            "exec setpriv --reuid nobody --clear-groups " + built("bin/coterie") + " status 2>" + err()}));
    ASSERT_TRUE(started);
    EXPECT_EQ(started->wait(patience), 1);
    EXPECT_THAT(content_of(err()),
                AllOf(HasSubstr("nobody may not use the daemon at " + daemons().socket(0)), HasSubstr("uid: nobody")));
}

TEST_F(command_line, refuses_wrong_words_in_one_line_that_names_the_help) {
    const std::pair<const char*, const char*> cases[] = {
        {"", "coterie: A subcommand is required; see coterie --help\n"},
        {"stats", "coterie: there is no command 'stats'; see coterie --help\n"},
        {"cat", "coterie: GROUP is required; see coterie cat --help\n"},
        {"-x", "coterie: there is no option '-x'; see coterie --help\n"},
        {"status --jsn", "coterie: there is no option '--jsn'; see coterie status --help\n"},
        {"cat --jsn", "coterie: there is no option '--jsn'; see coterie cat --help\n"},
        {"groups a b", "coterie: The following argument was not expected: b; see coterie groups --help\n"},
        {"completion fish", "coterie: SHELL: fish not in {bash,zsh}; see coterie completion --help\n"},
        {"status --watch soon",
         "coterie: --watch: 'soon' is not a number from 0.1 to 86400; see coterie status --help\n"},
        {"sim --seed -1",
         "coterie: --seed: '-1' is not a whole number from 0 to 18446744073709551615; see coterie sim --help\n"},
        {"sim --count 1e3",
         "coterie: --count: '1e3' is not a whole number from 1 to 1000000000; see coterie sim --help\n"},
    };
    for (const auto& [words, line] : cases) {
        const outcome refused = run(words);
        EXPECT_EQ(refused.status, 2) << words;
        EXPECT_EQ(refused.errors, line);
    }
    const outcome no_schedule = run("sim --schedule nope");
    EXPECT_EQ(no_schedule.status, 2);
    EXPECT_EQ(no_schedule.errors, "coterie: there is no schedule 'nope'; there are:\n");
    EXPECT_THAT(no_schedule.output, HasSubstr("swarm"));
    const outcome empty_name = run("groups ''");
    EXPECT_EQ(empty_name.status, 1);
    EXPECT_THAT(empty_name.errors, HasSubstr("no process is in a group ''"));
    const outcome long_name = run("cat " + std::string(129, 'x'));
    EXPECT_EQ(long_name.status, 1);
    EXPECT_THAT(long_name.errors, HasSubstr("1 to 128 bytes"));
}

TEST_F(command_line, says_what_is_wrong_with_a_file_in_one_line) {
    const std::string folder = daemons().folder().path();
    write_file(folder + "/empty", "");
    write_file(folder + "/binary", std::string("\033]0;title\a\xff\0junk\n", 17));
    const std::pair<std::string, std::string> cases[] = {
        {"check /nowhere/trace", "coterie: /nowhere/trace: cannot be read: No such file or directory\n"},
        {"check " + folder, "coterie: " + folder + ": cannot be read: Is a directory\n"},
        {"check " + folder + "/empty", "coterie: there are no events in " + folder + "/empty\n"},
        {"check " + folder + "/binary",
         "coterie: " + folder + "/binary:1: not an event: \\x1b]0;title\\x07\\xff\\x00junk\n"},
        {"sim --plan /nowhere/plan", "coterie: /nowhere/plan: cannot be read: No such file or directory\n"},
        {"sim --plan " + folder, "coterie: " + folder + ": cannot be read: Is a directory\n"},
        {"sim --plan " + folder + "/binary",
         "coterie: " + folder + "/binary: the first line of a plan is 'coterie-plan 1'\n"},
        {"sim --html /nowhere/page --seconds 0.01 --nodes 2", "coterie: cannot write /nowhere/page\n"},
        {"demo /nowhere/text", "coterie: /nowhere/text cannot be read or has no lines to send\n"},
        {"demo " + folder, "coterie: " + folder + " cannot be read or has no lines to send\n"},
    };
    for (const auto& [words, line] : cases) {
        const outcome refused = run(words);
        EXPECT_EQ(refused.status, words.starts_with("demo") ? 1 : 2) << words;
        EXPECT_EQ(refused.errors, line);
    }
}

TEST_F(command_line, does_not_end_well_when_its_output_cannot_be_written) {
    for (const std::string words : {"status", "groups", "version", "completion bash", "sim --list"}) {
        auto started = cli::child_process::start(daemons().client(
            0, {"/bin/sh", "-c", "exec " + built("bin/coterie") + " " + words + " >/dev/full 2>" + err()}));
        ASSERT_TRUE(started);
        EXPECT_EQ(started->wait(patience), 1) << words;
        EXPECT_EQ(content_of(err()), "coterie: standard output cannot be written to\n") << words;
    }
}

TEST_F(command_line, says_that_the_daemon_died_amid_a_command) {
    cli::child_process listening = start("cat --listen fruit");
    ASSERT_TRUE(eventually([&] { return content_of(err()).find("joined") != std::string::npos; })) << content_of(err());
    daemons().kill(0);
    EXPECT_EQ(listening.wait(patience), 1);
    EXPECT_THAT(content_of(err()), HasSubstr("\ncoterie: the daemon has gone; what was sent last"));
}

TEST_F(command_line, takes_nobody_else_for_a_daemon) {
    // A folder, a file, and sockets at which somebody else listens.
    const std::string folder = daemons().folder().path();
    for (const std::string& path : {folder, folder + "/conf1"}) {
        const outcome none = run("status --socket " + path);
        EXPECT_EQ(none.status, 1);
        EXPECT_THAT(none.errors, HasSubstr("coterie: " + path + " is not a socket\n"));
    }
    for (const int kind : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
        const std::string path = folder + "/other" + std::to_string(kind);
        const int listener = ::socket(AF_UNIX, kind | SOCK_CLOEXEC, 0);
        sockaddr_un where{};
        where.sun_family = AF_UNIX;
        path.copy(where.sun_path, sizeof(where.sun_path) - 1);
        ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&where), sizeof(where)), 0);
        if (kind != SOCK_DGRAM) {
            ASSERT_EQ(::listen(listener, 8), 0);
        }
        cli::child_process asking = start("status --socket " + path);
        if (kind == SOCK_SEQPACKET) {
            // The only kind that it gets through to: an answer that is none.
            const int peer = ::accept(listener, nullptr, nullptr);
            ASSERT_EQ(::send(peer, "nonsense", 8, 0), 8);
            EXPECT_EQ(asking.wait(patience), 1);
            ::close(peer);
        } else {
            EXPECT_EQ(asking.wait(patience), 1);
        }
        EXPECT_THAT(content_of(err()), HasSubstr("coterie: no daemon listens at " + path + "\n"));
        ::close(listener);
    }
}

TEST_F(command_line, measures_a_little_of_everything) {
    const outcome tour = run("bench --seconds 0.05");
    EXPECT_EQ(tour.status, 0) << tour.errors;
    for (const char* const what : {"the daemon, before ", "64 B ", "1 MB ", "100 groups", "one at a time",
                                   "1,000 a second", "connect, join, leave", "the daemon, afterwards"}) {
        EXPECT_THAT(tour.output, HasSubstr(what));
    }
    EXPECT_THAT(tour.output, HasSubstr("\nEvery message came whole, once and in order.\n"));
}

TEST_F(command_line, measures_several_clients_on_two_daemons_whose_members_all_see_the_same) {
    meet();
    auto other =
        start("bench flood --json --whole --clients 2 --members 4 --senders 2 --count 500 --listen >/dev/null", 1);
    const outcome measured = run("bench flood --json --whole --clients 2 --members 4 --senders 2 --count 500");
    ASSERT_EQ(measured.status, 0) << measured.errors;
    EXPECT_EQ(other.wait(patience), 0);
    const json told = json::parse(measured.output);
    EXPECT_EQ(told["sent"], 500);
    EXPECT_EQ(told["received"], 1'000);
    EXPECT_GT(told["slowest_messages_per_second"], 0);
}

TEST_F(command_line, measures_many_groups_latency_joins_and_crowds) {
    const json groups = json::parse(run("bench flood --json --groups 20 --count 1000 --clients 2").output);
    EXPECT_EQ(groups["received"], 1'000);
    const json paced = json::parse(run("bench latency --json --rate 1000 --count 50").output)["latency_us"];
    EXPECT_EQ(paced["count"], 50);
    EXPECT_LE(paced["p50"], paced["max"]);
    const json single = json::parse(run("bench latency --json --seconds 0.1 --warm-up 0").output)["latency_us"];
    EXPECT_GT(single["p50"], 0);
    EXPECT_GT(json::parse(run("bench joins --json --handles 3 --seconds 0.1").output)["joins_per_second"], 0);
    // One object when all have joined, another one when all have left.
    const std::string crowd = run("bench crowd --json --processes 3 --handles 2 --rate 100").output;
    const std::size_t end = crowd.find('\n');
    EXPECT_EQ(json::parse(crowd.substr(0, end))["join_us"]["count"], 6);
    EXPECT_EQ(json::parse(crowd.substr(end))["leave_us"]["count"], 6);
}

TEST_F(command_line, tells_what_a_daemon_costs) {
    const json idle = json::parse(run("bench idle --json --seconds 0.1").output);
    EXPECT_GT(idle["rss_kib"], 0);
    EXPECT_GE(idle["core_percent"], 0);
    EXPECT_EQ(run("bench idle --seconds 0 --pid " + std::to_string(::getpid())).status, 0);
    EXPECT_THAT(run("bench idle --pid 2147483647").errors, HasSubstr("coterie: there is no process 2147483647"));
}

TEST_F(command_line, says_why_it_could_not_measure) {
    const outcome alone = run("bench flood --members 2 --limit 0.2");
    EXPECT_EQ(alone.status, 1);
    EXPECT_THAT(alone.errors, HasSubstr("coterie: the group did not become complete"));
    EXPECT_EQ(run("bench flood --senders 2").status, 2);
    EXPECT_EQ(run("bench flood --bytes 10").status, 2);
    EXPECT_EQ(run("bench floods").errors, "coterie: there is no mode 'floods'; see coterie bench --help\n");
    EXPECT_THAT(run("bench --socket /nowhere/socket").errors, HasSubstr("no daemon runs here"));
    EXPECT_THAT(run("bench flood --socket /nowhere/socket --limit 0.2").errors,
                HasSubstr("coterie: cannot connect to the daemon: "));
    auto watching = start("bench watch");
    ASSERT_TRUE(eventually([&] { return content_of(out()).find(" group 1\n") != std::string::npos; }));
    daemons().kill(0);
    EXPECT_EQ(watching.wait(patience), 1);
    EXPECT_THAT(content_of(err()), HasSubstr("coterie: the daemon has gone"));
}

TEST_F(command_line, helps_with_every_subcommand) {
    for (const char* const name :
         {"status", "groups", "cat", "bench", "demo", "sim", "check", "completion", "version"}) {
        EXPECT_THAT(run("--help").output, HasSubstr(name));
        const outcome help = run(std::string(name) + " --help");
        EXPECT_EQ(help.status, 0);
        EXPECT_THAT(help.output, HasSubstr("Usage: coterie " + std::string(name)));
    }
    EXPECT_THAT(run("version").output, MatchesRegex("Coterie [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

} // namespace

} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// The clients read on while somebody waits for something, so that none is held up by a full pipe.
#include "tests/integration/three_nodes.hpp"

#include "cli/demo_order.hpp"
#include "tests/integration/cpg_client.hpp"
#include "trace/reader.hpp"
#include "trace/recorders.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>
#include <sstream>
#include <unistd.h>

namespace coterie::tests {

namespace {

constexpr auto patience = milliseconds(20'000);

} // namespace

flooder::flooder(cluster& nodes, std::size_t place, std::uint64_t rate)
    : _segments(nodes.folder() / ("segments" + std::to_string(place + 1))) {
    const std::vector<std::string> command{built("bin/coterie"),
                                           "demo-member",
                                           std::string(COTERIE_SOURCE_DIR) + "/examples/demo.txt",
                                           _segments,
                                           "--rate",
                                           std::to_string(rate)};
    cli::child_options options = nodes.client(place, command);
    options.piped = true;
    auto started = cli::child_process::start(options);
    EXPECT_TRUE(started) << started.error();
    if (started) {
        _process = std::move(*started);
        ::fcntl(_process.output(), F_SETFL, O_NONBLOCK);
    }
}

std::size_t flooder::told(const std::vector<std::string>& words) {
    char space[4'096];
    for (ssize_t got = 0; (got = ::read(_process.output(), space, sizeof(space))) > 0;) {
        _text.append(space, static_cast<std::size_t>(got));
    }
    std::size_t result = 0;
    std::istringstream lines(_text);
    for (std::string line; std::getline(lines, line);) {
        const bool has_all = std::all_of(words.begin(), words.end(), [&](const std::string& word) {
            return (line + ' ').find(' ' + word + ' ') != std::string::npos || line.starts_with(word);
        });
        result += has_all ? 1U : 0U;
    }
    return result;
}

bool flooder::ended_well() {
    static_cast<void>(told({}));
    return _process.wait(patience) == 0;
}

flood::flood(cluster& nodes, std::uint64_t rate) : _nodes(nodes) {
    for (std::size_t place = 0; place < nodes.size(); ++place) {
        nodes.start(place);
    }
    for (std::size_t place = 0; place < nodes.size() && !testing::Test::HasFatalFailure(); ++place) {
        _clients.push_back(std::make_unique<flooder>(nodes, place, rate));
    }
}

bool flood::wait_until(const std::function<bool()>& what) {
    return eventually(
        [&] {
            for (const auto& each : _clients) {
                static_cast<void>(each->told({}));
            }
            return what();
        },
        patience);
}

bool flood::wait_for(const std::vector<std::size_t>& places, const std::vector<std::string>& words, std::size_t times) {
    const bool came = wait_until([&] {
        return std::all_of(places.begin(), places.end(),
                           [&](std::size_t place) { return _clients[place]->told(words) >= times; });
    });
    for (std::size_t i = 0; i < places.size() && !came; ++i) {
        std::fprintf(stderr, "--- what client %zu told\n%s", places[i] + 1, _clients[places[i]]->text().c_str());
    }
    return came;
}

void flood::let_pass(milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    static_cast<void>(eventually(
        [&] {
            for (const auto& each : _clients) {
                static_cast<void>(each->told({}));
            }
            return std::chrono::steady_clock::now() > end;
        },
        time + milliseconds(1'000)));
}

void flood::kill_client(std::size_t place) {
    const pid_t pid = _clients[place]->pid();
    _clients[place]->kill();
    _killed.emplace_back(place, pid);
}

std::vector<flooder*> flood::living() {
    std::vector<flooder*> result;
    for (std::size_t place = 0; place < _clients.size(); ++place) {
        const bool killed =
            std::any_of(_killed.begin(), _killed.end(), [&](const auto& each) { return each.first == place; });
        if (!killed) {
            result.push_back(_clients[place].get());
        }
    }
    return result;
}

void flood::end() {
    const std::vector<flooder*> clients = living();
    for (flooder* each : clients) {
        each->say_last_word();
    }
    EXPECT_TRUE(wait_until([&] {
        return std::all_of(clients.begin(), clients.end(), [](flooder* each) { return each->told({"done"}) >= 1; });
    }));
    for (flooder* each : clients) {
        EXPECT_TRUE(each->ended_well()) << each->text();
    }
}

std::map<std::size_t, std::size_t> flood::compare() {
    std::map<std::size_t, std::size_t> stretches;
    std::vector<std::vector<cli::segment>> all;
    for (const flooder* each : living()) {
        auto segments = cli::read_segments(each->segments());
        EXPECT_TRUE(segments) << segments.error();
        if (!segments) {
            return stretches;
        }
        all.push_back(std::move(*segments));
    }
    for (const cli::verdict& each : cli::compare(all)) {
        EXPECT_EQ(each.fault, "") << "between '" << each.opened_by << "' and '" << each.closed_by << "'";
        if (each.messages > 0) {
            ++stretches[each.members.size() + each.cut_off.size()];
        }
    }
    return stretches;
}

void flood::judge() {
    cpg_client last;
    ASSERT_NO_FATAL_FAILURE(record_end(_nodes, last));
    for (const auto& [place, pid] : _killed) {
        record_client_failure(_nodes, place, pid);
    }
    check_traces(_nodes);
}

void play(cluster& nodes, const story& what) {
    constexpr std::size_t victim = 1;
    flood clients(nodes, what.rate);
    ASSERT_TRUE(clients.wait_for({0, 1, 2}, {"change", "1,2,3"}));
    clients.let_pass(what.before_kill);

    const auto complete = [&](std::size_t place) { return clients[place].told({"change", "1,2,3"}); };
    const std::vector<std::size_t> complete_before{complete(0), complete(1), complete(2)};
    nodes.kill(victim);
    ASSERT_TRUE(clients.wait_for({victim}, {"lost"}));
    ASSERT_TRUE(clients.wait_for({0, 2}, {"change", "1,3", "2:3"}));
    clients.let_pass(what.apart);

    ASSERT_NO_FATAL_FAILURE(nodes.start(victim));
    // It joins those who are there, or its node meets theirs when it has joined already.
    for (std::size_t place = 0; place < 3; ++place) {
        ASSERT_TRUE(clients.wait_for({place}, {"change", "1,2,3"}, complete_before[place] + 1));
    }
    clients.let_pass(what.after_return);
    clients.end();
    auto stretches = clients.compare();
    EXPECT_GE(stretches[3], 2U) << "all three before the kill and after the return";
    EXPECT_GE(stretches[2], 1U) << "two of them in between";
    if (what.judged) {
        record_failures(nodes, victim);
        clients.judge();
    }
}

void record_failures(const cluster& nodes, std::size_t place) {
    const std::string file = nodes.trace_file(place);
    const auto events = trace::read_file(file);
    ASSERT_TRUE(events) << events.error().what;
    std::vector<trace::event> lives;
    for (const trace::event& each : *events) {
        if (each.kind == trace::event_kind::started) {
            lives.push_back(each);
        }
    }
    auto recorder = trace::file_recorder::open(file);
    ASSERT_TRUE(recorder);
    for (std::size_t i = 0; i + 1 < lives.size(); ++i) {
        trace::event failed = lives[i];
        failed.kind = trace::event_kind::failed;
        failed.time_ns = lives[i + 1].time_ns - 1;
        recorder->record(failed);
    }
}

void record_client_failure(const cluster& nodes, std::size_t place, pid_t pid) {
    const std::string file = nodes.folder() / ("trace-clients" + std::to_string(place + 1));
    end_last_line(file);
    const auto seen = trace::read_file(file);
    ASSERT_TRUE(seen) << seen.error().what;
    const auto last = std::find_if(seen->rbegin(), seen->rend(), [&](const trace::event& each) {
        return each.who.pid == static_cast<std::uint32_t>(pid);
    });
    ASSERT_NE(last, seen->rend());
    std::set<std::uint64_t> accepted;
    for (const trace::event& each : *seen) {
        if (each.stream == last->stream && each.kind == trace::event_kind::client_accepted) {
            accepted.insert(each.message);
        }
    }
    trace::event what;
    what.time_ns = last->time_ns;
    what.node = last->node;
    what.stream = last->stream;
    what.who = last->who;

    auto recorder = trace::file_recorder::open(file);
    ASSERT_TRUE(recorder);
    // It may have been killed after its daemon had taken a message and before it could write that down.
    const auto numbered = trace::read_file(nodes.trace_file(place));
    ASSERT_TRUE(numbered) << numbered.error().what;
    std::size_t unrecorded = 0;
    for (const trace::event& each : *numbered) {
        if (each.kind == trace::event_kind::message_numbered && each.who == what.who &&
            !accepted.contains(each.message)) {
            ++unrecorded;
            trace::event taken = what;
            taken.kind = trace::event_kind::client_accepted;
            taken.group = each.group;
            taken.message = each.message;
            taken.safe = each.safe;
            recorder->record(taken);
        }
    }
    EXPECT_LE(unrecorded, 1U) << "it sent one after the other";
    what.kind = trace::event_kind::client_failed;
    recorder->record(what);
}

void record_end(cluster& nodes, cpg_client& last) {
    ::setenv("COTERIE_SOCKET", nodes.socket(0).c_str(), 1);
    ::setenv("COTERIE_TRACE", (nodes.folder() / "trace-last").c_str(), 1);
    const cs_error_t opened = last.open();
    ::unsetenv("COTERIE_TRACE");
    ASSERT_EQ(opened, CS_OK);
    ASSERT_EQ(last.join("last"), CS_OK);
    ASSERT_TRUE(last.see(1));
    ASSERT_EQ(last.send("a message"), CS_OK);
    ASSERT_TRUE(last.see(2));
    record_tables(nodes);
}

void record_tables(cluster& nodes) {
    // The tail is quiet once the last join, and the end of every other client, has reached everybody.
    for (std::size_t place = 0; place < nodes.size(); ++place) {
        ::setenv("COTERIE_SOCKET", nodes.socket(place).c_str(), 1);
        cpg_client guest;
        ASSERT_EQ(guest.open(), CS_OK);
        ASSERT_TRUE(eventually([&] { return guest.known_members() == 1; }))
            << "node " << place + 1 << " knows of " << guest.known_members() << " members";
    }
    for (std::size_t place = 0; place < nodes.size(); ++place) {
        const std::string file = nodes.trace_file(place);
        nodes.daemon(place).send_signal(SIGUSR1);
        EXPECT_TRUE(eventually([&] { return content_of(file).find("\ntable ") != std::string::npos; })) << file;
    }
}

void check_traces(const cluster& nodes) {
    std::vector<std::string> command{built("bin/coterie"), "check", "--quiet-tail", "--tables"};
    const std::vector<std::string> traces = nodes.traces();
    command.insert(command.end(), traces.begin(), traces.end());
    const std::string output = nodes.folder() / "check";
    auto checker =
        cli::child_process::start({.command = command, .environment = {}, .output_file = output, .piped = false});
    ASSERT_TRUE(checker) << checker.error();
    EXPECT_EQ(checker->wait(milliseconds(120'000)), 0);
    std::printf("%s", content_of(output).c_str());
}

} // namespace coterie::tests

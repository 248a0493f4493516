// SPDX-License-Identifier: BSD-3-Clause
// Clients are those of the demonstration: they tell what they see, count what they get and write down its order.
#include "tests/integration/three_nodes.hpp"

#include "cli/demo_order.hpp"
#include "trace/reader.hpp"
#include "trace/recorders.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace coterie::tests {

namespace {

constexpr auto patience = milliseconds(20'000);

/// One client of the group.
class flooder {
public:
    flooder(cluster& nodes, std::size_t place, std::uint64_t rate)
        : _segments(nodes.folder() / ("segments" + std::to_string(place + 1))) {
        std::vector<std::string> command{built("bin/coterie"),
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

    /// How often it has told a line that has all of these words.
    std::size_t told(const std::vector<std::string>& words) {
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

    void say_last_word() { _process.close_input(); }
    bool ended_well() {
        static_cast<void>(told({}));
        return _process.wait(patience) == 0;
    }
    [[nodiscard]] const std::string& text() const { return _text; }
    [[nodiscard]] const std::string& segments() const { return _segments; }

private:
    const std::string _segments;
    cli::child_process _process;
    std::string _text;
};

void compare(std::vector<flooder>& clients) {
    std::vector<std::vector<cli::segment>> all;
    for (const flooder& each : clients) {
        auto segments = cli::read_segments(each.segments());
        ASSERT_TRUE(segments) << segments.error();
        all.push_back(std::move(*segments));
    }
    std::size_t of_three = 0;
    std::size_t of_two = 0;
    for (const cli::verdict& each : cli::compare(all)) {
        EXPECT_EQ(each.fault, "") << "between '" << each.opened_by << "' and '" << each.closed_by << "'";
        const std::size_t members = each.members.size() + each.cut_off.size();
        if (each.messages > 0) {
            of_three += members == 3 ? 1U : 0U;
            of_two += members == 2 ? 1U : 0U;
        }
    }
    EXPECT_GE(of_three, 2U) << "all three before the kill and after the return";
    EXPECT_GE(of_two, 1U) << "two of them in between";
}

/// Reads on while it waits, so that no client is held up by a full pipe.
bool wait_until(std::vector<flooder>& clients, const std::function<bool()>& what) {
    return eventually(
        [&] {
            for (flooder& each : clients) {
                static_cast<void>(each.told({}));
            }
            return what();
        },
        patience);
}

void let_pass(std::vector<flooder>& clients, milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    static_cast<void>(eventually(
        [&] {
            for (flooder& each : clients) {
                static_cast<void>(each.told({}));
            }
            return std::chrono::steady_clock::now() > end;
        },
        time + milliseconds(1'000)));
}

} // namespace

void play(cluster& nodes, const story& what) {
    constexpr std::size_t victim = 1;
    for (std::size_t place = 0; place < 3; ++place) {
        ASSERT_NO_FATAL_FAILURE(nodes.start(place));
    }
    std::vector<flooder> clients;
    for (std::size_t place = 0; place < 3; ++place) {
        clients.emplace_back(nodes, place, what.rate);
    }
    const auto all_told = [&](const std::vector<std::string>& words, std::size_t times) {
        return std::all_of(clients.begin(), clients.end(), [&](flooder& each) { return each.told(words) >= times; });
    };
    ASSERT_TRUE(wait_until(clients, [&] { return all_told({"change", "1,2,3"}, 1); }));
    let_pass(clients, what.before_kill);

    const auto complete = [&](flooder& each) { return each.told({"change", "1,2,3"}) + 1; };
    const std::vector<std::size_t> next_complete{complete(clients[0]), complete(clients[1]), complete(clients[2])};
    nodes.kill(victim);
    ASSERT_TRUE(wait_until(clients, [&] {
        return clients[victim].told({"lost"}) == 1 && clients[0].told({"change", "1,3", "2:3"}) == 1 &&
               clients[2].told({"change", "1,3", "2:3"}) == 1;
    })) << clients[0].text();
    let_pass(clients, what.apart);

    ASSERT_NO_FATAL_FAILURE(nodes.start(victim));
    // It joins those who are there, or its node meets theirs when it has joined already.
    ASSERT_TRUE(wait_until(clients, [&] {
        return complete(clients[0]) > next_complete[0] && complete(clients[1]) > next_complete[1] &&
               complete(clients[2]) > next_complete[2];
    })) << clients[victim].text();
    let_pass(clients, what.after_return);

    for (flooder& each : clients) {
        each.say_last_word();
    }
    EXPECT_TRUE(wait_until(clients, [&] { return all_told({"done"}, 1); }));
    for (flooder& each : clients) {
        EXPECT_TRUE(each.ended_well()) << each.text();
    }
    compare(clients);
}

void record_failures(const cluster& nodes, std::size_t place) {
    const std::string file = nodes.folder() / ("trace-node" + std::to_string(place + 1));
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

void record_tables(cluster& nodes) {
    for (std::size_t place = 0; place < nodes.size(); ++place) {
        const std::string file = nodes.folder() / ("trace-node" + std::to_string(place + 1));
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

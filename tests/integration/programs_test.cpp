// SPDX-License-Identifier: BSD-3-Clause
// The programs in examples/, as a user runs them: several processes on several daemons, some of which die, judged by what
// comes out of it.
#include "tests/integration/cluster.hpp"
#include "tests/integration/cpg_client.hpp"
#include "tests/integration/three_nodes.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <random>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace coterie::tests {

namespace {

constexpr auto patience = milliseconds(20'000);

/// One run of an example; what it prints is in a file of its own.
class program {
public:
    program(const cluster& nodes, std::size_t place, std::vector<std::string> command) {
        static int count = 0;
        const std::string name = nodes.folder() / ("program" + std::to_string(++count));
        const std::string input = name + ".in";
        // Its input is a pipe with a name, which the shell opens for it and then becomes the program.
        EXPECT_EQ(::mkfifo(input.c_str(), 0600), 0);
        _input = ::open(input.c_str(), O_RDWR | O_CLOEXEC);
        command.front() = built("examples/" + command.front());
        command.insert(command.begin(), {"/bin/sh", "-c", "exec \"$@\" < " + input, "sh"});
        cli::child_options options = nodes.client(place, command);
        options.output_file = _output = name;
        auto started = cli::child_process::start(options);
        EXPECT_TRUE(started) << started.error();
        if (started) {
            _process = std::move(*started);
        }
    }
    program(program&& other) noexcept
        : _process(std::move(other._process)),
          _output(std::move(other._output)),
          _input(std::exchange(other._input, -1)) {}
    program& operator=(program&&) = delete;
    ~program() { end_input(); }

    void say(const std::string& line) {
        const std::string text = line + "\n";
        EXPECT_EQ(::write(_input, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void end_input() {
        if (_input >= 0) {
            ::close(std::exchange(_input, -1));
        }
    }
    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> result;
        std::istringstream in(content_of(_output));
        for (std::string line; std::getline(in, line);) {
            result.push_back(line);
        }
        return result;
    }
    [[nodiscard]] std::string text() const { return content_of(_output); }
    [[nodiscard]] bool has_said(const std::string& line) const {
        const auto all = lines();
        return std::find(all.begin(), all.end(), line) != all.end();
    }
    bool says(const std::string& line) {
        return eventually([&] { return has_said(line); }, patience);
    }
    /// Waits until the latest of its lines that begin like this one is this one.
    bool says_at_last(const std::string& line) {
        const std::string beginning = line.substr(0, line.find(' ') + 1);
        return eventually(
            [&] {
                const auto all = lines();
                const auto last = std::find_if(all.rbegin(), all.rend(),
                                               [&](const std::string& each) { return each.starts_with(beginning); });
                return last != all.rend() && *last == line;
            },
            patience);
    }
    std::optional<int> result() { return _process.wait(patience); }
    void kill() { _process.kill(); }

private:
    cli::child_process _process;
    std::string _output;
    int _input = -1;
};

class programs : public testing::Test {
protected:
    void SetUp() override {
        for (std::size_t place = 0; place < nodes.size(); ++place) {
            ASSERT_NO_FATAL_FAILURE(nodes.start(place));
        }
        // Before they have met each node is a cluster of its own, with counters and locks of its own.
        for (std::size_t place = 0; place < nodes.size(); ++place) {
            ASSERT_TRUE(sees_nodes(place, "1 2 3"));
        }
    }

    /// Waits until the node at this place has these for its view.
    bool sees_nodes(std::size_t place, const std::string& numbers) {
        cpg_client watcher;
        ::setenv("COTERIE_SOCKET", nodes.socket(place).c_str(), 1);
        ::setenv("COTERIE_TRACE", (nodes.folder() / "trace-watchers").c_str(), 1);
        EXPECT_EQ(watcher.open({.ring_views = true, .initial_ring_view = true}), CS_OK);
        ::unsetenv("COTERIE_TRACE");
        EXPECT_EQ(watcher.join("watchers of " + std::to_string(place)), CS_OK);
        return eventually(
            [&] {
                static_cast<void>(watcher.dispatch(CS_DISPATCH_ALL));
                return watcher.last() == "ring: nodes " + numbers;
            },
            patience);
    }

    /// The value that a counter shows now.
    static std::string value_of(const program& counter) {
        std::string result;
        for (const std::string& line : counter.lines()) {
            if (line.starts_with("ready ") || line.starts_with("value ")) {
                result = line.substr(line.find(' ') + 1);
            }
        }
        return result;
    }

    /// A file of this size with something in it.
    std::string some_file(const std::string& name, std::size_t bytes) {
        std::minstd_rand random;
        std::string content(bytes, '\0');
        for (char& each : content) {
            each = static_cast<char>(random());
        }
        write_file(nodes.folder() / name, content);
        return nodes.folder() / name;
    }

    std::string receiving_folder(std::size_t number) {
        const std::string result = nodes.folder() / ("received" + std::to_string(number));
        std::filesystem::create_directory(result);
        return result;
    }

    static std::size_t files_in(const std::string& folder) {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
    }

    cluster nodes{{.places = loopback_places(3), .traced = true, .more = {}}};
};

} // namespace

TEST_F(programs, counters_agree_through_a_death_and_an_arrival) {
    std::vector<program> counters;
    for (std::size_t place = 0; place < 3; ++place) {
        counters.emplace_back(nodes, place, std::vector<std::string>{"counter", "test"});
        ASSERT_TRUE(counters.back().says("members " + std::to_string(place + 1)));
    }
    for (int i = 1; i <= 200; ++i) {
        for (program& each : counters) {
            each.say("add " + std::to_string(i));
        }
    }
    counters[0].say("add -300");
    for (program& each : counters) {
        EXPECT_TRUE(each.says("value 60000")) << value_of(each);
    }
    counters[1].kill();
    EXPECT_TRUE(counters[0].says_at_last("members 2"));
    counters[2].say("add 5");
    program late(nodes, 1, {"counter", "test"});
    EXPECT_TRUE(eventually([&] { return value_of(late) == "60005"; }, patience)) << "the dead one's part is not lost";
    late.say("add 10");
    for (const program* each : {&counters[0], &counters[2], &late}) {
        EXPECT_TRUE(eventually([&] { return value_of(*each) == "60015"; }, patience));
    }
    for (program* each : {&counters[0], &counters[2], &late}) {
        each->end_input();
        EXPECT_EQ(each->result(), 0);
    }
    // All went through the same values in the same order.
    const auto steps = [](const program& each) {
        auto result = each.lines();
        std::erase_if(result, [](const std::string& line) { return !line.starts_with("value "); });
        return result;
    };
    auto one = steps(counters[0]);
    auto other = steps(counters[2]);
    const std::size_t common = std::min(one.size(), other.size());
    EXPECT_GT(common, 400U);
    EXPECT_TRUE(std::equal(one.end() - static_cast<std::ptrdiff_t>(common), one.end(),
                           other.end() - static_cast<std::ptrdiff_t>(common)));
}

TEST_F(programs, counters_agree_after_a_split_in_which_both_sides_counted) {
    program one(nodes, 0, {"counter", "test"});
    program two(nodes, 1, {"counter", "test"});
    ASSERT_TRUE(one.says_at_last("members 2"));
    ASSERT_TRUE(two.says("ready 0"));
    // A daemon that is halted for long is alone when it goes on, and so are the others without it.
    nodes.daemon(1).send_signal(SIGSTOP);
    ASSERT_TRUE(one.says_at_last("members 1"));
    one.say("add 1000");
    two.say("add 1");
    ASSERT_TRUE(one.says("value 1000"));
    nodes.daemon(1).send_signal(SIGCONT);
    EXPECT_TRUE(one.says("value 1001"));
    EXPECT_TRUE(eventually([&] { return value_of(two) == "1001"; }, patience)) << value_of(two);
}

TEST_F(programs, a_lock_is_held_by_one_at_a_time) {
    const std::string tally = nodes.folder() / "tally";
    write_file(tally, "0");
    // Reading, waiting and writing would lose steps if two did it at a time.
    const std::string step = "n=$(cat " + tally + "); sleep 0.01; echo $((n + 1)) > " + tally;
    std::vector<program> runs;
    for (std::size_t i = 0; i < 18; ++i) {
        runs.emplace_back(nodes, i % 3, std::vector<std::string>{"lock", "tally", "sh", "-c", step});
    }
    for (program& each : runs) {
        EXPECT_EQ(each.result(), 0) << each.text();
    }
    EXPECT_EQ(content_of(tally), "18\n");

    // Judged by the guarantees as well, while somebody is there, so that the tables have something in them.
    program last(nodes, 0, {"lock", "tally", "sh", "-c", "echo last; exec sleep 600"});
    ASSERT_TRUE(last.says("last"));
    for (std::size_t place = 0; place < nodes.size(); ++place) {
        ASSERT_TRUE(sees_nodes(place, "1 2 3"));
    }
    record_tables(nodes);
    check_traces(nodes);
}

TEST_F(programs, a_lock_passes_on_when_its_holder_dies) {
    program holder(nodes, 0, {"lock", "it", "sh", "-c", "echo holder; exec sleep 600"});
    ASSERT_TRUE(holder.says("holder"));
    program second(nodes, 1, {"lock", "it", "sh", "-c", "echo second; exec sleep 600"});
    program elsewhere(nodes, 1, {"lock", "something else", "echo", "free"});
    EXPECT_EQ(elsewhere.result(), 0) << "other locks are others";
    EXPECT_FALSE(second.has_said("second"));
    holder.kill();
    EXPECT_TRUE(second.says("second"));
    program third(nodes, 2, {"lock", "it", "sh", "-c", "echo third; exit 7"});
    EXPECT_FALSE(third.has_said("third"));
    nodes.kill(1);
    EXPECT_TRUE(third.says("third")) << "the same when the holder's whole node is gone";
    EXPECT_EQ(third.result(), 7) << "the command's exit status";
    EXPECT_EQ(second.result(), 1) << "who loses the lock stops";
}

TEST_F(programs, a_lock_is_free_after_a_split_when_the_holders_of_both_sides_are_done) {
    const auto holding = [&](std::size_t place, const std::string& word) {
        return program(nodes, place, {"lock", "it", "sh", "-c", "echo " + word + "; exec sleep 600"});
    };
    program one = holding(0, "one");
    ASSERT_TRUE(one.says("one"));
    program other = holding(1, "other");
    // Its daemon is halted until the rest goes on without it; alone then, it gives the lock away a second time.
    nodes.daemon(1).send_signal(SIGSTOP);
    ASSERT_TRUE(sees_nodes(0, "1 3"));
    nodes.daemon(1).send_signal(SIGCONT);
    ASSERT_TRUE(other.says("other"));
    ASSERT_TRUE(sees_nodes(0, "1 2 3"));
    program last = holding(2, "last");
    one.kill();
    EXPECT_FALSE(eventually([&] { return last.has_said("last"); }, milliseconds(300)));
    other.kill();
    EXPECT_TRUE(last.says("last"));
}

TEST_F(programs, a_watcher_comes_back_when_its_daemon_does) {
    program other(nodes, 1, {"watcher", "group"});
    program watcher(nodes, 0, {"watcher", "group"});
    const auto members = [](const program& of) {
        std::string result;
        for (const std::string& line : of.lines()) {
            result = line.starts_with("members ") ? line : result;
        }
        return result;
    };
    const auto sees = [&](const program& of, std::size_t count) {
        const auto spaces = [&] {
            const std::string line = members(of);
            return static_cast<std::size_t>(std::count(line.begin(), line.end(), ' '));
        };
        return eventually([&] { return spaces() == count; }, patience);
    };
    ASSERT_TRUE(sees(watcher, 2));
    ASSERT_TRUE(sees(other, 2));
    nodes.kill(0);
    EXPECT_TRUE(eventually([&] { return watcher.text().find("no daemon: ") != std::string::npos; }, patience));
    EXPECT_TRUE(sees(other, 1)) << "whoever was on that node is gone";
    ASSERT_NO_FATAL_FAILURE(nodes.start(0));
    EXPECT_TRUE(sees(other, 2)) << "and joins again by itself";
    EXPECT_TRUE(eventually([&] { return members(watcher) == members(other); }, patience));
}

TEST_F(programs, files_reach_everyone_whole) {
    const std::string file = some_file("report", 5'000'003);
    std::vector<program> receivers;
    for (std::size_t place = 0; place < 3; ++place) {
        receivers.emplace_back(nodes, place, std::vector<std::string>{"broadcast", "receive", receiving_folder(place)});
    }
    program sender(nodes, 0, {"broadcast", "send", file, "3"});
    EXPECT_EQ(sender.result(), 0);
    EXPECT_TRUE(sender.lines().back().starts_with("3 have report ")) << sender.lines().back();
    for (std::size_t place = 0; place < 3; ++place) {
        EXPECT_TRUE(content_of(nodes.folder() / ("received" + std::to_string(place) + "/report")) == content_of(file));
    }
    const std::string empty = some_file("empty", 0);
    program second(nodes, 2, {"broadcast", "send", empty, "3"});
    EXPECT_EQ(second.result(), 0);
    EXPECT_EQ(files_in(nodes.folder() / "received0"), 2U);
}

TEST_F(programs, files_reach_the_survivors_when_a_receiver_dies) {
    const std::string file = some_file("report", 30'000'000);
    program survivor(nodes, 0, {"broadcast", "receive", receiving_folder(0)});
    program victim(nodes, 1, {"broadcast", "receive", receiving_folder(1)});
    program sender(nodes, 2, {"broadcast", "send", file, "2"});
    ASSERT_TRUE(eventually([&] { return files_in(nodes.folder() / "received1") > 0; }, patience));
    victim.kill();
    EXPECT_EQ(sender.result(), 0);
    EXPECT_TRUE(survivor.lines().back().starts_with("received report ") || survivor.has_said("members 1"));
    EXPECT_TRUE(content_of(nodes.folder() / "received0/report") == content_of(file));
}

TEST_F(programs, files_that_a_dead_sender_did_not_finish_are_dropped) {
    const std::string file = some_file("report", 60'000'000);
    const std::string folder = receiving_folder(0);
    program receiver(nodes, 0, {"broadcast", "receive", folder});
    program sender(nodes, 1, {"broadcast", "send", file});
    ASSERT_TRUE(eventually([&] { return files_in(folder) > 0; }, patience));
    sender.kill();
    EXPECT_TRUE(receiver.says("dropped report"));
    EXPECT_EQ(files_in(folder), 0U);
}

} // namespace coterie::tests

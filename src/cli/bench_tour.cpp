// SPDX-License-Identifier: BSD-3-Clause
#include "cli/bench_tour.hpp"

#include "cli/bench_report.hpp"
#include "cli/daemon_link.hpp"

#include <chrono>
#include <cstdio>
#include <fmt/core.h>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace coterie::cli {

namespace {

void print_line(std::string_view what, std::string_view figures) {
    fmt::print("  {:<34}  {}\n", what, figures);
    std::fflush(stdout);
}

template <class Result>
Result or_fail(std::expected<Result, std::string> result) {
    if (!result) {
        fail(result.error());
    }
    return *std::move(result);
}

} // namespace

void bench_tour(pid_t daemon, double seconds_each) {
    // Whatever else uses groups called bench is left alone.
    const std::string group = fmt::format("bench-{}", ::getpid());
    if (daemon != 0) {
        const bench::footprint before = or_fail(bench::footprint_of(daemon));
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds_each));
        print_line("the daemon, before", footprint_text(before, or_fail(bench::footprint_of(daemon)), seconds_each));
    }
    bench::member_options asked{.group = group, .seconds = seconds_each, .warm_up_seconds = seconds_each / 4};
    const auto flood = [&](std::string_view what, std::size_t bytes, std::size_t groups) {
        asked.how = bench::pace::flood;
        asked.bytes = bytes;
        asked.groups = groups;
        print_line(what, rate_text(asked, or_fail(bench::take_part(asked))));
    };
    flood("as fast as it goes, 64 B", 64, 1);
    flood("as fast as it goes, 1,600 B", 1'600, 1);
    flood("as fast as it goes, 16 KB", 16'384, 1);
    flood("as fast as it goes, 1 MB", 1'000'000, 1);
    flood("to 100 groups in turn, 100 B", 100, 100);
    asked.groups = 1;
    asked.bytes = 64;
    asked.how = bench::pace::one_at_a_time;
    print_line("one at a time, 64 B", latency_text(or_fail(bench::take_part(asked)).latency));
    asked.how = bench::pace::fixed_rate;
    print_line("1,000 a second, 64 B", latency_text(or_fail(bench::take_part(asked)).latency));
    const auto joins = or_fail(bench::join_and_leave({.group = group, .seconds = seconds_each}));
    print_line("connect, join, leave; 10 at a time",
               short_number(joins.rate) + " joins/s; a join " + latency_text(joins.join));
    if (daemon != 0) {
        const bench::footprint before = or_fail(bench::footprint_of(daemon));
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds_each));
        print_line("the daemon, afterwards",
                   footprint_text(before, or_fail(bench::footprint_of(daemon)), seconds_each));
    }
    fmt::print("\nEvery message came whole, once and in order.\n");
}

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// `coterie bench`: measures a daemon as its clients see it, through <corosync/cpg.h> alone, and verifies what it measures.
// `./dev bench` runs it on many nodes, also on Corosync; here are its modes and their options.
#include "cli/bench_report.hpp"
#include "cli/bench_tour.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_link.hpp"
#include "cli/number_range.hpp"

#include "bench/watch.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <corosync/cpg.h>
#include <csignal>
#include <cstdlib>
#include <fmt/core.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>
#include <unistd.h>

namespace coterie::cli {

namespace {

struct bench_options {
    std::string socket;
    bool json = false;
    bool listen = false;
    bool whole = false;
    std::size_t clients = 1;
    const CLI::Option* members = nullptr; ///< whether it was said how many there are
    bench::member_options member;
    bench::joins_options joins;
    bench::crowd_options crowd;
    bool stay = false;
    pid_t process = 0;
    double seconds = 2;
};

using options_ptr = std::shared_ptr<bench_options>;

void print_json(const nlohmann::ordered_json& what) {
    fmt::print("{}\n", what.dump());
    std::fflush(stdout);
}

/// libcpg is told in the way of all programs. A Corosync's looks elsewhere.
void choose_daemon(const bench_options& options) { ::setenv("COTERIE_SOCKET", socket_path(options.socket).c_str(), 1); }

pid_t daemon_process(const bench_options& options) {
    auto link = daemon_link::open(socket_path(options.socket));
    if (!link) {
        fail(link.error());
    }
    const auto status = link->status();
    if (!status) {
        fail(status.error());
    }
    return (*status)["daemon"]["pid"].get<pid_t>();
}

void measure_member(bench_options& options, bench::pace how) {
    choose_daemon(options);
    bench::member_options& asked = options.member;
    asked.how = options.listen ? bench::pace::silent : how;
    asked.compared = options.whole ? bench::depth::all : bench::depth::ends;
    if (options.members->count() == 0) {
        asked.members = options.clients;
    }
    if (asked.senders > asked.members || options.clients > asked.members) {
        fail(fmt::format("there are {} members: no more can send or be started here; see --members", asked.members), 2);
    }
    const auto report = bench::take_part_together(asked, options.clients);
    if (!report) {
        fail(report.error());
    }
    if (options.json) {
        print_json(to_json(asked, *report));
        return;
    }
    fmt::print("{} B, {} of {} members send{}\n", asked.bytes, asked.senders, asked.members,
               asked.groups > 1 ? fmt::format(", {} groups", asked.groups) : "");
    fmt::print("  {}\n", rate_text(asked, *report));
    if (report->latency.count > 0) {
        fmt::print("  {}\n", latency_text(report->latency));
    }
    fmt::print("Every member received {} messages whole, once and in one order (digest {:016x}).\n",
               report->seen.received, report->seen.digest);
}

void measure_joins(const bench_options& options) {
    choose_daemon(options);
    const auto report = bench::join_and_leave(options.joins);
    if (!report) {
        fail(report.error());
    }
    if (options.json) {
        print_json(to_json(*report));
        return;
    }
    fmt::print("{} joins/s, each with connecting before and leaving after it\n  join   {}\n  leave  {}\n",
               short_number(report->rate), latency_text(report->join), latency_text(report->leave));
}

volatile std::sig_atomic_t end_asked = 0;

void measure_crowd(const bench_options& options) {
    choose_daemon(options);
    bench::crowd crowd(options.crowd);
    const auto joined = crowd.gather();
    if (!joined) {
        fail(joined.error());
    }
    if (options.json) {
        print_json(to_json(*joined));
    } else {
        fmt::print("{} handles, {} joins/s\n  connect  {}\n  join     {}\n", joined->handles,
                   short_number(joined->joins_per_second), latency_text(joined->connect), latency_text(joined->join));
        std::fflush(stdout);
    }
    if (options.stay) {
        struct sigaction on_end{};
        on_end.sa_handler = [](int) { end_asked = 1; };
        ::sigaction(SIGTERM, &on_end, nullptr);
        ::sigaction(SIGINT, &on_end, nullptr);
        while (end_asked == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
    const auto left = crowd.dismiss();
    if (!left) {
        fail(left.error());
    }
    if (options.json) {
        print_json(to_json(*left));
    } else {
        fmt::print("  leave    {}, all at once\n", latency_text(left->leave));
    }
}

void measure_idle(const bench_options& options) {
    const pid_t process = options.process != 0 ? options.process : daemon_process(options);
    const auto before = bench::footprint_of(process);
    if (!before) {
        fail(before.error());
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
    const auto after = bench::footprint_of(process);
    if (!after) {
        fail(after.error());
    }
    if (options.json) {
        nlohmann::ordered_json result = to_json(*after);
        const double seconds = std::max(options.seconds, 1e-9);
        result["core_percent"] = (after->processor_seconds - before->processor_seconds) / seconds * 100;
        result["wakeups_per_second"] = static_cast<double>(after->wakeups - before->wakeups) / seconds;
        print_json(result);
        return;
    }
    fmt::print("process {}: {}\n", process, footprint_text(*before, *after, std::max(options.seconds, 1e-9)));
}

void add_common(CLI::App& mode, const options_ptr& options) {
    add_socket_option(mode, options->socket);
    mode.add_flag("--json", options->json, "For programs: fields that docs/benchmarks.md describes");
}

CLI::Option* add_number(CLI::App& mode, const std::string& name, auto& value, const std::string& about,
                        std::uint64_t least, std::uint64_t most) {
    return mode.add_option(name, value, about)->capture_default_str()->check(whole_number(least, most));
}

CLI::Option* add_real(CLI::App& mode, const std::string& name, double& value, const std::string& about, double least,
                      double most) {
    return mode.add_option(name, value, about)->capture_default_str()->check(number(least, most));
}

void add_member_options(CLI::App& mode, const options_ptr& options) {
    bench::member_options& asked = options->member;
    add_common(mode, options);
    mode.add_option("--group", asked.group, "The group to join")->capture_default_str();
    add_number(mode, "--groups", asked.groups, "Join so many, called GROUP-1 and so on, and send to them in turn", 1,
               100'000);
    add_number(mode, "--clients", options->clients, "So many processes of this machine take part", 1, 1'000);
    // Without it: those that are started here.
    options->members = mode.add_option("--members", asked.members, "So many there are on all machines (default: here)")
                           ->check(whole_number(1, 10'000));
    add_number(mode, "--senders", asked.senders, "So many of them send", 1, 10'000);
    mode.add_flag("--listen", options->listen, "Be a member that sends nothing");
    add_number(mode, "--bytes", asked.bytes, "The size of a message", bench::bytes_min, 64U << 20U);
    add_real(mode, "--seconds", asked.seconds, "How long is measured", 0.01, 1e6);
    add_real(mode, "--warm-up", asked.warm_up_seconds, "Seconds before", 0, 1e6);
    add_number(mode, "--count", asked.count, "So many messages of each sender, instead of seconds; 0: seconds", 0,
               1'000'000'000'000);
    add_number(mode, "--wait-us", asked.wait_us, "How long to sleep when there is no room; 0: let others run", 0,
               1'000'000);
    add_real(mode, "--limit", asked.limit_seconds, "Seconds until a wait has failed", 0.1, 1e6);
    mode.add_flag("--safe", asked.safe, "CPG_TYPE_SAFE instead of CPG_TYPE_AGREED");
    mode.add_flag("--whole", options->whole, "Fill and compare every byte, not the ends alone");
}

void add_modes(CLI::App& command, const options_ptr& options) {
    CLI::App* const flood = command.add_subcommand("flood", "Messages a second: send as fast as there is room");
    add_member_options(*flood, options);
    flood->callback([options] { measure_member(*options, bench::pace::flood); });

    CLI::App* const latency = command.add_subcommand("latency", "From sending to the own delivery, one at a time");
    const auto slow = std::make_shared<bench_options>();
    add_member_options(*latency, slow);
    CLI::Option* const rate =
        add_real(*latency, "--rate", slow->member.messages_per_second, "So many a second instead", 0.001, 1e9);
    add_real(*latency, "--pause-us", slow->member.pause_us, "Between two of them, one at a time", 0, 1e9)
        ->excludes(rate);
    latency->callback([slow, rate] {
        measure_member(*slow, rate->count() > 0 ? bench::pace::fixed_rate : bench::pace::one_at_a_time);
    });

    CLI::App* const joins =
        command.add_subcommand("joins", "Joins a second, each with connecting before and leaving after it");
    add_common(*joins, options);
    joins->add_option("--group", options->joins.group, "The groups are called this and a number")
        ->capture_default_str();
    add_number(*joins, "--handles", options->joins.handles, "So many at a time, each in a group of its own", 1, 10'000);
    add_real(*joins, "--seconds", options->joins.seconds, "How long is measured", 0.01, 1e6);
    add_real(*joins, "--limit", options->joins.limit_seconds, "Seconds until a wait has failed", 0.1, 1e6);
    joins->callback([options] { measure_joins(*options); });

    CLI::App* const crowd = command.add_subcommand("crowd", "Many processes join at a steady pace, and leave at once");
    add_common(*crowd, options);
    add_number(*crowd, "--processes", options->crowd.processes, "Clients", 1, 100'000);
    add_number(*crowd, "--handles", options->crowd.handles, "Of each, every one in a group of its own", 1, 10'000);
    add_real(*crowd, "--rate", options->crowd.joins_per_second, "Joins a second of all of them", 0.1, 1e6);
    add_real(*crowd, "--limit", options->crowd.limit_seconds, "Seconds beyond the time that the pace takes", 0.1, 1e6);
    crowd->add_flag("--stay", options->stay, "Stay joined until Ctrl-C or SIGTERM");
    crowd->callback([options] { measure_crowd(*options); });

    CLI::App* const watch = command.add_subcommand(
        "watch", "Print when this client is told of each change of group and ring, on the monotonic clock");
    add_socket_option(*watch, options->socket);
    watch->add_option("--group", options->member.group, "The group to join")->capture_default_str();
    add_real(*watch, "--limit", options->member.limit_seconds, "Seconds that connecting and joining may take", 0.1,
             1e6);
    watch->callback([options] {
        choose_daemon(*options);
        fail(bench::watch(options->member.group, options->member.limit_seconds));
    });

    CLI::App* const idle = command.add_subcommand("idle", "What a daemon costs meanwhile: processor, memory");
    add_common(*idle, options);
    idle->add_option("--pid", options->process, "Its process; else the one at the socket")
        ->check(whole_number(1, 0x7FFF'FFFF));
    add_real(*idle, "--seconds", options->seconds, "How long is measured", 0, 1e6);
    idle->callback([options] { measure_idle(*options); });
}

} // namespace

void add_bench_command(CLI::App& app) {
    CLI::App* const command = app.add_subcommand("bench", "Measure the daemon as clients see it");
    const auto options = std::make_shared<bench_options>();
    add_socket_option(*command, options->socket);
    add_real(*command, "--seconds", options->seconds, "How long each thing is measured", 0.05, 1e6);
    command->require_subcommand(0, 1);
    add_modes(*command, std::make_shared<bench_options>());
    command->callback([command, options] {
        if (command->get_subcommands().empty()) {
            choose_daemon(*options);
            bench_tour(daemon_process(*options), options->seconds);
        }
    });
}

} // namespace coterie::cli

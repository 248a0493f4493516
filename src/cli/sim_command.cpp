// SPDX-License-Identifier: BSD-3-Clause
// `coterie sim`: runs fault schedules in the simulated world, says what happened, and shows the trace around whatever
// broke a guarantee together with the command that repeats the run.
#include "cli/commands.hpp"
#include "cli/number_range.hpp"

#include "sim/run.hpp"
#include "sim/trace_printer.hpp"
#include "trace/event.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace coterie::cli {

namespace {

struct sim_options {
    sim::run_request request;
    double seconds = 0;
    std::uint64_t count = 1;
    unsigned jobs = 1;
    std::string trace_file;
    bool list = false;
    bool safe = false;
    bool agreed = false;
    bool coverage = false;
};

using clock = std::chrono::steady_clock;

double seconds_of(auto time) { return std::chrono::duration<double>(time).count(); }

void print_list() {
    for (const sim::schedule& each : sim::schedules()) {
        fmt::print("  {:<28} {}\n", each.name, each.about);
    }
}

bool write_trace(const std::string& path, const std::vector<trace::event>& events) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    if (file == nullptr) {
        return false;
    }
    bool good = true;
    for (const trace::event& each : events) {
        good = std::fputs((trace::format(each) + '\n').c_str(), file) >= 0 && good;
    }
    return std::fclose(file) == 0 && good;
}

void print_violations(const sim::run_request& request, const sim::run_outcome& outcome) {
    constexpr std::size_t shown_max = 10;
    fmt::print("\nThe run of {} with seed {} broke its guarantees:\n", request.schedule, request.seed);
    for (std::size_t at = 0; at < std::min(shown_max, outcome.violations.size()); ++at) {
        fmt::print("  {}\n", sim::in_words(outcome.violations[at]));
    }
    if (outcome.violations.size() > shown_max) {
        fmt::print("  and {} more\n", outcome.violations.size() - shown_max);
    }
    const auto shown = std::ranges::find_if(outcome.violations, [](const auto& each) { return !each.events.empty(); });
    if (shown != outcome.violations.end()) {
        fmt::print("\nThe trace around the first:\n{}", sim::excerpt(outcome.trace, *shown));
    }
    fmt::print("\nTo see it again: coterie sim {}\n", sim::replay_words(request));
}

void print_summary(const sim::run_request& request, const sim::run_outcome& outcome, double real_seconds) {
    const double simulated = seconds_of(outcome.simulated);
    fmt::print("{}, seed {}: {} nodes, {:.1f} simulated seconds, {} messages\n", request.schedule, request.seed,
               outcome.nodes, simulated, outcome.safe ? "agreed and safe" : "agreed");
    fmt::print("  clients   {} messages accepted, {} delivered\n", outcome.accepted, outcome.delivered);
    fmt::print("  ring      {} installations of views\n", outcome.views);
    fmt::print("  network   {} datagrams, {} lost, {} cut off, {} duplicated, {} reordered, {} corrupted\n",
               outcome.network.sent, outcome.network.lost, outcome.network.cut_off, outcome.network.duplicated,
               outcome.network.reordered, outcome.network.corrupted);
    fmt::print("  simulator {} occurrences, {:.2f} s, {:.0f} simulated seconds a second\n", outcome.occurrences,
               real_seconds, simulated / std::max(real_seconds, 1e-9));
    if (outcome.trace.empty()) {
        fmt::print("  not recorded and not judged: this schedule measures speed\n");
    } else if (outcome.good()) {
        fmt::print("  {} events, every guarantee holds\n", outcome.trace.size());
    }
}

/// Many seeds on several threads; what is printed for a bad one comes in one piece.
class batch {
public:
    explicit batch(const sim_options& options) : _options(options) {}

    bool run() {
        const auto began = clock::now();
        std::vector<std::jthread> threads;
        for (unsigned job = 0; job < std::max(1U, _options.jobs); ++job) {
            threads.emplace_back([this] { work(); });
        }
        threads.clear();
        const double real = seconds_of(clock::now() - began);
        std::fputc('\r', stderr);
        fmt::print("{} runs of {}, {} bad; {:.0f} simulated seconds in {:.1f} s, {:.0f} a second\n", _done,
                   _options.request.schedule, _bad, _simulated, real, _simulated / std::max(real, 1e-9));
        if (_options.coverage) {
            fmt::print("\nHow often a node in each state met each fault:\n{}", _met.table());
        }
        return _bad == 0;
    }

private:
    void work() {
        for (std::uint64_t at = _next++; at < _options.count; at = _next++) {
            sim::run_request request = _options.request;
            request.seed += at;
            const sim::run_outcome outcome = sim::run(request);
            const std::scoped_lock held(_printing);
            ++_done;
            _simulated += seconds_of(outcome.simulated);
            _met.add(outcome.met);
            if (!outcome.good()) {
                ++_bad;
                print_violations(request, outcome);
            }
            progress();
        }
    }

    void progress() {
        const auto now = clock::now();
        if (now - _told < std::chrono::milliseconds(500)) {
            return;
        }
        _told = now;
        fmt::print(stderr, "\r{} of {} runs, {} bad ", _done, _options.count, _bad);
    }

    const sim_options& _options;
    std::atomic<std::uint64_t> _next{0};
    std::mutex _printing;
    std::uint64_t _done = 0;
    std::uint64_t _bad = 0;
    double _simulated = 0;
    sim::coverage _met;
    clock::time_point _told{};
};

bool run_one(const sim_options& options) {
    const auto began = clock::now();
    const sim::run_outcome outcome = sim::run(options.request);
    print_summary(options.request, outcome, seconds_of(clock::now() - began));
    if (outcome.exhausted) {
        fmt::print("  the sweep is over: this seed names no place\n");
    }
    if (options.coverage) {
        fmt::print("\nHow often a node in each state met each fault:\n{}", outcome.met.table());
    }
    if (!options.trace_file.empty() && !write_trace(options.trace_file, outcome.trace)) {
        fmt::print(stderr, "coterie: cannot write {}\n", options.trace_file);
        throw CLI::RuntimeError(2);
    }
    if (!outcome.good()) {
        print_violations(options.request, outcome);
    }
    return outcome.good();
}

void simulate(sim_options& options) {
    if (options.list) {
        print_list();
        return;
    }
    if (sim::find_schedule(options.request.schedule) == nullptr) {
        fmt::print(stderr, "coterie: there is no schedule '{}'; there are:\n", options.request.schedule);
        print_list();
        throw CLI::RuntimeError(2);
    }
    options.request.time = std::chrono::duration_cast<base::duration>(std::chrono::duration<double>(options.seconds));
    if (options.safe || options.agreed) {
        options.request.safe = options.safe;
    }
    const bool good = options.count == 1 ? run_one(options) : batch(options).run();
    if (!good) {
        throw CLI::RuntimeError(1);
    }
}

} // namespace

void add_sim_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("sim", "Run fault schedules in a simulated world and judge the trace");
    // Lives as long as the command, whose callback uses it.
    auto options = std::make_shared<sim_options>();
    command->add_option("--schedule", options->request.schedule, "Which schedule; --list names them")
        ->capture_default_str();
    command->add_option("--seed", options->request.seed, "The seed, from which everything follows")
        ->capture_default_str()
        ->check(whole_number(0, std::numeric_limits<std::uint64_t>::max()));
    command->add_option("--nodes", options->request.nodes, "How many nodes; else as the schedule draws")
        ->check(whole_number(1, 64));
    command->add_option("--seconds", options->seconds, "For how long faults go on, in simulated seconds")
        ->check(number(0.001, 1e6));
    command->add_option("--count", options->count, "How many seeds to run, from --seed on")
        ->check(whole_number(1, 1'000'000'000));
    command->add_option("--jobs", options->jobs, "On how many threads")->check(whole_number(1, 256));
    command->add_option("--trace", options->trace_file, "Write the events of the run to this file");
    command->add_flag("--list", options->list, "List the schedules");
    command->add_flag("--coverage", options->coverage, "Print which states met which faults");
    auto* safe = command->add_flag("--safe", options->safe, "A part of the messages is safe; else in odd seeds only");
    command->add_flag("--agreed", options->agreed, "No message is safe")->excludes(safe);
    command->callback([options] { simulate(*options); });
}

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// `coterie sim`: runs fault schedules in the simulated world, says what happened, and shows the trace around whatever
// broke a guarantee together with the command that repeats the run.
#include "cli/commands.hpp"
#include "cli/daemon_link.hpp"
#include "cli/number_range.hpp"
#include "cli/printable.hpp"
#include "cli/sim_batch.hpp"
#include "sim/picture.hpp"
#include "sim/run.hpp"
#include "trace/event.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coterie::cli {

namespace {

struct sim_options {
    batch_options batch;
    double seconds = 0;
    double minutes = 0;
    std::string trace_file;
    std::string plan_file;
    std::string saved_plan;
    std::string page_file;
    bool list = false;
    bool safe = false;
    bool agreed = false;
};

using clock = std::chrono::steady_clock;

void print_list() {
    for (const sim::schedule& each : sim::schedules()) {
        fmt::print("  {:<28} {}\n", each.name, each.about);
    }
}

std::string text_of(const std::vector<trace::event>& events) {
    std::string result;
    for (const trace::event& each : events) {
        result += trace::format(each) + '\n';
    }
    return result;
}

void print_summary(const std::string& name, const sim::run_outcome& outcome, double real_seconds) {
    const double simulated = seconds_of(outcome.simulated);
    fmt::print("{}: {} nodes, {:.1f} simulated seconds, {} messages\n", name, outcome.nodes, simulated,
               outcome.safe ? "agreed and safe" : "agreed");
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

std::string read_file(const std::string& path) {
    std::string result;
    std::FILE* file = std::fopen(path.c_str(), "r");
    if (file != nullptr) {
        std::array<char, 4'096> part{};
        while (const std::size_t got = std::fread(part.data(), 1, part.size(), file)) {
            result.append(part.data(), got);
        }
    }
    const bool bad = file == nullptr || std::ferror(file) != 0;
    const int fault = errno;
    if (file != nullptr) {
        std::fclose(file);
    }
    if (bad) {
        fail(fmt::format("{}: cannot be read: {}", path, std::strerror(fault)), 2);
    }
    return result;
}

sim::plan plan_in(const std::string& path) {
    auto result = sim::plan_from(read_file(path));
    if (!result) {
        fail(fmt::format("{}: {}", path, printable(result.error())), 2);
    }
    return *std::move(result);
}

/// One run, of a plan or of a seed.
bool run_one(const sim_options& options) {
    const sim::run_request& request = options.batch.request;
    std::optional<sim::plan> plan =
        options.plan_file.empty() ? sim::plan_of(request) : std::optional(plan_in(options.plan_file));
    if (!options.saved_plan.empty()) {
        if (!plan) {
            fail(fmt::format("{} is a script; only a schedule that draws everything beforehand has a plan",
                             request.schedule));
        }
        write_file(options.saved_plan, sim::to_text(*plan));
    }
    const std::string name =
        options.plan_file.empty() ? fmt::format("{}, seed {}", request.schedule, request.seed) : options.plan_file;
    const auto began = clock::now();
    sim::chronicle notes;
    sim::chronicle* const wanted = options.page_file.empty() ? nullptr : &notes;
    const sim::run_outcome outcome = plan ? sim::run(*plan, wanted) : sim::run(request, wanted);
    print_summary(name, outcome, seconds_of(clock::now() - began));
    if (outcome.exhausted) {
        fmt::print("  the sweep is over: this seed names no place\n");
    }
    if (options.batch.coverage) {
        fmt::print("\nHow often a node in each state met each fault:\n{}", outcome.met.table());
    }
    if (!options.trace_file.empty()) {
        write_file(options.trace_file, text_of(outcome.trace));
    }
    const std::string words = options.plan_file.empty() ? sim::replay_words(request) : "--plan " + options.plan_file;
    if (!options.page_file.empty()) {
        write_file(options.page_file,
                   sim::picture_of(outcome, notes.ailments(), {.title = name, .replay = "coterie sim " + words}));
        fmt::print("  drawn     {}\n", options.page_file);
    }
    if (outcome.good()) {
        return true;
    }
    fmt::print("\nThe run of {} broke its guarantees:\n{}", name, sim::report_of(outcome));
    fmt::print("\nTo see it again: coterie sim {}\n", words);
    if (options.batch.shrinks && plan) {
        std::fflush(stdout);
        shrink_to_file(*plan, {outcome.violations.front().guarantee}, options.batch.folder + "/shrunk.plan");
    }
    return false;
}

void simulate(sim_options& options) {
    if (options.list) {
        print_list();
        return;
    }
    batch_options& batch = options.batch;
    const bool many = batch.count != 1 || options.minutes != 0;
    if (sim::find_schedule(batch.request.schedule) == nullptr && !(many && batch.request.schedule == all_schedules)) {
        fmt::print(stderr, "coterie: there is no schedule '{}'; there are:\n", batch.request.schedule);
        print_list();
        throw CLI::RuntimeError(2);
    }
    batch.request.time = std::chrono::duration_cast<base::duration>(std::chrono::duration<double>(options.seconds));
    if (options.safe || options.agreed) {
        batch.request.safe = options.safe;
    }
    if (options.minutes != 0) {
        batch.time =
            std::chrono::ceil<std::chrono::seconds>(std::chrono::duration<double, std::ratio<60>>(options.minutes));
        batch.count = batch.count == 1 ? 0 : batch.count;
    }
    const bool good = many ? run_batch(batch) : run_one(options);
    if (!good) {
        throw CLI::RuntimeError(1);
    }
}

} // namespace

void add_sim_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("sim", "Run fault schedules in a simulated world and judge the trace");
    // Lives as long as the command, whose callback uses it.
    auto options = std::make_shared<sim_options>();
    batch_options& batch = options->batch;
    batch.count = 1;
    auto* schedule = command
                         ->add_option("--schedule", batch.request.schedule,
                                      "Which schedule; --list names them; 'all' for many seeds of all of them")
                         ->capture_default_str();
    auto* seed = command->add_option("--seed", batch.request.seed, "The seed, from which everything follows")
                     ->capture_default_str()
                     ->check(whole_number(0, std::numeric_limits<std::uint64_t>::max()));
    auto* nodes = command->add_option("--nodes", batch.request.nodes, "How many nodes; else as the schedule draws")
                      ->check(whole_number(1, 64));
    auto* seconds =
        command->add_option("--seconds", options->seconds, "For how long faults go on, in simulated seconds")
            ->check(number(0.001, 1e6));
    auto* count = command->add_option("--count", batch.count, "How many seeds to run, from --seed on")
                      ->check(whole_number(1, 1'000'000'000));
    auto* minutes = command->add_option("--minutes", options->minutes, "Run seeds from --seed on for so long")
                        ->check(number(0.01, 1e6));
    command->add_option("--jobs", batch.jobs, "How many seeds at a time")->check(whole_number(1, 256));
    command->add_option("--save-plan", options->saved_plan, "Write what the seed draws to this file")
        ->excludes(count, minutes);
    command->add_flag("--shrink", batch.shrinks, "Shrink what fails to a plan of the few things that it needs");
    command->add_option("--folder", batch.folder, "Where the plans of failures go")->capture_default_str();
    command->add_option("--trace", options->trace_file, "Write the events of the run to this file")
        ->excludes(count, minutes);
    command->add_option("--html", options->page_file, "Draw the run as a page for a browser, in this file")
        ->excludes(count, minutes);
    command->add_flag("--list", options->list, "List the schedules");
    command->add_flag("--coverage", batch.coverage, "Print which states met which faults");
    auto* safe = command->add_flag("--safe", options->safe, "A part of the messages is safe; else in odd seeds only");
    auto* agreed = command->add_flag("--agreed", options->agreed, "No message is safe")->excludes(safe);
    command->add_option("--plan", options->plan_file, "Play the plan in this file, instead of what a seed draws")
        ->excludes(schedule, seed, nodes, seconds, safe, agreed, count, minutes);
    command->callback([options] { simulate(*options); });
}

} // namespace coterie::cli

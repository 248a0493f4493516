// SPDX-License-Identifier: BSD-3-Clause
// `coterie check`: judges traces that daemons and client libraries wrote by the guarantees, as the simulator judges its
// own.
#include "cli/commands.hpp"

#include "cli/printable.hpp"
#include "sim/checker.hpp"
#include "trace/reader.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <memory>
#include <string>
#include <vector>

namespace coterie::cli {

namespace {

struct check_options {
    std::vector<std::string> files;
    bool quiet_tail = false;
    bool messages_repeat = false;
    bool clients_missing = false;
    bool tables = false;
};

/// The numbers below the guarantees' are the checker's own.
std::string source_of(const sim::violation& what) {
    switch (what.guarantee) {
    case sim::inside_guarantee: return "inside";
    case sim::malformed_trace: return "malformed trace";
    default: return fmt::format("guarantee {}", what.guarantee);
    }
}

void check(const check_options& options) {
    std::vector<trace::event> events;
    for (const std::string& file : options.files) {
        auto read = trace::read_file(file);
        if (!read) {
            const std::string line = read.error().line == 0 ? "" : fmt::format(":{}", read.error().line);
            fmt::print(stderr, "coterie: {}{}: {}\n", file, line, printable(read.error().what));
            throw CLI::RuntimeError(2);
        }
        events.insert(events.end(), read->begin(), read->end());
    }
    if (events.empty()) {
        // To call that right would hide that nothing was traced.
        fmt::print(stderr, "coterie: there are no events in {}\n",
                   options.files.size() == 1 ? options.files.front() : "any of these files");
        throw CLI::RuntimeError(2);
    }
    sim::checker_options rules;
    rules.quiet_tail = options.quiet_tail;
    rules.messages_unique = !options.messages_repeat;
    rules.all_clients_traced = !options.clients_missing;
    rules.tables_recorded = options.tables;
    const std::vector<sim::violation> found = sim::check(events, rules);
    for (const sim::violation& each : found) {
        fmt::print("{}: {}\n", source_of(each), each.what);
        for (const std::size_t index : each.events) {
            fmt::print("    {}\n", trace::format(events[index]));
        }
    }
    if (!found.empty()) {
        fmt::print("{} events, {} violations\n", events.size(), found.size());
        throw CLI::RuntimeError(1);
    }
    fmt::print("{} events, every guarantee that can be judged holds\n", events.size());
}

} // namespace

void add_check_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("check", "Judge traces of real daemons and clients by the guarantees");
    auto options = std::make_shared<check_options>();
    command->add_option("TRACE", options->files, "Every trace file of the run")->required();
    command->add_flag("--quiet-tail", options->quiet_tail,
                      "The run ended at rest: what must happen in the end is judged");
    command->add_flag("--messages-repeat", options->messages_repeat, "Some messages were sent more than once");
    command->add_flag("--clients-missing", options->clients_missing, "Some clients were not traced");
    command->add_flag("--tables", options->tables, "The daemons recorded their tables at the end (SIGUSR1)");
    command->callback([options] { check(*options); });
}

} // namespace coterie::cli

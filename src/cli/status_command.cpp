// SPDX-License-Identifier: BSD-3-Clause
// `coterie status`: what the local daemon knows of its cluster, once or again and again.
#include "cli/commands.hpp"

#include "cli/daemon_link.hpp"
#include "cli/number_range.hpp"
#include "cli/status_text.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fmt/core.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <unistd.h>

namespace coterie::cli {

namespace {

constexpr double watch_s_usual = 2;
constexpr double watch_s_min = 0.1;
constexpr double watch_s_max = 86'400;

struct status_options {
    std::string socket;
    bool json = false;
    double watch_s = watch_s_usual;
    const CLI::Option* watch = nullptr;
};

/// One report in the form that was asked for; the error is a text for people.
std::expected<std::string, std::string> report_of(daemon_link& link, const status_options& options) {
    auto report = link.status();
    if (!report) {
        return std::unexpected(report.error());
    }
    const auto groups = link.groups();
    if (!groups) {
        return std::unexpected(groups.error());
    }
    if (!options.json) {
        return status_text(*report, *groups);
    }
    (*report)["groups"]["list"] = to_json(*groups);
    const bool one_a_line = options.watch->count() > 0;
    return report->dump(one_a_line ? -1 : 2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (std::fflush(stdout) != 0) {
        fail("standard output cannot be written to");
    }
}

/// A daemon that is not there at the moment is waited for: an operator watches it restart.
[[noreturn]] void watch(const std::string& path, const status_options& options) {
    // Home, then clear: a screen that is never empty does not flicker.
    const bool screen = !options.json && ::isatty(STDOUT_FILENO) == 1;
    std::optional<daemon_link> link;
    while (true) {
        std::string fault;
        if (!link) {
            if (auto opened = daemon_link::open(path)) {
                link.emplace(std::move(*opened));
            } else {
                fault = opened.error();
            }
        }
        if (link) {
            if (const auto report = report_of(*link, options)) {
                print(screen ? "\x1b[H\x1b[J" + *report : options.json ? *report : *report + "\n");
            } else {
                fault = report.error();
                link.reset();
            }
        }
        if (!fault.empty()) {
            fmt::print(stderr, "{}coterie: {}\n", screen ? "\x1b[H\x1b[J" : "", fault);
        }
        std::this_thread::sleep_for(std::chrono::duration<double>(options.watch_s));
    }
}

void show_status(const status_options& options) {
    const std::string path = socket_path(options.socket);
    if (options.watch->count() > 0) {
        watch(path, options);
    }
    auto link = daemon_link::open(path);
    if (!link) {
        fail(link.error());
    }
    const auto report = report_of(*link, options);
    if (!report) {
        fail(report.error());
    }
    print(*report);
}

} // namespace

void add_status_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("status", "What the daemon knows of its cluster, groups and links");
    auto options = std::make_shared<status_options>();
    add_socket_option(*command, options->socket);
    command->add_flag("--json", options->json, "For programs: fields that docs/status.md describes");
    options->watch =
        command->add_option("--watch", options->watch_s, "Again every SECONDS, 2 unless told, until Ctrl-C")
            ->type_name("[SECONDS]")
            ->expected(0, 1)
            ->check(number(watch_s_min, watch_s_max));
    command->callback([options] { show_status(*options); });
}

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// CLI11 with the messages and the exit status of this project.
#include "cli/command_line.hpp"

#include "cli/commands.hpp"
#include "cli/daemon_link.hpp"
#include "cli/printable.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/core.h>
#include <string>
#include <vector>

namespace coterie::cli {

namespace {

constexpr int not_understood = 2;

/// A word that looks like an option and is none; CLI11 tells of what is missing first.
std::string unknown_option(const CLI::App& app) {
    for (const std::string& each : app.remaining(true)) {
        if (each.size() > 1 && each.starts_with('-')) {
            return each;
        }
    }
    return {};
}

/// A word that stands where a mode of a command is expected and is none.
std::string unknown_mode(const CLI::App& app) {
    for (const CLI::App* command : app.get_subcommands()) {
        const bool has_modes = !command->get_subcommands([](const CLI::App*) { return true; }).empty();
        const std::vector<std::string> rest = command->remaining();
        if (has_modes && command->get_subcommands().empty() && !rest.empty() && !rest.front().starts_with('-')) {
            return rest.front();
        }
    }
    return {};
}

/// The subcommand whose help says more: the last that was recognised.
std::string called(const CLI::App& app) {
    std::string result = "coterie";
    for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
        at = at->get_subcommands().back();
        result += " " + at->get_name();
    }
    return result;
}

} // namespace

void declare_commands(CLI::App& app) {
    app.require_subcommand(1);
    add_status_command(app);
    add_groups_command(app);
    add_cat_command(app);
    add_bench_command(app);
    add_demo_command(app);
    add_keygen_command(app);
    add_key_command(app);
    add_sim_command(app);
    add_check_command(app);
    add_completion_command(app);
    add_version_command(app);
}

int run_command_line(int count, char** words) {
    CLI::App app("Coterie: closed process groups for Linux", "coterie");
    declare_commands(app);
    try {
        app.parse(count, words);
        if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
            fail("standard output cannot be written to");
        }
        return 0;
    } catch (const CLI::Success& help) {
        return app.exit(help);
    } catch (const CLI::RuntimeError& ended) {
        return ended.get_exit_code();
    } catch (const CLI::ParseError& fault) {
        const bool none = app.get_subcommands().empty();
        if (none && count > 1 && words[1][0] != '-') {
            fmt::print(stderr, "coterie: there is no command '{}'; see coterie --help\n", words[1]);
        } else if (const std::string mode = unknown_mode(app); !mode.empty()) {
            fmt::print(stderr, "coterie: there is no mode '{}'; see {} --help\n", printable(mode), called(app));
        } else if (const std::string unknown = unknown_option(app); !unknown.empty()) {
            fmt::print(stderr, "coterie: there is no option '{}'; see {} --help\n", printable(unknown), called(app));
        } else {
            fmt::print(stderr, "coterie: {}; see {} --help\n", fault.what(), called(app));
        }
        return not_understood;
    }
}

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// `coterie demo [FILE]`: three daemons and three clients on this machine, a daemon killed and restarted under load, and the
// proof that all saw one order. `coterie demo-member` is the client that it starts.
#include "cli/commands.hpp"

#include "cli/demo_member.hpp"
#include "cli/demo_play.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace coterie::cli {

namespace {

struct demo_options {
    std::string lines_file;
    std::string segments_file;
    std::uint64_t rate = 0;
};

/// The text that comes with the program: beside the build, or where it was installed.
std::string usual_lines() {
    const std::filesystem::path folder = std::filesystem::path(own_program()).parent_path();
    std::error_code ignored;
    for (const char* const place : {"../../examples/demo.txt", "../share/coterie/demo.txt"}) {
        const std::filesystem::path file = std::filesystem::weakly_canonical(folder / place, ignored);
        if (std::filesystem::exists(file, ignored)) {
            return file.string();
        }
    }
    return "examples/demo.txt";
}

void end_with(int status) {
    if (status != 0) {
        throw CLI::RuntimeError(status);
    }
}

} // namespace

void add_demo_command(CLI::App& app) {
    auto options = std::make_shared<demo_options>();
    CLI::App* demo = app.add_subcommand("demo", "Three daemons and clients on this machine, one killed under load");
    demo->add_option("FILE", options->lines_file, "The lines that are multicast; else a text that comes along");
    demo->callback(
        [options] { end_with(play_demo(options->lines_file.empty() ? usual_lines() : options->lines_file)); });

    CLI::App* member = app.add_subcommand("demo-member", "");
    member->group("");
    member->add_option("FILE", options->lines_file)->required();
    member->add_option("SEGMENTS", options->segments_file)->required();
    member->add_option("--rate", options->rate);
    member->callback(
        [options] { end_with(run_demo_member(options->lines_file, options->segments_file, options->rate)); });
}

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// `coterie completion SHELL`: prints the script by which a shell completes this command's words.
#include "cli/commands.hpp"

#include "cli/completion.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <memory>
#include <string>

namespace coterie::cli {

void add_completion_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("completion", "Print a script for the completion of a shell");
    auto shell = std::make_shared<std::string>();
    command->add_option("SHELL", *shell, "bash or zsh, e.g. source <(coterie completion bash)")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh"}));
    command->callback(
        [shell, &app] { fmt::print("{}", *shell == "bash" ? bash_completion(app) : zsh_completion(app)); });
}

} // namespace coterie::cli

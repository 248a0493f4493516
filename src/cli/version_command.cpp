// SPDX-License-Identifier: BSD-3-Clause
// `coterie version`: which release this is.
#include "cli/commands.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

namespace coterie::cli {

void add_version_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("version", "Print the version");
    command->callback([] { fmt::print("Coterie {}\n", COTERIE_VERSION); });
}

} // namespace coterie::cli

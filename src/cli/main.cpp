// SPDX-License-Identifier: BSD-3-Clause
// The `coterie` command: hands over to its subcommands.
#include "cli/commands.hpp"

#include <CLI/CLI.hpp>

int main(int argc, char** argv) {
    CLI::App app("Coterie: closed process groups for Linux", "coterie");
    app.require_subcommand(1);
    coterie::cli::add_demo_command(app);
    coterie::cli::add_sim_command(app);
    coterie::cli::add_check_command(app);
    coterie::cli::add_version_command(app);
    CLI11_PARSE(app, argc, argv);
    return 0;
}

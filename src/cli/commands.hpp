// SPDX-License-Identifier: BSD-3-Clause
// The subcommands of `coterie`, each in a file of its own: it declares its options and sets its callback. A command that
// fails throws CLI::RuntimeError with the exit status.
#pragma once

namespace CLI {
class App;
}

namespace coterie::cli {

void add_bench_command(CLI::App& app);      ///< bench_command.cpp
void add_cat_command(CLI::App& app);        ///< cat_command.cpp
void add_check_command(CLI::App& app);      ///< check_command.cpp
void add_completion_command(CLI::App& app); ///< completion_command.cpp
void add_demo_command(CLI::App& app);       ///< demo_command.cpp
void add_groups_command(CLI::App& app);     ///< groups_command.cpp
void add_key_command(CLI::App& app);        ///< key_command.cpp
void add_keygen_command(CLI::App& app);     ///< key_command.cpp
void add_sim_command(CLI::App& app);        ///< sim_command.cpp
void add_status_command(CLI::App& app);     ///< status_command.cpp
void add_version_command(CLI::App& app);    ///< version_command.cpp

} // namespace coterie::cli

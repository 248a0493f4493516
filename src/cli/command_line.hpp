// SPDX-License-Identifier: BSD-3-Clause
// The whole command line of `coterie`: every subcommand, and what becomes of words that are none.
#pragma once

namespace CLI {
class App;
}

namespace coterie::cli {

/// Declares every subcommand; `app` must outlive what it parses.
void declare_commands(CLI::App& app);
/// Parses and runs. The exit status: that of the command, or 2 when the words are not understood.
[[nodiscard]] int run_command_line(int count, char** words);

} // namespace coterie::cli

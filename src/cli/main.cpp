// SPDX-License-Identifier: BSD-3-Clause
// The `coterie` command.
#include "cli/command_line.hpp"

int main(int argc, char** argv) { return coterie::cli::run_command_line(argc, argv); }

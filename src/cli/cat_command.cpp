// SPDX-License-Identifier: BSD-3-Clause
// `coterie cat GROUP`: a group in a pipe. Standard input goes to the group, what the group says to standard output,
// changes of the group to standard error.
#include "cli/commands.hpp"

#include "cli/cat_session.hpp"
#include "cli/daemon_link.hpp"

#include <CLI/CLI.hpp>
#include <corosync/cpg.h>
#include <cstdlib>
#include <memory>
#include <string>
#include <unistd.h>

namespace coterie::cli {

namespace {

void join_and_copy(const cat_options& options, const std::string& wanted_socket) {
    if (options.group.empty() || options.group.size() > CPG_MAX_NAME_LENGTH) {
        fail("a group's name has 1 to 128 bytes");
    }
    // libcpg is told in the way of all programs.
    const std::string socket = socket_path(wanted_socket);
    ::setenv("COTERIE_SOCKET", socket.c_str(), 1);
    const auto status = run_cat(options, socket);
    if (!status) {
        fail(status.error());
    }
    if (*status != 0) {
        throw CLI::RuntimeError(*status);
    }
}

} // namespace

void add_cat_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("cat", "Join a group: send standard input, print what arrives");
    auto options = std::make_shared<cat_options>();
    auto socket = std::make_shared<std::string>();
    options->input = STDIN_FILENO;
    command->add_option("GROUP", options->group, "The group to join")->required();
    add_socket_option(*command, *socket);
    command->add_flag("--sender,!--no-sender", options->sender,
                      "Print NODE/PID before each message, as is done unless told otherwise");
    command->add_flag("--raw", options->raw,
                      "Print messages byte for byte and nothing else; send lines with their newline");
    command->add_flag("--listen", options->listen, "Send nothing and print until Ctrl-C");
    command->callback([options, socket] { join_and_copy(*options, *socket); });
}

} // namespace coterie::cli

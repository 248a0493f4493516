// SPDX-License-Identifier: BSD-3-Clause
// `coterie groups [NAME]`: which groups there are, and who is in them, anywhere in the cluster.
#include "cli/commands.hpp"

#include "cli/daemon_link.hpp"
#include "cli/printable.hpp"
#include "cli/status_text.hpp"
#include "cli/text_table.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/core.h>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace coterie::cli {

namespace {

struct groups_options {
    std::string socket;
    std::string name;
    const CLI::Option* one = nullptr; ///< a name was given, which may be empty
    bool json = false;
    bool names = false;
};

/// One process a line.
std::string members_text(const listed_group& group) {
    text_table table({{"node", true}, {"pid", true}});
    for (const ipc::address& each : group.members) {
        table.add({std::to_string(each.node.value), std::to_string(each.pid)});
    }
    return table.text();
}

void show_groups(const groups_options& options) {
    const std::string path = socket_path(options.socket);
    auto link = daemon_link::open(path);
    if (!link) {
        fail(link.error());
    }
    auto groups = link->groups();
    if (!groups) {
        fail(groups.error());
    }
    if (options.one->count() > 0) {
        std::erase_if(*groups, [&](const listed_group& each) { return each.name != options.name; });
        if (groups->empty()) {
            fail(fmt::format("no process is in a group '{}'; `coterie groups` lists those that there are",
                             printable(options.name)));
        }
    }
    if (options.json) {
        const auto list = to_json(*groups);
        fmt::print("{}\n", list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    } else if (options.names) {
        std::ranges::for_each(*groups, [](const listed_group& each) { fmt::print("{}\n", printable(each.name)); });
    } else if (options.one->count() > 0) {
        fmt::print("{}", members_text(groups->front()));
    } else {
        constexpr auto all = std::numeric_limits<std::size_t>::max();
        fmt::print("{}", groups->empty() ? "There are no groups.\n" : groups_text(*groups, all, all));
    }
}

} // namespace

void add_groups_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("groups", "List the groups and the processes in them");
    auto options = std::make_shared<groups_options>();
    options->one = command->add_option("GROUP", options->name, "Only this group: one process a line");
    add_socket_option(*command, options->socket);
    CLI::Option* const json =
        command->add_flag("--json", options->json, "For programs: fields that docs/status.md describes");
    command->add_flag("--names", options->names, "Only the names, one a line")->excludes(json);
    command->callback([options] { show_groups(*options); });
}

} // namespace coterie::cli

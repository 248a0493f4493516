// SPDX-License-Identifier: BSD-3-Clause
// `coterie keygen` makes a cluster's key; `coterie key` changes it while the cluster runs, one step at a time on each node.
// No step is taken before all nodes can follow.
#include "cli/commands.hpp"

#include "cli/daemon_link.hpp"
#include "cli/key_report.hpp"
#include "config/key_file.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fmt/core.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

namespace coterie::cli {

namespace {

using stage = config::key_state::stage;

constexpr const char* usual_configurations[] = {"/etc/coterie/coterie.conf", "/etc/corosync/corosync.conf"};
/// A daemon has read its files after this time, or will not.
constexpr auto reading_limit = std::chrono::seconds(5);

struct key_options {
    std::string configuration;
    std::string socket;
    bool anyway = false;
};

/// What a step is about.
struct place {
    std::string file;
    std::string cluster_name;
    std::optional<nlohmann::ordered_json> report; ///< of the daemon, if there is one
    std::string socket;
};

std::optional<nlohmann::ordered_json> report_at(const std::string& socket) {
    auto link = daemon_link::open(socket);
    auto report = link ? link->status() : std::unexpected(link.error());
    return report ? std::optional(std::move(*report)) : std::nullopt;
}

std::string configuration_of(const key_options& options, const std::optional<nlohmann::ordered_json>& report) {
    if (!options.configuration.empty()) {
        return options.configuration;
    }
    const nlohmann::ordered_json::json_pointer at("/daemon/configuration_file");
    if (report && report->contains(at) && (*report)[at].is_string()) {
        return (*report)[at].get<std::string>();
    }
    for (const char* const each : usual_configurations) {
        std::error_code ignored;
        if (std::filesystem::exists(each, ignored)) {
            return each;
        }
    }
    fail("there is no configuration; name one with --config FILE");
}

place find_place(const key_options& options) {
    place result;
    result.socket = socket_path(options.socket);
    result.report = report_at(result.socket);
    const std::string file = configuration_of(options, result.report);
    const config::loaded configuration = config::load(file);
    if (!configuration.ok()) {
        fail(fmt::format("{} is not in order; see `coteried -t -c {}`", file, file));
    }
    if (!configuration.what.crypto.wanted()) {
        fail(fmt::format("{} does not ask for encryption (crypto_cipher in totem), so no key is used", file));
    }
    if (configuration.what.crypto.key) {
        fail(
            fmt::format("{} holds the key itself (totem.key); only keys in files of their own can be changed while the "
                        "cluster runs: use keyfile",
                        file));
    }
    result.file = config::key_file_of(configuration.what.crypto);
    result.cluster_name = configuration.what.cluster_name;
    return result;
}

config::key_state state_of(const place& where) {
    const auto state = config::key_state_of(where.file, where.cluster_name);
    if (!state) {
        fail(state.error());
    }
    return *state;
}

std::vector<node_keys> nodes_of(const place& where) {
    return where.report ? keys_in(*where.report) : std::vector<node_keys>{};
}

void require(const config::done& step) {
    if (!step) {
        fail(step.error());
    }
}

/// Unless it is wanted anyway, a step that leaves somebody behind is not taken.
void require_all(const std::string& why_not, const key_options& options) {
    if (!why_not.empty() && !options.anyway) {
        fail(why_not + ": nothing was changed; `coterie key status` tells what to do, and --anyway goes on without it");
    }
}

/// Has the daemon read its files, and prints what has come of it.
void apply(place& where) {
    const config::key_state state = state_of(where);
    if (where.report) {
        const auto pid = (*where.report)["daemon"]["pid"].get<pid_t>();
        if (::kill(pid, SIGHUP) != 0) {
            fail(
                fmt::format("the files are changed, but process {} cannot be told: {}; run `systemctl reload coteried`",
                            pid, std::strerror(errno)));
        }
        const auto end = std::chrono::steady_clock::now() + reading_limit;
        const auto has_read = [&] {
            where.report = report_at(where.socket);
            const auto nodes = nodes_of(where);
            return !nodes.empty() && nodes.front().used == state.used && nodes.front().other == state.other;
        };
        while (!has_read() && std::chrono::steady_clock::now() < end) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
    fmt::print("{}", key_text(where.file, state, nodes_of(where)));
}

void rotate(const key_options& options) {
    place where = find_place(options);
    const config::key_state state = state_of(where);
    const auto nodes = nodes_of(where);
    switch (state.at) {
    case stage::settled: require(config::prepare_next_key(where.file, where.cluster_name)); break;
    case stage::prepared:
        // The first time it was only copied here.
        if (nodes.empty() || nodes.front().other == state.other) {
            require_all(why_not_all_know(nodes, state.other), options);
            require(config::switch_to_next_key(where.file));
        }
        break;
    case stage::switched: break;
    }
    apply(where);
}

void finish(const key_options& options) {
    place where = find_place(options);
    const config::key_state state = state_of(where);
    if (state.at == stage::prepared) {
        fail("the new key is not used yet; `coterie key rotate` is the next step, or `coterie key undo`");
    }
    if (state.at == stage::switched) {
        require_all(why_not_all_use(nodes_of(where), state.used), options);
    }
    require(config::forget_last_key(where.file));
    apply(where);
}

void undo(const key_options& options) {
    place where = find_place(options);
    const config::key_state state = state_of(where);
    const auto nodes = nodes_of(where);
    if (state.at == stage::settled) {
        fail("the key is not being changed");
    }
    if (state.at == stage::prepared && !options.anyway) {
        for (const node_keys& each : nodes) {
            if (each.used == state.other) {
                fail(fmt::format("node {} uses the new key: run `coterie key undo` there first; nothing was changed",
                                 each.node));
            }
        }
    }
    require(config::undo_key_change(where.file, state.at));
    apply(where);
}

void show(const key_options& options) {
    const place where = find_place(options);
    fmt::print("{}", key_text(where.file, state_of(where), nodes_of(where)));
}

void make_key(const std::string& wanted) {
    std::error_code ignored;
    const std::string file = !wanted.empty()                                    ? wanted
                             : std::filesystem::exists("/etc/coterie", ignored) ? "/etc/coterie/authkey"
                                                                                : "/etc/corosync/authkey";
    if (std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
        fail(fmt::format("{} is there already, and is not overwritten; `coterie key rotate` changes a key", file));
    }
    require(config::make_key_file(file));
    fmt::print("{} holds a new key; copy it to the same place on all nodes, readable for its owner alone\n", file);
}

} // namespace

void add_keygen_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("keygen", "Make a key for a cluster");
    auto file = std::make_shared<std::string>();
    command->add_option("FILE", *file, "Where; /etc/coterie/authkey otherwise");
    command->callback([file] { make_key(*file); });
}

void add_key_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("key", "Change the cluster's key while it runs");
    command->require_subcommand(1);
    auto options = std::make_shared<key_options>();
    const auto add = [&](const char* name, const char* about, void (*run)(const key_options&), bool judges) {
        CLI::App* const each = command->add_subcommand(name, about);
        each->add_option("-c,--config", options->configuration, "The daemon's configuration");
        add_socket_option(*each, options->socket);
        if (judges) {
            each->add_flag("--anyway", options->anyway, "Also if a node is not heard, or cannot follow");
        }
        each->callback([options, run] { run(*options); });
    };
    add("status", "Tell where a change of the key stands", show, false);
    add("rotate", "Take the next step on this node: a new key, accept it, use it", rotate, true);
    add("finish", "Accept the old key no longer", finish, true);
    add("undo", "Take the latest step back on this node", undo, true);
}

} // namespace coterie::cli

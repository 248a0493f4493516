// SPDX-License-Identifier: BSD-3-Clause
// Requests on the same channel that libcpg uses.
#include "cli/daemon_link.hpp"

#include "cli/printable.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coterie::cli {

namespace {

constexpr const char* usual_socket = "/run/coterie/coteried.sock";

std::string own_user() {
    const passwd* const entry = ::getpwuid(::geteuid());
    return entry != nullptr ? entry->pw_name : std::to_string(::geteuid());
}

std::string no_daemon(const std::string& path) {
    struct stat found{};
    std::string result;
    if (::stat(path.c_str(), &found) != 0) {
        result = fmt::format("no daemon runs here: there is no socket {}\n", path);
    } else if (S_ISSOCK(found.st_mode)) {
        result = fmt::format("no daemon listens at {}\n", path);
    } else {
        result = fmt::format("{} is not a socket\n", path);
    }
    result += "Start one with `systemctl start coteried`, or by hand with `coteried -f`. If its configuration says\n"
              "another system.socket_path, give that with --socket PATH or in COTERIE_SOCKET.";
    return result;
}

} // namespace

void add_socket_option(CLI::App& command, std::string& path) {
    command
        .add_option("--socket", path, "The daemon's socket; else $COTERIE_SOCKET, else " + std::string(usual_socket))
        ->type_name("PATH");
}

std::string socket_path(const std::string& wanted) {
    if (!wanted.empty()) {
        return wanted;
    }
    const char* const wish = std::getenv("COTERIE_SOCKET");
    return wish != nullptr && *wish != '\0' ? wish : usual_socket;
}

std::string explain(ipc::status fault, const std::string& path) {
    switch (fault) {
    case ipc::status::access:
        return fmt::format("{} may not use the daemon at {}\n"
                           "Root, the daemon's own user, and whom its configuration names may: add a section\n"
                           "`uidgid {{ uid: {} }}`, each on a line of its own, to it and restart it; or use sudo.",
                           own_user(), path, own_user());
    case ipc::status::try_again:
        return fmt::format("the daemon at {} does not answer, or has not found its place in the cluster yet\n"
                           "Try again in a moment; if that does not help, its log says what it waits for.",
                           path);
    case ipc::status::no_resources:
        return fmt::format("the daemon at {} has no room for another client, or this process has none for another\n"
                           "descriptor. End clients that are not needed, or look at `ulimit -n`.",
                           path);
    case ipc::status::invalid_param: return fmt::format("{} is too long for the path of a socket", path);
    default: return no_daemon(path);
    }
}

std::expected<daemon_link, std::string> daemon_link::open(const std::string& path) {
    ipc::hello wish;
    wish.pid = static_cast<std::uint32_t>(::getpid());
    auto channel = ipc::client_channel::connect(path, wish);
    if (!channel) {
        return std::unexpected(explain(channel.error(), path));
    }
    return daemon_link(path, std::move(*channel));
}

std::expected<nlohmann::ordered_json, std::string> daemon_link::status() {
    const auto answer = _channel->ask({.kind = ipc::request_kind::status});
    if (answer.result == ipc::status::library) {
        return std::unexpected(
            fmt::format("the daemon at {} has gone, or is of a release that cannot tell its status", _path));
    }
    if (answer.result != ipc::status::ok) {
        return std::unexpected(explain(answer.result, _path));
    }
    const std::string_view text(reinterpret_cast<const char*>(answer.body.data()), answer.body.size());
    auto report = nlohmann::ordered_json::parse(text, nullptr, false);
    if (!report.is_object() || !report.contains("format")) {
        return std::unexpected(fmt::format("the daemon at {} answers with something that is no status", _path));
    }
    return report;
}

std::expected<std::vector<listed_group>, std::string> daemon_link::groups() {
    const auto answer = _channel->ask({.kind = ipc::request_kind::groups});
    if (answer.result != ipc::status::ok) {
        return std::unexpected(answer.result == ipc::status::library ? fmt::format("the daemon at {} has gone", _path)
                                                                     : explain(answer.result, _path));
    }
    const auto listing = ipc::unpack_groups(answer.body);
    if (!listing) {
        return std::unexpected(fmt::format("the daemon at {} answers with something that is no list of groups", _path));
    }
    std::vector<listed_group> result;
    for (const ipc::group_listing& each : *listing) {
        if (!each.members.empty()) {
            result.push_back({.name = std::string(each.name), .members = each.members});
        }
    }
    return result;
}

nlohmann::ordered_json to_json(const std::vector<listed_group>& groups) {
    nlohmann::ordered_json result = nlohmann::ordered_json::array();
    for (const listed_group& each : groups) {
        nlohmann::ordered_json one{{"name", each.name}};
        if (!is_utf8(each.name)) {
            one["name_hex"] = hexadecimal(each.name);
        }
        one["members"] = nlohmann::ordered_json::array();
        for (const ipc::address& who : each.members) {
            one["members"].push_back({{"node", who.node.value}, {"pid", who.pid}});
        }
        result.push_back(std::move(one));
    }
    return result;
}

void fail(std::string_view text, int status) {
    fmt::print(stderr, "coterie: {}\n", text);
    throw CLI::RuntimeError(status);
}

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// How commands reach the daemon: which socket, what it is asked, and a message that says what to try when it does not
// answer.
#pragma once

#include "ipc/client_channel.hpp"

#include <expected>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace coterie::cli {

/// Declares `--socket PATH`; `path` must live as long as the command.
void add_socket_option(CLI::App& command, std::string& path);
/// The socket of the daemon: what was asked for, else $COTERIE_SOCKET, else the usual one.
[[nodiscard]] std::string socket_path(const std::string& wanted);
/// Why nothing can be had from the daemon at `path`, and what to do about it; one or more lines without the last newline.
[[nodiscard]] std::string explain(ipc::status fault, const std::string& path);

/// One group as the daemon lists it.
struct listed_group {
    std::string name;
    std::vector<ipc::address> members;
};

/// A connection to a daemon. Errors are texts for people.
class daemon_link {
public:
    [[nodiscard]] static std::expected<daemon_link, std::string> open(const std::string& path);

    /// The daemon's report: an object with the fields of docs/status.md.
    [[nodiscard]] std::expected<nlohmann::ordered_json, std::string> status();
    /// Every group that has members, sorted by name.
    [[nodiscard]] std::expected<std::vector<listed_group>, std::string> groups();

private:
    daemon_link(std::string path, std::unique_ptr<ipc::client_channel> channel)
        : _path(std::move(path)),
          _channel(std::move(channel)) {}
    std::string _path;
    std::unique_ptr<ipc::client_channel> _channel;
};

/// Groups as they stand in JSON output: a `name_hex` comes along where a name is not text.
[[nodiscard]] nlohmann::ordered_json to_json(const std::vector<listed_group>& groups);

/// Prints `coterie: TEXT` to standard error and ends the command with this exit status.
[[noreturn]] void fail(std::string_view text, int status = 1);

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// What a corosync.conf says to this daemon, in types of its own, and how the local node is found in it. Every value has
// been judged; what is missing has its default.
#pragma once

#include "base/ids.hpp"
#include "config/document.hpp"

#include <chrono>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace coterie::config {

using base::node_id;

struct node {
    node_id id;
    std::string name;    ///< empty if none is given
    std::string address; ///< ring0_addr: an IP address or a host's name
    std::size_t line{};
};

struct settings {
    std::string file; ///< where this was read; empty for the built-in default
    std::string cluster_name;
    std::uint16_t port = 5405;
    std::vector<node> nodes;                        ///< sorted by id; empty: one node on no network
    node_id lone_node{1};                           ///< the local node's id when `nodes` is empty
    std::optional<std::chrono::milliseconds> token; ///< how long a silent node is waited for

    std::optional<std::string> socket_path;
    std::string state_dir = "/var/lib/coterie";
    std::optional<std::string> trace_file;

    bool log_to_stderr = true;
    bool log_debug = false;
    std::optional<std::string> log_file;
};

struct loaded {
    settings what;
    std::vector<diagnostic> diagnostics; ///< in the order of lines
    [[nodiscard]] bool ok() const;
};

/// Judges a document.
[[nodiscard]] loaded judge(const document& source, const std::string& file);
/// Reads and judges a file.
[[nodiscard]] loaded load(const std::string& file);

/// What is known of this machine when the local node is looked for.
struct local_facts {
    std::optional<node_id> wanted; ///< by --node
    std::string host_name;
    std::vector<std::string> addresses; ///< of its interfaces, as text
};
/// The local node's place in `nodes`: the one that is wanted, else that of this host's name, else that of an address of
/// this host. The error says why there is none.
[[nodiscard]] std::expected<std::size_t, std::string> find_local_node(const settings& from, const local_facts& facts);

} // namespace coterie::config

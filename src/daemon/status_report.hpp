// SPDX-License-Identifier: BSD-3-Clause
// What the daemon tells of itself to `coterie status`: one JSON object, whose fields docs/status.md names. It reads state
// and changes none, takes well under a millisecond, and its size is bounded by the number of configured nodes: groups are
// counted here, and listed by the request that lists groups; of what is slow some are listed.
#pragma once

#include "config/settings.hpp"
#include "groups/service.hpp"
#include "ipc/server.hpp"
#include "net/transport.hpp"
#include "ring/engine.hpp"

#include <string>
#include <vector>

namespace coterie::daemon {

/// A configured node as people know it.
struct named_node {
    base::node_id node;
    std::string name;    ///< empty if it has none
    std::string address; ///< with the port, on the first link where it is known; empty on no network
};

/// The nodes of a configuration with the addresses that are known; the own node alone where there is no network.
[[nodiscard]] std::vector<named_node> named_nodes(base::node_id self, const std::vector<config::node>& configured,
                                                  const net::transport_settings* network);

/// What does not change while the daemon runs.
struct daemon_facts {
    base::node_id self;
    std::string cluster_name;
    std::string configuration_file; ///< empty for the built-in configuration
    std::string socket_path;
    std::vector<named_node> nodes; ///< sorted by id; at least the own one
    net::link_mode mode{};
    std::vector<net::local_link> links; ///< none on no network
    base::time_point started;
};

/// A local client that takes its events too slowly.
struct slow_process {
    std::uint32_t pid;
    std::string group; ///< empty if it is in none
    std::size_t bytes; ///< of events that wait for it
    std::chrono::milliseconds time;
};

/// What the report is made of. Everything is only looked at.
struct status_sources {
    const daemon_facts& facts;
    const ring::engine& engine;
    const groups::service& groups;
    const net::transport_counters* network;       ///< null on no network
    std::vector<net::node_paths> paths{};         ///< to other nodes
    std::optional<net::sealing_report> sealing{}; ///< nothing: packets go in the clear
    const ipc::server_counters& clients;
    std::size_t clients_connected;
    std::vector<slow_process> slow_clients;
    base::time_point now;
};

[[nodiscard]] std::string status_report(const status_sources& from);

} // namespace coterie::daemon

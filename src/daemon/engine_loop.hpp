// SPDX-License-Identifier: BSD-3-Clause
// The one thread on which ring, groups, net and ipc run to completion, event by event: whatever comes (a datagram, a
// client's request, a timer, an epoch that is on the disk, a signal) is handed in with the time, and then everything that
// this led to is sent out, before the next thing is looked at.
#pragma once

#include "config/settings.hpp"
#include "daemon/address_book.hpp"
#include "daemon/door_policy.hpp"
#include "daemon/epoch_store.hpp"
#include "daemon/key_reload.hpp"
#include "groups/service.hpp"
#include "ipc/server.hpp"
#include "net/transport.hpp"
#include "ring/engine.hpp"

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace coterie::daemon {

/// Everything the loop is made from; what can fail has been done.
struct node_parts {
    ring::settings ring;
    groups::settings groups;
    ipc::server_settings ipc;
    std::optional<net::transport_settings> net;  ///< nothing: a node on no network
    std::optional<net::encryption> sealing;      ///< nothing: packets go in the clear
    std::function<key_reload::keys()> read_keys; ///< anew; empty where they cannot change
    std::unique_ptr<epoch_store> store;
    std::unique_ptr<trace::recorder> recorder; ///< may be null
    std::vector<config::node> nodes;           ///< for names in the log and the status
    std::string cluster_name;
    std::string configuration_file;     ///< empty for the built-in configuration
    std::unique_ptr<address_book> book; ///< looks for peers' names that are not known yet; may be null
    door_policy door{0, {}};            ///< whom the door lets in
};

class engine_loop {
public:
    explicit engine_loop(node_parts parts);
    ~engine_loop();
    engine_loop(const engine_loop&) = delete;
    engine_loop& operator=(const engine_loop&) = delete;

    /// Opens the sockets. The error is one line for people.
    [[nodiscard]] std::expected<void, std::string> open(const std::string& socket_path);
    /// Runs until the node has left after SIGTERM or SIGINT, or cannot go on. The error is one line for people.
    [[nodiscard]] std::expected<void, std::string> run();

private:
    class core;
    std::unique_ptr<core> _core;
};

} // namespace coterie::daemon

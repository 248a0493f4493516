// SPDX-License-Identifier: BSD-3-Clause
// Prepares a node: who it is, whom it may meet, what it remembers.
#include "daemon/startup.hpp"

#include "trace/recorders.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <unistd.h>

namespace coterie::daemon {

namespace {

constexpr const char* usual_files[] = {"/etc/coterie/coterie.conf", "/etc/corosync/corosync.conf"};
constexpr const char* default_socket = "/run/coterie/coteried.sock";

std::uint64_t random_number() {
    std::uint64_t result = 0;
    while (result == 0) {
        if (::getrandom(&result, sizeof(result), 0) != sizeof(result) && errno != EINTR) {
            std::abort();
        }
    }
    return result;
}

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

void apply_token(ring::settings& ring, std::chrono::milliseconds token) {
    using std::chrono::milliseconds;
    ring.silence_limit = token;
    // Several heartbeats have to be lost before a node is.
    ring.heartbeat_interval = std::clamp<base::duration>(token / 5, milliseconds(10), milliseconds(100));
    ring.contact_limit = std::max<base::duration>(ring.contact_limit, 2 * token);
}

std::uint64_t wall_clock_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

std::expected<net::transport_settings, std::string> resolve_nodes(const config::settings& settings, std::size_t local) {
    net::transport_settings result;
    result.cluster = wire::cluster_of(settings.cluster_name);
    for (std::size_t i = 0; i < settings.nodes.size(); ++i) {
        const config::node& each = settings.nodes[i];
        const auto fault = [&](const std::string& text) {
            const config::diagnostic place{
                .file = settings.file, .line = each.line, .key = "nodelist.node.ring0_addr", .text = text};
            return std::unexpected(place.message());
        };
        auto where = net::resolve(each.address, settings.port);
        if (!where) {
            return fault(where.error());
        }
        if (i == local) {
            result.local = *where;
        } else {
            result.peers.push_back({.node = each.id, .where = *where});
        }
    }
    for (const net::peer& each : result.peers) {
        if (each.where.family() != result.local.family()) {
            return std::unexpected(settings.file + ": nodelist: " + each.where.host() + " and " + result.local.host() +
                                   " are not of one kind; use IPv4 addresses alone or IPv6 addresses alone");
        }
    }
    return result;
}

/// Who this node is among those of the configuration.
std::expected<std::size_t, std::string> local_place(const config::settings& settings, const options& wanted) {
    config::settings normal = settings;
    for (config::node& each : normal.nodes) {
        each.address = net::usual_spelling(each.address);
    }
    auto place = config::find_local_node(
        normal, {.wanted = wanted.node, .host_name = host_name(), .addresses = net::local_addresses()});
    if (!place) {
        return std::unexpected(settings.file + ": nodelist: " + place.error());
    }
    return *place;
}

} // namespace

config::loaded load_configuration(const options& wanted) {
    if (wanted.config_file) {
        return config::load(*wanted.config_file);
    }
    for (const char* const file : usual_files) {
        std::error_code ignored;
        if (std::filesystem::exists(file, ignored)) {
            return config::load(file);
        }
    }
    return {};
}

std::string socket_path_of(const config::settings& settings) {
    if (settings.socket_path) {
        return *settings.socket_path;
    }
    const char* const wish = std::getenv("COTERIE_SOCKET");
    return wish != nullptr && *wish != '\0' ? wish : default_socket;
}

std::expected<node_parts, std::string> prepare(const config::settings& settings, const options& wanted) {
    node_parts result;
    result.nodes = settings.nodes;
    result.cluster_name = settings.cluster_name;
    result.configuration_file = settings.file;
    base::member self{.node = wanted.node.value_or(settings.lone_node), .nonce = {random_number()}};
    if (!settings.nodes.empty()) {
        const auto local = local_place(settings, wanted);
        if (!local) {
            return std::unexpected(local.error());
        }
        self.node = settings.nodes[*local].id;
        auto network = resolve_nodes(settings, *local);
        if (!network) {
            return std::unexpected(network.error());
        }
        result.net = std::move(*network);
    }

    auto store = epoch_store::open(settings.state_dir);
    if (!store) {
        return std::unexpected(store.error());
    }
    result.store = std::move(*store);
    const epoch_store::found remembered = result.store->read();
    if (!remembered.fault.empty()) {
        spdlog::warn(remembered.fault);
    }

    result.ring.self = self;
    result.ring.cluster = wire::cluster_of(settings.cluster_name);
    for (const config::node& each : settings.nodes) {
        result.ring.configured.push_back(each.id);
    }
    result.ring.random_seed = random_number();
    result.ring.epoch_stored = remembered.epoch;
    result.ring.wall_clock_us = wall_clock_us();
    if (settings.token) {
        apply_token(result.ring, *settings.token);
    }
    result.groups.self = self;
    result.ipc.node = self.node;
    result.ipc.user = ::geteuid();
    result.ipc.message_bytes_max = result.groups.message_bytes_max;

    if (settings.trace_file) {
        auto recorder = trace::file_recorder::open(*settings.trace_file);
        if (!recorder) {
            return std::unexpected("system.trace_file " + *settings.trace_file +
                                   " cannot be written to: " + recorder.error().message());
        }
        result.recorder = std::make_unique<trace::file_recorder>(std::move(*recorder));
    }
    return result;
}

} // namespace coterie::daemon

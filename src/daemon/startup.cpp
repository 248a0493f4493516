// SPDX-License-Identifier: BSD-3-Clause
// Prepares a node: who it is, whom it may meet, what it remembers.
#include "daemon/startup.hpp"

#include "config/key_file.hpp"
#include "daemon/network_setup.hpp"
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
/// Names that are not known after this time are gone without, or, if it is the own one, not.
constexpr auto resolving_limit = std::chrono::seconds(5);

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
    ring.heartbeat_interval = std::clamp<base::duration>(token / 5, milliseconds(10), milliseconds(60));
    ring.contact_limit = std::max<base::duration>(ring.contact_limit, 2 * token);
}

void apply_members(ring::settings& ring, const config::members& member) {
    ring.hold_off_max = member.hold_off_max;
    ring.refused_limit = member.refused_timeout;
    if (member.evict_slow) {
        ring.lag_patience = member.slow_timeout;
    }
}

std::uint64_t wall_clock_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

/// Says which peers, or links to them, have to be done without for now.
void tell_missing(const config::settings& settings, const network_setup& network) {
    for (const missing_name& each : network.missing) {
        const std::string node = "node " + std::to_string(each.node.value);
        const bool reached =
            std::ranges::find(network.net.peers, each.node, &net::peer::node) != network.net.peers.end();
        const config::diagnostic place{.file = settings.file,
                                       .line = each.at.line,
                                       .key = "nodelist.node." + config::address_key(each.at.link),
                                       .text = each.at.host + " cannot be resolved (" + each.fault +
                                               "); running without " +
                                               (reached ? "link " + std::to_string(each.at.link.value) + " to " : "") +
                                               node + " and asking again in the background"};
        spdlog::warn("{}", place.message());
    }
}

crypto::cipher cipher_for(config::encryption::choice wanted) {
    using choice = config::encryption::choice;
    if (wanted == choice::chacha20 || !crypto::processor_has_aes()) {
        return crypto::cipher::chacha20_poly1305;
    }
    return wanted == choice::aes_128 ? crypto::cipher::aes_128_gcm : crypto::cipher::aes_256_gcm;
}

} // namespace

std::expected<std::optional<net::encryption>, std::string> prepare_encryption(const config::settings& settings) {
    const config::encryption& wanted = settings.crypto;
    if (!wanted.wanted() || settings.nodes.empty()) {
        return std::nullopt;
    }
    auto keys = config::read_keys(settings);
    if (!keys) {
        return std::unexpected(keys.error());
    }
    return net::encryption{.keys = std::move(*keys), .seals_with = cipher_for(wanted.cipher)};
}

encryption_line tell_encryption(const config::settings& settings, const std::optional<net::encryption>& sealing) {
    if (!sealing) {
        return {.text =
                    "packets are not encrypted: whoever can listen on the network reads all messages, and whoever can "
                    "send there forges them; `crypto_cipher: aes256` in totem and a key keep both out",
                .warns = true};
    }
    const bool no_aes = sealing->seals_with == crypto::cipher::chacha20_poly1305 &&
                        settings.crypto.cipher != config::encryption::choice::chacha20;
    const crypto::keyring& keys = sealing->keys;
    return {
        .text = fmt::format(
            "packets are encrypted and authenticated with {}, which is what {} stands for{}; the key is {}, number "
            "{}{}",
            crypto::to_string(sealing->seals_with), settings.crypto.asked_by(),
            no_aes ? " on a processor without instructions for AES" : "",
            settings.crypto.key ? "that of totem.key" : config::key_file_of(settings.crypto), keys.used.slot(),
            keys.other ? fmt::format("; it is being changed: number {} is accepted as well", keys.other->slot()) : ""),
        .warns = false};
}

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

std::string usual_places() {
    std::string result;
    for (const char* const each : usual_files) {
        result += (result.empty() ? "" : " nor ") + std::string(each);
    }
    return result;
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
        auto network = set_up_network(
            settings,
            {.wanted = wanted.node, .host_name = host_name(), .addresses = net::local_addresses(), .resolved = {}},
            resolving_limit);
        if (!network) {
            return std::unexpected(network.error());
        }
        tell_missing(settings, *network);
        self.node = network->self;
        result.net = std::move(network->net);
        result.book = std::move(network->book);
    }

    if (result.net) {
        auto sealing = prepare_encryption(settings);
        if (!sealing) {
            return std::unexpected(sealing.error());
        }
        result.sealing = std::move(*sealing);
        if (result.sealing && !settings.crypto.key) {
            result.read_keys = [settings] { return config::read_keys(settings); };
        }
    }

    auto store = epoch_store::open(settings.state_dir);
    if (!store) {
        return std::unexpected(store.error());
    }
    result.store = std::move(*store);
    const epoch_store::found remembered = result.store->read();
    if (!remembered.fault.empty()) {
        spdlog::warn("{}", remembered.fault);
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
    apply_members(result.ring, settings.member);
    if (result.net) {
        result.net->self = self;
        result.net->limits = net::path_limits::for_silence(result.ring.silence_limit);
    }
    result.groups.self = self;
    result.ipc.node = self.node;
    result.door = door_policy(::geteuid(), settings.access);
    result.groups.message_bytes_max = settings.message_bytes_max;
    result.ipc.message_bytes_max = settings.message_bytes_max;
    // Large messages that have begun are ended also when their group is paused.
    const std::uint64_t two_large = 2 * settings.message_bytes_max;
    result.ipc.event_bytes_max = settings.slow.backlog_bytes_max + static_cast<std::size_t>(two_large);
    result.ipc.event_bytes_all_max = std::max(settings.slow.backlog_bytes_all_max, result.ipc.event_bytes_max);
    result.ipc.slow_time = settings.slow.evict_after.value_or(std::chrono::milliseconds(0));
    // What a client's ring holds, and the files that may be under way with it.
    result.groups.reserve_bytes = two_large + 2 * std::uint64_t{result.ipc.rings.requests} + (std::uint64_t{8} << 20U);

    if (settings.trace_file) {
        auto recorder = trace::file_recorder::open(*settings.trace_file);
        const std::string unwritable = "system.trace_file " + *settings.trace_file + " cannot be written to: ";
        if (!recorder) {
            return std::unexpected(unwritable + recorder.error().message());
        }
        // A full disk takes a file, but nothing in it.
        if (const auto fault = recorder->note("coteried " COTERIE_VERSION)) {
            return std::unexpected(unwritable + fault.message());
        }
        recorder->on_first_loss([unwritable](std::error_code fault) {
            spdlog::error("{}{}; the trace has gaps from here on", unwritable, fault.message());
        });
        result.recorder = std::make_unique<trace::file_recorder>(std::move(*recorder));
    }
    return result;
}

} // namespace coterie::daemon

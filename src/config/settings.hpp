// SPDX-License-Identifier: BSD-3-Clause
// What a corosync.conf says to this daemon, in types of its own. Every value has been judged; what is missing has its
// default. What each key does is said in keys.cpp, and for people in docs/configuration.md.
#pragma once

#include "base/ids.hpp"
#include "config/accounts.hpp"
#include "config/document.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

namespace coterie::config {

using base::link_number;
using base::node_id;

/// Nodes of a cluster, at most.
inline constexpr std::size_t nodes_max = 128;

/// Where a node is on one link.
struct node_address {
    link_number link;
    std::string host;   ///< ring0_addr to ring7_addr: an IP address or a host's name
    std::size_t line{}; ///< where it stands in the file
    friend bool operator==(const node_address&, const node_address&) = default;
};

/// The key of an address on that link: "ring1_addr" of link 1.
[[nodiscard]] std::string address_key(link_number link);

struct node {
    node_id id;
    std::string name;                    ///< empty if none is given
    std::vector<node_address> addresses; ///< sorted by link; all nodes have the same links, link 0 among them
    /// Where these stand in the file.
    struct lines {
        std::size_t section{};
        std::size_t id{};
        std::size_t name{};
        friend bool operator==(const lines&, const lines&) = default;
    };
    lines at = {};
    friend bool operator==(const node&, const node&) = default;

    /// Null if it has no address on that link.
    [[nodiscard]] const node_address* on(link_number link) const;
};

/// Which of several links a packet takes.
enum class link_mode : std::uint8_t { passive, active, round_robin };

struct link_settings {
    std::uint16_t port{};
    int priority = 1; ///< the highest goes first in passive mode
    friend bool operator==(const link_settings&, const link_settings&) = default;
};

/// Links as they are without a word about them: one port after the other.
[[nodiscard]] constexpr std::array<link_settings, base::links_max> usual_links() {
    std::array<link_settings, base::links_max> result{};
    for (std::size_t link = 0; link < result.size(); ++link) {
        result[link].port = static_cast<std::uint16_t>(5'405 + link);
    }
    return result;
}

/// Which kind of address is taken where a name has both.
enum class ip_preference : std::uint8_t { ipv4_only, ipv6_only, ipv4_first, ipv6_first };

/// Lines less grave than this are not written; in the order of the gravest last.
enum class log_level : std::uint8_t { trace, debug, info, warning, error, critical };
enum class log_time : std::uint8_t { none, seconds, milliseconds };

struct log_settings {
    bool to_stderr = true;
    bool to_syslog = true;
    bool to_file = false;
    std::string file;                         ///< a full path; only used with to_file
    std::string syslog_facility = "daemon";   ///< daemon or local0 to local7
    log_level file_level = log_level::info;   ///< for the file
    log_level syslog_level = log_level::info; ///< for syslog
    log_level level = log_level::info;        ///< for standard error; debug or trace holds for all
    log_time time = log_time::milliseconds;   ///< in front of lines on standard error and in the file
    friend bool operator==(const log_settings&, const log_settings&) = default;
};

/// How the engine's thread competes for the processor.
struct scheduling {
    bool realtime = true; ///< SCHED_RR at the highest priority, if the system allows it
    /// Else, if given, a nice value from -20 (most eager) to 19.
    std::optional<int> nice;
    friend bool operator==(const scheduling&, const scheduling&) = default;
};

/// What becomes of clients that take their events too slowly.
struct slow_clients {
    std::optional<std::chrono::milliseconds> evict_after =
        std::chrono::seconds(30);                                ///< nothing: their groups wait for them
    std::size_t backlog_bytes_max = std::size_t{32} << 20U;      ///< of events, for each client
    std::size_t backlog_bytes_all_max = std::size_t{512} << 20U; ///< for all together
    friend bool operator==(const slow_clients&, const slow_clients&) = default;
};

/// How other nodes are dealt with that come and go, or do not keep up.
struct members {
    bool evict_slow = false;                                           ///< else all wait for them
    std::chrono::milliseconds slow_timeout = std::chrono::seconds(30); ///< and then only after so long
    std::chrono::milliseconds hold_off_max = std::chrono::seconds(4);  ///< how long one is kept away, at most
    std::chrono::milliseconds refused_timeout{25}; ///< silence of one whose host says that nobody listens there
    friend bool operator==(const members&, const members&) = default;
};

/// Whom the door lets in besides root and the daemon's own user.
struct access_entries {
    std::set<uid_t> users;
    std::set<gid_t> groups;
    friend bool operator==(const access_entries&, const access_entries&) = default;
};

/// What is said of encryption. Whatever asks for any gets authenticated encryption.
struct encryption {
    enum class choice : std::uint8_t { by_processor, aes_128, chacha20 };
    choice cipher = choice::by_processor;
    bool secauth = false;
    std::string cipher_name;             ///< as it was asked for; empty or none: it was not
    std::string hash_name;               ///< the same of the hash
    std::optional<std::string> key;      ///< the key itself
    std::optional<std::string> key_file; ///< a full path
    friend bool operator==(const encryption&, const encryption&) = default;

    [[nodiscard]] bool wanted() const { return secauth || asks(cipher_name) || asks(hash_name); }
    /// What asked for it, for people: "crypto_cipher: aes256, crypto_hash: sha256".
    [[nodiscard]] std::string asked_by() const;

private:
    static bool asks(const std::string& name) { return !name.empty() && name != "none"; }
};

struct settings {
    std::string file; ///< where this was read; empty for the built-in default
    std::string cluster_name;
    std::array<link_settings, base::links_max> links =
        usual_links(); ///< by number; nodes have addresses on some of them
    link_mode mode = link_mode::passive;
    ip_preference ip = ip_preference::ipv6_first;
    std::vector<node> nodes;                        ///< sorted by id; empty: one node on no network
    node_id lone_node{1};                           ///< the local node's id when `nodes` is empty
    std::optional<std::chrono::milliseconds> token; ///< how long a silent node is waited for

    std::optional<std::string> socket_path;
    std::optional<std::string> pid_file;
    std::string state_dir = "/var/lib/coterie";
    std::optional<std::string> trace_file;
    std::uint64_t message_bytes_max = std::uint64_t{64} << 20U; ///< of one message of a client

    slow_clients slow;
    members member;
    log_settings log;
    scheduling schedule;
    bool udp_offload = true; ///< rows of datagrams for one system call, where the kernel knows them
    encryption crypto;
    access_entries access;
    friend bool operator==(const settings&, const settings&) = default;
};

struct loaded {
    settings what;
    std::vector<diagnostic> diagnostics; ///< those of the main file first, each file's in the order of lines
    [[nodiscard]] bool ok() const;
};

/// Judges a document. Names of users and groups are looked up in `known`.
[[nodiscard]] loaded judge(const document& source, const std::string& file, const accounts& known = system_accounts());
/// Reads and judges a file, and every file in the folder `uidgid.d` beside it.
[[nodiscard]] loaded load(const std::string& file, const accounts& known = system_accounts());

} // namespace coterie::config

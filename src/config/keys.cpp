// SPDX-License-Identifier: BSD-3-Clause
// One row a key. What Corosync knows and Coterie does not need is named here as well, so that a file of Corosync's is
// taken as it is, and so that a misspelled key stands out.
#include "config/keys.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

namespace coterie::config {

namespace {

using kind = value_rule::kind;

constexpr value_rule any_text{.what = kind::text};
constexpr value_rule switched{.what = kind::yes_no};
constexpr value_rule full_path{.what = kind::path};
constexpr value_rule number_from(std::int64_t low, std::int64_t high) {
    return {.what = kind::number, .low = low, .high = high};
}
constexpr value_rule one_of(std::string_view choices) { return {.what = kind::choice, .choices = choices}; }

constexpr std::string_view facilities = "daemon|local0|local1|local2|local3|local4|local5|local6|local7";
constexpr std::string_view priorities = "emerg|alert|crit|err|warning|notice|info|debug";
constexpr std::array level_of_priority{log_level::critical, log_level::critical, log_level::critical, log_level::error,
                                       log_level::warning,  log_level::warning,  log_level::info,     log_level::debug};

using taker = std::string (*)(draft& into, const value& given);

constexpr key_rule honoured(std::string_view path, value_rule values, std::string_view sample, std::string_view note,
                            taker take) {
    return {.path = path, .what = verdict::honoured, .values = values, .sample = sample, .note = note, .take = take};
}
constexpr key_rule accepted(std::string_view path, std::string_view sample, std::string_view note) {
    return {.path = path, .what = verdict::accepted, .values = any_text, .sample = sample, .note = note};
}

std::optional<unsigned> id_in(const std::string& text) {
    unsigned number = 0;
    const auto [at, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    // All ones stand for "no id" in system calls.
    const bool whole = fault == std::errc{} && at == text.data() + text.size() && number != ~0U;
    return whole ? std::optional(number) : std::nullopt;
}

std::string take_user(draft& into, const value& given) {
    const auto number = id_in(given.text);
    const auto found = number ? std::optional<uid_t>(*number) : into.known->user(given.text);
    if (!found) {
        return "'" + given.text + "' is no user of this machine; write a user's name or number";
    }
    into.what->access.users.insert(*found);
    return {};
}

std::string take_group(draft& into, const value& given) {
    const auto number = id_in(given.text);
    const auto found = number ? std::optional<gid_t>(*number) : into.known->group(given.text);
    if (!found) {
        return "'" + given.text + "' is no group of this machine; write a group's name or number";
    }
    into.what->access.groups.insert(*found);
    return {};
}

std::string take_priority(draft& into, const value& given) {
    constexpr int most_eager = -20;
    constexpr int least_eager = 19;
    int number = given.text == "max" ? most_eager : least_eager;
    if (given.text != "max" && given.text != "min") {
        const char* const end = given.text.data() + given.text.size();
        const auto [at, fault] = std::from_chars(given.text.data(), end, number);
        if (fault != std::errc{} || at != end || number < most_eager || number > least_eager) {
            return "'" + given.text + "' is neither max nor min nor a number from -20 to 19";
        }
    }
    into.what->schedule.nice = number;
    return {};
}

std::string take_cipher(draft& into, const value& given) {
    encryption& crypto = into.what->crypto;
    crypto.cipher_name = given.text;
    crypto.cipher = given.text == "aes128"              ? encryption::choice::aes_128
                    : given.text == "chacha20-poly1305" ? encryption::choice::chacha20
                                                        : encryption::choice::by_processor;
    return {};
}

std::string take_key(draft& into, const value& given) {
    constexpr std::size_t characters_min = 128;
    if (given.text.size() < characters_min) {
        // It is not repeated: lines like this one go to logs.
        return "has " + std::to_string(given.text.size()) + " characters; a key has 128 or more";
    }
    into.what->crypto.key = given.text;
    return {};
}

template <std::uint8_t link>
std::string take_address(draft& into, const value& given) {
    std::vector<node_address>& all = into.what->nodes.back().addresses;
    const auto place = std::ranges::lower_bound(all, link_number{link}, {}, &node_address::link);
    if (place != all.end() && place->link.value == link) {
        place->host = given.text;
    } else {
        all.insert(place, {.link = {link}, .host = given.text});
    }
    return {};
}

constexpr std::string_view by_itself = "this is chosen by Coterie itself";
constexpr std::string_view own_transport = "there is one transport, UDP unicast, with packets of its own";
constexpr std::string_view own_pace = "links are probed at a pace that follows from the token";
constexpr std::string_view no_quorum = "there is no quorum service: groups work in every partition";
constexpr std::string_view one_log = "all parts log alike, as `logging` says";
constexpr std::string_view other_token = "the token is watched in another way";
constexpr std::string_view no_multicast = "nodes are addressed one by one, see nodelist";
constexpr std::string_view no_resources = "resources are not watched; systemd can do it, see docs/operations.md";
constexpr std::string_view no_tunnel = "there is no tunnel device";
constexpr std::string_view sample_key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                                        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

// clang-format off
constexpr std::array rules{
    honoured("totem.version", one_of("2"), "2", "the version of the file's format", [](draft&, const value&) { return std::string(); }),
    honoured("totem.cluster_name", any_text, "hacluster", "the cluster's name; daemons of other names are not listened to",
             [](draft& into, const value& given) { into.what->cluster_name = given.text; return std::string(); }),
    honoured("totem.transport", one_of("knet|udpu"), "udpu", "either stands for Coterie's own transport over UDP unicast",
             [](draft&, const value&) { return std::string(); }),
    honoured("totem.ip_version", one_of("ipv4|ipv6|ipv4-6|ipv6-4"), "ipv4", "which addresses of names are taken",
             [](draft& into, const value& given) { into.what->ip = static_cast<ip_preference>(given.choice); return std::string(); }),
    honoured("totem.token", number_from(50, 300'000), "1000", "milliseconds",
             [](draft& into, const value& given) { into.what->token = std::chrono::milliseconds(given.number); return std::string(); }),
    honoured("totem.nodeid", number_from(1, 65'535), "7", "a node's id",
             [](draft& into, const value& given) { into.what->lone_node.value = static_cast<std::uint32_t>(given.number); return std::string(); }),
    honoured("totem.secauth", switched, "on", "packets are encrypted and authenticated",
             [](draft& into, const value& given) { into.what->crypto.secauth = given.yes; return std::string(); }),
    honoured("totem.crypto_cipher", one_of("none|aes256|aes192|aes128|3des|chacha20-poly1305"), "aes256", "packets are encrypted and authenticated; by which cipher, see below", take_cipher),
    honoured("totem.crypto_hash", one_of("none|md5|sha1|sha256|sha384|sha512"), "sha256", "packets are encrypted and authenticated, by the cipher alone",
             [](draft& into, const value& given) { into.what->crypto.hash_name = given.text; return std::string(); }),
    accepted("totem.crypto_model", "nss", "the ciphers are those of OpenSSL"),
    honoured("totem.key", any_text, sample_key, "the cluster's key itself, of 128 characters or more", take_key),
    honoured("totem.keyfile", full_path, "/etc/corosync/authkey", "the file with the cluster's key, of 128 to 4096 bytes",
             [](draft& into, const value& given) { into.what->crypto.key_file = given.text; return std::string(); }),
    honoured("totem.link_mode", one_of("passive|active|rr"), "active", "which of several links packets take: the best, all, or one after the other",
             [](draft& into, const value& given) { into.what->mode = static_cast<link_mode>(given.choice); return std::string(); }),
    accepted("totem.rrp_mode", "none", "link_mode says how several links are used"),
    accepted("totem.config_version", "3", "every daemon reads its own file; versions are not compared"),
    accepted("totem.cluster_uuid", "5aa4c2d1", "it is for the tools that write it; cluster_name tells clusters apart"),
    accepted("totem.clear_node_high_bit", "yes", "ids are given, not made from addresses"),
    accepted("totem.token_coefficient", "650", "the time after which a silent node is lost does not grow with the number of nodes"),
    accepted("totem.token_warning", "75", other_token),
    accepted("totem.token_retransmit", "238", other_token),
    accepted("totem.token_retransmits_before_loss_const", "4", other_token),
    accepted("totem.hold", "180", other_token),
    accepted("totem.join", "50", by_itself),
    accepted("totem.send_join", "0", by_itself),
    accepted("totem.consensus", "1200", by_itself),
    accepted("totem.merge", "200", by_itself),
    accepted("totem.downcheck", "1000", by_itself),
    accepted("totem.fail_recv_const", "2500", by_itself),
    accepted("totem.seqno_unchanged_const", "30", by_itself),
    accepted("totem.heartbeat_failures_allowed", "0", by_itself),
    accepted("totem.max_network_delay", "50", by_itself),
    accepted("totem.window_size", "50", by_itself),
    accepted("totem.max_messages", "17", by_itself),
    accepted("totem.miss_count_const", "5", by_itself),
    accepted("totem.cancel_token_hold_on_retransmit", "no", by_itself),
    accepted("totem.netmtu", "1500", by_itself),
    accepted("totem.ip_dscp", "0", own_transport),
    accepted("totem.block_unlisted_ips", "yes", "nodes that are not listed are never listened to"),
    accepted("totem.knet_pmtud_interval", "30", own_transport),
    accepted("totem.knet_mtu", "0", own_transport),
    accepted("totem.knet_compression_model", "none", own_transport),
    accepted("totem.knet_compression_threshold", "100", own_transport),
    accepted("totem.knet_compression_level", "0", own_transport),

    honoured("totem.interface.linknumber", number_from(0, 7), "0", "which link the section is about; 0 if it does not say",
             [](draft&, const value&) { return std::string(); }),
    honoured("totem.interface.ringnumber", number_from(0, 7), "0", "an older name of linknumber",
             [](draft&, const value&) { return std::string(); }),
    honoured("totem.interface.mcastport", number_from(1, 65'535), "5500", "the link's port",
             [](draft& into, const value& given) { into.what->links.at(into.link).port = static_cast<std::uint16_t>(given.number); return std::string(); }),
    honoured("totem.interface.knet_link_priority", number_from(0, 255), "2", "the link's priority: in passive mode the highest is used, of several the one with the lowest number",
             [](draft& into, const value& given) { into.what->links.at(into.link).priority = static_cast<int>(given.number); return std::string(); }),
    accepted("totem.interface.bindnetaddr", "192.0.2.0", no_multicast),
    accepted("totem.interface.mcastaddr", "239.192.0.1", no_multicast),
    accepted("totem.interface.broadcast", "no", no_multicast),
    accepted("totem.interface.ttl", "1", no_multicast),
    accepted("totem.interface.knet_transport", "udp", own_transport),
    accepted("totem.interface.knet_ping_interval", "500", own_pace),
    accepted("totem.interface.knet_ping_timeout", "1000", own_pace),
    accepted("totem.interface.knet_ping_precision", "2048", own_pace),
    accepted("totem.interface.knet_pong_count", "2", own_pace),

    honoured("nodelist.node.nodeid", number_from(1, 65'535), "1", "a node's id",
             [](draft& into, const value& given) { into.what->nodes.back().id.value = static_cast<std::uint32_t>(given.number); return std::string(); }),
    honoured("nodelist.node.name", any_text, "alpha", "the node's name, best that of uname(1)",
             [](draft& into, const value& given) { into.what->nodes.back().name = given.text; return std::string(); }),
    honoured("nodelist.node.ring0_addr", any_text, "192.0.2.1", "the node's address on link 0, or a name that stands for it", take_address<0>),
    honoured("nodelist.node.ring1_addr", any_text, "198.51.100.1", "the same on link 1", take_address<1>),
    honoured("nodelist.node.ring2_addr", any_text, "198.51.100.2", "the same on link 2", take_address<2>),
    honoured("nodelist.node.ring3_addr", any_text, "198.51.100.3", "the same on link 3", take_address<3>),
    honoured("nodelist.node.ring4_addr", any_text, "198.51.100.4", "the same on link 4", take_address<4>),
    honoured("nodelist.node.ring5_addr", any_text, "198.51.100.5", "the same on link 5", take_address<5>),
    honoured("nodelist.node.ring6_addr", any_text, "198.51.100.6", "the same on link 6", take_address<6>),
    honoured("nodelist.node.ring7_addr", any_text, "198.51.100.7", "the same on link 7", take_address<7>),
    accepted("nodelist.node.quorum_votes", "1", no_quorum),

    accepted("quorum.provider", "corosync_votequorum", no_quorum),
    accepted("quorum.expected_votes", "3", no_quorum),
    accepted("quorum.votes", "1", no_quorum),
    accepted("quorum.two_node", "1", no_quorum),
    accepted("quorum.wait_for_all", "1", no_quorum),
    accepted("quorum.last_man_standing", "0", no_quorum),
    accepted("quorum.last_man_standing_window", "10000", no_quorum),
    accepted("quorum.auto_tie_breaker", "0", no_quorum),
    accepted("quorum.auto_tie_breaker_node", "lowest", no_quorum),
    accepted("quorum.allow_downscale", "0", no_quorum),
    accepted("quorum.expected_votes_tracking", "0", no_quorum),
    accepted("quorum.device.model", "net", no_quorum),
    accepted("quorum.device.votes", "1", no_quorum),
    accepted("quorum.device.timeout", "10000", no_quorum),
    accepted("quorum.device.sync_timeout", "30000", no_quorum),
    accepted("quorum.device.master_wins", "0", no_quorum),
    accepted("quorum.device.net.*", "qnetd.example.org", no_quorum),
    accepted("quorum.device.heuristics.*", "on", no_quorum),

    honoured("logging.to_stderr", switched, "no", "write to standard error, when in the foreground",
             [](draft& into, const value& given) { into.what->log.to_stderr = given.yes; return std::string(); }),
    honoured("logging.to_syslog", switched, "no", "write to syslog, which on most machines is the journal",
             [](draft& into, const value& given) { into.what->log.to_syslog = given.yes; return std::string(); }),
    honoured("logging.to_logfile", switched, "no", "write to `logfile`",
             [](draft& into, const value& given) { into.what->log.to_file = given.yes; return std::string(); }),
    honoured("logging.logfile", full_path, "/var/log/coterie.log", "the log file; SIGHUP opens it anew",
             [](draft& into, const value& given) { into.what->log.file = given.text; return std::string(); }),
    honoured("logging.logfile_priority", one_of(priorities), "warning", "what is graver, or as grave, goes to the file",
             [](draft& into, const value& given) { into.what->log.file_level = level_of_priority.at(given.choice); return std::string(); }),
    honoured("logging.syslog_facility", one_of(facilities), "local3", "syslog's facility",
             [](draft& into, const value& given) { into.what->log.syslog_facility = given.text; return std::string(); }),
    honoured("logging.syslog_priority", one_of(priorities), "err", "what is graver, or as grave, goes to syslog",
             [](draft& into, const value& given) { into.what->log.syslog_level = level_of_priority.at(given.choice); return std::string(); }),
    honoured("logging.debug", one_of("off|no|on|yes|trace"), "on", "write more; overrides the priorities",
             [](draft& into, const value& given) {
                 constexpr std::array levels{log_level::info, log_level::info, log_level::debug, log_level::debug, log_level::trace};
                 into.what->log.level = levels.at(given.choice);
                 return std::string();
             }),
    honoured("logging.timestamp", one_of("off|no|on|yes|hires"), "off", "the time in front of each line: none, to the second, to the millisecond",
             [](draft& into, const value& given) {
                 constexpr std::array times{log_time::none, log_time::none, log_time::seconds, log_time::seconds, log_time::milliseconds};
                 into.what->log.time = times.at(given.choice);
                 return std::string();
             }),
    accepted("logging.fileline", "off", "lines do not name the code"),
    accepted("logging.function_name", "off", "lines do not name the code"),
    accepted("logging.blackbox", "on", "there is no flight recorder; see system.trace_file"),
    accepted("logging.logger_subsys.subsys", "QUORUM", one_log),
    accepted("logging.logger_subsys.debug", "off", one_log),
    accepted("logging.logger_subsys.to_stderr", "yes", one_log),
    accepted("logging.logger_subsys.to_logfile", "no", one_log),
    accepted("logging.logger_subsys.to_syslog", "yes", one_log),
    accepted("logging.logger_subsys.logfile", "/var/log/quorum.log", one_log),
    accepted("logging.logger_subsys.logfile_priority", "info", one_log),
    accepted("logging.logger_subsys.syslog_facility", "daemon", one_log),
    accepted("logging.logger_subsys.syslog_priority", "info", one_log),

    honoured("uidgid.uid", any_text, "0", "a user whose processes may use groups, by name or number", take_user),
    honoured("uidgid.gid", any_text, "0", "a group whose members may use groups, by name or number", take_group),

    honoured("member.slow_policy", one_of("wait|evict"), "evict", "what becomes of a node that takes messages more than a second later than others: all wait for it, or it is left out after `slow_timeout`; the same on all nodes",
             [](draft& into, const value& given) { into.what->member.evict_slow = given.choice == 1; return std::string(); }),
    honoured("member.slow_timeout", number_from(2'000, 86'400'000), "10000", "how long a slow node is waited for before it is left out, in milliseconds; 30000 otherwise",
             [](draft& into, const value& given) { into.what->member.slow_timeout = std::chrono::milliseconds(given.number); return std::string(); }),
    honoured("member.refused_timeout", number_from(1, 300'000), "100", "how long a node whose host answers that nobody listens there, as after a crash, may be silent before it is lost, in milliseconds; 25 otherwise",
             [](draft& into, const value& given) { into.what->member.refused_timeout = std::chrono::milliseconds(given.number); return std::string(); }),
    honoured("member.hold_off_max", number_from(100, 600'000), "30000", "how long a node that comes and goes, or was left out, is kept away at most, in milliseconds; 4000 otherwise",
             [](draft& into, const value& given) { into.what->member.hold_off_max = std::chrono::milliseconds(given.number); return std::string(); }),

    honoured("client.slow_policy", one_of("evict|block"), "block", "what becomes of a client that takes its events too slowly: it is cut off after `slow_timeout`, or its groups wait for it",
             [](draft& into, const value& given) { into.blocks = given.choice == 1; return std::string(); }),
    honoured("client.slow_timeout", number_from(100, 86'400'000), "5000", "how long a slow client is waited for before it is cut off, in milliseconds; 30000 otherwise",
             [](draft& into, const value& given) { into.what->slow.evict_after = std::chrono::milliseconds(given.number); return std::string(); }),
    honoured("client.backlog_bytes_max", number_from(8'388'608, 1'073'741'824), "67108864", "events that may wait for one client beside its ring, in bytes; 33554432 otherwise",
             [](draft& into, const value& given) { into.what->slow.backlog_bytes_max = static_cast<std::size_t>(given.number); return std::string(); }),
    honoured("client.backlog_bytes_all_max", number_from(67'108'864, 1'099'511'627'776), "268435456", "events that may wait for all clients together, in bytes; 536870912 otherwise",
             [](draft& into, const value& given) { into.what->slow.backlog_bytes_all_max = static_cast<std::size_t>(given.number); return std::string(); }),

    honoured("system.socket_path", full_path, "/run/coterie/other.sock", "where clients find the daemon",
             [](draft& into, const value& given) { into.what->socket_path = given.text; return std::string(); }),
    honoured("system.pid_file", full_path, "/run/coterie/coteried.pid", "where the daemon's process id stands",
             [](draft& into, const value& given) { into.what->pid_file = given.text; return std::string(); }),
    honoured("system.state_dir", full_path, "/var/lib/other", "the folder of what must outlive a restart",
             [](draft& into, const value& given) { into.what->state_dir = given.text; return std::string(); }),
    honoured("system.trace_file", full_path, "/tmp/trace", "a file for the events by which a run is judged",
             [](draft& into, const value& given) { into.what->trace_file = given.text; return std::string(); }),
    honoured("system.message_bytes_max", number_from(1'048'576, 1'073'741'824), "1048576", "the largest message that a client may send, in bytes; 67108864 otherwise",
             [](draft& into, const value& given) { into.what->message_bytes_max = static_cast<std::uint64_t>(given.number); return std::string(); }),
    honoured("system.sched_rr", switched, "no", "run at real-time priority",
             [](draft& into, const value& given) { into.what->schedule.realtime = given.yes; return std::string(); }),
    honoured("system.udp_offload", switched, "no", "rows of datagrams for one system call, where the kernel knows them",
             [](draft& into, const value& given) { into.what->udp_offload = given.yes; return std::string(); }),
    honoured("system.priority", any_text, "-5", "the nice value without real-time priority: max, min, or -20 to 19", take_priority),
    accepted("system.qb_ipc_type", "native", "clients are served in one way"),
    accepted("system.move_to_root_cgroup", "auto", "the daemon stays in the control group that it was started in"),
    accepted("system.allow_knet_handle_fallback", "no", own_transport),

    accepted("resources.*", "80", no_resources),
    accepted("nozzle.name", "nozzle0", no_tunnel),
    accepted("nozzle.ipaddr", "192.0.2.0", no_tunnel),
    accepted("nozzle.ipprefix", "24", no_tunnel),
    accepted("nozzle.macaddr", "54:54:01:00:00:00", no_tunnel),
};
// clang-format on

constexpr std::size_t misspelled_letters_max = 2;

/// How many letters have to be changed, added or taken away to make one of the other.
std::size_t distance(std::string_view one, std::string_view other) {
    std::vector<std::size_t> row(other.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= one.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j < row.size(); ++j) {
            const std::size_t changed = diagonal + (one[i - 1] == other[j - 1] ? 0U : 1U);
            diagonal = row[j];
            row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

} // namespace

std::string_view to_string(verdict what) {
    switch (what) {
    case verdict::honoured: return "honoured";
    case verdict::accepted: return "accepted";
    }
    return "unknown";
}

std::span<const key_rule> key_rules() { return rules; }

const key_rule* find_rule(std::string_view path) {
    const auto found = std::ranges::find_if(rules, [&](const key_rule& each) {
        return each.path.ends_with('*') ? path.starts_with(each.path.substr(0, each.path.size() - 1))
                                        : path == each.path;
    });
    return found == rules.end() ? nullptr : &*found;
}

std::string_view near_key(std::string_view path) {
    constexpr std::size_t length_max = 64;
    std::string_view best;
    std::size_t best_distance = misspelled_letters_max + 1;
    for (const key_rule& each : rules) {
        const std::size_t longer = std::max(path.size(), each.path.size());
        const std::size_t shorter = std::min(path.size(), each.path.size());
        if (longer > length_max || longer - shorter >= best_distance || each.path.ends_with('*')) {
            continue;
        }
        const std::size_t letters = distance(path, each.path);
        if (letters < best_distance) {
            best_distance = letters;
            best = each.path;
        }
    }
    return best;
}

} // namespace coterie::config

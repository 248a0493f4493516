// SPDX-License-Identifier: BSD-3-Clause
// Numbers into names. Units stand at the end of names; what is not known is null, never a number that means it.
#include "daemon/status_report.hpp"

#include "daemon/path_text.hpp"
#include "wire/codec.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace coterie::daemon {

namespace {

/// Paused groups and slow clients that are listed.
constexpr std::size_t listed_max = 16;

using json = nlohmann::ordered_json;

/// Grows when a field changes its meaning or goes; new fields may come at any time.
constexpr int format_version = 1;

template <class Unit>
json in(const std::optional<base::duration>& span) {
    return span ? json(std::chrono::duration_cast<Unit>(*span).count()) : json(nullptr);
}

json node_of(const daemon_facts& facts, base::node_id node) {
    const auto found = std::ranges::find(facts.nodes, node, &named_node::node);
    const bool known = found != facts.nodes.end();
    return {{"node", node.value},
            {"name", known && !found->name.empty() ? json(found->name) : json(nullptr)},
            {"address", known && !found->address.empty() ? json(found->address) : json(nullptr)}};
}

/// "token request" in prose is "token_request" as a field.
std::string field_name(std::string_view words) {
    std::string result(words);
    std::ranges::replace(result, ' ', '_');
    return result;
}

std::string_view name_of(net::link_mode mode) {
    switch (mode) {
    case net::link_mode::passive: return "passive";
    case net::link_mode::active: return "active";
    case net::link_mode::round_robin: return "rr";
    }
    return "unknown";
}

std::string_view name_of(net::path_state state) {
    switch (state) {
    case net::path_state::untried: return "untried";
    case net::path_state::up: return "up";
    case net::path_state::down: return "down";
    }
    return "unknown";
}

json paths_to(const status_sources& from, base::node_id node) {
    json result = json::array();
    const auto found = std::ranges::find(from.paths, node, &net::node_paths::node);
    if (found == from.paths.end()) {
        return result;
    }
    for (const net::path_status& each : found->paths) {
        const net::path_report& seen = each.seen;
        const bool known = seen.state != net::path_state::untried;
        result.push_back({{"link", seen.link.value},
                          {"address", each.where.text()},
                          {"state", name_of(seen.state)},
                          {"reason", seen.state == net::path_state::down ? json(reason_text(seen)) : json(nullptr)},
                          {"in_use", seen.in_use},
                          {"since_ms", known ? in<std::chrono::milliseconds>(seen.since) : json(nullptr)},
                          {"round_trip_us", in<std::chrono::microseconds>(seen.round_trip)},
                          {"loss_percent", seen.loss_percent ? json(*seen.loss_percent) : json(nullptr)},
                          {"times_down", seen.times_down},
                          {"held_off_ms", in<std::chrono::milliseconds>(seen.held_off)},
                          {"datagram_bytes", each.datagram_bytes},
                          {"sent", each.sent},
                          {"received", each.received}});
    }
    return result;
}

json slot(std::uint8_t number) { return number == 0 ? json(nullptr) : json(number); }

json own_encryption(const std::optional<net::sealing_report>& sealing) {
    return sealing ? json{{"cipher", crypto::to_string(sealing->seals_with)},
                          {"key", slot(sealing->slot_used)},
                          {"other_key", slot(sealing->slot_accepted)}}
                   : json(nullptr);
}

json encryption_of(const status_sources& from, base::node_id node) {
    if (!from.sealing) {
        return nullptr;
    }
    const auto found = std::ranges::find(from.sealing->nodes, node, &net::sealing_report::sender::node);
    if (found == from.sealing->nodes.end()) {
        return nullptr;
    }
    const crypto::record_layer::sender_report& known = found->known;
    return {{"key", slot(known.slot_used)},
            {"other_key", slot(known.slot_accepted)},
            {"refused",
             {{"not_encrypted", known.refused.no_key},
              {"other_key", known.refused.unknown_key},
              {"altered", known.refused.wrong_tag},
              {"too_old", known.refused.replayed},
              {"no_answer", known.refused.unproven}}}};
}

json daemon_part(const status_sources& from) {
    const daemon_facts& facts = from.facts;
    json result = node_of(facts, facts.self);
    result["link_mode"] = facts.links.empty() ? json(nullptr) : json(name_of(facts.mode));
    result["addresses"] = json::array();
    for (const net::local_link& each : facts.links) {
        result["addresses"].push_back(
            {{"link", each.number.value}, {"address", each.where.text()}, {"priority", each.priority}});
    }
    result["version"] = COTERIE_VERSION;
    result["pid"] = ::getpid();
    result["cluster_name"] = facts.cluster_name;
    result["configuration_file"] = facts.configuration_file.empty() ? json(nullptr) : json(facts.configuration_file);
    result["socket_path"] = facts.socket_path;
    result["encryption"] = own_encryption(from.sealing);
    const ring::pauses& paused = from.engine.paused();
    const bool any = paused.count > 0;
    result["pauses"] = {{"count", paused.count},
                        {"last_ms", any ? in<std::chrono::milliseconds>(paused.last) : json(nullptr)},
                        {"passed_ms", any ? in<std::chrono::milliseconds>(from.now - paused.ended) : json(nullptr)}};
    result["uptime_ms"] = in<std::chrono::milliseconds>(from.now - facts.started);
    return result;
}

json view_part(const status_sources& from) {
    const ring::regular_view& view = from.engine.view();
    json members = json::array();
    for (const base::member& each : view.members) {
        members.push_back(node_of(from.facts, each.node));
    }
    return {{"state", from.engine.operational() ? "operational" : "changing"},
            {"epoch", view.id.epoch.value},
            {"coordinator", view.id.coordinator.value},
            {"members", std::move(members)}};
}

json order_part(const ring::engine& engine) {
    const base::node_id holder = engine.holder();
    return {{"token_holder", holder == base::no_node ? json(nullptr) : json(holder.value)},
            {"token_here", engine.holds_token()},
            {"hop", engine.hop().value},
            {"delivered", engine.delivered().value},
            {"stable", engine.stable().value},
            {"stored_packets", engine.stored_packets()}};
}

json links_part(const status_sources& from) {
    const std::vector<base::member>& members = from.engine.view().members;
    json result = json::array();
    for (const ring::link& each : from.engine.links(from.now)) {
        json one = node_of(from.facts, each.node);
        one["in_view"] = std::ranges::find(members, each.node, &base::member::node) != members.end();
        one["heard"] = each.heard;
        one["hears_us"] = each.mutual;
        one["leaving"] = each.leaving;
        one["round_trip_us"] = in<std::chrono::microseconds>(each.round_trip);
        one["last_heard_ms"] = in<std::chrono::milliseconds>(each.last_heard_ago);
        one["times_lost"] = each.times_lost;
        one["held_off_ms"] = in<std::chrono::milliseconds>(each.held_off);
        one["behind_ms"] = in<std::chrono::milliseconds>(each.lag);
        one["paths"] = paths_to(from, each.node);
        one["encryption"] = encryption_of(from, each.node);
        result.push_back(std::move(one));
    }
    return result;
}

json by_kind(const std::array<std::uint64_t, wire::packet_kinds>& counts) {
    json result = json::object();
    for (std::size_t kind = 1; kind < counts.size(); ++kind) {
        // The ring never sees those of transports.
        const auto known = static_cast<wire::packet_kind>(kind);
        if (known >= wire::packet_kind::link_probe) {
            continue;
        }
        result[field_name(wire::to_string(known))] = counts[kind];
    }
    return result;
}

json ring_counters(const ring::counters& counts) {
    return {{"numbered", counts.numbered},
            {"delivered", counts.delivered},
            {"hops", counts.hops},
            {"views", counts.views},
            {"attempts", counts.attempts},
            {"repairs_asked", counts.repairs_asked},
            {"repairs_sent", counts.repairs_sent},
            {"tokens_repeated", counts.tokens_repeated},
            {"requests_sent", counts.requests_sent},
            {"duplicates", counts.duplicates},
            {"malformed", counts.malformed},
            {"other_view", counts.other_view},
            {"unknown_incarnation", counts.unknown_incarnation},
            {"implausible", counts.implausible},
            {"beyond_window", counts.beyond_window},
            {"received", by_kind(counts.received)},
            {"sent", by_kind(counts.sent)}};
}

json group_counters(const groups::counters& counts) {
    return {{"accepted", counts.accepted},           {"numbered", counts.numbered},
            {"delivered", counts.delivered},         {"malformed", counts.malformed},
            {"implausible", counts.implausible},     {"table_mismatch", counts.table_mismatch},
            {"common_points", counts.common_points}, {"assembling_bytes", counts.assembling_bytes}};
}

json network_counters(const net::transport_counters& counts) {
    json refused = json::object();
    for (std::size_t reason = 0; reason < counts.refused.size(); ++reason) {
        refused[field_name(wire::to_string(static_cast<wire::refusal_reason>(reason)))] = counts.refused[reason];
    }
    return {{"sent", counts.sent},
            {"received", counts.received},
            {"unknown_node", counts.unknown_node},
            {"wrong_address", counts.wrong_address},
            {"duplicates", counts.duplicates},
            {"replayed", counts.replayed},
            {"unproven", counts.unproven},
            {"bad_probes", counts.bad_probes},
            {"truncated", counts.truncated},
            {"dropped", counts.dropped},
            {"send_errors", counts.send_errors},
            {"rerouted", counts.rerouted},
            {"last_send_error", counts.last_send_error},
            {"out_of_room", counts.out_of_room},
            {"refused_rows", counts.refused_rows},
            {"cut", counts.cut},
            {"bad_fragments", counts.bad_fragments},
            {"refused_ports", counts.refused_ports},
            {"refused", std::move(refused)}};
}

json groups_part(const groups::service& groups) {
    const groups::table_totals totals = groups.totals();
    json paused = json::array();
    for (const groups::paused_group& each : groups.paused_groups()) {
        if (paused.size() == listed_max) {
            break;
        }
        json slow = json::array();
        for (const groups::process& who : each.slow) {
            slow.push_back({{"node", who.node.value}, {"pid", who.pid}});
        }
        paused.push_back({{"name", each.name}, {"slow", std::move(slow)}});
    }
    return {{"count", totals.groups}, {"joins", totals.joins}, {"paused", std::move(paused)}};
}

json clients_part(const status_sources& from) {
    json slow = json::array();
    for (const slow_process& each : from.slow_clients) {
        if (slow.size() == listed_max) {
            break;
        }
        slow.push_back(
            {{"pid", each.pid}, {"group", each.group}, {"bytes", each.bytes}, {"for_ms", each.time.count()}});
    }
    return {{"connected", from.clients_connected}, {"handles", from.groups.open_handles()}, {"slow", std::move(slow)}};
}

json client_counters(const ipc::server_counters& counts) {
    return {{"accepted", counts.accepted},
            {"not_allowed", counts.not_allowed},
            {"turned_away", counts.turned_away},
            {"malformed", counts.malformed},
            {"too_slow", counts.too_slow}};
}

} // namespace

std::vector<named_node> named_nodes(base::node_id self, const std::vector<config::node>& configured,
                                    const net::transport_settings* network) {
    if (network == nullptr || configured.empty()) {
        return {{.node = self, .name = {}, .address = {}}};
    }
    std::vector<named_node> result;
    for (const config::node& each : configured) {
        named_node one{.node = each.id, .name = each.name, .address = {}};
        const auto peer = std::ranges::find(network->peers, each.id, &net::peer::node);
        if (each.id == self) {
            one.address = network->links.front().where.text();
        } else if (peer != network->peers.end()) {
            one.address = peer->at.front().where.text();
        }
        result.push_back(std::move(one));
    }
    return result;
}

std::string status_report(const status_sources& from) {
    const json report = {{"format", format_version},
                         {"daemon", daemon_part(from)},
                         {"view", view_part(from)},
                         {"order", order_part(from.engine)},
                         {"links", links_part(from)},
                         {"groups", groups_part(from.groups)},
                         {"clients", clients_part(from)},
                         {"counters",
                          {{"ring", ring_counters(from.engine.counts())},
                           {"groups", group_counters(from.groups.counts())},
                           {"net", from.network == nullptr ? json(nullptr) : network_counters(*from.network)},
                           {"ipc", client_counters(from.clients)}}}};
    // Names in a configuration are whatever bytes somebody wrote there.
    return report.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// Addresses that are numbers are known without asking; names are asked for all at once.
#include "daemon/network_setup.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>

namespace coterie::daemon {

namespace {

bool is_number(const std::string& host) {
    std::array<std::byte, sizeof(in6_addr)> ignored{};
    // With a zone, as in fe80::1%eth0, the part in front of it decides.
    return ::inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
           ::inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), ignored.data()) == 1;
}

std::string place_of(const config::settings& settings, const config::node& node, std::string text) {
    return config::diagnostic{
        .file = settings.file, .line = node.at.address, .key = "nodelist.node.ring0_addr", .text = std::move(text)}
        .message();
}

/// Kinds of addresses in the order in which they are tried.
std::vector<int> families_of(config::ip_preference wanted) {
    switch (wanted) {
    case config::ip_preference::ipv4_only: return {AF_INET};
    case config::ip_preference::ipv6_only: return {AF_INET6};
    case config::ip_preference::ipv4_first: return {AF_INET, AF_INET6};
    case config::ip_preference::ipv6_first: return {AF_INET6, AF_INET};
    }
    return {};
}

std::optional<net::address> first_of(const known_addresses& known, int family) {
    const auto found = std::ranges::find(known, family, &net::address::family);
    return found == known.end() ? std::nullopt : std::optional(*found);
}

std::string kinds_of(config::ip_preference wanted) {
    switch (wanted) {
    case config::ip_preference::ipv4_only: return "an IPv4 address";
    case config::ip_preference::ipv6_only: return "an IPv6 address";
    default: return "addresses of one kind";
    }
}

bool is_loopback(const net::address& where) { return where.host().starts_with("127.") || where.host() == "::1"; }

} // namespace

std::optional<net::address> address_of_peer(const net::transport_settings& net, const known_addresses& known) {
    auto found = first_of(known, net.local.family());
    if (found) {
        found->set_port(net.local.port());
    }
    return found;
}

std::expected<network_setup, std::string> choose_addresses(const config::settings& settings,
                                                           const config::local_facts& facts,
                                                           const std::map<std::string, address_book::entry>& names) {
    config::settings normal = settings;
    config::local_facts all = facts;
    for (config::node& each : normal.nodes) {
        each.address = net::usual_spelling(each.address);
    }
    for (const auto& [name, entry] : names) {
        for (const net::address& each : entry.addresses) {
            all.resolved[name].push_back(each.host());
        }
    }
    const auto local = config::find_local_node(normal, all);
    if (!local) {
        return std::unexpected(settings.file + ": nodelist: " + local.error());
    }

    const auto entry_of = [&](const config::node& node) -> const address_book::entry& {
        return names.at(node.address);
    };
    const config::node& own = settings.nodes[*local];
    if (entry_of(own).addresses.empty()) {
        return std::unexpected(place_of(
            settings, own, own.address + ", this node's own address, cannot be resolved: " + entry_of(own).fault));
    }
    const auto all_have = [&](int family) {
        return std::ranges::all_of(settings.nodes, [&](const config::node& each) {
            return entry_of(each).addresses.empty() || first_of(entry_of(each).addresses, family);
        });
    };
    const std::vector<int> families = families_of(settings.ip);
    const auto family = std::ranges::find_if(families, all_have);
    if (family == families.end()) {
        return std::unexpected(settings.file + ": nodelist: not all nodes have " + kinds_of(settings.ip) +
                               "; correct ring0_addr, or ip_version in totem");
    }

    network_setup result;
    result.self = own.id;
    result.net.cluster = wire::cluster_of(settings.cluster_name);
    result.net.local = *first_of(entry_of(own).addresses, *family);
    result.net.local.set_port(settings.port);
    for (const config::node& each : settings.nodes) {
        if (each.id == own.id) {
            continue;
        }
        if (const auto where = address_of_peer(result.net, entry_of(each).addresses)) {
            const bool taken = *where == result.net.local ||
                               std::ranges::find(result.net.peers, *where, &net::peer::where) != result.net.peers.end();
            if (taken) {
                return std::unexpected(place_of(settings, each,
                                                each.address + " is " + where->host() +
                                                    ", which is another node's address; give each node its own"));
            }
            result.net.peers.push_back({.node = each.id, .where = *where});
        } else {
            result.missing.push_back({.node = each, .fault = entry_of(each).fault});
        }
    }
    // As in /etc/hosts of many a fresh installation.
    const auto elsewhere =
        std::ranges::find_if(result.net.peers, [](const net::peer& each) { return !is_loopback(each.where); });
    if (is_loopback(result.net.local) && elsewhere != result.net.peers.end()) {
        return std::unexpected(place_of(settings, own,
                                        own.address + " is " + result.net.local.host() +
                                            " on this machine, from where " + elsewhere->where.host() +
                                            " cannot be reached; correct /etc/hosts, or write the address itself"));
    }
    return result;
}

std::expected<network_setup, std::string> set_up_network(const config::settings& settings, config::local_facts facts,
                                                         std::chrono::milliseconds limit) {
    std::map<std::string, address_book::entry> known;
    std::vector<std::string> names;
    for (const config::node& each : settings.nodes) {
        if (is_number(each.address)) {
            const auto where = net::resolve(each.address, settings.port);
            known[each.address] = where ? address_book::entry{.addresses = {*where}, .fault = {}}
                                        : address_book::entry{.addresses = {}, .fault = where.error()};
        } else {
            names.push_back(each.address);
        }
    }
    std::unique_ptr<address_book> book;
    if (!names.empty()) {
        book = std::make_unique<address_book>(names);
        known.merge(book->wait(limit));
    }
    auto result = choose_addresses(settings, facts, known);
    if (result && !result->missing.empty()) {
        result->book = std::move(book);
    }
    return result;
}

} // namespace coterie::daemon

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

std::string place_of(const config::settings& settings, const config::node_address& at, std::string text) {
    return config::diagnostic{.file = settings.file,
                              .line = at.line,
                              .key = "nodelist.node." + config::address_key(at.link),
                              .text = std::move(text)}
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

/// The first of these addresses that is of the link's kind, with the link's port.
std::optional<net::address> address_on(const net::transport_settings& net, net::link_number link,
                                       const known_addresses& known) {
    const net::address* const own = net.local(link);
    auto found = own == nullptr ? std::nullopt : first_of(known, own->family());
    if (found) {
        found->set_port(own->port());
    }
    return found;
}

/// Whether some node, this one included, is known to be at that address.
bool is_taken(const net::transport_settings& net, const net::address& where) {
    return std::ranges::find(net.links, where, &net::local_link::where) != net.links.end() ||
           std::ranges::any_of(net.peers, [&](const net::peer& each) {
               return std::ranges::find(each.at, where, &net::link_address::where) != each.at.end();
           });
}

/// Follows the nodelist link by link.
class chooser {
public:
    chooser(const config::settings& settings, const std::map<std::string, address_book::entry>& names)
        : _settings(settings),
          _names(names) {}

    std::expected<network_setup, std::string> choose(const config::node& own) {
        _result.self = own.id;
        _result.net.cluster = wire::cluster_of(_settings.cluster_name);
        _result.net.mode = static_cast<net::link_mode>(_settings.mode);
        _result.net.offloads = _settings.udp_offload;
        for (const config::node_address& at : own.addresses) {
            if (std::string fault = choose_own(at); !fault.empty()) {
                return std::unexpected(std::move(fault));
            }
        }
        for (const config::node& each : _settings.nodes) {
            if (each.id == own.id) {
                continue;
            }
            if (std::string fault = choose_peer(each); !fault.empty()) {
                return std::unexpected(std::move(fault));
            }
        }
        for (const config::node_address& at : own.addresses) {
            if (std::string fault = judge_loopback(at); !fault.empty()) {
                return std::unexpected(std::move(fault));
            }
        }
        return std::move(_result);
    }

private:
    // Each of these says what is wrong, or nothing.

    std::string choose_own(const config::node_address& at) {
        const address_book::entry& known = _names.at(at.host);
        if (known.addresses.empty()) {
            return place_of(_settings, at, at.host + ", this node's own address, cannot be resolved: " + known.fault);
        }
        const std::vector<int> families = families_of(_settings.ip);
        const auto family = std::ranges::find_if(families, [&](int each) { return all_have(at.link, each); });
        if (family == families.end()) {
            return _settings.file + ": nodelist: not all nodes have " + kinds_of(_settings.ip) + " on link " +
                   std::to_string(at.link.value) + "; correct " + config::address_key(at.link) +
                   ", or ip_version in totem";
        }
        const config::link_settings& link = _settings.links.at(at.link.value);
        net::address where = *first_of(known.addresses, *family);
        where.set_port(link.port);
        if (is_taken(_result.net, where)) {
            return place_of(_settings, at,
                            at.host + " is " + where.host() +
                                ", which is this node's address on another link; give each link its own");
        }
        _result.net.links.push_back({.number = at.link, .where = where, .priority = link.priority});
        return {};
    }

    std::string choose_peer(const config::node& node) {
        net::peer peer{.node = node.id, .at = {}};
        for (const config::node_address& at : node.addresses) {
            const address_book::entry& known = _names.at(at.host);
            const auto where = address_on(_result.net, at.link, known.addresses);
            if (!where) {
                _result.missing.push_back({.node = node.id, .at = at, .fault = known.fault});
                continue;
            }
            const bool own = std::ranges::find(peer.at, *where, &net::link_address::where) != peer.at.end();
            if (own || is_taken(_result.net, *where)) {
                return place_of(_settings, at,
                                at.host + " is " + where->host() + ", which is " +
                                    (own ? "the node's address on another link; give each link its own"
                                         : "another node's address; give each node its own"));
            }
            peer.at.push_back({.link = at.link, .where = *where});
        }
        if (!peer.at.empty()) {
            _result.net.peers.push_back(std::move(peer));
        }
        return {};
    }

    /// As in /etc/hosts of many a fresh installation.
    std::string judge_loopback(const config::node_address& at) const {
        const net::address& own = *_result.net.local(at.link);
        for (const net::peer& each : _result.net.peers) {
            const net::address* const where = each.on(at.link);
            if (where != nullptr && is_loopback(own) && !is_loopback(*where)) {
                return place_of(_settings, at,
                                at.host + " is " + own.host() + " on this machine, from where " + where->host() +
                                    " cannot be reached; correct /etc/hosts, or write the address itself");
            }
        }
        return {};
    }

    /// Whether all nodes that are known on that link have an address of this kind there.
    bool all_have(net::link_number link, int family) const {
        return std::ranges::all_of(_settings.nodes, [&](const config::node& each) {
            const config::node_address* const at = each.on(link);
            return at == nullptr || _names.at(at->host).addresses.empty() ||
                   first_of(_names.at(at->host).addresses, family);
        });
    }

    const config::settings& _settings;
    const std::map<std::string, address_book::entry>& _names;
    network_setup _result;
};

} // namespace

std::expected<net::link_address, std::string> late_address(const net::transport_settings& net,
                                                           const config::node_address& at,
                                                           const known_addresses& known) {
    const std::string without = std::string("; this node runs without ") + (net.links.size() > 1 ? "that link" : "it");
    const auto where = address_on(net, at.link, known);
    if (!where) {
        return std::unexpected(at.host + " stands for no address of the kind that this cluster uses" + without);
    }
    if (is_taken(net, *where)) {
        return std::unexpected(at.host + " is " + where->host() + ", which is another node's address" + without);
    }
    return net::link_address{.link = at.link, .where = *where};
}

std::expected<network_setup, std::string> choose_addresses(const config::settings& settings,
                                                           const config::local_facts& facts,
                                                           const std::map<std::string, address_book::entry>& names) {
    config::settings normal = settings;
    config::local_facts all = facts;
    for (config::node& node : normal.nodes) {
        for (config::node_address& each : node.addresses) {
            each.host = net::usual_spelling(each.host);
        }
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
    return chooser(settings, names).choose(settings.nodes[*local]);
}

std::expected<network_setup, std::string> set_up_network(const config::settings& settings, config::local_facts facts,
                                                         std::chrono::milliseconds limit) {
    std::map<std::string, address_book::entry> known;
    std::vector<std::string> names;
    for (const config::node& node : settings.nodes) {
        for (const config::node_address& each : node.addresses) {
            if (is_number(each.host)) {
                const auto where = net::resolve(each.host, 0);
                known[each.host] = where ? address_book::entry{.addresses = {*where}, .fault = {}}
                                         : address_book::entry{.addresses = {}, .fault = where.error()};
            } else {
                names.push_back(each.host);
            }
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

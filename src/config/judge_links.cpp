// SPDX-License-Identifier: BSD-3-Clause
// Addresses that are names are compared as names: what they stand for is known only when the daemon starts.
#include "config/judge_links.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <map>
#include <netinet/in.h>
#include <optional>

namespace coterie::config {

namespace {

constexpr std::string_view key_prefix = "nodelist.node.ring";
constexpr std::string_view key_suffix = "_addr";

/// An address as the kernel sees it, so that two spellings of one are the same; a name as it is. Zones stay as they are.
struct address {
    std::string_view kind; ///< "IPv4", "IPv6", or "" of a name
    std::string value;
    friend auto operator<=>(const address&, const address&) = default;
};

address address_in(const std::string& host) {
    std::array<char, sizeof(in6_addr)> raw{};
    const std::string number = host.substr(0, host.find('%'));
    if (::inet_pton(AF_INET, host.c_str(), raw.data()) == 1) {
        return {"IPv4", std::string(raw.data(), sizeof(in_addr))};
    }
    if (::inet_pton(AF_INET6, number.c_str(), raw.data()) == 1) {
        return {"IPv6", std::string(raw.data(), sizeof(in6_addr)) + host.substr(number.size())};
    }
    return {"", host};
}

class judge_of_links {
public:
    judge_of_links(const std::vector<node>& nodes, const std::string& file, std::vector<diagnostic>& said)
        : _nodes(nodes),
          _file(file),
          _said(said) {}

    void judge() {
        for (const node& one : _nodes) {
            for (const node_address& at : one.addresses) {
                judge_use(one, at);
                judge_kind(at);
            }
        }
        for (std::size_t link = 1; link < base::links_max; ++link) {
            judge_presence({static_cast<std::uint8_t>(link)});
        }
    }

private:
    struct use {
        const node* by;
        const node_address* at;
    };

    void judge_use(const node& one, const node_address& at) {
        const auto [known, is_new] = _uses.emplace(address_in(at.host), use{&one, &at});
        if (is_new) {
            return;
        }
        const node_address& other = *known->second.at;
        const bool later = at.line >= other.line;
        const node_address& second = later ? at : other;
        const std::string place = " (the other is at line " + std::to_string(later ? other.line : at.line) + ")";
        if (known->second.by == &one) {
            error(second, "this node has the address " + at.host + " on two links" + place +
                              "; give each link an address of its own");
        } else {
            error(second, "two nodes have the address " + at.host + place + "; give each its own");
        }
    }

    void judge_kind(const node_address& at) {
        const address here = address_in(at.host);
        if (here.kind.empty()) {
            return;
        }
        const auto [known, is_new] = _kinds.emplace(at.link, &at);
        const std::string_view there = address_in(known->second->host).kind;
        if (here.kind != there) {
            error(at, at.host + " is an " + std::string(here.kind) + " address, but " + known->second->host +
                          " on the same link is an " + std::string(there) + " address (line " +
                          std::to_string(known->second->line) + "); all addresses of one link are of one kind");
        }
    }

    void judge_presence(link_number link) {
        const auto owner = std::ranges::find_if(_nodes, [&](const node& one) { return one.on(link) != nullptr; });
        if (owner == _nodes.end()) {
            return;
        }
        for (const node& one : _nodes) {
            if (one.on(link) == nullptr) {
                error({.link = link, .host = {}, .line = one.at.section},
                      "this node has no address on link " + std::to_string(link.value) + ", but node " +
                          std::to_string(owner->id.value) + " has (line " + std::to_string(owner->on(link)->line) +
                          "); give all nodes one, or none");
            }
        }
    }

    void error(const node_address& at, std::string text) {
        _said.push_back({.how = diagnostic::weight::error,
                         .file = _file,
                         .line = at.line,
                         .key = "nodelist.node." + address_key(at.link),
                         .text = std::move(text)});
    }

    const std::vector<node>& _nodes;
    const std::string& _file;
    std::vector<diagnostic>& _said;
    std::map<address, use> _uses;
    std::map<link_number, const node_address*> _kinds;
};

} // namespace

const node_address* node::on(link_number link) const {
    const auto found = std::ranges::find(addresses, link, &node_address::link);
    return found == addresses.end() ? nullptr : &*found;
}

std::string address_key(link_number link) { return "ring" + std::to_string(link.value) + "_addr"; }

bool is_link_too_many(std::string_view key) {
    if (!key.starts_with(key_prefix) || !key.ends_with(key_suffix) ||
        key.size() <= key_prefix.size() + key_suffix.size()) {
        return false;
    }
    const std::string_view number = key.substr(key_prefix.size(), key.size() - key_prefix.size() - key_suffix.size());
    return std::ranges::all_of(number, [](char digit) { return digit >= '0' && digit <= '9'; });
}

void judge_links(const std::vector<node>& nodes, const std::string& file, std::vector<diagnostic>& said) {
    judge_of_links(nodes, file, said).judge();
}

} // namespace coterie::config

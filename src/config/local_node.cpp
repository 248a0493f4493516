// SPDX-License-Identifier: BSD-3-Clause
// Tries one way after the other over all nodes, so that a good match of a later node goes before a poor one of an earlier.
#include "config/local_node.hpp"

#include <algorithm>

namespace coterie::config {

namespace {

std::string_view shortened(std::string_view host) { return host.substr(0, host.find('.')); }

} // namespace

std::expected<std::size_t, std::string> find_local_node(const settings& from, const local_facts& facts) {
    const auto place_of = [&](auto fits) -> std::optional<std::size_t> {
        const auto found = std::ranges::find_if(from.nodes, fits);
        return found == from.nodes.end() ? std::nullopt
                                         : std::optional(static_cast<std::size_t>(found - from.nodes.begin()));
    };
    if (facts.wanted) {
        if (const auto place = place_of([&](const node& each) { return each.id == *facts.wanted; })) {
            return *place;
        }
        return std::unexpected("no node has the nodeid " + std::to_string(facts.wanted->value) +
                               " that --node asks for");
    }
    const std::string_view host = facts.host_name;
    const auto is_own = [&](const std::string& address) {
        return std::ranges::find(facts.addresses, address) != facts.addresses.end();
    };
    if (const auto place = place_of([&](const node& each) { return !host.empty() && each.name == host; })) {
        return *place;
    }
    if (const auto place = place_of([&](const node& each) {
            return !each.name.empty() && !host.empty() && shortened(each.name) == shortened(host);
        })) {
        return *place;
    }
    const auto place_with = [&](auto is_here) {
        return place_of(
            [&](const node& each) { return std::ranges::any_of(each.addresses, is_here, &node_address::host); });
    };
    if (const auto place = place_with([&](const std::string& at) { return at == host || is_own(at); })) {
        return *place;
    }
    if (const auto place = place_with([&](const std::string& at) {
            const auto known = facts.resolved.find(at);
            return known != facts.resolved.end() && std::ranges::any_of(known->second, is_own);
        })) {
        return *place;
    }
    return std::unexpected("no node is this machine: none has the name " + facts.host_name +
                           " or an address of a local interface; correct the nodelist or start with --node ID");
}

} // namespace coterie::config

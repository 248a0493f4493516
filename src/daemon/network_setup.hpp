// SPDX-License-Identifier: BSD-3-Clause
// From a list of nodes to addresses: which node this machine is, which kind of address the cluster uses, where each peer is,
// and which peers' names are not known yet.
#pragma once

#include "config/local_node.hpp"
#include "daemon/address_book.hpp"
#include "net/transport.hpp"

#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace coterie::daemon {

/// A peer whose name is not known yet.
struct missing_peer {
    config::node node;
    std::string fault; ///< why not
};

struct network_setup {
    base::node_id self;
    net::transport_settings net; ///< with the peers whose addresses are known
    std::vector<missing_peer> missing;
    std::unique_ptr<address_book> book; ///< goes on looking for those; null if none is missing
};

/// Waits for names for up to `limit` in all. The error is one line for people.
[[nodiscard]] std::expected<network_setup, std::string> set_up_network(const config::settings& settings,
                                                                       config::local_facts facts,
                                                                       std::chrono::milliseconds limit);

/// Where a node is by the names known, as far as they are: what set_up_network does after it has waited.
[[nodiscard]] std::expected<network_setup, std::string> choose_addresses(
    const config::settings& settings, const config::local_facts& facts,
    const std::map<std::string, address_book::entry>& names);

/// The address of a peer that has become known: the first of the cluster's kind, with the cluster's port; nothing if there
/// is none.
[[nodiscard]] std::optional<net::address> address_of_peer(const net::transport_settings& net,
                                                          const known_addresses& known);

} // namespace coterie::daemon

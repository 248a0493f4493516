// SPDX-License-Identifier: BSD-3-Clause
// From a list of nodes to addresses: which node this machine is, which kind of address each link uses, where each peer is on
// it, and which names are not known yet.
#pragma once

#include "config/local_node.hpp"
#include "daemon/address_book.hpp"
#include "net/transport.hpp"

#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace coterie::daemon {

/// The name of a peer on one link, if it is not known yet.
struct missing_name {
    base::node_id node;
    config::node_address at;
    std::string fault; ///< why not
};

struct network_setup {
    base::node_id self;
    net::transport_settings net; ///< with the peers' addresses that are known
    std::vector<missing_name> missing;
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

/// Where a peer is on a link, once its name there has become known: the first address of the link's kind, with the link's
/// port. The error is a line for people.
[[nodiscard]] std::expected<net::link_address, std::string> late_address(const net::transport_settings& net,
                                                                         const config::node_address& at,
                                                                         const known_addresses& known);

} // namespace coterie::daemon

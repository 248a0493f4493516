// SPDX-License-Identifier: BSD-3-Clause
// Judges datagrams that should not be there, by what they say and where they come from: of another cluster, of a node that
// is not listed, of a second daemon with an id that is taken. What it finds is a line for the log, each at most once a
// minute. It does no I/O; which datagrams to show it, and what to do about a second daemon, is its user's affair.
#pragma once

#include "base/time.hpp"
#include "net/transport.hpp"

#include <expected>
#include <map>
#include <optional>
#include <string>

namespace coterie::daemon {

class stranger_watch {
public:
    struct identity {
        base::node_id node;
        base::incarnation nonce;
        std::string cluster_name;
    };
    enum class kind : std::uint8_t {
        other_cluster,   ///< the datagram is of another cluster
        unlisted_node,   ///< its sender is no node of the configuration
        other_address,   ///< its sender has the id of a peer, but not that peer's address on the link
        own_id,          ///< its sender has this node's id, once
        own_id_is_alive, ///< the same, again and again: a second daemon runs
    };
    struct finding {
        kind what{};
        base::node_id node;      ///< the id that the sender says it has
        base::incarnation nonce; ///< and its life; not known of other clusters
        std::string line;        ///< for the log; empty if it was told a short while ago
    };

    explicit stranger_watch(identity self) : _self(std::move(self)) {}

    /// What was made of a datagram.
    using judged = std::expected<wire::opened, wire::refusal_reason>;
    /// Judges one datagram that came on a link. Nothing if there is nothing wrong with it, or if it is none of ours at all.
    [[nodiscard]] std::optional<finding> judge(base::time_point now, const judged& packet, base::bytes_view datagram,
                                               net::link_number link, const net::address& source,
                                               const net::transport_settings& net);

private:
    [[nodiscard]] std::optional<finding> judge_member(base::time_point now, const wire::opened& packet,
                                                      net::link_number link, const net::address& source,
                                                      const net::transport_settings& net);
    [[nodiscard]] finding judge_double(base::time_point now, const wire::opened& packet, const net::address& source,
                                       const net::transport_settings& net);
    /// The line, if the like of it was not told lately.
    [[nodiscard]] std::string told(base::time_point now, kind what, const net::address& source, std::string line);

    const identity _self;
    std::map<std::string, base::time_point> _told; ///< when which line was told

    /// Another life with the own id.
    struct double_life {
        base::incarnation nonce;
        std::uint64_t counter{};
        base::time_point since;
    };
    double_life _double;
};

} // namespace coterie::daemon

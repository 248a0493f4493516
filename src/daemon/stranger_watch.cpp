// SPDX-License-Identifier: BSD-3-Clause
// The id of another cluster stands at a fixed place in every version of the header (docs/wire.md).
#include "daemon/stranger_watch.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace coterie::daemon {

namespace {

constexpr auto line_pause = std::chrono::seconds(60);
/// Lines that are remembered; a flood of invented addresses is told of no more than this many times a minute.
constexpr std::size_t lines_max = 32;
/// A second daemon has sent something new for this long. What is left of a former life passes in less.
constexpr auto alive_after = std::chrono::milliseconds(500);
constexpr std::size_t cluster_at = 8;

base::cluster_id cluster_in(base::bytes_view datagram) {
    base::cluster_id result;
    std::memcpy(&result.value, datagram.data() + cluster_at, sizeof(result.value));
    return result;
}

/// What is known of a cluster's name.
std::string called(base::cluster_id cluster, const std::string& own_name) {
    if (cluster == wire::cluster_of("")) {
        return "a cluster without a name";
    }
    return cluster == wire::cluster_of(own_name) ? "'" + own_name + "'" : fmt::format("id {:016x}", cluster.value);
}

bool is_own(const net::transport_settings& net, const net::address& source) {
    return std::ranges::find(net.links, source, &net::local_link::where) != net.links.end();
}

} // namespace

std::string stranger_watch::told(base::time_point now, kind what, const net::address& source, std::string line) {
    std::erase_if(_told, [&](const auto& each) { return now - each.second >= line_pause; });
    const std::string key = fmt::format("{} {}", static_cast<int>(what), source.text());
    if (_told.size() >= lines_max || _told.contains(key)) {
        return {};
    }
    _told[key] = now;
    return line;
}

std::optional<stranger_watch::finding> stranger_watch::judge(base::time_point now, const judged& packet,
                                                             base::bytes_view datagram, net::link_number link,
                                                             const net::address& source,
                                                             const net::transport_settings& net) {
    if (packet) {
        return judge_member(now, *packet, link, source, net);
    }
    if (packet.error() != wire::refusal_reason::cluster) {
        return std::nullopt;
    }
    return finding{.what = kind::other_cluster,
                   .node = {},
                   .nonce = {},
                   .line = told(now, kind::other_cluster, source,
                                fmt::format("{} sends datagrams of another cluster ({}); this one is {}: they are not "
                                            "listened to; correct cluster_name, or give each cluster its own port",
                                            source.text(), called(cluster_in(datagram), _self.cluster_name),
                                            called(net.cluster, _self.cluster_name)))};
}

std::optional<stranger_watch::finding> stranger_watch::judge_member(base::time_point now, const wire::opened& packet,
                                                                    net::link_number link, const net::address& source,
                                                                    const net::transport_settings& net) {
    const base::node_id node = packet.from.node;
    if (node == _self.node) {
        // What a former life at this address sent may still be on its way.
        return packet.from.nonce == _self.nonce || is_own(net, source)
                   ? std::nullopt
                   : std::optional(judge_double(now, packet, source, net));
    }
    const auto listed = std::ranges::find(net.peers, node, &net::peer::node);
    if (listed == net.peers.end()) {
        return finding{.what = kind::unlisted_node,
                       .node = node,
                       .nonce = packet.from.nonce,
                       .line = told(now, kind::unlisted_node, source,
                                    fmt::format("{} says that it is node {}, which this node does not know: it is not "
                                                "listened to; make the nodelists of all nodes equal",
                                                source.text(), node.value))};
    }
    const net::address* const where = listed->on(link);
    // Where its name on this link is not known yet nothing can be said of its address there.
    if (where == nullptr || *where == source) {
        return std::nullopt;
    }
    const std::string listed_at =
        where->text() + (net.links.size() > 1 ? " on link " + std::to_string(link.value) : std::string());
    return finding{.what = kind::other_address,
                   .node = node,
                   .nonce = packet.from.nonce,
                   .line = told(now, kind::other_address, source,
                                fmt::format("{} says that it is node {}, which is at {} by the nodelist here: two "
                                            "daemons have one nodeid, or the nodelists differ",
                                            source.text(), node.value, listed_at))};
}

stranger_watch::finding stranger_watch::judge_double(base::time_point now, const wire::opened& packet,
                                                     const net::address& source, const net::transport_settings& net) {
    const bool is_new = packet.from.nonce != _double.nonce;
    if (is_new) {
        _double = {.nonce = packet.from.nonce, .counter = packet.counter, .since = now};
    }
    const bool alive = !is_new && packet.counter > _double.counter && now - _double.since >= alive_after;
    finding result{.what = alive ? kind::own_id_is_alive : kind::own_id,
                   .node = packet.from.node,
                   .nonce = packet.from.nonce,
                   .line = {}};
    if (alive) {
        const auto teller = std::ranges::find_if(net.peers, [&](const net::peer& each) {
            return std::ranges::find(each.at, source, &net::link_address::where) != each.at.end();
        });
        const std::string who =
            teller == net.peers.end() ? source.text() : fmt::format("{} (node {})", source.text(), teller->node.value);
        result.line = told(now, result.what, source,
                           fmt::format("nodeid {} is in use in this cluster by another daemon: its datagrams come from "
                                       "{}; give each node its own nodeid and address, the same in all nodelists",
                                       _self.node.value, who));
    }
    return result;
}

} // namespace coterie::daemon

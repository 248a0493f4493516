// SPDX-License-Identifier: BSD-3-Clause
// Datagrams between daemons: UDP over IPv4 or IPv6, unicast to every target, on the links that the state of the paths
// and the link mode suggest (path_watch.hpp, docs/links.md). Never blocks. Whatever the network or the kernel answers is
// survived and counted; lost datagrams are the protocol's affair. It knows nodes and their addresses, and of packets only
// which are small and matter most.
#pragma once

#include "base/buffer.hpp"
#include "crypto/record_layer.hpp"
#include "net/address.hpp"
#include "net/offloads.hpp"
#include "net/path_watch.hpp"
#include "wire/codec.hpp"

#include <array>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace coterie::net {

struct link_address {
    link_number link;
    address where;
};

struct peer {
    node_id node;
    std::vector<link_address> at; ///< at most one a link, of the family of the own address there
    /// Null if it has none on that link.
    [[nodiscard]] const address* on(link_number link) const;
};

struct local_link {
    link_number number;
    address where;    ///< where to listen, and to send from
    int priority = 1; ///< the highest is used first in passive mode
};

struct transport_settings {
    base::member self;
    std::vector<local_link> links; ///< at least one; sorted by number
    std::vector<peer> peers;       ///< every other node whose address is known
    wire::cluster_id cluster;
    link_mode mode = link_mode::passive;
    path_limits limits{};
    std::size_t queue_datagrams_max = 4'096; ///< kept on a link while the kernel has no room; what is more is dropped
    int socket_bytes = 8 << 20;              ///< wanted of the kernel's buffers, each way
    bool offloads = true;                    ///< rows of datagrams for one system call, where the kernel knows them

    /// The own address on that link; null if there is no such link.
    [[nodiscard]] const address* local(link_number link) const;
};

/// Under what packets are sealed and opened; without it they go in the clear.
struct encryption {
    crypto::keyring keys;
    crypto::cipher seals_with{};
};

struct transport_counters {
    std::uint64_t sent = 0;     ///< datagrams, one for each target and link
    std::uint64_t received = 0; ///< good ones
    std::array<std::uint64_t, static_cast<std::size_t>(wire::refusal_reason::count)> refused{};
    std::uint32_t last_unknown_key = 0; ///< of which node the latest datagram under an unknown key says that it is
    std::uint64_t unknown_node = 0;     ///< well-formed, but from a node that is not configured
    std::uint64_t wrong_address = 0; ///< of a configured node, but from an address that is not that node's on this link
    std::uint64_t duplicates = 0;    ///< came on another link before
    std::uint64_t unproven = 0;      ///< sealed by a life that has not proved that it is alive
    std::uint64_t replayed = 0;      ///< sealed by the life that counts, but older than what is remembered of it
    std::uint64_t bad_probes = 0;    ///< of links, that no correct node sends
    std::uint64_t cut = 0;           ///< packets that were sent in pieces, since they were larger than what passes
    std::uint64_t bad_fragments = 0; ///< pieces of packets, that no correct node sends
    std::uint64_t truncated = 0;     ///< longer than any packet
    std::uint64_t dropped = 0;       ///< not sent: the queue was full
    std::uint64_t send_errors = 0;   ///< not sent: a firewall, no route, too large, …
    std::uint64_t rerouted = 0;      ///< of these, sent on another link
    std::uint64_t out_of_room = 0;   ///< how often the kernel had no room
    std::uint64_t refused_rows = 0;  ///< how often a row of datagrams had to be sent one by one
    std::uint64_t refused_ports = 0; ///< answers that nobody listens at a peer's port
    int last_send_error = 0;         ///< errno
};

/// Who takes what comes in.
class packet_sink {
public:
    virtual ~packet_sink() = default;
    /// A datagram whose header and tag are good, of a configured node and from that node's address on the link that it
    /// came by; the first of its kind, if it came on several links. `raw` is what came, which lives as long as the call.
    virtual void on_packet(const base::buffer& datagram, const wire::opened& packet, base::bytes_view raw) = 0;
    /// The host of `node` says that nobody listens there, on every link that worked. A hint only: anyone on the path may
    /// say so.
    virtual void on_refused(node_id node) = 0;
    /// A datagram that was thrown away for who sent it: of another cluster, of a node that is not configured, or of one
    /// whose address on this link is not `source`. `datagram` lives as long as the call; transport::judge() tells more.
    virtual void on_stranger(base::bytes_view datagram, link_number link, const address& source) = 0;
    /// A path to `node` came up, or went down.
    virtual void on_path(node_id node, const path_report& path) = 0;
    /// Datagrams of up to `bytes` pass on the path to `node`; it was thought to be `before`.
    virtual void on_path_size(node_id node, link_number link, std::size_t before, std::size_t bytes) = 0;
    /// This machine does not cut rows of datagrams to `node` up on this link; for a while they go one by one. `error` is
    /// errno.
    virtual void on_unsegmented(node_id node, link_number link, int error) = 0;
};

/// A path and what went over it.
struct path_status {
    path_report seen;
    address where; ///< the node's
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::size_t datagram_bytes = 0; ///< the largest that pass
};

/// How packets are protected, and what is known of others' keys and of what they had to be refused.
struct sealing_report {
    crypto::cipher seals_with{};
    std::uint8_t slot_used = 0;
    std::uint8_t slot_accepted = 0; ///< besides; 0: none
    struct sender {
        node_id node;
        crypto::record_layer::sender_report known;
    };
    std::vector<sender> nodes;
};

struct node_paths {
    node_id node;
    std::vector<path_status> paths; ///< by link
};

/// Why a transport cannot be opened.
struct open_fault {
    link_number link;
    std::error_code what;
};

/// Not thread-safe. `pool` must outlive it.
class transport {
public:
    /// Opens and binds a socket for each link. Of several links some may lack their addresses now; they come to life with
    /// them.
    [[nodiscard]] static std::expected<transport, open_fault> open(const transport_settings& settings,
                                                                   base::buffer_pool& pool,
                                                                   std::optional<encryption> sealing = {});
    transport(transport&&) noexcept;
    transport& operator=(transport&&) noexcept;
    ~transport();

    /// The links' sockets, to be watched; sorted by link.
    [[nodiscard]] std::span<const int> descriptors() const;
    /// Links whose addresses this machine did not have when they were opened.
    [[nodiscard]] const std::vector<link_number>& absent() const;
    /// Where a node is on one link, where that was not known before; of the family of the own address there.
    void add(node_id node, const link_address& fresh);
    /// Queues a datagram for each of `targets` that is known, sealed once; flush() sends.
    void send(const base::buffer& packet, std::span<const node_id> targets);
    /// Sends what is queued, as far as the kernel has room.
    void flush(time_point now);
    /// True while datagrams wait for the socket `descriptors()[place]` to become writable.
    [[nodiscard]] bool waiting(std::size_t place) const;
    /// Hands about `datagrams_max` datagrams of each link, and the errors that have come, to `sink`. False when nothing is
    /// left.
    bool receive(time_point now, packet_sink& sink, std::size_t datagrams_max);
    /// Probes the paths that are due and tells what has become of paths.
    void on_time(time_point now, packet_sink& sink);
    /// When on_time() wants to be called next.
    [[nodiscard]] time_point deadline() const;

    /// What a datagram says, whoever sent it, if its tag is good; its body cannot be relied on.
    [[nodiscard]] std::expected<wire::opened, wire::refusal_reason> judge(base::bytes_view datagram) const;
    /// Nothing where packets go in the clear.
    [[nodiscard]] std::optional<sealing_report> sealing() const;
    /// From now on these keys; only where there were some from the beginning.
    void change_keys(crypto::keyring keys);

    [[nodiscard]] const transport_counters& counts() const;
    /// What the kernel does for the sockets; the same for all links.
    [[nodiscard]] offloads works_with() const;
    [[nodiscard]] socket_buffers buffers() const;
    /// The largest datagram that reaches all of `nodes` in one piece; those to which no path is up do not count.
    [[nodiscard]] std::size_t datagram_bytes(std::span<const base::member> nodes) const;
    /// The paths to a node, by link; none to one that is not known.
    [[nodiscard]] std::vector<path_status> paths(time_point now, node_id node) const;
    /// Those to all nodes that are known.
    [[nodiscard]] std::vector<node_paths> paths(time_point now) const;

private:
    class core;
    explicit transport(std::unique_ptr<core> inside);
    std::unique_ptr<core> _core;
};

} // namespace coterie::net

// SPDX-License-Identifier: BSD-3-Clause
// Datagrams between daemons: one UDP socket, over IPv4 or IPv6, unicast to every target, many datagrams a system call.
// Never blocks. Whatever the network or the kernel answers is survived and counted; lost datagrams are the protocol's
// affair. It knows nodes and their addresses, not what packets mean.
#pragma once

#include "base/buffer.hpp"
#include "net/address.hpp"
#include "wire/codec.hpp"

#include <array>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace coterie::net {

using base::node_id;

struct peer {
    node_id node;
    address where;
};

struct transport_settings {
    address local;           ///< where to listen, and to send from
    std::vector<peer> peers; ///< every other node, of the local address's family
    wire::cluster_id cluster;
    std::size_t queue_datagrams_max = 4'096; ///< kept while the kernel has no room; what is more is dropped
    int socket_bytes = 8 << 20;              ///< wanted of the kernel's buffers, each way
};

struct transport_counters {
    std::uint64_t sent = 0;     ///< datagrams, one for each target
    std::uint64_t received = 0; ///< good ones
    std::array<std::uint64_t, static_cast<std::size_t>(wire::refusal_reason::count)> refused{};
    std::uint64_t unknown_node = 0;  ///< well-formed, but from a node that is not configured
    std::uint64_t wrong_address = 0; ///< of a configured node, but from an address that is not that node's
    std::uint64_t truncated = 0;     ///< longer than any packet
    std::uint64_t dropped = 0;       ///< not sent: the queue was full
    std::uint64_t send_errors = 0;   ///< not sent: a firewall, no route, too large, …
    std::uint64_t out_of_room = 0;   ///< how often the kernel had no room
    std::uint64_t refused_ports = 0; ///< answers that nobody listens at a peer's port
    int last_send_error = 0;         ///< errno
};

/// Who takes what comes in.
class packet_sink {
public:
    virtual ~packet_sink() = default;
    /// A datagram whose header and tag are good, of a configured node and from that node's address.
    virtual void on_packet(const base::buffer& datagram, const wire::opened& packet) = 0;
    /// The host of `node` says that nobody listens there. A hint only: anyone on the path may say so.
    virtual void on_refused(node_id node) = 0;
    /// A datagram that was thrown away for who sent it: of another cluster, of a node that is not configured, or of one
    /// whose address is not `source`. `datagram` lives as long as the call.
    virtual void on_stranger(base::bytes_view datagram, const address& source) = 0;
};

/// Not thread-safe. `pool` must outlive it.
class transport {
public:
    /// Opens and binds the socket.
    [[nodiscard]] static std::expected<transport, std::error_code> open(const transport_settings& settings,
                                                                        base::buffer_pool& pool);
    transport(transport&&) noexcept;
    transport& operator=(transport&&) noexcept;
    ~transport();

    [[nodiscard]] int descriptor() const;
    /// A peer more, of the local address's family; its id is none that is known.
    void add(const peer& fresh);
    /// Queues a datagram for each of `targets` that is known, sealed once; flush() sends.
    void send(const base::buffer& packet, std::span<const node_id> targets);
    /// Sends what is queued, as far as the kernel has room.
    void flush();
    /// True while datagrams wait for the socket to become writable.
    [[nodiscard]] bool waiting() const;
    /// Hands up to `datagrams_max` datagrams, and the errors that have come, to `sink`. False when nothing is left.
    bool receive(packet_sink& sink, std::size_t datagrams_max);

    [[nodiscard]] const transport_counters& counts() const;

private:
    class core;
    explicit transport(std::unique_ptr<core> inside);
    std::unique_ptr<core> _core;
};

} // namespace coterie::net

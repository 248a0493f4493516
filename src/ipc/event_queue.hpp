// SPDX-License-Identifier: BSD-3-Clause
// What one client has still to be told: events are packed into packets as they come and sent when the client's socket has
// room. Bounded: a queue that is over its bound takes nothing more, and its owner has to part with the client.
#pragma once

#include "ipc/messages.hpp"
#include "ipc/packet_socket.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace coterie::ipc {

/// Space for packets, handed round between the queues of a server.
class packet_pool {
public:
    using block = std::unique_ptr<std::byte[]>;
    /// packet_bytes_max bytes of space.
    [[nodiscard]] block take();
    void give_back(block space);

private:
    std::vector<block> _idle;
};

/// One client's events. `pool` must outlive it.
class event_queue {
public:
    /// `bytes_max`: what may wait; the event that passes it is still taken, the next is not.
    event_queue(packet_pool& pool, std::size_t bytes_max) : _pool(&pool), _bytes_max(bytes_max) {}
    event_queue(event_queue&&) = delete;
    ~event_queue();

    void add_message(std::string_view group, const address& sender, bytes_view body);
    void add_change(std::string_view group, std::span<const address> members, std::span<const address> left,
                    std::span<const address> joined);
    void add_ring_view(node_id coordinator, std::uint64_t epoch, std::span<const node_id> nodes);

    /// Sends as much as the socket takes. `done`: nothing is left; `later`: call again when it is writable.
    [[nodiscard]] transfer send(const descriptor& socket);

    [[nodiscard]] bool empty() const { return _packets.empty(); }
    [[nodiscard]] std::size_t bytes() const { return _bytes; }
    /// True for good once an event has been lost, for its bound or for lack of memory.
    [[nodiscard]] bool failed() const { return _failed; }

private:
    struct packet {
        packet_pool::block space; ///< empty if the packet is in `file`
        std::size_t bytes{};
        descriptor file;
    };
    bool takes_more();
    std::span<std::byte> space_for(std::size_t bytes);
    void add_file(std::span<const iovec> parts, std::size_t bytes);

    packet_pool* _pool;
    std::size_t _bytes_max;
    std::size_t _bytes = 0;
    bool _failed = false;
    std::deque<packet> _packets;
};

} // namespace coterie::ipc

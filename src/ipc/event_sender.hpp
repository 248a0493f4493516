// SPDX-License-Identifier: BSD-3-Clause
// The daemon's end of one client's events: written straight into the shared ring while it has room, kept in a backlog while
// it has not, and signalled on the socket when the client has said that it sleeps. No system call while it does not.
#pragma once

#include "ipc/channel_memory.hpp"
#include "ipc/event_backlog.hpp"
#include "ipc/packet_socket.hpp"

namespace coterie::ipc {

class event_sender {
public:
    /// All must outlive it.
    event_sender(const channel_memory& memory, const descriptor& socket, row_pool& pool, std::size_t backlog_bytes_max);

    void add_message(std::string_view group, const address& sender, bytes_view body);
    void add_change(std::string_view group, std::span<const address> members, std::span<const address> left,
                    std::span<const address> joined);
    void add_ring_view(node_id coordinator, std::uint64_t epoch, std::span<const node_id> nodes);

    /// Shows the client what has been added. `later`: call again when the socket is writable; what waits for room in the ring
    /// alone is `done`, the client gives notice of that.
    [[nodiscard]] transfer flush();

    /// True for good once an event has been lost: too many wait.
    [[nodiscard]] bool failed() const { return _backlog.failed(); }
    [[nodiscard]] std::size_t bytes_waiting() const { return _backlog.bytes(); }
    /// True for good once the client has written nonsense into the ring's counts.
    [[nodiscard]] bool corrupt() const { return _ring.corrupt(); }

private:
    std::span<std::byte> space_in_ring(std::size_t bytes);
    /// Space for an event of that size in the ring or else in the backlog; empty if it is too large for a row of the backlog, or
    /// is lost.
    std::span<std::byte> space_for(std::size_t bytes);
    transfer send_backlog();
    transfer signal();
    transfer send_packet_on(const descriptor& file);

    channel_control* _control;
    const descriptor* _socket;
    ring_writer _ring;
    event_backlog _backlog;
    std::uint64_t _signals = 0;
    bool _signal_owed = false; ///< counted, but the socket had no room for it
};

} // namespace coterie::ipc

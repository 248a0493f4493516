// SPDX-License-Identifier: BSD-3-Clause
// One client as the daemon's server sees it: its two sockets, the events and the answer that wait for it, the multicast
// that the layers above could not take yet. The connected socket carries the greeting and then events only, so that it is
// readable exactly when an event waits; requests, replies and credit go over a second one that the welcome brought.
#pragma once

#include "base/buffer.hpp"
#include "ipc/event_queue.hpp"
#include "ipc/server.hpp"

#include <optional>

namespace coterie::ipc {

/// What a session and its server share.
struct session_context {
    const server_settings& settings;
    base::buffer_pool& pool;
    request_handler& handler;
    server_counters& counts;
    packet_pool packets;
    /// Where packets are received; one at a time.
    std::vector<std::byte> scratch = std::vector<std::byte>(packet_bytes_max);
};

class session {
public:
    /// What the session waits for on a socket, in the terms of epoll.
    struct interest {
        std::uint32_t events = 0;
        std::uint32_t requests = 0;
    };

    session(session_context& context, client_id id, descriptor connected, const credentials& who);

    /// The connected socket is readable before the greeting: judges the hello and answers it.
    void greet();
    /// Asks the handler again for a client that it put off.
    void admit();
    /// Takes up to a turn's worth of requests; true when none is left.
    bool take_requests();
    /// Tries again the multicast that was put off.
    void resume();
    /// Sends events, the answer that waits, and credit, as far as the sockets take them.
    void send_pending();
    /// The other end of one of the sockets has closed.
    void hung_up();

    [[nodiscard]] event_queue& events() { return _events; }
    [[nodiscard]] interest wanted() const;
    [[nodiscard]] bool greeted() const { return static_cast<bool>(_requests); }
    [[nodiscard]] bool waiting() const { return _waiting.has_value(); }
    [[nodiscard]] const descriptor& event_socket() const { return _connected; }
    [[nodiscard]] const descriptor& request_socket() const { return _requests; }
    /// True once the server has to part with it.
    [[nodiscard]] bool over() const { return _over; }
    /// Tells the handler, if it was told of an opening and not yet of the end.
    void tell_closed();
    /// Ends the session; `by_force` when the client did not wish it.
    void end(std::string_view why, bool by_force);

private:
    struct answer {
        std::vector<std::byte> packet;
        descriptor file;
    };
    void refuse(status why);
    /// False when reading has to stop for now.
    bool take(const received_packet& packet);
    bool take_large(const stub& what, const descriptor& file);
    bool take_request(const request& what);
    bool submit(bool safe, base::buffer body);
    void reply_to(const request& what, status result, bytes_view body = {});
    void send_answer();
    void send_credit();
    void malformed(std::string_view what);

    session_context* _context;
    client_id _id;
    credentials _who;
    descriptor _connected;
    descriptor _requests;
    event_queue _events;
    std::optional<hello> _waiting; ///< what was said by a client that the handler has put off
    std::optional<answer> _answer;
    struct held_multicast {
        bool safe;
        base::buffer body;
    };
    std::optional<held_multicast> _held;
    std::uint64_t _taken_messages = 0;
    std::uint64_t _taken_bytes = 0;
    std::uint64_t _told_messages = 0;
    std::uint64_t _told_bytes = 0;
    bool _credit_late = false;
    bool _opened = false;
    bool _over = false;
    bool _by_force = false;
    std::string _why;
};

} // namespace coterie::ipc

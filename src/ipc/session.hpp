// SPDX-License-Identifier: BSD-3-Clause
// One client as the daemon's server sees it: its socket, the memory it shares with the daemon, the multicast that the layers
// above could not take yet, the answer that it has not fetched whole. Nothing that is read from the shared memory is read
// twice or believed unjudged: the client may change it at any time.
#pragma once

#include "base/buffer.hpp"
#include "ipc/closer.hpp"
#include "ipc/event_sender.hpp"
#include "ipc/server.hpp"

#include <chrono>
#include <optional>

namespace coterie::ipc {

/// What a session and its server share.
struct session_context {
    const server_settings& settings;
    base::buffer_pool& pool;
    request_handler& handler;
    server_counters& counts;
    row_pool rows;
    closer closing; ///< for whatever a client passed, or may have
};

class session {
public:
    session(session_context& context, client_id id, descriptor connected, const credentials& who);
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    ~session();

    /// The socket is readable: the hello, or wakings and files. `for_file`: until a file has come.
    void take_packets(bool for_file = false);
    /// Asks the handler again for a client that it put off.
    void admit();
    enum class turn_end : std::uint8_t {
        more, ///< there may be more to take now
        soon, ///< none is left, but they come so fast that the next is better looked for soon than waited for
        rest, ///< the client wakes the daemon for the next, or resume() does
    };
    /// Takes up to a turn's worth of requests; `woken`: up to as many as somebody has who has just slept.
    [[nodiscard]] turn_end take_requests(bool woken);
    /// Shows the client its events, as far as ring and socket take them. `more`: its requests can be taken again now; `soon`: the
    /// system has no room now.
    [[nodiscard]] turn_end flush();
    /// Since when it has been slow.
    [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> slow_since() const { return _slow_since; }
    /// Parts with it because it does not take its events.
    void end_as_slow();
    /// There is room for multicasts again.
    void resume();
    /// Null before the client has been welcomed, and when it has gone.
    [[nodiscard]] event_sender* events() { return _events ? &*_events : nullptr; }
    [[nodiscard]] const event_sender* events() const { return _events ? &*_events : nullptr; }
    [[nodiscard]] bool welcomed() const { return _memory.has_value(); }
    [[nodiscard]] bool waiting() const { return _waiting.has_value(); }
    /// It has closed its socket: what it had asked for before is still taken, in turns, and then it is over.
    [[nodiscard]] bool closing() const { return _closing; }
    /// Whether it has to be told when the socket can be written to.
    [[nodiscard]] bool wants_room() const { return _wants_room; }
    [[nodiscard]] const descriptor& socket() const { return _socket; }
    /// True once the server has to part with it.
    [[nodiscard]] bool over() const { return _over; }
    /// Tells the handler, if it was told of an opening and not yet of the end.
    void tell_closed();

private:
    void hung_up();
    /// False when the next packet can wait.
    bool take_packet(received_packet& packet, bool for_file);
    void take_hello(const received_packet& packet);
    bool take_file(descriptor file);
    void welcome_it();
    void refuse(status why);
    /// Ends the session; `by_force` when the client did not wish it.
    void end(std::string_view why, bool by_force);
    void malformed(std::string_view what);

    [[nodiscard]] turn_end found_empty(bool took_some);
    /// Whether multicasts are to be taken although there is no room for them.
    [[nodiscard]] bool is_urgent() const;
    /// Tells the client that multicasts are not welcome now.
    void shut();
    [[nodiscard]] turn_end rest_shut();
    void sleep(daemon_sleep how);
    void judge_pace();
    [[nodiscard]] bool in_flood();
    /// False when the request is malformed.
    bool take(const ring_reader::record& what);
    bool take_request(const request& what);
    bool take_multicast(bool safe, bytes_view body);
    bool take_multicast_file(const request& what);
    bool take_multicast_shared(const request& what);
    bool take_share(const request& what);
    bool take_more();
    bool submit(bool safe, base::buffer body);
    void submit_held();
    void answer(status result, std::vector<std::byte> body = {});
    void show_answer(status result);

    session_context* _context;
    client_id _id;
    credentials _who;
    descriptor _socket;
    std::optional<hello> _waiting; ///< what was said by a client that the handler has put off

    std::optional<channel_memory> _memory;
    std::optional<ring_reader> _requests;
    std::optional<event_sender> _events;
    mapped_file _shared;            ///< what the client sends from without copying
    std::vector<descriptor> _files; ///< came on the socket; their requests have still to be read
    std::vector<std::byte> _answer; ///< the last one, if it did not fit at once
    std::size_t _answer_shown = 0;  ///< how much of it the client has been shown
    std::uint32_t _answered = 0;
    struct held_multicast {
        bool safe;
        bool urgent; ///< and there was no room even so
        base::buffer body;
    };
    std::optional<held_multicast> _held;

    std::chrono::steady_clock::time_point _counting_since;
    std::uint64_t _counted = 0;  ///< requests since then
    std::size_t _turn_bytes = 0; ///< of messages taken in this turn, wherever they lay
    bool _flood = false;

    bool _shut = false; ///< there is no room for its multicasts, and it knows
    std::optional<std::chrono::steady_clock::time_point> _slow_since;
    bool _wants_room = false;
    bool _closing = false; ///< it has hung up
    bool _opened = false;
    bool _over = false;
    bool _by_force = false;
    std::string _why;
};

} // namespace coterie::ipc

// SPDX-License-Identifier: BSD-3-Clause
// One simulated application process: it uses one handle at a time, keeps what waits for it until it dispatches, and
// records what it sees when it sees it. What it does of its own accord is traffic.hpp's affair.
#pragma once

#include "groups/service.hpp"
#include "sim/timeline.hpp"
#include "trace/event.hpp"

#include <array>
#include <deque>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::sim {

class node;
class world;

using groups::guarantee;

/// What the client itself knows of its handle.
enum class standing : std::uint8_t { closed, open, joining, member, leaving };

struct client_options {
    std::uint32_t pid = 0; ///< 0: the world chooses one
    bool ring_views = false;
    duration reads_every{};           ///< 0: sees events at once; else dispatches all that waits at this pace
    std::size_t waiting_max = 20'000; ///< events; from an eighth on it is slow, at this bound the daemon evicts it
};

class client {
public:
    client(world& around, node& home, std::uint32_t index, const client_options& options);

    [[nodiscard]] node& home() const { return _home; }
    [[nodiscard]] trace::process who() const { return _who; }
    [[nodiscard]] std::uint32_t index() const { return _index; }
    [[nodiscard]] groups::handle_id handle() const { return _handle; }
    [[nodiscard]] standing state() const { return _state; }
    [[nodiscard]] const std::string& group() const { return _group; }
    [[nodiscard]] std::uint64_t stream() const { return _stream; }

    // Requests. While the daemon is stopped they wait in the channel, in order, and count as made; while there is no
    // daemon they are refused as bad_handle.

    std::expected<void, groups::refusal> open();
    std::expected<void, groups::refusal> join(std::string_view group);
    std::expected<void, groups::refusal> leave();
    /// Sends `bytes` bytes that this process has not sent before; a few more when there are no others left.
    std::expected<void, groups::refusal> multicast(std::size_t bytes, guarantee how = guarantee::agreed);
    /// Finalizes the handle in order.
    void finalize();
    /// The process dies.
    void crash();

    /// Opens if needed, and joins.
    void enter(std::string_view group);
    /// Sends `count` messages of `bytes` bytes as fast as the daemon accepts them.
    void flood(std::size_t count, std::size_t bytes, guarantee how = guarantee::agreed);

    /// Another process takes its place; only while closed.
    void reborn(std::uint32_t pid);

    // How it reads.

    void read_every(duration pace);
    /// Stops dispatching; what comes waits, up to the bound.
    void stall() { _stalled = true; }
    void unstall();

    // What it saw.

    [[nodiscard]] const std::vector<trace::process>& members() const { return _members; }
    [[nodiscard]] std::uint64_t accepted() const { return _accepted; }
    [[nodiscard]] std::uint64_t delivered() const { return _delivered; }
    /// Accepted in this use of the handle and not yet seen here.
    [[nodiscard]] std::uint64_t outstanding() const { return _outstanding; }
    [[nodiscard]] std::size_t waiting() const { return _waiting.size(); }
    /// Nothing is under way for it: no message, join or leave, nothing unread.
    [[nodiscard]] bool at_rest() const;
    /// Called after each event has been recorded; must not make requests, but may world::post().
    std::function<void(client&, const trace::event&)> on_seen;
    /// Ditto, when the daemon has room again.
    std::function<void(client&)> on_room;

    // For the node and the world.

    void tell(trace::event&& what);
    void writable();
    void read();
    /// Tells its daemon that it has become slow, or that it no longer is.
    void tell_pace();
    void daemon_died();
    void evicted();
    void daemon_resumed();
    [[nodiscard]] trace::event event_of(trace::event_kind kind) const;

private:
    static constexpr std::size_t held_max = 1'024;
    static constexpr std::size_t small_bytes = 8; ///< less than this does not hold a count of all messages
    enum class wish : std::uint8_t { open, join, leave, multicast, finalize, crash };
    struct held_request {
        wish what{};
        std::string group;
        base::buffer body;
        guarantee how{};
    };
    struct burst {
        std::size_t left = 0;
        std::size_t bytes = 0;
        guarantee how{};
    };

    std::expected<void, groups::refusal> ask(held_request&& request);
    std::expected<void, groups::refusal> carry_out(held_request& request);
    std::expected<void, groups::refusal> opened(const std::expected<groups::handle_id, groups::refusal>& handle);
    void close_handle();
    [[nodiscard]] bool is_slow() const;
    void see(trace::event&& what);
    void note(trace::event&& what);
    void forget_handle();
    void continue_flood();
    [[nodiscard]] base::buffer make_message(std::size_t bytes);

    world& _world;
    node& _home;
    std::uint32_t _index;
    trace::process _who;
    bool _ring_views;
    duration _reads_every;
    std::size_t _waiting_max;

    bool _slow = false; ///< as its daemon has been told
    standing _state = standing::closed;
    groups::handle_id _handle;
    std::uint64_t _stream = 0;
    std::string _group;
    std::vector<trace::process> _members;
    std::deque<held_request> _held;
    std::deque<trace::event> _waiting;
    bool _stalled = false;
    bool _read_planned = false;
    bool _evicting = false;
    burst _flood;
    bool _flood_planned = false;

    std::array<std::uint64_t, small_bytes> _small_made{}; ///< messages of so many bytes
    std::uint64_t _messages_made = 0;
    std::uint64_t _accepted = 0;
    std::uint64_t _delivered = 0;
    std::uint64_t _outstanding = 0;
};

} // namespace coterie::sim

// SPDX-License-Identifier: BSD-3-Clause
// What local handles have asked for and is not numbered yet: whose turn it is, and how records are packed into packets.
// It knows nothing of views but that a message which travels in pieces starts again in each.
#pragma once

#include "groups/handle.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

namespace coterie::groups {

class outbox {
public:
    /// A message whose last piece the latest packet holds.
    struct sent_message {
        const handle* from;
        queued_message what;
    };

    /// A request that goes into no packet.
    struct request {
        wire::record what;
        bool safe = false;
        base::buffer owner{}; ///< of a message's body
    };

    explicit outbox(const settings& bounds);

    /// Whether a message of this size is accepted now.
    [[nodiscard]] bool has_room(const handle& one, std::uint64_t bytes) const;
    /// The same, with what is kept for messages that were sent ahead of a request whose sender waits.
    [[nodiscard]] bool has_reserve(const handle& one, std::uint64_t bytes) const;
    /// Gives the handle its turns, or takes them; call after a request was added to it, or its group's pause began or ended.
    void schedule(handle& one);
    /// Forgets everything that waits on this handle.
    void withdraw(handle& one);
    /// The pieces sent so far are worth nothing in the new view.
    void restart_pieces();

    [[nodiscard]] bool pending() const { return !_turns.empty(); }
    /// Writes one packet of requests, every handle having its turn. They count as numbered.
    [[nodiscard]] ring::packet_source::filled fill(base::byte_writer& payload);

    /// The next request, whole, every handle having its turn; nothing if there is none. It counts as numbered.
    [[nodiscard]] std::optional<request> take();
    /// The message whose first piece this node delivers now, which it need not put together again: the oldest that has been
    /// numbered and was not asked for. Empty if there is none of that handle.
    [[nodiscard]] base::buffer take_begun(wire::slot_number slot);

    // About the latest packet or request, until `forget_sent`.

    [[nodiscard]] const std::vector<sent_message>& sent() const { return _sent; }
    /// Handles that had been refused for lack of room, and have it now; no longer marked as refused.
    [[nodiscard]] const std::vector<handle*>& relieved() const { return _relieved; }

    void forget_sent();

    /// For a mutant: everything accepted and not numbered is lost.
    void drop_all_messages();

private:
    /// The packet being written.
    struct draft {
        base::byte_writer& out;
        std::size_t capacity;
        bool agreed = false;
        bool safe = false;

        /// Agreed and safe messages are never in the same packet.
        [[nodiscard]] bool takes(guarantee how) const { return how == guarantee::safe ? !agreed : !safe; }
        void mark(guarantee how) { (how == guarantee::safe ? safe : agreed) = true; }
    };
    struct begun {
        wire::slot_number slot;
        base::buffer body;
    };
    enum class progress : std::uint8_t {
        written,  ///< one record
        blocked,  ///< not in this packet
        waiting,  ///< not before another handle's large message has ended
        finished, ///< nothing waits any more
    };

    [[nodiscard]] request take_next(handle& one);
    progress serve(handle& one, draft& packet);
    progress write_next(handle& one, draft& packet);
    progress write_join(handle& one, draft& packet);
    progress write_pause(handle& one, draft& packet);
    progress write_message(handle& one, draft& packet);
    progress write_piece(handle& one, draft& packet);
    progress write_departure(handle& one, draft& packet);
    progress give_up_messages(handle& one, draft& packet);
    [[nodiscard]] bool is_large(const handle& one, const draft& packet) const;
    void pop_message(handle& one);
    void drop_messages(handle& one);
    void end_large(const handle& one);
    void note_relief(handle& one);

    const settings& _bounds;
    handle_list _turns;         ///< everyone here can be served
    handle_list _large_waiting; ///< their next message is large while another's is under way
    handle* _large = nullptr;   ///< whose large message is under way, or the next to begin; it is in `_turns`
    std::size_t _turn_used = 0; ///< bytes that the first in `_turns` has taken as whole requests
    std::deque<begun> _begun;   ///< large messages of which pieces have numbers in this view
    std::vector<sent_message> _sent;
    std::vector<handle*> _relieved;
};

} // namespace coterie::groups

// SPDX-License-Identifier: BSD-3-Clause
// One use of the service by a local client: where it stands towards its group, and what it has asked for and is not
// numbered yet. The order of a handle's requests is always join, messages, departure, so one flag, one queue and one
// more flag hold it, and a departure never lacks room.
#pragma once

#include "groups/service.hpp"
#include "wire/records.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace coterie::groups {

struct group;
class handle_list;

/// A message that was accepted and whose last piece has no number yet.
struct queued_message {
    base::buffer body;
    guarantee how{};
};

struct handle {
    /// As the client's own requests are judged. Each join ends in `idle` once its departure has been delivered.
    enum class standing : std::uint8_t { idle, joining, joined, leaving };

    handle_id id;
    std::uint32_t pid{};
    bool ring_views{};
    bool closed{}; ///< the client is gone; the handle lives until its departure has been delivered

    standing state = standing::idle;
    wire::slot_number slot{};
    std::string group_name;
    bool initial_ring_view{};

    bool slow{};      ///< its client takes events more slowly than they come
    bool slow_told{}; ///< that has been numbered, in this view
    bool held{};      ///< its group is paused

    bool join_waiting{};
    std::deque<queued_message> messages;
    std::optional<wire::departure> departure_waiting;

    std::uint64_t queued_bytes{};               ///< of `messages`
    std::uint64_t sent_bytes{};                 ///< of the first message: what was numbered as pieces in this view
    std::optional<std::uint64_t> refused_bytes; ///< smallest message that was refused for lack of room
    bool join_refused{};                        ///< a join was refused because the handle was leaving

    group* listens = nullptr; ///< the group whose events it is handed

    handle_list* on = nullptr;
    handle* next = nullptr;
    handle* previous = nullptr;

    /// Whether anything waits for a number and may have one now.
    [[nodiscard]] bool has_requests() const {
        return join_waiting || pause_waiting() || (!messages.empty() && may_send()) || departure_waiting.has_value();
    }
    [[nodiscard]] bool pause_waiting() const { return state == standing::joined && slow != slow_told; }
    /// A paused group takes no further messages. What has begun is ended, and whoever leaves is not kept.
    [[nodiscard]] bool may_send() const { return !held || sent_bytes > 0 || departure_waiting.has_value(); }
    [[nodiscard]] bool dying() const { return departure_waiting == wire::departure::died; }
};

/// Handles in a row, linked through themselves: adding and removing never allocates nor searches.
class handle_list {
public:
    [[nodiscard]] bool empty() const { return _first == nullptr; }
    [[nodiscard]] handle* front() const { return _first; }

    /// Adds a handle that is in no list.
    void push_back(handle& one) {
        one.on = this;
        one.previous = _last;
        one.next = nullptr;
        (_last == nullptr ? _first : _last->next) = &one;
        _last = &one;
    }

    /// Takes a handle out of this list.
    void remove(handle& one) {
        (one.previous == nullptr ? _first : one.previous->next) = one.next;
        (one.next == nullptr ? _last : one.next->previous) = one.previous;
        one.on = nullptr;
        one.previous = nullptr;
        one.next = nullptr;
    }

    void move_to_back(handle& one) {
        remove(one);
        push_back(one);
    }

private:
    handle* _first = nullptr;
    handle* _last = nullptr;
};

} // namespace coterie::groups

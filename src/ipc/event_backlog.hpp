// SPDX-License-Identifier: BSD-3-Clause
// The events of one client that its ring has no room for: packed into rows as they come, in memory of the daemon's own. One
// that is too large for a row is kept alone, and goes by file if it is too large for the ring. Bounded: a backlog that is
// over its bound takes nothing more, and its owner has to part with the client.
#pragma once

#include "ipc/memory_file.hpp"
#include "ipc/messages.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace coterie::ipc {

/// Bytes of a row of events at most, except where one event alone is larger; a ring of 256 KiB carries such rows.
inline constexpr std::size_t row_bytes_max = 65'536 - 64;

/// Space for rows, handed round between the clients of a server, and the count of what waits in all their backlogs.
class row_pool {
public:
    using block = std::unique_ptr<std::byte[]>;
    /// row_bytes_max bytes of space.
    [[nodiscard]] block take();
    void give_back(block space);

    void drop_idle() { _idle = std::vector<block>(); }

    void added(std::size_t bytes) { _bytes_waiting += bytes; }
    void removed(std::size_t bytes) { _bytes_waiting -= bytes; }
    [[nodiscard]] std::size_t bytes_waiting() const { return _bytes_waiting; }

private:
    std::vector<block> _idle;
    std::size_t _bytes_waiting = 0;
};

class event_backlog {
public:
    /// `pool` must outlive it. `bytes_max`: what may wait; the event that passes it is still taken, the next is not.
    /// `carried_max`: the largest event that the ring carries.
    event_backlog(row_pool& pool, std::size_t bytes_max, std::size_t carried_max)
        : _pool(&pool),
          _bytes_max(bytes_max),
          _carried_max(carried_max) {}
    event_backlog(event_backlog&&) = delete;
    ~event_backlog();

    /// Space for an event of at most row_bytes_max bytes; empty when it is not taken.
    [[nodiscard]] std::span<std::byte> add(std::size_t bytes);
    /// Takes an event of any size, in the parts given. One that goes by file is put there at once if nothing else waits, else
    /// when its turn comes, so that a client that does not read holds no descriptors.
    void add_large(std::span<const iovec> parts, std::size_t bytes);

    /// What comes next: a row, or a file whose content is one.
    struct entry {
        row_pool::block space; ///< of a row of small events
        std::size_t bytes{};
        std::vector<std::byte> large; ///< a row of one event, or what has still to be put into a file
        descriptor file;
        [[nodiscard]] bool is_row() const { return space != nullptr; }
        [[nodiscard]] const std::byte* row() const { return is_row() ? space.get() : large.data(); }
    };
    [[nodiscard]] bool front_goes_by_file() const { return front().bytes > _carried_max; }
    /// Not while empty(). What goes by file is in its file; false if the system has no room for one now.
    [[nodiscard]] bool prepare_front();
    [[nodiscard]] const entry& front() const { return _entries.front(); }
    void remove_front();

    [[nodiscard]] bool empty() const { return _entries.empty(); }
    [[nodiscard]] std::size_t bytes() const { return _bytes; }
    /// True for good once an event has been lost, for the bound or for lack of memory.
    [[nodiscard]] bool failed() const { return _failed; }

private:
    bool takes_more();
    void count(std::size_t bytes) {
        _bytes += bytes;
        _pool->added(bytes);
    }

    row_pool* _pool;
    std::size_t _bytes_max;
    std::size_t _carried_max;
    std::size_t _bytes = 0;
    bool _failed = false;
    std::deque<entry> _entries;
};

} // namespace coterie::ipc

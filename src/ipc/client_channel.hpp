// SPDX-License-Identifier: BSD-3-Clause
// The client library's end of the channel to its daemon: requests with answers, multicasts, events. Any thread may call
// anything at any time; no lock is held while a call waits, but requests that wait for an answer queue behind each other. What
// the events mean to an application, and which group it has joined, is the library's affair.
#pragma once

#include "ipc/channel_memory.hpp"
#include "ipc/channel_sockets.hpp"
#include "ipc/messages.hpp"
#include "ipc/packet_socket.hpp"
#include "ipc/shared_arena.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

struct iovec;

namespace coterie::ipc {

class client_channel {
public:
    /// Connects to the daemon that listens at `path` and greets it. Fails with `library` (no daemon there), `access`,
    /// `try_again` (the daemon does not answer, or has no view yet), or what the daemon refused with.
    [[nodiscard]] static std::expected<std::unique_ptr<client_channel>, status> connect(const std::string& path,
                                                                                        const hello& wish);
    client_channel(const client_channel&) = delete;
    client_channel& operator=(const client_channel&) = delete;

    /// A connected Unix socket: readable exactly when next_event has something to say.
    [[nodiscard]] int event_descriptor() const { return _socket.number(); }
    [[nodiscard]] const welcome& greeting() const { return _greeting; }

    struct answer {
        status result{};
        std::vector<std::byte> body;
    };
    /// One request with its answer, of which there is one at a time: others wait until this is destroyed. Putting the question
    /// and waiting are two steps, so that locks which order requests need not be held while the answer is waited for.
    class question {
    public:
        explicit question(client_channel& channel);
        question(const question&) = delete;
        question& operator=(const question&) = delete;
        ~question();

        /// `ok`, or why it cannot be put; `library` if the daemon has gone. `what.kind` is none of multicast, multicast_file.
        [[nodiscard]] status put(const request& what, const descriptor& file = {});
        /// Call once, after put() said `ok`. Waits however long; `library` if the daemon goes meanwhile.
        [[nodiscard]] answer wait();

    private:
        client_channel* _channel;
        std::unique_lock<std::mutex> _turn;
    };
    /// Puts a question and waits for its answer.
    [[nodiscard]] answer ask(const request& what);

    /// Hands one message of `bytes` to the daemon without waiting: `ok`, `try_again` when there is no room, `too_big`,
    /// `no_resources`, `no_memory`, or `library` when the daemon is gone.
    [[nodiscard]] status multicast(bool safe, std::span<const iovec> parts, std::size_t bytes);
    /// Whether a multicast of one byte would be refused with `try_again` now.
    [[nodiscard]] bool blocked();

    /// Memory that the daemon sees too; null when there is none left. `fault` then says why.
    [[nodiscard]] void* take_buffer(std::size_t bytes, status& fault);
    /// False if it was not taken here.
    [[nodiscard]] bool give_back_buffer(const void* buffer);
    /// The request by which a message that lies in such a buffer is sent without copying it here. Once it is answered the
    /// daemon has taken the message, and the bytes can change again. `invalid_param` for any other memory, or `too_big`.
    [[nodiscard]] std::expected<request, status> multicast_from_buffer(bool safe, const void* start, std::size_t bytes);
    /// Bytes of messages that were copied to send them.
    [[nodiscard]] std::uint64_t copied_bytes() const { return _copied_bytes; }

    /// Keeps the bytes of an event where they are for as long as it lives; the channel must live longer.
    class lease {
    public:
        lease() = default;
        lease(lease&& other) noexcept : _channel(std::exchange(other._channel, nullptr)), _row(other._row) {}
        lease& operator=(lease&& other) noexcept {
            std::swap(_channel, other._channel);
            std::swap(_row, other._row);
            return *this;
        }
        ~lease() {
            if (_channel != nullptr) {
                _channel->give_back(_row);
            }
        }

    private:
        friend class client_channel;
        lease(client_channel& channel, std::uint64_t row) : _channel(&channel), _row(row) {}
        client_channel* _channel = nullptr;
        std::uint64_t _row = 0;
    };
    struct taken_event {
        transfer
            how{}; ///< `later`: nothing waits; `exhausted`: a large one does, and this process has no room for its file
        event what;
        lease storage;
    };
    /// Takes the next event, never waiting. The descriptor may go on to be readable after the last until next_event has said
    /// `later`, or settle() was called.
    [[nodiscard]] taken_event next_event();
    /// Makes the descriptor tell whether an event waits, after some have been taken.
    void settle();
    /// Waits until next_event has something to say. False when `timeout_ms` (-1: none) is over.
    [[nodiscard]] bool wait_for_event(int timeout_ms) const { return wait_for(_socket, false, timeout_ms); }

    /// Ends the connection: everything that waits, and every later call, sees the daemon gone.
    void close();
    /// Before a fork: keeps a copy of what is held, for the child; and afterwards in the parent, which needs none.
    void before_fork();
    void after_fork();
    /// In a forked child: leaves the shared memory to the parent, but for events that are held: those stay as they are, in a
    /// copy. No call but this one and the end of leases is allowed from here on.
    void abandon();

private:
    client_channel(channel_socket socket, channel_memory memory, const welcome& greeting);

    // Requests.
    /// Puts a record into the ring and wakes the daemon if it sleeps. `fill` writes the body; `asks` if somebody will wait for
    /// an answer.
    template <class Fill>
    [[nodiscard]] status put(std::uint32_t tag, std::size_t body_bytes, bool asks, Fill fill);
    [[nodiscard]] status put_request(const request& what, const descriptor& file = {});
    [[nodiscard]] bool wait_for_answer();
    [[nodiscard]] status multicast_in_file(bool safe, std::span<const iovec> parts, std::size_t bytes);
    [[nodiscard]] bool may_send_file(std::size_t bytes);
    /// Whether the daemon takes no multicasts for now.
    [[nodiscard]] bool is_shut() const;
    [[nodiscard]] status no_room();
    [[nodiscard]] bool wake_daemon();
    [[nodiscard]] bool is_cut_off() const;
    [[nodiscard]] bool has_arena();
    [[nodiscard]] status share_arena();

    // Events.
    struct row {
        std::uint64_t ring_end{};
        std::uint32_t leases{};
        bool read = false; ///< all its events have been taken
        std::span<std::byte> bytes;
        mapped_file file; ///< where the events are, if not in the ring
    };
    [[nodiscard]] transfer next_row();
    [[nodiscard]] transfer fetch_file(const ring_reader::record& stub, mapped_file& file);
    [[nodiscard]] transfer rest();
    void give_back(std::uint64_t row);
    void release_rows();

    const channel_socket _connection;
    const descriptor& _socket = _connection.get();
    const channel_memory _memory;
    const welcome _greeting;
    std::atomic<bool> _gone = false;
    bool _abandoned = false;
    std::vector<std::byte> _kept; ///< during a fork: the bytes of _rows, one after the other
    std::atomic<std::uint64_t> _copied_bytes = 0;

    std::mutex _asking; ///< held by a question
    std::uint32_t _asked = 0;

    std::mutex _sending; ///< the ring of requests
    ring_writer _requests;
    struct sent_file {
        std::uint64_t ring_end;
        std::size_t bytes;
    };
    std::deque<sent_file> _sent_files; ///< those that the daemon may not have taken
    std::uint32_t _sent_unwatched = 0; ///< multicasts since something told that the daemon lives
    std::chrono::steady_clock::time_point _watched_at;

    std::mutex _taking; ///< the ring of events
    ring_reader _events;
    std::span<std::byte> _row; ///< what is being read
    std::size_t _at = 0;
    std::vector<row> _rows; ///< that are read or held, the last is _row
    std::uint64_t _first_row = 0;
    std::uint64_t _received = 0;              ///< packets on the socket
    std::optional<ring_reader::record> _stub; ///< taken, and its file could not be fetched yet
    bool _file_in_front = false;              ///< the next packet's file has been taken, the packet not
    bool _fault = false;

    std::mutex _buffers;
    std::optional<shared_arena> _arena;
};

} // namespace coterie::ipc

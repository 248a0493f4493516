// SPDX-License-Identifier: BSD-3-Clause
// The client library's end of the channel to its daemon: requests with answers, multicasts against credit, events. Any
// thread may call anything at any time; no lock is held while a call waits. What the events mean to an application, and
// which group it has joined, is the library's affair.
#pragma once

#include "ipc/messages.hpp"
#include "ipc/packet_socket.hpp"

#include <condition_variable>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
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
    [[nodiscard]] int event_descriptor() const { return _connected.number(); }
    [[nodiscard]] const welcome& greeting() const { return _greeting; }

    struct answer {
        status result{};
        std::vector<std::byte> body;
    };
    /// Sends a request and waits for its answer, however long; `library` if the daemon goes meanwhile. `kind` is not
    /// multicast.
    [[nodiscard]] answer ask(request_kind kind, std::string_view group = {}, std::uint16_t flags = 0);

    /// Hands one message of `bytes` to the daemon without waiting: `ok`, `try_again` when there is no credit or room,
    /// `too_big`, `no_resources`, or `library` when the daemon is gone.
    [[nodiscard]] status multicast(bool safe, std::span<const iovec> parts, std::size_t bytes);
    /// Whether a multicast of one byte would be refused with `try_again` now.
    [[nodiscard]] bool blocked();

    /// Where the bytes of an event lie, for as long as it is held.
    struct batch {
        std::unique_ptr<std::byte[]> space;
        std::optional<mapped_file> file;
        std::span<std::byte> bytes;
        std::size_t at = 0;
    };
    struct taken_event {
        transfer how{}; ///< `later`: nothing waits
        event what;
        std::shared_ptr<batch> storage;
    };
    /// Takes the next event, never waiting.
    [[nodiscard]] taken_event next_event();
    /// Waits until next_event has something to say. False when `timeout_ms` (-1: none) is over.
    [[nodiscard]] bool wait_for_event(int timeout_ms) const { return wait_for(_connected, false, timeout_ms); }

    /// Ends the connection: everything that waits, and every later call, sees the daemon gone.
    void close();

private:
    client_channel(descriptor connected, descriptor requests, const welcome& greeting);
    struct pending_answer {
        bool arrived = false;
        answer what;
    };
    void take_replies();
    void take_reply(const received_packet& packet);
    void take_reply(base::bytes_view bytes);
    void wait_for_replies(std::unique_lock<std::mutex>& lock, bool or_room);
    [[nodiscard]] bool has_credit(std::size_t bytes);
    [[nodiscard]] status multicast_in_file(std::span<const iovec> packet, std::size_t bytes);
    [[nodiscard]] status send_multicast(std::span<const iovec> packet, const descriptor& file, std::size_t bytes);
    [[nodiscard]] transfer fetch_batch();

    const descriptor _connected;
    const descriptor _requests;
    const welcome _greeting;

    std::mutex _mutex; ///< everything about the request socket
    std::condition_variable _arrived;
    bool _reading = false; ///< some thread waits at the request socket and takes what comes
    bool _broken = false;
    std::uint32_t _serial = 0;
    std::unordered_map<std::uint32_t, pending_answer*> _pending;
    std::vector<std::byte> _scratch;
    std::uint64_t _sent_messages = 0;
    std::uint64_t _sent_bytes = 0;
    std::uint64_t _taken_messages = 0; ///< by the daemon, as it said
    std::uint64_t _taken_bytes = 0;

    std::mutex _event_mutex; ///< everything about events
    std::shared_ptr<batch> _batch;
    bool _event_fault = false;
};

} // namespace coterie::ipc

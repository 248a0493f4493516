// SPDX-License-Identifier: BSD-3-Clause
// The UDP socket of one link: bound to this node's address there, many datagrams a system call, its error queue read. It
// never blocks and knows neither nodes nor packets; what cannot be sent and what is refused it tells its user.
#pragma once

#include "base/buffer.hpp"
#include "net/address.hpp"
#include "wire/packets.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <expected>
#include <sys/socket.h>
#include <system_error>
#include <vector>

namespace coterie::net {

/// Space for one batch of datagrams that come or go; several sockets take turns with it.
class datagram_batch {
public:
    static constexpr std::size_t size = 32;
    /// Space for one received datagram: more than the longest, so that a longer one shows.
    static constexpr std::size_t slot_bytes = wire::datagram_bytes_max + 512;
    datagram_batch();

    std::array<iovec, size> slots{};
    std::array<iovec, size> parts{};
    std::array<sockaddr_storage, size> sources{};
    std::array<mmsghdr, size> headers{};

private:
    std::vector<std::byte> _space;
};

class link_socket {
public:
    /// A datagram to be sent.
    struct outgoing {
        base::buffer packet;
        const address* where; ///< must live until it is sent
        std::size_t node;     ///< whatever its user knows the target by
        bool only_here;       ///< it goes out on no other link
    };
    /// Who hears what comes of it. None of these may call back in.
    class user {
    public:
        virtual ~user() = default;
        /// A datagram came; `source` is its sender's address. The bytes live as long as the call.
        virtual void on_datagram(base::bytes_view bytes, const sockaddr_storage& source) = 0;
        /// One that is longer than any packet came.
        virtual void on_truncated() = 0;
        /// The host of `where` says that nobody listens there.
        virtual void on_refusal(const address& where) = 0;
        virtual void on_sent(const outgoing& what) = 0;
        /// This machine refuses to send it; `error` is errno.
        virtual void on_unsent(outgoing what, int error) = 0;
    };

    /// Opens and binds. `if_absent`: also when this machine does not have the address now; it may come.
    [[nodiscard]] static std::expected<link_socket, std::error_code> open(const address& local, int buffer_bytes,
                                                                          bool if_absent);
    link_socket(link_socket&& other) noexcept;
    link_socket& operator=(link_socket&&) = delete;
    ~link_socket();

    [[nodiscard]] int descriptor() const { return _socket; }
    [[nodiscard]] std::size_t queued() const { return _queue.size(); }
    void queue(outgoing what) { _queue.push_back(std::move(what)); }
    /// Sends what is queued, as far as the kernel has room: false if it had none.
    bool flush(datagram_batch& space, user& told);
    /// Hands over up to `datagrams_max` datagrams, and the errors that have come. False when nothing is left.
    bool receive(datagram_batch& space, user& told, std::size_t datagrams_max);
    /// True while datagrams wait for the socket to become writable.
    [[nodiscard]] bool waiting() const { return _blocked && !_queue.empty(); }

private:
    explicit link_socket(int socket) : _socket(socket) {}
    [[nodiscard]] int send_batch(datagram_batch& space);
    [[nodiscard]] int receive_batch(datagram_batch& space, std::size_t count) const;
    void take_errors(user& told) const;

    int _socket;
    std::deque<outgoing> _queue;
    bool _blocked = false;
};

} // namespace coterie::net

// SPDX-License-Identifier: BSD-3-Clause
// The UDP socket of one link: bound to this node's address there, its error queue read. Many datagrams a system call, and
// where the kernel can, rows of datagrams of one size cut up by it when they are sent and handed over in one piece when
// they come (UDP_SEGMENT, UDP_GRO: udp(7)). It never blocks and knows neither nodes nor packets; what cannot be sent and
// what is refused it tells its user.
#pragma once

#include "base/buffer.hpp"
#include "net/address.hpp"
#include "net/offloads.hpp"
#include "wire/packets.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <expected>
#include <sys/socket.h>
#include <system_error>
#include <vector>

namespace coterie::net {

/// Space for one batch of messages that come or go, each one datagram or a row of them; several sockets take turns with it.
class datagram_batch {
public:
    static constexpr std::size_t size = 32;
    /// Space for what comes in one message: more than the longest datagram, so that a longer one shows.
    static constexpr std::size_t slot_bytes = 65'536;
    static_assert(slot_bytes > wire::datagram_bytes_max);
    /// Of one batch on its way out: datagrams and what they are padded with.
    static constexpr std::size_t parts_max = 1'024;
    /// `pool` must outlive it.
    explicit datagram_batch(base::buffer_pool& pool) : _pool(&pool) {}

    /// Space for a message that comes. What others have taken parts of is theirs; then it is other space.
    [[nodiscard]] const base::buffer& slot(std::size_t number);

    struct alignas(cmsghdr) ancillary {
        std::array<std::byte, CMSG_SPACE(sizeof(int))> bytes;
    };
    std::array<iovec, parts_max> parts{};
    std::array<iovec, size> spaces{}; ///< of messages that come
    std::array<sockaddr_storage, size> sources{};
    std::array<ancillary, size> controls{};
    std::array<mmsghdr, size> headers{};

private:
    base::buffer_pool* _pool;
    std::array<base::buffer, size> _slots;
};

class link_socket {
public:
    /// Datagrams in a row: what every kernel with UDP_SEGMENT takes.
    static constexpr std::size_t row_max = 64;

    /// A datagram to be sent.
    struct outgoing {
        base::buffer packet;
        const address* where; ///< must live until it is sent
        std::size_t node;     ///< a small number that its user knows the target by
        bool only_here;       ///< it goes out on no other link
    };
    /// Who hears what comes of it. None of these may call back in.
    class user {
    public:
        virtual ~user() = default;
        /// A datagram came; `source` is its sender's address. The bytes live as long as the call, or as any part of `space`
        /// that they lie in; that is mostly theirs and their row's if `fills_space`.
        virtual void on_datagram(base::bytes_view bytes, const sockaddr_storage& source, const base::buffer& space,
                                 bool fills_space) = 0;
        /// One that is longer than any packet came.
        virtual void on_truncated() = 0;
        /// The host of `where` says that nobody listens there.
        virtual void on_refusal(const address& where) = 0;
        /// A router says that something that was sent to `where` was too large for what follows.
        virtual void on_too_large(const address& where) = 0;
        virtual void on_sent(const outgoing& what) = 0;
        /// Rows of datagrams cannot be sent there now; they go one by one for a while. `error` is errno.
        virtual void on_unsegmented(std::size_t node, int error) = 0;
        /// This machine refuses to send it; `error` is errno.
        virtual void on_unsent(outgoing what, int error) = 0;
    };

    struct wishes {
        int buffer_bytes;       ///< of the kernel's buffers, each way
        bool offloads = true;   ///< if the kernel knows them
        bool if_absent = false; ///< also when this machine does not have the address now; it may come
    };
    /// Opens and binds.
    [[nodiscard]] static std::expected<link_socket, std::error_code> open(const address& local, const wishes& wanted);
    link_socket(link_socket&& other) noexcept;
    link_socket& operator=(link_socket&&) = delete;
    ~link_socket();

    [[nodiscard]] int descriptor() const { return _socket; }
    [[nodiscard]] offloads works_with() const { return _works_with; }
    [[nodiscard]] socket_buffers buffers() const;
    [[nodiscard]] std::size_t queued() const { return _queued; }
    void queue(outgoing what);
    /// Sends what is queued, as far as the kernel has room: false if it had none. To one node in the order of queue().
    bool flush(datagram_batch& space, user& told);
    /// Hands over about `datagrams_max` datagrams, less than a row more, and the errors that have come. False when nothing is
    /// left.
    bool receive(datagram_batch& space, user& told, std::size_t datagrams_max);
    /// True while datagrams wait for the socket to become writable.
    [[nodiscard]] bool waiting() const { return _blocked && _queued > 0; }

private:
    /// What waits for one node.
    struct lane {
        std::vector<outgoing> waiting;
        std::size_t first = 0;   ///< what lies before is sent
        std::size_t singles = 0; ///< so many datagrams go one by one
        bool has_turn = false;   ///< it is in `_turns`

        [[nodiscard]] std::size_t count() const { return waiting.size() - first; }
        outgoing take();
    };
    /// Datagrams for one message. All but the last are padded to the same size.
    struct row {
        std::size_t datagrams;
        std::size_t datagram_bytes;
    };
    /// One message of a batch.
    struct message {
        std::size_t node;
        std::size_t datagrams;
    };

    explicit link_socket(int socket) : _socket(socket) {}
    void use_offloads();
    [[nodiscard]] std::size_t fill_batch(datagram_batch& space);
    [[nodiscard]] row next_row(const lane& from, std::size_t first) const;
    void confirm(const message& sent, user& told);
    void give_up(const message& failed, int error, user& told);
    void end_turn(const message& done);
    [[nodiscard]] int receive_batch(datagram_batch& space, std::size_t count) const;
    static std::size_t hand_over(const mmsghdr& header, const base::buffer& space, const sockaddr_storage& source,
                                 user& told);
    void take_errors(user& told);

    int _socket;
    offloads _works_with;
    std::vector<lane> _lanes;        ///< by node
    std::vector<std::size_t> _turns; ///< nodes for which something waits
    std::size_t _queued = 0;
    std::array<message, datagram_batch::size> _batch{};
    std::size_t _row_expected = row_max; ///< datagrams in a message that comes
    bool _blocked = false;
    bool _has_errors = false; ///< a call has told of one; more may be known of it
};

} // namespace coterie::net

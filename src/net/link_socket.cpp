// SPDX-License-Identifier: BSD-3-Clause
// A UDP socket with sendmmsg(2), recvmmsg(2) and its error queue. With IP_RECVERR the kernel reports what an earlier
// datagram met on a later call, whoever that one is for, so a failed call is never taken as a statement about its target;
// only the error queue says whose port refused.
#include "net/link_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <unistd.h>
#include <utility>

namespace coterie::net {

namespace {

/// Errors read from the queue in one go.
constexpr int errors_a_turn = 64;

void set_option(int socket, int level, int name, int value) {
    // What the kernel does not know or grant is done without.
    static_cast<void>(::setsockopt(socket, level, name, &value, sizeof(value)));
}

void size_buffer(int socket, int forced, int ordinary, int bytes) {
    if (::setsockopt(socket, SOL_SOCKET, forced, &bytes, sizeof(bytes)) != 0) {
        set_option(socket, SOL_SOCKET, ordinary, bytes);
    }
}

bool is_refusal(msghdr& header) {
    for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
        if ((each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_RECVERR) ||
            (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_RECVERR)) {
            sock_extended_err what{};
            std::memcpy(&what, CMSG_DATA(each), sizeof(what));
            return what.ee_errno == ECONNREFUSED &&
                   (what.ee_origin == SO_EE_ORIGIN_ICMP || what.ee_origin == SO_EE_ORIGIN_ICMP6);
        }
    }
    return false;
}

} // namespace

datagram_batch::datagram_batch() : _space(size * slot_bytes) {
    for (std::size_t i = 0; i < size; ++i) {
        slots[i] = {_space.data() + i * slot_bytes, slot_bytes};
    }
}

std::expected<link_socket, std::error_code> link_socket::open(const address& local, int buffer_bytes, bool if_absent) {
    const auto fault = [] { return std::unexpected(std::error_code(errno, std::generic_category())); };
    const bool v4 = local.family() == AF_INET;
    link_socket result(::socket(local.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int socket = result._socket;
    if (socket < 0) {
        return fault();
    }
    size_buffer(socket, SO_RCVBUFFORCE, SO_RCVBUF, buffer_bytes);
    size_buffer(socket, SO_SNDBUFFORCE, SO_SNDBUF, buffer_bytes);
    if (v4) {
        set_option(socket, IPPROTO_IP, IP_RECVERR, 1);
        // Routers may cut a datagram in pieces; better than to lose every one that is too long for some path.
        set_option(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    } else {
        set_option(socket, IPPROTO_IPV6, IPV6_RECVERR, 1);
        set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (if_absent) {
        set_option(socket, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_FREEBIND : IPV6_FREEBIND, 1);
    }
    if (::bind(socket, local.raw(), local.raw_bytes()) != 0) {
        return fault();
    }
    return result;
}

link_socket::link_socket(link_socket&& other) noexcept
    : _socket(std::exchange(other._socket, -1)),
      _queue(std::move(other._queue)),
      _blocked(other._blocked) {}

link_socket::~link_socket() {
    if (_socket >= 0) {
        ::close(_socket);
    }
}

bool link_socket::flush(datagram_batch& space, user& told) {
    _blocked = false;
    // The kernel reports an old error once and then does what it is asked; a second failure is the datagram's own.
    bool again = false;
    while (!_queue.empty()) {
        const int sent = send_batch(space);
        if (sent > 0) {
            again = false;
            for (int i = 0; i < sent; ++i) {
                told.on_sent(_queue.front());
                _queue.pop_front();
            }
            continue;
        }
        if (errno == EINTR) {
            continue;
        }
        if (errno == EAGAIN) {
            _blocked = true;
            return false;
        }
        if (!std::exchange(again, true)) {
            continue;
        }
        again = false;
        const int error = errno;
        outgoing failed = std::move(_queue.front());
        _queue.pop_front();
        told.on_unsent(std::move(failed), error);
    }
    return true;
}

bool link_socket::receive(datagram_batch& space, user& told, std::size_t datagrams_max) {
    take_errors(told);
    bool failed_before = false;
    while (datagrams_max > 0) {
        const int count = receive_batch(space, std::min(datagrams_max, datagram_batch::size));
        if (count < 0) {
            if (errno == EAGAIN) {
                return false;
            }
            // An error of an earlier datagram, reported here; or a socket that is beyond help for now.
            if (errno != EINTR && std::exchange(failed_before, true)) {
                return false;
            }
            take_errors(told);
            continue;
        }
        failed_before = false;
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
            const mmsghdr& header = space.headers[i];
            if ((header.msg_hdr.msg_flags & MSG_TRUNC) != 0 || header.msg_len > wire::datagram_bytes_max) {
                told.on_truncated();
            } else {
                told.on_datagram({static_cast<const std::byte*>(space.slots[i].iov_base), header.msg_len},
                                 space.sources[i]);
            }
        }
        datagrams_max -= static_cast<std::size_t>(count);
    }
    return true;
}

int link_socket::send_batch(datagram_batch& space) {
    const std::size_t count = std::min(datagram_batch::size, _queue.size());
    for (std::size_t i = 0; i < count; ++i) {
        const outgoing& each = _queue[i];
        const auto bytes = each.packet.bytes();
        space.parts[i] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
        space.headers[i] = {};
        space.headers[i].msg_hdr.msg_name = const_cast<sockaddr*>(each.where->raw());
        space.headers[i].msg_hdr.msg_namelen = each.where->raw_bytes();
        space.headers[i].msg_hdr.msg_iov = &space.parts[i];
        space.headers[i].msg_hdr.msg_iovlen = 1;
    }
    return ::sendmmsg(_socket, space.headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT | MSG_NOSIGNAL);
}

int link_socket::receive_batch(datagram_batch& space, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
        space.headers[i] = {};
        space.headers[i].msg_hdr.msg_name = &space.sources[i];
        space.headers[i].msg_hdr.msg_namelen = sizeof(space.sources[i]);
        space.headers[i].msg_hdr.msg_iov = &space.slots[i];
        space.headers[i].msg_hdr.msg_iovlen = 1;
    }
    return ::recvmmsg(_socket, space.headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
}

void link_socket::take_errors(user& told) const {
    for (int i = 0; i < errors_a_turn; ++i) {
        sockaddr_storage to{};
        alignas(cmsghdr) std::byte control[512];
        std::byte start[1];
        iovec part{start, sizeof(start)};
        msghdr header{};
        header.msg_name = &to;
        header.msg_namelen = sizeof(to);
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof(control);
        if (::recvmsg(_socket, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
            return;
        }
        if (is_refusal(header)) {
            if (const auto where = address::from(to)) {
                told.on_refusal(*where);
            }
        }
    }
}

} // namespace coterie::net

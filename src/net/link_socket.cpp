// SPDX-License-Identifier: BSD-3-Clause
// A UDP socket with sendmmsg(2), recvmmsg(2), segmentation and its error queue. With IP_RECVERR the kernel reports what an
// earlier datagram met on a later call, whoever that one is for, so a failed call is never taken as a statement about its
// target; only the error queue says whose port refused.
#include "net/link_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <unistd.h>
#include <utility>

namespace coterie::net {

namespace {

/// Errors read from the queue in one go.
constexpr int errors_a_turn = 64;
/// Bytes in a row; the kernel makes one packet of it.
constexpr std::size_t row_bytes_max = 65'000;
/// After a path, a card or a kernel has refused a row, so many datagrams go to that node one by one.
constexpr std::size_t singles_after_refusal = 4'096;

void set_option(int socket, int level, int name, int value) {
    // What the kernel does not know or grant is done without.
    static_cast<void>(::setsockopt(socket, level, name, &value, sizeof(value)));
}

void size_buffer(int socket, int forced, int ordinary, int bytes) {
    if (::setsockopt(socket, SOL_SOCKET, forced, &bytes, sizeof(bytes)) != 0) {
        set_option(socket, SOL_SOCKET, ordinary, bytes);
    }
}

/// Whether the row is at fault, not what is in it or where it goes.
bool is_about_rows(int error) {
    return error == EINVAL || error == EMSGSIZE || error == EIO || error == EOPNOTSUPP || error == ENOPROTOOPT;
}

/// What is put behind datagrams that are shorter than others of their row.
constexpr std::array<std::byte, wire::datagram_bytes_max / 4> padding{};

/// Datagrams of these two sizes can be in one row, the shorter one padded: less than a quarter of it is wasted.
bool are_alike(std::size_t shortest, std::size_t longest) { return longest - shortest <= longest / 4; }

void mark_row(datagram_batch::ancillary& space, msghdr& header, std::size_t datagram_bytes) {
    header.msg_control = space.bytes.data();
    header.msg_controllen = CMSG_SPACE(sizeof(std::uint16_t));
    cmsghdr* const mark = CMSG_FIRSTHDR(&header);
    mark->cmsg_level = IPPROTO_UDP;
    mark->cmsg_type = UDP_SEGMENT;
    mark->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto size = static_cast<std::uint16_t>(datagram_bytes);
    std::memcpy(CMSG_DATA(mark), &size, sizeof(size));
}

/// The size of all datagrams but the last in what came; all of it, if it is one.
std::size_t row_size(const msghdr& header, std::size_t whole) {
    // The macros for walking want what they do not change writable.
    auto& readable = const_cast<msghdr&>(header);
    for (cmsghdr* each = CMSG_FIRSTHDR(&readable); each != nullptr; each = CMSG_NXTHDR(&readable, each)) {
        if (each->cmsg_level == IPPROTO_UDP && each->cmsg_type == UDP_GRO) {
            int size = 0;
            std::memcpy(&size, CMSG_DATA(each), sizeof(size));
            return size > 0 ? static_cast<std::size_t>(size) : whole;
        }
    }
    return whole;
}

/// What the network said of an earlier datagram; 0 if it was this machine.
int network_error(msghdr& header) {
    for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
        if ((each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_RECVERR) ||
            (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_RECVERR)) {
            sock_extended_err what{};
            std::memcpy(&what, CMSG_DATA(each), sizeof(what));
            const bool of_network = what.ee_origin == SO_EE_ORIGIN_ICMP || what.ee_origin == SO_EE_ORIGIN_ICMP6;
            return of_network ? static_cast<int>(what.ee_errno) : 0;
        }
    }
    return 0;
}

} // namespace

const base::buffer& datagram_batch::slot(std::size_t number) {
    base::buffer& result = _slots[number];
    if (result.references() != 1) {
        result = _pool->take(slot_bytes);
        result.resize(slot_bytes);
    }
    return result;
}

std::expected<link_socket, std::error_code> link_socket::open(const address& local, const wishes& wanted) {
    const auto fault = [] { return std::unexpected(std::error_code(errno, std::generic_category())); };
    const bool v4 = local.family() == AF_INET;
    link_socket result(::socket(local.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int socket = result._socket;
    if (socket < 0) {
        return fault();
    }
    size_buffer(socket, SO_RCVBUFFORCE, SO_RCVBUF, wanted.buffer_bytes);
    size_buffer(socket, SO_SNDBUFFORCE, SO_SNDBUF, wanted.buffer_bytes);
    if (v4) {
        set_option(socket, IPPROTO_IP, IP_RECVERR, 1);
        // Datagrams are cut by their sender where they are too large, and by nobody on the way.
        set_option(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    } else {
        set_option(socket, IPPROTO_IPV6, IPV6_RECVERR, 1);
        set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        set_option(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    }
    if (wanted.offloads) {
        result.use_offloads();
    }
    if (wanted.if_absent) {
        set_option(socket, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_FREEBIND : IPV6_FREEBIND, 1);
    }
    if (::bind(socket, local.raw(), local.raw_bytes()) != 0) {
        return fault();
    }
    return result;
}

void link_socket::use_offloads() {
    const int none = 0;
    const int yes = 1;
    _works_with.segments = ::setsockopt(_socket, IPPROTO_UDP, UDP_SEGMENT, &none, sizeof(none)) == 0;
    _works_with.coalesces = ::setsockopt(_socket, IPPROTO_UDP, UDP_GRO, &yes, sizeof(yes)) == 0;
}

link_socket::link_socket(link_socket&& other) noexcept
    : _socket(std::exchange(other._socket, -1)),
      _works_with(other._works_with),
      _lanes(std::move(other._lanes)),
      _turns(std::move(other._turns)),
      _queued(std::exchange(other._queued, 0)),
      _row_expected(other._row_expected),
      _blocked(other._blocked),
      _has_errors(other._has_errors) {}

link_socket::~link_socket() {
    if (_socket >= 0) {
        ::close(_socket);
    }
}

socket_buffers link_socket::buffers() const {
    const auto granted = [this](int name) {
        int value = 0;
        socklen_t size = sizeof(value);
        // The kernel counts its own needs as well and says twice of what was asked for.
        return ::getsockopt(_socket, SOL_SOCKET, name, &value, &size) == 0 ? static_cast<std::size_t>(value) / 2 : 0;
    };
    return {.receive = granted(SO_RCVBUF), .send = granted(SO_SNDBUF)};
}

link_socket::outgoing link_socket::lane::take() {
    outgoing result = std::move(waiting[first]);
    ++first;
    if (first == waiting.size()) {
        waiting.clear();
        first = 0;
    }
    return result;
}

void link_socket::queue(outgoing what) {
    if (what.node >= _lanes.size()) {
        _lanes.resize(what.node + 1);
    }
    lane& to = _lanes[what.node];
    if (!std::exchange(to.has_turn, true)) {
        _turns.push_back(what.node);
    }
    // A lane that never runs empty is moved to its beginning now and then.
    if (to.waiting.size() == to.waiting.capacity() && to.first > to.waiting.size() / 2) {
        to.waiting.erase(to.waiting.begin(), to.waiting.begin() + static_cast<std::ptrdiff_t>(to.first));
        to.first = 0;
    }
    to.waiting.push_back(std::move(what));
    ++_queued;
}

bool link_socket::flush(datagram_batch& space, user& told) {
    _blocked = false;
    int failures = 0;
    while (_queued > 0) {
        const std::size_t messages = fill_batch(space);
        const int sent =
            ::sendmmsg(_socket, space.headers.data(), static_cast<unsigned>(messages), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            failures = 0;
            for (std::size_t i = 0; i < static_cast<std::size_t>(sent); ++i) {
                confirm(_batch[i], told);
            }
            continue;
        }
        const int error = errno;
        if (error == EAGAIN) {
            _blocked = true;
            return false;
        }
        // The kernel reports an old error once and then does what it is asked; a second failure is the message's own.
        _has_errors = true;
        if (error != EINTR && ++failures == 2) {
            failures = 0;
            give_up(_batch[0], error, told);
        }
    }
    return true;
}

/// Returns how many messages there are.
std::size_t link_socket::fill_batch(datagram_batch& space) {
    std::size_t messages = 0;
    std::size_t parts = 0;
    for (const std::size_t node : _turns) {
        const lane& from = _lanes[node];
        std::size_t at = from.first;
        while (at < from.waiting.size() && messages < datagram_batch::size &&
               parts + 2 * row_max <= datagram_batch::parts_max) {
            const row next = next_row(from, at);
            msghdr& header = space.headers[messages].msg_hdr;
            header = {};
            header.msg_name = const_cast<sockaddr*>(from.waiting[at].where->raw());
            header.msg_namelen = from.waiting[at].where->raw_bytes();
            header.msg_iov = &space.parts[parts];
            for (std::size_t i = 0; i < next.datagrams; ++i) {
                const auto bytes = from.waiting[at + i].packet.bytes();
                space.parts[parts++] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
                if (bytes.size() < next.datagram_bytes && i + 1 < next.datagrams) {
                    space.parts[parts++] = {const_cast<std::byte*>(padding.data()), next.datagram_bytes - bytes.size()};
                }
            }
            header.msg_iovlen = static_cast<std::size_t>(&space.parts[parts] - header.msg_iov);
            if (next.datagrams > 1) {
                mark_row(space.controls[messages], header, next.datagram_bytes);
            }
            _batch[messages] = {.node = node, .datagrams = next.datagrams};
            ++messages;
            at += next.datagrams;
        }
    }
    return messages;
}

/// As many as go together from there on: all of about one size, and perhaps a shorter one behind them.
link_socket::row link_socket::next_row(const lane& from, std::size_t first) const {
    std::size_t shortest = from.waiting[first].packet.size();
    std::size_t longest = shortest;
    std::size_t count = 1;
    if (!_works_with.segments || from.singles > 0) {
        return {.datagrams = count, .datagram_bytes = longest};
    }
    while (count < row_max && first + count < from.waiting.size()) {
        const std::size_t bytes = from.waiting[first + count].packet.size();
        const std::size_t would_be_longest = std::max(longest, bytes);
        if ((count + 1) * would_be_longest > row_bytes_max || !are_alike(shortest, would_be_longest)) {
            break;
        }
        longest = would_be_longest;
        ++count;
        if (!are_alike(bytes, longest)) {
            break;
        }
        shortest = std::min(shortest, bytes);
    }
    return {.datagrams = count, .datagram_bytes = longest};
}

void link_socket::confirm(const message& sent, user& told) {
    lane& from = _lanes[sent.node];
    from.singles -= std::min(from.singles, sent.datagrams);
    for (std::size_t i = 0; i < sent.datagrams; ++i) {
        told.on_sent(from.take());
    }
    end_turn(sent);
}

/// What a message of this node's lane held is gone.
void link_socket::end_turn(const message& done) {
    _queued -= done.datagrams;
    if (lane& of = _lanes[done.node]; of.count() == 0) {
        of.has_turn = false;
        std::erase(_turns, done.node);
    }
}

/// A row that fails is tried again one by one.
void link_socket::give_up(const message& failed, int error, user& told) {
    lane& from = _lanes[failed.node];
    if (failed.datagrams == 1) {
        from.singles -= std::min<std::size_t>(from.singles, 1);
        outgoing what = from.take();
        end_turn(failed);
        told.on_unsent(std::move(what), error);
    } else if (is_about_rows(error)) {
        from.singles = singles_after_refusal;
        told.on_unsegmented(failed.node, error);
    } else {
        from.singles = failed.datagrams;
    }
}

bool link_socket::receive(datagram_batch& space, user& told, std::size_t datagrams_max) {
    if (_has_errors) {
        take_errors(told);
    }
    bool failed_before = false;
    std::size_t taken = 0;
    while (taken < datagrams_max) {
        const std::size_t messages =
            std::clamp<std::size_t>((datagrams_max - taken) / _row_expected, 1, datagram_batch::size);
        const int count = receive_batch(space, messages);
        if (count < 0) {
            if (errno == EAGAIN) {
                // If it was not data that woke the receiver, it was an error.
                if (taken == 0) {
                    take_errors(told);
                }
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
        _row_expected = std::max<std::size_t>(_row_expected / 2, 1);
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
            const std::size_t datagrams = hand_over(space.headers[i], space.slot(i), space.sources[i], told);
            _row_expected = std::max(_row_expected, datagrams);
            taken += datagrams;
        }
        if (static_cast<std::size_t>(count) < messages) {
            return false;
        }
    }
    return true;
}

/// Returns how many datagrams the message holds.
std::size_t link_socket::hand_over(const mmsghdr& header, const base::buffer& space, const sockaddr_storage& source,
                                   user& told) {
    const base::bytes_view whole = space.bytes().first(header.msg_len);
    const bool fills_space = whole.size() >= datagram_batch::slot_bytes / 2;
    const std::size_t size = row_size(header.msg_hdr, whole.size());
    if ((header.msg_hdr.msg_flags & MSG_TRUNC) != 0 || size > wire::datagram_bytes_max) {
        told.on_truncated();
        return 1;
    }
    std::size_t datagrams = 0;
    std::size_t at = 0;
    do {
        const std::size_t bytes = std::min(size, whole.size() - at);
        told.on_datagram(whole.subspan(at, bytes), source, space, fills_space);
        at += bytes;
        ++datagrams;
    } while (at < whole.size());
    return datagrams;
}

int link_socket::receive_batch(datagram_batch& space, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
        msghdr& header = space.headers[i].msg_hdr;
        header = {};
        header.msg_name = &space.sources[i];
        header.msg_namelen = sizeof(space.sources[i]);
        // Nobody else sees it while its only handle is the batch's.
        space.spaces[i] = {const_cast<std::byte*>(space.slot(i).bytes().data()), datagram_batch::slot_bytes};
        header.msg_iov = &space.spaces[i];
        header.msg_iovlen = 1;
        if (_works_with.coalesces) {
            header.msg_control = space.controls[i].bytes.data();
            header.msg_controllen = space.controls[i].bytes.size();
        }
    }
    return ::recvmmsg(_socket, space.headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
}

void link_socket::take_errors(user& told) {
    _has_errors = false;
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
        const int error = network_error(header);
        const auto where = error == ECONNREFUSED || error == EMSGSIZE ? address::from(to) : std::nullopt;
        if (where && error == ECONNREFUSED) {
            told.on_refusal(*where);
        } else if (where) {
            told.on_too_large(*where);
        }
    }
    _has_errors = true;
}

} // namespace coterie::net

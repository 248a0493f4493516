// SPDX-License-Identifier: BSD-3-Clause
// The UDP socket with sendmmsg(2), recvmmsg(2) and its error queue. With IP_RECVERR the kernel reports what an earlier
// datagram met on a later call, whoever that one is for, so a failed call is never taken as a statement about its target;
// only the error queue says whose port refused.
#include "net/transport.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <optional>
#include <unistd.h>
#include <unordered_map>

namespace coterie::net {

namespace {

constexpr std::size_t batch = 32;
/// Space for one received datagram: more than the longest, so that a longer one shows.
constexpr std::size_t slot_bytes = wire::datagram_bytes_max + 512;
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

} // namespace

class transport::core {
public:
    core(const transport_settings& settings, base::buffer_pool& pool, int socket)
        : _settings(settings),
          _pool(&pool),
          _socket(socket),
          _space(batch * slot_bytes) {
        for (const peer& each : settings.peers) {
            add(each);
        }
        for (std::size_t i = 0; i < batch; ++i) {
            _slots[i] = {_space.data() + i * slot_bytes, slot_bytes};
        }
    }

    ~core() { ::close(_socket); }
    core(const core&) = delete;
    core& operator=(const core&) = delete;

    int descriptor() const { return _socket; }
    bool waiting() const { return _blocked && !_queue.empty(); }
    const transport_counters& counts() const { return _counts; }

    void add(const peer& fresh) {
        _addresses.emplace(fresh.node.value, fresh.where);
        _nodes.emplace(fresh.where.text(), fresh.node);
    }

    void send(const base::buffer& packet, std::span<const node_id> targets) {
        base::buffer sealed = packet;
        if (!sealed.sealed()) {
            wire::seal(sealed, ++_counter);
        }
        for (const node_id target : targets) {
            const auto where = _addresses.find(target.value);
            if (where == _addresses.end()) {
                continue;
            }
            if (_queue.size() >= _settings.queue_datagrams_max) {
                ++_counts.dropped;
                continue;
            }
            _queue.push_back({.packet = sealed, .where = &where->second});
        }
    }

    void flush() {
        _blocked = false;
        // The kernel reports an old error once and then does what it is asked; a second failure is the datagram's own.
        bool again = false;
        while (!_queue.empty()) {
            const int sent = send_batch();
            if (sent > 0) {
                again = false;
                _counts.sent += static_cast<std::uint64_t>(sent);
                _queue.erase(_queue.begin(), _queue.begin() + sent);
                continue;
            }
            if (errno == EINTR) {
                continue;
            }
            if (errno == EAGAIN) {
                ++_counts.out_of_room;
                _blocked = true;
                return;
            }
            if (!std::exchange(again, true)) {
                continue;
            }
            again = false;
            ++_counts.send_errors;
            _counts.last_send_error = errno;
            _queue.pop_front();
        }
    }

    bool receive(packet_sink& sink, std::size_t datagrams_max) {
        take_errors(sink);
        bool failed_before = false;
        while (datagrams_max > 0) {
            const int count = receive_batch(std::min(datagrams_max, batch));
            if (count < 0) {
                if (errno == EAGAIN) {
                    return false;
                }
                // An error of an earlier datagram, reported here; or a socket that is beyond help for now.
                if (errno != EINTR && std::exchange(failed_before, true)) {
                    return false;
                }
                take_errors(sink);
                continue;
            }
            failed_before = false;
            for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
                take(sink, i);
            }
            datagrams_max -= static_cast<std::size_t>(count);
        }
        return true;
    }

private:
    struct outgoing {
        base::buffer packet;
        const address* where;
    };

    int send_batch() {
        const std::size_t count = std::min(batch, _queue.size());
        for (std::size_t i = 0; i < count; ++i) {
            const outgoing& each = _queue[i];
            const auto bytes = each.packet.bytes();
            _parts[i] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
            _headers[i] = {};
            _headers[i].msg_hdr.msg_name = const_cast<sockaddr*>(each.where->raw());
            _headers[i].msg_hdr.msg_namelen = each.where->raw_bytes();
            _headers[i].msg_hdr.msg_iov = &_parts[i];
            _headers[i].msg_hdr.msg_iovlen = 1;
        }
        return ::sendmmsg(_socket, _headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT | MSG_NOSIGNAL);
    }

    int receive_batch(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            _headers[i] = {};
            _headers[i].msg_hdr.msg_name = &_sources[i];
            _headers[i].msg_hdr.msg_namelen = sizeof(_sources[i]);
            _headers[i].msg_hdr.msg_iov = &_slots[i];
            _headers[i].msg_hdr.msg_iovlen = 1;
        }
        return ::recvmmsg(_socket, _headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
    }

    void take(packet_sink& sink, std::size_t place) {
        if ((_headers[place].msg_hdr.msg_flags & MSG_TRUNC) != 0 ||
            _headers[place].msg_len > wire::datagram_bytes_max) {
            ++_counts.truncated;
            return;
        }
        const base::bytes_view bytes(static_cast<const std::byte*>(_slots[place].iov_base), _headers[place].msg_len);
        // Judged where it lies; what is thrown away costs no copy.
        const auto judged = wire::open(bytes, _settings.cluster);
        if (!judged) {
            ++_counts.refused[static_cast<std::size_t>(judged.error())];
            if (judged.error() == wire::refusal_reason::cluster) {
                strange(sink, bytes, place);
            }
            return;
        }
        const auto sender = _addresses.find(judged->from.node.value);
        if (sender == _addresses.end()) {
            ++_counts.unknown_node;
            strange(sink, bytes, place);
            return;
        }
        // Nodes send from where they are listened to. A second daemon with the id of a node can be anywhere else.
        if (address::from(_sources[place]) != sender->second) {
            ++_counts.wrong_address;
            strange(sink, bytes, place);
            return;
        }
        ++_counts.received;
        const base::buffer datagram = _pool->copy(bytes);
        wire::opened moved = *judged;
        moved.body =
            datagram.bytes().subspan(static_cast<std::size_t>(judged->body.data() - bytes.data()), judged->body.size());
        sink.on_packet(datagram, moved);
    }

    void strange(packet_sink& sink, base::bytes_view bytes, std::size_t place) {
        if (const auto source = address::from(_sources[place])) {
            sink.on_stranger(bytes, *source);
        }
    }

    void take_errors(packet_sink& sink) {
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
                ++_counts.refused_ports;
                const auto where = address::from(to);
                const auto found = where ? _nodes.find(where->text()) : _nodes.end();
                if (found != _nodes.end()) {
                    sink.on_refused(found->second);
                }
            }
        }
    }

    static bool is_refusal(msghdr& header) {
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

    const transport_settings _settings;
    base::buffer_pool* _pool;
    const int _socket;
    std::unordered_map<std::uint32_t, address> _addresses;
    std::unordered_map<std::string, node_id> _nodes;
    std::deque<outgoing> _queue;
    bool _blocked = false;
    std::uint64_t _counter = 0;
    transport_counters _counts;
    std::vector<std::byte> _space;
    std::array<iovec, batch> _slots{};
    std::array<iovec, batch> _parts{};
    std::array<sockaddr_storage, batch> _sources{};
    std::array<mmsghdr, batch> _headers{};
};

std::expected<transport, std::error_code> transport::open(const transport_settings& settings, base::buffer_pool& pool) {
    const int family = settings.local.family();
    const int socket = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket < 0) {
        return std::unexpected(std::error_code(errno, std::generic_category()));
    }
    auto owner = std::make_unique<core>(settings, pool, socket);
    size_buffer(socket, SO_RCVBUFFORCE, SO_RCVBUF, settings.socket_bytes);
    size_buffer(socket, SO_SNDBUFFORCE, SO_SNDBUF, settings.socket_bytes);
    if (family == AF_INET) {
        set_option(socket, IPPROTO_IP, IP_RECVERR, 1);
        // Routers may cut a datagram in pieces; better than to lose every one that is too long for some path.
        set_option(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    } else {
        set_option(socket, IPPROTO_IPV6, IPV6_RECVERR, 1);
        set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (::bind(socket, settings.local.raw(), settings.local.raw_bytes()) != 0) {
        return std::unexpected(std::error_code(errno, std::generic_category()));
    }
    return transport(std::move(owner));
}

transport::transport(std::unique_ptr<core> inside) : _core(std::move(inside)) {}
transport::transport(transport&&) noexcept = default;
transport& transport::operator=(transport&&) noexcept = default;
transport::~transport() = default;

int transport::descriptor() const { return _core->descriptor(); }
void transport::add(const peer& fresh) { _core->add(fresh); }
void transport::send(const base::buffer& packet, std::span<const node_id> targets) { _core->send(packet, targets); }
void transport::flush() { _core->flush(); }
bool transport::waiting() const { return _core->waiting(); }
bool transport::receive(packet_sink& sink, std::size_t datagrams_max) { return _core->receive(sink, datagrams_max); }
const transport_counters& transport::counts() const { return _core->counts(); }

} // namespace coterie::net

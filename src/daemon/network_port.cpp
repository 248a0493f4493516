// SPDX-License-Identifier: BSD-3-Clause
// Looks at waiting datagrams with MSG_PEEK: the transport does not say where a datagram came from, and need not.
#include "daemon/network_port.hpp"

#include <algorithm>
#include <sys/socket.h>
#include <sys/uio.h>

namespace coterie::daemon {

namespace {

/// For so long after something was thrown away the next datagrams are looked at.
constexpr auto looking_time = std::chrono::seconds(1);
/// A second daemon is shown the first one's datagrams for so long after it was noticed, and so often.
constexpr auto showing_time = std::chrono::seconds(3);
constexpr auto showing_pause = std::chrono::milliseconds(250);
/// Second daemons that are remembered.
constexpr std::size_t doubles_max = 16;

std::uint64_t strange_ones(const net::transport_counters& counts) {
    return counts.refused[static_cast<std::size_t>(wire::refusal_reason::cluster)] + counts.unknown_node;
}

} // namespace

network_port::network_port(net::transport_settings settings, stranger_watch::identity self, base::buffer_pool& pool,
                           std::function<void(const stranger_watch::finding&)> told)
    : _settings(std::move(settings)),
      _pool(pool),
      _watch(std::move(self)),
      _told(std::move(told)) {}

std::expected<void, std::string> network_port::open() {
    _transport.reset();
    auto opened = net::transport::open(_settings, _pool);
    if (!opened) {
        const bool taken = opened.error() == std::errc::address_in_use;
        return std::unexpected(
            _settings.local.text() + " cannot be used for UDP: " + opened.error().message() +
            (taken ? "; another program has this port: end it, or choose another mcastport for all nodes" : ""));
    }
    _transport.emplace(std::move(*opened));
    return {};
}

bool network_port::receive(base::time_point now, net::packet_sink& sink, std::size_t datagrams_max,
                           std::uint64_t refused) {
    if (now < _looking_until) {
        look(now);
    }
    const bool more = _transport->receive(sink, datagrams_max);
    const std::uint64_t thrown_away = strange_ones(_transport->counts()) + refused;
    if (thrown_away != _thrown_away) {
        _thrown_away = thrown_away;
        _looking_until = now + looking_time;
    }
    return more;
}

void network_port::look(base::time_point now) {
    _space.resize(wire::datagram_bytes_max);
    sockaddr_storage from{};
    iovec part{_space.data(), _space.size()};
    msghdr header{};
    header.msg_name = &from;
    header.msg_namelen = sizeof(from);
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    const ssize_t got = ::recvmsg(_transport->descriptor(), &header, MSG_PEEK | MSG_DONTWAIT);
    const auto source = net::address::from(from);
    if (got <= 0 || !source) {
        return;
    }
    const auto found = _watch.judge(now, {_space.data(), static_cast<std::size_t>(got)}, *source, _settings);
    if (!found) {
        return;
    }
    if (found->what == stranger_watch::kind::other_address) {
        remember(now, *found, *source);
    }
    _told(*found);
}

void network_port::remember(base::time_point now, const stranger_watch::finding& found, const net::address& source) {
    auto known = std::ranges::find(_doubles, found.nonce, &double_daemon::nonce);
    if (known == _doubles.end()) {
        if (_doubles.size() == doubles_max) {
            _doubles.erase(_doubles.begin());
        }
        known = _doubles.insert(_doubles.end(), {.node = found.node, .nonce = found.nonce, .where = source});
    }
    known->until = now + showing_time;
}

bool network_port::admits(base::time_point now, const base::buffer& datagram, const wire::origin& from) {
    for (double_daemon& each : _doubles) {
        if (from.node != each.node) {
            continue;
        }
        if (from.nonce == each.nonce) {
            return false;
        }
        if (now >= each.next && now < each.until) {
            // It hears nobody, since everybody answers to the address that is configured; so this is how it learns of
            // the other.
            each.next = now + showing_pause;
            const base::bytes_view bytes = datagram.bytes();
            static_cast<void>(::sendto(_transport->descriptor(), bytes.data(), bytes.size(),
                                       MSG_DONTWAIT | MSG_NOSIGNAL, each.where.raw(), each.where.raw_bytes()));
        }
    }
    return true;
}

} // namespace coterie::daemon

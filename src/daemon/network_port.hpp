// SPDX-License-Identifier: BSD-3-Clause
// The daemon's place in the network: the transport, opened anew when the name of another peer becomes known, and the look-out
// for datagrams that should not be there. Those are looked at where they wait, and only while the counters of what is
// thrown away go up, so that in a healthy cluster this costs nothing.
#pragma once

#include "daemon/stranger_watch.hpp"
#include "net/transport.hpp"

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace coterie::daemon {

class network_port {
public:
    /// `told` gets what the look-out finds. `pool` must outlive it.
    network_port(net::transport_settings settings, stranger_watch::identity self, base::buffer_pool& pool,
                 std::function<void(const stranger_watch::finding&)> told);

    /// Opens the socket, or opens it anew. The error is one line for people.
    [[nodiscard]] std::expected<void, std::string> open();
    /// A peer more, from the next open() on.
    void add(const net::peer& fresh) { _settings.peers.push_back(fresh); }
    void close() { _transport.reset(); }

    [[nodiscard]] net::transport* transport() { return _transport ? &*_transport : nullptr; }
    [[nodiscard]] const net::transport_settings& settings() const { return _settings; }

    /// Hands what has come to `sink`, as net::transport does. `refused` is how many datagrams the layers above have thrown
    /// away for their sender's life so far.
    bool receive(base::time_point now, net::packet_sink& sink, std::size_t datagrams_max, std::uint64_t refused);
    /// Whether a datagram that was taken may go on to the engine: not if its sender has the id of a node whose address it
    /// has not. If there is such a second daemon of the sender's id, it is shown this datagram.
    [[nodiscard]] bool admits(base::time_point now, const base::buffer& datagram, const wire::origin& from);

private:
    void look(base::time_point now);

    /// A daemon with the id of a peer at an address that is not that peer's.
    struct double_daemon {
        base::node_id node;
        base::incarnation nonce;
        net::address where;
        base::time_point until{}; ///< shown the other one's datagrams
        base::time_point next{};
    };
    void remember(base::time_point now, const stranger_watch::finding& found, const net::address& source);

    net::transport_settings _settings;
    base::buffer_pool& _pool;
    stranger_watch _watch;
    const std::function<void(const stranger_watch::finding&)> _told;
    std::optional<net::transport> _transport;
    std::uint64_t _thrown_away = 0;
    base::time_point _looking_until{};
    std::vector<std::byte> _space;
    std::vector<double_daemon> _doubles; ///< the latest few
};

} // namespace coterie::daemon

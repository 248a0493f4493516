// SPDX-License-Identifier: BSD-3-Clause
// In a healthy cluster nobody is a stranger, so that none of this costs anything; in a flood of strange datagrams a few are
// judged each turn.
#include "daemon/network_port.hpp"

#include "daemon/network_setup.hpp"

#include <algorithm>
#include <sys/socket.h>
#include <utility>

namespace coterie::daemon {

namespace {

/// Strangers that are judged in one turn; another cluster may send as much as this one.
constexpr std::size_t judged_a_turn = 4;
/// A second daemon is shown the first one's datagrams for so long after it was noticed, and so often.
constexpr auto showing_time = std::chrono::seconds(3);
constexpr auto showing_pause = std::chrono::milliseconds(250);
/// Second daemons that are remembered.
constexpr std::size_t doubles_max = 16;

} // namespace

network_port::network_port(net::transport_settings settings, std::optional<net::encryption> sealing,
                           stranger_watch::identity self, base::buffer_pool& pool,
                           std::function<void(const stranger_watch::finding&)> told,
                           std::function<std::string(base::node_id)> named)
    : _settings(std::move(settings)),
      _sealing(std::move(sealing)),
      _pool(pool),
      _watch(std::move(self)),
      _told(std::move(told)),
      _refusals(std::move(named)) {}

std::expected<void, std::string> network_port::open() {
    auto opened = net::transport::open(_settings, _pool, std::exchange(_sealing, std::nullopt));
    if (!opened) {
        const bool taken = opened.error().what == std::errc::address_in_use;
        return std::unexpected(
            _settings.local(opened.error().link)->text() + " cannot be used for UDP: " + opened.error().what.message() +
            (taken ? "; another program has this port: end it, or choose another mcastport for all nodes" : ""));
    }
    _transport.emplace(std::move(*opened));
    return {};
}

std::vector<std::string> network_port::absent_links() const {
    std::vector<std::string> result;
    for (const net::link_number link : _transport->absent()) {
        result.push_back(_settings.local(link)->host() + ", this node's address on link " + std::to_string(link.value) +
                         ", is not an address of this machine; the link is down until it is: correct " +
                         config::address_key(link) + " or the network");
    }
    return result;
}

std::vector<std::string> network_port::kernel_hints() const {
    std::vector<std::string> result;
    if (const net::offloads works_with = _transport->works_with();
        _settings.offloads && !(works_with.segments && works_with.coalesces)) {
        result.emplace_back(
            std::string("this kernel does not ") +
            (works_with.segments ? "put datagrams together (UDP_GRO)" : "cut rows of datagrams up (UDP_SEGMENT)") +
            ": they go one by one, more slowly; Linux 5.0 and later can");
    }
    const net::socket_buffers granted = _transport->buffers();
    if (const auto wanted = static_cast<std::size_t>(_settings.socket_bytes);
        granted.receive < wanted || granted.send < wanted) {
        result.push_back("the kernel grants the network socket buffers of " + std::to_string(granted.receive) +
                         " and " + std::to_string(granted.send) + " bytes for reading and sending, not " +
                         std::to_string(wanted) +
                         ": what comes in bursts may be lost and sent again; set "
                         "net.core.rmem_max and net.core.wmem_max to that, or give the daemon CAP_NET_ADMIN");
    }
    return result;
}

std::vector<network_port::late_peer> network_port::on_name(const std::vector<config::node>& nodes,
                                                           const std::string& name, const known_addresses& known) {
    std::vector<late_peer> result;
    for (const config::node& node : nodes) {
        for (const config::node_address& at : node.addresses) {
            if (at.host != name) {
                continue;
            }
            const auto fresh = late_address(_settings, at, known);
            if (fresh) {
                add(node.id, *fresh);
                result.push_back({true, name + " is known now: node " + std::to_string(node.id.value) + " is at " +
                                            fresh->where.text()});
            } else {
                result.push_back({false, fresh.error()});
            }
        }
    }
    return result;
}

void network_port::add(base::node_id node, const net::link_address& fresh) {
    auto known = std::ranges::find(_settings.peers, node, &net::peer::node);
    if (known == _settings.peers.end()) {
        known = _settings.peers.insert(known, {.node = node, .at = {}});
    }
    known->at.push_back(fresh);
    if (_transport) {
        _transport->add(node, fresh);
    }
}

bool network_port::receive(base::time_point now, receiver& to, std::size_t datagrams_max) {
    _now = now;
    _receiver = &to;
    _judged = 0;
    return _transport->receive(now, *this, datagrams_max);
}

std::vector<std::string> network_port::refusals(base::time_point now) {
    return _refusals.judge(now, _transport->sealing(), _transport->counts());
}

void network_port::on_time(base::time_point now, receiver& to) {
    _now = now;
    _receiver = &to;
    _transport->on_time(now, *this);
}

void network_port::on_packet(const base::buffer& datagram, const wire::opened& packet, base::bytes_view raw) {
    for (double_daemon& each : _doubles) {
        if (packet.from.node == each.node && _now >= each.next && _now < each.until) {
            // It hears nobody, since everybody answers to the address that is configured; so this is how it learns of
            // the other.
            each.next = _now + showing_pause;
            static_cast<void>(::sendto(_transport->descriptors()[each.socket], raw.data(), raw.size(),
                                       MSG_DONTWAIT | MSG_NOSIGNAL, each.where.raw(), each.where.raw_bytes()));
        }
    }
    _receiver->on_packet(datagram, packet);
}

void network_port::on_stranger(base::bytes_view datagram, net::link_number link, const net::address& source) {
    if (_judged == judged_a_turn) {
        return;
    }
    ++_judged;
    const auto found = _watch.judge(_now, _transport->judge(datagram), datagram, link, source, _settings);
    if (!found) {
        return;
    }
    if (found->what == stranger_watch::kind::other_address) {
        remember(*found, link, source);
    }
    _told(*found);
}

void network_port::remember(const stranger_watch::finding& found, net::link_number link, const net::address& source) {
    const auto local = std::ranges::find(_settings.links, link, &net::local_link::number);
    auto known = std::ranges::find(_doubles, found.nonce, &double_daemon::nonce);
    if (known == _doubles.end()) {
        if (_doubles.size() == doubles_max) {
            _doubles.erase(_doubles.begin());
        }
        known = _doubles.insert(_doubles.end(), {.node = found.node,
                                                 .nonce = found.nonce,
                                                 .where = source,
                                                 .socket = static_cast<std::size_t>(local - _settings.links.begin())});
    }
    known->until = _now + showing_time;
}

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// The daemon's place in the network: the transport, and what becomes of datagrams that were thrown away for who sent them:
// they are judged, and a second daemon with the id of a peer is shown that peer's datagrams, so that it learns why nobody
// answers.
#pragma once

#include "daemon/address_book.hpp"
#include "daemon/refusal_watch.hpp"
#include "daemon/stranger_watch.hpp"
#include "net/transport.hpp"

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace coterie::daemon {

class network_port final : net::packet_sink {
public:
    /// `told` gets what is found about strangers, `named` gives nodes names for people. `pool` must outlive it.
    network_port(net::transport_settings settings, std::optional<net::encryption> sealing,
                 stranger_watch::identity self, base::buffer_pool& pool,
                 std::function<void(const stranger_watch::finding&)> told,
                 std::function<std::string(base::node_id)> named);

    /// Opens the links' sockets. The error is one line for people.
    [[nodiscard]] std::expected<void, std::string> open();
    /// A line for people about each link whose address this machine does not have.
    [[nodiscard]] std::vector<std::string> absent_links() const;
    /// Lines for people about what the kernel does not grant: it costs speed.
    [[nodiscard]] std::vector<std::string> kernel_hints() const;
    /// What has become of a node's address on a link.
    struct late_peer {
        bool added;
        std::string line; ///< for people
    };
    /// A name of one of `nodes` has become known: takes it for where that node is.
    [[nodiscard]] std::vector<late_peer> on_name(const std::vector<config::node>& nodes, const std::string& name,
                                                 const known_addresses& known);

    /// Null before open().
    [[nodiscard]] net::transport* transport() { return _transport ? &*_transport : nullptr; }
    [[nodiscard]] const net::transport_settings& settings() const { return _settings; }
    /// Lines about packets that had to be refused; to be asked for every refusal_watch::look_every.
    [[nodiscard]] std::vector<std::string> refusals(base::time_point now);

    /// Who gets what comes from peers.
    class receiver {
    public:
        virtual ~receiver() = default;
        /// As in net::packet_sink, without what came.
        virtual void on_packet(const base::buffer& datagram, const wire::opened& packet) = 0;
        virtual void on_refused(base::node_id node) = 0;
        virtual void on_path(base::node_id node, const net::path_report& path) = 0;
        virtual void on_path_size(base::node_id node, net::link_number link, std::size_t before, std::size_t bytes) = 0;
        virtual void on_unsegmented(base::node_id node, net::link_number link, int error) = 0;
    };
    /// Hands up to `datagrams_max` datagrams of each link, and the errors that have come, to `to`. False when nothing is
    /// left.
    bool receive(base::time_point now, receiver& to, std::size_t datagrams_max);
    /// The transport's deadline has come.
    void on_time(base::time_point now, receiver& to);

private:
    // net::packet_sink
    void on_packet(const base::buffer& datagram, const wire::opened& packet, base::bytes_view raw) override;
    void on_refused(base::node_id node) override { _receiver->on_refused(node); }
    void on_stranger(base::bytes_view datagram, net::link_number link, const net::address& source) override;
    void on_path(base::node_id node, const net::path_report& path) override { _receiver->on_path(node, path); }
    void on_path_size(base::node_id node, net::link_number link, std::size_t before, std::size_t bytes) override {
        _receiver->on_path_size(node, link, before, bytes);
    }
    void on_unsegmented(base::node_id node, net::link_number link, int error) override {
        _receiver->on_unsegmented(node, link, error);
    }

    void add(base::node_id node, const net::link_address& fresh);

    /// A daemon with the id of a peer at an address that is not that peer's.
    struct double_daemon {
        base::node_id node;
        base::incarnation nonce;
        net::address where;
        std::size_t socket;       ///< its place among those of the transport
        base::time_point until{}; ///< shown the other one's datagrams
        base::time_point next{};
    };
    void remember(const stranger_watch::finding& found, net::link_number link, const net::address& source);

    net::transport_settings _settings;
    std::optional<net::encryption> _sealing; ///< until open()
    base::buffer_pool& _pool;
    stranger_watch _watch;
    const std::function<void(const stranger_watch::finding&)> _told;
    std::optional<net::transport> _transport;
    std::vector<double_daemon> _doubles; ///< the latest few
    refusal_watch _refusals;

    // While receive() or on_time() runs.
    base::time_point _now{};
    receiver* _receiver = nullptr;
    std::size_t _judged = 0; ///< strangers
};

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// The inside of ring::engine: its parts, the way of a packet to the part that it concerns, and what follows each input.
#pragma once

#include "ring/context.hpp"
#include "ring/engine.hpp"
#include "ring/epochs.hpp"
#include "ring/hearing.hpp"
#include "ring/membership.hpp"

namespace coterie::ring {

class engine::core {
public:
    core(const settings& settings, base::buffer_pool& pool, environment& environment, listener& listener,
         packet_source& source);

    void start(time_point now);
    void on_packet(time_point now, const base::buffer& datagram, const wire::opened& packet);
    void on_time(time_point now);
    void on_stored(time_point now, epoch_number epoch);
    void on_refused(time_point now, node_id node);
    void on_pending(time_point now);
    void leave(time_point now);
    void set_datagram_bytes(std::size_t bytes) { _settings.datagram_bytes = bytes; }

    [[nodiscard]] time_point deadline() const { return _deadline; }
    [[nodiscard]] bool retired() const { return _retired; }
    [[nodiscard]] const view_order* order() const { return _membership.order(); }
    [[nodiscard]] const regular_view& view() const;
    [[nodiscard]] bool operational() const;
    [[nodiscard]] const counters& counts() const { return _context.counts; }
    [[nodiscard]] std::vector<link> links(time_point now) const;
    [[nodiscard]] const pauses& paused() const { return _paused; }
    [[nodiscard]] std::string describe() const;

private:
    void begin(time_point now);
    void settle();
    void dispatch(const member& from, wire::packet_kind kind, base::bytes_view body, const base::buffer& datagram);
    void dispatch_order(const member& from, wire::packet_kind kind, base::bytes_view body,
                        const base::buffer& datagram);
    void dispatch_membership(const member& from, wire::packet_kind kind, base::bytes_view body,
                             const base::buffer& datagram);
    void take_heartbeat(const member& from, base::bytes_view body);
    /// Decodes a packet of an installed view and gives it to the view's order, if it is of that view and a member.
    template <class Packet, class Give>
    void give(const member& from, std::optional<Packet> packet, Give give);
    [[nodiscard]] std::optional<std::size_t> place_in(const member& from, view_id view);
    [[nodiscard]] wire::heartbeat own_heartbeat();

    settings _settings;
    context _context;
    epochs _epochs;
    hearing _hearing;
    membership _membership;
    time_point _deadline = base::never;
    bool _started = false;
    bool _leaving = false;
    bool _retired = false;
    std::uint32_t _farewells = 0;
    time_point _farewell_next = base::never;
    regular_view _no_view;
    pauses _paused;
};

} // namespace coterie::ring

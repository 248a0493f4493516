// SPDX-License-Identifier: BSD-3-Clause
// What the service is made of, and the three kinds of input that meet here: requests of clients (requests.cpp), records
// in their order (deliveries.cpp), views and tables (views.cpp).
#pragma once

#include "groups/assembly.hpp"
#include "groups/exchange.hpp"
#include "groups/journal.hpp"
#include "groups/outbox.hpp"
#include "groups/registry.hpp"
#include "groups/service.hpp"
#include "groups/tables.hpp"

#include <span>
#include <vector>

namespace coterie::groups {

class service::core {
public:
    core(const settings& bounds, base::buffer_pool& pool, client_sink& sink, trace::recorder* recorder);

    // requests.cpp
    [[nodiscard]] std::expected<handle_id, refusal> open(std::uint32_t pid, bool ring_views);
    [[nodiscard]] std::expected<void, refusal> join(handle_id id, std::string_view group_name, bool initial_ring_view);
    [[nodiscard]] std::expected<void, refusal> leave(handle_id id);
    [[nodiscard]] std::expected<void, refusal> multicast(handle_id id, guarantee how, base::buffer body, bool urgent);
    void slow(handle_id id, bool is_slow);
    void close(handle_id id);
    [[nodiscard]] bool blocked(handle_id id, std::size_t bytes) const;
    [[nodiscard]] std::vector<process> members(std::string_view group_name) const;
    [[nodiscard]] std::vector<std::string> group_names() const;
    [[nodiscard]] std::vector<paused_group> paused_groups() const;
    [[nodiscard]] ring_view current_ring_view() const { return {_ring_view, _ring_nodes}; }
    [[nodiscard]] bool ready() const { return _counts.common_points > 0; }
    [[nodiscard]] const counters& counts() const { return _counts; }
    [[nodiscard]] std::size_t open_handles() const { return _registry.open_size(); }
    [[nodiscard]] std::string_view group_of(handle_id id) const;
    [[nodiscard]] table_totals totals() const { return {_tables.groups().size(), _tables.size()}; }
    void record_tables(std::int64_t now_ns) const;
    void set_trace_time(std::int64_t now_ns) { _journal.set_time(now_ns); }

    // deliveries.cpp
    void on_delivery(const ring::delivery& packet);
    void on_numbered(const ring::delivery& packet);
    bool deliver_next(const view_id& view, base::sequence_number number);

    // views.cpp
    void on_transitional(const ring::transitional_view& view);
    void on_regular(const ring::regular_view& view);
    [[nodiscard]] bool pending() const;
    [[nodiscard]] filled fill(base::byte_writer& payload);
    void fill_first(base::byte_writer& payload);

private:
    enum class phase : std::uint8_t {
        alone,      ///< no view yet
        exchanging, ///< a view, but not every member's table
        ordinary,   ///< the view's common point has been delivered
    };

    // Requests.
    [[nodiscard]] std::expected<void, refusal> judge_join(const handle& one, const std::string& group_name) const;
    void forget_join(handle& one);

    // Deliveries.
    void deliver_record(const ring::delivery& packet, const wire::table_record& part);
    void deliver_record(const ring::delivery& packet, const wire::join_record& join);
    void deliver_record(const ring::delivery& packet, const wire::leave_record& leave);
    void deliver_record(const ring::delivery& packet, const wire::message_record& message);
    void deliver_record(const ring::delivery& packet, const wire::piece_record& piece);
    void deliver_record(const ring::delivery& packet, const wire::abort_record& given_up);
    void deliver_record(const ring::delivery& packet, const wire::pause_record& pause);
    void pause(node_id node, wire::slot_number slot, bool begins);
    void hand_out(const entry& sender, base::bytes_view body, const base::buffer& owner);
    void own_join_refused(handle& one);
    void depart(node_id node, wire::slot_number slot, reason why);
    void own_departure_delivered(handle& one);

    // Views.
    void take_table_packet(const ring::delivery& packet);
    void reach_common_point();
    void apply(const std::vector<table_step>& steps);
    void apply_kind(group& in, std::span<const table_step> steps);
    void pause_anew();
    void tell_ring_view();
    void write_own_table(base::byte_writer& payload);
    void hand_out_partial_messages();

    // What clients see.
    void tell_change(const group& in);

    const settings _bounds;
    client_sink& _sink;
    journal _journal;
    counters _counts;

    registry _registry;
    outbox _outbox;
    tables _tables;
    assembly_table _assemblies;
    exchange _exchange;

    phase _phase = phase::alone;
    bool _leaving_view = false;     ///< between a transitional configuration and the next regular one
    view_id _view;                  ///< installed
    std::vector<node_id> _nodes;    ///< its members, sorted
    std::vector<node_id> _together; ///< stayed together with this node since the latest common point, sorted
    view_id _ring_view;             ///< of the latest common point
    std::vector<node_id> _ring_nodes;

    table_snapshot _own_table; ///< as of the latest install
    std::size_t _own_table_sent = 0;
    bool _own_table_complete = true;

    // The change being told; members so that no event allocates.
    std::vector<departed> _left;
    std::vector<departed> _joined;
};

} // namespace coterie::groups

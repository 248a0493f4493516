// SPDX-License-Identifier: BSD-3-Clause
// Views and the exchange of tables that begins each: from an install until its common point nothing but tables is
// numbered, and at the common point the groups learn, in one report, what has changed since the one before.
#include "base/assert.hpp"
#include "base/mutant.hpp"
#include "groups/core.hpp"

#include <algorithm>
#include <iterator>

namespace coterie::groups {

namespace {

std::vector<node_id> intersection(std::span<const node_id> left, std::span<const node_id> right) {
    std::vector<node_id> result;
    std::ranges::set_intersection(left, right, std::back_inserter(result));
    return result;
}

} // namespace

void service::core::on_transitional(const ring::transitional_view& view) {
    _journal.transitional(view);
    _leaving_view = true;
    // Mutant (8, 10): only the latest transition counts, whatever was missed between two common points.
    if (COTERIE_MUTANT(groups_together_latest_only)) {
        _together = view.together;
        return;
    }
    _together = intersection(_together, view.together);
}

void service::core::on_regular(const ring::regular_view& view) {
    _journal.regular(view);
    _leaving_view = false;
    _view = view.id;
    _nodes.clear();
    for (const base::member& one : view.members) {
        _nodes.push_back(one.node);
    }
    COTERIE_ASSERT(std::ranges::is_sorted(_nodes), "a view's members are sorted");
    COTERIE_ASSERT(std::ranges::binary_search(_nodes, _bounds.self.node), "a node is a member of what it installs");
    _together = intersection(_together, _nodes);
    COTERIE_ASSERT(std::ranges::binary_search(_together, _bounds.self.node), "a node stays together with itself");

    // Mutant (14): what has come of a large message is delivered as if it were whole.
    if (COTERIE_MUTANT(groups_partial_large_message)) {
        hand_out_partial_messages();
    }
    // Mutant (14): pieces of two views make up one message.
    if (!COTERIE_MUTANT(groups_assembly_survives_install)) {
        _assemblies.clear();
    }
    _counts.assembling_bytes = _assemblies.bytes();
    _outbox.restart_pieces();
    // Mutant (12): what was accepted and not numbered is forgotten at an install.
    if (COTERIE_MUTANT(groups_drop_on_view_change)) {
        _outbox.drop_all_messages();
    }
    // Mutant (10): departures are reported at each install instead of once at the common point.
    if (COTERIE_MUTANT(groups_report_every_view)) {
        apply(departures(_tables, _together));
    }
    _exchange.begin(_nodes);
    _phase = phase::exchanging;
}

void service::core::fill_first(base::byte_writer& payload) {
    COTERIE_ASSERT(_phase == phase::exchanging, "a view begins with the exchange of tables");
    _own_table = _tables.snapshot(_bounds.self.node);
    _own_table_sent = 0;
    write_own_table(payload);
}

void service::core::write_own_table(base::byte_writer& payload) {
    const auto written = wire::append_table(payload, _own_table.entries, _own_table_sent);
    COTERIE_ASSERT(written.has_value() && (*written > 0 || _own_table.entries.empty()),
                   "a packet has room for a table's entry");
    _own_table_sent += *written;
    _own_table_complete = _own_table_sent == _own_table.entries.size();
    if (_own_table_complete) {
        _own_table = {};
    }
}

bool service::core::pending() const {
    if (_leaving_view) {
        return false;
    }
    switch (_phase) {
    case phase::alone: return false;
    // Mutant (12): messages are numbered while others still wait for tables, and do not know their senders.
    case phase::exchanging:
        return !_own_table_complete || (COTERIE_MUTANT(groups_number_too_early) && _outbox.pending());
    case phase::ordinary: return _outbox.pending();
    }
    return false;
}

service::filled service::core::fill(base::byte_writer& payload) {
    if (!pending()) {
        return filled::nothing;
    }
    if (_phase == phase::exchanging && !_own_table_complete) {
        write_own_table(payload);
        return filled::agreed;
    }
    return _outbox.fill(payload);
}

/// A packet before the common point: only tables count. What else an honest node may have numbered was delivered past a
/// hole, in a view that has no common point here; then nobody who moves along takes it.
void service::core::take_table_packet(const ring::delivery& packet) {
    if (_leaving_view) {
        return;
    }
    const bool expected = _exchange.expects(packet.originator);
    bool has_table = false;
    wire::record_reader records(packet.payload);
    while (const auto record = records.next()) {
        if (const auto* part = std::get_if<wire::table_record>(&*record); part != nullptr && expected) {
            has_table = true;
            _counts.implausible += _exchange.add(packet.originator, *part, packet.packet);
        } else {
            ++_counts.implausible;
        }
    }
    if (!records.ok()) {
        ++_counts.malformed;
    }
    // Someone who sends anything else must not keep the others waiting for its table.
    if (expected && (!records.ok() || !has_table)) {
        _exchange.end_table(packet.originator);
    }
    if (_exchange.complete()) {
        reach_common_point();
    }
}

void service::core::reach_common_point() {
    const table_changes changes = _exchange.changes(_tables, _together, _bounds.self.node);
    _counts.table_mismatch += changes.mismatches;
    _counts.implausible += changes.refused;
    ++_counts.common_points;
    _phase = phase::ordinary;
    _together = _nodes;
    _ring_view = _view;
    _ring_nodes = _nodes;
    pause_anew();
    apply(changes.steps);
    for (const auto& [id, one] : _registry.ring_watchers()) {
        _sink.on_ring_view(id, current_ring_view());
    }
    _exchange.end();
    _journal.common_point(_view);
}

/// Pauses end with their view, since tables do not tell of them: whoever is slow says so again.
void service::core::pause_anew() {
    _tables.forget_pauses();
    for (const auto& [name, in] : _tables.groups()) {
        for (handle* each : in->listeners) {
            each->slow_told = false;
            _outbox.schedule(*each);
        }
    }
}

/// Takes the steps group by group, each kind of change in its turn.
void service::core::apply(const std::vector<table_step>& steps) {
    for (auto begin = steps.begin(); begin != steps.end();) {
        const auto end =
            std::find_if(begin, steps.end(), [&](const table_step& one) { return one.group != begin->group; });
        group& in = _tables.find_or_make_group(begin->group);
        while (begin != end) {
            const auto kind_end =
                std::find_if(begin, end, [&](const table_step& one) { return one.what != begin->what; });
            apply_kind(in, {begin, kind_end});
            begin = kind_end;
        }
        _tables.forget_if_empty(in);
    }
}

void service::core::apply_kind(group& in, std::span<const table_step> steps) {
    const auto in_bulk = [&](reason why, std::vector<departed>& told, std::vector<departed>& untold) {
        std::vector<tables::join> joins;
        joins.reserve(steps.size());
        told.clear();
        untold.clear();
        for (const table_step& one : steps) {
            joins.push_back({one.who, one.slot});
            told.push_back({one.who, why});
        }
        return joins;
    };
    switch (steps.front().what) {
    case table_step::kind::node_down:
        _tables.remove(in_bulk(reason::node_down, _left, _joined), in);
        tell_change(in);
        return;
    case table_step::kind::node_up:
        _tables.add(in_bulk(reason::node_up, _joined, _left), in);
        tell_change(in);
        return;
    case table_step::kind::process_down:
        for (const table_step& one : steps) {
            depart(one.who.node, one.slot, reason::process_down);
        }
        return;
    case table_step::kind::join:
        for (const table_step& one : steps) {
            _tables.add(one.who, one.slot, in, nullptr);
            _joined.assign(1, {one.who, reason::join});
            _left.clear();
            tell_change(in);
        }
        return;
    }
}

/// For a mutant.
void service::core::hand_out_partial_messages() {
    for (const auto& [node, one] : _assemblies.under_way()) {
        if (const entry* sender = _tables.find(node, one.slot); sender != nullptr) {
            hand_out(*sender, one.body.bytes().first(one.come), one.body);
        }
    }
}

} // namespace coterie::groups

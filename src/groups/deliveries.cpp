// SPDX-License-Identifier: BSD-3-Clause
// Records in their order: what each does to the tables and what clients are told of it. Whether a record is accepted
// depends only on state that all members of the view share, so all accept the same.
#include "base/assert.hpp"
#include "base/mutant.hpp"
#include "groups/core.hpp"

#include <algorithm>
#include <array>

namespace coterie::groups {

void service::core::on_delivery(const ring::delivery& packet) {
    _journal.delivered(packet);
    if (_phase == phase::exchanging) {
        take_table_packet(packet);
        return;
    }
    if (_phase == phase::alone) {
        ++_counts.implausible;
        return;
    }
    wire::record_reader records(packet.payload);
    while (const auto record = records.next()) {
        std::visit([&](const auto& one) { deliver_record(packet, one); }, *record);
    }
    if (!records.ok()) {
        ++_counts.malformed;
    }
}

bool service::core::deliver_next(const view_id& view, base::sequence_number number) {
    if (_leaving_view || _phase != phase::ordinary) {
        return false;
    }
    const std::optional<outbox::request> next = _outbox.take();
    if (!next) {
        return false;
    }
    const ring::delivery as{.view = view,
                            .number = number,
                            .originator = _bounds.self.node,
                            .safe = next->safe,
                            .payload = {},
                            .packet = next->owner};
    on_numbered(as);
    _journal.delivered(as);
    std::visit([&](const auto& one) { deliver_record(as, one); }, next->what);
    return true;
}

void service::core::deliver_record(const ring::delivery&, const wire::table_record&) { ++_counts.implausible; }

void service::core::deliver_record(const ring::delivery& packet, const wire::join_record& join) {
    const process who{packet.originator, join.pid};
    const bool is_own = packet.originator == _bounds.self.node;
    handle* const local = is_own ? _registry.find_slot(join.slot) : nullptr;
    if (is_own && (local == nullptr || local->state == handle::standing::idle || local->join_waiting)) {
        ++_counts.implausible;
        return;
    }
    const group* known = _tables.find_group(join.group);
    if (join.group.empty() || join.pid == 0 || _tables.find(packet.originator, join.slot) != nullptr ||
        (known != nullptr && tables::has(*known, who)) || _tables.size() >= _bounds.processes_max) {
        ++_counts.implausible;
        if (local != nullptr) {
            own_join_refused(*local);
        }
        return;
    }
    group& in = _tables.find_or_make_group(join.group);
    _tables.add(who, join.slot, in, local);
    if (local != nullptr) {
        if (local->state == handle::standing::joining) {
            local->state = handle::standing::joined;
        }
        if (!local->closed) {
            _tables.listen(*local, in);
        }
        // Its group may be paused, or it may have been slow before it joined.
        _outbox.schedule(*local);
    }
    _left.clear();
    _joined.assign(1, {who, reason::join});
    tell_change(in);
    if (local != nullptr && !local->closed && local->initial_ring_view) {
        _sink.on_ring_view(local->id, current_ring_view());
    }
}

/// The tables are full: everyone refuses the join. The client learns that it is no member, which is all there is to say.
void service::core::own_join_refused(handle& one) {
    const bool was_closed = one.closed;
    const handle_id id = one.id;
    const std::string group_name = one.group_name;
    const std::array<departed, 1> left{departed{{_bounds.self.node, one.pid}, reason::process_down}};
    own_departure_delivered(one);
    if (!was_closed) {
        _sink.on_change(id, {group_name, {}, left, {}});
    }
}

void service::core::deliver_record(const ring::delivery& packet, const wire::leave_record& leave) {
    const entry* known = _tables.find(packet.originator, leave.slot);
    if (known == nullptr) {
        ++_counts.implausible;
        return;
    }
    group& in = *known->in;
    depart(packet.originator, leave.slot, leave.reason == wire::departure::left ? reason::leave : reason::process_down);
    _tables.forget_if_empty(in);
}

/// Removes one join, tells its group, and frees its handle if it is a local one. The group stays, even when empty.
void service::core::depart(node_id node, wire::slot_number slot, reason why) {
    if (_assemblies.drop(node, slot)) {
        // An honest node ends its message, or gives it up, before the departure of the sender.
        ++_counts.implausible;
    }
    if (_tables.find(node, slot)->pauses) {
        pause(node, slot, false);
    }
    const entry gone = *_tables.find(node, slot);
    _tables.remove(node, slot);
    _joined.clear();
    _left.assign(1, {gone.who, why});
    tell_change(*gone.in);
    if (gone.local != nullptr) {
        own_departure_delivered(*gone.local);
    }
    _counts.assembling_bytes = _assemblies.bytes();
}

/// The handle is free: to join again, or to end if its client is gone.
void service::core::own_departure_delivered(handle& one) {
    // Mutant (11): whoever has left is still handed the group's events.
    if (!COTERIE_MUTANT(groups_deliver_to_left_handle)) {
        _tables.stop_listening(one);
    }
    if (!COTERIE_MUTANT(groups_deliver_from_non_member) || one.closed) {
        _outbox.withdraw(one);
    }
    _registry.end_join(one);
    one.state = handle::standing::idle;
    one.slow_told = false;
    if (one.closed) {
        _registry.erase(one);
        return;
    }
    // Whoever has been told to try again shall: a join can be accepted now, and of a multicast nobody waits for room that does
    // not come.
    const bool waits = one.join_refused || one.refused_bytes.has_value();
    one.join_refused = false;
    one.refused_bytes.reset();
    if (waits) {
        _sink.on_writable(one.id);
    }
}

void service::core::deliver_record(const ring::delivery& packet, const wire::message_record& message) {
    const entry* sender = _tables.find(packet.originator, message.slot);
    if (sender == nullptr) {
        ++_counts.implausible;
        return;
    }
    hand_out(*sender, message.body, packet.packet);
}

void service::core::deliver_record(const ring::delivery& packet, const wire::piece_record& piece) {
    const entry* sender = _tables.find(packet.originator, piece.slot);
    if (sender == nullptr) {
        ++_counts.implausible;
        return;
    }
    // What this node has sent it need not put together again.
    const bool begins_own = packet.originator == _bounds.self.node && piece.offset == 0;
    switch (_assemblies.add(packet.originator, piece, begins_own ? _outbox.take_begun(piece.slot) : base::buffer())) {
    case assembly_table::outcome::more: break;
    case assembly_table::outcome::implausible: ++_counts.implausible; break;
    case assembly_table::outcome::whole: {
        const base::buffer whole = _assemblies.take_whole();
        hand_out(*sender, whole.bytes(), whole);
        break;
    }
    }
    _counts.assembling_bytes = _assemblies.bytes();
}

void service::core::deliver_record(const ring::delivery& packet, const wire::abort_record& given_up) {
    if (!_assemblies.drop(packet.originator, given_up.slot)) {
        ++_counts.implausible;
    }
    _counts.assembling_bytes = _assemblies.bytes();
}

void service::core::deliver_record(const ring::delivery& packet, const wire::pause_record& record) {
    const entry* known = _tables.find(packet.originator, record.slot);
    if (known == nullptr || known->pauses == record.begins) {
        ++_counts.implausible;
        return;
    }
    pause(packet.originator, record.slot, record.begins);
}

/// Holds or frees this node's senders, if that is the first of the group's pauses or the end of the last.
void service::core::pause(node_id node, wire::slot_number slot, bool begins) {
    if (_tables.pause(node, slot, begins)) {
        for (handle* each : _tables.find(node, slot)->in->listeners) {
            _outbox.schedule(*each);
        }
    }
}

void service::core::hand_out(const entry& sender, base::bytes_view body, const base::buffer& owner) {
    const group& in = *sender.in;
    if (in.listeners.empty()) {
        return;
    }
    const message what{in.name, sender.who, body, owner};
    for (const handle* one : in.listeners) {
        // Mutant (11, 12): a sender does not get its own messages.
        if (COTERIE_MUTANT(groups_skip_self_message) && one == sender.local) {
            continue;
        }
        ++_counts.delivered;
        _sink.on_message(one->id, what);
    }
}

void service::core::tell_change(const group& in) {
    if (in.listeners.empty()) {
        return;
    }
    change what{in.name, in.members, _left, _joined};
    std::vector<process> reversed;
    // Mutant (9): members in another order than by node and pid.
    if (COTERIE_MUTANT(groups_unsorted_members)) {
        reversed.assign(in.members.rbegin(), in.members.rend());
        what.members = reversed;
    }
    // Mutant (9): nobody says why.
    if (COTERIE_MUTANT(groups_reason_undefined)) {
        std::ranges::for_each(_left, [](departed& one) { one.why = reason::undefined; });
        std::ranges::for_each(_joined, [](departed& one) { one.why = reason::undefined; });
    }
    for (const handle* one : in.listeners) {
        _sink.on_change(one->id, what);
    }
}

void service::core::on_numbered(const ring::delivery& packet) {
    _journal.numbered(packet);
    for (const outbox::sent_message& message : _outbox.sent()) {
        _journal.message_numbered(packet, message);
        ++_counts.numbered;
    }
    for (const handle* one : _outbox.relieved()) {
        _sink.on_writable(one->id);
    }
    _outbox.forget_sent();
}

} // namespace coterie::groups

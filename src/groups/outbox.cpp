// SPDX-License-Identifier: BSD-3-Clause
// Turns and packing. Handles take turns of about a kilobyte, so that one that floods costs the others one turn; who does
// not fit into the rest of a packet keeps its place and is first in the next.
#include "groups/outbox.hpp"

#include "base/assert.hpp"
#include "base/mutant.hpp"

#include <algorithm>
#include <utility>

namespace coterie::groups {

namespace {

/// A handle writes records until it has written this much, then it is the next one's turn.
constexpr std::size_t turn_bytes = 1'024;
/// So many handles may fail to fit into the rest of a packet before it is sent as it is.
constexpr std::size_t misses_max = 8;
/// A piece that does not end its message takes at least this part of a packet, else it waits for the next packet.
constexpr std::size_t piece_divisor_min = 4;

} // namespace

outbox::outbox(const settings& bounds) : _bounds(bounds) {}

bool outbox::has_room(const handle& one, std::uint64_t bytes) const {
    if (one.messages.empty()) {
        return true;
    }
    return one.messages.size() < _bounds.queue_messages_max && one.queued_bytes <= _bounds.queue_bytes_max &&
           bytes <= _bounds.queue_bytes_max - one.queued_bytes;
}

bool outbox::has_reserve(const handle& one, std::uint64_t bytes) const {
    const std::uint64_t bytes_max = _bounds.queue_bytes_max + _bounds.reserve_bytes;
    return one.messages.size() < _bounds.queue_messages_max + _bounds.reserve_messages &&
           one.queued_bytes <= bytes_max && bytes <= bytes_max - one.queued_bytes;
}

void outbox::schedule(handle& one) {
    // A dying handle has nothing large to wait for any more: it gives its large message up.
    if (one.on == &_large_waiting && one.dying()) {
        _large_waiting.remove(one);
    }
    if (!one.has_requests()) {
        if (one.on != nullptr) {
            one.on->remove(one);
        }
        // Begun, but in an earlier view: others may go first.
        end_large(one);
    } else if (one.on == nullptr) {
        _turns.push_back(one);
    }
}

void outbox::withdraw(handle& one) {
    one.join_waiting = false;
    one.departure_waiting.reset();
    drop_messages(one);
    if (one.on != nullptr) {
        one.on->remove(one);
    }
}

void outbox::restart_pieces() {
    _begun.clear();
    // Mutant (14): the pieces of the old view still count, also with members that never saw them.
    if (_large != nullptr && !COTERIE_MUTANT(groups_assembly_survives_install)) {
        _large->sent_bytes = 0;
    }
}

ring::packet_source::filled outbox::fill(base::byte_writer& payload) {
    forget_sent();
    const std::size_t begin = payload.size();
    draft packet{payload, payload.room()};
    std::size_t misses = 0;
    handle* at = _turns.front();
    while (at != nullptr && misses < misses_max) {
        handle* next = at->next;
        const std::size_t before = payload.size();
        switch (serve(*at, packet)) {
        case progress::finished: _turns.remove(*at); break;
        case progress::waiting:
            _turns.remove(*at);
            _large_waiting.push_back(*at);
            break;
        case progress::written:
        case progress::blocked:
            if (payload.size() == before) {
                ++misses;
                break;
            }
            _turns.move_to_back(*at);
            if (next == nullptr) {
                next = at;
            }
            break;
        }
        at = next;
    }
    if (payload.size() == begin) {
        return ring::packet_source::filled::nothing;
    }
    return packet.safe ? ring::packet_source::filled::safe : ring::packet_source::filled::agreed;
}

std::optional<outbox::request> outbox::take() {
    forget_sent();
    handle* const one = _turns.front();
    if (one == nullptr) {
        return std::nullopt;
    }
    COTERIE_ASSERT(one->has_requests(), "who has nothing to ask for has no turn");
    request result = take_next(*one);
    note_relief(*one);
    _turn_used += wire::message_overhead_bytes + result.owner.size();
    if (!one->has_requests()) {
        _turns.remove(*one);
        _turn_used = 0;
    } else if (_turn_used >= turn_bytes) {
        _turns.move_to_back(*one);
        _turn_used = 0;
    }
    return result;
}

outbox::request outbox::take_next(handle& one) {
    if (one.join_waiting) {
        one.join_waiting = false;
        return {.what = wire::join_record{one.slot, one.pid, one.group_name}};
    }
    if (one.pause_waiting()) {
        one.slow_told = one.slow;
        return {.what = wire::pause_record{one.slot, one.slow}};
    }
    if (!one.messages.empty() && one.may_send()) {
        const queued_message message = one.messages.front();
        pop_message(one);
        return {.what = wire::message_record{one.slot, message.body.bytes()},
                .safe = message.how == guarantee::safe,
                .owner = message.body};
    }
    return {.what = wire::leave_record{one.slot, *std::exchange(one.departure_waiting, std::nullopt)}};
}

base::buffer outbox::take_begun(wire::slot_number slot) {
    if (_begun.empty() || _begun.front().slot != slot) {
        return {};
    }
    base::buffer result = std::move(_begun.front().body);
    _begun.pop_front();
    return result;
}

/// One turn: records until the turn is used up, the packet takes no more, or nothing is left.
outbox::progress outbox::serve(handle& one, draft& packet) {
    const std::size_t begin = packet.out.size();
    for (;;) {
        const progress step = write_next(one, packet);
        if (step != progress::written) {
            note_relief(one);
            return step;
        }
        if (!one.has_requests()) {
            note_relief(one);
            return progress::finished;
        }
        if (packet.out.size() - begin >= turn_bytes) {
            note_relief(one);
            return progress::written;
        }
    }
}

outbox::progress outbox::write_next(handle& one, draft& packet) {
    if (one.join_waiting) {
        return write_join(one, packet);
    }
    if (one.pause_waiting()) {
        return write_pause(one, packet);
    }
    // Mutant (12, 15): a leave is numbered ahead of the messages that were accepted before it.
    if (COTERIE_MUTANT(groups_leave_overtakes) && one.departure_waiting && one.sent_bytes == 0) {
        drop_messages(one);
        return write_departure(one, packet);
    }
    // Mutant (11), this half: messages are numbered after their sender's departure; the other half delivers them.
    if (COTERIE_MUTANT(groups_deliver_from_non_member) && one.departure_waiting && one.sent_bytes == 0) {
        return write_departure(one, packet);
    }
    if (!one.messages.empty() && one.may_send()) {
        if (!is_large(one, packet)) {
            return write_message(one, packet);
        }
        return one.dying() ? give_up_messages(one, packet) : write_piece(one, packet);
    }
    return one.departure_waiting ? write_departure(one, packet) : progress::finished;
}

outbox::progress outbox::write_join(handle& one, draft& packet) {
    if (!wire::append(packet.out, wire::join_record{one.slot, one.pid, one.group_name})) {
        return progress::blocked;
    }
    one.join_waiting = false;
    return progress::written;
}

outbox::progress outbox::write_pause(handle& one, draft& packet) {
    if (!wire::append(packet.out, wire::pause_record{one.slot, one.slow})) {
        return progress::blocked;
    }
    one.slow_told = one.slow;
    return progress::written;
}

outbox::progress outbox::write_departure(handle& one, draft& packet) {
    if (!wire::append(packet.out, wire::leave_record{one.slot, *one.departure_waiting})) {
        return progress::blocked;
    }
    one.departure_waiting.reset();
    return progress::written;
}

outbox::progress outbox::write_message(handle& one, draft& packet) {
    // Mutant (15): two messages of one handle change places.
    if (COTERIE_MUTANT(groups_swap_two_messages) && one.messages.size() > 1) {
        std::swap(one.messages[0], one.messages[1]);
        if (is_large(one, packet)) {
            return write_piece(one, packet);
        }
    }
    const queued_message& message = one.messages.front();
    if (!packet.takes(message.how) || !wire::append(packet.out, wire::message_record{one.slot, message.body.bytes()})) {
        return progress::blocked;
    }
    packet.mark(message.how);
    pop_message(one);
    return progress::written;
}

/// Only the last piece of a safe message needs a safe packet: who has received that has received all before it.
outbox::progress outbox::write_piece(handle& one, draft& packet) {
    if (_large != nullptr && _large != &one) {
        return progress::waiting;
    }
    const queued_message& message = one.messages.front();
    const std::size_t left = message.body.size() - one.sent_bytes;
    if (packet.out.room() <= wire::piece_overhead_bytes) {
        return progress::blocked;
    }
    const std::size_t size = std::min(left, packet.out.room() - wire::piece_overhead_bytes);
    const bool last = size == left;
    if (last ? !packet.takes(message.how) : packet.out.room() < packet.capacity / piece_divisor_min) {
        return progress::blocked;
    }
    const base::bytes_view body = message.body.bytes().subspan(one.sent_bytes, size);
    if (!wire::append(packet.out, wire::piece_record{one.slot, message.body.size(), one.sent_bytes, body})) {
        return progress::blocked;
    }
    if (one.sent_bytes == 0) {
        _begun.push_back({one.slot, message.body});
    }
    _large = &one;
    one.sent_bytes += size;
    if (last) {
        packet.mark(message.how);
        pop_message(one);
    }
    return progress::written;
}

/// A dead client's large message is not worth its pieces, and what was sent after it must not arrive without it.
outbox::progress outbox::give_up_messages(handle& one, draft& packet) {
    if (one.sent_bytes > 0 && !wire::append(packet.out, wire::abort_record{one.slot})) {
        return progress::blocked;
    }
    drop_messages(one);
    // Nothing may have been written; the departure behind it follows at once.
    return write_departure(one, packet);
}

bool outbox::is_large(const handle& one, const draft& packet) const {
    return one.sent_bytes > 0 || one.messages.front().body.size() + wire::message_overhead_bytes > packet.capacity;
}

void outbox::pop_message(handle& one) {
    queued_message& message = one.messages.front();
    one.queued_bytes -= message.body.size();
    _sent.push_back({&one, std::move(message)});
    one.messages.pop_front();
    end_large(one);
    one.sent_bytes = 0;
}

void outbox::drop_messages(handle& one) {
    one.messages.clear();
    one.queued_bytes = 0;
    end_large(one);
    one.sent_bytes = 0;
}

/// The next large message may begin: that of whoever waits for it longest, not another of the same handle.
void outbox::end_large(const handle& one) {
    if (_large != &one) {
        return;
    }
    _large = _large_waiting.front();
    if (_large != nullptr) {
        _large_waiting.remove(*_large);
        _turns.push_back(*_large);
    }
}

void outbox::forget_sent() {
    _sent.clear();
    _relieved.clear();
}

void outbox::drop_all_messages() {
    while (!_large_waiting.empty()) {
        handle& one = *_large_waiting.front();
        _large_waiting.remove(one);
        _turns.push_back(one);
    }
    for (handle* one = _turns.front(); one != nullptr;) {
        handle* next = one->next;
        drop_messages(*one);
        if (!one->has_requests()) {
            _turns.remove(*one);
        }
        one = next;
    }
}

void outbox::note_relief(handle& one) {
    if (one.refused_bytes && !one.closed && has_room(one, *one.refused_bytes)) {
        one.refused_bytes.reset();
        _relieved.push_back(&one);
    }
}

} // namespace coterie::groups

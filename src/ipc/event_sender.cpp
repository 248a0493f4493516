// SPDX-License-Identifier: BSD-3-Clause
// Order is kept by one rule: while anything is in the backlog, everything goes there.
#include "ipc/event_sender.hpp"

#include "base/assert.hpp"

#include <cstring>
#include <sys/uio.h>

namespace coterie::ipc {

namespace {

constexpr std::uint32_t number(event_tag tag) { return static_cast<std::uint32_t>(tag); }

} // namespace

event_sender::event_sender(const channel_memory& memory, const descriptor& socket, row_pool& pool,
                           std::size_t backlog_bytes_max)
    : _control(&memory.control()),
      _socket(&socket),
      _ring(memory.control().events, memory.events()),
      _backlog(pool, backlog_bytes_max, body_bytes_max(memory.events().size())) {
    COTERIE_ASSERT(body_bytes_max(memory.events().size()) >= row_bytes_max, "a ring of events carries every row");
}

std::span<std::byte> event_sender::space_in_ring(std::size_t bytes) {
    if (_backlog.empty() && !_backlog.failed() && bytes <= body_bytes_max(_ring.capacity())) {
        if (std::byte* const place = _ring.reserve(bytes, number(event_tag::row))) {
            return {place, bytes};
        }
    }
    return {};
}

std::span<std::byte> event_sender::space_for(std::size_t bytes) {
    const std::span<std::byte> place = space_in_ring(bytes);
    return place.empty() && bytes <= row_bytes_max ? _backlog.add(bytes) : place;
}

void event_sender::add_message(std::string_view group, const address& sender, bytes_view body) {
    const std::size_t bytes = message_record_bytes(group.size(), body.size());
    if (const std::span<std::byte> place = space_for(bytes); !place.empty() || bytes <= row_bytes_max) {
        base::byte_writer out(place);
        write_message(out, group, sender, body);
        return;
    }
    std::vector<std::byte> head(message_record_bytes(group.size(), 0));
    base::byte_writer out(head);
    write_message_head(out, group, sender, body.size());
    const iovec parts[] = {{head.data(), head.size()}, {const_cast<std::byte*>(body.data()), body.size()}};
    _backlog.add_large(parts, bytes);
}

void event_sender::add_change(std::string_view group, std::span<const address> members, std::span<const address> left,
                              std::span<const address> joined) {
    const std::size_t bytes = change_record_bytes(group.size(), members.size() + left.size() + joined.size());
    if (const std::span<std::byte> place = space_for(bytes); !place.empty() || bytes <= row_bytes_max) {
        base::byte_writer out(place);
        write_change(out, group, members, left, joined);
        return;
    }
    std::vector<std::byte> record(bytes);
    base::byte_writer out(record);
    write_change(out, group, members, left, joined);
    const iovec part{record.data(), record.size()};
    _backlog.add_large(std::span(&part, 1), bytes);
}

void event_sender::add_ring_view(node_id coordinator, std::uint64_t epoch, std::span<const node_id> nodes) {
    base::byte_writer out(space_for(ring_view_record_bytes(nodes.size())));
    write_ring_view(out, coordinator, epoch, nodes);
}

transfer event_sender::flush() {
    transfer how = transfer::done;
    if (_signal_owed) {
        how = send_packet_on({});
        if (how != transfer::done) {
            return how;
        }
        _signal_owed = false;
    }
    how = send_backlog();
    if (how != transfer::gone && _ring.has_unpublished()) {
        _ring.publish();
        // Files count only now: a client that saw the count and an empty ring would throw away what it has still to read.
        _control->signals.store(_signals, std::memory_order_seq_cst);
        if (const transfer signalled = signal(); signalled != transfer::done) {
            how = signalled;
        }
    }
    return how;
}

transfer event_sender::send_backlog() {
    while (!_backlog.empty() && !_ring.corrupt()) {
        const event_backlog::entry& next = _backlog.front();
        const std::size_t body_bytes = _backlog.front_goes_by_file() ? sizeof(std::uint64_t) : next.bytes;
        if (!_ring.has_room(body_bytes)) {
            // The client looks for this word whenever it gives back space; it may just have given back the last.
            _control->room_wanted.store(1, std::memory_order_seq_cst);
            if (!_ring.has_room(body_bytes)) {
                return transfer::done;
            }
            _control->room_wanted.store(0, std::memory_order_seq_cst);
        }
        if (!_backlog.prepare_front()) {
            return transfer::exhausted;
        }
        if (next.file) {
            if (const transfer how = send_packet_on(next.file); how != transfer::done) {
                return how;
            }
            ++_signals;
        }
        std::byte* const place = _ring.reserve(body_bytes, number(next.file ? event_tag::file : event_tag::row));
        if (place == nullptr) {
            // Only a client that takes back what it had given can do this; its ring is corrupt now.
            return transfer::done;
        }
        if (next.file) {
            const std::uint64_t bytes = next.bytes;
            std::memcpy(place, &bytes, sizeof(bytes));
        } else {
            std::memcpy(place, next.row(), next.bytes);
        }
        _backlog.remove_front();
    }
    return transfer::done;
}

transfer event_sender::signal() {
    if (_control->signal_wanted.load(std::memory_order_seq_cst) == 0 ||
        _control->signal_wanted.exchange(0, std::memory_order_seq_cst) == 0) {
        return transfer::done;
    }
    ++_signals;
    _control->signals.store(_signals, std::memory_order_seq_cst);
    const transfer how = send_packet_on({});
    _signal_owed = how == transfer::later || how == transfer::exhausted;
    return how;
}

transfer event_sender::send_packet_on(const descriptor& file) {
    return send_packet(*_socket, base::bytes_view(&wake_mark, 1), file);
}

} // namespace coterie::ipc

// SPDX-License-Identifier: BSD-3-Clause
// Packs events into packets: as many records to a packet as it holds, or one large record in a memory file.
#include "ipc/event_queue.hpp"

#include <sys/uio.h>

namespace coterie::ipc {

namespace {
/// Idle blocks that a pool keeps; 4 MiB.
constexpr std::size_t idle_blocks_max = 64;
} // namespace

packet_pool::block packet_pool::take() {
    if (_idle.empty()) {
        return std::make_unique_for_overwrite<std::byte[]>(packet_bytes_max);
    }
    block result = std::move(_idle.back());
    _idle.pop_back();
    return result;
}

void packet_pool::give_back(block space) {
    if (space && _idle.size() < idle_blocks_max) {
        _idle.push_back(std::move(space));
    }
}

event_queue::~event_queue() {
    for (packet& each : _packets) {
        _pool->give_back(std::move(each.space));
    }
}

void event_queue::add_message(std::string_view group, const address& sender, bytes_view body) {
    if (!takes_more()) {
        return;
    }
    const std::size_t bytes = message_record_bytes(group.size(), body.size());
    if (bytes <= packet_bytes_max) {
        base::byte_writer out(space_for(bytes));
        write_message(out, group, sender, body);
        return;
    }
    std::vector<std::byte> head(message_record_bytes(group.size(), 0));
    base::byte_writer out(head);
    write_message_head(out, group, sender, body.size());
    const iovec parts[] = {{head.data(), head.size()}, {const_cast<std::byte*>(body.data()), body.size()}};
    add_file(parts, bytes);
}

void event_queue::add_change(std::string_view group, std::span<const address> members, std::span<const address> left,
                             std::span<const address> joined) {
    if (!takes_more()) {
        return;
    }
    const std::size_t bytes = change_record_bytes(group.size(), members.size() + left.size() + joined.size());
    if (bytes <= packet_bytes_max) {
        base::byte_writer out(space_for(bytes));
        write_change(out, group, members, left, joined);
        return;
    }
    std::vector<std::byte> record(bytes);
    base::byte_writer out(record);
    write_change(out, group, members, left, joined);
    const iovec part{record.data(), record.size()};
    add_file(std::span(&part, 1), bytes);
}

void event_queue::add_ring_view(node_id coordinator, std::uint64_t epoch, std::span<const node_id> nodes) {
    if (!takes_more()) {
        return;
    }
    base::byte_writer out(space_for(ring_view_record_bytes(nodes.size())));
    write_ring_view(out, coordinator, epoch, nodes);
}

bool event_queue::takes_more() {
    _failed = _failed || _bytes > _bytes_max;
    return !_failed;
}

std::span<std::byte> event_queue::space_for(std::size_t bytes) {
    if (_packets.empty() || _packets.back().file || packet_bytes_max - _packets.back().bytes < bytes) {
        _packets.push_back({.space = _pool->take(), .bytes = 0, .file = {}});
    }
    packet& last = _packets.back();
    const std::span<std::byte> result(last.space.get() + last.bytes, bytes);
    last.bytes += bytes;
    _bytes += bytes;
    return result;
}

void event_queue::add_file(std::span<const iovec> parts, std::size_t bytes) {
    auto file = make_memory_file(parts, bytes);
    if (!file) {
        _failed = true;
        return;
    }
    _packets.push_back({.space = {}, .bytes = bytes, .file = std::move(*file)});
    _bytes += bytes;
}

transfer event_queue::send(const descriptor& socket) {
    while (!_packets.empty()) {
        packet& next = _packets.front();
        transfer how{};
        if (next.file) {
            std::array<std::byte, stub_bytes> space{};
            base::byte_writer out(space);
            write(out, stub{.file_bytes = next.bytes});
            how = send_packet(socket, space, next.file);
        } else {
            how = send_packet(socket, {next.space.get(), next.bytes});
        }
        if (how != transfer::done) {
            return how;
        }
        _bytes -= next.bytes;
        _pool->give_back(std::move(next.space));
        _packets.pop_front();
    }
    return transfer::done;
}

} // namespace coterie::ipc

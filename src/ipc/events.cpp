// SPDX-License-Identifier: BSD-3-Clause
// The events of messages.hpp: what a daemon tells a client, several to a row. Events start at multiples of 8 bytes and so do
// message bodies, since applications read structures out of them in place.
#include "ipc/messages.hpp"

#include <array>

namespace coterie::ipc {

namespace {

constexpr std::size_t alignment = 8;
/// u32 bytes of the record, u16 kind, u16 bytes of the group's name.
constexpr std::size_t head_bytes = 8;
/// node, pid, u64 bytes of the body.
constexpr std::size_t message_head_bytes = head_bytes + 16;
/// How many members, left, joined; unused.
constexpr std::size_t change_head_bytes = head_bytes + 16;
/// coordinator, u32 nodes, u64 epoch.
constexpr std::size_t ring_view_head_bytes = head_bytes + 16;
constexpr std::size_t address_bytes = 12;

constexpr std::size_t padded(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

void pad(base::byte_writer& out, std::size_t bytes) {
    constexpr std::array<std::byte, alignment> zeros{};
    out.run(std::span(zeros).first(padded(bytes) - bytes));
}

void write_head(base::byte_writer& out, event_kind kind, std::size_t bytes, std::size_t name_bytes) {
    out.number(static_cast<std::uint32_t>(bytes));
    out.number(static_cast<std::uint16_t>(kind));
    out.number(static_cast<std::uint16_t>(name_bytes));
}

void write_name(base::byte_writer& out, std::string_view name) {
    out.run(std::as_bytes(std::span(name.data(), name.size())));
    pad(out, name.size());
}

void write_addresses(base::byte_writer& out, std::span<const address> list) {
    for (const address& each : list) {
        out.number(each.node);
        out.number(each.pid);
        out.number(each.reason);
    }
}

std::vector<address> read_addresses(base::byte_reader& in, std::size_t count) {
    if (in.remaining() / address_bytes < count) {
        in.fail();
        return {};
    }
    std::vector<address> result(count);
    for (address& each : result) {
        each.node = in.number<node_id>();
        each.pid = in.number<std::uint32_t>();
        each.reason = in.number<std::uint32_t>();
    }
    return result;
}

std::string_view read_name(base::byte_reader& in, std::size_t bytes) {
    if (bytes > group_name_bytes_max) {
        in.fail();
        return {};
    }
    const bytes_view name = in.run(bytes);
    static_cast<void>(in.run(padded(bytes) - bytes));
    return {reinterpret_cast<const char*>(name.data()), name.size()};
}

void read_message(base::byte_reader& in, std::span<std::byte> record, std::size_t name_bytes, event& out) {
    out.sender.node = in.number<node_id>();
    out.sender.pid = in.number<std::uint32_t>();
    const auto body_bytes = in.number<std::uint64_t>();
    out.group = read_name(in, name_bytes);
    if (in.remaining() < body_bytes || in.remaining() - body_bytes >= alignment) {
        in.fail();
        return;
    }
    out.body = record.last(in.remaining()).first(static_cast<std::size_t>(body_bytes));
    static_cast<void>(in.rest());
}

void read_change(base::byte_reader& in, std::size_t name_bytes, event& out) {
    const auto members = in.number<std::uint32_t>();
    const auto left = in.number<std::uint32_t>();
    const auto joined = in.number<std::uint32_t>();
    static_cast<void>(in.number<std::uint32_t>());
    out.group = read_name(in, name_bytes);
    out.members = read_addresses(in, members);
    out.left = read_addresses(in, left);
    out.joined = read_addresses(in, joined);
    static_cast<void>(in.run(in.remaining() % alignment));
}

void read_ring_view(base::byte_reader& in, event& out) {
    out.coordinator = in.number<node_id>();
    const auto count = in.number<std::uint32_t>();
    out.epoch = in.number<std::uint64_t>();
    if (in.remaining() / sizeof(std::uint32_t) < count) {
        in.fail();
        return;
    }
    out.nodes.resize(count);
    for (std::uint32_t& each : out.nodes) {
        each = in.number<std::uint32_t>();
    }
    static_cast<void>(in.run(in.remaining() % alignment));
}

} // namespace

std::size_t message_record_bytes(std::size_t name_bytes, std::size_t body_bytes) {
    return message_head_bytes + padded(name_bytes) + padded(body_bytes);
}

void write_message_head(base::byte_writer& out, std::string_view group, const address& sender,
                        std::uint64_t body_bytes) {
    const std::size_t bytes = message_record_bytes(group.size(), static_cast<std::size_t>(body_bytes));
    write_head(out, event_kind::message, bytes, group.size());
    out.number(sender.node);
    out.number(sender.pid);
    out.number(body_bytes);
    write_name(out, group);
}

void write_message(base::byte_writer& out, std::string_view group, const address& sender, bytes_view body) {
    write_message_head(out, group, sender, body.size());
    out.run(body);
    pad(out, body.size());
}

std::size_t change_record_bytes(std::size_t name_bytes, std::size_t entries) {
    return change_head_bytes + padded(name_bytes) + padded(entries * address_bytes);
}

void write_change(base::byte_writer& out, std::string_view group, std::span<const address> members,
                  std::span<const address> left, std::span<const address> joined) {
    const std::size_t entries = members.size() + left.size() + joined.size();
    write_head(out, event_kind::change, change_record_bytes(group.size(), entries), group.size());
    out.number(static_cast<std::uint32_t>(members.size()));
    out.number(static_cast<std::uint32_t>(left.size()));
    out.number(static_cast<std::uint32_t>(joined.size()));
    out.number(std::uint32_t{0});
    write_name(out, group);
    write_addresses(out, members);
    write_addresses(out, left);
    write_addresses(out, joined);
    pad(out, entries * address_bytes);
}

std::size_t ring_view_record_bytes(std::size_t nodes) {
    return ring_view_head_bytes + padded(nodes * sizeof(std::uint32_t));
}

void write_ring_view(base::byte_writer& out, node_id coordinator, std::uint64_t epoch, std::span<const node_id> nodes) {
    write_head(out, event_kind::ring_view, ring_view_record_bytes(nodes.size()), 0);
    out.number(coordinator);
    out.number(static_cast<std::uint32_t>(nodes.size()));
    out.number(epoch);
    for (const node_id each : nodes) {
        out.number(each);
    }
    pad(out, nodes.size() * sizeof(std::uint32_t));
}

std::optional<event> read_event(std::span<std::byte> packet, std::size_t& at) {
    const std::span<std::byte> rest = packet.subspan(at);
    base::byte_reader head(rest);
    const std::size_t bytes = head.number<std::uint32_t>();
    event result;
    result.kind = static_cast<event_kind>(head.number<std::uint16_t>());
    const std::size_t name_bytes = head.number<std::uint16_t>();
    if (!head.ok() || bytes < head_bytes || bytes > rest.size() || bytes % alignment != 0) {
        return std::nullopt;
    }
    const std::span<std::byte> record = rest.first(bytes);
    base::byte_reader in(record.subspan(head_bytes));
    switch (result.kind) {
    case event_kind::message: read_message(in, record, name_bytes, result); break;
    case event_kind::change: read_change(in, name_bytes, result); break;
    case event_kind::ring_view: read_ring_view(in, result); break;
    default: return std::nullopt;
    }
    if (!in.finished()) {
        return std::nullopt;
    }
    at += bytes;
    return result;
}

} // namespace coterie::ipc

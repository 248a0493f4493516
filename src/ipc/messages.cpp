// SPDX-License-Identifier: BSD-3-Clause
// The hellos, requests and replies of messages.hpp. Every number that a peer wrote is checked against the packet's own
// size before it is used; an unknown kind or flag makes the packet malformed.
#include "ipc/messages.hpp"

namespace coterie::ipc {

namespace {

constexpr std::uint32_t magic = 0x31'49'54'43; // "CTI1"
constexpr std::uint16_t version = 1;
constexpr std::uint16_t wants_ring_views = 1;
/// No kind of packet starts like this.
constexpr std::uint64_t stub_mark = ~std::uint64_t{0};
/// What a stub may claim at most; the daemon's own bounds are lower.
constexpr std::uint64_t file_bytes_limit = std::uint64_t{1} << 31U;

bytes_view as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

std::string_view as_text(bytes_view bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

void write_name(base::byte_writer& out, std::string_view name) {
    out.number(static_cast<std::uint16_t>(name.size()));
    out.run(as_bytes(name));
}

std::string_view read_name(base::byte_reader& in) {
    const auto bytes = in.number<std::uint16_t>();
    if (bytes > group_name_bytes_max) {
        in.fail();
        return {};
    }
    return as_text(in.run(bytes));
}

bool has_group(request_kind kind) { return kind == request_kind::join || kind == request_kind::membership; }

std::uint16_t flags_of(request_kind kind) {
    switch (kind) {
    case request_kind::join: return request::initial_ring_view;
    case request_kind::multicast: return request::safe;
    default: return 0;
    }
}

std::optional<std::pair<request, std::uint64_t>> read_request_head(base::byte_reader& in) {
    request result;
    const auto kind = in.number<std::uint16_t>();
    if (kind < static_cast<std::uint16_t>(request_kind::join) ||
        kind > static_cast<std::uint16_t>(request_kind::status)) {
        return std::nullopt;
    }
    result.kind = static_cast<request_kind>(kind);
    result.flags = in.number<std::uint16_t>();
    result.serial = in.number<std::uint32_t>();
    const auto body_bytes = in.number<std::uint64_t>();
    const bool may_have_body = result.kind == request_kind::multicast;
    if (!in.ok() || (result.flags & ~flags_of(result.kind)) != 0 || (body_bytes != 0 && !may_have_body)) {
        return std::nullopt;
    }
    return std::pair(result, body_bytes);
}

} // namespace

void write(base::byte_writer& out, const stub& packet) {
    out.number(stub_mark);
    out.number(packet.file_bytes);
}

std::optional<stub> read_stub(bytes_view packet) {
    base::byte_reader in(packet);
    const bool marked = in.number<std::uint64_t>() == stub_mark;
    const stub result{.file_bytes = in.number<std::uint64_t>()};
    if (!marked || !in.finished() || result.file_bytes > file_bytes_limit) {
        return std::nullopt;
    }
    return result;
}

void write(base::byte_writer& out, const hello& packet) {
    out.number(magic);
    out.number(version);
    out.number(static_cast<std::uint16_t>(packet.ring_views ? wants_ring_views : 0));
    out.number(packet.pid);
}

std::optional<hello> read_hello(bytes_view packet) {
    base::byte_reader in(packet);
    const bool known = in.number<std::uint32_t>() == magic && in.number<std::uint16_t>() == version;
    const auto flags = in.number<std::uint16_t>();
    const hello result{.ring_views = (flags & wants_ring_views) != 0, .pid = in.number<std::uint32_t>()};
    if (!known || !in.finished() || (flags & ~wants_ring_views) != 0) {
        return std::nullopt;
    }
    return result;
}

void write(base::byte_writer& out, const welcome& packet) {
    out.number(magic);
    out.number(version);
    out.number(static_cast<std::uint16_t>(packet.result));
    out.number(packet.node);
    out.number(packet.window_messages);
    out.number(packet.window_bytes);
    out.number(packet.message_bytes_max);
}

std::optional<welcome> read_welcome(bytes_view packet) {
    base::byte_reader in(packet);
    const bool known = in.number<std::uint32_t>() == magic && in.number<std::uint16_t>() == version;
    welcome result;
    result.result = static_cast<status>(in.number<std::uint16_t>());
    result.node = in.number<node_id>();
    result.window_messages = in.number<std::uint32_t>();
    result.window_bytes = in.number<std::uint64_t>();
    result.message_bytes_max = in.number<std::uint64_t>();
    if (!known || !in.finished()) {
        return std::nullopt;
    }
    return result;
}

void write(base::byte_writer& out, const request& packet) {
    out.number(static_cast<std::uint16_t>(packet.kind));
    out.number(packet.flags);
    out.number(packet.serial);
    out.number(std::uint64_t{packet.body.size()});
    if (has_group(packet.kind)) {
        write_name(out, packet.group);
    }
    out.run(packet.body);
}

std::optional<request> read_request(bytes_view packet) {
    base::byte_reader in(packet);
    const auto head = read_request_head(in);
    if (!head) {
        return std::nullopt;
    }
    request result = head->first;
    if (has_group(result.kind)) {
        result.group = read_name(in);
    }
    if (in.remaining() != head->second) {
        return std::nullopt;
    }
    result.body = in.rest();
    if (!in.finished()) {
        return std::nullopt;
    }
    return result;
}

void write_multicast_head(base::byte_writer& out, bool safe, std::uint64_t body_bytes) {
    out.number(static_cast<std::uint16_t>(request_kind::multicast));
    out.number(static_cast<std::uint16_t>(safe ? request::safe : 0));
    out.number(std::uint32_t{0});
    out.number(body_bytes);
}

std::optional<std::pair<request, std::uint64_t>> read_multicast_head(bytes_view head) {
    base::byte_reader in(head);
    auto result = read_request_head(in);
    if (!result || !in.finished() || result->first.kind != request_kind::multicast) {
        return std::nullopt;
    }
    return result;
}

void write(base::byte_writer& out, const reply& packet) {
    out.number(static_cast<std::uint16_t>(packet.kind));
    out.number(static_cast<std::uint16_t>(packet.result));
    out.number(packet.serial);
    if (packet.kind == reply_kind::credit) {
        out.number(packet.taken_messages);
        out.number(packet.taken_bytes);
        return;
    }
    out.number(std::uint64_t{packet.body.size()});
    out.number(std::uint64_t{0});
    out.run(packet.body);
}

std::optional<reply> read_reply(bytes_view packet) {
    base::byte_reader in(packet);
    reply result;
    result.kind = static_cast<reply_kind>(in.number<std::uint16_t>());
    result.result = static_cast<status>(in.number<std::uint16_t>());
    result.serial = in.number<std::uint32_t>();
    if (result.kind == reply_kind::credit) {
        result.taken_messages = in.number<std::uint64_t>();
        result.taken_bytes = in.number<std::uint64_t>();
    } else if (result.kind == reply_kind::result) {
        const auto body_bytes = in.number<std::uint64_t>();
        static_cast<void>(in.number<std::uint64_t>());
        if (in.remaining() != body_bytes) {
            return std::nullopt;
        }
        result.body = in.rest();
    } else {
        return std::nullopt;
    }
    if (!in.finished()) {
        return std::nullopt;
    }
    return result;
}

std::vector<std::byte> pack_members(std::span<const address> members) {
    std::vector<std::byte> result(members.size() * 8);
    base::byte_writer out(result);
    for (const address& each : members) {
        out.number(each.node);
        out.number(each.pid);
    }
    return result;
}

std::optional<std::vector<address>> unpack_members(bytes_view body) {
    if (body.size() % 8 != 0) {
        return std::nullopt;
    }
    std::vector<address> result(body.size() / 8);
    base::byte_reader in(body);
    for (address& each : result) {
        each.node = in.number<node_id>();
        each.pid = in.number<std::uint32_t>();
    }
    return result;
}

std::vector<std::byte> pack_groups(std::span<const group_listing> groups) {
    std::size_t bytes = 0;
    for (const group_listing& each : groups) {
        bytes += sizeof(std::uint16_t) + each.name.size() + sizeof(std::uint32_t) + each.members.size() * 8;
    }
    std::vector<std::byte> result(bytes);
    base::byte_writer out(result);
    for (const group_listing& each : groups) {
        write_name(out, each.name);
        out.number(static_cast<std::uint32_t>(each.members.size()));
        out.run(pack_members(each.members));
    }
    return result;
}

std::optional<std::vector<group_listing>> unpack_groups(bytes_view body) {
    std::vector<group_listing> result;
    base::byte_reader in(body);
    while (in.ok() && in.remaining() > 0) {
        group_listing& each = result.emplace_back();
        each.name = read_name(in);
        const std::size_t count = in.number<std::uint32_t>();
        auto members = unpack_members(in.run(count * 8));
        if (!members) {
            return std::nullopt;
        }
        each.members = std::move(*members);
    }
    if (!in.finished()) {
        return std::nullopt;
    }
    return result;
}

} // namespace coterie::ipc

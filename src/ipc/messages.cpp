// SPDX-License-Identifier: BSD-3-Clause
// The greetings, requests and answers of messages.hpp. Every number that a peer wrote is checked against the size of what
// it came in before it is used; an unknown kind or flag makes a request malformed.
#include "ipc/messages.hpp"

namespace coterie::ipc {

namespace {

constexpr std::uint32_t magic = 0x31'49'54'43; // "CTI1"
constexpr std::uint16_t version = 2;
constexpr std::uint16_t wants_ring_views = 1;
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

bool has_bytes(request_kind kind) {
    return kind == request_kind::multicast_file || kind == request_kind::multicast_shared ||
           kind == request_kind::share;
}

std::uint16_t flags_of(request_kind kind) {
    switch (kind) {
    case request_kind::join: return request::initial_ring_view;
    case request_kind::multicast:
    case request_kind::multicast_file:
    case request_kind::multicast_shared: return request::safe;
    default: return 0;
    }
}

} // namespace

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
    out.number(packet.request_ring_bytes);
    out.number(packet.event_ring_bytes);
    out.number(packet.message_bytes_max);
}

std::optional<welcome> read_welcome(bytes_view packet) {
    base::byte_reader in(packet);
    const bool known = in.number<std::uint32_t>() == magic;
    if (known && in.number<std::uint16_t>() != version) {
        // All releases begin alike; the rest is not for this one to read.
        return in.ok() ? std::optional(welcome{.result = status::version}) : std::nullopt;
    }
    welcome result;
    result.result = static_cast<status>(in.number<std::uint16_t>());
    result.node = in.number<node_id>();
    result.request_ring_bytes = in.number<std::uint32_t>();
    result.event_ring_bytes = in.number<std::uint32_t>();
    result.message_bytes_max = in.number<std::uint64_t>();
    if (!known || !in.finished()) {
        return std::nullopt;
    }
    return result;
}

void write(base::byte_writer& out, const request& what) {
    if (has_group(what.kind)) {
        out.run(as_bytes(what.group));
    }
    if (what.kind == request_kind::multicast_shared) {
        out.number(what.offset);
    }
    if (has_bytes(what.kind)) {
        out.number(what.bytes);
    }
}

std::uint32_t tag_of(request_kind kind, std::uint16_t flags) {
    return static_cast<std::uint32_t>(kind) | std::uint32_t{flags} << 16U;
}

std::optional<request> read_tag(std::uint32_t tag) {
    const std::uint32_t kind = tag & 0xFFFFU;
    if (kind < static_cast<std::uint32_t>(request_kind::join) ||
        kind > static_cast<std::uint32_t>(request_kind::pauses)) {
        return std::nullopt;
    }
    const request result{.kind = static_cast<request_kind>(kind), .flags = static_cast<std::uint16_t>(tag >> 16U)};
    return (result.flags & ~flags_of(result.kind)) == 0 ? std::optional(result) : std::nullopt;
}

std::optional<request> read_request(std::uint32_t tag, bytes_view body) {
    auto result = read_tag(tag);
    if (!result || result->kind == request_kind::multicast) {
        return std::nullopt;
    }
    base::byte_reader in(body);
    if (has_group(result->kind)) {
        if (body.size() > group_name_bytes_max) {
            return std::nullopt;
        }
        result->group = as_text(in.rest());
    }
    if (result->kind == request_kind::multicast_shared) {
        result->offset = in.number<std::uint64_t>();
    }
    if (has_bytes(result->kind)) {
        result->bytes = in.number<std::uint64_t>();
    }
    return in.finished() ? result : std::nullopt;
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

std::vector<std::byte> pack_pauses(const pauses& what) {
    std::vector<std::byte> result(24);
    base::byte_writer out(result);
    out.number(what.count);
    out.number(what.last_ns);
    out.number(what.passed_ns);
    return result;
}

std::optional<pauses> unpack_pauses(bytes_view body) {
    base::byte_reader in(body);
    pauses result;
    result.count = in.number<std::uint64_t>();
    result.last_ns = in.number<std::uint64_t>();
    result.passed_ns = in.number<std::uint64_t>();
    return in.finished() ? std::optional(result) : std::nullopt;
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

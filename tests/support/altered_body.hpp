// SPDX-License-Identifier: BSD-3-Clause
// The body of a good packet with something wrong in it. Encoders assert what decoders judge, so tests of decoders write
// the wrong bytes themselves; the offsets are those of docs/wire.md.
#pragma once

#include "tests/support/wire_packets.hpp"

#include <concepts>
#include <cstring>
#include <vector>

namespace coterie::tests {

class altered_body {
public:
    template <class Packet>
    explicit altered_body(const Packet& packet) {
        base::buffer_pool pool;
        const base::buffer encoded = wire::encode(pool, sender, packet);
        _bytes.assign(body_of(encoded).begin(), body_of(encoded).end());
    }

    /// Overwrites a number.
    template <std::unsigned_integral Number>
    altered_body& put(std::size_t offset, Number value) {
        std::memcpy(std::span(_bytes).subspan(offset, sizeof value).data(), &value, sizeof value);
        return *this;
    }
    /// Overwrites a view's id.
    altered_body& put(std::size_t offset, const base::view_id& view) {
        put(offset, view.epoch.value);
        put(offset + 8, view.coordinator.value);
        return put(offset + 12, view.nonce.value);
    }
    /// Overwrites a member.
    altered_body& put(std::size_t offset, const base::member& one) {
        put(offset, one.node.value);
        return put(offset + 4, one.nonce.value);
    }
    /// Appends whatever put() takes.
    template <class Value>
    altered_body& add(std::size_t bytes, const Value& value) {
        const std::size_t offset = _bytes.size();
        _bytes.resize(offset + bytes);
        return put(offset, value);
    }
    /// Drops what lies behind `bytes`.
    altered_body& cut(std::size_t bytes) {
        _bytes.resize(bytes);
        return *this;
    }
    [[nodiscard]] std::size_t size() const { return _bytes.size(); }

    /// Whether the packet is still accepted.
    template <class Packet>
    [[nodiscard]] bool accepted() const {
        return decode<Packet>(_bytes).has_value();
    }

private:
    std::vector<std::byte> _bytes;
};

/// What must never stand where a view is meant: parts of an id without the others, and epochs too high to count with.
inline constexpr std::array broken_views{
    base::view_id{.epoch = {{0}}, .coordinator = {1}, .nonce = {0}},
    base::view_id{.epoch = {{0}}, .coordinator = {0}, .nonce = {1}},
    base::view_id{.epoch = {{1}}, .coordinator = {0}, .nonce = {1}},
    base::view_id{.epoch = {{1}}, .coordinator = {1}, .nonce = {0}},
    base::view_id{.epoch = {{std::uint64_t{1} << 62U}}, .coordinator = {1}, .nonce = {1}},
    base::view_id{.epoch = {{~std::uint64_t{0}}}, .coordinator = {1}, .nonce = {1}},
};

/// The field at `offset` takes a view, and none only if `none_allowed`.
template <class Packet>
bool judges_view(std::size_t offset, bool none_allowed) {
    for (const base::view_id& view : broken_views) {
        if (altered_body(sample<Packet>()).put(offset, view).template accepted<Packet>()) {
            return false;
        }
    }
    return altered_body(sample<Packet>()).put(offset, view_of(77)).template accepted<Packet>() &&
           altered_body(sample<Packet>()).put(offset, base::no_view).template accepted<Packet>() == none_allowed;
}

/// The field at `offset` takes counters from `lowest` to below 2^62.
template <class Packet>
bool judges_counter(std::size_t offset, std::uint64_t lowest = 0) {
    const auto accepts = [offset](std::uint64_t value) {
        return altered_body(sample<Packet>()).put(offset, value).template accepted<Packet>();
    };
    const std::uint64_t end = std::uint64_t{1} << 62U;
    return accepts(lowest) && accepts(end - 1) && !accepts(end) && !accepts(~std::uint64_t{0}) &&
           (lowest == 0 || !accepts(lowest - 1));
}

/// The byte at `offset` takes flags below `end` only.
template <class Packet>
bool judges_flags(std::size_t offset, unsigned end) {
    for (unsigned flags = 0; flags < 256; ++flags) {
        const auto byte = static_cast<std::uint8_t>(flags);
        if (altered_body(sample<Packet>()).put(offset, byte).template accepted<Packet>() != (flags < end)) {
            return false;
        }
    }
    return true;
}

/// The field at `offset` takes any node but none.
template <class Packet>
bool judges_node(std::size_t offset) {
    const auto accepts = [offset](std::uint32_t node) {
        return altered_body(sample<Packet>()).put(offset, node).template accepted<Packet>();
    };
    return !accepts(0) && accepts(1) && accepts(0xFFFFFFFF);
}

/// Judges the sorted list of two members at the end of `packet`.
template <class Packet>
bool judges_last_two_members(const Packet& packet) {
    const altered_body good(packet);
    const std::size_t first = good.size() - 24;
    const std::size_t second = good.size() - 12;
    const auto accepts = [&](std::size_t offset, base::member one) {
        return altered_body(packet).put(offset, one).template accepted<Packet>();
    };
    return accepts(second, member_of(0xFFFFFFFF)) && !accepts(second, member_of(1)) && !accepts(first, member_of(0)) &&
           !accepts(first, member_of(9)) && !accepts(first, member_of(10)) &&
           !accepts(second, {.node = {9}, .nonce = {0}});
}

} // namespace coterie::tests

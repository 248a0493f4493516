// SPDX-License-Identifier: BSD-3-Clause
// The header in front of every packet: sealing, checking, and the words for its kinds and refusals. The tag without a
// key is a checksum that finds damage; protection against malice is the transport's, under another key slot.
#include "wire/layout.hpp"

#include <array>
#include <optional>

#include <xxhash.h>
#if defined(__x86_64__)
// Takes the widest vectors that the processor has.
#include <xxh_x86dispatch.h>
#endif

namespace coterie::wire {

namespace {

using tag = std::array<std::byte, tag_bytes>;

/// XXH3-128 over the header up to the tag followed by the XXH3-128 of the body: one pass over the body, no copy of it.
tag checksum_of(bytes_view datagram) {
    std::array<std::byte, layout::tag_at + sizeof(XXH128_canonical_t)> block;
    const bytes_view body = datagram.subspan(header_bytes);
    std::memcpy(block.data(), datagram.data(), layout::tag_at);
    XXH128_canonical_t body_hash;
    XXH128_canonicalFromHash(&body_hash, XXH3_128bits(body.data(), body.size()));
    std::memcpy(block.data() + layout::tag_at, &body_hash, sizeof body_hash);
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits(block.data(), block.size()));
    tag result;
    std::memcpy(result.data(), &hash, sizeof hash);
    return result;
}

template <class Number>
Number number_at(bytes_view datagram, std::size_t offset) {
    Number result;
    std::memcpy(&result, datagram.data() + offset, sizeof result);
    return result;
}

} // namespace

std::string_view to_string(refusal_reason reason) {
    switch (reason) {
    case refusal_reason::too_short: return "too short";
    case refusal_reason::magic: return "not ours";
    case refusal_reason::version: return "other version";
    case refusal_reason::cluster: return "other cluster";
    case refusal_reason::kind: return "unknown kind";
    case refusal_reason::length: return "wrong length";
    case refusal_reason::key_slot: return "unknown key";
    case refusal_reason::tag: return "wrong tag";
    case refusal_reason::malformed: return "malformed header";
    case refusal_reason::count: break;
    }
    return "unknown reason";
}

std::string_view to_string(packet_kind kind) {
    switch (kind) {
    case packet_kind::heartbeat: return "heartbeat";
    case packet_kind::data: return "data";
    case packet_kind::token: return "token";
    case packet_kind::token_proof: return "token proof";
    case packet_kind::token_request: return "token request";
    case packet_kind::acknowledgement: return "acknowledgement";
    case packet_kind::repair_request: return "repair request";
    case packet_kind::proposal: return "proposal";
    case packet_kind::report: return "report";
    case packet_kind::refusal: return "refusal";
    case packet_kind::plan: return "plan";
    case packet_kind::completion: return "completion";
    case packet_kind::install: return "install";
    case packet_kind::recovered: return "recovered";
    case packet_kind::link_probe: return "link probe";
    case packet_kind::life_proof: return "life proof";
    case packet_kind::size_probe: return "size probe";
    case packet_kind::fragment: return "fragment";
    }
    return "unknown kind";
}

packet_kind kind_of(const base::buffer& packet) {
    COTERIE_ASSERT(packet.size() >= header_bytes, "only an encoded packet has a kind");
    return static_cast<packet_kind>(packet.bytes()[layout::kind_at]);
}

cluster_id cluster_of(std::string_view name) { return cluster_id{XXH3_64bits(name.data(), name.size())}; }

bytes_view without_padding(bytes_view datagram) {
    if (datagram.size() < header_bytes) {
        return datagram;
    }
    const std::size_t whole = header_bytes + number_at<std::uint32_t>(datagram, layout::length_at);
    if (whole >= datagram.size()) {
        return datagram;
    }
    const bytes_view rest = datagram.subspan(whole);
    const bool zeros = rest.front() == std::byte{0} && std::memcmp(rest.data(), rest.data() + 1, rest.size() - 1) == 0;
    return zeros ? datagram.first(whole) : datagram;
}

namespace {

/// Everything up to the tag that can be judged without believing the sender.
std::optional<refusal_reason> fault_of(bytes_view datagram, cluster_id cluster) {
    if (datagram.size() < header_bytes) {
        return refusal_reason::too_short;
    }
    if (number_at<std::uint32_t>(datagram, layout::magic_at) != layout::magic) {
        return refusal_reason::magic;
    }
    if (number_at<std::uint8_t>(datagram, layout::version_at) != layout::version) {
        return refusal_reason::version;
    }
    if (number_at<std::uint64_t>(datagram, layout::cluster_at) != cluster.value) {
        return refusal_reason::cluster;
    }
    const auto kind = number_at<std::uint8_t>(datagram, layout::kind_at);
    if (kind == 0 || kind >= packet_kinds) {
        return refusal_reason::kind;
    }
    if (datagram.size() > datagram_bytes_max ||
        number_at<std::uint32_t>(datagram, layout::length_at) != datagram.size() - header_bytes) {
        return refusal_reason::length;
    }
    return std::nullopt;
}

header fields_of(bytes_view datagram) {
    return {.kind = static_cast<packet_kind>(number_at<std::uint8_t>(datagram, layout::kind_at)),
            .key_slot = number_at<std::uint8_t>(datagram, layout::key_slot_at),
            .cipher = number_at<std::uint8_t>(datagram, layout::cipher_at),
            .from = {.cluster = {number_at<std::uint64_t>(datagram, layout::cluster_at)},
                     .node = {number_at<std::uint32_t>(datagram, layout::sender_at)},
                     .nonce = {number_at<std::uint64_t>(datagram, layout::nonce_at)}},
            .counter = number_at<std::uint64_t>(datagram, layout::counter_at)};
}

bool is_possible(const header& fields) {
    return fields.from.node != base::no_node && fields.from.nonce != base::no_incarnation &&
           layout::in_range(fields.counter);
}

} // namespace

node_id sender_in(bytes_view datagram) {
    COTERIE_ASSERT(datagram.size() >= header_bytes, "only a whole header names a sender");
    return {number_at<std::uint32_t>(datagram, layout::sender_at)};
}

std::expected<header, refusal_reason> read_header(bytes_view datagram, cluster_id cluster) {
    if (const auto fault = fault_of(datagram, cluster)) {
        return std::unexpected(*fault);
    }
    const header fields = fields_of(datagram);
    if (!is_possible(fields)) {
        return std::unexpected(refusal_reason::malformed);
    }
    return fields;
}

std::expected<opened, refusal_reason> open(bytes_view datagram, cluster_id cluster) {
    if (const auto fault = fault_of(datagram, cluster)) {
        return std::unexpected(*fault);
    }
    const header fields = fields_of(datagram);
    if (fields.key_slot != 0) {
        return std::unexpected(refusal_reason::key_slot);
    }
    if (number_at<tag>(datagram, layout::tag_at) != checksum_of(datagram)) {
        return std::unexpected(refusal_reason::tag);
    }
    // Only now is it sure that the sender meant what stands here.
    if (!is_possible(fields) || fields.cipher != 0) {
        return std::unexpected(refusal_reason::malformed);
    }
    return opened{
        .kind = fields.kind, .from = fields.from, .counter = fields.counter, .body = datagram.subspan(header_bytes)};
}

void write_key(std::span<std::byte> packet, std::uint8_t key_slot, std::uint8_t cipher, std::uint64_t counter) {
    COTERIE_ASSERT(packet.size() >= header_bytes && packet.size() <= datagram_bytes_max,
                   "only an encoded packet is sealed");
    COTERIE_ASSERT(layout::in_range(counter), "packet counters stay below 2^62");
    packet[layout::key_slot_at] = std::byte{key_slot};
    packet[layout::cipher_at] = std::byte{cipher};
    std::memcpy(packet.data() + layout::counter_at, &counter, sizeof counter);
}

void seal(base::buffer& packet, std::uint64_t counter) {
    COTERIE_ASSERT(packet.size() >= header_bytes && packet.size() <= datagram_bytes_max,
                   "only an encoded packet is sealed");
    COTERIE_ASSERT(layout::in_range(counter), "packet counters stay below 2^62");
    const std::span<std::byte> bytes = packet.writable();
    std::memcpy(bytes.data() + layout::counter_at, &counter, sizeof counter);
    const tag checksum = checksum_of(bytes);
    std::memcpy(bytes.data() + layout::tag_at, checksum.data(), checksum.size());
    packet.mark_sealed();
}

} // namespace coterie::wire

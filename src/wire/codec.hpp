// SPDX-License-Identifier: BSD-3-Clause
// Encodes and decodes packets.hpp. A datagram is opened once (magic, version, cluster, length, tag) and its body then
// decoded by kind; no decoder trusts a length, allocates more than the datagram's own size warrants, or keeps state.
// The layouts are described in docs/wire.md.
#pragma once

#include "base/buffer.hpp"
#include "wire/packets.hpp"

#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace coterie::wire {

/// Bytes of the header in front of every body.
inline constexpr std::size_t header_bytes = 56;
/// Its end, and what lies in front of that: all that a tag covers besides the body.
inline constexpr std::size_t tag_bytes = 16;
inline constexpr std::size_t sealed_header_bytes = header_bytes - tag_bytes;
/// Bytes of a data packet in front of its payload, header included.
extern const std::size_t data_overhead_bytes;

/// Why a datagram is not even looked into; each is counted by its receiver.
enum class refusal_reason : std::uint8_t {
    too_short,
    magic,
    version,
    cluster,
    kind,
    length,
    key_slot,
    tag,
    malformed, ///< well sealed, but without a sender, or with a header field that this version does not know
    count,
};
/// A word for logs and counters, e.g. "other cluster".
[[nodiscard]] std::string_view to_string(refusal_reason reason);
[[nodiscard]] std::string_view to_string(packet_kind kind);

/// The id of a cluster by its configured name.
[[nodiscard]] cluster_id cluster_of(std::string_view name);

/// A datagram whose header and tag are good. `body` lies inside the datagram.
struct opened {
    packet_kind kind;
    origin from;
    std::uint64_t counter;
    bytes_view body;
};

/// What a datagram says of itself, not yet proved by its tag.
struct header {
    packet_kind kind;
    std::uint8_t key_slot; ///< 0: without a key
    std::uint8_t cipher;
    origin from;
    std::uint64_t counter;
};

/// The kind of an encoded packet.
[[nodiscard]] packet_kind kind_of(const base::buffer& packet);

/// The packet in what was received: without the zeros that a sender may have put behind it (docs/wire.md).
[[nodiscard]] bytes_view without_padding(bytes_view datagram);

/// Checks a received datagram without a key: the tag is a checksum over all of it (no protection against malice).
[[nodiscard]] std::expected<opened, refusal_reason> open(bytes_view datagram, cluster_id cluster);

/// The node that a datagram of full length says it comes from.
[[nodiscard]] node_id sender_in(bytes_view datagram);
/// Reads the header of a received datagram: everything is checked but the tag.
[[nodiscard]] std::expected<header, refusal_reason> read_header(bytes_view datagram, cluster_id cluster);
/// Fills in what stands in front of the tag and the encoder left open; for a packet that is sealed under a key.
void write_key(std::span<std::byte> packet, std::uint8_t key_slot, std::uint8_t cipher, std::uint64_t counter);

/// Fills in the packet counter and the tag of an encoded packet, in place. Done once per datagram, by the transport.
void seal(base::buffer& packet, std::uint64_t counter);

// Encoders: a complete unsealed packet in a buffer from `pool`. Values beyond the bounds in packets.hpp are an error of
// ours and asserted.
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const heartbeat& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const data& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const token& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const token_proof& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const token_request& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const acknowledgement& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const repair_request& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const proposal& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const report& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const refusal& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const plan& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const completion& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const install& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const recovered& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const link_probe& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const life_proof& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const size_probe& packet);
[[nodiscard]] base::buffer encode(base::buffer_pool& pool, const origin& from, const fragment& packet);
/// A question that is a datagram of `packet.bytes`, whatever its filler.
[[nodiscard]] base::buffer encode_question(base::buffer_pool& pool, const origin& from, size_probe packet);
/// Bytes of a fragment in front of its piece, header included.
extern const std::size_t fragment_overhead_bytes;

/// How many bytes `packet` takes encoded, header included; a coordinator asks before it sends.
[[nodiscard]] std::size_t encoded_bytes(const plan& packet);
/// The hash that completion and install carry: over the encoded body.
[[nodiscard]] std::uint64_t hash_of(const plan& packet);

// A data packet whose payload is written in place: take the space, fill it, then finish.
/// A buffer with room for a data packet of `payload_bytes_max` bytes of payload.
[[nodiscard]] base::buffer begin_data(base::buffer_pool& pool, std::size_t payload_bytes_max);
/// Where the payload goes.
[[nodiscard]] std::span<std::byte> payload_space(base::buffer& packet);
/// Writes everything in front of the payload; `fields.payload` is ignored, `payload_bytes` is what was written.
void finish_data(base::buffer& packet, const origin& from, const data& fields, std::size_t payload_bytes);
/// Rewrites what changes between numbering and sending (hop, holder, stable, flags) in an unsealed data packet.
void refresh_data(base::buffer& packet, hop_number hop, node_id holder, sequence_number stable, std::uint8_t flags);

// Decoders: nothing when the body is malformed (short, long, out of bounds, unsorted where sorted is promised).
[[nodiscard]] std::optional<heartbeat> decode_heartbeat(bytes_view body);
[[nodiscard]] std::optional<data> decode_data(bytes_view body);
[[nodiscard]] std::optional<token> decode_token(bytes_view body);
[[nodiscard]] std::optional<token_proof> decode_token_proof(bytes_view body);
[[nodiscard]] std::optional<token_request> decode_token_request(bytes_view body);
[[nodiscard]] std::optional<acknowledgement> decode_acknowledgement(bytes_view body);
[[nodiscard]] std::optional<repair_request> decode_repair_request(bytes_view body);
[[nodiscard]] std::optional<proposal> decode_proposal(bytes_view body);
[[nodiscard]] std::optional<report> decode_report(bytes_view body);
[[nodiscard]] std::optional<refusal> decode_refusal(bytes_view body);
[[nodiscard]] std::optional<plan> decode_plan(bytes_view body);
[[nodiscard]] std::optional<completion> decode_completion(bytes_view body);
[[nodiscard]] std::optional<install> decode_install(bytes_view body);
[[nodiscard]] std::optional<recovered> decode_recovered(bytes_view body);
[[nodiscard]] std::optional<link_probe> decode_link_probe(bytes_view body);
[[nodiscard]] std::optional<life_proof> decode_life_proof(bytes_view body);
[[nodiscard]] std::optional<size_probe> decode_size_probe(bytes_view body);
[[nodiscard]] std::optional<fragment> decode_fragment(bytes_view body);

} // namespace coterie::wire

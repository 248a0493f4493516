// SPDX-License-Identifier: BSD-3-Clause
// Layouts and bounds of the packets that transports exchange among themselves. The offsets are in docs/wire.md.
#include "wire/layout.hpp"

#include <algorithm>
#include <array>

namespace coterie::wire {

template <class Walker>
static constexpr void lay_out(Walker& walk, layout::field<Walker, link_probe>& packet) {
    walk(packet.link, packet.round, packet.answered);
}

static bool acceptable(const link_probe& packet) {
    return packet.link.value < base::links_max && packet.round != 0 && layout::in_range(packet.round);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, layout::field<Walker, life_proof>& packet) {
    walk(packet.to, packet.question, packet.answered, packet.answer, packet.other_slot);
}

static bool acceptable(const life_proof& packet) {
    return packet.to != base::no_node && layout::in_range(packet.question, packet.answer) &&
           (packet.answered == base::no_incarnation) == (packet.answer == 0);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, layout::field<Walker, size_probe>& packet) {
    walk(packet.link, packet.round, packet.answered, packet.bytes);
    walk.rest(packet.filler);
}

static constexpr std::size_t bytes_without_run(const auto& packet) {
    layout::measure fields;
    lay_out(fields, packet);
    return header_bytes + fields.bytes();
}

static constexpr std::size_t question_bytes_min = bytes_without_run(size_probe{});

static bool acceptable(const size_probe& packet) {
    const bool is_question = packet.answered == base::no_incarnation;
    return packet.link.value < base::links_max && packet.round != 0 && layout::in_range(packet.round) &&
           packet.bytes >= question_bytes_min && packet.bytes <= datagram_bytes_max &&
           packet.filler.size() == (is_question ? packet.bytes - question_bytes_min : 0) &&
           std::ranges::all_of(packet.filler, [](std::byte each) { return each == std::byte{0}; });
}

template <class Walker>
static constexpr void lay_out(Walker& walk, layout::field<Walker, fragment>& packet) {
    walk(packet.number, packet.total, packet.unit, packet.index);
    walk.rest(packet.piece);
}

const std::size_t fragment_overhead_bytes = bytes_without_run(fragment{});

static bool acceptable(const fragment& packet) {
    const std::uint64_t begin = std::uint64_t{packet.index} * packet.unit;
    return packet.number != 0 && layout::in_range(packet.number) && packet.total >= header_bytes &&
           packet.total <= datagram_bytes_max && packet.unit >= fragment::unit_min && packet.unit < packet.total &&
           packet.unit <= datagram_bytes_max - fragment_overhead_bytes && begin < packet.total &&
           packet.piece.size() == std::min<std::uint64_t>(packet.unit, packet.total - begin);
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const link_probe& packet) {
    return layout::encode_as(packet_kind::link_probe, pool, from, packet, "an encoded link probe is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const life_proof& packet) {
    return layout::encode_as(packet_kind::life_proof, pool, from, packet,
                             "an encoded proof of life is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const size_probe& packet) {
    return layout::encode_as(packet_kind::size_probe, pool, from, packet, "an encoded size probe is within its bounds");
}

base::buffer encode_question(base::buffer_pool& pool, const origin& from, size_probe packet) {
    static constexpr std::array<std::byte, datagram_bytes_max> zeros{};
    COTERIE_ASSERT(packet.bytes >= question_bytes_min && packet.bytes <= datagram_bytes_max,
                   "a question about a size can have that size");
    packet.filler = bytes_view(zeros).first(packet.bytes - question_bytes_min);
    return encode(pool, from, packet);
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const fragment& packet) {
    return layout::encode_as(packet_kind::fragment, pool, from, packet, "an encoded fragment is within its bounds");
}

std::optional<size_probe> decode_size_probe(bytes_view body) { return layout::decode_as<size_probe>(body); }
std::optional<fragment> decode_fragment(bytes_view body) { return layout::decode_as<fragment>(body); }
std::optional<life_proof> decode_life_proof(bytes_view body) { return layout::decode_as<life_proof>(body); }
std::optional<link_probe> decode_link_probe(bytes_view body) { return layout::decode_as<link_probe>(body); }

} // namespace coterie::wire

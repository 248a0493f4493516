// SPDX-License-Identifier: BSD-3-Clause
// Layouts and bounds of the packets that transports exchange among themselves. The offsets are in docs/wire.md.
#include "wire/layout.hpp"

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

base::buffer encode(base::buffer_pool& pool, const origin& from, const link_probe& packet) {
    return layout::encode_as(packet_kind::link_probe, pool, from, packet, "an encoded link probe is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const life_proof& packet) {
    return layout::encode_as(packet_kind::life_proof, pool, from, packet,
                             "an encoded proof of life is within its bounds");
}

std::optional<life_proof> decode_life_proof(bytes_view body) { return layout::decode_as<life_proof>(body); }
std::optional<link_probe> decode_link_probe(bytes_view body) { return layout::decode_as<link_probe>(body); }

} // namespace coterie::wire

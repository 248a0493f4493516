// SPDX-License-Identifier: BSD-3-Clause
// Layout and bounds of the packet that transports exchange among themselves. The offsets are in docs/wire.md.
#include "wire/layout.hpp"

namespace coterie::wire {

template <class Walker>
static constexpr void lay_out(Walker& walk, layout::field<Walker, link_probe>& packet) {
    walk(packet.link, packet.round, packet.answered);
}

static bool acceptable(const link_probe& packet) {
    return packet.link.value < base::links_max && packet.round != 0 && layout::in_range(packet.round);
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const link_probe& packet) {
    return layout::encode_as(packet_kind::link_probe, pool, from, packet, "an encoded link probe is within its bounds");
}

std::optional<link_probe> decode_link_probe(bytes_view body) { return layout::decode_as<link_probe>(body); }

} // namespace coterie::wire

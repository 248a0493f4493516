// SPDX-License-Identifier: BSD-3-Clause
#include "net/fragments.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace coterie::net {

std::vector<base::buffer> cut(base::buffer_pool& pool, const wire::origin& self, base::bytes_view packet,
                              std::size_t datagram_bytes, std::uint64_t number) {
    COTERIE_ASSERT(packet.size() > datagram_bytes &&
                       datagram_bytes >= wire::fragment_overhead_bytes + wire::fragment::unit_min,
                   "a packet is cut into pieces that are smaller than it, and not too small");
    const std::size_t unit = datagram_bytes - wire::fragment_overhead_bytes;
    std::vector<base::buffer> result;
    result.reserve(packet.size() / unit + 1);
    for (std::size_t at = 0; at < packet.size(); at += unit) {
        result.push_back(wire::encode(pool, self,
                                      wire::fragment{.number = number,
                                                     .total = static_cast<std::uint32_t>(packet.size()),
                                                     .unit = static_cast<std::uint32_t>(unit),
                                                     .index = static_cast<std::uint16_t>(result.size()),
                                                     .piece = packet.subspan(at, std::min(unit, packet.size() - at))}));
    }
    return result;
}

base::buffer reassembly::add(base::buffer_pool& pool, base::incarnation life, const wire::fragment& piece) {
    auto found = std::ranges::find_if(
        _open, [&](const packet& each) { return each.life == life && each.number == piece.number; });
    if (found == _open.end()) {
        found = _open.begin() + static_cast<std::ptrdiff_t>(_oldest);
        _oldest = (_oldest + 1) % open_max;
        *found = {.life = life,
                  .number = piece.number,
                  .unit = piece.unit,
                  .missing = (piece.total + piece.unit - 1) / piece.unit,
                  .come = {},
                  .bytes = pool.take(piece.total)};
        found->bytes.resize(piece.total);
    }
    if (found->bytes.size() != piece.total || found->unit != piece.unit || found->come[piece.index]) {
        return {};
    }
    std::memcpy(found->bytes.writable().data() + std::size_t{piece.index} * piece.unit, piece.piece.data(),
                piece.piece.size());
    found->come.set(piece.index);
    if (--found->missing > 0) {
        return {};
    }
    base::buffer whole = std::move(found->bytes);
    *found = {};
    return whole;
}

} // namespace coterie::net

// SPDX-License-Identifier: BSD-3-Clause
// Packets that are larger than what passes on a path travel in pieces: those of membership in large clusters, and what was
// made while more passed. Kept apart from everything else: whoever sends and whoever receives such a packet does not notice.
#pragma once

#include "base/buffer.hpp"
#include "wire/codec.hpp"

#include <array>
#include <bitset>
#include <cstdint>
#include <vector>

namespace coterie::net {

/// The pieces of a sealed packet, unsealed, each a datagram of at most `datagram_bytes`. `number` is the sender's next.
[[nodiscard]] std::vector<base::buffer> cut(base::buffer_pool& pool, const wire::origin& self, base::bytes_view packet,
                                            std::size_t datagram_bytes, std::uint64_t number);

/// Puts together what one node sends in pieces. Memory: a few packets.
class reassembly {
public:
    /// The packet that this piece completes; empty if it does not.
    [[nodiscard]] base::buffer add(base::buffer_pool& pool, base::incarnation life, const wire::fragment& piece);

private:
    /// Packets of which pieces have come. Those of one packet are sent one behind the other.
    static constexpr std::size_t open_max = 4;
    struct packet {
        base::incarnation life;
        std::uint64_t number = 0; ///< 0: nothing
        std::uint32_t unit = 0;
        std::size_t missing = 0;
        std::bitset<wire::fragments_max> come;
        base::buffer bytes;
    };
    std::array<packet, open_max> _open;
    std::size_t _oldest = 0;
};

} // namespace coterie::net

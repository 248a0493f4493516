// SPDX-License-Identifier: BSD-3-Clause
// What every fuzz target of a decoder checks: whatever the bytes, a decoder ends without harm, and what it accepts is
// the one encoding of that packet. Being accepted and then not being encodable would be an assertion that a remote
// party can reach.
#pragma once

#include "tests/support/wire_packets.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <span>

namespace coterie::tests {

/// Ends the process, as a finding, when `condition` is false.
inline void require(bool condition, std::source_location at = std::source_location::current()) {
    if (!condition) {
        std::fprintf(stderr, "%s:%u: not so\n", at.file_name(), static_cast<unsigned>(at.line()));
        std::abort();
    }
}

/// Decodes `body`, and encodes again what was accepted.
template <class Packet>
void check_decoder(bytes_view body) {
    const auto decoded = decode<Packet>(body);
    if (!decoded) {
        return;
    }
    base::buffer_pool pool;
    const base::buffer encoded = wire::encode(pool, sender, *decoded);
    require(std::ranges::equal(body_of(encoded), body));
    const auto again = decode<Packet>(body_of(encoded));
    require(again && same(*decoded, *again));
    if constexpr (std::same_as<Packet, wire::plan>) {
        require(wire::encoded_bytes(*decoded) == encoded.size());
        require(wire::hash_of(*decoded) == wire::hash_of(*again));
    }
}

} // namespace coterie::tests

/// Defines the fuzz target of one decoder: the input is a body.
#define COTERIE_DECODER_TARGET(packet)                                                                                 \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);                                \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {                               \
        ::coterie::tests::check_decoder<packet>(std::as_bytes(std::span(bytes, size)));                                \
        return 0;                                                                                                      \
    }

// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the whole way of a received datagram: header, tag, and the body by its kind. A random tag is never right, so
// each input is also sealed as a sender would have sealed it, which lets its body through to the decoders of all kinds.
#include "tests/fuzz/decoder_target.hpp"

#include <cstring>

namespace {

using namespace coterie;

/// Opens a datagram as a receiver does. Returns whether its header was accepted.
bool receive(tests::bytes_view datagram) {
    const auto opened = wire::open(datagram, tests::sender.cluster);
    if (!opened) {
        tests::require(opened.error() < wire::refusal_reason::count);
        return false;
    }
    tests::require(opened->body.size() + wire::header_bytes == datagram.size());
    tests::require(opened->from.node != base::no_node && opened->from.nonce != base::no_incarnation);
    tests::require(tests::visit_kind(opened->kind, [&]<class Packet>() {
        tests::check_decoder<Packet>(opened->body);
        // Sent on by the same sender under the same counter, the datagram is the same to the last byte.
        if (const auto decoded = tests::decode<Packet>(opened->body)) {
            base::buffer_pool pool;
            base::buffer again = wire::encode(pool, opened->from, *decoded);
            wire::seal(again, opened->counter);
            tests::require(std::ranges::equal(again.bytes(), datagram));
        }
    }));
    return true;
}

/// Mends what keeps a datagram from being opened, and leaves kind, sender and body as they are.
base::buffer mended(base::buffer_pool& pool, tests::bytes_view datagram) {
    base::buffer result = pool.copy(datagram);
    const std::span<std::byte> bytes = result.writable();
    const base::buffer model = wire::encode(pool, tests::sender, tests::sample<wire::token_proof>());
    constexpr std::size_t magic_and_version_bytes = 5;
    std::memcpy(bytes.data(), model.bytes().data(), magic_and_version_bytes);
    bytes[6] = bytes[7] = std::byte{0};
    std::memcpy(bytes.data() + 8, &tests::sender.cluster.value, sizeof tests::sender.cluster.value);
    const auto body_bytes = static_cast<std::uint32_t>(datagram.size() - wire::header_bytes);
    std::memcpy(bytes.data() + 20, &body_bytes, sizeof body_bytes);
    std::uint64_t counter = 0;
    std::memcpy(&counter, bytes.data() + 32, sizeof counter);
    wire::seal(result, counter >> 2U);
    return result;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto datagram = std::as_bytes(std::span(bytes, size));
    receive(datagram);
    if (size < wire::header_bytes || size > wire::datagram_bytes_max) {
        return 0;
    }
    base::buffer_pool pool;
    const base::buffer sealed = mended(pool, datagram);
    const auto kind = std::to_integer<unsigned>(datagram[5]);
    const bool nameless =
        std::ranges::all_of(datagram.subspan(16, 4), [](std::byte byte) { return byte == std::byte{0}; }) ||
        std::ranges::all_of(datagram.subspan(24, 8), [](std::byte byte) { return byte == std::byte{0}; });
    tests::require(receive(sealed.bytes()) == (kind >= 1 && kind < wire::packet_kinds && !nameless));
    return 0;
}

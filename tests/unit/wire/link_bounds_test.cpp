// SPDX-License-Identifier: BSD-3-Clause
// The bounds of the packets between transports: what their decoders refuse although the seal is good, and what their
// encoders never write.
#include "tests/support/altered_body.hpp"

#include <gtest/gtest.h>

namespace coterie::tests {
namespace {

using wire::fragment;
using wire::life_proof;
using wire::link_probe;
using wire::size_probe;

TEST(link_probe_bounds, there_are_eight_links) {
    EXPECT_TRUE(altered_body(sample<link_probe>()).put(0, std::uint8_t{0}).accepted<link_probe>());
    EXPECT_TRUE(altered_body(sample<link_probe>()).put(0, std::uint8_t{7}).accepted<link_probe>());
    EXPECT_FALSE(altered_body(sample<link_probe>()).put(0, std::uint8_t{8}).accepted<link_probe>());
    EXPECT_FALSE(altered_body(sample<link_probe>()).put(0, std::uint8_t{255}).accepted<link_probe>());
}

TEST(link_probe_bounds, rounds_begin_with_one) { EXPECT_TRUE(judges_counter<link_probe>(1, 1)); }

TEST(link_probe_bounds, any_life_may_be_answered_and_none) {
    for (const std::uint64_t nonce : {std::uint64_t{0}, ~std::uint64_t{0}}) {
        EXPECT_TRUE(altered_body(sample<link_probe>()).put(9, nonce).accepted<link_probe>());
    }
}

TEST(link_probe_bounds_death, encoders_refuse_to_write_what_decoders_refuse_to_read) {
    base::buffer_pool pool;
    EXPECT_DEATH(static_cast<void>(wire::encode(pool, sender, link_probe{.link = {8}, .round = 1, .answered = {}})),
                 "an encoded link probe is within its bounds");
    EXPECT_DEATH(static_cast<void>(wire::encode(pool, sender, link_probe{.link = {1}, .round = 0, .answered = {}})),
                 "an encoded link probe is within its bounds");
}

TEST(life_proof_bounds, it_is_for_somebody) {
    EXPECT_FALSE(altered_body(sample<life_proof>()).put(0, std::uint32_t{0}).accepted<life_proof>());
}

TEST(life_proof_bounds, questions_are_counters_or_none) {
    EXPECT_TRUE(judges_counter<life_proof>(4, 0));
    EXPECT_TRUE(judges_counter<life_proof>(20, 1));
}

TEST(life_proof_bounds, an_answer_names_whom_it_answers) {
    EXPECT_FALSE(altered_body(sample<life_proof>()).put(12, std::uint64_t{0}).accepted<life_proof>());
    EXPECT_FALSE(altered_body(sample<life_proof>()).put(20, std::uint64_t{0}).accepted<life_proof>());
    EXPECT_TRUE(
        altered_body(sample<life_proof>()).put(12, std::uint64_t{0}).put(20, std::uint64_t{0}).accepted<life_proof>());
}

TEST(life_proof_bounds_death, encoders_refuse_to_write_what_decoders_refuse_to_read) {
    base::buffer_pool pool;
    EXPECT_DEATH(static_cast<void>(wire::encode(pool, sender, life_proof{})),
                 "an encoded proof of life is within its bounds");
}

wire::size_probe question(std::uint32_t bytes, std::size_t filler) {
    static const std::vector<std::byte> zeros(wire::datagram_bytes_max);
    return {.link = {1}, .round = 1, .answered = {}, .bytes = bytes, .filler = bytes_view(zeros).first(filler)};
}

template <class Packet>
bool is_read(const Packet& packet) {
    base::buffer_pool pool;
    const base::buffer encoded = wire::encode(pool, sender, packet);
    return decode<Packet>(encoded.bytes().subspan(wire::header_bytes)).has_value();
}

TEST(size_probe_bounds, an_answer_has_no_filler_and_names_a_size_that_can_be) {
    const std::uint32_t least = wire::header_bytes + 21;
    const auto with_bytes = [](std::uint32_t bytes) { return altered_body(sample<size_probe>()).put(17, bytes); };
    EXPECT_TRUE(with_bytes(least).accepted<size_probe>());
    EXPECT_TRUE(with_bytes(wire::datagram_bytes_max).accepted<size_probe>());
    EXPECT_FALSE(with_bytes(least - 1).accepted<size_probe>());
    EXPECT_FALSE(with_bytes(wire::datagram_bytes_max + 1).accepted<size_probe>());
    EXPECT_FALSE(altered_body(sample<size_probe>()).put(0, std::uint8_t{8}).accepted<size_probe>());
    EXPECT_TRUE(judges_counter<size_probe>(1, 1));
}

TEST(size_probe_bounds, a_question_is_as_long_as_it_says) {
    base::buffer_pool pool;
    for (const std::uint32_t bytes : {77U, 78U, 528U, 1'452U, 8'952U, 65'000U}) {
        const base::buffer asked = wire::encode_question(pool, sender, question(bytes, 0));
        EXPECT_EQ(asked.size(), bytes);
        const auto read = wire::decode_size_probe(asked.bytes().subspan(wire::header_bytes));
        ASSERT_TRUE(read) << bytes;
        EXPECT_EQ(read->bytes, bytes);
        base::buffer dirty = pool.copy(asked.bytes());
        if (bytes > 77) {
            dirty.writable().back() = std::byte{1};
            EXPECT_FALSE(wire::decode_size_probe(dirty.bytes().subspan(wire::header_bytes))) << "its filler is zeros";
        }
    }
    EXPECT_DEATH(static_cast<void>(is_read(question(600, 10))), "an encoded size probe is within its bounds");
    EXPECT_DEATH(static_cast<void>(wire::encode_question(pool, sender, question(76, 0))), "can have that size");
    EXPECT_DEATH(static_cast<void>(wire::encode_question(pool, sender, question(65'001, 0))), "can have that size");
}

TEST(fragment_bounds, pieces_are_as_long_as_their_place_says) {
    static const std::vector<std::byte> bytes(wire::datagram_bytes_max);
    const auto piece = [](std::uint32_t total, std::uint32_t unit, std::uint16_t index, std::size_t size) {
        return fragment{
            .number = 1, .total = total, .unit = unit, .index = index, .piece = bytes_view(bytes).first(size)};
    };
    EXPECT_TRUE(is_read(piece(1'000, 300, 0, 300)));
    EXPECT_TRUE(is_read(piece(1'000, 300, 3, 100)));
    EXPECT_TRUE(is_read(piece(900, 300, 2, 300)));
    EXPECT_TRUE(is_read(piece(65'000, 64'926, 0, 64'926)));
    for (const fragment& wrong : {piece(1'000, 300, 0, 299), piece(1'000, 300, 3, 101), piece(1'000, 300, 4, 0),
                                  piece(1'000, 255, 0, 255), piece(300, 300, 0, 300), piece(55, 256, 0, 55),
                                  piece(65'001, 300, 0, 300), piece(65'000, 64'927, 0, 64'927)}) {
        EXPECT_DEATH(static_cast<void>(is_read(wrong)), "an encoded fragment is within its bounds")
            << wrong.total << ' ' << wrong.unit << ' ' << wrong.index;
    }
    EXPECT_TRUE(judges_counter<fragment>(0, 1));
    EXPECT_FALSE(altered_body(sample<fragment>()).put(16, std::uint16_t{3}).accepted<fragment>());
    EXPECT_FALSE(altered_body(sample<fragment>()).put(16, std::uint16_t{1}).accepted<fragment>());
}

} // namespace
} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// Data packets whose payload is written where it will be sent from.
#include "tests/support/wire_packets.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace coterie::tests {
namespace {

class data_in_place : public testing::Test {
protected:
    /// A finished packet with the sample's fields and payload, written into space for `payload_bytes_max`.
    base::buffer written(std::size_t payload_bytes_max) {
        base::buffer packet = wire::begin_data(_pool, payload_bytes_max);
        std::ranges::copy(payload_bytes, wire::payload_space(packet).begin());
        wire::finish_data(packet, sender, sample<wire::data>(), payload_bytes.size());
        return packet;
    }

    base::buffer_pool _pool;
};

TEST_F(data_in_place, gives_the_bytes_that_encode_gives) {
    const base::buffer expected = wire::encode(_pool, sender, sample<wire::data>());
    for (const std::size_t room : {payload_bytes.size(), std::size_t{1400}, std::size_t{60'000}}) {
        EXPECT_TRUE(std::ranges::equal(written(room).bytes(), expected.bytes())) << room;
    }
}

TEST_F(data_in_place, offers_exactly_the_space_that_was_asked_for) {
    for (const std::size_t room : {0U, 1U, 100U, 1400U}) {
        base::buffer packet = wire::begin_data(_pool, room);
        EXPECT_EQ(wire::payload_space(packet).size(), room);
    }
}

TEST_F(data_in_place, knows_its_overhead) {
    for (const std::size_t room : {0U, 10U}) {
        base::buffer packet = wire::begin_data(_pool, room);
        wire::finish_data(packet, sender, sample<wire::data>(), 0);
        EXPECT_EQ(packet.size(), wire::data_overhead_bytes);
    }
    EXPECT_EQ(wire::data_overhead_bytes, 117);
}

TEST_F(data_in_place, is_refreshed_without_touching_anything_else) {
    base::buffer packet = written(100);
    wire::refresh_data(packet, {{0x1403}}, {0x1404}, {{0x1406}}, wire::data::safe);
    wire::data expected = sample<wire::data>();
    expected.hop = {{0x1403}};
    expected.holder = {0x1404};
    expected.stable = {{0x1406}};
    expected.flags = wire::data::safe;
    EXPECT_TRUE(std::ranges::equal(packet.bytes(), wire::encode(_pool, sender, expected).bytes()));
}

TEST_F(data_in_place, is_refreshed_without_a_payload_too) {
    base::buffer packet = wire::begin_data(_pool, 0);
    wire::finish_data(packet, sender, sample<wire::data>(), 0);
    wire::refresh_data(packet, {{7}}, {8}, {{9}}, 0);
    const auto decoded = wire::decode_data(body_of(packet));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->hop.value, 7);
    EXPECT_EQ(decoded->holder.value, 8);
    EXPECT_EQ(decoded->stable.value, 9);
    EXPECT_EQ(decoded->flags, 0);
}

TEST_F(data_in_place, fills_a_datagram_to_its_last_byte) {
    const std::size_t room = wire::datagram_bytes_max - wire::data_overhead_bytes;
    base::buffer packet = wire::begin_data(_pool, room);
    std::ranges::fill(wire::payload_space(packet), std::byte{7});
    wire::finish_data(packet, sender, sample<wire::data>(), room);
    wire::seal(packet, 1);
    const auto opened = wire::open(packet.bytes(), sender.cluster);
    ASSERT_TRUE(opened);
    const auto decoded = wire::decode_data(opened->body);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->payload.size(), room);
}

using data_in_place_death = data_in_place;

TEST_F(data_in_place_death, never_grows_beyond_its_space) {
    EXPECT_DEATH((void)wire::begin_data(_pool, wire::datagram_bytes_max), "a data packet fits into one datagram");
    base::buffer packet = wire::begin_data(_pool, 10);
    EXPECT_DEATH(wire::finish_data(packet, sender, sample<wire::data>(), 11), "within the space taken for it");
}

TEST_F(data_in_place_death, is_not_rewritten_once_it_is_sealed) {
    base::buffer packet = written(100);
    wire::seal(packet, 1);
    EXPECT_DEATH(wire::refresh_data(packet, {{1}}, {1}, {{1}}, 0), "a sealed packet is never rewritten");
    EXPECT_DEATH(wire::finish_data(packet, sender, sample<wire::data>(), 1), "a sealed packet is never rewritten");
}

TEST_F(data_in_place_death, is_refreshed_only_if_it_is_a_data_packet_and_within_bounds) {
    base::buffer other = wire::encode(_pool, sender, sample<wire::report>());
    EXPECT_DEATH(wire::refresh_data(other, {{1}}, {1}, {{1}}, 0), "only a finished data packet is refreshed");
    base::buffer packet = written(100);
    EXPECT_DEATH(wire::refresh_data(packet, {{1}}, {1}, {{1}}, 8), "an encoded data packet is within its bounds");
}

} // namespace
} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// What is refused before a body is looked at, and under which reason it is counted.
#include "tests/support/wire_packets.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

namespace coterie::tests {
namespace {

using wire::refusal_reason;

class header : public testing::Test {
protected:
    header() : _packet(wire::encode(_pool, sender, sample<wire::token_proof>())) {}

    /// Overwrites a field and seals again, as a sender with other ideas would.
    template <class Number>
    void set(std::size_t offset, Number value) {
        std::memcpy(_packet.writable().data() + offset, &value, sizeof value);
        wire::seal(_packet, 5);
    }
    /// The reason for which the packet is refused; `count` when it is not.
    [[nodiscard]] refusal_reason reason() const {
        const auto opened = wire::open(_packet.bytes(), sender.cluster);
        return opened ? refusal_reason::count : opened.error();
    }

    base::buffer_pool _pool;
    base::buffer _packet;
};

TEST_F(header, of_a_sealed_packet_is_accepted) {
    wire::seal(_packet, 5);
    EXPECT_EQ(reason(), refusal_reason::count);
}

TEST_F(header, without_a_seal_is_refused) { EXPECT_EQ(reason(), refusal_reason::tag); }

TEST_F(header, alone_is_long_enough_to_be_judged) {
    wire::seal(_packet, 5);
    const auto one_short = wire::open(_packet.bytes().first(wire::header_bytes - 1), sender.cluster);
    ASSERT_FALSE(one_short);
    EXPECT_EQ(one_short.error(), refusal_reason::too_short);
    const auto empty = wire::open({}, sender.cluster);
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error(), refusal_reason::too_short);
}

TEST_F(header, of_something_else_is_refused_by_its_magic) {
    set(0, std::uint32_t{0x49524F42});
    EXPECT_EQ(reason(), refusal_reason::magic);
}

TEST_F(header, of_another_version_is_refused_as_such) {
    for (const unsigned version : {0U, 2U, 255U}) {
        set(4, static_cast<std::uint8_t>(version));
        EXPECT_EQ(reason(), refusal_reason::version);
    }
}

TEST_F(header, of_another_cluster_is_refused_as_such) {
    wire::seal(_packet, 5);
    const auto opened = wire::open(_packet.bytes(), {sender.cluster.value + 1});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), refusal_reason::cluster);
}

TEST_F(header, of_an_unknown_kind_is_refused_as_such) {
    for (const unsigned kind : {0U, 19U, 255U}) {
        set(5, static_cast<std::uint8_t>(kind));
        EXPECT_EQ(reason(), refusal_reason::kind);
    }
}

TEST_F(header, with_another_length_than_the_datagrams_is_refused) {
    const auto length = static_cast<std::uint32_t>(body_of(_packet).size());
    for (const std::uint32_t other : {length - 1, length + 1, std::uint32_t{0}, std::uint32_t{0xFFFFFFFF}}) {
        set(20, other);
        EXPECT_EQ(reason(), refusal_reason::length);
    }
}

TEST_F(header, of_a_datagram_beyond_the_bound_is_refused) {
    base::buffer large = _pool.take(wire::datagram_bytes_max + 1);
    large.resize(wire::datagram_bytes_max + 1);
    std::ranges::copy(_packet.bytes(), large.space().begin());
    const auto length = static_cast<std::uint32_t>(large.size() - wire::header_bytes);
    std::memcpy(large.writable().data() + 20, &length, sizeof length);
    const auto opened = wire::open(large.bytes(), sender.cluster);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), refusal_reason::length);
}

TEST_F(header, may_have_zeros_behind_the_packet) {
    wire::seal(_packet, 5);
    const auto whole = _packet.bytes();
    for (const std::size_t zeros : {0U, 1U, 2U, 500U}) {
        std::vector<std::byte> padded(whole.begin(), whole.end());
        padded.resize(whole.size() + zeros);
        EXPECT_TRUE(std::ranges::equal(wire::without_padding(padded), whole));
        for (std::size_t at = whole.size(); at < padded.size(); ++at) {
            padded[at] = std::byte{1};
            EXPECT_EQ(wire::without_padding(padded).size(), padded.size()) << "is left to be refused";
            padded[at] = std::byte{0};
        }
    }
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        EXPECT_EQ(wire::without_padding(whole.first(bytes)).size(), bytes) << "cut short";
    }
}

TEST_F(header, under_a_key_is_refused_by_who_has_none) {
    set(6, std::uint8_t{1});
    EXPECT_EQ(reason(), refusal_reason::key_slot);
}

TEST_F(header, with_a_cipher_but_no_key_is_refused) {
    set(7, std::uint8_t{1});
    EXPECT_EQ(reason(), refusal_reason::malformed);
}

TEST_F(header, of_nobody_is_refused) {
    set(16, std::uint32_t{0});
    EXPECT_EQ(reason(), refusal_reason::malformed);
}

TEST_F(header, of_no_incarnation_is_refused) {
    set(24, std::uint64_t{0});
    EXPECT_EQ(reason(), refusal_reason::malformed);
}

TEST_F(header, with_a_damaged_tag_is_refused_before_its_sender_is_believed) {
    set(16, std::uint32_t{0});
    _packet.writable()[40] ^= std::byte{1};
    EXPECT_EQ(reason(), refusal_reason::tag);
}

TEST_F(header, is_judged_from_what_differs_most_to_what_differs_least) {
    // Everything is wrong; each repair brings the next reason up.
    set(0, std::uint32_t{0});
    set(4, std::uint8_t{9});
    set(5, std::uint8_t{99});
    set(6, std::uint8_t{9});
    set(8, std::uint64_t{9});
    set(20, std::uint32_t{9});
    _packet.writable()[40] ^= std::byte{1};
    const auto repair = [this](std::size_t offset, auto value) {
        std::memcpy(_packet.writable().data() + offset, &value, sizeof value);
    };
    EXPECT_EQ(reason(), refusal_reason::magic);
    repair(0, std::uint32_t{0x49524F43});
    EXPECT_EQ(reason(), refusal_reason::version);
    repair(4, std::uint8_t{1});
    EXPECT_EQ(reason(), refusal_reason::cluster);
    repair(8, sender.cluster.value);
    EXPECT_EQ(reason(), refusal_reason::kind);
    repair(5, static_cast<std::uint8_t>(wire::packet_kind::token_proof));
    EXPECT_EQ(reason(), refusal_reason::length);
    repair(20, static_cast<std::uint32_t>(body_of(_packet).size()));
    EXPECT_EQ(reason(), refusal_reason::key_slot);
    repair(6, std::uint8_t{0});
    EXPECT_EQ(reason(), refusal_reason::tag);
    wire::seal(_packet, 5);
    EXPECT_EQ(reason(), refusal_reason::count);
}

TEST_F(header, has_a_tag_that_changes_with_the_counter) {
    wire::seal(_packet, 5);
    const std::vector<std::byte> before(_packet.bytes().begin(), _packet.bytes().end());
    wire::seal(_packet, 6);
    EXPECT_FALSE(std::ranges::equal(std::span(before).subspan(40, 16), _packet.bytes().subspan(40, 16)));
}

TEST_F(header, without_a_body_is_sealed_and_opened) {
    _packet.resize(wire::header_bytes);
    set(20, std::uint32_t{0});
    const auto opened = wire::open(_packet.bytes(), sender.cluster);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->body.empty());
    EXPECT_FALSE(wire::decode_token_proof(opened->body));
}

TEST_F(header, is_marked_sealed_once_it_is) {
    EXPECT_FALSE(_packet.sealed());
    wire::seal(_packet, 5);
    EXPECT_TRUE(_packet.sealed());
}

TEST_F(header, keeps_the_body_where_it_lies) {
    wire::seal(_packet, 5);
    const auto opened = wire::open(_packet.bytes(), sender.cluster);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->body.data(), _packet.bytes().data() + wire::header_bytes);
}

TEST(header_death, nobody_sends_a_packet_without_a_name) {
    base::buffer_pool pool;
    const auto encode_from = [&pool](const wire::origin& from) {
        (void)wire::encode(pool, from, sample<wire::token_proof>());
    };
    EXPECT_DEATH(encode_from({.cluster = {1}, .node = {0}, .nonce = {1}}), "a packet's sender has a node id");
    EXPECT_DEATH(encode_from({.cluster = {1}, .node = {1}, .nonce = {0}}), "a packet's sender has a node id");
}

TEST(header_death, only_what_an_encoder_made_is_sealed) {
    base::buffer_pool pool;
    base::buffer none;
    EXPECT_DEATH(wire::seal(none, 1), "only an encoded packet is sealed");
    base::buffer odd = pool.take(wire::datagram_bytes_max + 1);
    odd.resize(wire::header_bytes - 1);
    EXPECT_DEATH(wire::seal(odd, 1), "only an encoded packet is sealed");
    odd.resize(wire::datagram_bytes_max + 1);
    EXPECT_DEATH(wire::seal(odd, 1), "only an encoded packet is sealed");
}

TEST(header_death, a_counter_never_outgrows_the_wire) {
    base::buffer_pool pool;
    base::buffer packet = wire::encode(pool, sender, sample<wire::token_proof>());
    EXPECT_DEATH(wire::seal(packet, std::uint64_t{1} << 62U), "packet counters stay below 2\\^62");
}

TEST(cluster_id, is_the_same_everywhere_and_differs_by_name) {
    EXPECT_EQ(wire::cluster_of("coterie").value, 0x629FD48536ED16B9);
    EXPECT_NE(wire::cluster_of("coterie"), wire::cluster_of("coterie2"));
    EXPECT_NE(wire::cluster_of("a"), wire::cluster_of(""));
}

TEST(refusal_reasons, have_words_of_their_own) {
    std::set<std::string_view> words;
    for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(refusal_reason::count); ++i) {
        words.insert(wire::to_string(static_cast<refusal_reason>(i)));
    }
    EXPECT_EQ(words.size(), static_cast<std::size_t>(refusal_reason::count));
    EXPECT_FALSE(words.contains("unknown reason"));
    EXPECT_EQ(wire::to_string(refusal_reason::count), "unknown reason");
}

} // namespace
} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// What holds for packets of every kind: they survive the way through the codec, one byte less or more or other is
// noticed, and an encoder never writes what a decoder would refuse.
#include "base/random.hpp"
#include "tests/support/largest_packets.hpp"
#include "tests/support/wire_packets.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coterie::tests {
namespace {

template <class Packet>
constexpr bool carries_payload = std::same_as<Packet, wire::data> || std::same_as<Packet, wire::recovered>;

template <class Packet>
wire::packet_kind kind_of() {
    wire::packet_kind result{};
    for (std::uint8_t i = 1; i < wire::packet_kinds; ++i) {
        const auto kind = static_cast<wire::packet_kind>(i);
        visit_kind(kind, [&]<class Visited>() {
            if (std::same_as<Visited, Packet>) {
                result = kind;
            }
        });
    }
    return result;
}

template <class Packet>
class a_packet : public testing::Test {
protected:
    base::buffer sealed(const Packet& packet, std::uint64_t counter = 1) {
        base::buffer result = wire::encode(_pool, sender, packet);
        wire::seal(result, counter);
        return result;
    }

    base::buffer_pool _pool;
};

using packets = testing::Types<wire::heartbeat, wire::data, wire::token, wire::token_proof, wire::token_request,
                               wire::acknowledgement, wire::repair_request, wire::proposal, wire::report, wire::refusal,
                               wire::plan, wire::completion, wire::install, wire::recovered, wire::link_probe,
                               wire::life_proof, wire::size_probe, wire::fragment>;

struct packet_names {
    template <class Packet>
    static std::string GetName(int) {
        std::string name(wire::to_string(kind_of<Packet>()));
        std::ranges::replace(name, ' ', '_');
        return name;
    }
};

TYPED_TEST_SUITE(a_packet, packets, packet_names);

TYPED_TEST(a_packet, arrives_as_it_was_sent) {
    const base::buffer packet = this->sealed(sample<TypeParam>(), 77);
    const auto opened = wire::open(packet.bytes(), sender.cluster);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->kind, kind_of<TypeParam>());
    EXPECT_EQ(opened->from.cluster, sender.cluster);
    EXPECT_EQ(opened->from.node, sender.node);
    EXPECT_EQ(opened->from.nonce, sender.nonce);
    EXPECT_EQ(opened->counter, 77);
    const auto decoded = decode<TypeParam>(opened->body);
    ASSERT_TRUE(decoded);
    EXPECT_TRUE(same(*decoded, sample<TypeParam>()));
}

TYPED_TEST(a_packet, arrives_as_it_was_sent_at_every_bound) {
    const base::buffer packet = this->sealed(largest<TypeParam>(), counter_max);
    EXPECT_LE(packet.size(), wire::datagram_bytes_max);
    const auto opened = wire::open(packet.bytes(), sender.cluster);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->counter, counter_max);
    const auto decoded = decode<TypeParam>(opened->body);
    ASSERT_TRUE(decoded);
    EXPECT_TRUE(same(*decoded, largest<TypeParam>()));
}

TYPED_TEST(a_packet, has_one_encoding) {
    for (const TypeParam& packet : {sample<TypeParam>(), largest<TypeParam>()}) {
        const base::buffer first = wire::encode(this->_pool, sender, packet);
        const auto decoded = decode<TypeParam>(body_of(first));
        ASSERT_TRUE(decoded);
        const base::buffer second = wire::encode(this->_pool, sender, *decoded);
        EXPECT_TRUE(std::ranges::equal(first.bytes(), second.bytes()));
    }
}

TYPED_TEST(a_packet, is_encoded_the_same_into_a_used_buffer) {
    const base::buffer first = wire::encode(this->_pool, sender, sample<TypeParam>());
    {
        base::buffer dirty = this->_pool.take(first.size());
        std::ranges::fill(dirty.space(), std::byte{0xEE});
    }
    const base::buffer second = wire::encode(this->_pool, sender, sample<TypeParam>());
    EXPECT_TRUE(std::ranges::equal(first.bytes(), second.bytes()));
}

TYPED_TEST(a_packet, is_refused_when_any_of_its_end_is_missing) {
    const base::buffer packet = this->sealed(sample<TypeParam>());
    for (std::size_t size = 0; size < packet.size(); ++size) {
        const auto opened = wire::open(packet.bytes().first(size), sender.cluster);
        ASSERT_FALSE(opened) << "cut to " << size;
        EXPECT_EQ(opened.error(),
                  size < wire::header_bytes ? wire::refusal_reason::too_short : wire::refusal_reason::length);
    }
}

TYPED_TEST(a_packet, has_a_body_that_is_refused_when_any_of_its_end_is_missing) {
    const base::buffer packet = wire::encode(this->_pool, sender, sample<TypeParam>());
    // What is left of a payload is a payload; its length is the header's affair.
    const std::size_t payload = carries_payload<TypeParam> ? payload_bytes.size() : 0;
    for (std::size_t size = 0; size + payload < body_of(packet).size(); ++size) {
        EXPECT_FALSE(decode<TypeParam>(body_of(packet).first(size))) << "cut to " << size;
    }
}

TYPED_TEST(a_packet, is_refused_when_something_follows_it) {
    base::buffer packet = this->_pool.take(1000);
    const base::buffer exact = this->sealed(sample<TypeParam>());
    std::ranges::copy(exact.bytes(), packet.space().begin());
    packet.resize(exact.size() + 1);
    const auto opened = wire::open(packet.bytes(), sender.cluster);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), wire::refusal_reason::length);
    EXPECT_EQ(decode<TypeParam>(body_of(packet)).has_value(), carries_payload<TypeParam>);
}

TYPED_TEST(a_packet, is_refused_when_any_of_its_bytes_is_altered) {
    base::buffer packet = this->sealed(sample<TypeParam>());
    for (std::size_t i = 0; i < packet.size(); ++i) {
        const std::byte original = packet.bytes()[i];
        for (unsigned change = 1; change < 256; ++change) {
            packet.writable()[i] = original ^ static_cast<std::byte>(change);
            ASSERT_FALSE(wire::open(packet.bytes(), sender.cluster)) << "byte " << i << " changed by " << change;
        }
        packet.writable()[i] = original;
    }
    EXPECT_TRUE(wire::open(packet.bytes(), sender.cluster));
}

TYPED_TEST(a_packet, decodes_nothing_from_random_bodies_that_it_would_not_encode) {
    base::random_source random(static_cast<std::uint64_t>(kind_of<TypeParam>()));
    const base::buffer packet = wire::encode(this->_pool, sender, sample<TypeParam>());
    std::vector<std::byte> body(body_of(packet).begin(), body_of(packet).end());
    for (int round = 0; round < 20'000; ++round) {
        std::vector<std::byte> altered = body;
        for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
            altered[random.below(altered.size())] = static_cast<std::byte>(random.next());
        }
        if (const auto decoded = decode<TypeParam>(altered)) {
            const base::buffer again = wire::encode(this->_pool, sender, *decoded);
            ASSERT_TRUE(std::ranges::equal(body_of(again), altered));
        }
    }
}

TEST(packets, of_no_kind_but_the_known_ones_exist) {
    for (unsigned i = 0; i < 256; ++i) {
        const bool known = i >= 1 && i < wire::packet_kinds;
        EXPECT_EQ(visit_kind(static_cast<wire::packet_kind>(i), []<class>() {}), known) << i;
        EXPECT_EQ(wire::to_string(static_cast<wire::packet_kind>(i)) != "unknown kind", known) << i;
    }
}

} // namespace
} // namespace coterie::tests

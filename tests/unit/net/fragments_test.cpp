// SPDX-License-Identifier: BSD-3-Clause
#include "net/fragments.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace coterie::net {
namespace {

const wire::origin self{.cluster = wire::cluster_of("pieces"), .node = {1}, .nonce = {7}};
const base::incarnation life{7};

class pieces : public testing::Test {
protected:
    base::buffer packet(std::size_t bytes) {
        base::buffer result = pool.take(bytes);
        result.resize(bytes);
        std::ranges::generate(result.writable(), [&] { return static_cast<std::byte>(random.next()); });
        return result;
    }
    std::vector<base::buffer> cut(const base::buffer& whole, std::size_t datagram_bytes) {
        return net::cut(pool, self, whole.bytes(), datagram_bytes, ++number);
    }
    static wire::fragment read(const base::buffer& piece) {
        return *wire::decode_fragment(piece.bytes().subspan(wire::header_bytes));
    }
    /// What the last of them completes; the others complete nothing.
    base::buffer put_together(const std::vector<base::buffer>& all) {
        base::buffer result;
        for (const base::buffer& each : all) {
            EXPECT_FALSE(result);
            result = at.add(pool, life, read(each));
        }
        return result;
    }

    base::buffer_pool pool;
    base::random_source random{1};
    std::uint64_t number = 0;
    reassembly at;
};

TEST_F(pieces, of_every_size_make_the_packet_again_in_any_order) {
    for (std::size_t i = 0; i < 300; ++i) {
        const base::buffer whole = packet(530 + random.below(64'000));
        const std::size_t datagram_bytes = std::min<std::size_t>(528 + random.below(9'000), whole.size() - 1);
        std::vector<base::buffer> all = cut(whole, datagram_bytes);
        EXPECT_GT(all.size(), 1U);
        for (const base::buffer& each : all) {
            EXPECT_LE(each.size(), datagram_bytes);
        }
        for (std::size_t k = all.size() - 1; k > 0; --k) {
            std::swap(all[k], all[random.below(k + 1)]);
        }
        const base::buffer made = put_together(all);
        ASSERT_TRUE(made);
        EXPECT_TRUE(std::ranges::equal(made.bytes(), whole.bytes()));
    }
}

TEST_F(pieces, that_come_twice_count_once) {
    const base::buffer whole = packet(3'000);
    std::vector<base::buffer> all = cut(whole, 1'232);
    all.insert(all.begin(), all.front());
    all.insert(all.begin() + 2, all[2]);
    EXPECT_TRUE(std::ranges::equal(put_together(all).bytes(), whole.bytes()));
}

TEST_F(pieces, of_several_packets_may_be_mixed_and_of_some_may_be_lost) {
    std::vector<base::buffer> wholes;
    std::vector<std::vector<base::buffer>> all;
    for (int i = 0; i < 4; ++i) {
        wholes.push_back(packet(2'000));
        all.push_back(cut(wholes.back(), 1'232));
    }
    for (int i = 0; i < 4; ++i) {
        EXPECT_FALSE(at.add(pool, life, read(all[static_cast<std::size_t>(i)][0])));
    }
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_TRUE(std::ranges::equal(at.add(pool, life, read(all[i][1])).bytes(), wholes[i].bytes()));
    }
    for (int i = 0; i < 100; ++i) {
        EXPECT_FALSE(at.add(pool, life, read(cut(packet(2'000), 1'232)[static_cast<std::size_t>(i % 2)])));
    }
    const base::buffer last = packet(5'000);
    EXPECT_TRUE(std::ranges::equal(put_together(cut(last, 528)).bytes(), last.bytes()));
}

TEST_F(pieces, of_two_lives_or_that_contradict_each_other_are_not_mixed) {
    const base::buffer whole = packet(2'000);
    const std::vector<base::buffer> all = cut(whole, 1'232);
    EXPECT_FALSE(at.add(pool, life, read(all[0])));
    EXPECT_FALSE(at.add(pool, {8}, read(all[1])));
    wire::fragment other = read(all[1]);
    const std::vector<std::byte> bytes(1'400);
    other.total = other.unit + 1'000;
    other.piece = base::bytes_view(bytes).first(1'000);
    EXPECT_FALSE(at.add(pool, life, other));
    EXPECT_TRUE(std::ranges::equal(at.add(pool, life, read(all[1])).bytes(), whole.bytes()));
}

TEST_F(pieces, are_made_of_what_does_not_fit_alone) {
    const base::buffer whole = packet(1'000);
    EXPECT_DEATH((void)cut(whole, 1'000), "smaller than it");
    EXPECT_DEATH((void)cut(whole, 300), "not too small");
}

} // namespace
} // namespace coterie::net

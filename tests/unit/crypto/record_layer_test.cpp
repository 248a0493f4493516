// SPDX-License-Identifier: BSD-3-Clause
// Packets between nodes that share a key, and what strangers make of it: forgeries, alterations, recordings.
#include "crypto/record_layer.hpp"

#include "crypto/hkdf.hpp"
#include "tests/unit/crypto/hex.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <openssl/crypto.h>
#include <string>

namespace coterie::crypto {
namespace {

std::size_t openssl_allocations = 0;

/// All that OpenSSL allocates is counted; before main(), since OpenSSL asks for nothing before it is used.
const bool counted = CRYPTO_set_mem_functions(
                         [](std::size_t bytes, const char*, int) {
                             ++openssl_allocations;
                             return protected_allocate(bytes);
                         },
                         [](void* memory, std::size_t bytes, const char*, int) {
                             ++openssl_allocations;
                             return protected_resize(memory, bytes);
                         },
                         [](void* memory, const char*, int) { protected_release(memory); }) == 1;

using std::chrono::milliseconds;
using verdict = record_layer::verdict;

std::vector<std::byte> material(unsigned seed) {
    std::vector<std::byte> result(material_bytes_min);
    for (std::size_t i = 0; i < result.size(); ++i) {
        result[i] = static_cast<std::byte>(seed + i * 7);
    }
    return result;
}

cluster_key key(unsigned seed, std::string_view cluster = "red") { return {material(seed), cluster}; }

/// A daemon's record layer, with all that it sends.
struct daemon {
    daemon(std::uint32_t node, std::uint64_t nonce, unsigned seed = 1, cipher which = cipher::aes_256_gcm,
           std::string_view cluster_name = "red")
        : self{{node}, {nonce}},
          records({.self = self, .cluster = wire::cluster_of(cluster_name)}, {key(seed, cluster_name), {}}, which,
                  pool) {}

    base::buffer packet(std::size_t names = 3) {
        wire::repair_request some{.view = {{{9}}, {1}, {10}}, .attempt = {}, .to_all = true, .ranges = {}};
        some.ranges.assign(names, {.first = {{5}}, .count = 2});
        return wire::encode(pool, {wire::cluster_of("red"), self.node, self.nonce}, some);
    }
    base::buffer sealed() { return records.seal(packet(), ++counter); }
    base::buffer sealed(const base::buffer& plain) { return records.seal(plain, ++counter); }

    record_layer::taken take(const daemon& from, base::bytes_view datagram) {
        const auto fields = wire::read_header(datagram, wire::cluster_of("red"));
        EXPECT_TRUE(fields);
        return records.take(now, from.self.node.value, datagram, *fields);
    }
    /// The verdict alone; what it says back is lost.
    verdict hears(const daemon& from, const base::buffer& datagram) { return take(from, datagram.bytes()).what; }

    base::buffer_pool pool;
    base::member self;
    record_layer records;
    base::time_point now = base::time_point(std::chrono::seconds(1));
    std::uint64_t counter = 0;
};

/// Hands a packet over, and all answers that follow. True if there were any.
bool talk(daemon& from, daemon& to, const base::buffer& datagram) {
    daemon* sender = &from;
    daemon* receiver = &to;
    base::buffer next = datagram;
    bool answered = false;
    for (int steps = 0; next && steps < 10; ++steps) {
        const base::buffer reply = receiver->take(*sender, next.bytes()).reply;
        std::swap(sender, receiver);
        next = reply ? sender->sealed(reply) : base::buffer{};
        answered = answered || next;
    }
    return answered;
}

/// Both know that the other is alive.
void meet(daemon& one, daemon& other) {
    one.now += milliseconds(10);
    other.now += milliseconds(10);
    talk(one, other, one.sealed());
    ASSERT_EQ(one.records.report(other.self.node.value).life, other.self.nonce);
    ASSERT_EQ(other.records.report(one.self.node.value).life, one.self.nonce);
}

TEST(records, are_read_by_whoever_has_the_key) {
    for (const cipher one_way : {cipher::aes_256_gcm, cipher::aes_128_gcm, cipher::chacha20_poly1305}) {
        for (const cipher other_way : {cipher::aes_256_gcm, cipher::chacha20_poly1305}) {
            daemon a(1, 11, 1, one_way);
            daemon b(2, 22, 1, other_way);
            meet(a, b);
            const base::buffer plain = a.packet();
            const auto taken = b.take(a, a.sealed(plain).bytes());
            ASSERT_EQ(taken.what, verdict::good);
            EXPECT_EQ(taken.packet->kind, wire::packet_kind::repair_request);
            EXPECT_EQ(taken.packet->from.node, a.self.node);
            EXPECT_EQ(taken.packet->from.nonce, a.self.nonce);
            EXPECT_EQ(taken.packet->counter, a.counter);
            EXPECT_EQ(to_hex(taken.packet->body), to_hex(plain.bytes().subspan(wire::header_bytes)));
            EXPECT_EQ(taken.datagram.size(), plain.size()) << "encryption takes no room";
            ASSERT_EQ(b.take(b, a.sealed().bytes()).what, verdict::unproven) << "each sender is known by itself";
        }
    }
}

TEST(records, are_made_as_the_document_says) {
    daemon a(7, 0x0102030405060708, 3);
    const base::buffer plain = a.packet();
    const base::buffer sealed = a.records.seal(plain, 0x1112131415161718);
    const std::string header = to_hex(sealed.bytes().first(wire::header_bytes));
    const secret strong = hkdf_extract(std::as_bytes(std::span("coterie cluster red", 19)), material(3));
    std::array<std::byte, 8> drawn{};
    hkdf_expand(strong, std::as_bytes(std::span("coterie slot", 12)), drawn);
    std::uint64_t number = 0;
    for (std::size_t i = drawn.size(); i > 0; --i) {
        number = number * 256 + std::to_integer<std::uint64_t>(drawn.at(i - 1));
    }
    const auto slot = static_cast<std::uint8_t>(1 + number % 255);
    EXPECT_EQ(a.records.slot_used(), slot);
    EXPECT_EQ(header.substr(0, 16), "434f52490107" + to_hex({{std::byte{slot}, std::byte{1}}}));
    EXPECT_EQ(header.substr(64, 16), "1817161514131211");
    // node, nonce, slot, cipher
    std::vector<std::byte> info = from_hex(to_hex(std::as_bytes(std::span("coterie packets ", 16))) +
                                           "070000000807060504030201" + to_hex({{std::byte{slot}, std::byte{1}}}));
    std::vector<std::byte> traffic(32);
    hkdf_expand(strong, info, traffic);
    aead opens(aead::direction::opens, cipher::aes_256_gcm, traffic);
    nonce once{};
    std::ranges::copy(from_hex("000000001817161514131211"), once.begin());
    std::vector<std::byte> body(sealed.size() - wire::header_bytes);
    ASSERT_TRUE(
        opens.open(once, sealed.bytes().first(40), sealed.bytes().subspan(56), body, sealed.bytes().subspan<40, 16>()));
    EXPECT_EQ(to_hex(body), to_hex(plain.bytes().subspan(wire::header_bytes)));
}

TEST(records, leave_what_was_sealed_as_it_is) {
    daemon a(1, 11);
    const base::buffer plain = a.packet();
    const std::string before = to_hex(plain.bytes());
    const base::buffer first = a.sealed(plain);
    const base::buffer second = a.sealed(plain);
    EXPECT_EQ(to_hex(plain.bytes()), before) << "it is still to be delivered here, and sent again";
    EXPECT_NE(to_hex(first.bytes().subspan(wire::header_bytes)), to_hex(second.bytes().subspan(wire::header_bytes)));
    EXPECT_TRUE(first.sealed());
}

TEST(records, are_refused_with_any_bit_changed) {
    daemon a(1, 11);
    daemon b(2, 22);
    meet(a, b);
    const base::buffer good = a.sealed();
    std::size_t judged = 0;
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        std::vector<std::byte> changed(good.bytes().begin(), good.bytes().end());
        changed[bit / 8] ^= std::byte{1} << (bit % 8);
        const auto fields = wire::read_header(changed, wire::cluster_of("red"));
        if (!fields) {
            continue;
        }
        ++judged;
        const auto taken = b.records.take(b.now, a.self.node.value, changed, *fields);
        EXPECT_NE(taken.what, verdict::good) << "bit " << bit;
        EXPECT_NE(taken.what, verdict::consumed) << "bit " << bit;
        EXPECT_FALSE(taken.reply) << "bit " << bit;
        EXPECT_FALSE(b.records.vouches_for(changed, *fields)) << "bit " << bit;
    }
    EXPECT_GT(judged, 8 * (good.size() - wire::header_bytes))
        << "what the header's fields are judged by is not the tag";
    EXPECT_EQ(b.hears(a, good), verdict::good) << "none of this spoils the right one";
}

TEST(records, are_refused_when_they_are_cut_short) {
    daemon a(1, 11);
    daemon b(2, 22);
    meet(a, b);
    const base::buffer good = a.sealed();
    for (std::size_t size = wire::header_bytes; size < good.size(); ++size) {
        std::vector<std::byte> changed(good.bytes().begin(), good.bytes().begin() + static_cast<std::ptrdiff_t>(size));
        const auto length = static_cast<std::uint32_t>(size - wire::header_bytes);
        std::memcpy(changed.data() + 20, &length, sizeof(length));
        EXPECT_EQ(b.take(a, changed).what, verdict::wrong_tag);
    }
}

TEST(records, under_no_key_or_another_are_refused_and_told_apart) {
    daemon b(2, 22);
    daemon plain(1, 11);
    base::buffer open = plain.packet();
    wire::seal(open, 1);
    EXPECT_EQ(b.hears(plain, open), verdict::unknown_key);
    EXPECT_EQ(b.records.report(1).refused.no_key, 1U);
    daemon other(1, 12, 99);
    ASSERT_NE(other.records.slot_used(), b.records.slot_used());
    EXPECT_EQ(b.hears(other, other.sealed()), verdict::unknown_key);
    EXPECT_EQ(b.records.report(1).refused.unknown_key, 1U);
    // A key that happens to have the same slot.
    unsigned seed = 2;
    while (key(seed).slot() != b.records.slot_used()) {
        ++seed;
    }
    daemon alike(1, 13, seed);
    EXPECT_EQ(b.hears(alike, alike.sealed()), verdict::wrong_tag);
    EXPECT_EQ(b.records.report(1).refused.wrong_tag, 1U);
    EXPECT_EQ(b.records.report(1).life, base::no_incarnation);
}

TEST(records, of_clusters_with_other_names_are_under_other_keys) {
    const cluster_key red = key(1, "red");
    const cluster_key blue = key(1, "blue");
    aead seals = red.derive(aead::direction::seals, cipher::aes_256_gcm, {{1}, {2}});
    aead opens = blue.derive(aead::direction::opens, cipher::aes_256_gcm, {{1}, {2}});
    std::array<std::byte, 4> text{};
    std::array<std::byte, aead_tag_bytes> tag{};
    seals.seal({}, {}, text, text, tag);
    EXPECT_FALSE(opens.open({}, {}, text, text, tag));
}

TEST(records, of_every_life_node_and_cipher_are_under_keys_of_their_own) {
    const cluster_key red = key(1);
    std::map<std::string, int> seen;
    for (const cipher which : {cipher::aes_256_gcm, cipher::chacha20_poly1305}) {
        for (std::uint32_t node = 1; node <= 3; ++node) {
            for (std::uint64_t life = 1; life <= 3; ++life) {
                aead seals = red.derive(aead::direction::seals, which, {{node}, {life}});
                std::array<std::byte, 16> text{};
                std::array<std::byte, aead_tag_bytes> tag{};
                seals.seal({}, {}, text, text, tag);
                EXPECT_EQ(seen[to_hex(text)]++, 0);
            }
        }
    }
}

TEST(records, that_come_twice_or_much_too_late_are_refused) {
    daemon a(1, 11);
    daemon b(2, 22);
    meet(a, b);
    const base::buffer early = a.sealed();
    const base::buffer second = a.sealed();
    EXPECT_EQ(b.hears(a, second), verdict::good);
    EXPECT_EQ(b.hears(a, second), verdict::duplicate);
    EXPECT_EQ(b.hears(a, early), verdict::good) << "out of order";
    EXPECT_EQ(b.hears(a, early), verdict::duplicate);
    a.counter += replay_window::remembered;
    EXPECT_EQ(b.hears(a, a.sealed()), verdict::good);
    EXPECT_EQ(b.hears(a, early), verdict::replayed);
    EXPECT_EQ(b.records.report(1).refused.replayed, 1U);
}

TEST(lives, count_once_they_have_answered) {
    daemon a(1, 11);
    daemon b(2, 22);
    const auto first = b.take(a, a.sealed().bytes());
    EXPECT_EQ(first.what, verdict::unproven);
    ASSERT_TRUE(first.reply) << "a question";
    const auto asked = a.take(b, b.sealed(first.reply).bytes());
    EXPECT_EQ(asked.what, verdict::unproven);
    ASSERT_TRUE(asked.reply) << "an answer, and a question of its own";
    const auto answered = b.take(a, a.sealed(asked.reply).bytes());
    EXPECT_EQ(answered.what, verdict::consumed);
    EXPECT_EQ(b.records.report(1).life, a.self.nonce);
    ASSERT_TRUE(answered.reply);
    const auto last = a.take(b, b.sealed(answered.reply).bytes());
    EXPECT_EQ(last.what, verdict::consumed);
    EXPECT_FALSE(last.reply) << "nothing is left to be asked";
    EXPECT_EQ(a.records.report(2).life, b.self.nonce);
    EXPECT_EQ(b.hears(a, a.sealed()), verdict::good);
}

TEST(lives, end_when_another_one_answers) {
    daemon a(1, 11);
    daemon b(2, 22);
    meet(a, b);
    daemon again(1, 12);
    meet(again, b);
    EXPECT_EQ(b.hears(again, again.sealed()), verdict::good);
    EXPECT_EQ(b.hears(a, a.sealed()), verdict::unproven);
}

TEST(lives, that_were_recorded_do_not_come_back) {
    daemon b(2, 22);
    std::vector<std::vector<base::buffer>> recorded;
    for (std::uint64_t life = 100; life < 110; ++life) {
        daemon a(1, life);
        std::vector<base::buffer> all;
        // Everything that it ever says, its answers among it.
        base::buffer next = a.sealed();
        while (next) {
            all.push_back(next);
            const base::buffer asked = b.take(a, next.bytes()).reply;
            const base::buffer said = asked ? a.take(b, b.sealed(asked).bytes()).reply : base::buffer{};
            next = said ? a.sealed(said) : base::buffer{};
        }
        for (int more = 0; more < 3; ++more) {
            all.push_back(a.sealed());
            EXPECT_EQ(b.hears(a, all.back()), verdict::good);
        }
        recorded.push_back(all);
        b.now += milliseconds(10);
    }
    daemon last(1, 200);
    meet(last, b);
    for (int round = 0; round < 20; ++round) {
        b.now += milliseconds(10);
        for (const auto& life : recorded) {
            for (const base::buffer& each : life) {
                EXPECT_EQ(b.hears(last, each), verdict::unproven);
                ASSERT_EQ(b.records.report(1).life, last.self.nonce);
            }
        }
        EXPECT_EQ(b.hears(last, last.sealed()), verdict::good);
    }
    // And a daemon that was started after all of this takes none of them for alive.
    daemon fresh(2, 23);
    for (const auto& life : recorded) {
        for (const base::buffer& each : life) {
            EXPECT_EQ(fresh.hears(last, each), verdict::unproven);
        }
    }
    EXPECT_EQ(fresh.records.report(1).life, base::no_incarnation);
}

TEST(lives, do_not_answer_questions_for_others) {
    // a asks c; somebody hands the question to b, whose answer would be kept until a asks b with that number.
    daemon a(1, 11);
    daemon b(2, 22);
    daemon c(3, 33);
    const base::buffer asked = a.take(c, c.sealed().bytes()).reply;
    ASSERT_TRUE(asked);
    const base::buffer question = a.sealed(asked);
    const base::buffer said = b.take(a, question.bytes()).reply;
    EXPECT_FALSE(said) << "neither an answer nor a question";
    EXPECT_TRUE(c.take(a, question.bytes()).reply);
}

TEST(lives, that_do_not_count_are_asked_and_answered_at_a_pace) {
    daemon a(1, 11);
    daemon b(2, 22);
    std::size_t asked = 0;
    for (int i = 0; i < 1'000; ++i) {
        asked += b.take(a, a.sealed().bytes()).reply ? 1U : 0U;
    }
    EXPECT_EQ(asked, 1U);
    // Questions of many lives, recorded and played back.
    std::vector<base::buffer> questions;
    for (std::uint64_t life = 100; life < 200; ++life) {
        daemon old(1, life);
        questions.push_back(old.sealed(old.take(b, b.sealed().bytes()).reply));
    }
    b.now += milliseconds(10);
    std::size_t said = 0;
    for (int round = 0; round < 10; ++round) {
        for (const base::buffer& each : questions) {
            said += b.take(a, each.bytes()).reply ? 1U : 0U;
        }
    }
    EXPECT_EQ(said, 16U);
}

TEST(keys, may_be_two_and_change_without_a_loss) {
    daemon a(1, 11);
    daemon b(2, 22);
    meet(a, b);
    const base::buffer under_way = a.sealed();
    // Both accept the new key, then one after the other uses it, then the old one goes.
    a.records.change_keys({key(1), key(5)});
    EXPECT_EQ(b.hears(a, a.sealed()), verdict::good);
    b.records.change_keys({key(1), key(5)});
    EXPECT_EQ(b.hears(a, under_way), verdict::good);
    const base::buffer old = a.sealed();
    a.records.change_keys({key(5), key(1)});
    EXPECT_EQ(b.hears(a, a.sealed()), verdict::good);
    EXPECT_EQ(b.records.report(1).slot_used, key(5).slot());
    EXPECT_EQ(b.hears(a, old), verdict::good) << "what was under way";
    EXPECT_EQ(b.hears(a, a.sealed()), verdict::good);
    EXPECT_EQ(a.hears(b, b.sealed()), verdict::good);
    b.records.change_keys({key(5), key(1)});
    a.records.change_keys({key(5), {}});
    EXPECT_EQ(a.hears(b, b.sealed()), verdict::good);
    b.records.change_keys({key(5), {}});
    EXPECT_EQ(a.hears(b, b.sealed()), verdict::good);
    EXPECT_EQ(b.hears(a, a.sealed()), verdict::good);
    daemon late(1, 12);
    EXPECT_EQ(b.hears(late, late.sealed()), verdict::unknown_key) << "the old key opens nothing any more";
}

TEST(keys, that_are_accepted_are_told_to_everybody_who_sends_something) {
    daemon a(1, 11);
    daemon b(2, 22);
    meet(a, b);
    EXPECT_EQ(a.records.report(2).slot_accepted, 0);
    b.records.change_keys({key(1), key(5)});
    b.now += milliseconds(10);
    EXPECT_TRUE(b.take(a, a.sealed().bytes()).reply) << "which gets lost";
    EXPECT_FALSE(b.take(a, a.sealed().bytes()).reply) << "not at once again";
    b.now += milliseconds(10);
    EXPECT_TRUE(talk(a, b, a.sealed()));
    EXPECT_EQ(a.records.report(2).slot_accepted, key(5).slot());
    b.now += milliseconds(10);
    EXPECT_FALSE(b.take(a, a.sealed().bytes()).reply) << "it is known";
    // An answer that was under way when keys changed once more says nothing about these.
    b.records.change_keys({key(1), key(6)});
    b.now += milliseconds(10);
    const base::buffer asked = b.take(a, a.sealed().bytes()).reply;
    ASSERT_TRUE(asked);
    const base::buffer said = a.take(b, b.sealed(asked).bytes()).reply;
    ASSERT_TRUE(said);
    b.records.change_keys({key(5), key(1)});
    const base::buffer late = a.sealed(said);
    a.records.change_keys({key(1), key(5)});
    EXPECT_EQ(b.hears(a, late), verdict::consumed);
    b.now += milliseconds(10);
    EXPECT_TRUE(talk(a, b, a.sealed()));
    EXPECT_EQ(a.records.report(2).slot_used, key(5).slot());
    EXPECT_EQ(a.records.report(2).slot_accepted, key(1).slot());
    EXPECT_EQ(b.records.report(1).slot_accepted, key(5).slot()) << "the answer says so";
}

TEST(keys, make_contexts_once_and_nothing_is_allocated_for_a_packet) {
    ASSERT_TRUE(counted);
    daemon a(1, 11);
    daemon b(2, 22);
    meet(a, b);
    EXPECT_EQ(b.hears(a, a.sealed()), verdict::good);
    const std::size_t before = openssl_allocations;
    ASSERT_GT(before, 0U);
    for (int i = 0; i < 1'000; ++i) {
        ASSERT_EQ(b.hears(a, a.sealed()), verdict::good);
        base::buffer forged = a.sealed();
        forged.writable().back() ^= std::byte{1};
        ASSERT_EQ(b.hears(a, forged), verdict::wrong_tag);
    }
    EXPECT_EQ(openssl_allocations, before);
}

} // namespace
} // namespace coterie::crypto

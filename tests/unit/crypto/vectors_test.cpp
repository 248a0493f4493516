// SPDX-License-Identifier: BSD-3-Clause
// Published vectors: RFC 5869 for HKDF, the GCM specification's test cases, RFC 8439 for ChaCha20-Poly1305. And what every
// cipher has to refuse.
#include "crypto/aead.hpp"
#include "crypto/hkdf.hpp"
#include "tests/unit/crypto/hex.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace coterie::crypto {
namespace {

struct derivation {
    std::string_view material, salt, info, strong, out;
};

constexpr derivation derivations[] = {
    // RFC 5869, A.1 to A.3
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
     "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233343536373"
     "8"
     "393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f90919293949596979"
     "8"
     "999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e"
     "8"
     "e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b83"
     "6"
     "7793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

TEST(hkdf, derives_what_the_standard_says) {
    for (const derivation& each : derivations) {
        const secret strong = hkdf_extract(from_hex(each.salt), from_hex(each.material));
        EXPECT_EQ(to_hex(strong.bytes()), each.strong);
        std::vector<std::byte> out(each.out.size() / 2);
        hkdf_expand(strong, from_hex(each.info), out);
        EXPECT_EQ(to_hex(out), each.out);
    }
}

struct vector {
    cipher which;
    std::string_view key, once, clear, plain, sealed, tag;
};

constexpr std::string_view zeros = "00000000000000000000000000000000";
constexpr std::string_view gcm_plain =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532f"
    "cf0e2449a6b525b16aedf5aa0de657ba637b39";

constexpr vector vectors[] = {
    // The Galois/Counter Mode of Operation, appendix B, cases 1, 2, 4, 13, 14, 16
    {cipher::aes_128_gcm, "00000000000000000000000000000000", "000000000000000000000000", "", "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"},
    {cipher::aes_128_gcm, "00000000000000000000000000000000", "000000000000000000000000", "", zeros,
     "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"},
    {cipher::aes_128_gcm, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2", gcm_plain,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973"
     "d58"
     "e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {cipher::aes_256_gcm, "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {cipher::aes_256_gcm, "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", zeros, "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {cipher::aes_256_gcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2", gcm_plain,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0ab"
     "cc9"
     "f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    // RFC 8439, 2.8.2
    {cipher::chacha20_poly1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f66666"
     "572"
     "20796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b290"
     "5d6"
     "a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116",
     "1ae10b594f09e26a7e902ecbd0600691"},
};

nonce nonce_of(std::string_view hex) {
    nonce result{};
    std::ranges::copy(from_hex(hex), result.begin());
    return result;
}

using tag = std::array<std::byte, aead_tag_bytes>;

tag tag_of(std::string_view hex) {
    tag result{};
    std::ranges::copy(from_hex(hex), result.begin());
    return result;
}

class every_vector : public testing::TestWithParam<vector> {};

TEST_P(every_vector, is_sealed_as_published_and_opened_again) {
    const vector& given = GetParam();
    aead seals(aead::direction::seals, given.which, from_hex(given.key));
    aead opens(aead::direction::opens, given.which, from_hex(given.key));
    const auto plain = from_hex(given.plain);
    for (int again = 0; again < 3; ++again) {
        std::vector<std::byte> out(plain.size());
        tag made{};
        seals.seal(nonce_of(given.once), from_hex(given.clear), plain, out, made);
        EXPECT_EQ(to_hex(out), given.sealed);
        EXPECT_EQ(to_hex(made), given.tag);
        std::vector<std::byte> back = out;
        EXPECT_TRUE(opens.open(nonce_of(given.once), from_hex(given.clear), back, back, made)) << "in place";
        EXPECT_EQ(to_hex(back), given.plain);
    }
}

TEST_P(every_vector, is_refused_with_any_bit_changed) {
    const vector& given = GetParam();
    aead opens(aead::direction::opens, given.which, from_hex(given.key));
    std::vector<std::byte> out(given.plain.size() / 2);
    const auto refused = [&](const nonce& once, const std::vector<std::byte>& clear,
                             const std::vector<std::byte>& sealed,
                             const tag& with) { return !opens.open(once, clear, sealed, out, with); };
    const nonce once = nonce_of(given.once);
    const auto clear = from_hex(given.clear);
    const auto sealed = from_hex(given.sealed);
    const tag right = tag_of(given.tag);
    const auto each_bit = [](auto bytes, auto judge) {
        for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
            bytes[bit / 8] ^= std::byte{1} << (bit % 8);
            EXPECT_TRUE(judge(bytes)) << "bit " << bit;
            bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        }
    };
    each_bit(once, [&](const nonce& changed) { return refused(changed, clear, sealed, right); });
    each_bit(clear, [&](const auto& changed) { return refused(once, changed, sealed, right); });
    each_bit(sealed, [&](const auto& changed) { return refused(once, clear, changed, right); });
    each_bit(right, [&](const tag& changed) { return refused(once, clear, sealed, changed); });
    auto key = from_hex(given.key);
    each_bit(key, [&](const auto& changed) {
        aead other(aead::direction::opens, given.which, changed);
        return !other.open(once, clear, sealed, out, right);
    });
    EXPECT_FALSE(refused(once, clear, sealed, right));
}

TEST_P(every_vector, is_refused_when_it_is_cut_short_or_made_longer) {
    const vector& given = GetParam();
    aead opens(aead::direction::opens, given.which, from_hex(given.key));
    const auto sealed = from_hex(given.sealed);
    const auto clear = from_hex(given.clear);
    for (std::size_t size = 0; size <= sealed.size() + 1; ++size) {
        auto other = sealed;
        other.resize(size);
        std::vector<std::byte> out(size);
        EXPECT_EQ(opens.open(nonce_of(given.once), clear, other, out, tag_of(given.tag)), size == sealed.size());
    }
    for (std::size_t size = 0; size <= clear.size() + 1; ++size) {
        auto other = clear;
        other.resize(size);
        std::vector<std::byte> out(sealed.size());
        EXPECT_EQ(opens.open(nonce_of(given.once), other, sealed, out, tag_of(given.tag)), size == clear.size());
    }
}

INSTANTIATE_TEST_SUITE_P(vectors, every_vector, testing::ValuesIn(vectors));

TEST(ciphers, are_known_by_their_numbers) {
    EXPECT_EQ(cipher_of(1), cipher::aes_256_gcm);
    EXPECT_EQ(cipher_of(2), cipher::aes_128_gcm);
    EXPECT_EQ(cipher_of(3), cipher::chacha20_poly1305);
    EXPECT_FALSE(cipher_of(0));
    EXPECT_FALSE(cipher_of(4));
    EXPECT_FALSE(cipher_of(255));
}

} // namespace
} // namespace coterie::crypto

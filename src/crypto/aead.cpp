// SPDX-License-Identifier: BSD-3-Clause
// Through EVP. What OpenSSL refuses although it was asked correctly is a broken library: there is no going on without it.
#include "crypto/aead.hpp"

#include "base/assert.hpp"

#include <openssl/evp.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace coterie::crypto {

namespace {

constexpr const char* works = "OpenSSL does what it is asked";

const EVP_CIPHER* evp_cipher(cipher which) {
    // Fetched once: looking one up by name takes as long as a packet.
    static EVP_CIPHER* const aes_256 = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    static EVP_CIPHER* const aes_128 = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
    static EVP_CIPHER* const chacha = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
    switch (which) {
    case cipher::aes_256_gcm: return aes_256;
    case cipher::aes_128_gcm: return aes_128;
    case cipher::chacha20_poly1305: return chacha;
    }
    return nullptr;
}

const unsigned char* raw(base::bytes_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
const unsigned char* raw(const nonce& bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* raw(std::span<std::byte> bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

} // namespace

std::string_view to_string(cipher which) {
    switch (which) {
    case cipher::aes_256_gcm: return "AES-256-GCM";
    case cipher::aes_128_gcm: return "AES-128-GCM";
    case cipher::chacha20_poly1305: return "ChaCha20-Poly1305";
    }
    return "unknown cipher";
}

std::optional<cipher> cipher_of(std::uint8_t number) {
    const auto which = static_cast<cipher>(number);
    return number >= 1 && number <= 3 ? std::optional(which) : std::nullopt;
}

std::size_t key_bytes(cipher which) { return which == cipher::aes_128_gcm ? 16 : 32; }

bool processor_has_aes() {
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0;
#elif defined(__aarch64__)
    constexpr unsigned long aes_and_pmull = 0x18;
    return (::getauxval(AT_HWCAP) & aes_and_pmull) == aes_and_pmull;
#else
    return false;
#endif
}

void aead::freed::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }

aead::aead(direction what, cipher which, std::span<const std::byte> key) : _context(EVP_CIPHER_CTX_new()) {
    COTERIE_ASSERT(key.size() == key_bytes(which), "a key is as long as its cipher needs");
    const EVP_CIPHER* const known = evp_cipher(which);
    COTERIE_ASSERT(_context != nullptr && known != nullptr, works);
    COTERIE_ASSERT(
        EVP_CipherInit_ex2(_context.get(), known, raw(key), nullptr, what == direction::seals ? 1 : 0, nullptr) == 1,
        works);
}

void aead::seal(const nonce& once, base::bytes_view clear, base::bytes_view plain, std::span<std::byte> out,
                std::span<std::byte, aead_tag_bytes> tag) {
    EVP_CIPHER_CTX* const context = _context.get();
    int written = 0;
    bool good = EVP_EncryptInit_ex2(context, nullptr, nullptr, raw(once), nullptr) == 1 &&
                EVP_EncryptUpdate(context, nullptr, &written, raw(clear), static_cast<int>(clear.size())) == 1;
    if (!plain.empty()) {
        good = good && EVP_EncryptUpdate(context, raw(out), &written, raw(plain), static_cast<int>(plain.size())) == 1;
    }
    // Neither cipher holds anything back for the end.
    unsigned char nothing = 0;
    good = good && EVP_EncryptFinal_ex(context, &nothing, &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) == 1;
    COTERIE_ASSERT(good, works);
}

bool aead::open(const nonce& once, base::bytes_view clear, base::bytes_view sealed, std::span<std::byte> out,
                std::span<const std::byte, aead_tag_bytes> tag) {
    EVP_CIPHER_CTX* const context = _context.get();
    int written = 0;
    bool good = EVP_DecryptInit_ex2(context, nullptr, nullptr, raw(once), nullptr) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                                    const_cast<std::byte*>(tag.data())) == 1 &&
                EVP_DecryptUpdate(context, nullptr, &written, raw(clear), static_cast<int>(clear.size())) == 1;
    if (!sealed.empty()) {
        good =
            good && EVP_DecryptUpdate(context, raw(out), &written, raw(sealed), static_cast<int>(sealed.size())) == 1;
    }
    unsigned char nothing = 0;
    COTERIE_ASSERT(good, works);
    return EVP_DecryptFinal_ex(context, &nothing, &written) == 1;
}

} // namespace coterie::crypto

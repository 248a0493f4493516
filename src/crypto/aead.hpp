// SPDX-License-Identifier: BSD-3-Clause
// Authenticated encryption under one key, by OpenSSL: a context is made once and then works without allocating. Nonces are
// its user's affair: one that is used twice under a key gives both texts away.
#pragma once

#include "base/bytes.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

struct evp_cipher_ctx_st;

namespace coterie::crypto {

/// The numbers stand in the header of every packet.
enum class cipher : std::uint8_t { aes_256_gcm = 1, aes_128_gcm = 2, chacha20_poly1305 = 3 };

/// As people write it, e.g. "AES-256-GCM".
[[nodiscard]] std::string_view to_string(cipher which);
/// The cipher of that number; nothing if there is none.
[[nodiscard]] std::optional<cipher> cipher_of(std::uint8_t number);
[[nodiscard]] std::size_t key_bytes(cipher which);
/// Whether this machine's processor has instructions for AES; without them ChaCha20 is faster and leaks nothing by its time.
[[nodiscard]] bool processor_has_aes();

inline constexpr std::size_t key_bytes_max = 32;
inline constexpr std::size_t nonce_bytes = 12;
inline constexpr std::size_t aead_tag_bytes = 16;
using nonce = std::array<std::byte, nonce_bytes>;

class aead {
public:
    enum class direction : std::uint8_t { seals, opens };

    /// `key` has key_bytes(which) bytes.
    aead(direction what, cipher which, std::span<const std::byte> key);
    aead(aead&& other) noexcept = default;
    aead& operator=(aead&& other) noexcept = default;
    ~aead() = default;

    /// Encrypts `plain` to `out`, of the same size (or the same bytes), and writes the tag, which covers `clear` as well.
    void seal(const nonce& once, base::bytes_view clear, base::bytes_view plain, std::span<std::byte> out,
              std::span<std::byte, aead_tag_bytes> tag);
    /// The reverse. False when anything is not as it was sealed; what is in `out` then is not to be used.
    [[nodiscard]] bool open(const nonce& once, base::bytes_view clear, base::bytes_view sealed,
                            std::span<std::byte> out, std::span<const std::byte, aead_tag_bytes> tag);

private:
    struct freed {
        void operator()(evp_cipher_ctx_st* context) const;
    };
    std::unique_ptr<evp_cipher_ctx_st, freed> _context;
};

} // namespace coterie::crypto

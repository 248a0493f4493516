// SPDX-License-Identifier: BSD-3-Clause
// HKDF with SHA-256 (RFC 5869): from key material of any kind one strong key, and from that as many as are asked for.
#pragma once

#include "crypto/protected_memory.hpp"

#include <cstddef>
#include <span>

namespace coterie::crypto {

inline constexpr std::size_t hash_bytes = 32;

/// The strong key, of hash_bytes.
[[nodiscard]] secret hkdf_extract(std::span<const std::byte> salt, std::span<const std::byte> material);
/// Fills `out`, of at most 255 times hash_bytes; `info` says what for.
void hkdf_expand(const secret& key, std::span<const std::byte> info, std::span<std::byte> out);

} // namespace coterie::crypto

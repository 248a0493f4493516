// SPDX-License-Identifier: BSD-3-Clause
// The keys of a cluster, of which one is used and another may be accepted besides, and what is derived from them: for each
// sender's life, and each cipher, a key of its own, so that no nonce is ever used twice under a key, restarts or not.
#pragma once

#include "base/ids.hpp"
#include "crypto/aead.hpp"
#include "crypto/protected_memory.hpp"

#include <optional>
#include <string_view>

namespace coterie::crypto {

/// What a cluster's key file may hold.
inline constexpr std::size_t material_bytes_min = 128;
inline constexpr std::size_t material_bytes_max = 4'096;

/// One key of a cluster.
class cluster_key {
public:
    /// The same `material` gives clusters of different names different keys.
    cluster_key(std::span<const std::byte> material, std::string_view cluster_name);

    /// 1 to 255: stands in the header of packets that are sealed under it. Made from the key, so that nodes agree on it
    /// without a word; two keys may have the same one, rarely.
    [[nodiscard]] std::uint8_t slot() const { return _slot; }
    /// The context for what `sender` seals.
    [[nodiscard]] aead derive(aead::direction what, cipher which, const base::member& sender) const;

private:
    secret _key;
    std::uint8_t _slot = 0;
};

struct keyring {
    cluster_key used;
    std::optional<cluster_key> other; ///< accepted as well; of another slot
    /// Null if there is no key of that slot.
    [[nodiscard]] const cluster_key* of(std::uint8_t slot) const {
        return slot == used.slot() ? &used : other && slot == other->slot() ? &*other : nullptr;
    }
};

} // namespace coterie::crypto

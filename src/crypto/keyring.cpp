// SPDX-License-Identifier: BSD-3-Clause
// What is derived is told apart by its first word, so that no two uses share a key.
#include "crypto/keyring.hpp"

#include "crypto/hkdf.hpp"

#include <array>
#include <cstring>
#include <string>

namespace coterie::crypto {

namespace {

constexpr std::string_view salt_word = "coterie cluster ";
constexpr std::string_view slot_word = "coterie slot";
constexpr std::string_view packets_word = "coterie packets ";
constexpr unsigned slots = 255;

base::bytes_view bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

} // namespace

cluster_key::cluster_key(std::span<const std::byte> material, std::string_view cluster_name)
    : _key(hkdf_extract(bytes_of(std::string(salt_word).append(cluster_name)), material)) {
    std::array<std::byte, 8> drawn{};
    hkdf_expand(_key, bytes_of(slot_word), drawn);
    std::uint64_t number = 0;
    std::memcpy(&number, drawn.data(), sizeof(number));
    _slot = static_cast<std::uint8_t>(1 + number % slots);
}

aead cluster_key::derive(aead::direction what, cipher which, const base::member& sender) const {
    std::array<std::byte, packets_word.size() + 14> info{};
    base::byte_writer out(info);
    out.run(bytes_of(packets_word));
    out.number(sender.node);
    out.number(sender.nonce);
    out.number(_slot);
    out.number(static_cast<std::uint8_t>(which));
    secret key(key_bytes(which));
    hkdf_expand(_key, info, key.bytes());
    return {what, which, key.bytes()};
}

} // namespace coterie::crypto

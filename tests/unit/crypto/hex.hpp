// SPDX-License-Identifier: BSD-3-Clause
// Bytes as test vectors write them.
#pragma once

#include "base/bytes.hpp"

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::crypto {

inline std::vector<std::byte> from_hex(std::string_view hex) {
    std::vector<std::byte> result;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        unsigned number = 0;
        std::from_chars(hex.data() + i, hex.data() + i + 2, number, 16);
        result.push_back(static_cast<std::byte>(number));
    }
    return result;
}

inline std::string to_hex(base::bytes_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result;
    for (const std::byte byte : bytes) {
        result += digits[std::to_integer<std::size_t>(byte >> 4U)];
        result += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return result;
}

} // namespace coterie::crypto

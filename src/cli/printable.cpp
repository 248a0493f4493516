// SPDX-License-Identifier: BSD-3-Clause
// Takes text character by character; what is no character of UTF-8 is a byte.
#include "cli/printable.hpp"

#include <fmt/core.h>

namespace coterie::cli {

namespace {

struct character {
    std::size_t bytes = 0; ///< 0: the first byte begins no character
    char32_t code = 0;
};

/// The character at the front of a text that is not empty.
character first_of(std::string_view text) {
    const auto byte_at = [&](std::size_t place) { return static_cast<unsigned char>(text[place]); };
    const unsigned lead = byte_at(0);
    if (lead < 0x80U) {
        return {1, lead};
    }
    const std::size_t bytes = lead >= 0xf0U ? 4 : lead >= 0xe0U ? 3 : 2;
    constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (lead < 0xc2U || lead > 0xf4U || text.size() < bytes) {
        return {};
    }
    char32_t code = lead & (0xffU >> (bytes + 1));
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((byte_at(i) & 0xc0U) != 0x80U) {
            return {};
        }
        code = code << 6U | (byte_at(i) & 0x3fU);
    }
    const bool surrogate = code >= 0xd800U && code <= 0xdfffU;
    return code < smallest[bytes] || code > 0x10ffffU || surrogate ? character{} : character{bytes, code};
}

bool is_control(char32_t code) { return code < 0x20U || (code >= 0x7fU && code < 0xa0U); }

} // namespace

std::string printable(std::string_view bytes) {
    std::string result;
    while (!bytes.empty()) {
        const character next = first_of(bytes);
        const std::size_t taken = next.bytes == 0 ? 1 : next.bytes;
        if (next.bytes == 0 || is_control(next.code)) {
            for (const char each : bytes.substr(0, taken)) {
                result += fmt::format("\\x{:02x}", static_cast<unsigned char>(each));
            }
        } else if (next.code == U'\\') {
            result += "\\\\";
        } else {
            result += bytes.substr(0, taken);
        }
        bytes.remove_prefix(taken);
    }
    return result;
}

bool is_utf8(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t taken = first_of(bytes).bytes;
        if (taken == 0) {
            return false;
        }
        bytes.remove_prefix(taken);
    }
    return true;
}

std::string hexadecimal(std::string_view bytes) {
    std::string result;
    for (const char each : bytes) {
        result += fmt::format("{:02x}", static_cast<unsigned char>(each));
    }
    return result;
}

std::string grouped(std::uint64_t number) {
    std::string result = std::to_string(number);
    for (std::size_t digits = 3; digits < result.size(); digits += 4) {
        result.insert(result.size() - digits, ",");
    }
    return result;
}

} // namespace coterie::cli

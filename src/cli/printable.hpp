// SPDX-License-Identifier: BSD-3-Clause
// Text from elsewhere, made fit for a terminal: names of groups and messages may hold any bytes, also such as move the
// cursor or change its colours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace coterie::cli {

/// UTF-8 text as it is; control characters and bytes that are no UTF-8 as \xNN, a backslash doubled.
[[nodiscard]] std::string printable(std::string_view bytes);
/// Whether it is UTF-8 throughout.
[[nodiscard]] bool is_utf8(std::string_view bytes);
/// Two digits a byte.
[[nodiscard]] std::string hexadecimal(std::string_view bytes);
/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);

} // namespace coterie::cli

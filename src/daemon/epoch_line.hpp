// SPDX-License-Identifier: BSD-3-Clause
// The line that an epoch is stored as. The number stands in it twice: a damaged one that was taken for a lower one would
// let ids of views come back.
#pragma once

#include "base/ids.hpp"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace coterie::daemon {

inline constexpr std::string_view epoch_line_prefix = "coterie epoch 2: ";
inline constexpr std::size_t epoch_line_bytes_max = epoch_line_prefix.size() + 42; ///< two numbers of 20 digits

[[nodiscard]] inline std::string line_of(base::epoch_number epoch) {
    const std::string number = std::to_string(epoch.value);
    return std::string(epoch_line_prefix) + number + ' ' + number + '\n';
}

/// Nothing if the text is anything but such a line, to the last byte.
[[nodiscard]] inline std::optional<base::epoch_number> epoch_of(std::string_view text) {
    base::epoch_number epoch;
    if (text.starts_with(epoch_line_prefix)) {
        const std::string_view numbers = text.substr(epoch_line_prefix.size());
        static_cast<void>(std::from_chars(numbers.data(), numbers.data() + numbers.size(), epoch.value));
        if (text == line_of(epoch)) {
            return epoch;
        }
    }
    return std::nullopt;
}

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// Reads trace files back into events. The order of the file is kept; joining the files of several recorders into one run
// is as simple as reading one after the other, since streams carry their own names.
#pragma once

#include "trace/event.hpp"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::trace {

struct read_error {
    std::size_t line{}; ///< from 1; 0 when the file itself cannot be read
    std::string what;
};

/// All events of a text of lines. Empty lines and those that begin with `#` are passed over. What follows the last line
/// feed is the unfinished line of a recorder that died, and is left out.
[[nodiscard]] std::expected<std::vector<event>, read_error> read_text(std::string_view text);

/// The same of a file.
[[nodiscard]] std::expected<std::vector<event>, read_error> read_file(const std::string& path);

} // namespace coterie::trace

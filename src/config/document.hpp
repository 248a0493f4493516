// SPDX-License-Identifier: BSD-3-Clause
// The syntax of corosync.conf: sections that nest, `key: value` lines, comments. Keeps where everything stood, so that
// whoever judges the values can name file, line and key. What keys mean is in settings.hpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coterie::config {

/// What is wrong, or doubtful, at one place of a file.
struct diagnostic {
    enum class weight : std::uint8_t { warning, error };
    weight how = weight::error;
    std::string file;
    std::size_t line{}; ///< 0: the file as a whole
    std::string key;    ///< with its sections, e.g. "totem.token"; empty if none is meant
    std::string text;   ///< what is wrong and what would be right

    /// "FILE:LINE: KEY: TEXT", one line.
    [[nodiscard]] std::string message() const;
};

struct entry {
    std::string key;
    std::string value;
    std::size_t line{};
};

struct section {
    std::string name; ///< empty for the whole document
    std::size_t line{};
    std::vector<entry> entries; ///< in the order of the file; a key may come again
    std::vector<section> sections;

    /// The last entry of this key, which is the one that counts; null if there is none.
    [[nodiscard]] const entry* find(std::string_view key) const;
};

struct document {
    section root;
    std::vector<diagnostic> faults; ///< lines that could not be understood
};

/// Sections nested deeper than this are a fault.
inline constexpr std::size_t depth_max = 8;
/// Lines longer than this are a fault, as they are for the programs that this syntax comes from.
inline constexpr std::size_t line_bytes_max = 511;

/// Reads a whole text; `file` is its name in diagnostics. Never fails as a whole: what is understood is there.
[[nodiscard]] document parse(std::string_view text, const std::string& file);

} // namespace coterie::config

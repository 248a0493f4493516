// SPDX-License-Identifier: BSD-3-Clause
// A column is as wide as its widest word; the last one is not filled up. Width is counted in characters, not bytes.
#include "cli/text_table.hpp"

#include <algorithm>

namespace coterie::cli {

namespace {

std::size_t width_of(const std::string& word) {
    return static_cast<std::size_t>(
        std::ranges::count_if(word, [](char each) { return (static_cast<unsigned char>(each) & 0xc0U) != 0x80U; }));
}

} // namespace

std::string text_table::text() const {
    if (_rows.empty()) {
        return {};
    }
    std::vector<std::string> titles;
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < _columns.size(); ++i) {
        titles.push_back(_columns[i].title);
        widths.push_back(width_of(titles[i]));
        for (const auto& row : _rows) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    std::string result;
    const auto add_line = [&](const std::vector<std::string>& words) {
        std::string line;
        for (std::size_t i = 0; i < words.size(); ++i) {
            const std::string gap(widths[i] - width_of(words[i]), ' ');
            line += "  " + (_columns[i].right ? gap + words[i] : words[i] + gap);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        result += line + "\n";
    };
    add_line(titles);
    std::ranges::for_each(_rows, add_line);
    return result;
}

} // namespace coterie::cli

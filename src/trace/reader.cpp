// SPDX-License-Identifier: BSD-3-Clause
// Reading of trace files: the whole file at once, then line by line through parse().
#include "trace/reader.hpp"

#include <fstream>
#include <iterator>

namespace coterie::trace {

std::expected<std::vector<event>, read_error> read_text(std::string_view text) {
    std::vector<event> events;
    std::size_t number = 0;
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        ++number;
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        if (!parse(line, events.emplace_back())) {
            return std::unexpected(read_error{number, "not an event: " + std::string(line.substr(0, 120))});
        }
    }
    return events;
}

std::expected<std::vector<event>, read_error> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return std::unexpected(read_error{0, "cannot open " + path});
    }
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (file.bad()) {
        return std::unexpected(read_error{0, "cannot read " + path});
    }
    return read_text(text);
}

} // namespace coterie::trace

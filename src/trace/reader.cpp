// SPDX-License-Identifier: BSD-3-Clause
// Reading of trace files: the whole file at once, then line by line through parse().
#include "trace/reader.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

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
            return std::unexpected(read_error{number, "not an event: " + std::string(line.substr(0, 80))});
        }
    }
    return events;
}

std::expected<std::vector<event>, read_error> read_file(const std::string& path) {
    const auto fault = [] {
        return std::unexpected(read_error{0, std::string("cannot be read: ") + std::strerror(errno)});
    };
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
    if (!file) {
        return fault();
    }
    std::string text;
    std::array<char, 65'536> part{};
    for (std::size_t got = 0; (got = std::fread(part.data(), 1, part.size(), file.get())) > 0;) {
        text.append(part.data(), got);
    }
    if (std::ferror(file.get()) != 0) {
        return fault();
    }
    return read_text(text);
}

} // namespace coterie::trace

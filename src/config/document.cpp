// SPDX-License-Identifier: BSD-3-Clause
// A parser line by line: every line opens a section, closes one, says a key, or is empty or a comment.
#include "config/document.hpp"

namespace coterie::config {

namespace {

constexpr std::string_view blanks = " \t\r\v\f";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

class parser {
public:
    explicit parser(const std::string& file) : _file(file) {}

    document run(std::string_view text) {
        // What is open is kept beside the tree, and put into it when it is closed: nothing points into a vector that grows.
        _open.emplace_back();
        while (!text.empty()) {
            const std::size_t end = text.find('\n');
            ++_line;
            take(text.substr(0, end));
            text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        }
        while (_open.size() > 1) {
            fault(_open.back().line, "this section is not closed; write } on a line of its own at its end");
            close();
        }
        return {.root = std::move(_open.back()), .faults = std::move(_faults)};
    }

private:
    void take(std::string_view raw) {
        const std::string_view line = trimmed(raw);
        if (line.empty() || line.front() == '#') {
            return;
        }
        if (raw.size() > line_bytes_max) {
            fault(_line, "this line is longer than 511 characters");
        } else if (line.find('\0') != std::string_view::npos) {
            fault(_line, "this line has a NUL character in it; is this a text file?");
        } else if (line == "}") {
            if (_open.size() == 1) {
                fault(_line, "this } closes no section");
            } else {
                close();
            }
        } else if (line.back() == '{') {
            open(trimmed(line.substr(0, line.size() - 1)));
        } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos && colon > 0) {
            _open.back().entries.push_back({.key = std::string(trimmed(line.substr(0, colon))),
                                            .value = std::string(trimmed(line.substr(colon + 1))),
                                            .line = _line});
        } else {
            fault(_line, "this line is neither `key: value` nor `section {` nor `}` nor a comment that begins with #");
        }
    }

    void open(std::string_view name) {
        if (name.empty()) {
            fault(_line, "a section needs a name in front of {");
        }
        if (_open.size() > depth_max) {
            fault(_line, "sections are nested too deeply");
        }
        section fresh;
        fresh.name = name;
        fresh.line = _line;
        // Kept even if it is wrong, so that its } finds it.
        _open.push_back(std::move(fresh));
    }

    void close() {
        section done = std::move(_open.back());
        _open.pop_back();
        if (!done.name.empty() && _open.size() <= depth_max) {
            _open.back().sections.push_back(std::move(done));
        }
    }

    void fault(std::size_t line, std::string text) {
        _faults.push_back(
            {.how = diagnostic::weight::error, .file = _file, .line = line, .key = {}, .text = std::move(text)});
    }

    const std::string& _file;
    std::size_t _line = 0;
    std::vector<section> _open;
    std::vector<diagnostic> _faults;
};

} // namespace

std::string diagnostic::message() const {
    std::string result = file;
    if (line != 0) {
        result += ":" + std::to_string(line);
    }
    result += ": ";
    if (!key.empty()) {
        result += key + ": ";
    }
    return result + text;
}

const entry* section::find(std::string_view key) const {
    for (auto each = entries.rbegin(); each != entries.rend(); ++each) {
        if (each->key == key) {
            return &*each;
        }
    }
    return nullptr;
}

document parse(std::string_view text, const std::string& file) { return parser(file).run(text); }

} // namespace coterie::config

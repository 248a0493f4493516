// SPDX-License-Identifier: BSD-3-Clause
// Recorders: files by plain write(2) with O_APPEND, so that nothing waits in a buffer of a process that may be killed.
#include "trace/recorders.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace coterie::trace {

std::expected<file_recorder, std::error_code> file_recorder::open(const std::string& path) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0644);
    if (file < 0) {
        return std::unexpected(std::error_code(errno, std::generic_category()));
    }
    return file_recorder(file);
}

file_recorder::file_recorder(file_recorder&& other) noexcept
    : _file(std::exchange(other._file, -1)),
      _lost(std::exchange(other._lost, 0)),
      _told(std::exchange(other._told, nullptr)) {}

file_recorder& file_recorder::operator=(file_recorder&& other) noexcept {
    std::swap(_file, other._file);
    std::swap(_lost, other._lost);
    std::swap(_told, other._told);
    return *this;
}

file_recorder::~file_recorder() {
    if (_file >= 0) {
        ::close(_file);
    }
}

void file_recorder::record(const event& what) {
    if (const std::error_code fault = write_line(format(what)); fault && ++_lost == 1 && _told) {
        _told(fault);
    }
}

std::error_code file_recorder::note(std::string_view words) { return write_line("# " + std::string(words)); }

std::error_code file_recorder::write_line(std::string line) const {
    line += '\n';
    ssize_t written = 0;
    do {
        written = ::write(_file, line.data(), line.size());
    } while (written < 0 && errno == EINTR);
    if (written == static_cast<ssize_t>(line.size())) {
        return {};
    }
    // A part of a line was the last that there was room for.
    return {written < 0 ? errno : ENOSPC, std::generic_category()};
}

std::vector<event> memory_recorder::take() { return std::exchange(_events, {}); }

} // namespace coterie::trace

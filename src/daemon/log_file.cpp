// SPDX-License-Identifier: BSD-3-Clause
// One write(2) a line, to a descriptor that appends, so that lines of several writers stay whole.
#include "daemon/log_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace coterie::daemon {

namespace {

/// Never waits, whatever it is: lines that a pipe has no room for are missing there.
int open_to_append(const std::string& path) {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

} // namespace

std::expected<std::shared_ptr<log_file>, std::string> log_file::open(const std::string& path) {
    const int descriptor = open_to_append(path);
    if (descriptor < 0) {
        return std::unexpected(std::strerror(errno));
    }
    return std::shared_ptr<log_file>(new log_file(path, descriptor));
}

log_file::~log_file() { ::close(_descriptor); }

void log_file::open_anew() {
    // If the new one cannot be had, the old one is better than none.
    const int fresh = open_to_append(_path);
    if (fresh >= 0) {
        ::close(std::exchange(_descriptor, fresh));
    }
}

bool log_file::write(std::string_view text) const {
    ssize_t written = -1;
    do {
        written = ::write(_descriptor, text.data(), text.size());
    } while (written < 0 && errno == EINTR);
    return written == static_cast<ssize_t>(text.size());
}

void log_file::sink_it_(const spdlog::details::log_msg& message) {
    if (_reopen.exchange(false)) {
        open_anew();
    }
    if (_lost != 0 && write(fmt::format("{} lines are missing here: they could not be written\n", _lost))) {
        _lost = 0;
    }
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (!write({line.data(), line.size()}) && ++_lost == 1) {
        // Whoever looks for the lines there finds the file as it was.
        fmt::print(stderr, "coteried: logging.logfile {} cannot be written to: {}; lines will be missing there\n",
                   _path, std::strerror(errno));
    }
}

} // namespace coterie::daemon

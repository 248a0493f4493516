// SPDX-License-Identifier: BSD-3-Clause
// flock(2) on the file itself. A daemon that ends removes the file while it holds the lock, so after locking one has to
// look whether what was locked is still what stands there.
#include "daemon/pid_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coterie::daemon {

namespace {

/// How often somebody else may remove the file between our opening and locking it.
constexpr int attempts_max = 16;

bool still_there(const std::string& path, int descriptor) {
    struct stat named{};
    struct stat held{};
    return ::stat(path.c_str(), &named) == 0 && ::fstat(descriptor, &held) == 0 && named.st_dev == held.st_dev &&
           named.st_ino == held.st_ino;
}

std::string number_in(int descriptor) {
    char text[16];
    const ssize_t got = ::pread(descriptor, text, sizeof(text), 0);
    const std::string_view whole(text, got > 0 ? static_cast<std::size_t>(got) : 0);
    const std::string_view digits = whole.substr(0, whole.find_first_not_of("0123456789"));
    return digits.empty() ? "unknown" : std::string(digits);
}

std::string fault_of(const std::string& path) {
    // O_NOFOLLOW says it in words that would puzzle.
    const char* const why = errno == ELOOP ? "it is a symbolic link" : std::strerror(errno);
    return "pid file " + path + " cannot be written: " + why;
}

} // namespace

std::expected<std::unique_ptr<pid_file>, std::string> pid_file::take(const std::string& path) {
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (descriptor < 0) {
            return std::unexpected(fault_of(path));
        }
        if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            const std::string owner = number_in(descriptor);
            ::close(descriptor);
            return std::unexpected("pid file " + path + " belongs to a daemon that runs, process " + owner +
                                   "; end that one, or give each its own");
        }
        if (!still_there(path, descriptor)) {
            ::close(descriptor);
            continue;
        }
        const std::string line = std::to_string(::getpid()) + "\n";
        if (::ftruncate(descriptor, 0) != 0 ||
            ::pwrite(descriptor, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
            const std::string fault = fault_of(path);
            ::unlink(path.c_str());
            ::close(descriptor);
            return std::unexpected(fault);
        }
        return std::unique_ptr<pid_file>(new pid_file(path, descriptor));
    }
    return std::unexpected("pid file " + path + " is removed again and again; does another daemon start there?");
}

pid_file::~pid_file() {
    if (still_there(_path, _descriptor)) {
        ::unlink(_path.c_str());
    }
    ::close(_descriptor);
}

} // namespace coterie::daemon

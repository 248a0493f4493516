// SPDX-License-Identifier: BSD-3-Clause
// Memory files by memfd_create(2) with seals.
#include "ipc/memory_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace coterie::ipc {

namespace {

constexpr int size_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;
constexpr int seals = size_seals | F_SEAL_WRITE;

std::unexpected<std::error_code> last_error() {
    return std::unexpected(std::error_code(errno, std::generic_category()));
}

bool write_all(int file, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

/// A process that may not write files of this size would be ended by a signal for it.
std::error_code fault_of_size(std::size_t bytes) {
    rlimit files{};
    const bool allowed =
        ::getrlimit(RLIMIT_FSIZE, &files) != 0 || files.rlim_cur == RLIM_INFINITY || bytes <= files.rlim_cur;
    return allowed ? std::error_code{} : std::make_error_code(std::errc::file_too_large);
}

} // namespace

void descriptor::close() {
    if (_number >= 0) {
        ::close(_number);
        _number = -1;
    }
}

std::expected<descriptor, std::error_code> make_memory_file(std::span<const iovec> parts, std::size_t bytes) {
    if (const std::error_code fault = fault_of_size(bytes)) {
        return std::unexpected(fault);
    }
    descriptor file(::memfd_create("coterie-packet", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file) {
        return last_error();
    }
    std::size_t left = bytes;
    for (const iovec& part : parts) {
        const std::size_t share = std::min(left, part.iov_len);
        if (!write_all(file.number(), {static_cast<const std::byte*>(part.iov_base), share})) {
            return last_error();
        }
        left -= share;
    }
    // What the parts do not fill stays zero.
    if (left > 0 && ::ftruncate(file.number(), static_cast<off_t>(bytes)) != 0) {
        return last_error();
    }
    if (::fcntl(file.number(), F_ADD_SEALS, seals) != 0) {
        return last_error();
    }
    return file;
}

bool is_memory_file(const descriptor& file) { return ::fcntl(file.number(), F_GET_SEALS) >= 0; }

bool is_sealed_memory_file(const descriptor& file, std::size_t bytes) {
    // Only memory files have seals; anything else, whose reads might block, fails here.
    const int set = ::fcntl(file.number(), F_GET_SEALS);
    if (set < 0 || (set & (F_SEAL_SHRINK | F_SEAL_WRITE)) != (F_SEAL_SHRINK | F_SEAL_WRITE)) {
        return false;
    }
    struct stat facts{};
    return ::fstat(file.number(), &facts) == 0 && facts.st_size >= 0 &&
           static_cast<std::uint64_t>(facts.st_size) == bytes;
}

bool read_at(const descriptor& file, std::size_t offset, std::span<std::byte> into) {
    while (!into.empty()) {
        const ssize_t got = ::pread(file.number(), into.data(), into.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        offset += static_cast<std::size_t>(got);
        into = into.subspan(static_cast<std::size_t>(got));
    }
    return true;
}

std::expected<descriptor, std::error_code> make_shared_file(std::size_t bytes) {
    if (const std::error_code fault = fault_of_size(bytes)) {
        return std::unexpected(fault);
    }
    descriptor file(::memfd_create("coterie-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file || ::ftruncate(file.number(), static_cast<off_t>(bytes)) != 0 ||
        ::fcntl(file.number(), F_ADD_SEALS, size_seals) != 0) {
        return last_error();
    }
    return file;
}

bool is_shared_file(const descriptor& file, std::size_t bytes) {
    const int set = ::fcntl(file.number(), F_GET_SEALS);
    if (set < 0 || (set & F_SEAL_SHRINK) == 0) {
        return false;
    }
    // Memory files of huge pages have seals too, but a page that cannot be had there ends the process that touches it.
    struct statfs system{};
    struct stat facts{};
    return ::fstatfs(file.number(), &system) == 0 && system.f_type == TMPFS_MAGIC &&
           ::fstat(file.number(), &facts) == 0 && facts.st_size >= 0 &&
           static_cast<std::uint64_t>(facts.st_size) == bytes;
}

std::expected<mapped_file, std::error_code> mapped_file::map_copy(const descriptor& file, std::size_t bytes) {
    if (bytes == 0 || !is_sealed_memory_file(file, bytes)) {
        return std::unexpected(std::make_error_code(std::errc::bad_message));
    }
    void* const start = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.number(), 0);
    if (start == MAP_FAILED) {
        return last_error();
    }
    return mapped_file({static_cast<std::byte*>(start), bytes});
}

std::expected<mapped_file, std::error_code> mapped_file::map_shared(const descriptor& file, std::size_t bytes,
                                                                    access how) {
    if (bytes == 0 || !is_shared_file(file, bytes)) {
        return std::unexpected(std::make_error_code(std::errc::bad_message));
    }
    const int rights = how == access::write ? PROT_READ | PROT_WRITE : PROT_READ;
    void* const start = ::mmap(nullptr, bytes, rights, MAP_SHARED, file.number(), 0);
    if (start == MAP_FAILED) {
        return last_error();
    }
    return mapped_file({static_cast<std::byte*>(start), bytes});
}

mapped_file::~mapped_file() {
    if (!_bytes.empty()) {
        ::munmap(_bytes.data(), _bytes.size());
    }
}

} // namespace coterie::ipc

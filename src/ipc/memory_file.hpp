// SPDX-License-Identifier: BSD-3-Clause
// Memory files: what is too large for a ring is written into one once, sealed so that nobody can change or shorten it, and
// passed as a file descriptor; memory that two processes share is one too. Also the owner of a file descriptor that this
// layer uses throughout.
#pragma once

#include "base/bytes.hpp"

#include <cstdint>
#include <expected>
#include <span>
#include <system_error>
#include <utility>

struct iovec;

namespace coterie::ipc {

/// Owns a file descriptor.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int number) : _number(number) {}
    descriptor(descriptor&& other) noexcept : _number(std::exchange(other._number, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(_number, other._number);
        return *this;
    }
    ~descriptor() { close(); }

    [[nodiscard]] int number() const { return _number; }
    explicit operator bool() const { return _number >= 0; }
    void close();

private:
    int _number = -1;
};

/// A new sealed memory file that holds the parts one after the other, `bytes` in all.
[[nodiscard]] std::expected<descriptor, std::error_code> make_memory_file(std::span<const iovec> parts,
                                                                          std::size_t bytes);

/// Whether this is a memory file at all: anything else may be a way to another process, which holding it keeps open.
[[nodiscard]] bool is_memory_file(const descriptor& file);

/// Whether this is a memory file of exactly `bytes` that can neither change nor shrink: reading it never blocks.
[[nodiscard]] bool is_sealed_memory_file(const descriptor& file, std::size_t bytes);

/// Reads `into.size()` bytes from `offset` on; false if they are not there.
[[nodiscard]] bool read_at(const descriptor& file, std::size_t offset, std::span<std::byte> into);

/// A new memory file of `bytes`, empty space that takes memory as it is written to, for processes to share: nobody can make
/// it shorter or longer.
[[nodiscard]] std::expected<descriptor, std::error_code> make_shared_file(std::size_t bytes);

/// Whether this is such a file: touching any of its bytes is safe whatever its maker does.
[[nodiscard]] bool is_shared_file(const descriptor& file, std::size_t bytes);

/// The bytes of a memory file in this process's memory.
class mapped_file {
public:
    enum class access : std::uint8_t { read, write };

    mapped_file() = default;
    /// For one reader, who may write to its own copy. Fails if the file is not sealed, not of this size, or there is no
    /// memory.
    [[nodiscard]] static std::expected<mapped_file, std::error_code> map_copy(const descriptor& file,
                                                                              std::size_t bytes);
    /// What others write shows. Fails if this is no shared file of this size.
    [[nodiscard]] static std::expected<mapped_file, std::error_code> map_shared(const descriptor& file,
                                                                                std::size_t bytes, access how);
    mapped_file(mapped_file&& other) noexcept : _bytes(std::exchange(other._bytes, {})) {}
    mapped_file& operator=(mapped_file&& other) noexcept {
        std::swap(_bytes, other._bytes);
        return *this;
    }
    ~mapped_file();

    [[nodiscard]] std::span<std::byte> bytes() const { return _bytes; }

private:
    explicit mapped_file(std::span<std::byte> bytes) : _bytes(bytes) {}
    std::span<std::byte> _bytes;
};

} // namespace coterie::ipc

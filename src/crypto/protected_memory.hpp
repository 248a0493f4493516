// SPDX-License-Identifier: BSD-3-Clause
// Memory for keys: kept from being paged out, left out of core files, wiped when it is given back. A program that calls
// protect_openssl() first has all that OpenSSL allocates there as well, since its contexts hold keys.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace coterie::crypto {

/// `bytes` of such memory, aligned for anything; null when the system has no more. Any thread may call it.
[[nodiscard]] void* protected_allocate(std::size_t bytes) noexcept;
/// As realloc(3): the bytes move to a larger place if there is need of one. Null, and nothing changed, without memory.
[[nodiscard]] void* protected_resize(void* memory, std::size_t bytes) noexcept;
/// Wipes and gives back what protected_allocate() gave.
void protected_release(void* memory) noexcept;
/// Whether everything handed out so far could be kept from being paged out; the system limits how much may be.
[[nodiscard]] bool protected_is_locked() noexcept;

/// To be called before anything else of OpenSSL is. False: it is too late, and OpenSSL goes on with ordinary memory.
[[nodiscard]] bool protect_openssl() noexcept;

/// A run of bytes of that kind.
class secret {
public:
    secret() = default;
    explicit secret(std::size_t bytes);
    secret(secret&& other) noexcept
        : _bytes(std::exchange(other._bytes, nullptr)),
          _size(std::exchange(other._size, 0)) {}
    secret& operator=(secret&& other) noexcept {
        std::swap(_bytes, other._bytes);
        std::swap(_size, other._size);
        return *this;
    }
    ~secret() { protected_release(_bytes); }

    [[nodiscard]] std::span<std::byte> bytes() { return {_bytes, _size}; }
    [[nodiscard]] std::span<const std::byte> bytes() const { return {_bytes, _size}; }
    [[nodiscard]] std::size_t size() const { return _size; }
    [[nodiscard]] bool empty() const { return _size == 0; }
    /// Keeps the first bytes only; the others are wiped with the rest.
    void shorten(std::size_t bytes) { _size = bytes < _size ? bytes : _size; }

private:
    std::byte* _bytes = nullptr;
    std::size_t _size = 0;
};

} // namespace coterie::crypto

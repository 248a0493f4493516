// SPDX-License-Identifier: BSD-3-Clause
// Pooled, reference-counted byte buffers: a datagram is written once and then shared by the repair store, every
// target it is sent to and every client it is handed to. One thread owns a pool and all its buffers (the engine's);
// counts are plain integers. Buffers may outlive their pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace coterie::base {

class buffer_pool;

namespace detail {
struct pool_core;

/// The head of a buffer. Its bytes follow in the same allocation, or are a part of another buffer's.
struct alignas(16) buffer_block {
    pool_core* pool;
    std::byte* bytes;
    buffer_block* whole; ///< what it is a part of; null: of nothing
    std::uint32_t references;
    std::uint32_t size;
    std::uint32_t capacity;
    std::uint16_t size_class;
    bool sealed;
};

void release(buffer_block* block) noexcept;
} // namespace detail

/// A shared handle to a buffer; copying shares, it never copies bytes. Empty when default-constructed.
class buffer {
public:
    buffer() = default;
    buffer(const buffer& other) noexcept : _block(other._block) { acquire(); }
    buffer(buffer&& other) noexcept : _block(std::exchange(other._block, nullptr)) {}
    buffer& operator=(const buffer& other) noexcept {
        buffer copy(other);
        std::swap(_block, copy._block);
        return *this;
    }
    buffer& operator=(buffer&& other) noexcept {
        buffer moved(std::move(other));
        std::swap(_block, moved._block);
        return *this;
    }
    ~buffer() {
        if (_block != nullptr) {
            drop();
        }
    }

    explicit operator bool() const { return _block != nullptr; }
    [[nodiscard]] std::span<const std::byte> bytes() const {
        return _block == nullptr ? std::span<const std::byte>{}
                                 : std::span<const std::byte>{_block->bytes, _block->size};
    }
    /// The whole capacity, for writing. Only while this is the buffer's one reference.
    [[nodiscard]] std::span<std::byte> space() {
        return _block == nullptr ? std::span<std::byte>{} : std::span<std::byte>{_block->bytes, _block->capacity};
    }
    /// The used bytes, for writing in place (sealing, corruption in the simulator).
    [[nodiscard]] std::span<std::byte> writable() { return space().first(size()); }
    [[nodiscard]] std::size_t size() const { return _block == nullptr ? 0 : _block->size; }
    /// Sets how many bytes are in use; at most the capacity.
    void resize(std::size_t size);
    /// How many handles share the bytes.
    [[nodiscard]] std::uint32_t references() const { return _block == nullptr ? 0 : _block->references; }
    /// Whether the transport has sealed these bytes (counter and tag filled in); sealing happens once per datagram.
    [[nodiscard]] bool sealed() const { return _block != nullptr && _block->sealed; }
    void mark_sealed() { _block->sealed = true; }

private:
    friend class buffer_pool;
    explicit buffer(detail::buffer_block* block) : _block(block) {}
    void acquire() const {
        if (_block != nullptr) {
            ++_block->references;
        }
    }
    void drop() noexcept {
        if (--_block->references == 0) {
            detail::release(_block);
        }
    }

    detail::buffer_block* _block = nullptr;
};

/// Hands out buffers and keeps returned ones for re-use, up to a bound. Not thread-safe.
class buffer_pool {
public:
    /// `kept_bytes_max` bounds the memory of idle buffers.
    explicit buffer_pool(std::size_t kept_bytes_max = std::size_t{8} << 20U);
    ~buffer_pool();
    buffer_pool(const buffer_pool&) = delete;
    buffer_pool& operator=(const buffer_pool&) = delete;

    /// A buffer with at least `capacity` bytes of space, size 0, one reference. `capacity` at most 2^31.
    [[nodiscard]] buffer take(std::size_t capacity);
    /// A buffer that holds a copy of `bytes`.
    [[nodiscard]] buffer copy(std::span<const std::byte> bytes);
    /// A buffer of bytes that lie in `whole`, which is kept as long as any part of it. The parts that are written to must not
    /// overlap.
    [[nodiscard]] buffer part(const buffer& whole, std::span<const std::byte> bytes);
    /// Bytes of the idle buffers kept for re-use.
    [[nodiscard]] std::size_t idle_bytes() const;
    /// Keeps none of them any longer.
    void drop_idle();

private:
    detail::pool_core* _core;
};

} // namespace coterie::base

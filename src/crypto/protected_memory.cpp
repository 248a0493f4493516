// SPDX-License-Identifier: BSD-3-Clause
// Blocks of powers of two, cut from pieces of a quarter of a MiB and kept for re-use; what is larger has pieces of its own.
// Most of what OpenSSL asks for is asked for once, at the start.
#include "crypto/protected_memory.hpp"

#include "base/assert.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <openssl/crypto.h>
#include <sys/mman.h>

namespace coterie::crypto {

namespace {

constexpr std::size_t piece_bytes = std::size_t{256} << 10U;
constexpr unsigned smallest_bits = 6;
constexpr unsigned largest_bits = 15;

/// In front of every block.
struct alignas(16) block_head {
    std::size_t bytes; ///< of the block, this head included
    block_head* next;  ///< while it is idle
};

class arena {
public:
    void* allocate(std::size_t bytes) {
        if (bytes > SIZE_MAX / 2) {
            return nullptr;
        }
        const std::size_t whole = std::bit_ceil(bytes + sizeof(block_head));
        const std::scoped_lock lock(_mutex);
        if (whole > std::size_t{1} << largest_bits) {
            return begin(map(whole), whole);
        }
        const std::size_t kind = kind_of(whole);
        if (block_head* const idle = _idle[kind]) {
            _idle[kind] = idle->next;
            return idle + 1;
        }
        const std::size_t size = std::size_t{1} << (kind + smallest_bits);
        if (static_cast<std::size_t>(_end - _at) < size) {
            // What is left of the last piece is less than the largest block.
            std::byte* const piece = map(piece_bytes);
            if (piece == nullptr) {
                return nullptr;
            }
            _at = piece;
            _end = piece + piece_bytes;
        }
        return begin(std::exchange(_at, _at + size), size);
    }

    void release(void* memory) {
        auto* const block = static_cast<block_head*>(memory) - 1;
        OPENSSL_cleanse(memory, block->bytes - sizeof(block_head));
        if (block->bytes > std::size_t{1} << largest_bits) {
            ::munmap(block, block->bytes);
            return;
        }
        const std::scoped_lock lock(_mutex);
        block_head*& idle = _idle[kind_of(block->bytes)];
        block->next = idle;
        idle = block;
    }

    [[nodiscard]] static std::size_t room(void* memory) {
        return (static_cast<block_head*>(memory) - 1)->bytes - sizeof(block_head);
    }

    [[nodiscard]] bool locked() {
        const std::scoped_lock lock(_mutex);
        return _locked;
    }

private:
    static std::size_t kind_of(std::size_t bytes) {
        const auto bits = static_cast<unsigned>(std::bit_width(bytes) - 1);
        return bits <= smallest_bits ? 0 : bits - smallest_bits;
    }

    static void* begin(std::byte* where, std::size_t bytes) {
        return where == nullptr ? nullptr : new (where) block_head{.bytes = bytes, .next = nullptr} + 1;
    }

    std::byte* map(std::size_t bytes) {
        void* const piece = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED) {
            return nullptr;
        }
        ::madvise(piece, bytes, MADV_DONTDUMP);
        _locked = ::mlock(piece, bytes) == 0 && _locked;
        return static_cast<std::byte*>(piece);
    }

    std::mutex _mutex;
    std::array<block_head*, largest_bits - smallest_bits + 1> _idle{};
    std::byte* _at = nullptr;
    std::byte* _end = nullptr;
    bool _locked = true;
};

/// Never destroyed: OpenSSL gives memory back when the program ends, whenever it likes.
arena& the_arena() {
    alignas(arena) static std::byte space[sizeof(arena)];
    static arena* const only = new (space) arena;
    return *only;
}

void* openssl_allocate(std::size_t bytes, const char*, int) { return protected_allocate(bytes); }
void openssl_release(void* memory, const char*, int) { protected_release(memory); }
void* openssl_resize(void* memory, std::size_t bytes, const char*, int) {
    if (bytes == 0) {
        protected_release(memory);
        return nullptr;
    }
    return protected_resize(memory, bytes);
}

} // namespace

void* protected_allocate(std::size_t bytes) noexcept { return the_arena().allocate(bytes); }

void* protected_resize(void* memory, std::size_t bytes) noexcept {
    if (memory != nullptr && bytes <= arena::room(memory)) {
        return memory;
    }
    void* const larger = protected_allocate(bytes);
    if (memory != nullptr && larger != nullptr) {
        std::memcpy(larger, memory, arena::room(memory));
        protected_release(memory);
    }
    return larger;
}

void protected_release(void* memory) noexcept {
    if (memory != nullptr) {
        the_arena().release(memory);
    }
}

bool protected_is_locked() noexcept { return the_arena().locked(); }

bool protect_openssl() noexcept {
    return CRYPTO_set_mem_functions(openssl_allocate, openssl_resize, openssl_release) == 1;
}

secret::secret(std::size_t bytes) : _bytes(static_cast<std::byte*>(protected_allocate(bytes))), _size(bytes) {
    COTERIE_ASSERT(_bytes != nullptr, "there is memory for keys");
    std::memset(_bytes, 0, bytes);
}

} // namespace coterie::crypto

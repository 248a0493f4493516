// SPDX-License-Identifier: BSD-3-Clause
// The pool behind base::buffer: size classes are powers of two; a returned block goes to its class's list.
#include "base/buffer.hpp"

#include "base/assert.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

namespace coterie::base {

namespace detail {

namespace {
constexpr std::size_t class_smallest_bits = 6;
constexpr std::size_t class_count = 26;
} // namespace

/// Lives as long as the pool or any of its buffers, whichever is longer.
struct pool_core {
    std::array<std::vector<buffer_block*>, class_count> idle;
    std::size_t idle_bytes = 0;
    std::size_t idle_bytes_max = 0;
    std::size_t live_blocks = 0;
    bool orphaned = false;
};

namespace {
std::size_t class_of(std::size_t capacity) {
    const std::size_t rounded = std::bit_ceil(capacity < 64 ? std::size_t{64} : capacity);
    return static_cast<std::size_t>(std::countr_zero(rounded)) - class_smallest_bits;
}

std::size_t bytes_in(std::size_t size_class) { return std::size_t{1} << (size_class + class_smallest_bits); }

void destroy(buffer_block* block) noexcept { ::operator delete(block, std::align_val_t{alignof(buffer_block)}); }
} // namespace

void release(buffer_block* block) noexcept {
    pool_core* core = block->pool;
    if (buffer_block* const whole = std::exchange(block->whole, nullptr);
        whole != nullptr && --whole->references == 0) {
        release(whole);
    }
    --core->live_blocks;
    const std::size_t bytes = bytes_in(block->size_class);
    if (core->orphaned || core->idle_bytes + bytes > core->idle_bytes_max) {
        destroy(block);
        if (core->orphaned && core->live_blocks == 0) {
            delete core;
        }
        return;
    }
    core->idle_bytes += bytes;
    core->idle[block->size_class].push_back(block);
}

} // namespace detail

void buffer::resize(std::size_t size) {
    COTERIE_ASSERT(_block != nullptr && size <= _block->capacity, "a buffer is never used beyond its capacity");
    _block->size = static_cast<std::uint32_t>(size);
}

buffer_pool::buffer_pool(std::size_t kept_bytes_max) : _core(new detail::pool_core) {
    _core->idle_bytes_max = kept_bytes_max;
}

void buffer_pool::drop_idle() {
    for (auto& list : _core->idle) {
        for (detail::buffer_block* block : list) {
            detail::destroy(block);
        }
        list = std::vector<detail::buffer_block*>();
    }
    _core->idle_bytes = 0;
}

buffer_pool::~buffer_pool() {
    drop_idle();
    _core->orphaned = true;
    if (_core->live_blocks == 0) {
        delete _core;
    }
}

buffer buffer_pool::take(std::size_t capacity) {
    COTERIE_ASSERT(capacity <= (std::size_t{1} << 31U), "a buffer holds at most 2 GiB");
    const std::size_t index = detail::class_of(capacity);
    const std::size_t rounded = detail::bytes_in(index);
    auto& list = _core->idle[index];
    detail::buffer_block* block = nullptr;
    if (!list.empty()) {
        block = list.back();
        list.pop_back();
        _core->idle_bytes -= rounded;
    } else {
        void* memory =
            ::operator new(sizeof(detail::buffer_block) + rounded, std::align_val_t{alignof(detail::buffer_block)});
        block = new (memory) detail::buffer_block{};
        block->pool = _core;
        block->size_class = static_cast<std::uint16_t>(index);
    }
    block->bytes = reinterpret_cast<std::byte*>(block + 1);
    block->references = 1;
    block->size = 0;
    block->capacity = static_cast<std::uint32_t>(rounded);
    block->sealed = false;
    ++_core->live_blocks;
    return buffer(block);
}

buffer buffer_pool::copy(std::span<const std::byte> bytes) {
    buffer result = take(bytes.size());
    if (!bytes.empty()) {
        std::memcpy(result.space().data(), bytes.data(), bytes.size());
    }
    result.resize(bytes.size());
    return result;
}

buffer buffer_pool::part(const buffer& whole, std::span<const std::byte> bytes) {
    const std::span<const std::byte> all = whole.bytes();
    COTERIE_ASSERT(!all.empty() && bytes.data() >= all.data() && bytes.data() + bytes.size() <= all.data() + all.size(),
                   "a part lies in its whole");
    buffer result = take(0);
    detail::buffer_block& block = *result._block;
    // Of a part's whole if that is a part itself: one step leads to the bytes' owner.
    block.whole = whole._block->whole != nullptr ? whole._block->whole : whole._block;
    ++block.whole->references;
    block.bytes = const_cast<std::byte*>(bytes.data());
    block.size = static_cast<std::uint32_t>(bytes.size());
    block.capacity = block.size;
    return result;
}

std::size_t buffer_pool::idle_bytes() const { return _core->idle_bytes; }

} // namespace coterie::base

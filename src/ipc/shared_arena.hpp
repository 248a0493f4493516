// SPDX-License-Identifier: BSD-3-Clause
// Buffers in memory that a client shares with its daemon, so that a message is sent from where the application wrote it.
// What is in use is known outside the shared memory: nothing that an application writes beyond a buffer's end can confuse
// this allocator.
#pragma once

#include "ipc/memory_file.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace coterie::ipc {

/// Not thread-safe.
class shared_arena {
public:
    /// `bytes` of address space; memory is used as buffers are written.
    [[nodiscard]] static std::expected<shared_arena, std::error_code> make(std::size_t bytes);

    /// The file to pass to the daemon; empty after close_file().
    [[nodiscard]] const descriptor& file() const { return _file; }
    void close_file() { _file.close(); }
    [[nodiscard]] std::size_t size() const { return _mapping.bytes().size(); }

    /// A buffer of at least `bytes`, at a multiple of 64; null when there is no room for it.
    [[nodiscard]] std::byte* take(std::size_t bytes);
    /// False, and nothing happens, unless this is the start of a buffer that was taken and not given back.
    [[nodiscard]] bool give_back(const void* buffer);
    /// Where these bytes lie in the arena, if they lie in one buffer that is taken.
    [[nodiscard]] std::optional<std::size_t> offset_of(const void* start, std::size_t bytes) const;

private:
    shared_arena(mapped_file mapping, descriptor file);

    mapped_file _mapping;
    descriptor _file;
    std::map<std::size_t, std::size_t> _taken; ///< bytes by offset, as asked for
    std::map<std::size_t, std::size_t> _free;  ///< bytes by offset, never two in touch
};

} // namespace coterie::ipc

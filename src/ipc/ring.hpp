// SPDX-License-Identifier: BSD-3-Clause
// A ring of variable-length records in memory that two processes share: one writes, one reads, neither locks. Each end keeps
// its own position in its own memory and judges the other's count whenever it looks at it, so that an end that lies is
// noticed and never followed out of the ring. What records mean, and who wakes whom, is left to others.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace coterie::ipc {

/// The two counts of a ring, in shared memory: bytes since the beginning, never taken modulo anything.
struct ring_counts {
    alignas(64) std::atomic<std::uint64_t> written;  ///< stored by the writer: records up to here are whole
    alignas(64) std::atomic<std::uint64_t> released; ///< stored by the reader: space up to here is free again
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "counts are shared between processes");

inline constexpr std::size_t record_alignment = 8;
/// u32 bytes of the body, u32 tag. Bodies start behind it, at a multiple of 8 bytes.
inline constexpr std::size_t record_head_bytes = 8;

/// What a record with this body takes of a ring.
constexpr std::uint64_t record_bytes(std::uint64_t body_bytes) {
    return record_head_bytes + (body_bytes + record_alignment - 1) / record_alignment * record_alignment;
}

/// The largest body that a ring of this capacity carries: such a record always finds room in an empty ring, wherever the
/// ring's end lies.
constexpr std::size_t body_bytes_max(std::size_t capacity) { return capacity / 4 - record_head_bytes; }

/// A power of two between these can be a ring's capacity.
inline constexpr std::size_t ring_bytes_min = std::size_t{4} << 10U;
inline constexpr std::size_t ring_bytes_max = std::size_t{256} << 20U;
[[nodiscard]] bool is_ring_capacity(std::uint64_t bytes);

/// The part of a ring from its start on in which small records stay, those that take a quarter of it at most, so that most
/// of a large ring is touched, and takes memory, only where large records are written. As much again as the largest small
/// record may follow a large one. All of it, for small rings.
inline constexpr std::size_t small_part_bytes = std::size_t{1} << 20U;
constexpr std::uint64_t small_part(std::uint64_t capacity) {
    return capacity < small_part_bytes ? capacity : small_part_bytes;
}
/// Where the writer is sure of a place for a record.
enum class fit : std::uint8_t {
    tidy,   ///< small records in the small part
    anyhow, ///< wherever there is room: the next free bytes do
};

/// The writing end. One thread at a time.
class ring_writer {
public:
    /// `space` is the ring; its size is_ring_capacity(). Both are shared and must outlive the writer.
    ring_writer(ring_counts& counts, std::span<std::byte> space);

    /// Space for the body of a record with this tag (not 0), to be filled in before publish(); null when there is no room
    /// now, or would be less than `kept_free` bytes afterwards. `body_bytes` is at most body_bytes_max().
    [[nodiscard]] std::byte* reserve(std::size_t body_bytes, std::uint32_t tag, std::size_t kept_free = 0,
                                     fit how = fit::tidy);
    /// Whether reserve() would find room.
    [[nodiscard]] bool has_room(std::size_t body_bytes, std::size_t kept_free = 0, fit how = fit::tidy);
    /// Shows the reader what has been reserved; sequentially consistent, so that a flag that is read next tells whether the
    /// reader may have gone to sleep without seeing it.
    void publish();

    [[nodiscard]] bool has_unpublished() const { return _position != _published; }
    [[nodiscard]] std::size_t capacity() const { return _space.size(); }
    /// Where the last reserved record ends.
    [[nodiscard]] std::uint64_t position() const { return _position; }
    /// The reader has given back all before this place.
    [[nodiscard]] std::uint64_t released();
    /// True for good once the reader has claimed what it cannot have read.
    [[nodiscard]] bool corrupt() const { return _corrupt; }

private:
    struct place {
        std::uint64_t padding; ///< skipped in front of the record, so that it does not run over the ring's end
        std::uint64_t bytes;
    };
    [[nodiscard]] std::optional<place> find_place(std::size_t body_bytes, std::size_t kept_free, fit how);
    [[nodiscard]] std::uint64_t offset() const { return _position & (_space.size() - 1); }
    void write_head(std::uint64_t at, std::uint64_t body_bytes, std::uint32_t tag);

    ring_counts* _counts;
    std::span<std::byte> _space;
    std::uint64_t _position = 0;
    std::uint64_t _published = 0;
    std::uint64_t _released = 0;  ///< as the reader said last
    std::uint64_t _large_end = 0; ///< of the last large record
    std::uint64_t _look_at = 0;   ///< the position at which to see whether the ring is empty
    bool _corrupt = false;
};

/// The reading end. One thread at a time.
class ring_reader {
public:
    struct record {
        std::uint32_t tag{};
        std::span<std::byte> body; ///< in the ring: until it is released, and an evil writer may change it meanwhile
        std::uint64_t end{};       ///< for release()
    };

    ring_reader(ring_counts& counts, std::span<std::byte> space);

    /// The next record; nothing when there is none now or the ring is corrupt.
    [[nodiscard]] std::optional<record> take();
    /// Whether take() would find nothing; sequentially consistent, for looking once more before sleeping.
    [[nodiscard]] bool empty();
    /// Gives back all space up to the end of a record that was taken.
    void release(std::uint64_t end);
    void release_all() { release(_taken); }

    /// The end of the record that was taken last.
    [[nodiscard]] std::uint64_t taken() const { return _taken; }
    [[nodiscard]] std::uint64_t released() const { return _released; }
    [[nodiscard]] std::size_t capacity() const { return _space.size(); }
    /// Whether the writer, that waits for room, had better write on now: half of the part that is in use is free. Always
    /// true of an empty ring.
    [[nodiscard]] bool is_half_free(std::uint64_t record_released_bytes) const;
    /// True for good once the writer has claimed what cannot be.
    [[nodiscard]] bool corrupt() const { return _corrupt; }

private:
    bool look();

    ring_counts* _counts;
    std::span<std::byte> _space;
    std::uint64_t _written = 0; ///< as the writer said last
    std::uint64_t _taken = 0;
    std::uint64_t _released = 0;
    bool _corrupt = false;
};

} // namespace coterie::ipc

// SPDX-License-Identifier: BSD-3-Clause
// Positions are counts of bytes since the beginning; capacities are powers of two, so an offset is a position's low bits. A
// record that would run over the end is preceded by a padding record (tag 0) that fills the rest.
#include "ipc/ring.hpp"

#include "base/assert.hpp"

#include <bit>

namespace coterie::ipc {

namespace {

constexpr std::uint32_t padding_tag = 0;
/// A ring that is found empty this far from its start goes back there: light traffic stays in few pages, warm in the cache
/// and cheap in memory.
constexpr std::uint64_t rewind_bytes = std::uint64_t{64} << 10U;

/// The head of a record, read and written as one number: it is the one part of a record that is judged where it lies.
std::atomic_ref<std::uint64_t> head_at(std::span<std::byte> space, std::uint64_t offset) {
    return std::atomic_ref<std::uint64_t>(*reinterpret_cast<std::uint64_t*>(space.data() + offset));
}

} // namespace

bool is_ring_capacity(std::uint64_t bytes) {
    return std::has_single_bit(bytes) && bytes >= ring_bytes_min && bytes <= ring_bytes_max;
}

ring_writer::ring_writer(ring_counts& counts, std::span<std::byte> space)
    : _counts(&counts),
      _space(space),
      _look_at(rewind_bytes) {
    COTERIE_ASSERT(is_ring_capacity(space.size()), "a ring's capacity is a power of two within bounds");
}

std::uint64_t ring_writer::released() {
    const std::uint64_t said = _counts->released.load(std::memory_order_seq_cst);
    if (said < _released || said > _published || said % record_alignment != 0) {
        _corrupt = true;
    } else {
        _released = said;
    }
    return _released;
}

std::optional<ring_writer::place> ring_writer::find_place(std::size_t body_bytes, std::size_t kept_free, fit how) {
    const std::uint64_t bytes = record_bytes(body_bytes);
    COTERIE_ASSERT(bytes <= _space.size() / 4, "a record takes a quarter of a ring at most");
    const std::uint64_t to_end = _space.size() - offset();
    const std::uint64_t small = small_part(_space.size());
    // Behind a large record some follow where they are: it may be in use for long.
    const bool strays = how == fit::tidy && bytes <= small / 4 && offset() + bytes > small &&
                        _position + bytes > _large_end + small / 4;
    std::uint64_t padding = bytes <= to_end && !strays ? 0 : to_end;
    if (_position >= _look_at) {
        _look_at = _position + rewind_bytes;
        const bool is_empty = released() == _position;
        if (is_empty && offset() >= rewind_bytes && to_end + bytes + kept_free <= _space.size()) {
            padding = to_end;
        }
    }
    const std::uint64_t wanted = padding + bytes + kept_free;
    if (_space.size() - (_position - _released) < wanted && _space.size() - (_position - released()) < wanted) {
        return std::nullopt;
    }
    return _corrupt ? std::nullopt : std::optional(place{.padding = padding, .bytes = bytes});
}

bool ring_writer::has_room(std::size_t body_bytes, std::size_t kept_free, fit how) {
    return find_place(body_bytes, kept_free, how).has_value();
}

std::byte* ring_writer::reserve(std::size_t body_bytes, std::uint32_t tag, std::size_t kept_free, fit how) {
    const auto found = find_place(body_bytes, kept_free, how);
    if (!found) {
        return nullptr;
    }
    if (found->padding > 0) {
        write_head(offset(), found->padding - record_head_bytes, padding_tag);
        _position += found->padding;
    }
    const std::uint64_t at = offset();
    write_head(at, body_bytes, tag);
    _position += found->bytes;
    if (found->bytes > small_part(_space.size()) / 4) {
        _large_end = _position;
    }
    return _space.data() + at + record_head_bytes;
}

void ring_writer::write_head(std::uint64_t at, std::uint64_t body_bytes, std::uint32_t tag) {
    head_at(_space, at).store(std::uint64_t{tag} << 32U | body_bytes, std::memory_order_relaxed);
}

void ring_writer::publish() {
    _published = _position;
    _counts->written.store(_position, std::memory_order_seq_cst);
}

ring_reader::ring_reader(ring_counts& counts, std::span<std::byte> space) : _counts(&counts), _space(space) {
    COTERIE_ASSERT(is_ring_capacity(space.size()), "a ring's capacity is a power of two within bounds");
}

bool ring_reader::look() {
    const std::uint64_t said = _counts->written.load(std::memory_order_seq_cst);
    if (said < _written || said - _released > _space.size() || said % record_alignment != 0) {
        _corrupt = true;
    } else {
        _written = said;
    }
    return !_corrupt && _written != _taken;
}

bool ring_reader::empty() { return _corrupt || (_written == _taken && !look()); }

std::optional<ring_reader::record> ring_reader::take() {
    while (!empty()) {
        const std::uint64_t at = _taken & (_space.size() - 1);
        const std::uint64_t head = head_at(_space, at).load(std::memory_order_relaxed);
        const std::uint64_t body_bytes = head & 0xFFFF'FFFFU;
        const auto tag = static_cast<std::uint32_t>(head >> 32U);
        const std::uint64_t bytes = record_bytes(body_bytes);
        if (bytes > _written - _taken || bytes > _space.size() - at) {
            _corrupt = true;
            break;
        }
        _taken += bytes;
        if (tag != padding_tag) {
            return record{.tag = tag,
                          .body = _space.subspan(static_cast<std::size_t>(at) + record_head_bytes,
                                                 static_cast<std::size_t>(body_bytes)),
                          .end = _taken};
        }
    }
    return std::nullopt;
}

bool ring_reader::is_half_free(std::uint64_t record_released_bytes) const {
    const std::uint64_t mask = _space.size() - 1;
    const std::uint64_t small = small_part(_space.size());
    const std::uint64_t written = _counts->written.load(std::memory_order_seq_cst);
    std::uint64_t used = written - _released;
    // Around the end of the small part: what lies behind it was skipped.
    if ((written & mask) < (_released & mask) && (_released & mask) <= small) {
        used -= _space.size() - small;
    }
    return used <= (record_released_bytes > small / 4 ? _space.size() : small) / 2;
}

void ring_reader::release(std::uint64_t end) {
    if (end != _released) {
        _released = end;
        _counts->released.store(end, std::memory_order_seq_cst);
    }
}

} // namespace coterie::ipc

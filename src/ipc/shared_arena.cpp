// SPDX-License-Identifier: BSD-3-Clause
// First fit by address, so that a few buffers that come and go stay in the same few pages.
#include "ipc/shared_arena.hpp"

#include <algorithm>
#include <iterator>

namespace coterie::ipc {

namespace {

constexpr std::size_t alignment = 64;

/// What a buffer takes of the arena; 0 for one that no arena holds.
std::size_t footprint(std::size_t bytes) {
    return (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
}

} // namespace

std::expected<shared_arena, std::error_code> shared_arena::make(std::size_t bytes) {
    auto file = make_shared_file(bytes);
    if (!file) {
        return std::unexpected(file.error());
    }
    auto mapping = mapped_file::map_shared(*file, bytes, mapped_file::access::write);
    if (!mapping) {
        return std::unexpected(mapping.error());
    }
    return shared_arena(std::move(*mapping), std::move(*file));
}

shared_arena::shared_arena(mapped_file mapping, descriptor file)
    : _mapping(std::move(mapping)),
      _file(std::move(file)),
      _free{{0, _mapping.bytes().size()}} {}

std::byte* shared_arena::take(std::size_t bytes) {
    const std::size_t wanted = footprint(bytes);
    const auto fits = [wanted](const auto& hole) { return wanted != 0 && hole.second >= wanted; };
    const auto hole = std::ranges::find_if(_free, fits);
    if (hole == _free.end()) {
        return nullptr;
    }
    const auto [offset, room] = *hole;
    _free.erase(hole);
    if (room > wanted) {
        _free.emplace(offset + wanted, room - wanted);
    }
    _taken.emplace(offset, bytes);
    return _mapping.bytes().data() + offset;
}

bool shared_arena::give_back(const void* buffer) {
    const auto start = reinterpret_cast<std::uintptr_t>(buffer);
    const auto base = reinterpret_cast<std::uintptr_t>(_mapping.bytes().data());
    const auto taken = start < base ? _taken.end() : _taken.find(start - base);
    if (taken == _taken.end()) {
        return false;
    }
    std::size_t offset = taken->first;
    std::size_t bytes = footprint(taken->second);
    _taken.erase(taken);
    const auto next = _free.lower_bound(offset);
    if (next != _free.begin()) {
        const auto before = std::prev(next);
        if (before->first + before->second == offset) {
            offset = before->first;
            bytes += before->second;
            _free.erase(before);
        }
    }
    if (next != _free.end() && offset + bytes == next->first) {
        bytes += next->second;
        _free.erase(next);
    }
    _free.emplace(offset, bytes);
    return true;
}

std::optional<std::size_t> shared_arena::offset_of(const void* start, std::size_t bytes) const {
    const auto first = reinterpret_cast<std::uintptr_t>(start);
    const auto base = reinterpret_cast<std::uintptr_t>(_mapping.bytes().data());
    if (first < base) {
        return std::nullopt;
    }
    const std::size_t offset = first - base;
    const auto after = _taken.upper_bound(offset);
    if (after == _taken.begin()) {
        return std::nullopt;
    }
    const auto& [begin, size] = *std::prev(after);
    const bool inside = offset - begin <= size && bytes <= size - (offset - begin);
    return inside ? std::optional(offset) : std::nullopt;
}

} // namespace coterie::ipc

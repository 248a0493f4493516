// SPDX-License-Identifier: BSD-3-Clause
// As many events to a row as it holds.
#include "ipc/event_backlog.hpp"

#include <cstring>
#include <sys/uio.h>

namespace coterie::ipc {

namespace {
/// Idle blocks that a pool keeps; 4 MiB.
constexpr std::size_t idle_blocks_max = 64;
} // namespace

row_pool::block row_pool::take() {
    if (_idle.empty()) {
        return std::make_unique_for_overwrite<std::byte[]>(row_bytes_max);
    }
    block result = std::move(_idle.back());
    _idle.pop_back();
    return result;
}

void row_pool::give_back(block space) {
    if (space && _idle.size() < idle_blocks_max) {
        _idle.push_back(std::move(space));
    }
}

event_backlog::~event_backlog() {
    for (entry& each : _entries) {
        _pool->give_back(std::move(each.space));
    }
    _pool->removed(_bytes);
}

bool event_backlog::takes_more() {
    _failed = _failed || _bytes > _bytes_max;
    return !_failed;
}

std::span<std::byte> event_backlog::add(std::size_t bytes) {
    if (!takes_more()) {
        return {};
    }
    if (_entries.empty() || !_entries.back().is_row() || row_bytes_max - _entries.back().bytes < bytes) {
        _entries.push_back({.space = _pool->take(), .bytes = 0, .large = {}, .file = {}});
    }
    entry& last = _entries.back();
    const std::span<std::byte> result(last.space.get() + last.bytes, bytes);
    last.bytes += bytes;
    count(bytes);
    return result;
}

void event_backlog::add_large(std::span<const iovec> parts, std::size_t bytes) {
    if (!takes_more()) {
        return;
    }
    entry added{.space = {}, .bytes = bytes, .large = {}, .file = {}};
    if (_entries.empty() && bytes > _carried_max) {
        if (auto file = make_memory_file(parts, bytes)) {
            added.file = std::move(*file);
        }
    }
    if (!added.file) {
        added.large.reserve(bytes);
        for (const iovec& part : parts) {
            const auto* const from = static_cast<const std::byte*>(part.iov_base);
            added.large.insert(added.large.end(), from, from + part.iov_len);
        }
    }
    _entries.push_back(std::move(added));
    count(bytes);
}

bool event_backlog::prepare_front() {
    entry& next = _entries.front();
    if (next.bytes <= _carried_max || next.file) {
        return true;
    }
    const iovec part{next.large.data(), next.large.size()};
    auto file = make_memory_file(std::span(&part, 1), next.bytes);
    if (!file) {
        return false;
    }
    next.file = std::move(*file);
    next.large = {};
    return true;
}

void event_backlog::remove_front() {
    _bytes -= _entries.front().bytes;
    _pool->removed(_entries.front().bytes);
    _pool->give_back(std::move(_entries.front().space));
    _entries.pop_front();
}

} // namespace coterie::ipc

// SPDX-License-Identifier: BSD-3-Clause
// One file: a page of control words, the answer, the ring of requests, the ring of events. A new file is all zeros, which is
// how every count and word begins.
#include "ipc/channel_memory.hpp"

#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace coterie::ipc {

namespace {

constexpr std::size_t control_bytes = 4'096;
static_assert(sizeof(channel_control) <= control_bytes);

constexpr std::size_t answer_offset = control_bytes;
constexpr std::size_t requests_offset = answer_offset + answer_bytes_max;

std::size_t file_bytes(const channel_memory::sizes& rings) { return requests_offset + rings.requests + rings.events; }

} // namespace

std::expected<descriptor, std::error_code> channel_memory::make_file(const sizes& rings) {
    return make_shared_file(file_bytes(rings));
}

std::expected<channel_memory, std::error_code> channel_memory::map(const descriptor& file, const sizes& rings) {
    if (!is_ring_capacity(rings.requests) || !is_ring_capacity(rings.events)) {
        return std::unexpected(std::make_error_code(std::errc::bad_message));
    }
    auto mapping = mapped_file::map_shared(file, file_bytes(rings), mapped_file::access::write);
    if (!mapping) {
        return std::unexpected(mapping.error());
    }
    return channel_memory(std::move(*mapping), rings);
}

channel_control& channel_memory::control() const {
    return *reinterpret_cast<channel_control*>(_mapping.bytes().data());
}

std::span<std::byte> channel_memory::answer() const {
    return _mapping.bytes().subspan(answer_offset, answer_bytes_max);
}

std::span<std::byte> channel_memory::requests() const {
    return _mapping.bytes().subspan(requests_offset, _rings.requests);
}

std::span<std::byte> channel_memory::events() const {
    return _mapping.bytes().subspan(requests_offset + _rings.requests, _rings.events);
}

void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, int timeout_ms) {
    const timespec limit{.tv_sec = timeout_ms / 1'000, .tv_nsec = timeout_ms % 1'000 * 1'000'000L};
    ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, &limit, nullptr, 0);
}

void futex_wake(const std::atomic<std::uint32_t>& word) {
    ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

} // namespace coterie::ipc

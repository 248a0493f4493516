// SPDX-License-Identifier: BSD-3-Clause
// What a client and its daemon share: two rings, the place of an answer, and the few words by which they tell each other
// whether they need waking. The daemon makes it, passes its file, and believes nothing that it reads in it.
#pragma once

#include "ipc/memory_file.hpp"
#include "ipc/ring.hpp"

#include <atomic>

namespace coterie::ipc {

/// Bytes of an answer that fit at once; longer ones are fetched part by part.
inline constexpr std::size_t answer_bytes_max = std::size_t{64} << 10U;

/// Whether the daemon looks at a client's requests by itself.
enum class daemon_sleep : std::uint32_t {
    none = 0,
    until_request = 1,
    until_asked = 2, ///< there is no room for multicasts; only a request that somebody waits for wakes the daemon
};

/// Each line of 64 bytes is written by one side, or seldom.
struct channel_control {
    ring_counts requests; ///< the client writes
    ring_counts events;   ///< the daemon writes

    // Who sleeps says so before it looks into its ring for the last time; who writes looks here after publishing. Whoever
    // changes a word to 0 wakes the other with a packet on the socket, so that there is one packet for one sleep.
    alignas(
        64) std::atomic<std::uint32_t> daemon_sleeps; ///< it looks at the requests only after a packet: a daemon_sleep
    alignas(64) std::atomic<std::uint32_t> asking;    ///< a thread of the client waits for an answer
    alignas(64)
        std::atomic<std::uint32_t> signal_wanted; ///< the client has taken every event; the next comes with a packet
    alignas(64) std::atomic<std::uint32_t> room_wanted; ///< the daemon waits until the ring of events is half empty

    /// Packets on the socket since the welcome, files among them: those that tell of published events. Each has been sent or
    /// is about to be.
    alignas(64) std::atomic<std::uint64_t> signals;

    /// How many requests have been answered, modulo 2^32; a futex. What follows belongs to the last.
    alignas(64) std::atomic<std::uint32_t> answered;
    std::uint32_t result;
    std::uint64_t answer_bytes; ///< of all its parts
};

/// Owns the mapping of one side. Safe to use as long as it lives, whatever the other side does.
class channel_memory {
public:
    struct sizes {
        std::size_t requests = std::size_t{8} << 20U; ///< each is_ring_capacity()
        std::size_t events = std::size_t{8} << 20U;
    };
    /// A new file for these rings, for the daemon to map and to pass on.
    [[nodiscard]] static std::expected<descriptor, std::error_code> make_file(const sizes& rings);
    /// `rings` as the file was made for. Fails if it is another file.
    [[nodiscard]] static std::expected<channel_memory, std::error_code> map(const descriptor& file, const sizes& rings);

    [[nodiscard]] channel_control& control() const;
    [[nodiscard]] std::span<std::byte> answer() const;
    [[nodiscard]] std::span<std::byte> requests() const;
    [[nodiscard]] std::span<std::byte> events() const;
    [[nodiscard]] std::span<std::byte> all() const { return _mapping.bytes(); }

private:
    channel_memory(mapped_file mapping, const sizes& rings) : _mapping(std::move(mapping)), _rings(rings) {}

    mapped_file _mapping;
    sizes _rings;
};

/// Waits until `word` is not `seen`, or somebody wakes it, or the time is over. Spurious returns happen.
void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, int timeout_ms);
/// Wakes whoever waits for the word, in any process.
void futex_wake(const std::atomic<std::uint32_t>& word);

} // namespace coterie::ipc

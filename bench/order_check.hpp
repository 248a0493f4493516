// SPDX-License-Identifier: BSD-3-Clause
// What the benchmarks send and how they judge what they get: numbered messages of several senders, whether each sender's
// come whole and in their row, and a digest by which members compare the order of all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace coterie::bench {

enum class kind : std::uint32_t {
    numbered = 0x6D5A'0001, ///< one of the messages that are counted
    last = 0x6D5A'0002,     ///< its sequence number is how many numbered ones the sender has sent
};

/// How a message begins; the rest is filled with words that depend on sender and number.
struct heading {
    kind what = kind::numbered;
    std::uint32_t sender = 0; ///< a node's id, or the number of a client among several on one node
    std::uint64_t sequence = 0;
    std::int64_t sent_ns = 0; ///< on the sender's monotonic clock
    std::uint64_t seal = 0;   ///< of sender and number
};

/// The smallest message.
constexpr std::size_t bytes_min = sizeof(heading);

/// How much of a message is filled and compared: copying and comparing megabytes would be measured, too.
enum class depth { ends, all };

/// Writes a message over the whole of `space`, at least bytes_min long.
void write_message(std::span<std::byte> space, heading what, depth fill);

/// Judges what one member gets, in the order in which it gets it. The first fault is kept.
class order_check {
public:
    explicit order_check(depth compared) : _compared(compared) {}

    /// Looks at a message of `bytes` bytes; its heading, valid until the next call, or null after a fault.
    const heading* take(const void* message, std::size_t bytes);
    /// Something that must not have happened.
    void fail(std::string what);

    [[nodiscard]] const std::string& fault() const { return _fault; }
    /// Senders whose last message has come.
    [[nodiscard]] std::size_t ended() const { return _ended; }
    /// Numbered messages of all senders, or of one.
    [[nodiscard]] std::uint64_t count() const { return _count; }
    [[nodiscard]] const std::map<std::uint32_t, std::uint64_t>& counts() const { return _next; }
    /// Depends on who sent what in which order.
    [[nodiscard]] std::uint64_t digest() const { return _digest; }

private:
    bool filled_right(const heading& what, const std::byte* bytes, std::size_t size) const;

    const depth _compared;
    std::map<std::uint32_t, std::uint64_t> _next;
    heading _recent;
    std::uint32_t _recent_sender = 0;
    std::uint64_t* _recent_next = nullptr;
    std::uint64_t _count = 0;
    std::uint64_t _digest = 0;
    std::size_t _ended = 0;
    std::string _fault;
};

} // namespace coterie::bench

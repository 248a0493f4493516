// SPDX-License-Identifier: BSD-3-Clause
// What members under measurement send each other and how they judge what they get: numbered messages of several senders,
// whether each sender's come whole, once and in their row, a digest of the order of all, and at the end a verdict of every
// member, by which each knows whether all have seen the same.
#pragma once

#include "base/ids.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace coterie::bench {

/// A member of a group, as the daemon names it.
struct member_id {
    base::node_id node;
    std::uint32_t pid = 0;
    friend constexpr auto operator<=>(const member_id&, const member_id&) = default;
    friend constexpr bool operator==(const member_id&, const member_id&) = default;
};

[[nodiscard]] std::string to_text(member_id who);

enum class kind : std::uint32_t {
    numbered = 0x6D5A'0001, ///< one of the messages that are counted
    last = 0x6D5A'0002,     ///< its sequence number is how many numbered ones the sender has sent
    verdict = 0x6D5A'0003,  ///< behind the heading follows what the sender has seen
};

/// How a message begins; the rest is filled with words that depend on the heading.
struct heading {
    kind what = kind::numbered;
    std::uint32_t bytes = 0; ///< of the whole message
    member_id sender;
    std::uint64_t sequence = 0;
    std::int64_t sent_ns = 0; ///< on the sender's monotonic clock
    std::uint64_t seal = 0;   ///< of all of the above
};

/// What a member has seen once the last message of every sender has come.
struct verdict {
    std::uint64_t received = 0; ///< numbered messages of all senders
    std::uint64_t digest = 0;   ///< of who sent what in which order
    double rate = 0;            ///< messages that it took a second, by its own clock
};

/// The smallest message.
constexpr std::size_t bytes_min = sizeof(heading);

/// How much of a message is filled and compared: copying and comparing megabytes would be measured, too.
enum class depth { ends, all };

/// Writes a message over the whole of `space`, at least bytes_min long.
void write_message(std::span<std::byte> space, heading what, depth fill);
/// The message by which a member tells the others its verdict.
[[nodiscard]] std::vector<std::byte> verdict_message(member_id sender, const verdict& seen);

/// Judges what one member gets, in the order in which it gets it. The first fault is kept.
class order_check {
public:
    struct expectation {
        std::size_t members = 1;
        std::size_t senders = 1;
        std::size_t bytes = 0; ///< of a numbered message; 0: any
        depth compared = depth::ends;
    };
    explicit order_check(const expectation& expected) : _expected(expected) {}

    /// Looks at a message that the daemon says is of `from`. Its heading, valid until the next call, or null after a fault.
    const heading* take(member_id from, const void* message, std::size_t bytes);
    /// Something that must not have happened.
    void fail(std::string what);

    [[nodiscard]] const std::string& fault() const { return _fault; }
    /// The last messages of all senders have come.
    [[nodiscard]] bool ended() const { return _ended.size() == _expected.senders; }
    /// The verdicts of all members have come, and say what was seen here.
    [[nodiscard]] bool agreed() const { return _agreed.size() == _expected.members; }
    /// What has been seen here; the rate is not known to the check.
    [[nodiscard]] verdict seen() const { return {.received = _received, .digest = _digest}; }
    /// Of the members whose verdict has come.
    [[nodiscard]] double slowest_rate() const { return _slowest_rate; }
    /// Numbered messages of all senders.
    [[nodiscard]] std::uint64_t received() const { return _received; }

private:
    [[nodiscard]] bool filled_right(const heading& what, const std::byte* bytes, std::size_t size) const;
    bool take_in_row(const heading& what);
    bool take_verdict(const heading& what, const std::byte* message);

    const expectation _expected;
    std::map<member_id, std::uint64_t> _next;
    heading _recent;
    member_id _recent_sender;
    std::uint64_t* _recent_next = nullptr;
    std::uint64_t _received = 0;
    std::uint64_t _digest = 0;
    std::set<member_id> _ended;
    std::set<member_id> _agreed;
    double _slowest_rate = 0;
    std::string _fault;
};

} // namespace coterie::bench

// SPDX-License-Identifier: BSD-3-Clause
// How large datagrams may be on one path. It is found out by asking: questions of every size that networks are made for,
// of which the answers tell what passes; and once large datagrams are sent, now and then whether they still do. So a
// network that swallows large ones without a word (a black hole) costs a moment, not the cluster (RFC 4821, RFC 8899). A
// state machine without clock and I/O: time comes in, sizes to ask about go out.
#pragma once

#include "base/time.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace coterie::net {

using base::duration;
using base::time_point;

/// Of datagrams, without the headers of UDP and IP; the smallest first. Networks carry packets of 576 (all of them), 1,280
/// (all with IPv6), 1,400 and 1,450 (tunnels), 1,500, 2,000, 3,900, 8,896 (clouds) and 9,000 bytes; IPv6 takes 48 of them.
inline constexpr std::array<std::uint16_t, 9> datagram_sizes{528,   1'232, 1'352, 1'402, 1'452,
                                                             1'952, 3'852, 8'848, 8'952};
/// What is sent before anything is known.
inline constexpr std::size_t datagram_bytes_at_first = 1'232;

class path_size {
public:
    /// Sizes as bits: bit n is the n-th of `datagram_sizes`.
    using size_set = std::uint16_t;
    struct limits {
        duration search_again = std::chrono::seconds(60);  ///< for larger ones
        duration confirm = std::chrono::milliseconds(250); ///< between two questions while large datagrams are sent
        duration patience = std::chrono::milliseconds(50); ///< an answer takes no longer, or twice the round trip more
        unsigned searches = 3;                             ///< a question may be lost
        unsigned failures = 4;                             ///< so often in a row smaller ones are answered alone
    };

    path_size() : path_size(limits{}) {}
    explicit path_size(const limits& bounds) : _limits(bounds) {}

    /// The largest datagram that is known to pass.
    [[nodiscard]] std::size_t bytes() const { return datagram_sizes[_known]; }
    /// The path is up, or is so again.
    void on_up(time_point now);
    /// A datagram of this size is sent. True if the deadline has changed.
    bool on_sent(time_point now, std::size_t bytes) {
        if (bytes <= datagram_sizes.front() || _confirm_at != base::never || _doing != activity::none) {
            return false;
        }
        _confirm_at = now + _limits.confirm;
        return true;
    }
    /// A question of round `round` about this size is answered. True if more passes than was known.
    [[nodiscard]] bool on_answer(std::uint64_t round, std::size_t bytes);
    /// This machine does not send datagrams of this size there. True if that is news.
    [[nodiscard]] bool on_refused(time_point now, std::size_t bytes);
    /// Somebody on the way says that datagrams were too large. A hint only: it is asked at once.
    void on_hint(time_point now);

    struct questions {
        size_set sizes = 0;
        std::uint64_t round = 0;
        bool shrunk = false; ///< less passes than was known
    };
    /// What is to be asked now.
    [[nodiscard]] questions on_time(time_point now, duration round_trip);
    /// When on_time() wants to be called next.
    [[nodiscard]] time_point deadline() const;

private:
    enum class activity : std::uint8_t { none, searching, confirming };
    static constexpr std::size_t none_answered = datagram_sizes.size();
    static constexpr std::size_t first_known = 1;
    static_assert(datagram_sizes[first_known] == datagram_bytes_at_first);

    [[nodiscard]] questions ask(time_point now, duration round_trip, size_set sizes);
    [[nodiscard]] questions judge_search(time_point now, duration round_trip);
    [[nodiscard]] questions judge_confirmation(time_point now, duration round_trip);
    void rest();
    void search_later(time_point now);

    limits _limits;
    std::size_t _known = first_known;
    activity _doing = activity::none;
    std::uint64_t _round = 0;
    std::uint64_t _first_round = 1;              ///< of what it is doing
    unsigned _asked = 0;                         ///< rounds of that
    unsigned _failed = 0;                        ///< of these in a row: smaller sizes alone were answered
    std::size_t _answered = none_answered;       ///< the largest in the latest round
    std::size_t _answered_below = none_answered; ///< the largest of the rounds that failed
    time_point _judge_at = base::never;
    time_point _search_at = base::never;
    time_point _confirm_at = base::never;
};

} // namespace coterie::net

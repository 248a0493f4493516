// SPDX-License-Identifier: BSD-3-Clause
// One member of one or more groups under measurement. It joins, waits until each group is complete, sends as fast as it
// is let, one message at a time, at a fixed rate or nothing, and judges all that it gets. At the end it tells the others
// what it has seen and hears what they have: a figure counts only if all of them saw the same.
#pragma once

#include "bench/latencies.hpp"
#include "bench/order_check.hpp"

#include <cstdint>
#include <expected>
#include <string>

namespace coterie::bench {

enum class pace { flood, one_at_a_time, fixed_rate, silent };

struct member_options {
    std::string group = "bench";
    std::size_t groups = 1; ///< with this one name and a number; messages go to them in turn
    pace how = pace::flood;
    std::size_t members = 1;
    std::size_t senders = 1;
    std::size_t bytes = 100;
    double seconds = 2;
    double warm_up_seconds = 0.5;
    std::uint64_t count = 0;          ///< messages of each sender, instead of seconds
    double messages_per_second = 1e3; ///< at a fixed rate
    double pause_us = 0;              ///< between two messages sent one at a time
    unsigned wait_us = 100;           ///< before a message that had no room is tried again; 0: yield
    double limit_seconds = 30;        ///< until a wait has failed
    bool safe = false;
    depth compared = depth::ends;
};

struct member_report {
    member_id self;
    std::uint64_t sent = 0;
    std::uint64_t refused = 0; ///< how often there was no room
    verdict seen{};            ///< of all groups
    double seconds = 0;        ///< measured
    double slowest_rate = 0;   ///< messages a second, of the slowest of all members
    distribution latency{};    ///< own messages, sent to delivered, unless it floods
};

/// The whole part of a member, from joining to leaving. The error is one line for people.
[[nodiscard]] std::expected<member_report, std::string> take_part(const member_options& asked);

/// The same with companions: `clients` processes of this machine take part, of which the first `asked.senders` send as
/// `asked` says. Call it while this process has one thread.
[[nodiscard]] std::expected<member_report, std::string> take_part_together(const member_options& asked,
                                                                           std::size_t clients);

} // namespace coterie::bench

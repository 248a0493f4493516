// SPDX-License-Identifier: BSD-3-Clause
// The events that guarantees are judged by. A daemon (or a simulated node) records what its ring and its groups did, a
// client library (or a simulated client) what its application saw. Each stream is in its recorder's own order; streams
// are compared by what they say, not by their clocks.
#pragma once

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::trace {

using base::hop_number;
using base::incarnation;
using base::member;
using base::node_id;
using base::sequence_number;
using base::view_id;

enum class event_kind : std::uint8_t {
    // Streams of nodes: `stream` is the incarnation.
    started = 1,      ///< this life of the node begins
    failed,           ///< it crashed here (recorded by the world around it)
    retired,          ///< it left in order
    regular,          ///< view, members: installed
    transitional,     ///< view: the one left; members: together (nonces zero)
    numbered,         ///< view, number, safe: own packet has its number
    delivered,        ///< view, number, peer: the originator, safe
    common_point,     ///< view: every member's table has been delivered here; the changes of groups have been told
    message_numbered, ///< view, number, process, group, message, safe: a client message's last piece has its number
    table,            ///< group, processes: the state of one group, recorded at the end of a run
    hop_given,        ///< view, hop, peer
    hop_taken,        ///< view, hop
    acknowledged,     ///< view, number
    promised,         ///< view: the attempt; left_view: moving from; number: reported as received
    planned,          ///< view: the attempt; hash
    completed,        ///< view: the attempt; hash
    installed,        ///< view: the attempt; hash

    // Streams of clients: `stream` is one use of a handle, unique in a run; `process` is the client itself.
    client_opened = 64, ///< process
    client_join,        ///< group: the join was accepted
    client_leave,       ///< the leave was accepted
    client_accepted,    ///< group, message, safe: a multicast was accepted
    client_delivered,   ///< group, peer_process: the sender, message
    client_change,      ///< group, processes: members after, left, joined
    client_view,        ///< view (epoch and coordinator only), members: ring callback
    client_closed,      ///< finalized in order
    client_failed,      ///< the process crashed, or its daemon did, or it was evicted for slowness
};
[[nodiscard]] std::string_view to_string(event_kind kind);

/// CPG_REASON_*.
enum class reason : std::uint8_t { undefined = 0, join = 1, leave = 2, node_down = 3, node_up = 4, process_down = 5 };
[[nodiscard]] std::string_view to_string(reason why);

struct process {
    node_id node;
    std::uint32_t pid{};
    friend constexpr auto operator<=>(const process&, const process&) = default;
    friend constexpr bool operator==(const process&, const process&) = default;
};

struct departed {
    process who;
    reason why{};
    friend bool operator==(const departed&, const departed&) = default;
};

/// One event; fields that do not apply keep their defaults.
struct event {
    event_kind kind{};
    std::int64_t time_ns{};
    node_id node; ///< the node, also of a client
    std::uint64_t stream{};
    view_id view;
    view_id left_view;
    sequence_number number;
    hop_number hop;
    node_id peer;
    bool safe{};
    std::uint64_t hash{};
    std::uint64_t message{}; ///< digest of a client message's bytes; test programs make contents unique
    process who;             ///< `process` above
    process sender;          ///< `peer_process` above
    std::string group;
    std::vector<member> members;
    std::vector<process> processes;
    std::vector<departed> left;
    std::vector<departed> joined;

    friend bool operator==(const event&, const event&) = default;
};

/// The digest that `message` holds: XXH3, 64 bits.
[[nodiscard]] std::uint64_t digest(base::bytes_view message);

/// Takes events; implemented by files, by the simulator's memory, by checkers.
class recorder {
public:
    virtual ~recorder() = default;
    virtual void record(const event& what) = 0;
};

/// One event as one line of text without its line feed, and back; `parse` gives false for a malformed line.
[[nodiscard]] std::string format(const event& what);
[[nodiscard]] bool parse(std::string_view line, event& out);

} // namespace coterie::trace

// SPDX-License-Identifier: BSD-3-Clause
// Judges traces by docs/guarantees.md: what the guarantees are is written there, how each is judged in docs/testing.md.
// The checker sees recorded events only, never the code that made them, so it serves the simulator and real daemons
// alike.
//
// What a trace must be like:
// * All streams of the run are there whole. Streams may be interleaved in any way that keeps each stream's own order.
//   A stream is named by (node, stream), those of nodes apart from those of clients.
// * On one node, the clocks of the daemon and of its clients are the same; clocks of different nodes are never compared,
//   except with quiet_since_ns.
// * A node that crashed has a `failed` event, a client that ended a `client_closed` or `client_failed` one. A stream
//   without such an end is taken to be alive at the end of the trace.
// * `numbered` is recorded before anyone else can deliver the packet. `installed` stands before the `regular` that it
//   brings about; the deliveries and the transitional configuration of the install may stand before or after it.
#pragma once

#include "trace/event.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace coterie::sim {

/// Numbers of findings that are not of a numbered guarantee: "Inside, checked too", and events that fit no run at all,
/// which speaks against the recorder before it speaks against the protocol.
inline constexpr int inside_guarantee = 0;
inline constexpr int malformed_trace = -1;

struct violation {
    int guarantee{};                 ///< of docs/guarantees.md, or one of the above
    std::string what;                ///< one sentence
    std::vector<std::size_t> events; ///< indexes into the checked events: what to look at, the decisive one first
};

struct checker_options {
    /// The trace ends with a tail free of faults, long enough for everything to come to rest: eventual clauses are judged.
    bool quiet_tail = false;
    /// When the last fault ended; views may go on changing for liveness_bound_ns after it.
    std::int64_t quiet_since_ns = std::numeric_limits<std::int64_t>::max();
    std::int64_t liveness_bound_ns = 0;
    /// Which nodes should share a view at the end, each set sorted; empty: not known. Judged with quiet_tail only.
    std::vector<std::vector<base::node_id>> final_components;
    /// How much later than the daemon a client may note that its handle is open. Worlds in which it notes that at once
    /// are judged more sharply.
    std::int64_t opening_slack_ns = 1'000'000'000;
    /// No process sends the same bytes to a group twice. Without it, messages that occur twice are not told apart, and
    /// groups that contain such are judged by fewer rules.
    bool messages_unique = true;
    /// Every client of every node has a stream; nobody unknown may turn up in groups.
    bool all_clients_traced = true;
    /// Every node that is alive at the end has recorded its tables there (guarantee 13; needs quiet_tail).
    bool tables_recorded = true;
    /// What is found beyond this many for one guarantee is counted, not told.
    std::size_t violations_max_per_guarantee = 20;
};

/// All violations of one run, in the order of their guarantees; an empty list means that none was found. The same events
/// and options give the same list. Nearly linear in the number of events; comparing stories of processes costs their
/// length for each pair of processes in a group.
[[nodiscard]] std::vector<violation> check(std::span<const trace::event> events, const checker_options& options);

} // namespace coterie::sim

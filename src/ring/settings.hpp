// SPDX-License-Identifier: BSD-3-Clause
// What a ring engine is told when it is made: who it is, whom it may meet, how patient it is, how much it may have
// under way. Every time and size of the protocol stands here, with its unit in its type or name.
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace coterie::ring {

using base::cluster_id;
using base::duration;
using base::epoch_number;
using base::hop_number;
using base::incarnation;
using base::member;
using base::node_id;
using base::sequence_number;
using base::time_point;
using base::view_id;

struct settings {
    member self; ///< the own id and this life's nonce (random, non-zero)
    cluster_id cluster;
    std::vector<node_id> configured; ///< every node of the cluster, with or without the own one; no other is heard
    std::uint64_t random_seed{};     ///< seeds the random pauses; any number

    epoch_number epoch_stored;         ///< what the store holds: all epochs below may have been used; 0: nothing there
    std::uint64_t wall_clock_us{};     ///< microseconds since 1970; only used where the store holds nothing
    std::uint64_t epoch_block = 1'024; ///< how many epochs are reserved at once

    duration heartbeat_interval = std::chrono::milliseconds(60);
    duration silence_limit = std::chrono::milliseconds(450);    ///< a watched member silent for this long is lost
    duration contact_interval = std::chrono::milliseconds(200); ///< pace of greetings outside the view and to members
                                                                ///< that others watch
    duration contact_limit = std::chrono::milliseconds(1'000);  ///< silence that ends the hearing of those; a cold
                                                                ///< start waits this long for a lower node
    duration gather = std::chrono::milliseconds(50);            ///< a cold start waits this long for others
    duration settle = std::chrono::milliseconds(20);            ///< contact must be unchanged for this long
    duration retry = std::chrono::milliseconds(10);       ///< first repetition of anything that waits for an answer,
                                                          ///< until round trips are known
    duration retry_max = std::chrono::milliseconds(200);  ///< longest first repetition when they are known, and longest
                                                          ///< pause between repetitions
    duration repair_grace = std::chrono::milliseconds(2); ///< a gap younger than this is reordering
    duration acknowledge_delay = std::chrono::milliseconds(2); ///< an acknowledgement waits this long for company
    duration refused_limit = std::chrono::milliseconds(25);    ///< silence after a refused port that means death
    duration hold_off = std::chrono::milliseconds(100);        ///< first back-off towards a node that was dropped
    duration hold_off_max = std::chrono::seconds(4);           ///< longest
    duration lag_limit = std::chrono::seconds(1); ///< a member that takes packets so much later than this node is slow
    duration lag_patience{};                      ///< after so long it is left out; zero: it is waited for
    std::size_t watchers = 4; ///< neighbours on each side that watch a member; a view of up to twice this
                              ///< plus one watches all to all
    std::size_t acknowledgement_fan_in = 16; ///< above this many members acknowledgements go through group leaders

    std::size_t datagram_bytes = 1'452;               ///< largest datagram with data, header included; see
                                                      ///< engine::set_datagram_bytes
    std::size_t window_bytes = std::size_t{1} << 20U; ///< payload numbered beyond the stable point
    std::size_t window_packets = 1'984;               ///< the same in packets; what is above 1,984 counts as that
};

} // namespace coterie::ring

// SPDX-License-Identifier: BSD-3-Clause
// Every packet that daemons exchange, as typed values. The layouts themselves (version, offsets, bounds) are private to
// the codec and described in docs/wire.md; what the values mean and who sends them is ring's affair.
#pragma once

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <vector>

namespace coterie::wire {

using base::bytes_view;
using base::cluster_id;
using base::epoch_number;
using base::hop_number;
using base::incarnation;
using base::link_number;
using base::member;
using base::node_id;
using base::sequence_number;
using base::view_id;

/// What decoding accepts at most; anything beyond is refused as malformed.
inline constexpr std::size_t members_max = 128;
inline constexpr std::size_t datagram_bytes_max = 65'000;
inline constexpr std::size_t repair_ranges_max = 64;
/// Numbers that one report or transition tells of beyond its own begin, and that one range of a repair request asks for.
/// What a holder may number beyond the stable point is less than half of it.
inline constexpr std::size_t window_packets_max = 4096;

enum class packet_kind : std::uint8_t {
    heartbeat = 1,
    data = 2,
    token = 3,
    token_proof = 4,
    token_request = 5,
    acknowledgement = 6,
    repair_request = 7,
    proposal = 8,
    report = 9,
    refusal = 10,
    plan = 11,
    completion = 12,
    install = 13,
    recovered = 14,
    link_probe = 15,
    life_proof = 16,
    size_probe = 17,
    fragment = 18,
};
inline constexpr std::size_t packet_kinds = 19;

/// Who sends: stands in the header of every packet.
struct origin {
    cluster_id cluster;
    node_id node;
    incarnation nonce;
};

/// Sent to neighbours often, to everyone else configured at a slow pace, and at once when something changed or the holder
/// must make its highest or its stable number known ("beacon"). One packet serves liveness, hearing, contact and progress.
struct heartbeat {
    enum flag : std::uint8_t {
        changing = 1, ///< the sender takes part in a running attempt: newcomers wait
        probe = 2,    ///< answer at once
        leaving = 4,  ///< the sender is going away for good
        unstored = 8, ///< the sender has no reserved epoch yet and cannot coordinate
    };
    view_id view;              ///< the view the sender has installed, or none
    std::uint16_t view_size{}; ///< how many of its members are still with the sender, itself included
    std::uint8_t flags{};
    view_id promised;           ///< the highest attempt the sender has answered
    epoch_number epoch_highest; ///< the highest epoch it knows of
    hop_number hop;             ///< the highest hop it knows of in `view`; from here to `stable` zero once it is frozen
    node_id holder;             ///< that hop's target
    sequence_number highest;    ///< the highest number it knows of in `view`
    sequence_number received;   ///< its own: received without a gap
    sequence_number stable;     ///< received by all members
    std::uint64_t counter{};    ///< counts this sender's heartbeats; the same for all that go out in one step
    incarnation echo_nonce;     ///< the target's incarnation as last heard, or none
    std::uint64_t echo_counter{}; ///< that incarnation's highest heartbeat counter heard
    std::uint32_t echo_held_us{}; ///< how long ago that was, microseconds
    std::vector<member> hears;    ///< whom the sender hears and does not hold off, itself included; sorted by node
    friend bool operator==(const heartbeat&, const heartbeat&) = default;
};

/// One numbered packet. Sent by its originator first, later by anyone who repairs.
struct data {
    enum flag : std::uint8_t {
        safe = 1,   ///< deliver only when stable
        table = 2,  ///< numbered by place in the member list at the install, before the token moves
        repair = 4, ///< not the first transmission
    };
    view_id view;
    sequence_number number;
    node_id originator;
    std::uint8_t flags{};
    hop_number hop; ///< the highest hop the transmitter knows, and that hop's target
    node_id holder;
    sequence_number hop_first; ///< the first number of the hop in which this one was given, in a repair that of the
                               ///< latest hop that the repairer knows: below lie other holders' numbers, whose
                               ///< packets may still be on their way
    sequence_number stable;
    bytes_view payload;
};

/// The right to number, passed to `target`, who alone may ever take this hop.
struct token {
    struct entry {
        sequence_number received; ///< what is known of this member's acknowledgement
        std::uint32_t wanted{};   ///< its latest request's counter known
        std::uint32_t served{};   ///< its latest request's counter that was met
        friend bool operator==(const entry&, const entry&) = default;
    };
    view_id view;
    hop_number hop;
    node_id giver;
    node_id target;
    sequence_number next;           ///< the first number not given
    std::uint64_t numbered_bytes{}; ///< payload bytes given in this view so far
    sequence_number stable;
    std::vector<entry> members; ///< in member order
    friend bool operator==(const token&, const token&) = default;
};

/// "I have taken hop `hop`", or know of a higher one.
struct token_proof {
    view_id view;
    hop_number hop;
    friend bool operator==(const token_proof&, const token_proof&) = default;
};

/// "Let me number." Sent to the holder, to all when no token comes, forwarded only towards a higher hop.
struct token_request {
    view_id view;
    node_id requester;
    std::uint32_t counter{};
    hop_number hop; ///< the highest hop known by whoever sent or forwarded this
    friend bool operator==(const token_request&, const token_request&) = default;
};

/// The members from place `first` on, `count` of them, have all received up to `received` without a gap. Sent to the
/// holder, in a large view to the leader of a group, who sends on the lowest of its group without the holder.
struct acknowledgement {
    enum flag : std::uint8_t { urgent = 1 }; ///< safe messages wait for it
    view_id view;
    std::uint16_t first{};
    std::uint16_t count{};
    sequence_number received;
    hop_number hop; ///< the highest hop known by whoever sent or forwarded this
    std::uint8_t flags{};
    friend bool operator==(const acknowledgement&, const acknowledgement&) = default;
};

struct number_range {
    sequence_number first;
    std::uint32_t count{};
    friend bool operator==(const number_range&, const number_range&) = default;
};

/// "Send me these." With an attempt: packets of the old view `view`, under that attempt's plan.
struct repair_request {
    view_id view;
    view_id attempt;
    bool to_all{}; ///< answer to all members: the originator at once, others after a random pause
    std::vector<number_range> ranges;
    friend bool operator==(const repair_request&, const repair_request&) = default;
};

struct proposal {
    view_id attempt;
    std::vector<member> candidates; ///< sorted by node
    friend bool operator==(const proposal&, const proposal&) = default;
};

/// What a candidate holds of the view that it moves from, and what it owes by plans that it has completed.
struct report {
    view_id attempt;
    view_id old_view; ///< the view the sender moves from, or none
    sequence_number received;
    std::vector<std::uint8_t> beyond; ///< what it holds beyond: bit i, lowest first, stands for received + 1 + i;
                                      ///< at most window_packets_max bits
    sequence_number delivered;
    sequence_number stable;
    view_id completed; ///< the latest attempt out of `old_view` completed and not installed, or none
    std::uint64_t completed_hash{};
    sequence_number owed_stable; ///< the highest S of all plans completed out of `old_view`
    std::vector<node_id> owed;   ///< nodes that count as "in T" by these plans, sorted
    epoch_number epoch_highest;
    std::vector<member> hears;
    friend bool operator==(const report&, const report&) = default;
};

/// "I have promised or installed `promised`, which is higher." Of a coordinator that names `attempt` itself: "nothing
/// comes of it for you."
struct refusal {
    view_id attempt;
    view_id promised;
    friend bool operator==(const refusal&, const refusal&) = default;
};

/// What the members of one old view that move together do. `union_runs` tells, from `base` + 1 on, for each number who
/// re-sends it when asked, in runs; `nobody` marks numbers that none of them holds.
struct transition {
    struct run {
        static constexpr std::uint8_t nobody = 255;
        std::uint8_t owner{}; ///< place in `together`
        std::uint16_t count{};
        friend bool operator==(const run&, const run&) = default;
    };
    view_id old_view;
    std::vector<node_id> together; ///< T, sorted
    sequence_number stable;        ///< S, at most `base`
    sequence_number base;          ///< everyone in T holds everything up to here
    std::vector<node_id> owed;     ///< besides T: originators whose messages past a hole are delivered
    std::vector<run> union_runs;
    friend bool operator==(const transition&, const transition&) = default;
};

struct plan {
    view_id attempt;
    std::vector<member> members; ///< sorted by node
    node_id first_holder;
    std::vector<transition> transitions; ///< one for each old view that anybody moves from, sorted by old view
    friend bool operator==(const plan&, const plan&) = default;
};

struct completion {
    view_id attempt;
    std::uint64_t plan_hash{};
    std::uint32_t missing{}; ///< how many packets the sender still lacks; 0 completes
    friend bool operator==(const completion&, const completion&) = default;
};

struct install {
    view_id attempt;
    std::uint64_t plan_hash{};
    view_id authorised_by; ///< a higher attempt whose coordinator saw that `attempt` was installed somewhere, or none
    friend bool operator==(const install&, const install&) = default;
};

/// A packet of an old view, re-sent under a plan.
struct recovered {
    view_id attempt;
    view_id old_view;
    sequence_number number;
    node_id originator;
    std::uint8_t flags{}; ///< data::flag
    bytes_view payload;
};

/// Asks whether one link carries packets both ways, and answers: for transports only, the ring never sees one.
struct link_probe {
    link_number link;      ///< on which it is sent
    std::uint64_t round{}; ///< counts the asker's probes; the same on all links to one node
    incarnation answered;  ///< none: a question; else the answer to the question of this life, on the same link
    friend bool operator==(const link_probe&, const link_probe&) = default;
};

/// Where packets are encrypted: asks whether a life of a node is alive now, and answers. For the record layer only, the ring
/// never sees one.
struct life_proof {
    node_id to;                ///< for whom it is; what is sealed for one target can be read by all
    std::uint64_t question{};  ///< to be repeated in the answer; 0: none
    incarnation answered;      ///< whose question this answers, or none
    std::uint64_t answer{};    ///< that question; 0: none
    std::uint8_t other_slot{}; ///< of the key that the sender accepts besides the one that it uses; 0: none
    friend bool operator==(const life_proof&, const life_proof&) = default;
};

/// Asks whether datagrams of this size pass on a link, and answers. For transports only.
struct size_probe {
    link_number link;
    std::uint64_t round{}; ///< counts the asker's rounds of questions on this path
    incarnation answered;  ///< none: a question; else the answer to the question of this life
    std::uint32_t bytes{}; ///< of the question, as a datagram
    bytes_view filler;     ///< of a question: zeros, as many as make it so long
};

/// A piece of a packet that is larger than what passes on a path. For transports only.
struct fragment {
    static constexpr std::uint32_t unit_min = 256;
    std::uint64_t number{}; ///< counts the packets that the sender has cut up
    std::uint32_t total{};  ///< bytes of the packet
    std::uint32_t unit{};   ///< bytes of each piece but the last
    std::uint16_t index{};  ///< of this piece
    bytes_view piece;
};
/// Pieces of the largest packet, at most.
inline constexpr std::size_t fragments_max = (datagram_bytes_max + fragment::unit_min - 1) / fragment::unit_min;

} // namespace coterie::wire

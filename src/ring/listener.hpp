// SPDX-License-Identifier: BSD-3-Clause
// The borders of the ring engine: what it calls for (packets out, epochs stored), what it tells the layer above
// (deliveries, configurations), and where it takes payload from. All calls come from within an input to the engine;
// none of them may call back into it.
#pragma once

#include "base/buffer.hpp"
#include "base/bytes.hpp"
#include "ring/settings.hpp"
#include "wire/packets.hpp"

#include <span>
#include <string_view>

namespace coterie::ring {

/// One packet, delivered in the total order of its view. `payload` lies inside `packet`, which may be kept.
struct delivery {
    view_id view;
    sequence_number number;
    node_id originator;
    bool safe{};
    bool table{}; ///< the originator's first packet of the view, given its number by place, not by the token
    base::bytes_view payload;
    base::buffer packet;
};

/// A regular configuration. `members` sorted by node.
struct regular_view {
    view_id id;
    std::vector<member> members;
};

/// The transitional configuration with which this node leaves `left`: the members that move together, sorted.
struct transitional_view {
    view_id left;
    std::vector<node_id> together;
};

/// The layer above. Called in the order of the protocol: deliveries of R, transitional(R), the rest of R, regular(R').
class listener {
public:
    virtual ~listener() = default;
    virtual void on_delivery(const delivery& packet) = 0;
    virtual void on_transitional(const transitional_view& view) = 0;
    virtual void on_regular(const regular_view& view) = 0;
    /// The own packet has been given its number; it will be delivered here unless this node fails.
    virtual void on_numbered(const delivery& packet) = 0;
};

/// Where payload comes from. Asked for it only when it gets a number at once, so that nothing submitted ever has to be
/// handed back.
class packet_source {
public:
    enum class filled : std::uint8_t { nothing, agreed, safe };
    virtual ~packet_source() = default;
    /// Whether there is anything to number in the installed view. Asked often: must be cheap.
    [[nodiscard]] virtual bool pending() const = 0;
    /// Writes the payload of one packet. `nothing` only if nothing was written. What is returned as filled has its
    /// number: on_numbered follows before anything else.
    virtual filled fill(base::byte_writer& payload) = 0;
    /// In a view of one member there is nobody to write packets for: delivers the next request as it is, at once, in place of
    /// on_numbered() and on_delivery(), under `number`. False if nothing was delivered; fill() may have something still.
    virtual bool deliver_next(view_id view, sequence_number number) = 0;
    /// Writes the payload of this node's first packet in a new view (also when it is empty), right after on_regular. Not
    /// called in a view that is only passed through on the way to another.
    virtual void fill_first(base::byte_writer& payload) = 0;
};

/// A step inside the protocol, for traces, coverage and counters. Fields that do not apply are zero.
struct step {
    enum class kind : std::uint8_t {
        hop_given,     ///< view, hop, peer: passed on to peer
        hop_taken,     ///< view, hop
        acknowledged,  ///< view, number: told others "received up to number"
        proposed,      ///< view: the attempt; as its coordinator
        promised,      ///< view: the attempt, old_view, number: reported as received; peer: its coordinator
        planned,       ///< view: the attempt, hash; as its coordinator
        plan_accepted, ///< view: the attempt, hash
        completed,     ///< view: the attempt, hash
        install_sent,  ///< view: the attempt, hash; as its coordinator
        installed,     ///< view: the attempt, hash
        abandoned,     ///< view: the attempt that this node no longer waits for, or no longer coordinates
        suspected,     ///< peer: silent for too long, leaving, or given up for a token that it does not prove
        restarted,     ///< peer: a new incarnation has been proved alive
        held_off,      ///< peer: heard, but not met again for the time in `number`, nanoseconds
        flapping,      ///< peer: lost again and again, hash: so often; not met for the time in `number`, nanoseconds
        lagging,       ///< peer: takes packets later than this node by `number`, nanoseconds
        caught_up,     ///< peer: does so no more, after `number` nanoseconds
        left_out,      ///< peer: has lagged for too long and is not met for the time in `number`, nanoseconds
        paused,        ///< number: for how long this node did not run, nanoseconds
        retired,       ///< this node has left in order
    };
    kind what{};
    view_id view{};
    view_id old_view{};
    hop_number hop{};
    sequence_number number{};
    node_id peer{};
    std::uint64_t hash{};
};
[[nodiscard]] std::string_view to_string(step::kind what);

/// The world around the engine.
class environment {
public:
    virtual ~environment() = default;
    /// Sends one unsealed datagram to each of `targets` (never the own node; valid during the call). May drop it.
    virtual void send(const base::buffer& packet, std::span<const node_id> targets) = 0;
    /// Stores the epoch durably, elsewhere, and then gives engine::on_stored with it. A later call supersedes.
    virtual void store(epoch_number epoch) = 0;
    virtual void on_step(const step& what) = 0;
};

} // namespace coterie::ring

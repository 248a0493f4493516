// SPDX-License-Identifier: BSD-3-Clause
// Order within one installed view: the roaming token, numbering, repairs, acknowledgements, stability and delivery
// (docs/protocol.md, sections 1 and 2). One object lives from a view's install until the next one; a view change
// freezes it, fills it up under a plan and takes the last deliveries from it. Liveness is not its affair: it says whom
// it waits for, others judge.
#pragma once

#include "ring/context.hpp"
#include "ring/lag_watch.hpp"
#include "ring/packet_store.hpp"

#include <optional>
#include <vector>

namespace coterie::ring {

/// Round trips to members, as the hearing of heartbeats knows them.
class round_trips {
public:
    virtual ~round_trips() = default;
    /// After how long an answer from `node` is overdue.
    [[nodiscard]] virtual duration overdue_after(node_id node) const = 0;
};

class view_order {
public:
    /// `view` has just been installed; `first_holder` is one of its members. With `frozen` the view is only passed
    /// through on the way to another: nothing is numbered in it.
    view_order(context& context, const round_trips& trips, regular_view view, node_id first_holder, bool frozen);

    // Inputs: packets of this view from members of it (`from` is a place in the member list).
    void on_data(std::size_t from, const wire::data& packet, const base::buffer& datagram);
    void on_token(std::size_t from, const wire::token& packet);
    void on_token_proof(std::size_t from, const wire::token_proof& packet);
    void on_token_request(std::size_t from, const wire::token_request& packet);
    void on_acknowledgement(std::size_t from, const wire::acknowledgement& packet);
    void on_repair_request(std::size_t from, const wire::repair_request& packet);
    void on_heartbeat(std::size_t from, const wire::heartbeat& packet);
    void on_time();
    /// Numbers what the source has, passes the token on, asks for it: whatever the latest input made possible.
    void pump();

    /// Numbering stops while the node does not know whether its view still stands.
    void suspend(bool suspended) { _suspended = suspended; }
    /// The view is left for good: no numbering, no delivery, no acknowledgement, no token.
    void freeze();
    [[nodiscard]] bool frozen() const { return _frozen; }

    /// What a heartbeat says of this view: nothing but its id once it is frozen.
    void fill_heartbeat(wire::heartbeat& out);

    // Recovery, once frozen.

    /// What this node holds, for a report.
    void fill_report(wire::report& out) const;
    /// A packet that came under a plan. True if it was new.
    bool insert_recovered(const wire::recovered& packet, const base::buffer& datagram);
    /// Hands out what the plan says of this view; nothing follows.
    void finish(const wire::transition& transition);

    [[nodiscard]] const regular_view& view() const { return _view; }
    [[nodiscard]] std::optional<std::size_t> place_of(node_id node) const;
    [[nodiscard]] std::size_t size() const { return _view.members.size(); }
    [[nodiscard]] std::span<const node_id> others() const { return _others; }
    [[nodiscard]] const packet_store& store() const { return _store; }
    [[nodiscard]] hop_number hop() const { return _hop; }
    [[nodiscard]] node_id holder() const { return _view.members[_holder].node; }
    [[nodiscard]] bool holding() const { return _holding; }
    [[nodiscard]] sequence_number stable() const { return _stable; }
    [[nodiscard]] sequence_number delivered() const { return _delivered; }
    [[nodiscard]] sequence_number highest() const { return _highest; }
    [[nodiscard]] time_point deadline() const;
    /// This node was paused: the silence about its token is its own.
    void on_pause();
    /// A member that has not kept up for longer than the settings allow.
    [[nodiscard]] std::optional<node_id> take_hopeless();
    /// How late the member is, if it does not keep up.
    [[nodiscard]] std::optional<duration> lag_of(node_id node) const;
    /// A member whose proof has been overdue for long although it is asked again and again; named once in a while.
    [[nodiscard]] std::optional<node_id> take_unproven();
    /// Whom to send a heartbeat now: everybody when safe packets have become stable and no burst has said so, else, when
    /// a beacon is due, members that lack something of what has been numbered. Clears both.
    [[nodiscard]] std::vector<node_id> take_beacon();

private:
    struct member_state {
        sequence_number received; ///< acknowledged
        std::uint32_t wanted = 0;
        std::uint32_t served = 0;
    };
    /// A token given away and not yet proved to have arrived.
    struct passage {
        wire::token token;
        std::size_t target{};
        std::uint32_t tries = 0;
        time_point since{};
        time_point next{};
    };
    struct unsent {
        base::buffer packet;
        std::uint8_t flags{};
    };
    struct relayed {
        hop_number hop;
        node_id giver;
    };
    /// A repair asked of everybody, to be answered unless another than the originator does first.
    struct pending_answer {
        time_point due;
        sequence_number number;
    };

    // order_token.cpp
    void learn_hop(hop_number hop, node_id holder);
    void take_token(const wire::token& token);
    void number_packets();
    [[nodiscard]] bool window_open() const;
    bool number_one();
    bool number_alone();
    [[nodiscard]] std::optional<std::size_t> next_requester() const;
    [[nodiscard]] std::size_t requesters() const;
    void hand_over(std::size_t target);
    void send_token();
    void send_burst();
    void want_token();
    void send_token_request(bool to_all);
    void token_time();

    // order_repair.cpp
    void accept(sequence_number number, stored_packet packet, std::size_t from);
    void know_highest(sequence_number highest, std::size_t from);
    void plan_repair();
    void ask_repair();
    void answer_repair(sequence_number number, std::span<const node_id> targets);
    void repair_time();

    // order_stability.cpp
    [[nodiscard]] bool plausible_number(sequence_number number) const;
    void deliver_ready();
    void deliver(sequence_number number, const stored_packet& packet);
    void note_received(std::size_t member, sequence_number received);
    void raise_stable(sequence_number stable);
    void compute_stable();
    [[nodiscard]] bool leads_group() const;
    [[nodiscard]] std::size_t group_first(std::size_t place) const;
    [[nodiscard]] sequence_number acknowledgeable() const;
    void consider_acknowledging(bool force);
    void send_acknowledgement();
    void plan_beacon();
    void stability_time();

    context& _context;
    const round_trips& _trips;
    regular_view _view;
    std::vector<node_id> _others;
    std::size_t _self; ///< the own place
    packet_store _store;
    std::vector<member_state> _members;
    bool _frozen = false;
    bool _suspended = false;

    // Token.
    hop_number _hop;     ///< the highest known
    std::size_t _holder; ///< that hop's target
    hop_number _taken;   ///< the highest this node has taken
    bool _holding = false;
    sequence_number _next; ///< while holding: the first number not given
    std::uint64_t _numbered_bytes = 0;
    std::uint64_t _hold_bytes = 0; ///< numbered since the token was taken
    sequence_number _hop_first;    ///< first number of the latest hop of which that is known
    std::vector<unsent> _burst;    ///< numbered and not yet sent
    std::optional<passage> _passage;
    std::optional<relayed> _relayed;
    bool _wanting = false;
    std::uint32_t _want_counter = 0;
    std::uint32_t _want_tries = 0;
    time_point _want_next = base::never;
    std::uint64_t _window_bytes;
    time_point _window_cut{};

    // Repair.
    sequence_number _highest;      ///< the highest number known to have been given
    std::size_t _highest_from = 0; ///< who showed it
    time_point _repair_at = base::never;
    std::uint32_t _repair_tries = 0;
    sequence_number _repair_floor; ///< the gap that the tries are counted for
    std::vector<pending_answer> _answers;
    time_point _answer_slot{}; ///< answers are counted in short slots of time, which caps their rate
    std::uint32_t _answers_in_slot = 0;

    // Stability.
    sequence_number _stable;
    sequence_number _delivered;
    sequence_number _safe_highest; ///< the highest safe packet held
    sequence_number _acknowledged; ///< in packets; at a group's leader, the lowest of the group
    sequence_number _told;         ///< what heartbeats have said to be received
    std::uint64_t _unacknowledged_bytes = 0;
    time_point _acknowledge_at = base::never;
    time_point _beacon_at = base::never;
    duration _beacon_pause{};
    bool _beacon_due = false;
    lag_watch _lag;
    bool _stable_untold = false; ///< stable has risen for safe packets, and no burst has said so
};

} // namespace coterie::ring

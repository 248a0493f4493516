// SPDX-License-Identifier: BSD-3-Clause
// View changes: when to start one, the coordinator's side (proposal, plan, install) and the participant's side (answer
// and freeze, recovery, completion, install), as docs/protocol.md, section 4, tells. Owns the order of the installed
// view, since only a change replaces it.
#pragma once

#include "ring/cliques.hpp"
#include "ring/context.hpp"
#include "ring/epochs.hpp"
#include "ring/hearing.hpp"
#include "ring/recovery.hpp"
#include "ring/view_order.hpp"

#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace coterie::ring {

class membership {
public:
    membership(context& context, hearing& hearing, epochs& epochs);

    void start();
    /// The order of the installed view; null before the first.
    [[nodiscard]] view_order* order() { return _order.get(); }
    [[nodiscard]] const view_order* order() const { return _order.get(); }

    // Packets, from proved lives of configured nodes, the own one included.
    void on_proposal(const member& from, const wire::proposal& packet);
    void on_report(const member& from, wire::report packet);
    void on_refusal(const member& from, const wire::refusal& packet);
    void on_plan(const member& from, wire::plan packet);
    void on_completion(const member& from, const wire::completion& packet);
    void on_install(const member& from, const wire::install& packet);
    void on_recovered(const wire::recovered& packet, const base::buffer& datagram);
    void on_recovery_request(const member& from, const wire::repair_request& packet);
    /// A member speaks as one that has installed `view`: where this node has completed it, that is its install.
    void on_evidence(const member& from, view_id view);
    /// A heartbeat of a peer has been taken in.
    void on_heartbeat(const member& from, const wire::heartbeat& packet);

    /// Something about hearing, epochs or the own state has changed.
    void evaluate();
    void on_time();
    /// This node was paused: it does not trust attempts of its own any more.
    void on_pause();
    [[nodiscard]] time_point deadline() const;
    /// Takes part in a running attempt, as far as others should wait for it.
    [[nodiscard]] bool changing() const { return _changing || _attempt.has_value(); }
    [[nodiscard]] view_id promised() const { return _promised; }
    /// How many members of the own view are still with this node, itself included; for heartbeats.
    [[nodiscard]] std::uint16_t side_size() const { return _side_size; }
    /// Packets that this node sent to itself; the engine feeds them back.
    [[nodiscard]] std::vector<base::buffer> take_loopback() { return std::exchange(_loopback, {}); }
    [[nodiscard]] bool has_loopback() const { return !_loopback.empty(); }

private:
    enum class stage : std::uint8_t { idle, answered, recovering, completed };

    /// The coordinator's record of one candidate.
    struct candidate_state {
        member who;
        std::optional<wire::report> report;
        bool completed = false;
        std::uint32_t missing = std::numeric_limits<std::uint32_t>::max(); ///< the least it has reported
        bool confirmed = false;                                            ///< speaks in the new view, or has gone on
        std::uint32_t authorisations = 0; ///< how often it was told to install what others have installed
        std::uint32_t tries = 0;
        time_point next{}; ///< when to repeat what it has not answered
    };
    struct attempt_state {
        view_id id;
        enum class phase : std::uint8_t { collecting, recovering, installing } now{};
        std::vector<candidate_state> candidates; ///< sorted by node
        wire::plan plan;
        std::uint64_t hash = 0;
        time_point progress{}; ///< when anybody last came nearer to the end of the phase
    };

    template <class Packet>
    void tell(node_id target, const Packet& packet) {
        if (target == _context.node()) {
            _loopback.push_back(wire::encode(_context.pool, _context.self, packet));
        } else {
            _context.send(target, packet);
        }
    }
    [[nodiscard]] member self() const { return {_context.node(), _context.self.nonce}; }
    [[nodiscard]] view_id installed() const { return _order ? _order->view().id : base::no_view; }
    [[nodiscard]] standing own_standing() const;

    // membership.cpp: when to change
    void want_change(const std::vector<member>& members);
    [[nodiscard]] static std::vector<member> with_contact(const wish& wish, std::vector<member> members);
    void at_latest(time_point when) { _evaluate_at = std::min(_evaluate_at, when); }

    // coordinator.cpp
    void propose(const std::vector<member>& members);
    [[nodiscard]] candidate_state* find_candidate(const member& who);
    void drop_lost_candidates();
    void collect();
    bool authorise_installs();
    void make_plan();
    [[nodiscard]] std::vector<member> choose_members() const;
    [[nodiscard]] wire::plan plan_for(const std::vector<member>& members) const;
    void install_everywhere();
    void abandon_attempt();
    void coordinator_time();
    void repeat_to(candidate_state& candidate);

    // participant.cpp
    void stop_waiting();
    void resume();
    void send_report();
    void seek_missing();
    void complete();
    void send_completion(std::uint32_t missing);
    void install(const wire::plan& plan, std::uint64_t hash);
    void participant_time();
    [[nodiscard]] bool coordinates(const member& who, view_id attempt) const {
        return attempt.coordinator == who.node && attempt.nonce == who.nonce;
    }

    context& _context;
    hearing& _hearing;
    epochs& _epochs;
    std::unique_ptr<view_order> _order;
    std::vector<base::buffer> _loopback;

    // Participant.
    view_id _promised;
    bool _changing = false; ///< waits for the attempt it has promised itself to
    stage _stage = stage::idle;
    time_point _progress{}; ///< the latest sign of that attempt
    time_point _repeat_at = base::never;
    std::uint32_t _repeats = 0;
    std::optional<wire::plan> _plan; ///< of the promised attempt; kept also when it is waited for no more
    std::uint64_t _plan_hash = 0;
    const wire::transition* _transition = nullptr; ///< this node's, in _plan
    std::size_t _missing = 0;
    // Obligations out of the own view.
    std::optional<wire::plan> _completed;
    std::uint64_t _completed_hash = 0;
    sequence_number _owed_stable;
    std::vector<node_id> _owed;

    // Coordinator.
    std::optional<attempt_state> _attempt;
    time_point _not_before{};     ///< no attempt is started earlier
    std::uint32_t _disturbed = 0; ///< own attempts that were abandoned since the latest install

    // When to change.
    time_point _started{};
    time_point _evaluate_at = base::never;
    std::vector<member> _contact; ///< the latest wish for contact, and since when
    time_point _contact_since{};
    std::vector<member> _split; ///< the core of a side that is no clique, and since when
    time_point _split_since{};
    std::uint16_t _side_size = 0;
};

} // namespace coterie::ring

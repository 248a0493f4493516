// SPDX-License-Identifier: BSD-3-Clause
// Who is alive and who hears whom: heartbeats with echo, incarnations proved by fresh echoes, silence, refused ports,
// lateness of others and one's own, own pauses, back-off towards nodes that come and go (docs/protocol.md, section 3).
// It judges single nodes; what views follow from that is membership's affair.
#pragma once

#include "ring/context.hpp"
#include "ring/view_order.hpp"

#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace coterie::ring {

/// What is known of one other node.
struct peer {
    node_id node;
    incarnation nonce;  ///< the life that has been proved; none before the first proof
    bool heard = false; ///< packets of that life arrive
    bool leaving = false;
    time_point last_heard{};
    wire::heartbeat last; ///< its latest heartbeat

    incarnation candidate;               ///< another life that has sent something, not yet proved; or the lost one
    std::uint64_t candidate_since = 0;   ///< our heartbeat counter when it was first seen, or lost
    std::uint64_t candidate_counter = 0; ///< its heartbeat counter
    time_point candidate_heard{};

    std::uint64_t counter = 0; ///< its highest heartbeat counter, of the proved life
    time_point counter_heard{};
    time_point
        paced_from{}; ///< the same without this node's own pauses and lateness: what heartbeats' lateness counts from
    std::uint64_t echoed = 0;                ///< our highest counter that it has echoed
    time_point must_answer_by = base::never; ///< doubted: lost unless it is heard before
    time_point probe_next{};
    bool probe_due = false;
    bool answer_due = false;
    time_point hold_off_until{}; ///< never: left out, and still in the view
    std::uint32_t dropped = 0;   ///< how often it was missing from a new view, one time soon after the other, lives
                                 ///< counted together
    time_point dropped_until{};  ///< until when that is remembered
    duration round_trip{};       ///< smoothed; zero while unknown
    duration round_trip_variation{};
    duration lateness{}; ///< by how much its heartbeats come later than they should, smoothed
    bool fast = false;   ///< heartbeats go to and come from it at the fast pace
};

class hearing final : public round_trips {
public:
    hearing(context& context);

    void start();
    /// A packet came from `from`. True if it is of the proved life of a configured node, heard or lost, so that its
    /// contents count.
    [[nodiscard]] bool on_any(const wire::origin& from);
    void on_heartbeat(const wire::origin& from, const wire::heartbeat& packet);
    void on_refused(node_id node);
    /// This node did not run for `pause`: nobody is judged by the silence that this explains, and the members of its
    /// view have to confirm that it still stands.
    void on_pause(duration pause);
    /// This node ran later than it wanted, by `late`: others are given that much more time, since what they have sent
    /// meanwhile may not have been read yet.
    void on_late(duration late);
    void on_time();
    /// A new view: whom to watch closely, whom not to meet for a while. `dropped` were in the last view.
    void on_view(const regular_view& view, std::span<const member> dropped);
    /// Members of an attempt are watched closely, until the next view.
    void watch(std::span<const member> members);
    /// Somebody else's word casts doubt on a node: it has to answer soon.
    void doubt(node_id node);
    /// Gives a node up, as if it had been silent for too long.
    void give_up(node_id node);
    /// A node that lags too far behind is not met for the longest time there is, counted from the next view.
    void leave_out(node_id node);

    [[nodiscard]] const std::vector<peer>& peers() const { return _peers; }
    [[nodiscard]] const peer* find(node_id node) const;
    /// Whether this very life of the node is heard and not held off, and its latest heartbeat lists this very life of
    /// ours.
    [[nodiscard]] bool mutual(const peer& peer) const;
    /// Whether this very life of the node is heard, held off or not.
    [[nodiscard]] bool hears(const member& who) const;
    /// The own list for heartbeats and reports: all heard that are not held off, and the node itself.
    [[nodiscard]] std::vector<member> heard_members() const;
    /// How often the node was dropped one time after the other, until now.
    [[nodiscard]] std::uint32_t times_lost(const peer& peer) const;
    [[nodiscard]] duration overdue_after(node_id node) const override;
    [[nodiscard]] time_point deadline() const;
    /// Something changed that membership should look at; clears the mark.
    [[nodiscard]] bool take_changed() { return std::exchange(_changed, false); }
    /// True while members have to confirm that the view still stands after a pause.
    [[nodiscard]] bool unconfirmed() const { return _unconfirmed; }

    /// Tell everybody soon: something others wait for has changed.
    void announce() { _announce = true; }
    /// Sends what heartbeats are due. `own_state` gives a heartbeat with view, flags, hop and numbers filled in.
    template <class OwnState>
    void send_due(OwnState own_state) {
        if (anything_due()) {
            send_heartbeats(own_state());
        }
    }
    /// These get a heartbeat with the next send_due.
    void send_soon(std::span<const node_id> targets);

private:
    peer* entry(node_id node);
    void lose(peer& peer);
    /// A member of the last view is gone, `restarted`, perhaps as another life that is `back` already.
    void hold_off_dropped(peer& peer, bool restarted, bool back);
    void prove(peer& peer, const wire::origin& from, const wire::heartbeat& packet);
    void measure_round_trip(peer& peer, const wire::heartbeat& packet);
    [[nodiscard]] duration limit_of(const peer& peer) const;
    [[nodiscard]] duration slow_interval() const;
    [[nodiscard]] bool greets_slowly(const peer& peer) const;
    [[nodiscard]] bool anything_due() const;
    void send_heartbeats(wire::heartbeat packet);
    void send_to(const peer& peer, wire::heartbeat& packet, bool probe);
    void judge(peer& peer);
    void judge_confirmations();

    context& _context;
    std::vector<peer> _peers; ///< sorted by node
    std::uint64_t _counter = 0;
    std::array<time_point, 256> _sent_at{};
    time_point _fast_next{};
    time_point _slow_next{};
    time_point _eager_until{}; ///< right after the start everybody is greeted at a quick pace
    time_point _announced{};
    bool _announce = false;
    bool _changed = true;
    bool _unconfirmed = false;
    std::uint64_t _wake_counter = 0; ///< our heartbeat counter at the end of the latest pause
    std::vector<member> _view_members;
    time_point _judge_next{};
    bool _any_due = false; ///< some peer has probe_due or answer_due
};

} // namespace coterie::ring

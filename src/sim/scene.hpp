// SPDX-License-Identifier: BSD-3-Clause
// A world with traffic, and the sentences that schedules are written in: form a view, fill it with clients, wait for a
// step, end all faults and judge the rest. A schedule is a function that plays on a scene.
#pragma once

#include "sim/plan.hpp"
#include "sim/traffic.hpp"
#include "sim/world.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::sim {

/// What a run starts from; a schedule may change all of it before the world is made. Clients and faults are planned by
/// schedules that draw them beforehand; scripts make their own as they go.
struct setup : plan {
    std::uint64_t seed = 1;
    bool nodes_given = false; ///< the user has said how many; a schedule keeps to it where it can
    bool seconds_given = false;
    base::random_source random{1}; ///< for what the schedule draws
};

class scene {
public:
    explicit scene(const setup& from);

    world w;
    traffic t;
    base::random_source random;
    const setup options;

    /// Sweeps say with this that the seed names nothing any more: all places have been swept.
    bool exhausted = false;

    // Drawing.

    [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random.below(bound); }
    [[nodiscard]] bool chance(std::uint64_t numerator, std::uint64_t denominator) {
        return random.chance(numerator, denominator);
    }
    [[nodiscard]] duration between(duration low, duration high);
    [[nodiscard]] node_id any_node();
    [[nodiscard]] node_id any_running();
    /// All nodes in an order drawn from the seed.
    [[nodiscard]] std::vector<node_id> shuffled();
    /// A number of non-empty sides that together are all nodes.
    [[nodiscard]] std::vector<std::vector<node_id>> sides(std::size_t count);
    [[nodiscard]] store_fate any_fate();

    // Acting.

    /// Does `what` after `delay`, unless the faults have ended by then.
    void later(duration delay, std::function<void()> what);
    /// Starts all daemons and waits for their one view; complains if that takes longer than `limit`.
    bool form(duration limit = std::chrono::seconds(5));
    /// Waits until every clique of running nodes shares a view; complains (as `what`) if it takes too long.
    bool wait_converged(std::string_view what, duration limit = std::chrono::seconds(8));
    /// Waits until the members of every view hear each other; complains (as `what`) if it takes too long.
    bool wait_mutual(std::string_view what);
    bool wait_rest(std::string_view what, duration limit = std::chrono::seconds(20));
    /// A profile of the usual sort: short messages, some safe ones if the run has any.
    [[nodiscard]] traffic_profile usual_traffic() const;
    /// Gives every node this many clients with this profile.
    void populate(std::size_t clients_a_node, const traffic_profile& profile);
    /// A client that is a member of `group` and does nothing of its own accord.
    client& quiet_member(node_id home, std::string_view group = "alpha");
    [[nodiscard]] guarantee any_guarantee();
    /// The member of the view that holds the token, or no_node.
    [[nodiscard]] node_id holder() const;
    [[nodiscard]] node_id lowest_running() const;

    // Ending.

    /// Everything works from now on; stopped daemons run on, vanished machines are back, dead daemons start again with
    /// a chance of `restarted` per cent.
    void end_faults(std::uint32_t restarted = 75);
    /// Ends faults and traffic, waits for rest, sees that it lasts, and records the tables of groups.
    void finish();
    [[nodiscard]] bool finished() const { return _finished; }
    /// When the faults ended, and how long views may go on changing after that.
    [[nodiscard]] time_point quiet_since() const { return _quiet_since; }
    [[nodiscard]] duration patience() const;

private:
    bool _finished = false;
    bool _calm = false;
    time_point _quiet_since{};
};

} // namespace coterie::sim

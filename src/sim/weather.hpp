// SPDX-License-Identifier: BSD-3-Clause
// Brings the faults of a plan over the world. Faults that last may overlap: each link and each machine is as bad as the
// latest of the faults that it is under, and as usual when there is none.
#pragma once

#include "sim/scene.hpp"

#include <cstddef>
#include <vector>

namespace coterie::sim {

class weather {
public:
    /// Both must live until the run is over.
    explicit weather(scene& on);

    /// The plan's faults come from now on until end().
    void begin();
    void end();

private:
    struct doom {
        node_id node;
        const planned_fault* fault;
    };

    void strike(const planned_fault& what);
    void strike_links(const planned_fault& what, std::uint64_t rounds);
    void strike_daemon(const planned_fault& what, node& victim);
    void handicap(const planned_fault& what);
    void lift(const planned_fault& what);
    void refresh_links();
    void refresh_machines();
    void crash_at_step(const planned_fault& what, node_id victim);
    /// A daemon that the weather has doomed has ended; it comes back when its fault says so.
    void daemon_ended(node_id id);

    scene& _on;
    std::vector<const planned_fault*> _lasting; ///< in the order in which they came
    std::vector<doom> _doomed;
    bool _ended = false;
};

} // namespace coterie::sim

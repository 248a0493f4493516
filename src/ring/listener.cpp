// SPDX-License-Identifier: BSD-3-Clause
// Words for the steps of the protocol.
#include "ring/listener.hpp"

namespace coterie::ring {

std::string_view to_string(step::kind what) {
    switch (what) {
    case step::kind::hop_given: return "hop given";
    case step::kind::hop_taken: return "hop taken";
    case step::kind::acknowledged: return "acknowledged";
    case step::kind::proposed: return "proposed";
    case step::kind::promised: return "promised";
    case step::kind::planned: return "planned";
    case step::kind::plan_accepted: return "plan accepted";
    case step::kind::completed: return "completed";
    case step::kind::install_sent: return "install sent";
    case step::kind::installed: return "installed";
    case step::kind::abandoned: return "abandoned";
    case step::kind::suspected: return "suspected";
    case step::kind::restarted: return "restarted";
    case step::kind::held_off: return "held off";
    case step::kind::flapping: return "flapping";
    case step::kind::lagging: return "lagging";
    case step::kind::caught_up: return "caught up";
    case step::kind::left_out: return "left out";
    case step::kind::paused: return "paused";
    case step::kind::retired: return "retired";
    }
    return "unknown";
}

} // namespace coterie::ring

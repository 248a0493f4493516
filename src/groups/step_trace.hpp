// SPDX-License-Identifier: BSD-3-Clause
// Steps inside the ring protocol as events of a trace. Drivers of an engine (daemon, simulator) call this from
// environment::on_step and fill in whose event it is and when it happened.
#pragma once

#include "ring/listener.hpp"
#include "trace/event.hpp"

#include <optional>

namespace coterie::groups {

/// The event that stands for the step, without node, stream and time; nothing for steps that traces do not
/// hold, or that the driver records itself: that a node began, ended or retired.
[[nodiscard]] std::optional<trace::event> to_event(const ring::step& what);

} // namespace coterie::groups

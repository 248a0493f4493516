// SPDX-License-Identifier: BSD-3-Clause
// Makes a failing run small: leaves out faults, clients and nodes, shortens times and puts settings back to their
// defaults, as long as it goes on failing (delta debugging: Zeller, Hildebrandt, TSE 2002). What is left is what the
// failure needs.
#pragma once

#include "sim/run.hpp"

#include <cstddef>
#include <functional>

namespace coterie::sim {

/// Whether a plan still fails in the way that is looked for.
using plan_test = std::function<bool(const plan&)>;

struct shrunk {
    plan smallest;
    std::size_t tried = 0;
    bool finished = false; ///< nothing more can be left out by itself; else the tries were used up
};

/// Shrinks a plan that fails, with at most `tries_max` tests. A smaller plan may be tried with other seeds of the world,
/// since leaving something out gives all that is drawn later another course.
[[nodiscard]] shrunk shrink(const plan& failing, const plan_test& fails, std::size_t tries_max);

/// The same for a schedule that is a script: fewer nodes, a shorter time, no safe messages.
[[nodiscard]] run_request shrink(const run_request& failing, const std::function<bool(const run_request&)>& fails,
                                 std::size_t tries_max);

/// The plan without one of its nodes; those above it move down by one.
[[nodiscard]] plan without_node(const plan& what, base::node_id gone);

} // namespace coterie::sim

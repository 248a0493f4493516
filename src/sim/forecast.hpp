// SPDX-License-Identifier: BSD-3-Clause
// Draws the faults of a run: which kinds, how often and how bad is drawn, too, so that some runs see only crashes, some
// only bad links, some everything at once.
#pragma once

#include "sim/plan.hpp"

namespace coterie::sim {

/// A time, in whole microseconds, which people can read; both bounds belong to it.
[[nodiscard]] duration any_time(base::random_source& random, duration low, duration high);
/// A number whose order of magnitude is drawn, so that small ones matter as much as large ones; both bounds belong to it.
[[nodiscard]] std::int64_t any_scale(base::random_source& random, std::int64_t low, std::int64_t high);
[[nodiscard]] duration any_scale(base::random_source& random, duration low, duration high);

/// Faults for the plan's nodes over the plan's time, in the order of their times.
[[nodiscard]] std::vector<planned_fault> forecast(base::random_source& random, const plan& around);

} // namespace coterie::sim

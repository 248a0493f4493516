// SPDX-License-Identifier: BSD-3-Clause
// A run as a page for a browser: nodes as lines through time, views as coloured spans on them, messages as arrows, what
// ailed the world, and what broke a guarantee. One file that needs nothing else.
#pragma once

#include "sim/chronicle.hpp"
#include "sim/run.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace coterie::sim {

struct picture_options {
    std::string title;  ///< what was run
    std::string replay; ///< the command that runs it again
    /// Beyond so many deliveries every second, third, ... message is left out, but none that a violation names.
    std::size_t deliveries_max = 150'000;
};

[[nodiscard]] std::string picture_of(const run_outcome& run, std::span<const ailing> ailments,
                                     const picture_options& options);

/// What is drawn, as the page's script reads it (JSON). Times are microseconds since the beginning.
[[nodiscard]] std::string picture_data(const run_outcome& run, std::span<const ailing> ailments,
                                       const picture_options& options);

} // namespace coterie::sim

// SPDX-License-Identifier: BSD-3-Clause
// How long two nodes stay together, in common points. What their processes saw between the first and the last common point
// of a stretch is the same to the item. What they saw after the last one comes from one view, out of which they may have
// gone apart: there each has the beginning that both delivered in R, and may have an end of its own.
#pragma once

#include "sim/checker_index.hpp"

namespace coterie::sim::checking {

/// Common points of two nodes from one at which they meet to the last up to which they stay together; counted from 1.
struct stretch {
    std::uint32_t first_here = 0;
    std::uint32_t first_there = 0;
    std::uint32_t length = 0; ///< how many common points
    bool same_end = false;    ///< all that was delivered in the last view is the same
    std::uint64_t shared = 0; ///< else what was delivered up to this number in it is
    bool strict = false;      ///< else: at least one of them never left it, and has a part of what the other has
};

/// The stretches of two lives, in their order; of one life with itself, all its common points.
[[nodiscard]] std::vector<stretch> find_stretches(const sorted_trace& trace, const life& here, const life& there);

} // namespace coterie::sim::checking

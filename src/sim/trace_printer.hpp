// SPDX-License-Identifier: BSD-3-Clause
// Prints traces for people: all streams merged by time, a line an event, with what led to a violation marked. Judging is
// the checker's affair.
#pragma once

#include "sim/checker.hpp"
#include "trace/event.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace coterie::sim {

struct excerpt_options {
    std::size_t before = 12;       ///< events shown in front of each marked one
    std::size_t after = 4;         ///< and behind it
    bool everything = false;       ///< no gaps: the whole trace
    bool acknowledgements = false; ///< show them, too; there are many
};

/// The events around those that `found` names, by time; marked ones begin with `>`, what is left out is told as a number.
[[nodiscard]] std::string excerpt(std::span<const trace::event> events, const violation& found,
                                  const excerpt_options& options = {});

/// "guarantee 7: ..." in one line.
[[nodiscard]] std::string in_words(const violation& found);

/// One event: time in milliseconds, who, what.
[[nodiscard]] std::string line_of(const trace::event& what);

} // namespace coterie::sim

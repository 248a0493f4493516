// SPDX-License-Identifier: BSD-3-Clause
// The course of the demonstration: three members join one group and multicast all at once; half-way one daemon is killed,
// and later started again; at the end what everyone received is compared.
#pragma once

#include "cli/demo_screen.hpp"
#include "cli/demo_stage.hpp"

#include <string>

namespace coterie::cli {

/// Plays it to the end, or until a signal interrupts it; returns the exit status: 0 if every member saw the same order.
[[nodiscard]] int play_demo(const std::string& lines_file);

} // namespace coterie::cli

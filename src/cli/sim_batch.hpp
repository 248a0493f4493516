// SPDX-License-Identifier: BSD-3-Clause
// Many simulated runs, each in a process of its own: a number of seeds of one schedule, or seeds of all of them until the
// time is over. Shrinks what fails, if it is told to, and says how to see it again.
#pragma once

#include "sim/run.hpp"

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace coterie::cli {

/// Instead of a schedule's name: mostly the swarm, and all others in turn.
inline constexpr std::string_view all_schedules = "all";

inline double seconds_of(auto time) { return std::chrono::duration<double>(time).count(); }

struct batch_options {
    sim::run_request request;    ///< its schedule may be all_schedules; its seed is the first
    std::uint64_t count = 0;     ///< 0: as many as there is time for
    std::chrono::seconds time{}; ///< 0: as long as it takes
    unsigned jobs = 1;           ///< runs at a time
    bool shrinks = false;        ///< what fails, to `folder`
    std::string folder = ".";    ///< where plans of failures go
    bool coverage = false;       ///< print which states met which faults
};

/// Runs; false if any run was bad.
bool run_batch(const batch_options& options);

/// Shrinks a failing plan, writes what is left to `file`, and says how to play it.
void shrink_to_file(const sim::plan& failing, const std::set<int>& broken, const std::string& file);

/// Writes a file; throws CLI::RuntimeError after saying so if it cannot.
void write_file(const std::string& path, const std::string& text);

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// One run of one schedule from one seed: makes the world, plays, lets it come to rest, and has the trace judged. The
// command line, the tests and the mutants all run through here, so that what one of them finds the others replay.
#pragma once

#include "sim/checker.hpp"
#include "sim/chronicle.hpp"
#include "sim/coverage.hpp"
#include "sim/network.hpp"
#include "sim/schedule.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coterie::sim {

struct run_request {
    std::string schedule = "swarm";
    std::uint64_t seed = 1;
    std::size_t nodes = 0;    ///< 0: as the schedule draws
    duration time{};          ///< 0: ditto; for which faults go on
    std::optional<bool> safe; ///< whether there are safe messages; nothing: odd seeds have some
};

struct run_outcome {
    std::size_t nodes = 0;
    bool safe = false;
    bool exhausted = false; ///< the seed of a sweep is beyond its last place
    duration faults_end{};  ///< since the beginning
    std::vector<trace::event> trace;
    std::vector<violation> violations; ///< of the checker, then what the world itself saw (without events)
    coverage met;
    duration simulated{};
    std::uint64_t occurrences = 0;
    network_counts network;
    std::uint64_t views = 0;
    std::uint64_t accepted = 0;
    std::uint64_t delivered = 0;

    [[nodiscard]] bool good() const { return violations.empty(); }
};

/// Runs; an unknown schedule gives a violation that says so. `notes`, if any, follows the run to its end.
[[nodiscard]] run_outcome run(const run_request& request, chronicle* notes = nullptr);
/// Plays a plan: the same as the request that it was drawn for, or that shrinking began with.
[[nodiscard]] run_outcome run(const plan& what, chronicle* notes = nullptr);
/// What the request's seed draws, if its schedule draws everything beforehand.
[[nodiscard]] std::optional<plan> plan_of(const run_request& request);

/// What is wrong with a run and the trace around the first of it, for people; empty if nothing is.
[[nodiscard]] std::string report_of(const run_outcome& outcome);

/// The words after `coterie sim` that repeat the run.
[[nodiscard]] std::string replay_words(const run_request& request);

} // namespace coterie::sim

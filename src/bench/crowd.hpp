// SPDX-License-Identifier: BSD-3-Clause
// Many client processes of one daemon, each with several handles in groups of their own, which join at a steady pace.
// Measures how long a join takes, from the call of cpg_join to the own change, and how long connecting takes before it.
#pragma once

#include "bench/latencies.hpp"

#include <expected>
#include <memory>
#include <string>

namespace coterie::bench {

struct crowd_options {
    std::size_t processes = 1'000;
    std::size_t handles = 10; ///< of each process
    double joins_per_second = 1'000;
    double limit_seconds = 60; ///< beyond the time that the pace takes
};

struct crowd_report {
    std::size_t handles = 0;
    double joins_per_second = 0;
    distribution connect;
    distribution join;
};

struct crowd_end {
    double seconds = 0; ///< until all had left
    distribution leave;
};

/// The processes end with it.
class crowd {
public:
    explicit crowd(const crowd_options& asked);
    crowd(const crowd&) = delete;
    crowd& operator=(const crowd&) = delete;
    ~crowd();

    /// Starts them, until all have joined. Call it while this process has one thread. The error is one line for people.
    [[nodiscard]] std::expected<crowd_report, std::string> gather();
    /// Has all of them leave at once, until they have ended.
    [[nodiscard]] std::expected<crowd_end, std::string> dismiss();

private:
    struct state;
    std::unique_ptr<state> _state;
};

} // namespace coterie::bench

// SPDX-License-Identifier: BSD-3-Clause
// The coverage of a whole suite, whose parts run as several processes: each leaves its table in a file, and the last
// test adds them up.
#pragma once

#include "sim/coverage.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace coterie::sim {

inline std::filesystem::path coverage_folder() { return std::filesystem::path(COTERIE_BINARY_DIR) / "sim_coverage"; }

inline void write_coverage(const coverage& met, const std::string& part) {
    std::filesystem::create_directories(coverage_folder());
    std::ofstream file(coverage_folder() / part);
    for (std::size_t where = 0; where < stages; ++where) {
        for (std::size_t kind = 0; kind < faults; ++kind) {
            file << met.count(static_cast<stage>(where), static_cast<fault>(kind)) << '\n';
        }
    }
}

/// Adds up all parts; `parts` says how many there were.
inline coverage read_coverage(std::size_t& parts) {
    coverage result;
    parts = 0;
    if (!std::filesystem::exists(coverage_folder())) {
        return result;
    }
    for (const auto& entry : std::filesystem::directory_iterator(coverage_folder())) {
        std::ifstream file(entry.path());
        ++parts;
        for (std::size_t where = 0; where < stages; ++where) {
            for (std::size_t kind = 0; kind < faults; ++kind) {
                std::uint64_t times = 0;
                file >> times;
                result.met(static_cast<stage>(where), static_cast<fault>(kind), times);
            }
        }
    }
    return result;
}

} // namespace coterie::sim

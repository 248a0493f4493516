// SPDX-License-Identifier: BSD-3-Clause
// Times that were measured, and how they are distributed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace coterie::bench {

/// The parts of all times up to which a distribution is told: close to each other where it is interesting.
inline constexpr std::array curve_parts{0.0,   0.05,  0.1,   0.2,   0.3,    0.4,    0.5,  0.6,  0.7,
                                        0.8,   0.85,  0.9,   0.93,  0.95,   0.96,   0.97, 0.98, 0.99,
                                        0.993, 0.996, 0.998, 0.999, 0.9995, 0.9999, 1.0};

struct distribution {
    std::size_t count = 0;
    double mean_us = 0;
    double p50_us = 0;
    double p99_us = 0;
    double p999_us = 0;
    double max_us = 0;
    std::array<double, curve_parts.size()> curve_us{}; ///< the time that is not exceeded by that part of all
};

class latencies {
public:
    /// Makes room for so many, so that adding them does not allocate.
    void reserve(std::size_t count) { _ns.reserve(count); }
    void add(std::int64_t ns) { _ns.push_back(ns); }
    void add_all(const latencies& others) { _ns.insert(_ns.end(), others._ns.begin(), others._ns.end()); }
    [[nodiscard]] std::size_t count() const { return _ns.size(); }
    /// All zeros when there are none.
    [[nodiscard]] distribution told() const;

private:
    std::vector<std::int64_t> _ns;
};

} // namespace coterie::bench

// SPDX-License-Identifier: BSD-3-Clause
#include "bench/latencies.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace coterie::bench {

distribution latencies::told() const {
    distribution result{.count = _ns.size()};
    if (_ns.empty()) {
        return result;
    }
    std::vector<std::int64_t> sorted = _ns;
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](double part) {
        const auto place = static_cast<std::size_t>(std::llround(part * static_cast<double>(sorted.size() - 1)));
        return static_cast<double>(sorted[place]) / 1e3;
    };
    const double sum_ns = std::accumulate(sorted.begin(), sorted.end(), 0.0);
    result.mean_us = sum_ns / static_cast<double>(sorted.size()) / 1e3;
    result.p50_us = at(0.5);
    result.p99_us = at(0.99);
    result.p999_us = at(0.999);
    result.max_us = at(1);
    std::transform(curve_parts.begin(), curve_parts.end(), result.curve_us.begin(), at);
    return result;
}

} // namespace coterie::bench

// SPDX-License-Identifier: BSD-3-Clause
// Points and spans of time. State machines never read a clock: `now` always comes in as a parameter.
#pragma once

#include <chrono>
#include <cstdint>

namespace coterie::base {

/// A clock that is never read here: the driver (daemon or simulator) supplies the points. Monotonic, nanoseconds.
struct engine_clock {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<engine_clock>;
    static constexpr bool is_steady = true;
};

using duration = engine_clock::duration;
using time_point = engine_clock::time_point;

/// A deadline that never comes.
inline constexpr time_point never = time_point::max();

} // namespace coterie::base

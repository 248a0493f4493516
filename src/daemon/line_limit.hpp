// SPDX-License-Identifier: BSD-3-Clause
// Keeps lines that others can cause out of the log when they are too many.
#pragma once

#include "base/time.hpp"

#include <chrono>
#include <utility>

namespace coterie::daemon {

/// Lets a few lines through in each stretch of time, and counts the rest. No clock of its own.
class line_limit {
public:
    static constexpr unsigned lines_max = 10;
    static constexpr auto stretch = std::chrono::seconds(10);

    struct verdict {
        bool tell = false;
        unsigned left_out = 0; ///< lines before this one that were not told; said once
    };
    [[nodiscard]] verdict judge(base::time_point now) {
        if (_told == 0 || now - _since >= stretch) {
            _since = now;
            _told = 0;
        }
        if (_told == lines_max) {
            ++_left_out;
            return {};
        }
        ++_told;
        return {.tell = true, .left_out = std::exchange(_left_out, 0U)};
    }

private:
    base::time_point _since;
    unsigned _told = 0;
    unsigned _left_out = 0;
};

} // namespace coterie::daemon

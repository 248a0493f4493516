// SPDX-License-Identifier: BSD-3-Clause
// How the pauses between repetitions, and those after abandoned attempts, grow.
#pragma once

#include "base/time.hpp"

#include <algorithm>
#include <cstdint>

namespace coterie::ring {

/// The pause after the repetition number `tries` (from 0 on): `first` doubled each time, up to sixteenfold and never
/// beyond `longest`, unless `first` is longer by itself. The absolute end matters after a node's own pause or a jump of
/// the network's delay: sixteen times a round trip that was once very long is no time to wait for a lost packet.
constexpr base::duration backed_off(base::duration first, std::uint32_t tries, base::duration longest) {
    constexpr std::uint32_t doublings_max = 4;
    return std::max(first, std::min(first * (1 << std::min(tries, doublings_max)), longest));
}

} // namespace coterie::ring

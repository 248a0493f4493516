// SPDX-License-Identifier: BSD-3-Clause
// Named courses of events, beside the random mix: each plays one trouble again and again, looks at what the daemons make of
// it meanwhile, and has everything judged in the end.
#pragma once

#include "tests/chaos/mix.hpp"

#include <span>
#include <string>
#include <string_view>

namespace coterie::chaos {

struct scenario_options {
    std::uint64_t seed = 1;
    unsigned times = 0; ///< how often, or how long; see `unit`
    std::string folder; ///< where what a failed one leaves is kept
};

struct scenario {
    std::string_view name;
    std::string_view shows;
    std::string_view unit; ///< what `times` counts
    unsigned times;        ///< in full
    unsigned times_brief;  ///< among the tests
    /// What went wrong; adds to `sum`.
    std::string (*play)(world& where, const scenario_options& options, tally& sum);
    shape made_of;
};

[[nodiscard]] std::span<const scenario> scenarios();
/// Makes its world, plays it, has it judged.
[[nodiscard]] std::string play(const scenario& what, const scenario_options& options, tally& sum);

} // namespace coterie::chaos

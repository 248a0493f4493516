// SPDX-License-Identifier: BSD-3-Clause
// Faults as people speak of them: all links that were cut from one moment to another are one fault with one name, such as
// "{1, 2} | {3}".
#pragma once

#include "sim/chronicle.hpp"

#include <span>
#include <string>
#include <vector>

namespace coterie::sim {

struct drawn_fault {
    ailment what{};
    std::int64_t begin_ns = 0;
    std::int64_t end_ns = 0;
    std::string words;
    std::vector<node_id> nodes; ///< whom it meets, sorted
};

/// In the order of their beginnings.
[[nodiscard]] std::vector<drawn_fault> drawn_faults(std::span<const ailing> ailments, std::size_t nodes);

} // namespace coterie::sim

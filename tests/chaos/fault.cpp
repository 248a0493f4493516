// SPDX-License-Identifier: BSD-3-Clause
#include "tests/chaos/fault.hpp"

#include <algorithm>

namespace coterie::chaos {

std::vector<const fault_kind*> all_faults() {
    std::vector<const fault_kind*> result;
    for (const auto part : {process_faults(), network_faults(), sending_faults(), machine_faults()}) {
        for (const fault_kind& each : part) {
            result.push_back(&each);
        }
    }
    return result;
}

const fault_kind* fault_named(std::string_view name) {
    const auto all = all_faults();
    const auto found = std::find_if(all.begin(), all.end(), [&](const fault_kind* each) { return each->name == name; });
    return found == all.end() ? nullptr : *found;
}

std::size_t any_machine(const world& where, base::random_source& random) {
    return 1 + random.below(where.made_of().machines);
}

std::size_t another_machine(const world& where, base::random_source& random, std::size_t first) {
    const std::size_t drawn = 1 + random.below(where.made_of().machines - 1);
    return drawn < first ? drawn : drawn + 1;
}

} // namespace coterie::chaos

// SPDX-License-Identifier: BSD-3-Clause
// Runs after all shards of seeds_test.cpp: every state of a view change has met every kind of fault somewhere.
#include "tests/sim/suite_coverage.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace coterie::sim {
namespace {

TEST(the_suite, has_shown_every_state_every_kind_of_fault) {
    std::size_t parts = 0;
    const coverage met = read_coverage(parts);
    const char* shards = std::getenv("COTERIE_SIM_SHARDS");
    if (shards == nullptr || parts != std::strtoull(shards, nullptr, 10)) {
        GTEST_SKIP() << "the shards have not all run";
    }
    std::cout << "How often a node in each state met each fault:\n" << met.table();
    for (const coverage::hole& each : met.holes()) {
        ADD_FAILURE() << "no node ever met " << to_string(each.kind) << " while " << to_string(each.where);
    }
}

} // namespace
} // namespace coterie::sim

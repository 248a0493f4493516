// SPDX-License-Identifier: BSD-3-Clause
// Breaks the protocol on purpose, one mutant at a time, and sees that the checker reports the guarantee that the mutant
// breaks. A mutant that survives its seeds, and a guarantee without a mutant, fail the suite.
#include "base/mutant.hpp"
#include "sim/trial.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace coterie::sim {
namespace {

struct mutant {
    const char* name;
    int guarantee; ///< which the checker has to report; 0: what is checked inside
    const char* schedule;
    std::uint64_t seeds; ///< from 1 on; several times as many as it takes
};

// One line may name the same mutant as another, for another guarantee.
constexpr mutant mutants[] = {
    {"ring_deliver_twice", 1, "swarm", 40},
    {"ring_deliver_twice", 5, "swarm", 40},
    {"ring_any_clique", 2, "chain-and-deaf", 40},
    {"ring_acknowledge_missing", 2, "merge-cut-at-tables", 120},
    {"ring_acknowledge_missing", 7, "merge-cut-at-tables", 60},
    {"ring_own_not_in_transition", 3, "merge-cut-at-tables", 40},
    {"ring_stop_at_hole", 3, "install-reaches-one", 40},
    {"ring_complete_without_packets", 4, "merge-cut-at-tables", 120},
    {"ring_past_hole_everything", 6, "install-reaches-one", 60},
    {"ring_past_hole_everything", 5, "install-reaches-one", 200},
    {"ring_safe_as_agreed", 7, "merge-cut-at-tables", 40},
    {"ring_safe_in_regular", 7, "merge-cut-at-tables", 40},
    {"ring_stable_without_highest_member", 7, "merge-cut-at-tables", 40},
    {"ring_stable_without_highest_member", 12, "merge-cut-at-tables", 40},
    {"ring_install_early", 7, "install-reaches-one", 60},
    {"ring_install_early", 0, "install-reaches-one", 40},
    {"ring_forget_obligation", 7, "install-reaches-one", 120},
    {"ring_promise_broken", 0, "install-reaches-one", 300},
    {"ring_receive_while_frozen", 0, "merge-cut-at-tables", 80},
    {"ring_token_taken_twice", 0, "control-faults", 40},
    {"ring_token_taken_twice", 1, "control-faults", 40},
    {"groups_ghost_on_death_during_exchange", 8, "merge-cut-at-tables", 40},
    {"groups_ghost_on_death_during_exchange", 13, "merge-cut-at-tables", 80},
    {"groups_together_latest_only", 8, "merge-cut-at-tables", 800},
    {"groups_unsorted_members", 9, "swarm", 20},
    {"groups_reason_undefined", 9, "swarm", 20},
    {"groups_report_every_view", 10, "merge-cut-at-tables", 200},
    {"groups_nodeup_before_nodedown", 10, "restart-within-limit", 60},
    {"groups_join_seen_late", 11, "swarm", 60},
    {"groups_deliver_to_left_handle", 11, "swarm", 60},
    {"groups_deliver_from_non_member", 11, "swarm", 60},
    {"groups_leave_overtakes", 12, "merge-cut-at-tables", 20},
    {"groups_skip_self_message", 12, "swarm", 20},
    {"groups_drop_on_view_change", 12, "merge-cut-at-tables", 20},
    {"groups_number_too_early", 0, "merge-cut-at-tables", 20},
    {"groups_number_too_early", 12, "merge-cut-at-tables", 100},
    {"groups_partial_large_message", 14, "large-message", 40},
    {"groups_assembly_survives_install", 12, "large-message", 80},
    {"groups_assembly_survives_install", 15, "large-message", 80},
    {"groups_swap_two_messages", 15, "swarm", 40},
    {"ring_asks_once", 17, "holder-dies-amid-burst", 60},
};

/// A run takes less than a second; one whose protocol is broken may never end.
constexpr std::chrono::seconds run_limit{60};

/// The guarantees that one run with the mutant breaks. In a process of its own, since it may also break an assertion.
std::set<int> broken_by(const mutant& what, std::uint64_t seed) {
    return try_apart(
               [&] {
                   base::active_mutant = what.name;
                   return run({.schedule = what.schedule, .seed = seed, .safe = {}});
               },
               run_limit)
        .broken;
}

class each_mutant : public testing::TestWithParam<mutant> {};

TEST_P(each_mutant, is_found) {
    const mutant& what = GetParam();
    std::set<int> others;
    for (std::uint64_t seed = 1; seed <= what.seeds; ++seed) {
        const std::set<int> found = broken_by(what, seed);
        if (found.contains(what.guarantee)) {
            // As a row of the table in docs/testing.md.
            std::cout << "| " << what.guarantee << " | `" << what.name << "` | " << what.schedule << " | " << seed
                      << " |\n";
            return;
        }
        others.insert(found.begin(), found.end());
    }
    std::string seen;
    for (const int each : others) {
        seen += " " + std::to_string(each);
    }
    ADD_FAILURE() << what.name << " survives " << what.seeds << " seeds of " << what.schedule
                  << ": nobody reports guarantee " << what.guarantee << (seen.empty() ? ", nor any other" : ", but")
                  << seen;
}

std::string name_of(const testing::TestParamInfo<mutant>& which) {
    return std::string(which.param.name) + "_breaks_" + std::to_string(which.param.guarantee);
}

INSTANTIATE_TEST_SUITE_P(listed, each_mutant, testing::ValuesIn(mutants), name_of);

TEST(each_guarantee, has_a_mutant) {
    constexpr int guarantees = 17;
    constexpr int without_clause = 16; // says under which faults the others hold
    for (int guarantee = 0; guarantee <= guarantees; ++guarantee) {
        EXPECT_TRUE(guarantee == without_clause ||
                    std::ranges::any_of(mutants, [&](const mutant& each) { return each.guarantee == guarantee; }))
            << "guarantee " << guarantee;
    }
}

TEST(each_mutant_of_the_list, stands_in_the_document) {
    std::ifstream file(std::string(COTERIE_SOURCE_DIR) + "/docs/testing.md");
    const std::string document{std::istreambuf_iterator<char>(file), {}};
    for (const mutant& each : mutants) {
        const std::string row =
            "| " + std::to_string(each.guarantee) + " | `" + each.name + "` | " + each.schedule + " | ";
        EXPECT_NE(document.find(row), std::string::npos) << "docs/testing.md has no row that begins with " << row;
    }
}

TEST(without_a_mutant, nothing_is_broken) {
    base::active_mutant = "";
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const run_outcome outcome = run({.schedule = "swarm", .seed = seed, .safe = {}});
        EXPECT_TRUE(outcome.good()) << "seed " << seed;
    }
}

} // namespace
} // namespace coterie::sim

// SPDX-License-Identifier: BSD-3-Clause
// Breaks the protocol on purpose, one mutant at a time, and sees that the checker reports the guarantee that the mutant
// breaks. A mutant that survives its seeds, and a guarantee without a mutant, fail the suite.
#include "base/mutant.hpp"
#include "sim/trial.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
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
    const char* wrong;   ///< what it does
};

std::string row_begin(const mutant& what) {
    return "| " + std::to_string(what.guarantee) + " | `" + what.name + "` | " + what.schedule + " | ";
}

/// A row of the table in docs/testing.md.
std::string row(const mutant& what, std::uint64_t seed) {
    return row_begin(what) + std::to_string(seed) + " | " + std::to_string(what.seeds) + " | " + what.wrong + " |\n";
}

// One line may name the same mutant as another, for another guarantee.
constexpr mutant mutants[] = {
    {"ring_deliver_twice", 1, "swarm", 40, "delivers some packets twice"},
    {"ring_deliver_twice", 5, "swarm", 40, "delivers some packets twice"},
    {"ring_any_clique", 2, "chain-and-deaf", 40, "takes in members that cannot hear each other"},
    {"ring_regular_without_last", 2, "merge-cut-at-tables", 40, "names fewer in a view than the others of it"},
    {"ring_acknowledge_missing", 7, "merge-cut-at-tables", 60, "acknowledges what it has not got"},
    {"ring_own_not_in_transition", 3, "merge-cut-at-tables", 40, "leaves its own packets out of T(R)"},
    {"ring_stop_at_hole", 3, "install-reaches-one", 40, "delivers nothing behind the first hole of T(R)"},
    {"ring_complete_without_packets", 4, "merge-cut-at-tables", 120, "completes a plan without the packets it names"},
    {"ring_past_hole_everything", 6, "install-reaches-one", 60, "delivers all past a hole, also from outside T"},
    {"ring_past_hole_everything", 5, "install-reaches-one", 200, "delivers all past a hole, also from outside T"},
    {"ring_safe_as_agreed", 7, "merge-cut-at-tables", 40, "delivers safe packets before they are stable"},
    {"ring_safe_in_regular", 7, "merge-cut-at-tables", 40, "delivers in R what is safe only among T"},
    {"ring_stable_without_highest_member", 7, "merge-cut-at-tables", 40,
     "forgets the last member when it computes what is stable"},
    {"ring_install_early", 7, "install-reaches-one", 60, "installs before every member has completed"},
    {"ring_install_early", 0, "install-reaches-one", 40, "installs before every member has completed"},
    {"ring_forget_obligation", 7, "install-reaches-one", 120, "forgets what completed plans have promised"},
    {"ring_promise_broken", 0, "install-reaches-one", 300, "installs an attempt below its promise without evidence"},
    {"ring_receive_while_frozen", 0, "merge-cut-at-tables", 80, "takes in data after it has reported what it has"},
    {"ring_token_taken_twice", 0, "control-faults", 40, "takes the same hop again: two holders"},
    {"ring_token_taken_twice", 1, "control-faults", 40, "takes the same hop again: two holders"},
    {"groups_ghost_on_death_during_exchange", 8, "merge-cut-at-tables", 40,
     "forgets a death during the exchange of tables"},
    {"groups_ghost_on_death_during_exchange", 13, "merge-cut-at-tables", 80,
     "forgets a death during the exchange of tables"},
    {"groups_together_latest_only", 8, "merge-cut-at-tables", 800,
     "judges who stays together by the latest view alone"},
    {"groups_unsorted_members", 9, "swarm", 20, "reports members unsorted"},
    {"groups_reason_undefined", 9, "swarm", 20, "reports a reason that does not exist"},
    {"groups_report_every_view", 10, "merge-cut-at-tables", 200,
     "reports nodes at each view instead of each common point"},
    {"groups_nodeup_before_nodedown", 10, "restart-within-limit", 60, "reports NODEUP before NODEDOWN"},
    {"groups_join_seen_late", 11, "swarm", 60, "delivers to the joiner before its own JOIN"},
    {"groups_deliver_to_left_handle", 11, "swarm", 60, "delivers to a handle that has left"},
    {"groups_deliver_from_non_member", 11, "swarm", 60, "delivers messages of who is no member"},
    {"groups_leave_overtakes", 12, "merge-cut-at-tables", 20, "sends a leave before the messages accepted earlier"},
    {"groups_skip_self_message", 12, "swarm", 20, "does not deliver a sender its own messages"},
    {"groups_drop_on_view_change", 12, "merge-cut-at-tables", 20, "drops what waits when the view changes"},
    {"groups_number_too_early", 0, "merge-cut-at-tables", 20, "numbers messages before the common point"},
    {"groups_number_too_early", 12, "merge-cut-at-tables", 100, "numbers messages before the common point"},
    {"groups_partial_large_message", 14, "large-message", 40, "delivers large messages without all their pieces"},
    {"groups_assembly_survives_install", 12, "large-message", 80, "goes on with a large message of an earlier view"},
    {"groups_assembly_survives_install", 15, "large-message", 80, "goes on with a large message of an earlier view"},
    {"groups_swap_two_messages", 15, "swarm", 40, "exchanges two messages of one handle"},
    {"ring_asks_once", 17, "holder-dies-amid-burst", 60, "asks once for a lost packet and never again"},
    {"ring_transitional_without_last", 4, "merge-cut-at-tables", 40,
     "names fewer in its transitional configuration than the others of it"},
    {"ring_deliver_swapped", 6, "swarm", 40, "delivers some pairs of packets in the wrong order"},
    {"ring_requests_token_once", 17, "swarm", 100, "asks once for the token and never again"},
    {"groups_piece_misplaced", 14, "large-message", 20, "puts pieces of large messages where they do not belong"},
    {"groups_death_untold", 13, "swarm", 40, "tells nobody that a client has died"},
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
            std::cout << row(what, seed);
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

TEST(each_guarantee, has_two_mutants) {
    constexpr int guarantees = 17;
    constexpr int without_clause = 16; // says under which faults the others hold
    for (int guarantee = 0; guarantee <= guarantees; ++guarantee) {
        std::set<std::string> found;
        for (const mutant& each : mutants) {
            if (each.guarantee == guarantee) {
                found.insert(each.name);
            }
        }
        EXPECT_TRUE(guarantee == without_clause || found.size() >= 2) << "guarantee " << guarantee;
    }
}

TEST(each_mutant_of_the_list, stands_in_the_document) {
    std::ifstream file(std::string(COTERIE_SOURCE_DIR) + "/docs/testing.md");
    const std::string document{std::istreambuf_iterator<char>(file), {}};
    for (const mutant& each : mutants) {
        const std::size_t begin = document.find(row_begin(each));
        ASSERT_NE(begin, std::string::npos) << "docs/testing.md has no row that begins with " << row_begin(each);
        const std::string found = document.substr(begin, document.find('\n', begin) + 1 - begin);
        const std::uint64_t seed = std::strtoull(found.c_str() + row_begin(each).size(), nullptr, 10);
        EXPECT_EQ(found, row(each, seed));
        EXPECT_TRUE(seed >= 1 && seed <= each.seeds) << found;
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

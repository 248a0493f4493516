// SPDX-License-Identifier: BSD-3-Clause
// Draws a run of the broken protocol, so that page_test.py has a page with violations to look at.
#include "base/mutant.hpp"
#include "sim/picture.hpp"

#include <cstdio>
#include <fstream>

int main(int count, char** words) {
    if (count != 2) {
        std::fputs("usage: sim_failure_page FILE\n", stderr);
        return 2;
    }
    coterie::base::active_mutant = "ring_complete_without_packets";
    coterie::sim::chronicle notes;
    for (std::uint64_t seed = 1; seed <= 120; ++seed) {
        const coterie::sim::run_request request{.schedule = "merge-cut-at-tables", .seed = seed, .safe = {}};
        notes = {};
        const coterie::sim::run_outcome outcome = run(request, &notes);
        if (!outcome.good()) {
            std::ofstream file(words[1]);
            file << picture_of(outcome, notes.ailments(), {.title = "a broken protocol", .replay = "none"});
            return file.good() ? 0 : 1;
        }
    }
    std::fputs("no seed shows the defect\n", stderr);
    return 1;
}

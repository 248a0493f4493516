// SPDX-License-Identifier: BSD-3-Clause
// Runs that once broke a guarantee, from tests/sim/regressions.txt; each keeps all of them now.
#include "sim/run.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace coterie::sim {
namespace {

struct regression {
    run_request request;
    std::string what_was_wrong;
};

/// One regression a line: `schedule seed nodes seconds messages what was wrong`; 0 nodes or seconds: as drawn; messages:
/// safe, agreed or seed. Lines that begin with # are comments.
std::vector<regression> all_regressions() {
    std::vector<regression> result;
    std::ifstream file(std::string(COTERIE_SOURCE_DIR) + "/tests/sim/regressions.txt");
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line.front() == '#') {
            continue;
        }
        std::istringstream words(line);
        regression each;
        double seconds = 0;
        std::string messages;
        words >> each.request.schedule >> each.request.seed >> each.request.nodes >> seconds >> messages >> std::ws;
        EXPECT_TRUE(words) << "not a regression: " << line;
        each.request.time = std::chrono::duration_cast<duration>(std::chrono::duration<double>(seconds));
        if (messages != "seed") {
            each.request.safe = messages == "safe";
        }
        std::getline(words, each.what_was_wrong);
        result.push_back(std::move(each));
    }
    return result;
}

TEST(what_was_wrong_once, is_right_now) {
    const std::vector<regression> known = all_regressions();
    for (const regression& each : known) {
        const run_outcome outcome = run(each.request);
        for (const violation& found : outcome.violations) {
            ADD_FAILURE() << "again: " << each.what_was_wrong << "\n  guarantee " << found.guarantee << ": "
                          << found.what << "\n  coterie sim " << replay_words(each.request);
        }
    }
}

} // namespace
} // namespace coterie::sim

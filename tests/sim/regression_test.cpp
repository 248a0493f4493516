// SPDX-License-Identifier: BSD-3-Clause
// Runs that once broke a guarantee, from tests/sim/regressions.txt; each keeps all of them now.
#include "sim/run.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace coterie::sim {
namespace {

struct regression {
    run_request request;
    std::string plan_file; ///< instead of the request
    std::string what_was_wrong;
};

std::string folder() { return std::string(COTERIE_SOURCE_DIR) + "/tests/sim/"; }

/// One regression a line: `schedule seed nodes seconds messages what was wrong`; 0 nodes or seconds: as drawn; messages:
/// safe, agreed or seed. Or `FILE.plan what was wrong`. Lines that begin with # are comments.
std::vector<regression> all_regressions() {
    std::vector<regression> result;
    std::ifstream file(folder() + "regressions.txt");
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line.front() == '#') {
            continue;
        }
        std::istringstream words(line);
        regression each;
        words >> each.request.schedule;
        if (each.request.schedule.ends_with(".plan")) {
            each.plan_file = folder() + "plans/" + each.request.schedule;
        } else {
            double seconds = 0;
            std::string messages;
            words >> each.request.seed >> each.request.nodes >> seconds >> messages;
            each.request.time = std::chrono::duration_cast<duration>(std::chrono::duration<double>(seconds));
            if (messages != "seed") {
                each.request.safe = messages == "safe";
            }
        }
        words >> std::ws;
        EXPECT_TRUE(words) << "not a regression: " << line;
        std::getline(words, each.what_was_wrong);
        result.push_back(std::move(each));
    }
    return result;
}

run_outcome repeat(const regression& once) {
    if (once.plan_file.empty()) {
        return run(once.request);
    }
    std::ifstream file(once.plan_file);
    const auto plan = plan_from(std::string{std::istreambuf_iterator<char>(file), {}});
    EXPECT_TRUE(plan) << once.plan_file << ": " << plan.error();
    return plan ? run(*plan) : run_outcome{};
}

TEST(what_was_wrong_once, is_right_now) {
    const std::vector<regression> known = all_regressions();
    for (const regression& each : known) {
        const run_outcome outcome = repeat(each);
        for (const violation& found : outcome.violations) {
            ADD_FAILURE() << "again: " << each.what_was_wrong << "\n  guarantee " << found.guarantee << ": "
                          << found.what << "\n  coterie sim "
                          << (each.plan_file.empty() ? replay_words(each.request) : "--plan " + each.plan_file);
        }
    }
}

} // namespace
} // namespace coterie::sim

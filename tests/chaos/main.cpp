// SPDX-License-Identifier: BSD-3-Clause
// chaos MINUTES [--seed N] [--round SECONDS] [--only FAULT]: rounds of the random mix until the time is over.
// chaos NAME [--seed N] [--times N] [--brief]: a scenario, or all of them.
#include "tests/chaos/scenario.hpp"

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace coterie::chaos {

namespace {

constexpr int skipped = 77;

struct wishes {
    double minutes = 1;
    round_options round;
    double round_s = 20;
};

int run_mix(const wishes& wanted) {
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed_s = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    tally sum;
    round_options round = wanted.round;
    round.time = milliseconds(static_cast<std::int64_t>(wanted.round_s * 1'000));
    for (; elapsed_s() < wanted.minutes * 60; ++round.seed) {
        const std::string fault = play_round(round, sum);
        if (!fault.empty()) {
            std::printf("to repeat it: ./dev chaos 0.01 --seed %llu --round %g%s%s\n",
                        static_cast<unsigned long long>(round.seed), wanted.round_s,
                        round.only.empty() ? "" : " --only ", round.only.c_str());
            return 1;
        }
        std::size_t faults = 0;
        for (const auto& [name, count] : sum.kinds) {
            faults += count.begun;
        }
        std::printf("%.0f s: %zu rounds, %zu faults, %llu views, %llu messages accepted, %llu delivered\n", elapsed_s(),
                    sum.rounds, faults, static_cast<unsigned long long>(sum.judged.views),
                    static_cast<unsigned long long>(sum.judged.accepted),
                    static_cast<unsigned long long>(sum.judged.delivered));
        std::fflush(stdout);
    }
    sum.print(stdout);
    return 0;
}

int run_scenarios(const std::string& name, scenario_options options, bool brief) {
    tally sum;
    bool found = false;
    const unsigned wanted = options.times;
    for (const scenario& each : scenarios()) {
        if (name != "all" && name != each.name) {
            continue;
        }
        found = true;
        options.times = wanted != 0 ? wanted : brief ? each.times_brief : each.times;
        const auto start = std::chrono::steady_clock::now();
        std::printf("%.*s: %.*s; %u %.*s\n", static_cast<int>(each.name.size()), each.name.data(),
                    static_cast<int>(each.shows.size()), each.shows.data(), options.times,
                    static_cast<int>(each.unit.size()), each.unit.data());
        std::fflush(stdout);
        if (!play(each, options, sum).empty()) {
            std::printf("to repeat it: ./dev chaos %.*s --seed %llu --times %u\n", static_cast<int>(each.name.size()),
                        each.name.data(), static_cast<unsigned long long>(options.seed), options.times);
            return 1;
        }
        std::printf("    holds, in %.0f s\n",
                    std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    if (!found) {
        std::fprintf(stderr, "chaos: '%s' is neither a number of minutes nor a scenario; there are:\n", name.c_str());
        for (const scenario& each : scenarios()) {
            std::fprintf(stderr, "    %-20.*s %.*s\n", static_cast<int>(each.name.size()), each.name.data(),
                         static_cast<int>(each.shows.size()), each.shows.data());
        }
        return 2;
    }
    sum.print(stdout);
    return 0;
}

} // namespace

} // namespace coterie::chaos

int main(int count, char** words) {
    using namespace coterie::chaos;
    testing::InitGoogleTest();
    wishes wanted;
    std::string what;
    unsigned times = 0;
    bool brief = false;
    wanted.round.folder = coterie::tests::built("chaos");
    CLI::App app("Torments clusters of real daemons and judges what they wrote down", "chaos");
    app.add_option("WHAT", what,
                   "How many minutes rounds of the mix begin for, or a scenario's name, or `all` of these")
        ->required();
    app.add_option("--seed", wanted.round.seed, "The first round's; the others have the next ones")
        ->capture_default_str();
    app.add_option("--round", wanted.round_s, "Mix: seconds of faults in a round")->capture_default_str();
    app.add_option("--only", wanted.round.only, "Mix: the only kind of fault");
    app.add_option("--times", times, "Scenario: how often, or for how long");
    app.add_flag("--brief", brief, "Scenario: as briefly as among the tests");
    app.add_option("--folder", wanted.round.folder, "Where what fails leaves its logs and traces")
        ->capture_default_str();
    CLI11_PARSE(app, count, words);
    if (!wanted.round.only.empty() && fault_named(wanted.round.only) == nullptr) {
        std::fprintf(stderr, "chaos: there is no fault '%s'\n", wanted.round.only.c_str());
        return 2;
    }
    if (const std::string missing = world({.machines = 2}, 1).fault(); !missing.empty()) {
        std::printf("SKIPPED: %s\n", missing.c_str());
        return skipped;
    }
    if (CLI::detail::lexical_cast(what, wanted.minutes)) {
        return run_mix(wanted);
    }
    return run_scenarios(what, {.seed = wanted.round.seed, .times = times, .folder = wanted.round.folder}, brief);
}

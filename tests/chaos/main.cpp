// SPDX-License-Identifier: BSD-3-Clause
// chaos MINUTES [--seed N] [--round SECONDS] [--only FAULT] [--folder DIR]: rounds of the random mix until the time is over.
#include "tests/chaos/mix.hpp"

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace coterie::chaos {

namespace {

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

} // namespace

} // namespace coterie::chaos

int main(int count, char** words) {
    testing::InitGoogleTest();
    coterie::chaos::wishes wanted;
    wanted.round.folder = coterie::tests::built("chaos");
    CLI::App app("Torments clusters of real daemons and judges what they wrote down", "chaos");
    app.add_option("MINUTES", wanted.minutes, "Rounds begin for so long")->required();
    app.add_option("--seed", wanted.round.seed, "The first round's; the others have the next ones")
        ->capture_default_str();
    app.add_option("--round", wanted.round_s, "Seconds of faults in a round")->capture_default_str();
    app.add_option("--only", wanted.round.only, "The only kind of fault");
    app.add_option("--folder", wanted.round.folder, "Where what failed rounds leave is kept")->capture_default_str();
    CLI11_PARSE(app, count, words);
    if (!wanted.round.only.empty() && coterie::chaos::fault_named(wanted.round.only) == nullptr) {
        std::fprintf(stderr, "chaos: there is no fault '%s'\n", wanted.round.only.c_str());
        return 2;
    }
    return coterie::chaos::run_mix(wanted);
}

// SPDX-License-Identifier: BSD-3-Clause
// Seeds handed out to processes, progress on the terminal, and what is said and done about a failure.
#include "cli/sim_batch.hpp"

#include "sim/shrink.hpp"
#include "sim/trial.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <map>

namespace coterie::cli {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A run that takes so long does not end: the slowest seeds take a few seconds.
constexpr seconds run_limit{120};
constexpr std::size_t shrinking_tries_max = 3'000;
/// Shrinking holds up the rest of a soak for at most so long.
constexpr seconds shrinking_limit{120};

/// What a seed means when all schedules are asked for: of ten seeds seven are of the swarm.
sim::run_request request_of_all(std::uint64_t seed) {
    constexpr std::uint64_t turns = 10;
    constexpr std::uint64_t swarm_turns = 7;
    constexpr std::uint64_t sweep_places = 4'000;
    sim::run_request result{.schedule = "swarm", .seed = seed, .safe = {}};
    if (seed % turns < swarm_turns) {
        return result;
    }
    std::vector<const sim::schedule*> others;
    for (const sim::schedule& each : sim::schedules()) {
        if (each.recorded && !each.planned()) {
            others.push_back(&each);
        }
    }
    const std::uint64_t turn = seed / turns * (turns - swarm_turns) + seed % turns - swarm_turns;
    const sim::schedule& what = *others[turn % others.size()];
    result.schedule = what.name;
    result.seed = turn / others.size();
    if (what.sweep) {
        result.seed %= sweep_places;
    }
    return result;
}

class batch {
public:
    explicit batch(const batch_options& options)
        : _options(options),
          _trials(options.jobs, run_limit),
          _terminal(::isatty(STDERR_FILENO) == 1) {}

    bool run() {
        while (more() || !_trials.empty()) {
            while (more() && !_trials.full()) {
                start(_next++);
            }
            finish(_trials.wait());
            progress();
        }
        clear_progress();
        const double real = seconds_of(clock::now() - _began);
        fmt::print("{} runs of {}, {} bad; {:.0f} simulated seconds in {:.1f} s, {:.1f} runs a second\n", _done,
                   _options.request.schedule, _bad, _simulated, real,
                   static_cast<double>(_done) / std::max(real, 1e-9));
        if (_options.coverage) {
            fmt::print("\nHow often a node in each state met each fault:\n{}", _met.table());
        }
        return _bad == 0;
    }

private:
    [[nodiscard]] bool more() const {
        return (_options.count == 0 || _next < _options.count) &&
               (_options.time == seconds{} || clock::now() - _began < _options.time);
    }

    [[nodiscard]] sim::run_request request_of(std::uint64_t index) const {
        if (_options.request.schedule == all_schedules) {
            return request_of_all(_options.request.seed + index);
        }
        sim::run_request result = _options.request;
        result.seed += index;
        return result;
    }

    void start(std::uint64_t index) {
        _trials.start(index, [request = request_of(index)] { return sim::run(request); });
    }

    void finish(const sim::trials::ended& run) {
        ++_done;
        _simulated += seconds_of(run.result.simulated);
        _met.add(run.result.met);
        if (run.result.good()) {
            return;
        }
        ++_bad;
        const sim::run_request request = request_of(run.name);
        clear_progress();
        fmt::print("\nThe run of {} with seed {} broke its guarantees:\n{}", request.schedule, request.seed,
                   run.result.report);
        fmt::print("\nTo see it again: coterie sim {}\n", sim::replay_words(request));
        if (_options.shrinks) {
            shrink_failure(request, run.result.broken);
        }
        std::fflush(stdout);
    }

    void shrink_failure(const sim::run_request& request, const std::set<int>& broken) {
        if (const auto plan = sim::plan_of(request)) {
            shrink_to_file(*plan, broken,
                           _options.folder + "/" + request.schedule + "-" + std::to_string(request.seed) + ".plan");
            return;
        }
        constexpr std::size_t tries_max = 20;
        const sim::run_request smaller = sim::shrink(
            request,
            [&broken](const sim::run_request& candidate) {
                const auto seen = sim::try_apart([&] { return sim::run(candidate); }, run_limit).broken;
                return seen.contains(*broken.begin());
            },
            tries_max);
        fmt::print("Smaller: coterie sim {}\n", sim::replay_words(smaller));
    }

    void clear_progress() const {
        if (_terminal) {
            fmt::print(stderr, "\r\x1b[K");
        }
    }

    void progress() {
        const auto pace = _terminal ? milliseconds(500) : milliseconds(30'000);
        const auto now = clock::now();
        if (now - _told < pace) {
            return;
        }
        _told = now;
        const double real = seconds_of(now - _began);
        const double rate = static_cast<double>(_done) / std::max(real, 1e-9);
        double left = std::numeric_limits<double>::max();
        if (_options.count != 0) {
            left = static_cast<double>(_options.count - std::min(_options.count, _done)) / std::max(rate, 1e-9);
        }
        if (_options.time != seconds{}) {
            left = std::min(left, std::max(0.0, seconds_of(_options.time) - real));
        }
        const auto whole = static_cast<std::uint64_t>(left);
        const std::string text = fmt::format("{} seeds done, {} bad, {:.1f} a second, {}:{:02} left", _done, _bad, rate,
                                             whole / 60, whole % 60);
        fmt::print(stderr, "{}{}{}", _terminal ? "\r\x1b[K" : "", text, _terminal ? "" : "\n");
        std::fflush(stderr);
    }

    const batch_options& _options;
    sim::trials _trials;
    bool _terminal;
    clock::time_point _began = clock::now();
    clock::time_point _told = _began;
    std::uint64_t _next = 0;
    std::uint64_t _done = 0;
    std::uint64_t _bad = 0;
    double _simulated = 0;
    sim::coverage _met;
};

} // namespace

bool run_batch(const batch_options& options) { return batch(options).run(); }

void write_file(const std::string& path, const std::string& text) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    bool good = file != nullptr;
    if (good) {
        good = std::fwrite(text.data(), 1, text.size(), file) == text.size();
        good = std::fclose(file) == 0 && good;
    }
    if (!good) {
        fmt::print(stderr, "coterie: cannot write {}\n", path);
        throw CLI::RuntimeError(2);
    }
}

void shrink_to_file(const sim::plan& failing, const std::set<int>& broken, const std::string& file) {
    const auto began = clock::now();
    const int wanted = *broken.begin();
    const auto fails = [&](const sim::plan& candidate) {
        return clock::now() - began < shrinking_limit &&
               sim::try_apart([&] { return sim::run(candidate); }, run_limit).broken.contains(wanted);
    };
    fmt::print("Shrinking it: {} nodes, {} clients, {} faults\n", failing.world.nodes, failing.clients.size(),
               failing.faults.size());
    std::fflush(stdout);
    const sim::shrunk result = sim::shrink(failing, fails, shrinking_tries_max);
    const sim::plan& left = result.smallest;
    fmt::print("Left after {} tries: {} nodes, {} clients, {} faults, {:.3f} s\n", result.tried, left.world.nodes,
               left.clients.size(), left.faults.size(), seconds_of(left.time));
    write_file(file, sim::to_text(left));
    fmt::print("To see that: coterie sim --plan {}\n", file);
}

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// From a request to a judged outcome.
#include "sim/run.hpp"

#include "sim/trace_printer.hpp"

#include <algorithm>
#include <memory>

namespace coterie::sim {

namespace {

setup prepare(const schedule& what, const run_request& request) {
    setup result;
    result.seed = request.seed;
    // Sweeps name places by their seeds; neighbours should still be the same run but for the place.
    base::random_source seeds(what.sweep ? 1 : request.seed);
    result.random = base::random_source(seeds.next());
    result.world.seed = seeds.next();
    result.world.record = what.recorded;
    result.safe = request.safe.value_or(what.sweep || request.seed % 2 == 1);
    result.nodes_given = request.nodes != 0;
    if (result.nodes_given) {
        result.world.nodes = request.nodes;
    }
    result.seconds_given = request.time != duration{};
    if (result.seconds_given) {
        result.time = request.time;
    }
    what.prepare(result);
    return result;
}

void judge(scene& on, run_outcome& outcome) {
    checker_options options;
    options.quiet_tail = true;
    options.opening_slack_ns = 0;
    options.quiet_since_ns = on.quiet_since().time_since_epoch().count();
    options.liveness_bound_ns = on.patience().count();
    options.final_components = on.w.cliques();
    outcome.violations = check(outcome.trace, options);
}

run_outcome outcome_of(scene& on) {
    run_outcome outcome;
    outcome.nodes = on.w.nodes();
    outcome.safe = on.options.safe;
    outcome.exhausted = on.exhausted;
    outcome.met = on.w.met_faults();
    outcome.simulated = on.w.now() - time_point{};
    outcome.faults_end = on.quiet_since() - time_point{};
    outcome.occurrences = on.w.occurrences();
    outcome.network = on.w.net().counts();
    outcome.views = on.w.steps_of(step::kind::installed);
    for (std::size_t index = 0; index < on.w.clients(); ++index) {
        outcome.accepted += on.w.client_at(index).accepted();
        outcome.delivered += on.w.client_at(index).delivered();
    }
    outcome.trace = on.w.take_trace();
    if (on.options.world.record) {
        judge(on, outcome);
    }
    for (const complaint& each : on.w.complaints()) {
        std::string where = each.node == base::no_node ? "" : "node " + std::to_string(each.node.value) + ": ";
        where += each.what + " (at " + std::to_string(each.time_ns / 1'000'000) + " ms)";
        outcome.violations.push_back({.guarantee = each.guarantee, .what = std::move(where), .events = {}});
    }
    return outcome;
}

run_outcome play_to_end(const setup& from, void (*play)(scene&), chronicle* notes) {
    // On the heap: hooks of schedules keep references to it.
    const auto on = std::make_unique<scene>(from);
    if (notes != nullptr) {
        notes->follow(on->w);
    }
    play(*on);
    on->finish();
    if (notes != nullptr) {
        notes->close();
    }
    return outcome_of(*on);
}

} // namespace

run_outcome run(const plan& what, chronicle* notes) {
    setup from;
    static_cast<plan&>(from) = what;
    from.random = base::random_source(what.world.seed);
    return play_to_end(from, play_plan, notes);
}

run_outcome run(const run_request& request, chronicle* notes) {
    const schedule* what = find_schedule(request.schedule);
    if (what == nullptr) {
        run_outcome outcome;
        outcome.violations.push_back({.guarantee = inside_guarantee,
                                      .what = "there is no schedule named '" + request.schedule + "'",
                                      .events = {}});
        return outcome;
    }
    const setup from = prepare(*what, request);
    return what->planned() ? run(static_cast<const plan&>(from), notes) : play_to_end(from, what->play, notes);
}

std::optional<plan> plan_of(const run_request& request) {
    const schedule* what = find_schedule(request.schedule);
    if (what == nullptr || !what->planned()) {
        return std::nullopt;
    }
    return prepare(*what, request);
}

std::string report_of(const run_outcome& outcome) {
    constexpr std::size_t told_max = 10;
    std::string result;
    for (std::size_t at = 0; at < std::min(told_max, outcome.violations.size()); ++at) {
        result += "  " + in_words(outcome.violations[at]) + "\n";
    }
    if (outcome.violations.size() > told_max) {
        result += "  and " + std::to_string(outcome.violations.size() - told_max) + " more\n";
    }
    const auto shown = std::ranges::find_if(outcome.violations, [](const auto& each) { return !each.events.empty(); });
    if (shown != outcome.violations.end()) {
        result += "\nThe trace around the first:\n" + excerpt(outcome.trace, *shown);
    }
    return result;
}

std::string replay_words(const run_request& request) {
    std::string result = "--schedule " + request.schedule + " --seed " + std::to_string(request.seed);
    if (request.nodes != 0) {
        result += " --nodes " + std::to_string(request.nodes);
    }
    if (request.time != duration{}) {
        const double seconds = std::chrono::duration<double>(request.time).count();
        std::string text = std::to_string(seconds);
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') {
            text.pop_back();
        }
        result += " --seconds " + text;
    }
    if (request.safe) {
        result += *request.safe ? " --safe" : " --agreed";
    }
    return result;
}

} // namespace coterie::sim

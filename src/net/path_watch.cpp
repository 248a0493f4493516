// SPDX-License-Identifier: BSD-3-Clause
// Rounds go out on all paths of a node at once, so that paths can be compared.
#include "net/path_watch.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <bit>

namespace coterie::net {

namespace {

/// Probes that this node may send in a second while there is traffic, and else; in large clusters rounds are rarer.
constexpr std::int64_t busy_probes_a_second = 4'000;
constexpr std::int64_t calm_probes_a_second = 500;

duration stretched(duration pace, std::size_t paths, std::int64_t probes_a_second) {
    return std::max(pace, duration(std::chrono::seconds(1)) * static_cast<std::int64_t>(paths) / probes_a_second);
}

template <class Visit>
void each_link(link_set links, Visit visit) {
    for (; links != 0; links &= static_cast<link_set>(links - 1U)) {
        visit(link_number{static_cast<std::uint8_t>(std::countr_zero(links))});
    }
}

} // namespace

path_watch::path_watch(settings what, outputs& out) : _settings(std::move(what)), _out(out) {
    std::ranges::sort(_settings.links, {}, &ranked_link::number);
    std::ranges::stable_sort(_settings.links, std::ranges::greater{}, &ranked_link::priority);
    for (const ranked_link& each : _settings.links) {
        _preferred.push_back(each.number);
    }
}

path_watch::node_place path_watch::add_node() {
    _nodes.emplace_back();
    return _nodes.size() - 1;
}

void path_watch::add_path(node_place node, link_number link) {
    node_paths& of = _nodes[node];
    COTERIE_ASSERT(!has(of.present, link), "there is one path to a node on each link");
    of.paths[link.value].emplace(of.round + 1);
    of.present |= only(link);
    of.due = time_point{};
    ++_paths;
    choose(of);
    _due = time_point{};
}

template <class Is>
link_set path_watch::those(const node_paths& of, Is is) {
    link_set result = 0;
    each_link(of.present, [&](link_number link) {
        if (is(*of.paths[link.value])) {
            result |= only(link);
        }
    });
    return result;
}

link_set path_watch::for_traffic(node_place node) {
    node_paths& of = _nodes[node];
    if (!of.used && std::popcount(of.present) > 1) {
        of.used = true;
        plan(of);
    }
    if (!of.in_turns) {
        return of.traffic;
    }
    // The next one behind the last, in the order of numbers.
    const auto behind = static_cast<link_set>(of.traffic & ~((2U << of.turn.value) - 1U));
    of.turn = {static_cast<std::uint8_t>(std::countr_zero(behind != 0 ? behind : of.traffic))};
    return only(of.turn);
}

void path_watch::on_probe(time_point now, node_place from, base::incarnation life, const wire::link_probe& probe) {
    node_paths& of = _nodes[from];
    if (!has(of.present, probe.link)) {
        return;
    }
    if (probe.answered == base::no_incarnation) {
        _out.send_probe(from, {.link = probe.link, .round = probe.round, .answered = life});
        // It has just come, or come back: no need to wait for the next round.
        if (those(of, [](const path& each) { return each.state() == path_state::up; }) == 0) {
            of.due = std::min(of.due, of.round_at + _settings.limits.busy);
            _due = std::min(_due, of.due);
        }
        return;
    }
    if (probe.answered != _settings.self || probe.round > of.round || of.round - probe.round >= rounds_kept) {
        return;
    }
    const path::answer answer{.round = probe.round,
                              .sent = of.sent_at[probe.round % rounds_kept],
                              .next_sent =
                                  probe.round == of.round ? base::never : of.sent_at[(probe.round + 1) % rounds_kept]};
    if (of.paths[probe.link.value]->on_answer(now, answer, of.round)) {
        judge(now, from);
    }
}

void path_watch::on_refused(time_point now, node_place node, link_number link) {
    node_paths& of = _nodes[node];
    if (!has(of.present, link)) {
        return;
    }
    path& at = *of.paths[link.value];
    at.on_refused();
    // Of a path that is known to be down it is no news, unless there is no other.
    const link_set up = those(of, [](const path& each) { return each.state() == path_state::up; });
    if (up != 0 && !has(up, link)) {
        return;
    }
    // The other links are asked at once: a daemon that is gone is gone on all of them. But answers that refuse do not make
    // questions without end.
    if (of.asked == 0) {
        if (now - of.round_at >= _settings.limits.busy / 4 && std::popcount(of.present) > 1) {
            send_round(now, node);
            of.asked = of.round;
        } else {
            of.asked = of.round + 1;
        }
    }
    judge(now, node);
}

void path_watch::on_unsendable(time_point now, node_place node, link_number link, int error) {
    node_paths& of = _nodes[node];
    if (has(of.present, link) && of.paths[link.value]->sendable()) {
        of.paths[link.value]->on_unsendable(error);
        judge(now, node);
    }
}

void path_watch::on_time(time_point now) {
    if (now < _due) {
        return;
    }
    // What is nearly due goes along: fewer wake-ups.
    const time_point soon = now + _settings.limits.busy / 2;
    time_point next = base::never;
    for (node_place node = 0; node < _nodes.size(); ++node) {
        node_paths& of = _nodes[node];
        if (of.present != 0 && of.due <= soon) {
            judge(now, node);
            send_round(now, node);
        }
        next = std::min(next, of.present != 0 ? of.due : base::never);
    }
    // What judging planned before the round was sent is past.
    _due = next;
}

void path_watch::send_round(time_point now, node_place node) {
    node_paths& of = _nodes[node];
    ++of.round;
    of.sent_at[of.round % rounds_kept] = now;
    of.round_at = now;
    of.used = false;
    each_link(of.present, [&](link_number link) {
        of.paths[link.value]->on_round(now);
        _out.send_probe(node, {.link = link, .round = of.round, .answered = base::no_incarnation});
    });
    plan(of);
}

void path_watch::judge(time_point now, node_place node) {
    node_paths& of = _nodes[node];
    std::uint64_t answered = 0;
    each_link(of.present,
              [&](link_number link) { answered = std::max(answered, of.paths[link.value]->answered_last()); });
    each_link(of.present, [&](link_number link) {
        path& each = *of.paths[link.value];
        const link_set up = those(of, [](const path& one) { return one.state() == path_state::up; });
        if (each.judge(now, {.newest = of.round, .answered_last = answered, .alone = (up & ~only(link)) == 0},
                       _settings.limits)) {
            choose(of);
            _out.on_path(node, report(now, of, link));
        }
    });
    choose(of);
    judge_refusal(now, node);
    plan(of);
}

void path_watch::judge_refusal(time_point now, node_place node) {
    node_paths& of = _nodes[node];
    if (of.asked == 0) {
        return;
    }
    bool answered = false;
    bool all_refused = true;
    duration longest{};
    each_link(of.present, [&](link_number link) {
        const path& each = *of.paths[link.value];
        answered = answered || each.answered_last() >= of.asked;
        all_refused = all_refused && (each.state() != path_state::up || each.refused());
        longest = std::max(longest, each.round_trip().value_or(duration::zero()));
    });
    const bool unanswered =
        of.asked <= of.round && now - of.sent_at[of.asked % rounds_kept] >= _settings.limits.busy + 2 * longest;
    if (answered || all_refused || unanswered) {
        of.asked = 0;
        if (!answered) {
            _out.on_refused(node);
        }
    }
}

void path_watch::choose(node_paths& of) const {
    const link_set usable =
        those(of, [](const path& each) { return each.state() == path_state::up && each.sendable(); });
    const link_set good = those(of, [](const path& each) { return each.state() == path_state::up && !each.doubted(); });
    of.in_turns = _settings.mode == link_mode::round_robin && good != 0;
    if (good == 0) {
        // Nothing is known to work, so everything is tried.
        of.traffic = of.present;
    } else if (_settings.mode == link_mode::passive) {
        of.traffic = best_of(of, usable, good);
    } else {
        of.traffic = of.in_turns ? good : usable;
    }
}

link_set path_watch::best_of(const node_paths& of, link_set usable, link_set good) const {
    link_set result = 0;
    for (const link_number link : _preferred) {
        if (has(of.present & usable, link)) {
            result |= only(link);
        }
        if (has(good, link)) {
            break;
        }
    }
    return result;
}

void path_watch::plan(node_paths& of) {
    of.due = of.round_at + pace(of);
    _due = std::min(_due, of.due);
}

duration path_watch::pace(const node_paths& of) const {
    const path_limits& limits = _settings.limits;
    const bool lone = std::popcount(of.present) == 1;
    const bool up = those(of, [](const path& each) { return each.state() == path_state::up; }) != 0;
    const bool in_question = those(of, [](const path& each) { return each.in_question(); }) != 0;
    if (of.asked != 0 || in_question || (of.used && up)) {
        return stretched(limits.busy, _paths, busy_probes_a_second);
    }
    if (!up) {
        return stretched(limits.absent, _paths, calm_probes_a_second);
    }
    const bool settled = those(of, [&](const path& each) { return each.answered_last() == of.round; }) != 0;
    return stretched(lone && settled ? limits.lone : limits.calm, _paths, calm_probes_a_second);
}

path_report path_watch::report(time_point now, const node_paths& of, link_number link) const {
    const path& each = *of.paths[link.value];
    // The newest rounds may still be answered.
    std::uint64_t recent = 0;
    while (recent < of.round && recent < rounds_kept &&
           now - of.sent_at[(of.round - recent) % rounds_kept] <
               _settings.limits.overdue + 2 * each.round_trip().value_or(duration::zero())) {
        ++recent;
    }
    return {.link = link,
            .state = each.state(),
            .fault = each.fault(),
            .error = each.fault_error(),
            .in_use = has(of.traffic, link),
            .since = each.state() == path_state::untried ? duration::zero() : now - each.changed_at(),
            .held_off = each.state() == path_state::down ? std::max(each.held_until() - now, duration::zero())
                                                         : duration::zero(),
            .times_down = each.times_down(),
            .round_trip = each.round_trip(),
            .loss_percent = each.loss_percent(of.round, recent)};
}

std::vector<path_report> path_watch::paths(time_point now, node_place node) const {
    std::vector<path_report> result;
    const node_paths& of = _nodes[node];
    each_link(of.present, [&](link_number link) { result.push_back(report(now, of, link)); });
    return result;
}

} // namespace coterie::net

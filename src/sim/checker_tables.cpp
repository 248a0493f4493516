// SPDX-License-Identifier: BSD-3-Clause
// Guarantee 13: at the end of a quiet tail each node knows of exactly the live members on the nodes of its view. Also
// whether joins and leaves have been answered by then (17).
#include "sim/checker_parts.hpp"
#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace coterie::sim::checking {

namespace {

/// Live members by group, with the event that made each one.
using members = std::map<std::string_view, std::map<process, std::size_t>>;

members live_members(const sorted_trace& trace, findings& found) {
    members result;
    for (const membership& in : trace.memberships) {
        const client& one = trace.clients[in.client];
        if (!trace.complete(one)) {
            continue;
        }
        if (in.first_change == none && in.last_change == none) {
            found.add(17, fmt::format("the join of {} is never answered", trace.name(one)), {in.join});
        } else if (in.leave != none && in.last_change == none) {
            found.add(17, fmt::format("the leave of {} is never answered", trace.name(one)), {in.leave});
        } else if (in.last_change == none) {
            result[trace.groups[in.group]].emplace(one.who, in.first_change);
        }
    }
    return result;
}

struct table {
    std::size_t event = none;
    std::vector<process> processes;
};

std::map<std::string_view, table> recorded_tables(const sorted_trace& trace, const life& one) {
    std::map<std::string_view, table> result;
    // The latest, if a harness asks more than once.
    std::int64_t latest = 0;
    for (const std::size_t place : one.events) {
        const event& what = trace.events[place];
        if (what.kind != event_kind::table) {
            continue;
        }
        if (what.time_ns != latest) {
            result.clear();
            latest = what.time_ns;
        }
        result.insert_or_assign(what.group, table{place, what.processes});
    }
    return result;
}

void check_life(const sorted_trace& trace, const life& one, const members& live, findings& found) {
    if (one.visits.empty()) {
        return;
    }
    const std::size_t in = one.visits.back().view;
    const auto tables = recorded_tables(trace, one);
    for (const auto& [group, known] : tables) {
        const auto expected = live.find(group);
        for (const process& who : known.processes) {
            if (expected == live.end() || !expected->second.contains(who) || !trace.is_member(in, who.node)) {
                found.add(13, fmt::format("{} still knows {} in {}", trace.name(one), in_words(who), quoted(group)),
                          {known.event});
            }
        }
    }
    for (const auto& [group, processes] : live) {
        const auto known = tables.find(group);
        for (const auto& [who, joined] : processes) {
            const bool knows = known != tables.end() &&
                               std::ranges::find(known->second.processes, who) != known->second.processes.end();
            if (!knows && trace.is_member(in, who.node)) {
                found.add(13, fmt::format("{} does not know {} in {}", trace.name(one), in_words(who), quoted(group)),
                          {known == tables.end() ? none : known->second.event, joined});
            }
        }
    }
}

} // namespace

void check_tables(const sorted_trace& trace, findings& found) {
    if (!trace.options.quiet_tail) {
        return;
    }
    const members live = live_members(trace, found);
    if (!trace.options.tables_recorded) {
        return;
    }
    for (const life& one : trace.lives) {
        if (one.alive()) {
            check_life(trace, one, live, found);
        }
    }
}

} // namespace coterie::sim::checking

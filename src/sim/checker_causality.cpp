// SPDX-License-Identifier: BSD-3-Clause
// Guarantee 1, "causality has no cycle": each stream's own order and the edges from what was sent to what was received
// form a graph, and no event may be its own cause.
#include "sim/checker_parts.hpp"
#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <tuple>

namespace coterie::sim::checking {

namespace {

/// The direct causes of each event: the one before it in its stream, and what it answers to in others. Besides the events
/// there is a point for each attempt at which all of its members have completed it: the cause of every install of it.
class causes {
public:
    explicit causes(const sorted_trace& trace) : _before(trace.events.size(), none), _sent(trace.events.size(), none) {
        follow_streams(trace);
        follow_attempts(trace);
        std::map<std::tuple<base::view_id, base::hop_number>, std::size_t> given;
        for (std::size_t at = 0; at < trace.events.size(); ++at) {
            const event& what = trace.events[at];
            if (what.kind == event_kind::hop_given) {
                given.try_emplace({what.view, what.hop}, at);
            }
        }
        for (std::size_t at = 0; at < trace.events.size(); ++at) {
            const event& what = trace.events[at];
            if (what.kind == event_kind::delivered && trace.packet_of[at] != none) {
                _sent[at] = trace.packets[trace.packet_of[at]].numbered;
            } else if (what.kind == event_kind::client_delivered && trace.message_of[at] != none) {
                _sent[at] = trace.messages[trace.message_of[at]].numbered;
            } else if (what.kind == event_kind::hop_taken) {
                const auto giving = given.find({what.view, what.hop});
                _sent[at] = giving == given.end() ? none : giving->second;
            }
        }
    }

    [[nodiscard]] std::size_t count() const { return _before.size() + _completions.size(); }
    [[nodiscard]] std::size_t count(std::size_t of) const {
        return of < _before.size() ? 2 : _completions[of - _before.size()].size();
    }
    [[nodiscard]] std::size_t cause(std::size_t of, std::size_t which) const {
        if (of >= _before.size()) {
            return _completions[of - _before.size()][which];
        }
        return which == 0 ? _before[of] : _sent[of];
    }

private:
    void follow_streams(const sorted_trace& trace) {
        for (const life& one : trace.lives) {
            for (std::size_t i = 1; i < one.events.size(); ++i) {
                _before[one.events[i]] = one.events[i - 1];
            }
        }
        for (const client& one : trace.clients) {
            for (std::size_t i = 1; i < one.items.size(); ++i) {
                _before[one.items[i].event] = one.items[i - 1].event;
            }
        }
    }

    void follow_attempts(const sorted_trace& trace) {
        struct attempt {
            std::size_t planned = none;
            std::size_t completions = none;
        };
        std::map<base::view_id, attempt> attempts;
        for (std::size_t at = 0; at < trace.events.size(); ++at) {
            const event& what = trace.events[at];
            if (what.kind == event_kind::planned) {
                attempts[what.view].planned = at;
            } else if (what.kind == event_kind::completed) {
                attempt& one = attempts[what.view];
                if (one.completions == none) {
                    one.completions = _completions.size();
                    _completions.emplace_back();
                }
                _completions[one.completions].push_back(at);
            }
        }
        for (std::size_t at = 0; at < trace.events.size(); ++at) {
            const event& what = trace.events[at];
            if (what.kind != event_kind::completed && what.kind != event_kind::installed) {
                continue;
            }
            const auto known = attempts.find(what.view);
            if (known == attempts.end()) {
                continue;
            }
            if (what.kind == event_kind::completed) {
                _sent[at] = known->second.planned;
            } else if (known->second.completions != none) {
                _sent[at] = trace.events.size() + known->second.completions;
            }
        }
    }

    std::vector<std::size_t> _before;
    std::vector<std::size_t> _sent;
    std::vector<std::vector<std::size_t>> _completions;
};

} // namespace

void check_causality(const sorted_trace& trace, findings& found) {
    const causes graph(trace);
    enum class state : std::uint8_t { fresh, open, closed };
    std::vector<state> states(graph.count(), state::fresh);
    struct step {
        std::size_t at;
        std::size_t next;
    };
    std::vector<step> path;
    for (std::size_t start = 0; start < graph.count(); ++start) {
        if (states[start] != state::fresh) {
            continue;
        }
        path.push_back({start, 0});
        states[start] = state::open;
        while (!path.empty()) {
            step& top = path.back();
            if (top.next == graph.count(top.at)) {
                states[top.at] = state::closed;
                path.pop_back();
                continue;
            }
            const std::size_t cause = graph.cause(top.at, top.next++);
            if (cause == none || states[cause] == state::closed) {
                continue;
            }
            if (states[cause] == state::fresh) {
                states[cause] = state::open;
                path.push_back({cause, 0});
                continue;
            }
            // The part of the path from `cause` on is a cycle; its edges between streams tell the story.
            std::vector<std::size_t> cycle;
            for (auto each = path.rbegin(); each != path.rend(); ++each) {
                if (each->at < trace.events.size() && (each->next == 2 || each->at == cause || cycle.empty())) {
                    cycle.push_back(each->at);
                }
                if (each->at == cause || cycle.size() >= 8) {
                    break;
                }
            }
            const std::size_t told = cycle.front();
            found.add(1, fmt::format("'{}' is a cause of itself", in_words(trace.events[told])), std::move(cycle));
            return;
        }
    }
}

} // namespace coterie::sim::checking

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

/// Each event has at most two direct causes: the event before it in its stream, and what it answers to in another.
class causes {
public:
    explicit causes(const sorted_trace& trace) : _before(trace.events.size(), none), _sent(trace.events.size(), none) {
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

    [[nodiscard]] std::size_t count() const { return _before.size(); }
    [[nodiscard]] std::size_t cause(std::size_t of, std::size_t which) const {
        return which == 0 ? _before[of] : _sent[of];
    }

private:
    std::vector<std::size_t> _before;
    std::vector<std::size_t> _sent;
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
            if (top.next == 2) {
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
                if (each->next == 2 || each->at == cause) {
                    cycle.push_back(each->at);
                }
                if (each->at == cause || cycle.size() >= 8) {
                    break;
                }
            }
            found.add(1, fmt::format("'{}' is a cause of itself", in_words(trace.events[cause])), std::move(cycle));
            return;
        }
    }
}

} // namespace coterie::sim::checking

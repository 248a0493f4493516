// SPDX-License-Identifier: BSD-3-Clause
// Guarantee 7: whoever delivers a safe packet in a configuration vouches for all its members: each delivers it too, or
// fails before it leaves the view. Judged for each view and each of its configurations at once.
#include "sim/checker_parts.hpp"
#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace coterie::sim::checking {

namespace {

/// Safe packets delivered in one configuration by anyone: packet to the first delivery.
using vouched = std::map<std::size_t, std::size_t>;

class safe_view {
public:
    safe_view(const sorted_trace& trace, std::size_t number, findings& found)
        : _trace(trace),
          _number(number),
          _in(trace.views[number]),
          _found(found) {}

    void check() {
        collect();
        if (!_regular.empty()) {
            for (const base::member& each : _in.members) {
                check_member(each, _regular, true);
            }
        }
        for (const auto& [set, packets] : _transitional) {
            for (const base::node_id node : _trace.node_sets[set]) {
                const auto member = std::ranges::find(_in.members, node, &base::member::node);
                if (member != _in.members.end()) {
                    check_member(*member, packets, false);
                }
            }
        }
    }

private:
    void collect() {
        for (const auto& [life_at, place] : _in.visits) {
            const visit& at = _trace.lives[life_at].visits[place];
            for (std::size_t i = 0; i < at.delivered.size(); ++i) {
                if (!_trace.packets[at.delivered[i]].safe) {
                    continue;
                }
                vouched& into = i < at.regular_count ? _regular : _transitional[at.together];
                into.try_emplace(at.delivered[i], at.delivered_events[i]);
            }
        }
    }

    void check_member(const base::member& who, const vouched& packets, bool regular) {
        const std::size_t life_at = _trace.life_of(who);
        const std::size_t place = life_at == none ? none : _trace.visit_of(life_at, _number);
        if (place == none) {
            // A listed member of T may have gone before it installed R itself, under a plan that made it do so first.
            if (regular) {
                const auto& [packet, event] = *packets.begin();
                _found.add(7,
                           fmt::format("packet {} {} is delivered as safe, but {} never installed that view",
                                       in_words(_in.id), _trace.packets[packet].number, in_words(who.node)),
                           {event});
            }
            return;
        }
        const life& one = _trace.lives[life_at];
        const visit& at = one.visits[place];
        const bool moved = place + 1 < one.visits.size();
        if (!moved && (!one.alive() || !_trace.options.quiet_tail)) {
            return;
        }
        auto own = at.delivered.begin();
        for (const auto& [packet, event] : packets) {
            own = std::lower_bound(own, at.delivered.end(), packet);
            if (own == at.delivered.end() || *own != packet) {
                _found.add(7,
                           fmt::format("{} delivers packet {} {} as safe in the {} configuration, but {} does not",
                                       in_words(_trace.events[event].node), in_words(_in.id),
                                       _trace.packets[packet].number, regular ? "regular" : "transitional",
                                       in_words(who.node)),
                           {event, at.transitional, moved ? one.visits[place + 1].regular : none});
                return;
            }
        }
    }

    const sorted_trace& _trace;
    std::size_t _number;
    const view& _in;
    findings& _found;
    vouched _regular;
    std::map<std::size_t, vouched> _transitional;
};

} // namespace

void check_safe(const sorted_trace& trace, findings& found) {
    for (std::size_t number = 0; number < trace.views.size(); ++number) {
        safe_view(trace, number, found).check();
    }
}

} // namespace coterie::sim::checking

// SPDX-License-Identifier: BSD-3-Clause
// "Inside, checked too": what a node has acknowledged it reports, what it has promised it keeps, and the plans of one
// attempt are one plan. Each life is followed as its own steps tell it.
#include "sim/checker_parts.hpp"
#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace coterie::sim::checking {

namespace {

/// What one life has committed itself to.
class commitments {
public:
    commitments(const sorted_trace& trace, const life& one, findings& found)
        : _trace(trace),
          _one(one),
          _found(found) {}

    void follow() {
        for (const std::size_t place : _one.events) {
            const event& what = _trace.events[place];
            goes_on(place, what);
            switch (what.kind) {
            case event_kind::regular: install_view(place, what); break;
            case event_kind::acknowledged: acknowledge(place, what); break;
            case event_kind::promised: promise(place, what); break;
            case event_kind::planned: plan(place, what); break;
            case event_kind::completed: complete(place, what); break;
            case event_kind::installed: install(place, what); break;
            case event_kind::numbered:
            case event_kind::hop_given:
            case event_kind::hop_taken: take_part(place, what); break;
            case event_kind::delivered: deliver(place, what); break;
            case event_kind::message_numbered: number_message(place, what); break;
            case event_kind::common_point: _common_point = what.view; break;
            default: break;
            }
        }
    }

private:
    void complain(std::string what, std::vector<std::size_t> events) {
        _found.add(inside_guarantee, fmt::format("{} {}", _trace.name(_one), what), std::move(events));
    }

    void install_view(std::size_t place, const event& what) {
        if (_trace.has_ring_steps && _installed != what.view) {
            complain(fmt::format("is in {} without a step that installs it", in_words(what.view)), {place});
        }
        if (_view.valid() && _at < _one.visits.size()) {
            check_kept(place);
        }
        _at = static_cast<std::size_t>(std::ranges::find(_one.visits, place, &visit::regular) - _one.visits.begin());
        _view = what.view;
        _reported = none;
        _acknowledged = none;
        _finishing = none;
        // Installed for the sake of those who had installed it already: this life has answered a higher attempt, and
        // only passes through.
        _frozen_by = what.view < _promised_view ? _promised : none;
    }

    /// What was reported or acknowledged is held, so the plan had to deliver it.
    void check_kept(std::size_t place) {
        const visit& left = _one.visits[_at];
        std::uint64_t kept = 0;
        while (kept < left.delivered.size() && _trace.packets[left.delivered[kept]].number == kept + 1) {
            ++kept;
        }
        for (const std::size_t said : {_reported, _acknowledged}) {
            if (said != none && _trace.events[said].number.value > kept) {
                complain(fmt::format("leaves {} with {} packets, though it said that it had {}", in_words(_view), kept,
                                     _trace.events[said].number.value),
                         {place, said});
            }
        }
    }

    void acknowledge(std::size_t place, const event& what) {
        if (what.view != _view) {
            complain(fmt::format("acknowledges {}, which it has not installed", in_words(what.view)), {place});
            return;
        }
        take_part(place, what);
        if (_acknowledged == none || _trace.events[_acknowledged].number < what.number) {
            _acknowledged = place;
        }
    }

    /// An answer freezes the view that it leaves.
    void take_part(std::size_t place, const event& what) {
        if (_frozen_by != none && what.view == _view) {
            complain(fmt::format("'{}' though it has left that view by its promise", in_words(what)),
                     {place, _frozen_by});
        }
    }

    /// After its promise a node delivers only what an install tells it to, all at once and as part of that install.
    void deliver(std::size_t place, const event& what) {
        if (_frozen_by != none && what.view == _view && _finishing == none) {
            _finishing = place;
        }
    }

    void goes_on(std::size_t place, const event& what) {
        const bool step =
            what.kind == event_kind::promised || what.kind == event_kind::planned || what.kind == event_kind::completed;
        if (_finishing != none && step) {
            complain(fmt::format("'{}' between its promise and the install", in_words(_trace.events[_finishing])),
                     {_finishing, _frozen_by, place});
            _finishing = none;
        }
    }

    void number_message(std::size_t place, const event& what) {
        if (what.view == _view && _common_point != what.view) {
            complain(fmt::format("'{}' before the common point", in_words(what)), {place});
        }
    }

    void promise(std::size_t place, const event& what) {
        if (what.view < _promised_view) {
            complain(fmt::format("promises {} after {}", in_words(what.view), in_words(_promised_view)),
                     {place, _promised});
        }
        if (what.left_view != _view) {
            complain(fmt::format("reports for {} while it is in {}", in_words(what.left_view), in_words(_view)),
                     {place});
        } else if (_acknowledged != none && what.number < _trace.events[_acknowledged].number) {
            complain(fmt::format("reports {} up to {} and has acknowledged up to {}", in_words(what.left_view),
                                 what.number.value, _trace.events[_acknowledged].number.value),
                     {place, _acknowledged});
        }
        if (what.peer != what.view.coordinator && what.peer != base::no_node) {
            complain(fmt::format("promises {} to {}", in_words(what.view), in_words(what.peer)), {place});
        }
        if (what.left_view == _view && _view.valid() && what.number.value < delivered_so_far(place)) {
            complain(
                fmt::format("reports {} up to {} and has delivered more", in_words(what.left_view), what.number.value),
                {place});
        }
        if (_reported == none || _trace.events[_reported].number < what.number) {
            _reported = place;
        }
        if (what.view >= _promised_view) {
            _promised_view = what.view;
            _promised = place;
        }
        _frozen_by = place;
    }

    [[nodiscard]] std::uint64_t delivered_so_far(std::size_t place) const {
        if (_at >= _one.visits.size()) {
            return 0;
        }
        const auto& delivered = _one.visits[_at].delivered_events;
        return static_cast<std::uint64_t>(std::ranges::lower_bound(delivered, place) - delivered.begin());
    }

    void plan(std::size_t place, const event& what) {
        if (what.view.coordinator != _one.who.node || what.view.nonce != _one.who.nonce) {
            complain(fmt::format("plans {}, the attempt of another", in_words(what.view)), {place});
        }
    }

    void complete(std::size_t place, const event& what) {
        if (what.view != _promised_view) {
            complain(fmt::format("completes {} though its latest promise is {}", in_words(what.view),
                                 in_words(_promised_view)),
                     {place, _promised});
        }
        _completed.insert_or_assign(what.view, place);
    }

    void install(std::size_t place, const event& what) {
        const auto completed = _completed.find(what.view);
        if (completed == _completed.end()) {
            complain(fmt::format("installs {}, which it has not completed", in_words(what.view)), {place, _promised});
        } else if (_trace.events[completed->second].hash != what.hash) {
            complain(fmt::format("installs another plan of {} than it has completed", in_words(what.view)),
                     {place, completed->second});
        }
        _installed = what.view;
    }

    const sorted_trace& _trace;
    const life& _one;
    findings& _found;
    base::view_id _view;
    base::view_id _installed;
    base::view_id _common_point;
    base::view_id _promised_view;
    std::size_t _at = none;           ///< visit
    std::size_t _reported = none;     ///< event: the highest report of this view
    std::size_t _promised = none;     ///< event
    std::size_t _acknowledged = none; ///< event: the highest of this view
    std::size_t _frozen_by = none;    ///< event: the promise that ended this view
    std::size_t _finishing = none;    ///< event: the first delivery of an install
    std::map<base::view_id, std::size_t> _completed;
};

/// By attempt and view left: who answered.
using answers = std::map<std::pair<base::view_id, base::view_id>, std::set<base::member>>;

/// Below its promise a node installs only what another's answer to that higher attempt has shown to be installed.
void check_late_installs(const sorted_trace& trace, const life& one, const answers& answered, findings& found) {
    std::size_t promised = none;
    for (const std::size_t place : one.events) {
        const event& what = trace.events[place];
        if (what.kind == event_kind::promised) {
            promised = place;
        }
        if (what.kind != event_kind::installed || promised == none || trace.events[promised].view <= what.view) {
            continue;
        }
        const auto known = answered.find({trace.events[promised].view, what.view});
        const bool shown = known != answered.end() && std::ranges::any_of(known->second, [&](const base::member& each) {
                               return each != one.who;
                           });
        if (!shown) {
            found.add(inside_guarantee,
                      fmt::format("{} installs {} after it has promised {}, to which nobody came from there",
                                  trace.name(one), in_words(what.view), in_words(trace.events[promised].view)),
                      {place, promised});
        }
    }
}

/// An attempt is planned before anyone completes it, and completed by all its members before anyone installs it.
void check_attempts(const sorted_trace& trace, findings& found) {
    if (!trace.has_ring_steps) {
        return;
    }
    std::set<base::view_id> planned;
    std::set<std::pair<base::view_id, base::member>> completed;
    answers answered;
    for (const event& what : trace.events) {
        if (what.kind == event_kind::planned) {
            planned.insert(what.view);
        } else if (what.kind == event_kind::completed) {
            completed.emplace(what.view, base::member{what.node, {what.stream}});
        } else if (what.kind == event_kind::promised) {
            answered[{what.view, what.left_view}].insert({what.node, {what.stream}});
        }
    }
    for (const life& one : trace.lives) {
        check_late_installs(trace, one, answered, found);
    }
    for (const view& each : trace.views) {
        if (!planned.contains(each.id)) {
            found.add(inside_guarantee, fmt::format("{} is installed, but nobody planned it", in_words(each.id)),
                      {each.first_install});
        }
        for (const base::member& member : each.members) {
            if (!completed.contains({each.id, member})) {
                found.add(
                    inside_guarantee,
                    fmt::format("{} is installed, but {} never completed it", in_words(each.id), in_words(member.node)),
                    {each.first_install});
            }
        }
    }
}

/// One hash an attempt, over all nodes.
void check_hashes(const sorted_trace& trace, findings& found) {
    std::map<base::view_id, std::size_t> first;
    for (std::size_t place = 0; place < trace.events.size(); ++place) {
        const event& what = trace.events[place];
        if (what.kind != event_kind::planned && what.kind != event_kind::completed &&
            what.kind != event_kind::installed) {
            continue;
        }
        const auto [known, is_first] = first.try_emplace(what.view, place);
        if (!is_first && trace.events[known->second].hash != what.hash) {
            found.add(inside_guarantee, fmt::format("attempt {} has two plans", in_words(what.view)),
                      {place, known->second});
        }
    }
}

} // namespace

void check_promises(const sorted_trace& trace, findings& found) {
    for (const life& one : trace.lives) {
        commitments(trace, one, found).follow();
    }
    check_attempts(trace, found);
    check_hashes(trace, found);
}

} // namespace coterie::sim::checking

// SPDX-License-Identifier: BSD-3-Clause
// membership's coordinator: one attempt at a time, from the proposal to the last member's first word in the new view.
#include "base/assert.hpp"
#include "base/mutant.hpp"
#include "ring/backoff.hpp"
#include "ring/membership.hpp"

#include <algorithm>
#include <map>

namespace coterie::ring {

namespace {
/// A candidate that is heard but gives no answer for this many silence limits is left out.
constexpr int answer_limits = 4;
/// How often a member is told to install what others have installed before its word is taken as it is.
constexpr std::uint32_t authorisations_max = 5;
constexpr duration retry_spread = std::chrono::milliseconds(20);
} // namespace

void membership::propose(const std::vector<member>& members) {
    _epochs.heard(_promised.epoch);
    _epochs.heard(installed().epoch);
    const auto epoch = _epochs.take();
    if (!epoch) {
        return; // on_stored brings us back
    }
    attempt_state fresh;
    fresh.id = view_id{*epoch, _context.node(), _context.self.nonce};
    fresh.progress = _context.now;
    for (const member& each : members) {
        fresh.candidates.push_back({.who = each, .report = {}, .next = _context.now});
    }
    if (fresh.id <= _promised) {
        return; // somebody else's nonce made the same epoch higher; the next epoch will do
    }
    _attempt = std::move(fresh);
    ++_context.counts.attempts;
    _context.world.on_step({.what = step::kind::proposed, .view = _attempt->id});
    _hearing.watch(members);
    for (candidate_state& each : _attempt->candidates) {
        repeat_to(each);
    }
}

membership::candidate_state* membership::find_candidate(const member& who) {
    if (!_attempt) {
        return nullptr;
    }
    const auto found = std::ranges::find(_attempt->candidates, who, &candidate_state::who);
    return found == _attempt->candidates.end() ? nullptr : &*found;
}

void membership::repeat_to(candidate_state& candidate) {
    attempt_state& attempt = *_attempt;
    const bool own = candidate.who == self();
    const duration overdue = _hearing.overdue_after(candidate.who.node);
    candidate.next = own ? base::never : _context.now + backed_off(overdue, candidate.tries, _context.cfg.retry_max);
    ++candidate.tries;
    switch (attempt.now) {
    case attempt_state::phase::collecting: {
        wire::proposal packet{attempt.id, {}};
        for (const auto& each : attempt.candidates) {
            packet.candidates.push_back(each.who);
        }
        tell(candidate.who.node, packet);
        break;
    }
    case attempt_state::phase::recovering: tell(candidate.who.node, attempt.plan); break;
    case attempt_state::phase::installing: tell(candidate.who.node, wire::install{attempt.id, attempt.hash, {}}); break;
    }
}

void membership::on_report(const member& from, wire::report packet) {
    if (!_attempt || packet.attempt != _attempt->id) {
        if (coordinates(self(), packet.attempt) && packet.attempt != installed()) {
            // Nothing will come of that attempt; whoever still waits for it should know.
            tell(from.node, wire::refusal{packet.attempt, std::max(_promised, packet.attempt)});
        }
        return;
    }
    candidate_state* known = find_candidate(from);
    if (known == nullptr) {
        tell(from.node, wire::refusal{packet.attempt, packet.attempt}); // left out of the plan
        return;
    }
    if (_attempt->now != attempt_state::phase::collecting || !plausible(packet)) {
        return;
    }
    _epochs.heard(packet.epoch_highest);
    if (!known->report) {
        _attempt->progress = _context.now;
    }
    known->report = std::move(packet);
    known->next = base::never;
    collect();
}

void membership::drop_lost_candidates() {
    attempt_state& attempt = *_attempt;
    const bool patience_over = _context.now - attempt.progress > answer_limits * _context.cfg.silence_limit;
    const auto lost = [&](const candidate_state& each) {
        const bool answered = attempt.now == attempt_state::phase::collecting   ? each.report.has_value()
                              : attempt.now == attempt_state::phase::recovering ? each.completed
                                                                                : each.confirmed;
        return !_hearing.hears(each.who) || (patience_over && !answered);
    };
    const std::size_t before = attempt.candidates.size();
    if (attempt.now == attempt_state::phase::recovering) {
        if (std::ranges::any_of(attempt.candidates, lost)) {
            abandon_attempt();
        }
        return;
    }
    std::erase_if(attempt.candidates, lost);
    if (attempt.candidates.size() != before && attempt.now == attempt_state::phase::collecting) {
        collect();
    }
}

void membership::collect() {
    attempt_state& attempt = *_attempt;
    const bool all =
        std::ranges::all_of(attempt.candidates, [](const candidate_state& each) { return each.report.has_value(); });
    if (all && !authorise_installs()) {
        make_plan();
    }
}

/// Members that completed an attempt which is installed somewhere install it first. True if any was told to.
bool membership::authorise_installs() {
    attempt_state& attempt = *_attempt;
    bool any = false;
    for (candidate_state& each : attempt.candidates) {
        const wire::report& report = *each.report;
        const bool elsewhere =
            report.completed.valid() && std::ranges::any_of(attempt.candidates, [&](const candidate_state& other) {
                return other.report && other.report->old_view == report.completed;
            });
        if (!elsewhere || each.authorisations >= authorisations_max) {
            continue;
        }
        ++each.authorisations;
        any = true;
        tell(each.who.node, wire::install{report.completed, report.completed_hash, attempt.id});
        each.report.reset();
        each.tries = 0;
        each.next = _context.now + _hearing.overdue_after(each.who.node);
    }
    return any;
}

std::vector<member> membership::choose_members() const {
    std::map<node_id, const wire::report*> reports;
    std::vector<member> all;
    for (const candidate_state& each : _attempt->candidates) {
        reports.emplace(each.who.node, &*each.report);
        all.push_back(each.who);
    }
    const auto linked = [&](const member& left, const member& right) {
        const wire::report& of_left = *reports.at(left.node);
        const wire::report& of_right = *reports.at(right.node);
        return COTERIE_MUTANT(ring_any_clique) ||
               (std::ranges::binary_search(of_left.hears, right) && std::ranges::binary_search(of_right.hears, left) &&
                compatible(of_left, of_right));
    };
    return clique_from(self(), all, linked);
}

wire::plan membership::plan_for(const std::vector<member>& members) const {
    wire::plan plan{.attempt = _attempt->id, .members = members, .first_holder = _context.node(), .transitions = {}};
    std::vector<reported> reports;
    for (const candidate_state& each : _attempt->candidates) {
        if (std::ranges::binary_search(members, each.who)) {
            reports.push_back({each.who, *each.report});
        }
    }
    std::map<view_id, std::vector<const reported*>> by_view;
    for (const reported& each : reports) {
        if (each.report.old_view.valid()) {
            by_view[each.report.old_view].push_back(&each);
        }
    }
    for (const auto& [old_view, group] : by_view) {
        plan.transitions.push_back(make_transition(group));
    }
    return plan;
}

void membership::make_plan() {
    attempt_state& attempt = *_attempt;
    std::vector<member> members = choose_members();
    wire::plan plan = plan_for(members);
    while (wire::encoded_bytes(plan) > wire::datagram_bytes_max && plan.transitions.size() > 1) {
        // Too many old views with too many holes for one plan: those of one other view come in the next change.
        const view_id own = installed();
        const auto& victim =
            plan.transitions.back().old_view == own ? plan.transitions.front() : plan.transitions.back();
        std::erase_if(members,
                      [&](const member& each) { return std::ranges::binary_search(victim.together, each.node); });
        plan = plan_for(members);
    }
    for (const candidate_state& each : attempt.candidates) {
        if (!std::ranges::binary_search(members, each.who)) {
            tell(each.who.node, wire::refusal{attempt.id, attempt.id});
        }
    }
    std::erase_if(attempt.candidates,
                  [&](const candidate_state& each) { return !std::ranges::binary_search(members, each.who); });
    attempt.plan = std::move(plan);
    attempt.hash = wire::hash_of(attempt.plan);
    attempt.now = attempt_state::phase::recovering;
    attempt.progress = _context.now;
    _context.world.on_step({.what = step::kind::planned, .view = attempt.id, .hash = attempt.hash});
    for (candidate_state& each : attempt.candidates) {
        each.tries = 0;
        repeat_to(each);
    }
}

void membership::on_completion(const member& from, const wire::completion& packet) {
    candidate_state* known = find_candidate(from);
    if (known == nullptr || packet.attempt != _attempt->id || _attempt->now != attempt_state::phase::recovering ||
        packet.plan_hash != _attempt->hash) {
        return;
    }
    if (packet.missing < known->missing) {
        known->missing = packet.missing;
        _attempt->progress = _context.now;
    }
    if (packet.missing != 0) {
        return;
    }
    known->completed = true;
    known->next = base::never;
    if (std::ranges::all_of(_attempt->candidates, &candidate_state::completed) ||
        COTERIE_MUTANT(ring_install_early)) { // does not wait for every member's completion
        install_everywhere();
    }
}

void membership::install_everywhere() {
    attempt_state& attempt = *_attempt;
    attempt.now = attempt_state::phase::installing;
    attempt.progress = _context.now;
    _context.world.on_step({.what = step::kind::install_sent, .view = attempt.id, .hash = attempt.hash});
    for (candidate_state& each : attempt.candidates) {
        each.tries = 0;
        repeat_to(each);
    }
}

void membership::on_refusal(const member& from, const wire::refusal& packet) {
    _epochs.heard(packet.promised.epoch);
    if (_attempt && packet.attempt == _attempt->id && packet.promised > _attempt->id &&
        _attempt->now != attempt_state::phase::installing && find_candidate(from) != nullptr) {
        abandon_attempt();
        return;
    }
    if (_changing && packet.attempt == _promised && coordinates(from, _promised) && _stage != stage::completed) {
        stop_waiting();
    }
}

void membership::abandon_attempt() {
    const view_id id = _attempt->id;
    const bool installing = _attempt->now == attempt_state::phase::installing;
    _attempt.reset();
    if (installing) {
        at_latest(_context.now);
        return;
    }
    // A random pause that grows, so that two that disturb each other do not do so again and again.
    const duration spread = backed_off(retry_spread, _disturbed, _context.cfg.silence_limit);
    _not_before = _context.now + _context.random_pause(spread);
    ++_disturbed;
    _context.world.on_step({.what = step::kind::abandoned, .view = id});
    if (_changing && _promised == id) {
        stop_waiting();
    }
    at_latest(_not_before);
}

void membership::coordinator_time() {
    drop_lost_candidates();
    if (!_attempt) {
        return;
    }
    attempt_state& attempt = *_attempt;
    if (attempt.now == attempt_state::phase::installing) {
        // In force here already; the others are told until they speak in it.
        std::erase_if(attempt.candidates, [&](const candidate_state& each) {
            return each.confirmed || (each.who == self() && installed() == attempt.id);
        });
        if (attempt.candidates.empty() || installed() > attempt.id ||
            (_promised > attempt.id && installed() == attempt.id)) {
            _attempt.reset();
            _evaluate_at = _context.now;
            return;
        }
    }
    for (candidate_state& each : attempt.candidates) {
        if (_context.now >= each.next) {
            repeat_to(each);
        }
    }
}

} // namespace coterie::ring

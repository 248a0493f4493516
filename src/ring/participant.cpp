// SPDX-License-Identifier: BSD-3-Clause
// membership's participant: answers proposals and freezes, recovers what a plan names, completes, installs.
#include "base/assert.hpp"
#include "base/mutant.hpp"
#include "ring/backoff.hpp"
#include "ring/membership.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace coterie::ring {

namespace {
/// Without a word of the attempt for this many silence limits a participant waits no longer.
constexpr int patience_limits = 6;
constexpr std::uint32_t sought_packets_max = 64; ///< of one owner at once
} // namespace

void membership::on_proposal(const member& from, const wire::proposal& packet) {
    if (!coordinates(from, packet.attempt) || !std::ranges::binary_search(packet.candidates, self()) ||
        packet.attempt == installed()) {
        return;
    }
    if (!_epochs.plausible(packet.attempt.epoch)) {
        ++_context.counts.implausible;
        return;
    }
    if (packet.attempt < _promised || packet.attempt < installed()) {
        tell(from.node, wire::refusal{packet.attempt, std::max(_promised, installed())});
        return;
    }
    if (packet.attempt == _promised) {
        // Also one that had stopped waiting takes part again: what it promised still stands.
        resume();
        return;
    }
    _epochs.heard(packet.attempt.epoch);
    if (_attempt && _attempt->id != packet.attempt) {
        abandon_attempt();
    }
    _promised = packet.attempt;
    _changing = true;
    _stage = stage::answered;
    _progress = _context.now;
    _plan.reset();
    _transition = nullptr;
    if (_order) {
        _order->freeze();
    }
    _hearing.watch(packet.candidates);
    _hearing.announce();
    _context.world.on_step({.what = step::kind::promised,
                            .view = _promised,
                            .old_view = installed(),
                            .number = _order ? _order->store().received() : sequence_number{},
                            .peer = from.node});
    send_report();
}

/// Goes on where this node stands in the attempt that it has promised itself to.
void membership::resume() {
    _changing = true;
    _progress = _context.now;
    if (!_plan) {
        _stage = stage::answered;
        send_report();
    } else if (_stage == stage::completed) {
        send_completion(0);
    } else {
        _stage = stage::recovering;
        seek_missing();
    }
}

void membership::send_report() {
    wire::report report{.attempt = _promised,
                        .old_view = {},
                        .received = {},
                        .beyond = {},
                        .delivered = {},
                        .stable = {},
                        .completed = {},
                        .completed_hash = 0,
                        .owed_stable = _owed_stable,
                        .owed = _owed,
                        .epoch_highest = _epochs.highest(),
                        .hears = _hearing.heard_members()};
    if (_order) {
        _order->fill_report(report);
    }
    if (_completed) {
        report.completed = _completed->attempt;
        report.completed_hash = _completed_hash;
    }
    if (COTERIE_MUTANT(ring_forget_obligation)) {
        report.completed = {};
    }
    tell(_promised.coordinator, report);
    _repeats = 0;
    _repeat_at = base::never; // the coordinator asks again if this gets lost
}

void membership::on_plan(const member& from, wire::plan packet) {
    if (coordinates(from, packet.attempt) && packet.attempt < _promised) {
        tell(from.node, wire::refusal{packet.attempt, _promised});
        return;
    }
    if (packet.attempt != _promised || packet.attempt == installed() || !coordinates(from, _promised)) {
        return;
    }
    _changing = true;
    _progress = _context.now;
    const std::uint64_t hash = wire::hash_of(packet);
    if (_plan) {
        if (hash == _plan_hash && _stage != stage::recovering) {
            resume();
        }
        return;
    }
    const view_id old_view = installed();
    const auto own = std::ranges::find(packet.transitions, old_view, &wire::transition::old_view);
    const bool fits =
        !_order || (own != packet.transitions.end() && plausible(*own, _context.node(), _order->store().received()));
    if (!std::ranges::binary_search(packet.members, self()) || !fits ||
        std::ranges::find(packet.members, packet.first_holder, &member::node) == packet.members.end()) {
        ++_context.counts.implausible;
        return;
    }
    _plan = std::move(packet);
    _plan_hash = hash;
    const auto kept = std::ranges::find(_plan->transitions, old_view, &wire::transition::old_view);
    _transition = _order ? &*kept : nullptr;
    _stage = stage::recovering;
    _context.world.on_step({.what = step::kind::plan_accepted, .view = _promised, .hash = hash});
    _repeats = 0;
    seek_missing();
}

/// Asks the owners for what this node lacks of the union; completes if that is nothing.
void membership::seek_missing() {
    _missing = 0;
    std::map<std::uint8_t, wire::repair_request> requests;
    std::map<std::uint8_t, std::uint32_t> asked;
    if (_transition != nullptr && !COTERIE_MUTANT(ring_complete_without_packets)) {
        for_each_owned(*_transition, [&](sequence_number number, std::uint8_t owner) {
            if (number <= _order->store().received() || _order->store().find(number) != nullptr) {
                return;
            }
            ++_missing;
            if (++asked[owner] > sought_packets_max) {
                return;
            }
            wire::repair_request& request = requests[owner];
            request.view = _transition->old_view;
            request.attempt = _promised;
            if (!request.ranges.empty() && request.ranges.back().first.plus(request.ranges.back().count) == number) {
                ++request.ranges.back().count;
            } else if (request.ranges.size() < wire::repair_ranges_max) {
                request.ranges.push_back({number, 1});
            }
        });
    }
    if (_missing == 0) {
        complete();
        return;
    }
    duration overdue = _context.cfg.retry;
    for (const auto& [owner, request] : requests) {
        const node_id target = _transition->together[owner];
        if (target != _context.node()) {
            overdue = std::max(overdue, _hearing.overdue_after(target));
            _context.send(target, request);
        }
    }
    _repeat_at = _context.now + backed_off(overdue, _repeats, _context.cfg.retry_max);
    ++_repeats;
    send_completion(static_cast<std::uint32_t>(_missing));
}

void membership::on_recovery_request(const member& from, const wire::repair_request& packet) {
    // Whoever has promised this attempt may ask and answer, whatever became of the plan here.
    if (!_order || packet.attempt != _promised || packet.view != installed() || !_order->frozen()) {
        ++_context.counts.other_view;
        return;
    }
    std::uint32_t answered = 0;
    for (const wire::number_range& range : packet.ranges) {
        for (std::uint32_t at = 0; at < range.count && answered < sought_packets_max; ++at) {
            const sequence_number number = range.first.plus(at);
            const stored_packet* stored = _order->store().find(number);
            if (stored != nullptr) {
                ++answered;
                ++_context.counts.repairs_sent;
                _context.send(from.node, wire::recovered{packet.attempt, packet.view, number, stored->originator,
                                                         stored->flags, stored->payload});
            }
        }
    }
}

void membership::on_recovered(const wire::recovered& packet, const base::buffer& datagram) {
    if (!_changing || _stage != stage::recovering || packet.attempt != _promised || packet.old_view != installed() ||
        _transition == nullptr) {
        ++_context.counts.other_view;
        return;
    }
    if (!_order->insert_recovered(packet, datagram)) {
        return;
    }
    _progress = _context.now;
    _repeats = 0;
    if (_missing > 0) {
        --_missing;
    }
    if (_missing % sought_packets_max == 0) {
        seek_missing();
    }
}

void membership::complete() {
    _stage = stage::completed;
    _repeat_at = base::never;
    _completed = _plan;
    _completed_hash = _plan_hash;
    if (_transition != nullptr) {
        _owed_stable = std::max(_owed_stable, _transition->stable);
        for (const auto& nodes : {_transition->together, _transition->owed}) {
            // Others than members of the view cannot have sent anything in it, whatever the plan says.
            std::ranges::copy_if(nodes, std::back_inserter(_owed),
                                 [this](node_id node) { return _order->place_of(node).has_value(); });
        }
        std::ranges::sort(_owed);
        const auto repeated = std::ranges::unique(_owed);
        _owed.erase(repeated.begin(), repeated.end());
    }
    _context.world.on_step({.what = step::kind::completed, .view = _promised, .hash = _plan_hash});
    send_completion(0);
}

void membership::send_completion(std::uint32_t missing) {
    tell(_promised.coordinator, wire::completion{_promised, _plan_hash, missing});
}

void membership::on_install(const member& from, const wire::install& packet) {
    if (!_completed || packet.attempt != _completed->attempt || packet.plan_hash != _completed_hash) {
        if (_order && packet.attempt == installed()) {
            _hearing.announce(); // the coordinator has not heard that we speak in it
        }
        return;
    }
    const bool direct = packet.attempt == _promised && coordinates(from, _promised);
    const bool authorised =
        packet.authorised_by.valid() && packet.authorised_by == _promised && coordinates(from, _promised) && _changing;
    if (direct || authorised || COTERIE_MUTANT(ring_promise_broken)) { // installs what it promised to ignore
        const wire::plan plan = *_completed;
        install(plan, _completed_hash);
    }
}

void membership::on_evidence(const member& from, view_id view) {
    if (_completed && _completed->attempt == view && _promised == view &&
        std::ranges::binary_search(_completed->members, from)) {
        const wire::plan plan = *_completed;
        install(plan, _completed_hash);
    }
}

void membership::install(const wire::plan& plan, std::uint64_t hash) {
    std::vector<member> dropped;
    if (_order) {
        const auto own = std::ranges::find(plan.transitions, installed(), &wire::transition::old_view);
        COTERIE_ASSERT(own != plan.transitions.end(), "a completed plan names the own view");
        _order->finish(*own);
        std::ranges::set_difference(_order->view().members, plan.members, std::back_inserter(dropped));
    }
    const bool passing_through = _promised > plan.attempt;
    const regular_view view{plan.attempt, plan.members};
    const node_id first_holder = plan.first_holder;
    ++_context.counts.views;
    _context.world.on_step({.what = step::kind::installed, .view = view.id, .hash = hash});
    if (COTERIE_MUTANT(ring_regular_without_last) && view.members.size() > 2 && view.members.front() == self()) {
        regular_view fewer = view; // others of the view name more
        fewer.members.pop_back();
        _context.upper.on_regular(fewer);
    } else {
        _context.upper.on_regular(view);
    }
    _completed.reset();
    _owed_stable = {};
    _owed.clear();
    _plan.reset();
    _transition = nullptr;
    _missing = 0;
    _repeat_at = base::never;
    _split.clear();
    _contact.clear();
    _order = std::make_unique<view_order>(_context, _hearing, view, first_holder, passing_through);
    _side_size = static_cast<std::uint16_t>(view.members.size());
    if (passing_through) {
        dropped.clear(); // they may be candidates of the attempt that this view is passed through for
    }
    _hearing.on_view(view, dropped);
    if (passing_through) {
        _stage = stage::answered;
        _context.world.on_step({.what = step::kind::promised,
                                .view = _promised,
                                .old_view = installed(),
                                .number = {},
                                .peer = _promised.coordinator});
        send_report();
        return;
    }
    _changing = false;
    _stage = stage::idle;
    _disturbed = 0;
    _evaluate_at = _context.now;
}

void membership::stop_waiting() {
    _changing = false;
    if (_stage != stage::completed) {
        _stage = stage::idle;
    }
    _repeat_at = base::never;
    _context.world.on_step({.what = step::kind::abandoned, .view = _promised});
    _hearing.announce();
    _evaluate_at = _context.now;
}

void membership::participant_time() {
    const member coordinator{_promised.coordinator, _promised.nonce};
    const bool own = coordinator == self();
    // An attempt of one's own ends by its coordinator's judgement alone.
    const bool hopeless =
        own ? !_attempt
            : !_hearing.hears(coordinator) || _context.now - _progress > patience_limits * _context.cfg.silence_limit;
    if (hopeless) {
        stop_waiting();
        return;
    }
    if (_context.now >= _repeat_at && _stage == stage::recovering) {
        seek_missing();
    }
}

} // namespace coterie::ring

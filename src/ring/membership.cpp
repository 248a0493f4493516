// SPDX-License-Identifier: BSD-3-Clause
// When a view has to change, and who starts it.
#include "ring/membership.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace coterie::ring {

membership::membership(context& context, hearing& hearing, epochs& epochs)
    : _context(context),
      _hearing(hearing),
      _epochs(epochs) {}

void membership::start() {
    _started = _context.now;
    _side_size = 1;
    _evaluate_at = _context.now;
}

standing membership::own_standing() const {
    return {self(), _order ? &_order->view() : nullptr, _order && _order->frozen()};
}

void membership::evaluate() {
    _evaluate_at = base::never;
    const standing standing = own_standing();
    const wish wish = make_wish(_hearing, standing);
    _side_size = static_cast<std::uint16_t>(wish.side.size());
    for (const node_id node : wish.doubted) {
        _hearing.doubt(node);
    }
    if (_changing || _attempt) {
        return;
    }
    std::vector<member> all = wish.side;
    all.insert(all.end(), wish.contact.begin(), wish.contact.end());
    std::ranges::sort(all);

    const bool split = wish.core.size() != wish.side.size();
    if (!split) {
        _split.clear();
    } else if (wish.core != _split) {
        _split = wish.core;
        _split_since = _context.now;
    }
    if (wish.contact != _contact) {
        _contact = wish.contact;
        _contact_since = _context.now;
    }

    if (!standing.view) {
        // A cold start waits for others, unless all are there.
        const bool everybody = all.size() == _hearing.peers().size() + 1;
        const time_point gathered = std::max(
            _started + _context.cfg.gather, wish.contact.empty() ? time_point{} : _contact_since + _context.cfg.settle);
        if (!everybody && _context.now < gathered) {
            at_latest(gathered);
            return;
        }
        // A lower node may see no reason to start: after a while it is waited for no longer.
        const time_point patient = std::max(gathered, _contact_since) + _context.cfg.contact_limit;
        const bool waits = !wish.contact.empty() && wish.contact.front() < self();
        if (waits && _context.now < patient) {
            at_latest(patient);
        }
        want_change(waits && _context.now >= patient ? wish.side : all);
    } else if (wish.loss(standing)) {
        // Who does not hear this node would never answer, and hold the attempt up. Of a side that is no clique the
        // members of the plan will be chosen from fresh reports.
        std::vector<member> reached = wish.side;
        std::erase_if(reached, [&](const member& each) {
            const peer* other = _hearing.find(each.node);
            return each != self() && (other == nullptr || !_hearing.mutual(*other));
        });
        want_change(with_contact(wish, std::move(reached)));
    } else if (split) {
        // A pair that does not hear each other for long is parted; for a moment that is nothing but lost packets.
        const time_point parted = _split_since + _context.cfg.silence_limit * 3 / 2;
        if (_context.now < parted) {
            at_latest(parted);
            return;
        }
        want_change(with_contact(wish, wish.core));
    } else if (!wish.contact.empty()) {
        const bool everybody = all.size() == _hearing.peers().size() + 1;
        const time_point settled = _contact_since + _context.cfg.settle;
        if (!everybody && _context.now < settled) {
            at_latest(settled);
            return;
        }
        want_change(all);
    }
}

/// Nobody of another view is waited for when the own one has to change: it may see no reason for a change. Contacts
/// come along only if the lowest of `members` is the lowest of all.
std::vector<member> membership::with_contact(const wish& wish, std::vector<member> members) {
    if (!wish.contact.empty() && wish.contact.front() > members.front()) {
        members.insert(members.end(), wish.contact.begin(), wish.contact.end());
        std::ranges::sort(members);
    }
    return members;
}

void membership::want_change(const std::vector<member>& members) {
    // The lowest that can coordinate does; a node that waits for its store cannot.
    for (const member& each : members) {
        const bool own = each == self();
        const peer* other = own ? nullptr : _hearing.find(each.node);
        const bool able =
            own ? _epochs.available() : other != nullptr && (other->last.flags & wire::heartbeat::unstored) == 0;
        if (!able) {
            continue;
        }
        if (!own) {
            return;
        }
        break;
    }
    if (_context.now < _not_before) {
        at_latest(_not_before);
        return;
    }
    propose(members);
}

void membership::on_heartbeat(const member& from, const wire::heartbeat& packet) {
    _epochs.heard(std::max({packet.epoch_highest, packet.view.epoch, packet.promised.epoch}));
    // Whoever has gone on to something later needs no repetition either.
    const bool settled = _attempt && (packet.view >= _attempt->id || packet.promised > _attempt->id);
    if (settled && _attempt->now == attempt_state::phase::installing) {
        if (candidate_state* known = find_candidate(from)) {
            known->confirmed = true;
        }
    }
    if (!_changing || !coordinates(from, _promised)) {
        return;
    }
    // The coordinator has gone on without this node, or to another attempt: nothing will come of this one.
    const bool installed_without_us = packet.view == _promised && _stage != stage::completed;
    const bool gone_on = packet.view > _promised || packet.promised > _promised;
    if (installed_without_us || gone_on) {
        stop_waiting();
    }
}

void membership::on_pause() {
    _progress = _context.now;
    if (_order) {
        _order->on_pause();
    }
    if (_attempt) {
        abandon_attempt();
    }
}

void membership::on_time() {
    if (_attempt) {
        coordinator_time();
    }
    if (_changing) {
        participant_time();
    }
    if (_context.now >= _evaluate_at) {
        evaluate();
    }
}

time_point membership::deadline() const {
    if (!_loopback.empty()) {
        return _context.now;
    }
    time_point result = std::min(_evaluate_at, _repeat_at);
    if (_attempt) {
        for (const candidate_state& each : _attempt->candidates) {
            result = std::min(result, each.next);
        }
    }
    return result;
}

} // namespace coterie::ring

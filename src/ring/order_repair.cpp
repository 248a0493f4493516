// SPDX-License-Identifier: BSD-3-Clause
// view_order's repairs: noticing gaps, asking for what is missing, answering those who ask.
#include "base/mutant.hpp"
#include "ring/backoff.hpp"
#include "ring/view_order.hpp"

#include <algorithm>

namespace coterie::ring {

namespace {
constexpr std::uint64_t asked_packets_max = 256;   ///< in one request
constexpr std::uint64_t answered_packets_max = 64; ///< to one request
constexpr std::size_t pending_answers_max = 256;
constexpr duration answer_slot = std::chrono::milliseconds(5);
constexpr std::uint32_t answers_in_slot_max = 256;
constexpr std::uint64_t window_bytes_min = 16'384;
} // namespace

void view_order::on_data(std::size_t from, const wire::data& packet, const base::buffer& datagram) {
    if (_frozen && !COTERIE_MUTANT(ring_receive_while_frozen)) { // delivers what others of T do not
        return;
    }
    const auto originator = place_of(packet.originator);
    const bool table = (packet.flags & wire::data::table) != 0;
    const bool in_place = table ? originator && packet.number.value == *originator + 1 : packet.number.value > size();
    if (!originator || !in_place || packet.stable > _highest || *originator == _self) {
        // The own packets are all here: one that comes back is an echo of a repair, or a lie.
        _context.counts.duplicates += static_cast<std::uint64_t>(originator == _self);
        _context.counts.implausible += static_cast<std::uint64_t>(originator != _self);
        return;
    }
    raise_stable(packet.stable); // first: what it frees makes room for what has been numbered since
    if (_holding && packet.number >= _next) {
        ++_context.counts.implausible;
        return;
    }
    if (!plausible_number(packet.number)) {
        ++_context.counts.beyond_window;
        return;
    }
    learn_hop(packet.hop, packet.holder);
    _hop_first = std::max(_hop_first, packet.hop_first);
    accept(packet.number,
           {datagram, packet.payload, packet.originator,
            static_cast<std::uint8_t>(packet.flags & ~static_cast<unsigned>(wire::data::repair))},
           from);
    raise_stable(packet.stable);
}

void view_order::accept(sequence_number number, stored_packet packet, std::size_t from) {
    const bool safe = (packet.flags & wire::data::safe) != 0;
    const std::size_t bytes = packet.payload.size();
    const node_id originator = packet.originator;
    if (!_store.insert(number, std::move(packet))) {
        ++_context.counts.duplicates;
        // The originator repeats it in any case, and whoever asked everybody may be one that it does not reach.
        if (_view.members[from].node != originator) {
            std::erase_if(_answers, [&](const pending_answer& answer) { return answer.number == number; });
        }
        return;
    }
    if (safe) {
        _safe_highest = std::max(_safe_highest, number);
    }
    _unacknowledged_bytes += bytes;
    know_highest(number, from);
    deliver_ready();
    note_received(_self, _store.received());
    plan_repair();
    if (from != _self && _acknowledge_at == base::never) {
        _acknowledge_at = _context.now + _context.cfg.acknowledge_delay;
    }
}

void view_order::know_highest(sequence_number highest, std::size_t from) {
    if (highest > _highest && plausible_number(highest) && !(_holding && highest >= _next)) {
        _highest = highest;
        _highest_from = from;
        plan_repair();
    }
}

void view_order::plan_repair() {
    const sequence_number received = _store.received();
    if (received >= _highest) {
        _repair_at = base::never;
        return;
    }
    if (_repair_at != base::never && received == _repair_floor) {
        return;
    }
    // A gap below the latest hop's numbers may be a burst that still is on its way behind the token.
    const bool reserved = received.next() < _hop_first;
    const duration grace = _context.cfg.repair_grace * (reserved ? 2 : 1);
    _repair_floor = received;
    _repair_tries = 0;
    _repair_at = _context.now + grace + _context.random_pause(_context.cfg.repair_grace / 2);
}

void view_order::ask_repair() {
    wire::repair_request request{.view = _view.id, .attempt = {}, .to_all = _repair_tries > 0, .ranges = {}};
    std::uint64_t asked = 0;
    for (sequence_number number = _store.received().next(); number <= _highest && asked < asked_packets_max;
         number = number.next()) {
        if (_store.find(number) != nullptr) {
            continue;
        }
        ++asked;
        if (!request.ranges.empty() && request.ranges.back().first.plus(request.ranges.back().count) == number) {
            ++request.ranges.back().count;
        } else if (request.ranges.size() < wire::repair_ranges_max) {
            request.ranges.push_back({number, 1});
        } else {
            break;
        }
    }
    if (request.ranges.empty()) {
        return;
    }
    ++_context.counts.repairs_asked;
    if (request.to_all || _highest_from == _self) {
        _context.send(_others, request);
    } else {
        _context.send(_view.members[_highest_from].node, request);
    }
    const duration overdue = _trips.overdue_after(_view.members[_highest_from].node);
    _repair_at =
        _context.now + backed_off(overdue, _repair_tries, _context.cfg.retry_max) + _context.random_pause(overdue);
    if (COTERIE_MUTANT(ring_asks_once)) { // gives up when a request or its answer is lost
        _repair_at = base::never;
    }
    ++_repair_tries;
}

void view_order::on_repair_request(std::size_t from, const wire::repair_request& packet) {
    if (_frozen || from == _self) {
        return;
    }
    std::uint64_t answered = 0;
    const node_id requester = _view.members[from].node;
    const duration overdue = _trips.overdue_after(requester);
    for (const wire::number_range& range : packet.ranges) {
        for (std::uint32_t at = 0; at < range.count && answered < answered_packets_max; ++at) {
            const sequence_number number = range.first.plus(at);
            const stored_packet* stored = _store.find(number);
            if (stored == nullptr) {
                continue;
            }
            ++answered;
            const bool own = stored->originator == _context.node();
            if (own && _context.now - _window_cut > overdue) {
                // Loss: what we send overruns somebody. Numbering slows down; it speeds up as packets become stable.
                _window_cut = _context.now;
                _window_bytes = std::max(window_bytes_min, _window_bytes / 4 * 3);
            }
            if (!packet.to_all) {
                answer_repair(number, {&requester, 1});
            } else if (own) {
                answer_repair(number, _others);
            } else if (_answers.size() < pending_answers_max &&
                       std::ranges::find(_answers, number, &pending_answer::number) == _answers.end()) {
                _answers.push_back({_context.now + _context.random_pause(overdue), number});
            }
        }
    }
}

void view_order::answer_repair(sequence_number number, std::span<const node_id> targets) {
    if (_context.now - _answer_slot > answer_slot) {
        _answer_slot = _context.now;
        _answers_in_slot = 0;
    }
    const stored_packet* stored = _store.find(number);
    if (stored == nullptr || _answers_in_slot >= answers_in_slot_max) {
        return;
    }
    ++_answers_in_slot;
    ++_context.counts.repairs_sent;
    _context.send(targets, wire::data{.view = _view.id,
                                      .number = number,
                                      .originator = stored->originator,
                                      .flags = static_cast<std::uint8_t>(stored->flags | wire::data::repair),
                                      .hop = _hop,
                                      .holder = holder(),
                                      .hop_first = _hop_first,
                                      .stable = _stable,
                                      .payload = stored->payload});
}

void view_order::repair_time() {
    if (_context.now >= _repair_at) {
        ask_repair();
    }
    for (std::size_t at = 0; at < _answers.size();) {
        if (_context.now >= _answers[at].due) {
            const sequence_number number = _answers[at].number;
            _answers.erase(_answers.begin() + static_cast<std::ptrdiff_t>(at));
            answer_repair(number, _others);
        } else {
            ++at;
        }
    }
}

} // namespace coterie::ring

// SPDX-License-Identifier: BSD-3-Clause
// A path is judged by rounds that others answered and it did not, not by the time alone.
#include "net/path.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace coterie::net {

namespace {

/// Rounds missed in a row: one may be lost, so may several where the network is poor.
constexpr std::uint64_t missed_for_doubt = 2;
constexpr std::uint64_t missed_for_down = 6;
/// Where nobody answers: so many rounds at least, so that this node's own pauses are not held against others.
constexpr std::uint64_t missed_for_silence = 4;
/// Rounds answered in a row that bring a path up again.
constexpr std::uint64_t answered_for_up = 3;
constexpr unsigned history_rounds = 64;
constexpr duration outlier = std::chrono::milliseconds(10);

} // namespace

path_limits path_limits::for_silence(duration silence_limit) {
    using std::chrono::milliseconds;
    path_limits result;
    result.busy = std::clamp<duration>(silence_limit / 45, milliseconds(4), milliseconds(20));
    result.calm = std::clamp<duration>(silence_limit / 4, 2 * result.busy, milliseconds(250));
    result.doubt = result.busy;
    result.overdue = missed_for_down * result.busy;
    result.silence = 2 * silence_limit;
    return result;
}

void path::on_round(time_point now) {
    _history <<= 1U;
    _unanswered_since = std::min(_unanswered_since, now);
}

bool path::on_answer(time_point now, const answer& what, std::uint64_t newest) {
    const std::uint64_t age = newest - what.round;
    if (what.round < _first_round || age >= history_rounds || ((_history >> age) & 1U) != 0) {
        return false;
    }
    _history |= std::uint64_t{1} << age;
    measure(now, now - what.sent);
    if (what.round > _answered_last) {
        _row = what.round == _answered_last + 1 ? _row + 1 : 1;
        _answered_last = what.round;
        _unanswered_since = what.next_sent;
        _overtaken_at = base::never;
        _refused = false;
        _error = 0;
    }
    return true;
}

void path::measure(time_point now, duration sample) {
    // Of many that come at once, as after a pause, the first is enough.
    if (now == std::exchange(_measured_at, now)) {
        return;
    }
    if (_round_trip == duration::zero()) {
        _round_trip = std::max(sample, duration(1));
    } else {
        _round_trip += (std::min(sample, 2 * _round_trip + outlier) - _round_trip) / 8;
    }
}

bool path::judge(time_point now, const company& others, const path_limits& limits) {
    const std::uint64_t missed = others.answered_last - std::min(others.answered_last, _answered_last);
    _overtaken_at = missed == 0 ? base::never : std::min(_overtaken_at, now);
    // A path that is slower than others answers later, which is no fault.
    const auto waited = [&](duration limit) { return missed > 0 && now - _overtaken_at >= limit + 2 * _round_trip; };
    const auto nobody = [&](duration limit) {
        return others.newest - _answered_last >= missed_for_silence &&
               now - _unanswered_since >= limit + 2 * _round_trip;
    };
    const bool overtaken = missed >= missed_for_down && waited(limits.overdue);
    _doubted = false;
    switch (_state) {
    case path_state::up:
        if (overtaken) {
            hold_off(now, limits);
            go_down(now, path_fault::unanswered);
            return true;
        }
        if (nobody(limits.silence)) {
            go_down(now, path_fault::silent);
            return true;
        }
        _doubted = _refused || _error != 0 || (missed >= missed_for_doubt && waited(limits.doubt)) ||
                   nobody(2 * limits.overdue);
        return false;
    case path_state::untried:
        if (_row > 0 && !nobody(limits.silence)) {
            go_up(now);
            return true;
        }
        if (nobody(limits.silence) && !others.alone) {
            go_down(now, path_fault::unanswered);
            return true;
        }
        return false;
    case path_state::down:
        // Answers that come all at once and late tell of the past.
        if (_row >= answered_for_up && !overtaken && !nobody(limits.silence) && (now >= _held_until || others.alone)) {
            go_up(now);
            return true;
        }
        return false;
    }
    return false;
}

void path::go_up(time_point now) {
    _state = path_state::up;
    _fault = path_fault::none;
    // It may have been refused since the answers that brought it up.
    _doubted = _refused || _error != 0;
    _changed_at = now;
}

void path::go_down(time_point now, path_fault fault) {
    _state = path_state::down;
    _fault = _error != 0 ? path_fault::unsendable : _refused ? path_fault::refused : fault;
    _fault_error = _error;
    _changed_at = now;
    _row = 0;
    ++_times_down;
}

void path::hold_off(time_point now, const path_limits& limits) {
    const bool forgiven = _hold_off == duration::zero() || now - _changed_at >= limits.steady;
    _hold_off = forgiven ? limits.hold_off : std::min(2 * _hold_off, limits.hold_off_max);
    _held_until = now + _hold_off;
}

bool path::in_question() const {
    return (_state == path_state::up && _overtaken_at != base::never) ||
           (_state == path_state::down && _row > 0 && _row < answered_for_up);
}

std::optional<duration> path::round_trip() const {
    return _round_trip == duration::zero() ? std::nullopt : std::optional(_round_trip);
}

std::optional<unsigned> path::loss_percent(std::uint64_t newest, std::uint64_t recent) const {
    const std::uint64_t rounds = std::min<std::uint64_t>(newest + 1 - _first_round, history_rounds);
    if (rounds <= recent) {
        return std::nullopt;
    }
    const std::uint64_t counted = rounds - recent;
    const std::uint64_t judged =
        counted == history_rounds ? _history : (_history >> recent) & ((std::uint64_t{1} << counted) - 1);
    const auto answered = static_cast<std::uint64_t>(std::popcount(judged));
    return static_cast<unsigned>((100 * (counted - answered) + counted / 2) / counted);
}

} // namespace coterie::net

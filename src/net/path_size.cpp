// SPDX-License-Identifier: BSD-3-Clause
// Searching for larger sizes, and confirming the one that is used.
#include "net/path_size.hpp"

#include <algorithm>
#include <utility>

namespace coterie::net {

namespace {

constexpr path_size::size_set bit(std::size_t place) { return static_cast<path_size::size_set>(1U << place); }
constexpr path_size::size_set all_sizes = bit(datagram_sizes.size()) - 1;
constexpr path_size::size_set up_to(std::size_t place) { return static_cast<path_size::size_set>(bit(place + 1) - 1); }

} // namespace

void path_size::on_up(time_point now) {
    _search_at = now;
    // The way may be another one than before.
    if (_known > first_known) {
        _confirm_at = now;
    }
}

bool path_size::on_answer(std::uint64_t round, std::size_t bytes) {
    const auto found = std::ranges::find(datagram_sizes, bytes);
    if (found == datagram_sizes.end() || _doing == activity::none || round < _first_round || round > _round) {
        return false;
    }
    const auto place = static_cast<std::size_t>(found - datagram_sizes.begin());
    if (_doing == activity::searching) {
        return place > _known && std::exchange(_known, place) != place;
    }
    _answered = _answered == none_answered ? place : std::max(_answered, place);
    return false;
}

bool path_size::on_refused(time_point now, std::size_t bytes) {
    const std::size_t before = _known;
    while (_known > 0 && datagram_sizes[_known] >= bytes) {
        --_known;
    }
    if (_known == before) {
        return false;
    }
    search_later(now);
    rest();
    return true;
}

void path_size::on_hint(time_point now) { _confirm_at = std::min(_confirm_at, now); }

time_point path_size::deadline() const {
    return _doing == activity::none ? std::min(_confirm_at, _search_at) : _judge_at;
}

path_size::questions path_size::on_time(time_point now, duration round_trip) {
    if (now < deadline()) {
        return {};
    }
    if (_doing == activity::searching) {
        return judge_search(now, round_trip);
    }
    if (_doing == activity::confirming) {
        return judge_confirmation(now, round_trip);
    }
    const bool confirms = _confirm_at <= now;
    if (!confirms && up_to(_known) == all_sizes) {
        _search_at = base::never;
        return {};
    }
    _doing = confirms ? activity::confirming : activity::searching;
    _first_round = _round + 1;
    _asked = 0;
    _failed = 0;
    _answered_below = none_answered;
    return ask(now, round_trip,
               confirms ? static_cast<size_set>(bit(0) | bit(_known))
                        : static_cast<size_set>(all_sizes & ~up_to(_known)));
}

path_size::questions path_size::ask(time_point now, duration round_trip, size_set sizes) {
    ++_round;
    ++_asked;
    _answered = none_answered;
    _judge_at = now + _limits.patience + 2 * round_trip;
    return {.sizes = sizes, .round = _round};
}

path_size::questions path_size::judge_search(time_point now, duration round_trip) {
    const auto larger = static_cast<size_set>(all_sizes & ~up_to(_known));
    if (_asked >= _limits.searches || larger == 0) {
        search_later(now);
        rest();
        return {};
    }
    return ask(now, round_trip, larger);
}

path_size::questions path_size::judge_confirmation(time_point now, duration round_trip) {
    const bool silent = _answered == none_answered;
    if (!silent && _answered < _known) {
        ++_failed;
        _answered_below = _answered_below == none_answered ? _answered : std::max(_answered_below, _answered);
    }
    const bool shrunk = _failed >= _limits.failures;
    // Where nothing is answered at all it is not the size that is at fault.
    if (shrunk || (!silent && _answered == _known) || (silent && _asked >= 2 * _limits.failures)) {
        if (shrunk) {
            _known = _answered_below;
            search_later(now);
        }
        rest();
        return {.shrunk = shrunk};
    }
    return ask(now, round_trip, up_to(_known));
}

void path_size::rest() {
    _doing = activity::none;
    _confirm_at = base::never;
}

void path_size::search_later(time_point now) { _search_at = now + _limits.search_again; }

} // namespace coterie::net

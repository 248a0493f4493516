// SPDX-License-Identifier: BSD-3-Clause
// One path: a link between this node and another one. What it is known to do by the probes that were sent on it: whether
// they are answered, how soon, how many are lost. It compares itself with the node's other paths by the numbers of rounds,
// so that a node that is late is not taken for a link that is broken. No clock, no I/O.
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <optional>

namespace coterie::net {

using base::duration;
using base::time_point;

enum class path_state : std::uint8_t {
    untried, ///< no probe has been answered yet
    up,
    down,
};
enum class path_fault : std::uint8_t {
    none,
    unanswered, ///< probes are lost that others, on other links to the same node, answer
    silent,     ///< nothing comes on any link to the node
    refused,    ///< the node's host says that nobody listens there
    unsendable, ///< this machine does not send there
};

/// How patient a node is with its paths; all of it follows from how patient the protocol is with nodes.
struct path_limits {
    duration busy = std::chrono::milliseconds(10);    ///< between two rounds of probes while there is traffic, or doubt
    duration calm = std::chrono::milliseconds(112);   ///< while there is neither
    duration lone = std::chrono::milliseconds(2'000); ///< where there is one link and nothing to choose
    duration absent = std::chrono::milliseconds(1'000); ///< to a node of which no path is up
    duration doubt = std::chrono::milliseconds(10);     ///< a round is this long overdue, and others answered: doubted
    duration overdue = std::chrono::milliseconds(60);   ///< the same: down
    duration silence = std::chrono::milliseconds(900);  ///< nobody answered: down
    duration hold_off = std::chrono::milliseconds(500); ///< a path that went down alone is not up again before; doubled
                                                        ///< each time it happens again
    duration hold_off_max = std::chrono::milliseconds(30'000);
    duration steady = std::chrono::milliseconds(60'000); ///< a path that was up for so long has its past forgiven

    /// For a protocol that gives a silent node up after `silence_limit`.
    [[nodiscard]] static path_limits for_silence(duration silence_limit);
};

/// What one path has done. Rounds count the probes to its node; the newest is given with each call.
class path {
public:
    /// `next_round`: the first round that will be sent on it.
    explicit path(std::uint64_t next_round) : _first_round(next_round), _answered_last(next_round - 1) {}

    /// A round is sent, on this path among others.
    void on_round(time_point now);
    struct answer {
        std::uint64_t round;
        time_point sent;      ///< when the question was
        time_point next_sent; ///< when the next one was; never: there is none yet
    };
    /// An answer came; `newest` is the round sent last. False if it had come before, or is too old to tell.
    bool on_answer(time_point now, const answer& what, std::uint64_t newest);
    void on_refused() { _refused = true; }
    void on_unsendable(int error) { _error = error; }

    /// What the others of the node know: the latest round that any of them answered.
    struct company {
        std::uint64_t newest;        ///< the round sent last
        std::uint64_t answered_last; ///< on any path
        bool alone;                  ///< no other path of the node is up
    };
    /// Judges, after anything has happened and with each round; true when the state has changed.
    [[nodiscard]] bool judge(time_point now, const company& others, const path_limits& limits);

    [[nodiscard]] path_state state() const { return _state; }
    [[nodiscard]] path_fault fault() const { return _fault; }
    /// errno, where that is the fault.
    [[nodiscard]] int fault_error() const { return _fault == path_fault::unsendable ? _fault_error : 0; }
    /// Nothing was refused by this machine since the last answer.
    [[nodiscard]] bool sendable() const { return _error == 0; }
    [[nodiscard]] bool refused() const { return _refused; }
    /// Up, but what is sent on it should be sent on another one as well.
    [[nodiscard]] bool doubted() const { return _doubted; }
    /// Soon to be decided: others have answered what it has not, yet, or it is on its way up.
    [[nodiscard]] bool in_question() const;
    [[nodiscard]] std::uint64_t answered_last() const { return _answered_last; }
    [[nodiscard]] time_point changed_at() const { return _changed_at; }
    [[nodiscard]] std::uint64_t times_down() const { return _times_down; }
    /// While it is down: not up again before.
    [[nodiscard]] time_point held_until() const { return _held_until; }
    /// Smoothed; nothing before the first answer.
    [[nodiscard]] std::optional<duration> round_trip() const;
    /// Hundredths of the last rounds, at most 63, that were not answered; the newest `recent` are not counted. Nothing if
    /// there are no others.
    [[nodiscard]] std::optional<unsigned> loss_percent(std::uint64_t newest, std::uint64_t recent) const;

private:
    void measure(time_point now, duration sample);
    void go_up(time_point now);
    void go_down(time_point now, path_fault fault);
    void hold_off(time_point now, const path_limits& limits);

    std::uint64_t _first_round;
    std::uint64_t _answered_last;
    std::uint64_t _history = 0; ///< bit i: the round i before the newest was answered
    duration _round_trip{};     ///< smoothed; zero while unknown
    time_point _measured_at{};

    path_state _state = path_state::untried;
    path_fault _fault = path_fault::none;
    int _fault_error = 0;
    bool _refused = false; ///< since the last answer
    int _error = 0;        ///< since the last answer
    bool _doubted = false;
    time_point _overtaken_at = base::never;     ///< when others were first seen to have answered what this one has not
    time_point _unanswered_since = base::never; ///< when the first round was sent that it has not answered
    std::uint64_t _row = 0;                     ///< rounds answered one after the other
    time_point _changed_at{};
    time_point _held_until{};
    duration _hold_off{};
    std::uint64_t _times_down = 0;
};

} // namespace coterie::net

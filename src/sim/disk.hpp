// SPDX-License-Identifier: BSD-3-Clause
// The stable storage of one simulated machine, as far as the engine needs it: one epoch, written one at a time, slowly
// if the schedule says so. A write that a crash interrupts may have reached the platter or not.
#pragma once

#include "base/ids.hpp"
#include "base/random.hpp"
#include "sim/timeline.hpp"

#include <optional>

namespace coterie::sim {

using base::epoch_number;

/// What a restarted daemon finds.
enum class store_fate : std::uint8_t {
    kept,
    lost,        ///< nothing there
    rolled_back, ///< an older state, as from a backup or a snapshot
};

class disk {
public:
    duration write_min = std::chrono::microseconds(500);
    duration write_max = std::chrono::milliseconds(3);

    /// Starts a write, or remembers it for after the one that is under way; a later one supersedes. Returns when to
    /// call finish() if a write was started.
    std::optional<time_point> write(time_point now, epoch_number epoch, base::random_source& random) {
        _waiting = epoch;
        return _writing ? std::nullopt : begin(now, random);
    }

    /// The write under way is done: its epoch. begin_next() says whether another one follows.
    epoch_number finish() {
        _oldest = _value.value == 0 ? *_writing : _oldest;
        _before = _value;
        _value = *_writing;
        _writing.reset();
        return _value;
    }

    std::optional<time_point> begin_next(time_point now, base::random_source& random) {
        return _waiting ? begin(now, random) : std::nullopt;
    }

    /// The machine or its daemon died.
    void interrupt(base::random_source& random) {
        if (_writing && random.chance(1, 2)) {
            finish();
        }
        _writing.reset();
        _waiting.reset();
        ++_generation;
    }

    void suffer(store_fate fate, base::random_source& random) {
        if (fate == store_fate::lost) {
            _value = _before = _oldest = epoch_number{};
        } else if (fate == store_fate::rolled_back) {
            _value = random.chance(1, 2) ? _before : _oldest;
            _before = _value;
        }
    }

    [[nodiscard]] epoch_number value() const { return _value; }
    [[nodiscard]] bool writing() const { return _writing.has_value(); }
    [[nodiscard]] bool slow() const { return write_max > std::chrono::milliseconds(100); }
    /// Tells writes of an earlier life apart.
    [[nodiscard]] std::uint32_t generation() const { return _generation; }

private:
    std::optional<time_point> begin(time_point now, base::random_source& random) {
        _writing = _waiting;
        _waiting.reset();
        return now + duration(random.between(write_min.count(), write_max.count()));
    }

    epoch_number _value;
    epoch_number _before;
    epoch_number _oldest;
    std::optional<epoch_number> _writing;
    std::optional<epoch_number> _waiting;
    std::uint32_t _generation = 0;
};

} // namespace coterie::sim

// SPDX-License-Identifier: BSD-3-Clause
// Counts how often a node in each state of a view change met each kind of fault. A suite adds up the tables of all its
// runs; a combination that never occurred is a hole in the tests.
#pragma once

#include "ring/listener.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::sim {

/// Where a node stands in a view change, as its steps tell.
enum class stage : std::uint8_t {
    operational, ///< a view is installed and no attempt is known
    gathering,   ///< no view yet, or an attempt was given up
    proposing,   ///< coordinator: asked the candidates for their reports
    frozen,      ///< answered an attempt and waits for its plan
    planning,    ///< coordinator: sent the plan
    recovering,  ///< has the plan, lacks packets
    completed,   ///< holds everything, waits for the install
    installing,  ///< coordinator: sent the install and is not sure yet that all have it
    count,
};
[[nodiscard]] std::string_view to_string(stage where);

enum class fault : std::uint8_t {
    loss,
    duplicate,
    late_duplicate,
    reorder,
    corrupt,
    partition,
    one_way,
    crash,
    crash_amid_burst,
    restart, ///< another node came back while this one was in the state
    pause,
    slow_store, ///< entered the state while its disk took longer than 100 ms
    full_buffer,
    refused,
    client_crash,
    count,
};
[[nodiscard]] std::string_view to_string(fault kind);

inline constexpr std::size_t stages = static_cast<std::size_t>(stage::count);
inline constexpr std::size_t faults = static_cast<std::size_t>(fault::count);

class coverage {
public:
    void met(stage where, fault kind, std::uint64_t times = 1) {
        _counts[static_cast<std::size_t>(where)][static_cast<std::size_t>(kind)] += times;
    }
    [[nodiscard]] std::uint64_t count(stage where, fault kind) const {
        return _counts[static_cast<std::size_t>(where)][static_cast<std::size_t>(kind)];
    }
    void add(const coverage& other);

    struct hole {
        stage where;
        fault kind;
    };
    /// Combinations that never occurred.
    [[nodiscard]] std::vector<hole> holes() const;
    /// A table for people: one line a state, one column a fault.
    [[nodiscard]] std::string table() const;

private:
    std::array<std::array<std::uint64_t, faults>, stages> _counts{};
};

/// Follows one life of one node through its steps.
class stage_tracker {
public:
    void begin() { *this = stage_tracker(); }
    /// Returns true when the step led to another state.
    bool follow(const ring::step& what);
    [[nodiscard]] stage now() const { return _now; }

private:
    stage _now = stage::gathering;
    base::view_id _coordinated;
};

} // namespace coterie::sim

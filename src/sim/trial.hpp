// SPDX-License-Identifier: BSD-3-Clause
// Runs in processes of their own, since a run that fails may break an assertion or never end, and since a process more
// uses a core more. What a run has to tell comes back as a few numbers and a text.
#pragma once

#include "sim/run.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

namespace coterie::sim {

/// In trial::broken: the run did not come to its end, so that nothing could be judged.
inline constexpr int died = -2;

struct trial {
    std::set<int> broken; ///< guarantees, or `died`
    std::string report;   ///< for people, if anything is broken
    duration simulated{};
    coverage met;

    [[nodiscard]] bool good() const { return broken.empty(); }
};

/// Several runs at a time. Not thread-safe; its processes end with it.
class trials {
public:
    using work = std::function<run_outcome()>;

    /// A run that computes for longer than `limit` counts as died.
    trials(unsigned at_once, std::chrono::seconds limit) : _at_once(at_once), _limit(limit) {}
    ~trials();
    trials(const trials&) = delete;
    trials& operator=(const trials&) = delete;

    [[nodiscard]] bool full() const { return _children.size() >= _at_once; }
    [[nodiscard]] bool empty() const { return _children.empty(); }
    /// Starts a run; there must be room. `name` is given back with its end.
    void start(std::uint64_t name, const work& what);
    struct ended {
        std::uint64_t name = 0;
        trial result;
    };
    /// Waits for one of the runs to end; there must be one.
    [[nodiscard]] ended wait();

private:
    struct child {
        std::uint64_t name = 0;
        pid_t process = 0;
        int output = -1;
        std::string said;
    };

    [[nodiscard]] ended bury(std::size_t at);

    unsigned _at_once;
    std::chrono::seconds _limit;
    std::vector<child> _children;
};

/// One run in a process of its own.
[[nodiscard]] trial try_apart(const trials::work& what, std::chrono::seconds limit);

} // namespace coterie::sim

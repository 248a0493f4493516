// SPDX-License-Identifier: BSD-3-Clause
// The random mix: rounds, each with a world and a choice of faults of its own, drawn from a seed. Faults overlap; then all
// end, everything comes to rest, and the round is judged. A seed repeats the draws; when exactly what happens is up to the
// machine.
#pragma once

#include "tests/chaos/fault.hpp"
#include "tests/chaos/verdict.hpp"

#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace coterie::chaos {

/// What is told at the end, of one round or of many.
struct tally {
    struct kind_count {
        std::size_t begun = 0;
        std::size_t refused = 0; ///< this machine does not allow it
        std::chrono::milliseconds time{};
    };
    std::map<std::string_view, kind_count> kinds;
    verdict judged; ///< sums
    std::size_t rounds = 0;
    std::size_t unexpected_views = 0;

    void add(const tally& other);
    void print(std::FILE* out) const;
};

/// Faults that go on in a world, and a list of them for people.
class torment {
public:
    torment(world& where, std::vector<const fault_kind*> kinds, std::uint64_t seed, std::FILE* list);

    /// Begins and ends faults at random for this time, at most so many at once; then all end. What went wrong.
    [[nodiscard]] std::string run(milliseconds time, std::size_t at_once);
    [[nodiscard]] const tally& counts() const { return _counts; }

private:
    struct active {
        const fault_kind* kind;
        fault what;
        std::chrono::steady_clock::time_point began;
        std::chrono::steady_clock::time_point ends;
    };
    void begin_one();
    [[nodiscard]] std::string end_due(std::chrono::steady_clock::time_point now);
    [[nodiscard]] bool is_free(const fault& what) const;
    void note(const char* what, const fault_kind& kind, const fault& which) const;

    world& _world;
    const std::vector<const fault_kind*> _kinds;
    base::random_source _random;
    std::FILE* const _list;
    const std::chrono::steady_clock::time_point _start;
    std::vector<active> _active;
    tally _counts;
};

struct round_options {
    std::uint64_t seed = 1;
    milliseconds time{20'000};
    std::string folder; ///< where what a failed round leaves is kept
    std::string only;   ///< the only kind of fault; empty: drawn
};

/// Plays one round and adds it to `sum`; what went wrong, and the rest is in the folder.
[[nodiscard]] std::string play_round(const round_options& options, tally& sum);

/// Ends a run: waits for rest, ends the clients, judges; adds to `sum`.
[[nodiscard]] std::string come_to_rest_and_judge(world& where, tally& sum);
/// Keeps what a failed run left, and says where.
void keep(const world& where, const std::string& folder, const std::string& name, const std::string& fault);

} // namespace coterie::chaos

// SPDX-License-Identifier: BSD-3-Clause
// What simulated clients do of their own accord: open, join, send, answer, leave, die, stop reading, at a pace drawn
// from the seed. Schedules give each client a profile, or none and drive it themselves.
#pragma once

#include "base/random.hpp"
#include "sim/world.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace coterie::sim {

/// How a client behaves. Chances are in per cent, each of one turn of a member.
struct traffic_profile {
    std::vector<std::string> groups = {"alpha"};    ///< it joins one of these, drawn anew each time
    duration pace = std::chrono::milliseconds(100); ///< between turns, on average
    bool regular = false;                           ///< exactly at that pace
    std::size_t bytes_min = 16;
    std::size_t bytes_max = 300;
    std::size_t large_bytes_max = 20'000;
    std::uint32_t large = 0;
    std::size_t burst_max = 1; ///< messages in one turn
    std::uint32_t safe = 0;    ///< of its messages
    std::uint32_t answers = 0; ///< of messages that somebody in the group answers at once; at most 90, or the talk
                               ///< would feed itself
    std::uint32_t leaves = 0;
    std::uint32_t finalizes = 0;
    std::uint32_t crashes = 0;
    std::uint32_t stalls = 0; ///< stops reading until its next turn with luck
};

class traffic {
public:
    /// Takes over the world's turns of clients; both must live equally long.
    traffic(world& around, std::uint64_t seed);

    void assign(client& who, const traffic_profile& profile) { assign(who, profile, _random.next()); }
    /// The same with what it draws from `seed` alone, whoever else there is.
    void assign(client& who, const traffic_profile& profile, std::uint64_t seed);
    /// From now on nobody does anything of its own accord; whoever does not read reads on.
    void stop();
    [[nodiscard]] bool stopped() const { return _stopped; }

private:
    struct share {
        traffic_profile profile;
        bool assigned = false;
        bool stalled = false;
        base::random_source random{0};

        [[nodiscard]] bool happens(std::uint32_t percent) { return percent != 0 && random.below(100) < percent; }
        [[nodiscard]] const std::string& some_group() { return profile.groups[random.below(profile.groups.size())]; }
        [[nodiscard]] std::size_t between(std::size_t low, std::size_t high) {
            return static_cast<std::size_t>(
                random.between(static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)));
        }
    };

    void turn(std::uint32_t index);
    void act(client& who, share& mine);
    void say(client& who, share& mine);
    void plan_turn(std::uint32_t index);

    world& _world;
    base::random_source _random;
    std::vector<share> _shares;
    bool _stopped = false;
};

} // namespace coterie::sim

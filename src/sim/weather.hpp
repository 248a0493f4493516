// SPDX-License-Identifier: BSD-3-Clause
// Random faults over a stretch of time: which kinds, how often and how bad is drawn from the seed, so that some runs see
// only crashes, some only bad links, some everything at once.
#pragma once

#include "sim/scene.hpp"

#include <array>
#include <cstdint>

namespace coterie::sim {

enum class trouble : std::uint8_t {
    noise,         ///< loss, duplicates, reordering, corruption on some or all links
    control_noise, ///< ditto, on control packets only
    partition,     ///< two or three sides
    one_way,       ///< one direction between two nodes
    deaf,          ///< a node hears nobody
    mute,          ///< nobody hears a node
    flap,          ///< a cut that comes and goes
    crash,         ///< and restart after a while, or not
    crash_amid,    ///< in the middle of a batch
    crash_at_step, ///< at its next step of a view change
    pause,
    pause_amid,
    slow_store,
    small_buffer,
    slow_receiver,
    vanish,
    leave, ///< in order, and back
    count,
};
inline constexpr std::size_t troubles = static_cast<std::size_t>(trouble::count);

class weather {
public:
    /// Draws its profile from the scene's random source. Both must live until the run is over.
    explicit weather(scene& on);

    /// Faults come from now on until end().
    void begin();
    void end() { _ended = true; }
    /// One fault of this kind, now.
    void strike(trouble kind);

private:
    void next();
    void noise(kind_set afflicted);
    void partition();
    void cut_directions(bool hears, bool heard);
    void one_way();
    void flap();
    void crash(trouble how);
    void restart_later(node_id node);
    void restart(node_id node, duration away);
    void pause(bool amid);
    void slow_down(trouble how);
    [[nodiscard]] duration some_time();

    scene& _on;
    std::array<std::uint32_t, troubles> _weights{};
    duration _gap{};
    duration _longest{};
    bool _ended = false;
};

} // namespace coterie::sim

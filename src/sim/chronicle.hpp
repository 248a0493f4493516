// SPDX-License-Identifier: BSD-3-Clause
// What was wrong with the world, when: which links were cut or bad, which machines stood still, were away or handicapped.
// Looks at the world from outside after each occurrence, so that it knows of the faults of every schedule. For pictures;
// runs that nobody draws have none.
#pragma once

#include "sim/world.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace coterie::sim {

enum class ailment : std::uint8_t {
    cut,   ///< of a link
    noisy, ///< of a link: loses, doubles, alters, or takes longer than usual
    away,  ///< the machine does not even refuse
    paused,
    slow_store,
    small_buffer,
    slow_receiver,
};
[[nodiscard]] std::string_view to_string(ailment what);

struct ailing {
    ailment what{};
    node_id node;  ///< of a link: from
    node_id other; ///< of a link: to
    std::int64_t begin_ns = 0;
    std::int64_t end_ns = 0;
};

class chronicle {
public:
    /// Looks at the world from now on, which must have no other observer.
    void follow(world& around);
    /// The world ends: so does what still ails in it.
    void close();
    /// In the order of their ends; after close().
    [[nodiscard]] const std::vector<ailing>& ailments() const { return _past; }

private:
    static constexpr std::size_t of_machines = 5;

    void look();
    void look_at_links();
    void note(std::int64_t& since, bool ails, ailing what);

    world* _world = nullptr;
    std::int64_t _looked_ns = -1;
    std::uint64_t _links_seen = 0;
    std::vector<std::int64_t> _machines; ///< since when; -1: well
    std::vector<std::int64_t> _cuts;
    std::vector<std::int64_t> _noises;
    std::vector<ailing> _past;
};

} // namespace coterie::sim

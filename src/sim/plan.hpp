// SPDX-License-Identifier: BSD-3-Clause
// A run as data: what the world is made of, which clients live in it, and which faults come when. A plan can be drawn from
// a seed, written down, read again, shortened, and played; two plays of one plan are the same, byte for byte.
#pragma once

#include "sim/traffic.hpp"
#include "sim/world.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::sim {

enum class trouble : std::uint8_t {
    cut,           ///< datagrams between `nodes` and `others` are lost
    noise,         ///< these links have `quality` instead of the usual one
    crash,         ///< the daemon dies; it comes back `lasts` after its end
    crash_amid,    ///< ditto, when `skip` more datagrams have left
    crash_at_step, ///< ditto, when it has made `skip` more steps of a view change
    vanish,        ///< the machine goes
    leave,         ///< the daemon ends in order
    pause,         ///< the daemon stands still
    pause_amid,    ///< ditto, when `skip` more datagrams have left
    slow_store,    ///< a write takes up to `slow`
    small_buffer,  ///< the socket holds `bytes`
    slow_receiver, ///< a datagram costs `slow`
    client_crash,  ///< all clients on the node die
    packet_size,   ///< the daemon makes packets for datagrams of `bytes`
};
inline constexpr std::size_t troubles = static_cast<std::size_t>(trouble::packet_size) + 1;
[[nodiscard]] std::string_view to_string(trouble kind);
/// Whether it is about links rather than about nodes.
[[nodiscard]] constexpr bool about_links(trouble kind) { return kind == trouble::cut || kind == trouble::noise; }

struct planned_fault {
    trouble kind{};
    duration at{};                 ///< since faults may come
    duration lasts{};              ///< then it is undone; 0: when all faults end
    std::vector<node_id> nodes{};  ///< whom; of links: the one end. None: every node
    std::vector<node_id> others{}; ///< of links: the other end. None: all nodes that are not the one end
    bool one_way = false;          ///< of links: only what goes from the one end to the other
    std::uint64_t rounds = 1;      ///< of links: so many times, with pauses as long as itself
    link_quality quality{};
    std::uint64_t skip = 0;
    bool sent = false; ///< crash_at_step: what was sent in the same input leaves the machine
    store_fate fate = store_fate::kept;
    std::int64_t skew_us = 0; ///< what the wall clock is off by when the daemon is back
    std::size_t bytes = 0;
    duration slow{};

    /// Whether it is about what `from` sends to `to`.
    [[nodiscard]] bool covers(node_id from, node_id to) const;
    [[nodiscard]] bool covers(node_id node) const;
};

struct planned_client {
    node_id node;
    duration comes{}; ///< since the daemons start
    std::uint64_t seed = 1;
    client_options options{};
    traffic_profile profile{};
};

struct plan {
    world_options world;
    duration time = std::chrono::seconds(5); ///< for which faults go on
    bool safe = false;                       ///< a part of the messages is safe
    bool formed = true;          ///< faults come from the first view of all on; else as the first daemon starts
    std::vector<duration> boots; ///< when each daemon starts; those that are not named start at once
    std::vector<planned_client> clients;
    std::vector<planned_fault> faults;
};

/// The plan as text: one line for each part of the world, each client and each fault, with what differs from the
/// defaults as name=value.
[[nodiscard]] std::string to_text(const plan& what);
/// One fault in the words of a plan, without its time.
[[nodiscard]] std::string details_of(const planned_fault& what);
/// Reads what to_text() writes; else what is wrong, with the number of the line.
[[nodiscard]] std::expected<plan, std::string> plan_from(std::string_view text);

} // namespace coterie::sim

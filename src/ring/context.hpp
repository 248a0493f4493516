// SPDX-License-Identifier: BSD-3-Clause
// What every part of the ring engine shares: settings, the border to the world, the time of the input being handled,
// counters and the one source of random pauses. It holds no protocol state.
#pragma once

#include "base/random.hpp"
#include "ring/engine.hpp"
#include "ring/listener.hpp"
#include "wire/codec.hpp"

#include <span>

namespace coterie::ring {

struct context {
    const settings& cfg;
    base::buffer_pool& pool;
    environment& world;
    listener& upper;
    packet_source& source;
    wire::origin self;
    counters counts;
    base::random_source random;
    time_point now{};

    [[nodiscard]] node_id node() const { return self.node; }

    /// Sends an encoded packet to each of `targets`.
    void transmit(const base::buffer& packet, std::span<const node_id> targets) {
        if (targets.empty()) {
            return;
        }
        counts.sent[static_cast<std::size_t>(packet.bytes()[5])] += targets.size();
        world.send(packet, targets);
    }

    template <class Packet>
    void send(std::span<const node_id> targets, const Packet& packet) {
        if (!targets.empty()) {
            transmit(wire::encode(pool, self, packet), targets);
        }
    }

    template <class Packet>
    void send(node_id target, const Packet& packet) {
        transmit(wire::encode(pool, self, packet), std::span<const node_id>(&target, 1));
    }

    /// A pause in [0, span), so that several that want the same do not all act at once.
    [[nodiscard]] duration random_pause(duration span) {
        return duration(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(span.count()))));
    }
};

} // namespace coterie::ring

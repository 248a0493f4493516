// SPDX-License-Identifier: BSD-3-Clause
// What a single part of the ring engine needs around it: settings, a context, and a world that only takes notes.
#pragma once

#include "ring/context.hpp"
#include "tests/support/small_world.hpp"

namespace coterie::tests {

class noted_world final : public ring::environment {
public:
    struct sent_packet {
        base::buffer packet;
        std::vector<node_id> targets;
    };
    std::vector<sent_packet> sent;
    std::vector<base::epoch_number> stores;
    std::vector<ring::step> steps;

    void send(const base::buffer& packet, std::span<const node_id> targets) override {
        sent.push_back({packet, {targets.begin(), targets.end()}});
    }
    void store(base::epoch_number epoch) override { stores.push_back(epoch); }
    void on_step(const ring::step& what) override { steps.push_back(what); }
};

/// The surroundings of node 1 of five.
struct lone_part {
    explicit lone_part(small_world::tuning tune = {}) : cfg(settings_of(tune)) {}

    static ring::settings settings_of(const small_world::tuning& tune) {
        ring::settings cfg;
        cfg.self = {node(1), {0xA1}};
        cfg.cluster = {0xC};
        cfg.configured = {node(1), node(2), node(3), node(4), node(5)};
        if (tune) {
            tune(cfg);
        }
        return cfg;
    }

    ring::settings cfg;
    base::buffer_pool pool;
    noted_world world;
    speaker upper;
    ring::context context{.cfg = cfg,
                          .pool = pool,
                          .world = world,
                          .upper = upper,
                          .source = upper,
                          .self = {cfg.cluster, cfg.self.node, cfg.self.nonce},
                          .counts = {},
                          .random = base::random_source(1),
                          .now = time_point(1s)};
};

} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// Two nodes with several links between them, as scripted: each way of each link has its delay, and loses what the script
// says. Time passes only when the test says so, and everything happens in one order.
#pragma once

#include "net/path_watch.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace coterie::tests {

using base::duration;
using base::link_number;
using base::time_point;
using net::link_set;
using net::path_fault;
using net::path_state;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

class scripted_links {
public:
    /// One way of one link.
    struct way {
        duration delay = microseconds(100);
        bool cut = false;
        bool refuses = false;          ///< its end says that nobody listens there
        std::uint64_t lost_of_ten = 0; ///< so many of ten packets
        std::uint64_t sent = 0;
        std::uint64_t lost = 0;
    };
    struct settings {
        std::size_t links = 2;
        net::link_mode mode = net::link_mode::passive;
        std::vector<int> priorities{}; ///< 1 where there is none
        net::path_limits limits{};
    };

    explicit scripted_links(settings what) {
        for (std::uint64_t node = 0; node < 2; ++node) {
            net::path_watch::settings cfg{.self = {node + 1}, .links = {}, .mode = what.mode, .limits = what.limits};
            for (std::size_t link = 0; link < what.links; ++link) {
                const int priority = link < what.priorities.size() ? what.priorities[link] : 1;
                cfg.links.push_back({.number = {static_cast<std::uint8_t>(link)}, .priority = priority});
            }
            nodes[node] = std::make_unique<node_of_two>(*this, node, cfg);
        }
    }

    /// What happens between now and then.
    void pass(duration time) {
        const time_point end = now + time;
        while (true) {
            time_point next = end;
            for (const auto& each : nodes) {
                if (now >= each->runs_from) {
                    next = std::min(next, std::max(each->watch.deadline(), now));
                } else {
                    next = std::min(next, each->runs_from);
                }
            }
            if (!_under_way.empty()) {
                next = std::min(next, std::max(_under_way.begin()->first, now));
            }
            if (traffic) {
                next = std::min(next, std::max(_traffic_next, now));
            }
            now = std::max(now, next);
            if (now >= end) {
                return;
            }
            step();
        }
    }

    /// A node does not run for a while; what comes meanwhile it reads afterwards.
    void pause(std::size_t node, duration time) { nodes[node]->runs_from = now + time; }

    way& from(std::size_t node, std::size_t link) { return _ways[{node, link}]; }
    void cut(std::size_t link) { from(0, link).cut = from(1, link).cut = true; }
    void heal(std::size_t link) {
        for (const std::size_t node : {0U, 1U}) {
            from(node, link).cut = from(node, link).refuses = false;
        }
    }

    net::path_report path(std::size_t node, std::size_t link) const { return nodes[node]->watch.paths(now, 0)[link]; }
    path_state state(std::size_t node, std::size_t link) const { return path(node, link).state; }
    link_set traffic_of(std::size_t node) { return nodes[node]->watch.for_traffic(0); }

    struct node_of_two final : net::path_watch::outputs {
        node_of_two(scripted_links& world, std::size_t place, const net::path_watch::settings& cfg)
            : _world(world),
              _place(place),
              watch(cfg, *this) {
            watch.add_node();
            for (const auto& each : cfg.links) {
                watch.add_path(0, each.number);
            }
        }
        void send_probe(net::path_watch::node_place, const wire::link_probe& probe) override {
            probes += probe.answered == base::no_incarnation ? 1U : 0U;
            _world.carry(_place, probe);
        }
        void on_path(net::path_watch::node_place, const net::path_report& what) override { news.push_back(what); }
        void on_refused(net::path_watch::node_place) override { refusals.push_back(_world.now); }

        scripted_links& _world;
        const std::size_t _place;
        net::path_watch watch;
        time_point runs_from{};
        std::uint64_t probes = 0; ///< questions sent
        std::vector<net::path_report> news;
        std::vector<time_point> refusals;
    };

    time_point now{seconds(1'000)};
    std::unique_ptr<node_of_two> nodes[2];
    bool traffic = true; ///< both send something every millisecond

private:
    void step() {
        if (traffic && _traffic_next <= now) {
            _traffic_next = now + milliseconds(1);
            for (const auto& each : nodes) {
                if (now >= each->runs_from) {
                    static_cast<void>(each->watch.for_traffic(0));
                }
            }
        }
        // Packets for a node that does not run wait.
        std::multimap<time_point, std::function<bool()>> later;
        while (!_under_way.empty() && _under_way.begin()->first <= now) {
            auto arrival = std::move(_under_way.begin()->second);
            _under_way.erase(_under_way.begin());
            if (!arrival()) {
                later.emplace(now + microseconds(100), std::move(arrival));
            }
        }
        _under_way.merge(later);
        for (const auto& each : nodes) {
            if (now >= each->runs_from) {
                each->watch.on_time(now);
                EXPECT_GT(each->watch.deadline(), now) << "nothing is planned for what has passed";
            }
        }
    }

    void carry(std::size_t place, const wire::link_probe& probe) {
        way& on = from(place, probe.link.value);
        // Evenly spread, and not in step between ways.
        const bool lost = (++on.sent * 7 + probe.link.value * 3 + place) % 10 < on.lost_of_ten;
        if (on.refuses) {
            _under_way.emplace(now + 2 * on.delay, [this, place, link = probe.link] {
                nodes[place]->watch.on_refused(now, 0, link);
                return true;
            });
        } else if (!on.cut && !lost) {
            _under_way.emplace(now + on.delay, [this, place, probe] {
                node_of_two& to = *nodes[1 - place];
                if (now < to.runs_from) {
                    return false;
                }
                to.watch.on_probe(now, 0, {place + 1}, probe);
                return true;
            });
        } else {
            ++on.lost;
        }
    }

    std::map<std::pair<std::size_t, std::size_t>, way> _ways;
    std::multimap<time_point, std::function<bool()>> _under_way;
    time_point _traffic_next{};
};

} // namespace coterie::tests

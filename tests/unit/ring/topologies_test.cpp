// SPDX-License-Identifier: BSD-3-Clause
// Random graphs of who hears whom, changed again and again: whatever the last one is, every node ends in a view of nodes
// that all hear each other, delivers in it, and stays there.
#include "tests/support/small_world.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace coterie::tests {
namespace {

using machine = small_world::machine;

enum class cuts : std::uint8_t { both_ways, one_way };

class random_graphs {
public:
    random_graphs(std::uint32_t seed, cuts how)
        : _random(seed),
          _how(how),
          _nodes(static_cast<std::uint32_t>(3 + below(4))),
          _world(_nodes),
          _cut(_nodes + 1, std::vector<bool>(_nodes + 1)) {}

    /// What is wrong in the end; empty if nothing is.
    std::string play() {
        _world.boot_all();
        for (std::uint64_t changes = 3 + below(8); changes > 0; --changes) {
            _world.run_for(std::chrono::milliseconds(below(4) != 0 ? below(300) : below(3'000)));
            machine& one = _world[static_cast<std::uint32_t>(1 + below(_nodes))];
            switch (below(5)) {
            case 0:
                if (one.alive()) {
                    _world.crash(one.id().value);
                }
                break;
            case 1:
                if (!one.alive()) {
                    _world.boot(one.id().value);
                }
                break;
            case 2:
            case 3: draw_graph(); break;
            default:
                if (one.alive()) {
                    one.say("amid");
                }
            }
        }
        for (machine* each : _world.machines()) {
            if (!each->alive()) {
                _world.boot(each->id().value);
            }
        }
        draw_graph();
        _world.run_for(20s);
        std::vector<std::size_t> views;
        for (machine* each : _world.machines()) {
            views.push_back(each->voice().views.size());
            each->say("at rest");
        }
        _world.run_for(10s);
        std::string wrong;
        for (std::size_t at = 0; at < views.size(); ++at) {
            machine& one = *_world.machines()[at];
            judge(one, wrong);
            if (one.voice().views.size() != views[at]) {
                wrong += words(one) + " goes on changing its view";
            }
        }
        return wrong;
    }

private:
    std::uint64_t below(std::uint64_t end) { return _random() % end; }

    void draw_graph() {
        _world.heal();
        const std::uint64_t percent = below(3) == 0 ? 0 : 10 + below(60);
        for (std::uint32_t left = 1; left <= _nodes; ++left) {
            for (std::uint32_t right = left + 1; right <= _nodes; ++right) {
                _cut[left][right] = below(100) < percent;
                _cut[right][left] = _how == cuts::one_way ? below(100) < percent : _cut[left][right];
                if (_cut[left][right]) {
                    _world.cut(left, right);
                }
                if (_cut[right][left]) {
                    _world.cut(right, left);
                }
            }
        }
    }

    static std::string words(const machine& one) { return "\n  node " + std::to_string(one.id().value); }

    void judge(machine& one, std::string& wrong) {
        const ring::regular_view& view = one.engine().view();
        if (!one.engine().operational()) {
            wrong += words(one) + " has no view: " + one.engine().describe();
        }
        if (one.source().pending()) {
            wrong += words(one) + " never numbers what it has: " + one.engine().describe();
        }
        for (const base::member& each : view.members) {
            if (_world[each.node.value].engine().view().id != view.id) {
                wrong += words(one) + " is alone in its view with " + std::to_string(each.node.value);
            }
            for (const base::member& other : view.members) {
                if (_cut[each.node.value][other.node.value]) {
                    wrong += words(one) + " has a view whose members do not hear each other";
                }
            }
        }
    }

    std::mt19937 _random;
    cuts _how;
    std::uint32_t _nodes;
    small_world _world;
    std::vector<std::vector<bool>> _cut;
};

// Among these are the seeds that once were stuck. Both ways: 81, 369, 460, 846 (two sides each waited for the other's
// contact to settle). One way: 17, 372, 911, 949, 1488, 3503 (attempts that reached nodes which the coordinator could
// not hear, and views dropped by members that could hear all the others).
TEST(any_graph, of_cuts_both_ways_ends_in_views_that_last) {
    for (std::uint32_t seed = 0; seed < 1'000; ++seed) {
        const std::string wrong = random_graphs(seed, cuts::both_ways).play();
        EXPECT_TRUE(wrong.empty()) << "seed " << seed << ":" << wrong;
    }
}

TEST(any_graph, of_cuts_one_way_ends_in_views_that_last) {
    const auto try_seed = [](std::uint32_t seed) {
        const std::string wrong = random_graphs(seed, cuts::one_way).play();
        EXPECT_TRUE(wrong.empty()) << "seed " << seed << ":" << wrong;
    };
    for (std::uint32_t seed = 0; seed < 1'000; ++seed) {
        try_seed(seed);
    }
    try_seed(1'488);
    try_seed(3'503);
}

} // namespace
} // namespace coterie::tests

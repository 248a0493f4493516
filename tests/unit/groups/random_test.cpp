// SPDX-License-Identifier: BSD-3-Clause
// Long random lives of three nodes: clients come, talk, leave and die while views split, merge and fail to reach their
// common points and nodes restart. At the end nothing may be left of anyone who is gone, and every client's story must
// add up.
#include "base/random.hpp"
#include "tests/unit/groups/world.hpp"

#include <set>
#include <sstream>

namespace coterie::groups::test {
namespace {

struct actor {
    std::uint32_t node;
    std::uint32_t pid;
    std::string group; ///< joined or joining; empty if not
    client handle;
    strings story;
};

class random_life {
public:
    explicit random_life(std::uint64_t seed)
        : _random(seed),
          _world(3, [](settings& bounds) { bounds.queue_bytes_max = 40'000; }) {
        _world.payload_bytes = 400;
        _world.view({1, 2, 3});
    }

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
        }
        _world.view({1});
        _world.view({1, 2, 3});
        for (auto& one : _actors) {
            hear(*one);
        }
    }

    void check() {
        for (const char* group : {"g", "h"}) {
            std::set<process> expected;
            for (const auto& one : _actors) {
                if (one->group == group) {
                    expected.insert({{one->node}, one->pid});
                }
            }
            for (const std::uint32_t id : {1U, 2U, 3U}) {
                EXPECT_EQ(_world.at(id).members(group), std::vector(expected.begin(), expected.end()));
            }
        }
        for (const std::uint32_t id : {1U, 2U, 3U}) {
            EXPECT_EQ(_world.counts(id).implausible, 0U);
            EXPECT_EQ(_world.counts(id).malformed, 0U);
            EXPECT_EQ(_world.counts(id).table_mismatch, 0U);
            EXPECT_EQ(_world.counts(id).assembling_bytes, 0U);
        }
        for (const auto& one : _actors) {
            check_story(*one);
        }
    }

    [[nodiscard]] std::size_t heard() const { return _heard; }

private:
    void step() {
        switch (_random.below(16)) {
        case 0:
        case 1: open(); break;
        case 2:
        case 3: join(); break;
        case 4:
            if (actor* one = any(); one != nullptr && one->handle.try_leave()) {
                one->group.clear();
            }
            break;
        case 5: close(); break;
        case 6: change_view(); break;
        case 7:
            if (_random.chance(1, 12)) {
                restart(1 + static_cast<std::uint32_t>(_random.below(3)));
            }
            break;
        case 8:
        case 9:
        case 10: say(); break;
        case 11: _world.settle(); break;
        default: {
            const auto id = 1 + static_cast<std::uint32_t>(_random.below(3));
            if (_random.chance(1, 2)) {
                _world.number(id, _random.below(20));
            } else {
                _world.deliver(id, _random.below(30));
            }
        }
        }
    }

    actor* any() { return _actors.empty() ? nullptr : _actors[_random.below(_actors.size())].get(); }

    void open() {
        if (_actors.size() < 12) {
            const auto node = 1 + static_cast<std::uint32_t>(_random.below(3));
            const auto pid = 1 + static_cast<std::uint32_t>(_random.below(6));
            _actors.push_back(std::make_unique<actor>(actor{node, pid, "", client(_world, node, pid), {}}));
        }
    }

    void join() {
        const char* group = _random.chance(1, 2) ? "g" : "h";
        if (actor* one = any(); one != nullptr && one->handle.try_join(group)) {
            one->group = group;
        }
    }

    void say() {
        if (actor* one = any(); one != nullptr && !one->group.empty()) {
            const std::size_t size = _random.chance(1, 5) ? _random.below(9'000) : _random.below(60);
            std::string text = std::to_string(_said) + " " + long_text(size);
            if (one->handle.try_say(text, _random.chance(1, 3) ? guarantee::safe : guarantee::agreed)) {
                _bodies[shown(text)] = _said++;
            }
        }
    }

    void close() {
        if (actor* one = any(); one != nullptr) {
            hear(*one);
            check_story(*one);
            one->handle.close();
            EXPECT_EQ(one->handle.seen(), strings{});
            std::erase_if(_actors, [&](const auto& other) { return other.get() == one; });
        }
    }

    void restart(std::uint32_t node) {
        for (auto& one : _actors) {
            if (one->node == node) {
                hear(*one);
                check_story(*one);
            }
        }
        std::erase_if(_actors, [&](const auto& one) { return one->node == node; });
        _world.restart(node);
    }

    void change_view() {
        static const std::vector<std::vector<nodes>> shapes{{{1, 2, 3}},   {{1, 2}, {3}}, {{1, 3}, {2}},
                                                            {{2, 3}, {1}}, {{1, 2, 3}},   {{1, 2, 3}}};
        for (const nodes& members : shapes[_random.below(shapes.size())]) {
            _world.install(members);
        }
    }

    void hear(actor& one) {
        for (std::string& line : one.handle.seen()) {
            one.story.push_back(std::move(line));
        }
    }

    /// Changes add up, the own join is first and the own departure last, and every sender is heard in order, without
    /// gaps as far as can be known here, and only while it is a member.
    void check_story(const actor& one) {
        const std::string self = std::to_string(one.node) + "." + std::to_string(one.pid);
        std::set<std::string> members;
        bool joined = false;
        std::map<std::string, std::uint64_t> latest;
        for (const std::string& line : one.story) {
            if (line == "writable") {
                continue;
            }
            std::istringstream words(line);
            std::string group;
            std::string word;
            words >> group;
            if (const auto says = line.find(" says "); says != std::string::npos) {
                words >> word;
                ++_heard;
                EXPECT_TRUE(joined) << line;
                EXPECT_TRUE(members.contains(word)) << line;
                const std::uint64_t number = _bodies.at(line.substr(says + 6));
                EXPECT_TRUE(!latest.contains(word) || latest[word] < number) << line;
                latest[word] = number;
                continue;
            }
            std::set<std::string> after;
            while (words >> word && word != "|") {
                after.insert(word);
            }
            if (!joined) {
                members = after;
                members.erase(self);
                EXPECT_TRUE(line.ends_with("| +" + self + " join")) << line;
                joined = true;
            }
            while (words >> word && (word[0] == '+' || word[0] == '-')) {
                const std::string who = word.substr(1);
                EXPECT_EQ(word[0] == '+' ? members.insert(who).second : members.erase(who) == 1, true) << line;
            }
            EXPECT_EQ(members, after) << line;
            joined = members.contains(self);
        }
    }

    base::random_source _random;
    world _world;
    std::vector<std::unique_ptr<actor>> _actors;
    std::map<std::string, std::uint64_t> _bodies;
    std::uint64_t _said = 0;
    std::size_t _heard = 0;
};

TEST(random, lives_leave_no_ghosts_and_every_story_adds_up) {
    std::size_t heard = 0;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        random_life life(seed);
        life.run(250);
        life.check();
        heard += life.heard();
        if (testing::Test::HasFailure()) {
            return;
        }
    }
    EXPECT_GT(heard, 5'000U);
}

} // namespace
} // namespace coterie::groups::test

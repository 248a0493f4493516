// SPDX-License-Identifier: BSD-3-Clause
// The checker reads files that anybody may have written: traces that make no sense are judged, never a reason to fall.
#include "base/random.hpp"
#include "tests/sim/checker_fixture.hpp"

namespace coterie::test {

namespace {

class checker_of_garbage : public checker_fixture {
protected:
    std::uint32_t small() { return static_cast<std::uint32_t>(random.below(4)); }
    base::view_id some_view() { return {{{small()}}, {small()}, {small() / 2}}; }
    process some_process() { return {{small()}, small()}; }

    event some_event() {
        constexpr std::uint64_t kinds = 17;
        constexpr std::uint64_t client_kinds = 9;
        event what;
        const bool of_client = random.below(2) == 0;
        what.kind = static_cast<event_kind>(of_client ? 64 + random.below(client_kinds) : 1 + random.below(kinds));
        what.time_ns = small();
        what.node = {small()};
        what.stream = small();
        what.view = some_view();
        what.left_view = some_view();
        what.number = {{small()}};
        what.hop = {{small()}};
        what.peer = {small()};
        what.safe = random.below(2) == 0;
        what.hash = small() / 2;
        what.message = small();
        what.who = some_process();
        what.sender = some_process();
        what.group.assign(random.below(2), 'g');
        for (std::uint32_t i = small(); i > 0; --i) {
            what.members.push_back({{small()}, {small()}});
            what.processes.push_back(some_process());
        }
        for (std::uint32_t i = small() / 2; i > 0; --i) {
            what.left.push_back({some_process(), static_cast<reason>(random.below(6))});
        }
        for (std::uint32_t i = small() / 2; i > 0; --i) {
            what.joined.push_back({some_process(), static_cast<reason>(random.below(6))});
        }
        return what;
    }

    void judge() {
        for (const bool quiet : {false, true}) {
            sim::checker_options options;
            options.quiet_tail = quiet;
            options.messages_unique = random.below(2) == 0;
            const auto found = sim::check(w.events, options);
            if (!found.empty()) {
                EXPECT_FALSE(sim::excerpt(w.events, found.front()).empty());
            }
        }
    }

    base::random_source random{7};
};

TEST_F(checker_of_garbage, nothing_at_all_is_clean) { EXPECT_EQ(words({}), ""); }

TEST_F(checker_of_garbage, random_events_are_judged) {
    for (int round = 0; round < 500; ++round) {
        w.events.clear();
        for (std::uint64_t i = random.below(120); i > 0; --i) {
            w.events.push_back(some_event());
        }
        judge();
    }
}

TEST_F(checker_of_garbage, a_spoilt_run_is_judged) {
    for (const std::uint32_t node : {1U, 2U, 3U}) {
        w.boot(node);
    }
    w.install({1, 2, 3});
    auto& a = w.open(1, 1, true);
    auto& b = w.open(2, 2);
    w.join(a, "g");
    w.join(b, "g");
    w.send(a, 1);
    w.install({1, 2});
    w.install({3});
    w.send(b, 2, true);
    w.install({1, 2, 3});
    w.send(a, 3);
    w.leave(b);
    w.finish();
    const std::vector<event> clean = w.events;
    for (int round = 0; round < 1'000; ++round) {
        w.events = clean;
        for (std::uint64_t i = 1 + random.below(6); i > 0; --i) {
            const std::size_t at = random.below(w.events.size());
            switch (random.below(4)) {
            case 0: w.drop(w.events[at]); break;
            case 1: w.repeat(w.events[at]); break;
            case 2: std::swap(w.events[at], w.events[random.below(w.events.size())]); break;
            default: {
                const event other = some_event();
                event& spoilt = w.events[at];
                spoilt.number = random.below(2) == 0 ? other.number : spoilt.number;
                spoilt.view = random.below(2) == 0 ? other.view : spoilt.view;
                spoilt.members = random.below(2) == 0 ? other.members : spoilt.members;
                spoilt.processes = random.below(2) == 0 ? other.processes : spoilt.processes;
                spoilt.joined = random.below(2) == 0 ? other.joined : spoilt.joined;
                spoilt.left = random.below(2) == 0 ? other.left : spoilt.left;
                break;
            }
            }
        }
        judge();
    }
}

TEST_F(checker_of_garbage, the_same_trace_gives_the_same_findings) {
    for (int i = 0; i < 200; ++i) {
        w.events.push_back(some_event());
    }
    EXPECT_EQ(words({}), words({}));
    EXPECT_NE(words({}), "");
}

} // namespace

} // namespace coterie::test

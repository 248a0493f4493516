// SPDX-License-Identifier: BSD-3-Clause
// What the log says of each change of the membership: who came, who went, and why.
#include "daemon/node_journal.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sstream>

namespace coterie::daemon {

namespace {

struct silent final : ring::listener {
    void on_delivery(const ring::delivery&) override {}
    void on_transitional(const ring::transitional_view&) override {}
    void on_regular(const ring::regular_view&) override {}
    void on_numbered(const ring::delivery&) override {}
};

class node_journal_lines : public testing::Test {
protected:
    node_journal_lines() {
        auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(_text);
        auto logger = std::make_shared<spdlog::logger>("test", std::move(sink));
        logger->set_pattern("%v");
        spdlog::set_default_logger(std::move(logger));
        journal.connect(_next);
    }
    ~node_journal_lines() override { spdlog::set_default_logger(_before); }

    /// The lines since the last call.
    std::string lines() {
        spdlog::default_logger()->flush();
        std::string result = _text.str();
        _text.str({});
        return result;
    }

    /// The next view; each member is its id and its life.
    void view(std::vector<std::pair<std::uint32_t, std::uint64_t>> members) {
        ring::regular_view next;
        next.id = {.epoch = {++_epoch}, .coordinator = {1}, .nonce = {1}};
        for (const auto& [id, life] : members) {
            next.members.push_back({.node = {id}, .nonce = {life}});
        }
        journal.on_regular(next);
    }

    void step(ring::step::kind what, std::uint32_t peer, std::chrono::nanoseconds time = {}) {
        ring::step next;
        next.what = what;
        next.peer = {peer};
        next.number = {static_cast<std::uint64_t>(time.count())};
        journal.step(next);
    }

    node_journal journal{{.node = {1}, .nonce = {1}}, nullptr, [](base::node_id node) {
                             return node.value == 2 ? std::string("beta") : std::string();
                         }};

private:
    const std::shared_ptr<spdlog::logger> _before = spdlog::default_logger();
    std::ostringstream _text;
    silent _next;
    std::uint64_t _epoch = 0;
};

} // namespace

TEST_F(node_journal_lines, name_who_comes_and_who_goes) {
    view({{1, 1}, {2, 1}});
    EXPECT_EQ(lines(), "view 1.1: members 1, 2 (beta); joined 1, 2 (beta)\n");
    EXPECT_EQ(journal.summary(), "view 1.1: members 1, 2 (beta)");
    view({{1, 1}});
    EXPECT_EQ(lines(), "view 2.1: members 1; left 2 (beta)\n") << "of no reason that this node knows of";
}

TEST_F(node_journal_lines, say_why_somebody_goes) {
    view({{1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}});
    static_cast<void>(lines());
    step(ring::step::kind::suspected, 2);
    step(ring::step::kind::restarted, 3);
    step(ring::step::kind::held_off, 4, std::chrono::milliseconds(250));
    journal.leaves({5});
    step(ring::step::kind::suspected, 5);
    EXPECT_EQ(lines(), "node 2 (beta) is silent\nnode 3 has restarted\n"
                       "node 4 is kept away for 250 ms: it and this node or others do not hear each other\n"
                       "node 5 leaves in order\n");
    view({{1, 1}, {3, 2}});
    EXPECT_EQ(lines(), "view 2.1: members 1, 3; joined 3; left 2 (beta) [silent], 3 [restarted], "
                       "4 [no hearing in both directions], 5 [in order]\n");
    view({{1, 1}});
    EXPECT_EQ(lines(), "view 3.1: members 1; left 3\n") << "the reasons were those of one change";
}

TEST_F(node_journal_lines, name_who_comes_and_goes_and_who_does_not_keep_up) {
    view({{1, 1}, {2, 1}, {3, 1}});
    static_cast<void>(lines());
    journal.step(
        {.what = ring::step::kind::flapping, .number = base::sequence_number{{400'000'000}}, .peer = {2}, .hash = 3});
    step(ring::step::kind::lagging, 3, std::chrono::milliseconds(1'250));
    step(ring::step::kind::caught_up, 3, std::chrono::milliseconds(6'500));
    step(ring::step::kind::left_out, 3, std::chrono::milliseconds(4'000));
    EXPECT_EQ(lines(),
              "node 2 (beta) comes and goes: lost 3 times, each within 20 s of the one before; it is kept away for "
              "0.4 s\n"
              "node 3 does not keep up: it takes messages 1.2 s later than this node, and all wait for it; see what "
              "its machine and its network are busy with\n"
              "node 3 keeps up again, after 6.5 s\n"
              "node 3 is left out, since it has not kept up for longer than member.slow_timeout; it is kept away for "
              "4.0 s\n");
    view({{1, 1}});
    EXPECT_EQ(lines(), "view 2.1: members 1; left 2 (beta), 3 [does not keep up]\n");
}

TEST_F(node_journal_lines, say_when_this_node_did_not_run) {
    step(ring::step::kind::paused, 0, std::chrono::milliseconds(1'500));
    EXPECT_EQ(lines(), "this node did not run for 1500 ms\n");
}

} // namespace coterie::daemon

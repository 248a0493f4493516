// SPDX-License-Identifier: BSD-3-Clause
// Which links a node takes for up, and which it uses, through all that can happen to links and to the other node. Times are
// those of the script: they are exact, and the same in every run.
#include "tests/support/scripted_links.hpp"

#include <algorithm>
#include <utility>

namespace coterie::net {

namespace {

using namespace tests;

constexpr link_set link_0 = 1;
constexpr link_set link_1 = 2;
constexpr link_set both = 3;

/// Both nodes know their links.
std::unique_ptr<scripted_links> settled(scripted_links::settings what = {}) {
    auto result = std::make_unique<scripted_links>(what);
    result->pass(milliseconds(200));
    return result;
}

std::size_t downs(const scripted_links& world) {
    std::size_t result = 0;
    for (const auto& each : world.nodes) {
        for (const path_report& news : each->news) {
            result += news.state == path_state::down ? 1U : 0U;
        }
    }
    return result;
}

} // namespace

TEST(paths, are_tried_together_until_one_is_known_to_work) {
    scripted_links world({});
    EXPECT_EQ(world.traffic_of(0), both);
    EXPECT_EQ(world.state(0, 0), path_state::untried);
    EXPECT_FALSE(world.path(0, 0).round_trip);
    EXPECT_FALSE(world.path(0, 0).loss_percent);
    world.pass(milliseconds(1));
    EXPECT_EQ(world.state(0, 0), path_state::up);
    EXPECT_EQ(world.traffic_of(0), link_0);
    EXPECT_EQ(world.path(0, 0).round_trip, microseconds(200));
    EXPECT_TRUE(world.path(0, 0).in_use);
    EXPECT_FALSE(world.path(0, 1).in_use);
    EXPECT_EQ(world.nodes[0]->news.size(), 2U);
}

TEST(paths, are_used_by_priority_then_by_number) {
    EXPECT_EQ(settled({.links = 3, .priorities = {1, 5, 5}})->traffic_of(0), link_1);
    EXPECT_EQ(settled({.links = 3, .mode = link_mode::active})->traffic_of(0), 7);
    const auto turns = settled({.links = 3, .mode = link_mode::round_robin});
    std::vector<link_set> used;
    for (int i = 0; i < 6; ++i) {
        used.push_back(turns->traffic_of(0));
    }
    std::ranges::rotate(used, std::ranges::find(used, link_0));
    EXPECT_EQ(used, (std::vector<link_set>{1, 2, 4, 1, 2, 4}));
}

TEST(paths, that_are_cut_are_doubled_at_once_and_left_soon) {
    for (const bool there : {true, false}) {
        for (const bool back : {true, false}) {
            if (!there && !back) {
                continue;
            }
            const auto world = settled();
            world->from(0, 0).cut = there;
            world->from(1, 0).cut = back;
            world->pass(milliseconds(35));
            EXPECT_EQ(world->traffic_of(0), both) << "sent on the other one too, before it is certain";
            EXPECT_EQ(world->traffic_of(1), both);
            world->pass(milliseconds(50));
            for (const std::size_t node : {0U, 1U}) {
                EXPECT_EQ(world->traffic_of(node), link_1) << there << back;
                EXPECT_EQ(world->state(node, 0), path_state::down);
                EXPECT_EQ(world->path(node, 0).fault, path_fault::unanswered);
                EXPECT_EQ(world->state(node, 1), path_state::up);
            }
            world->pass(seconds(5));
            world->heal(0);
            world->pass(seconds(1));
            EXPECT_EQ(world->traffic_of(0), link_0) << "taken back";
            EXPECT_EQ(world->traffic_of(1), link_0);
        }
    }
}

TEST(paths, that_are_cut_while_nothing_is_sent_are_left_too) {
    const auto world = settled();
    world->traffic = false;
    world->pass(seconds(5));
    world->cut(0);
    world->pass(milliseconds(250));
    EXPECT_EQ(world->state(0, 0), path_state::down);
    EXPECT_EQ(world->state(1, 0), path_state::down);
}

TEST(paths, in_turns_leave_out_one_that_is_doubted) {
    const auto world = settled({.links = 3, .mode = link_mode::round_robin});
    world->cut(1);
    world->pass(milliseconds(35));
    link_set used = 0;
    for (int i = 0; i < 6; ++i) {
        used |= world->traffic_of(0);
    }
    EXPECT_EQ(used, 0b101);
    world->cut(0);
    world->cut(2);
    world->pass(milliseconds(200));
    EXPECT_EQ(world->traffic_of(0), 0b111) << "when nothing is known to work all are tried, not one after the other";
}

TEST(paths, are_not_blamed_for_a_node_that_is_late) {
    const auto world = settled();
    for (int i = 0; i < 20; ++i) {
        world->pause(1, milliseconds(300));
        world->pass(milliseconds(350));
    }
    EXPECT_EQ(downs(*world), 0U);
    EXPECT_EQ(world->traffic_of(0), link_0);
}

TEST(paths, are_not_blamed_for_an_own_pause) {
    const auto world = settled();
    for (int i = 0; i < 5; ++i) {
        world->pause(0, seconds(3));
        world->pass(milliseconds(3'500));
    }
    for (const path_report& each : world->nodes[0]->news) {
        EXPECT_NE(each.state, path_state::down);
    }
    EXPECT_EQ(world->state(0, 0), path_state::up);
    EXPECT_EQ(world->state(1, 0), path_state::up) << "to the other node it was silent, and is heard again";
}

TEST(paths, are_all_tried_when_none_is_known_to_work) {
    const auto world = settled();
    world->cut(0);
    world->cut(1);
    world->pass(milliseconds(200));
    EXPECT_EQ(world->traffic_of(0), both) << "soon, since any of them may still carry one way";
    world->pass(seconds(2));
    EXPECT_EQ(world->path(0, 0).fault, path_fault::silent);
    EXPECT_EQ(world->path(0, 1).fault, path_fault::silent);
    world->heal(1);
    world->pass(milliseconds(1'100));
    EXPECT_EQ(world->state(0, 1), path_state::up);
    EXPECT_EQ(world->traffic_of(0), link_1);
    world->heal(0);
    world->pass(seconds(1));
    EXPECT_EQ(world->traffic_of(0), link_0);
}

TEST(paths, that_carry_one_way_each_are_both_used) {
    const auto world = settled();
    world->from(0, 0).cut = true;
    world->from(1, 1).cut = true;
    world->pass(milliseconds(200));
    EXPECT_EQ(world->traffic_of(0), both);
    EXPECT_EQ(world->traffic_of(1), both);
    world->pass(seconds(10));
    EXPECT_EQ(world->traffic_of(0), both);
}

TEST(paths, that_are_slower_than_others_are_no_worse) {
    const auto world = settled();
    for (const std::size_t node : {0U, 1U}) {
        world->from(node, 0).delay = milliseconds(40);
    }
    // The jump itself may cost a change; then the link's round trip is known.
    world->pass(seconds(10));
    EXPECT_EQ(world->traffic_of(0), link_0);
    const std::size_t before = downs(*world);
    for (int i = 0; i < 1'000; ++i) {
        world->pass(milliseconds(10));
        ASSERT_EQ(world->traffic_of(0), link_0) << i;
    }
    EXPECT_EQ(downs(*world), before);
    EXPECT_GT(world->path(0, 0).round_trip, milliseconds(70));
}

TEST(paths, that_lose_a_little_are_kept_and_those_that_lose_much_are_left) {
    const auto world = settled();
    for (const std::size_t node : {0U, 1U}) {
        world->from(node, 0).lost_of_ten = 1;
    }
    world->pass(seconds(60));
    EXPECT_EQ(downs(*world), 0U);
    EXPECT_NEAR(world->path(0, 0).loss_percent.value_or(0), 20, 8) << "of questions and answers together";
    for (const std::size_t node : {0U, 1U}) {
        world->from(node, 0).lost_of_ten = 9;
    }
    world->pass(seconds(1));
    EXPECT_EQ(world->state(0, 0), path_state::down);
    EXPECT_GT(world->path(0, 0).loss_percent.value_or(0), 80U);
    EXPECT_EQ(world->path(0, 1).loss_percent, 0U);
}

TEST(paths, that_flap_are_held_off_for_longer_each_time_and_forgiven_in_the_end) {
    const auto world = settled();
    const auto time_down = [&] {
        world->cut(0);
        world->pass(milliseconds(150));
        EXPECT_EQ(world->state(0, 0), path_state::down);
        world->heal(0);
        const time_point from = world->now;
        while (world->state(0, 0) == path_state::down) {
            world->pass(milliseconds(10));
        }
        return std::chrono::duration_cast<milliseconds>(world->now - from).count() / 100;
    };
    const auto first = time_down();
    EXPECT_LE(first, 5);
    EXPECT_EQ(time_down(), 9);
    EXPECT_EQ(time_down(), 19);
    EXPECT_EQ(time_down(), 39);
    EXPECT_EQ(time_down(), 79);
    EXPECT_EQ(time_down(), 159);
    EXPECT_EQ(time_down(), 299);
    EXPECT_EQ(time_down(), 299) << "not for ever";
    EXPECT_EQ(world->path(0, 0).times_down, 8U);
    world->pass(seconds(61));
    EXPECT_EQ(time_down(), first);
}

TEST(paths, that_are_held_off_are_used_when_there_is_no_other) {
    const auto world = settled();
    for (int i = 0; i < 6; ++i) {
        world->cut(0);
        world->pass(milliseconds(200));
        world->heal(0);
        world->pass(i < 5 ? seconds(20) : milliseconds(200));
    }
    ASSERT_EQ(world->state(0, 0), path_state::down);
    EXPECT_GT(world->path(0, 0).held_off, seconds(10));
    world->cut(1);
    world->pass(milliseconds(150));
    EXPECT_NE(world->traffic_of(0) & link_0, 0) << "as soon as the other one is in doubt";
    world->pass(seconds(2));
    EXPECT_EQ(world->traffic_of(0), link_0);
    EXPECT_EQ(world->path(0, 0).held_off, duration::zero());
}

TEST(paths, do_not_come_up_by_answers_of_the_past) {
    const auto world = settled();
    world->cut(0);
    world->cut(1);
    world->pass(seconds(3));
    ASSERT_EQ(world->state(0, 0), path_state::down);
    // What a switch had kept for long comes all at once, and nothing after it.
    const std::size_t news = world->nodes[0]->news.size();
    const std::uint64_t newest = world->nodes[0]->probes / 2;
    for (std::uint64_t round = 1; round <= newest - 4; ++round) {
        world->nodes[0]->watch.on_probe(world->now, 0, {2}, {.link = {0}, .round = round, .answered = {1}});
    }
    EXPECT_EQ(world->nodes[0]->news.size(), news);
}

TEST(paths, take_no_answers_to_another_life_or_to_questions_that_were_not_asked) {
    scripted_links world({});
    world.cut(0);
    world.cut(1);
    world.pass(milliseconds(50));
    auto& watch = world.nodes[0]->watch;
    watch.on_probe(world.now, 0, {2}, {.link = {0}, .round = 1, .answered = {77}});
    watch.on_probe(world.now, 0, {2}, {.link = {0}, .round = 1'000, .answered = {1}});
    watch.on_probe(world.now, 0, {2}, {.link = {5}, .round = 1, .answered = {1}});
    EXPECT_EQ(world.state(0, 0), path_state::untried);
    watch.on_probe(world.now, 0, {2}, {.link = {0}, .round = 1, .answered = {1}});
    EXPECT_EQ(world.state(0, 0), path_state::up);
}

TEST(paths, that_never_work_while_others_do_are_told_of_once) {
    scripted_links world({});
    world.cut(1);
    world.pass(seconds(30));
    ASSERT_EQ(world.nodes[0]->news.size(), 2U);
    EXPECT_EQ(world.nodes[0]->news[1].state, path_state::down);
    EXPECT_EQ(world.nodes[0]->news[1].fault, path_fault::unanswered);
    world.heal(1);
    world.pass(seconds(1));
    EXPECT_EQ(world.state(0, 1), path_state::up);
}

TEST(paths, to_a_node_that_is_not_there_are_asked_seldom_and_make_no_news) {
    scripted_links world({});
    world.cut(0);
    world.cut(1);
    world.pass(seconds(100));
    EXPECT_TRUE(world.nodes[0]->news.empty());
    EXPECT_LE(world.nodes[0]->probes, 202U);
    world.heal(0);
    world.pass(milliseconds(1'050));
    EXPECT_EQ(world.state(0, 0), path_state::up);
}

TEST(paths, this_machine_cannot_send_on_are_left_at_once) {
    const auto world = settled();
    world->cut(0);
    world->nodes[0]->watch.on_unsendable(world->now, 0, {0}, 101);
    EXPECT_EQ(world->traffic_of(0), link_1);
    world->pass(milliseconds(100));
    EXPECT_EQ(world->path(0, 0).fault, path_fault::unsendable);
    EXPECT_EQ(world->path(0, 0).error, 101);
    world->heal(0);
    world->pass(seconds(1));
    EXPECT_EQ(world->traffic_of(0), link_0);
    EXPECT_EQ(world->path(0, 0).error, 0);
}

/// One that was held off came up by its last answers as good although nothing could be sent on it any more, and was chosen
/// and passed over at once: what was to be sent went nowhere.
TEST(paths, that_come_up_when_nothing_can_be_sent_on_them_any_more_leave_another_one) {
    const auto world = settled();
    world->cut(0);
    world->pass(milliseconds(150));
    world->heal(0);
    while (world->path(0, 0).held_off > milliseconds(15)) {
        world->pass(milliseconds(1));
    }
    ASSERT_EQ(world->state(0, 0), path_state::down);
    world->cut(0);
    world->nodes[0]->watch.on_unsendable(world->now, 0, {0}, 101);
    bool came_up = false;
    for (int i = 0; i < 50; ++i) {
        world->pass(milliseconds(1));
        came_up = came_up || world->state(0, 0) == path_state::up;
        EXPECT_NE(world->traffic_of(0) & link_1, 0);
    }
    EXPECT_TRUE(came_up);
}

TEST(a_refused_port, is_a_hint_when_all_links_that_work_are_refused) {
    const auto world = settled();
    world->from(0, 0).refuses = world->from(0, 1).refuses = true;
    const time_point from = world->now;
    world->nodes[0]->watch.on_refused(world->now, 0, {0});
    world->pass(milliseconds(12));
    ASSERT_FALSE(world->nodes[0]->refusals.empty());
    EXPECT_LE(world->nodes[0]->refusals[0] - from, milliseconds(3)) << "the other link was asked at once";
}

TEST(a_refused_port, is_none_while_another_link_is_answered) {
    const auto world = settled();
    world->from(0, 0).refuses = true;
    world->nodes[0]->watch.on_refused(world->now, 0, {0});
    world->pass(seconds(20));
    EXPECT_TRUE(world->nodes[0]->refusals.empty()) << "a firewall, not a daemon that is gone";
    EXPECT_EQ(world->path(0, 0).fault, path_fault::refused);
    EXPECT_EQ(world->traffic_of(0), link_1);
    // Now that link is known to refuse, and says nothing of a node that stands still.
    world->pause(1, milliseconds(400));
    world->pass(milliseconds(400));
    EXPECT_TRUE(world->nodes[0]->refusals.empty());
}

TEST(a_refused_port, is_one_when_no_other_link_answers_in_time) {
    const auto world = settled();
    world->from(0, 0).refuses = true;
    world->cut(1);
    const time_point from = world->now;
    world->nodes[0]->watch.on_refused(world->now, 0, {0});
    world->pass(milliseconds(50));
    ASSERT_FALSE(world->nodes[0]->refusals.empty());
    EXPECT_LE(world->nodes[0]->refusals[0] - from, milliseconds(21));
}

TEST(a_refused_port, does_not_make_probes_without_end) {
    const auto world = settled();
    world->from(0, 0).refuses = world->from(0, 1).refuses = true;
    const std::uint64_t before = world->nodes[0]->probes;
    world->nodes[0]->watch.on_refused(world->now, 0, {0});
    world->pass(seconds(1));
    EXPECT_LT(world->nodes[0]->probes - before, 1'000U);
}

TEST(one_link, is_asked_every_two_seconds_and_hardly_more) {
    const auto world = settled({.links = 1});
    EXPECT_EQ(world->traffic_of(0), link_0);
    world->pass(seconds(1));
    const std::uint64_t before = world->nodes[0]->probes;
    world->pass(seconds(100));
    EXPECT_NEAR(static_cast<double>(world->nodes[0]->probes - before), 50, 1) << "whatever is sent on it";
    EXPECT_EQ(world->path(0, 0).loss_percent, 0U);
    EXPECT_EQ(world->path(0, 0).round_trip, microseconds(200));
}

TEST(one_link, is_found_down_and_up_again) {
    const auto world = settled({.links = 1});
    world->cut(0);
    world->pass(seconds(4));
    EXPECT_EQ(world->path(0, 0).fault, path_fault::silent);
    EXPECT_EQ(world->traffic_of(0), link_0) << "it is still the only one";
    world->heal(0);
    world->pass(milliseconds(1'200));
    EXPECT_EQ(world->state(0, 0), path_state::up);
}

TEST(one_link, that_is_refused_is_a_hint_at_once) {
    const auto world = settled({.links = 1});
    world->nodes[0]->watch.on_refused(world->now, 0, {0});
    EXPECT_EQ(world->nodes[0]->refusals.size(), 1U);
    world->nodes[0]->watch.on_refused(world->now, 0, {0});
    EXPECT_EQ(world->nodes[0]->refusals.size(), 2U);
}

TEST(many_nodes, are_probed_within_a_budget) {
    struct asked final : path_watch::outputs {
        void send_probe(path_watch::node_place to, const wire::link_probe& probe) override {
            questions.emplace_back(to, probe);
        }
        void on_path(path_watch::node_place, const path_report&) override {}
        void on_refused(path_watch::node_place) override {}
        std::vector<std::pair<path_watch::node_place, wire::link_probe>> questions;
    } out;
    constexpr std::size_t others = 127;
    path_watch watch({.self = {1}, .links = {{.number = {0}}, {.number = {1}}}, .mode = {}, .limits = {}}, out);
    for (std::size_t node = 0; node < others; ++node) {
        watch.add_node();
        watch.add_path(node, {0});
        watch.add_path(node, {1});
    }
    time_point now{seconds(1)};
    // All answer at once. How many are asked in a second.
    const auto rate = [&](bool busy) {
        std::size_t result = 0;
        for (const time_point end = now + seconds(10); now < end; now += milliseconds(1)) {
            watch.on_time(now);
            for (const auto& [node, question] : std::exchange(out.questions, {})) {
                ++result;
                watch.on_probe(now, node, {2}, {.link = question.link, .round = question.round, .answered = {1}});
            }
            for (std::size_t node = 0; busy && node < others; ++node) {
                static_cast<void>(watch.for_traffic(node));
            }
        }
        return result / 10;
    };
    static_cast<void>(rate(false));
    EXPECT_NEAR(static_cast<double>(rate(false)), 500, 50);
    EXPECT_NEAR(static_cast<double>(rate(true)), 4'000, 400);
}

} // namespace coterie::net

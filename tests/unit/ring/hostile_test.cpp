// SPDX-License-Identifier: BSD-3-Clause
// What strangers and lying members send: each datagram that is thrown away is counted by its kind, strangers do not
// disturb the order among members at all, and a member that lies brings down nobody and fills nobody's memory.
#include "tests/support/liar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace coterie::tests {
namespace {

using wire::refusal_reason;

std::uint64_t refused(small_world::machine& one, refusal_reason why) {
    return one.refused[static_cast<std::size_t>(why)];
}
std::uint64_t refused(small_world::machine& one) {
    return std::accumulate(one.refused.begin(), one.refused.end(), std::uint64_t{0});
}

/// Three members that talk, and everything they have ever sent to node 1.
class hostile : public testing::Test {
protected:
    hostile() {
        world.tap = [this](flight& packet) {
            if (packet.to == node(1) && recorded.size() < 400) {
                recorded.push_back(packet.bytes);
            }
            return true;
        };
        EXPECT_TRUE(world.form_view());
        say_something(20);
        EXPECT_TRUE(world.run_until_quiet());
    }

    void say_something(std::size_t count) {
        for (std::size_t at = 0; at < count; ++at) {
            const std::uint32_t who = 1 + static_cast<std::uint32_t>(said % 3);
            world[who].say("message " + std::to_string(said++), at % 5 == 0);
        }
    }
    /// What matters in the end: one order, nothing lost, nobody gone.
    void expect_order_intact() {
        EXPECT_TRUE(world.run_until_quiet());
        EXPECT_EQ(world[1].texts().size(), said);
        EXPECT_EQ(world[1].voice().heard, world[2].voice().heard);
        EXPECT_EQ(world[1].voice().heard, world[3].voice().heard);
        EXPECT_TRUE(world[1].sees({1, 2, 3}));
        EXPECT_EQ(world[1].counts().views, 1U) << world[1].engine().describe();
    }
    [[nodiscard]] std::vector<std::byte> random_bytes(std::size_t count) {
        std::vector<std::byte> bytes(count);
        std::ranges::generate(bytes, [this] { return static_cast<std::byte>(dice.next()); });
        return bytes;
    }

    small_world world{3};
    std::vector<std::vector<std::byte>> recorded;
    std::uint64_t said = 0;
    base::random_source dice{1};
};

TEST_F(hostile, random_bytes_never_get_past_the_header) {
    const auto before = world[1].counts().received;
    for (std::size_t round = 0; round < 2'000; ++round) {
        world.inject(1, random_bytes(dice.below(200)));
    }
    EXPECT_EQ(refused(world[1]), 2'000U);
    EXPECT_EQ(refused(world[1], refusal_reason::too_short) + refused(world[1], refusal_reason::magic), 2'000U);
    EXPECT_EQ(world[1].counts().received, before);
    say_something(10);
    expect_order_intact();
}

TEST_F(hostile, a_truncated_datagram_is_refused_at_every_length) {
    for (const auto& bytes : recorded) {
        const std::size_t length = dice.below(bytes.size());
        const std::uint64_t short_before = refused(world[1], refusal_reason::too_short);
        const std::uint64_t length_before = refused(world[1], refusal_reason::length);
        world.inject(1, bytes_view(bytes).first(length));
        const bool header_left = length >= wire::header_bytes;
        EXPECT_EQ(refused(world[1], refusal_reason::too_short), short_before + (header_left ? 0 : 1));
        EXPECT_EQ(refused(world[1], refusal_reason::length), length_before + (header_left ? 1 : 0));
    }
    say_something(10);
    expect_order_intact();
}

TEST_F(hostile, an_altered_byte_is_noticed_wherever_it_stands) {
    std::uint64_t altered = 0;
    for (const auto& original : recorded) {
        for (std::size_t round = 0; round < 10; ++round) {
            std::vector<std::byte> bytes = original;
            bytes[dice.below(bytes.size())] ^= static_cast<std::byte>(1 + dice.below(255));
            world.inject(1, bytes);
            ++altered;
        }
    }
    EXPECT_EQ(refused(world[1]), altered);
    EXPECT_GT(refused(world[1], refusal_reason::tag), altered / 2);
    say_something(10);
    expect_order_intact();
}

TEST_F(hostile, other_clusters_versions_kinds_and_keys_are_counted_each_for_itself) {
    const auto altered = [&](std::size_t offset) {
        std::vector<std::byte> bytes = recorded.front();
        bytes[offset] ^= std::byte{0x40};
        world.reseal(bytes);
        world.inject(1, bytes);
    };
    altered(0);
    altered(4);
    altered(5);
    altered(6);
    altered(7);
    altered(8);
    EXPECT_EQ(refused(world[1], refusal_reason::magic), 1U);
    EXPECT_EQ(refused(world[1], refusal_reason::version), 1U);
    EXPECT_EQ(refused(world[1], refusal_reason::kind), 1U);
    EXPECT_EQ(refused(world[1], refusal_reason::key_slot), 1U);
    EXPECT_EQ(refused(world[1], refusal_reason::malformed), 1U);
    EXPECT_EQ(refused(world[1], refusal_reason::cluster), 1U);
    EXPECT_EQ(refused(world[1]), 6U);
    expect_order_intact();
}

TEST_F(hostile, packets_of_nodes_that_are_not_configured_are_counted_as_unknown) {
    const wire::origin stranger{wire::cluster_of("small world"), node(77), {77}};
    const std::uint64_t before = world[1].counts().unknown_incarnation;
    for (std::uint8_t kind = 1; kind < wire::packet_kinds; ++kind) {
        visit_kind(static_cast<packet_kind>(kind),
                   [&]<class Packet>() { world.inject(1, stranger, sample<Packet>()); });
    }
    EXPECT_EQ(world[1].counts().unknown_incarnation, before + wire::packet_kinds - 1);
    say_something(10);
    expect_order_intact();
}

TEST_F(hostile, packets_of_an_unproved_life_of_a_member_are_counted_and_change_nothing) {
    wire::origin other_life = world[2].origin();
    other_life.nonce.value += 1'000;
    const std::uint64_t before = world[1].counts().unknown_incarnation;
    for (std::size_t round = 0; round < 50; ++round) {
        for (std::uint8_t kind = 1; kind < wire::packet_kinds; ++kind) {
            visit_kind(static_cast<packet_kind>(kind), [&]<class Packet>() {
                Packet packet = sample<Packet>();
                if constexpr (requires { packet.view = world[1].engine().view().id; }) {
                    packet.view = world[1].engine().view().id;
                }
                world.inject(1, other_life, packet);
            });
        }
        say_something(1);
        world.run_for(5ms);
    }
    EXPECT_EQ(world[1].counts().unknown_incarnation, before + 50 * (wire::packet_kinds - 1));
    expect_order_intact();
}

TEST_F(hostile, bodies_that_do_not_decode_are_counted_as_malformed) {
    const std::uint64_t before = world[1].counts().malformed;
    for (std::uint8_t kind = 1; kind < wire::packet_kinds; ++kind) {
        world.inject(1, world.sealed(world[2].origin(), static_cast<packet_kind>(kind), random_bytes(7)));
    }
    EXPECT_EQ(world[1].counts().malformed, before + wire::packet_kinds - 1);
    expect_order_intact();
}

TEST_F(hostile, packets_of_a_view_that_is_not_installed_are_counted) {
    const std::uint64_t before = world[1].counts().other_view;
    const wire::origin member = world[2].origin();
    world.inject(1, member, sample<wire::data>());
    world.inject(1, member, sample<wire::token>());
    world.inject(1, member, sample<wire::token_proof>());
    world.inject(1, member, sample<wire::token_request>());
    world.inject(1, member, sample<wire::acknowledgement>());
    world.inject(1, member, sample<wire::repair_request>());
    world.inject(1, member, sample<wire::recovered>());
    EXPECT_EQ(world[1].counts().other_view, before + 7);
    say_something(10);
    expect_order_intact();
}

TEST_F(hostile, numbers_beyond_the_window_and_impossible_ones_are_counted) {
    wire::data packet{.view = world[1].engine().view().id,
                      .number = {{1'000'000}},
                      .originator = node(2),
                      .flags = 0,
                      .hop = {{1}},
                      .holder = node(1),
                      .hop_first = {{1}},
                      .stable = {},
                      .payload = payload_bytes};
    // Towards one that does not hold the token: the holder knows that nothing is numbered beyond its own next number.
    const std::uint32_t target = world[1].engine().holds_token() ? 2 : 1;
    packet.originator = node(3);
    const ring::counters before = world[target].counts();
    world.inject(target, world[3].origin(), packet);
    EXPECT_EQ(world[target].counts().beyond_window, before.beyond_window + 1);
    packet.number = {{2}};
    packet.flags = 0;
    world.inject(target, world[3].origin(), packet);
    packet.number = {{40}};
    packet.originator = node(50);
    world.inject(target, world[3].origin(), packet);
    packet.originator = node(3);
    packet.stable = {{1'000'000}};
    world.inject(target, world[3].origin(), packet);
    EXPECT_EQ(world[target].counts().implausible, before.implausible + 3);
    EXPECT_EQ(world[target].engine().stored_packets(), 0U);
    expect_order_intact();
}

TEST_F(hostile, everything_said_before_may_be_said_again_in_any_order) {
    for (std::size_t round = 0; round < 3'000; ++round) {
        world.inject(1, recorded[dice.below(recorded.size())]);
        if (round % 30 == 0) {
            say_something(1);
            world.run_for(1ms);
        }
    }
    EXPECT_GT(world[1].counts().duplicates, 0U);
    expect_order_intact();
}

TEST_F(hostile, a_hop_near_the_end_of_all_hops_is_not_believed) {
    ASSERT_FALSE(world[2].engine().holds_token());
    wire::token token{.view = world[2].engine().view().id,
                      .hop = {{(std::uint64_t{1} << 62U) - 1}},
                      .giver = node(3),
                      .target = node(2),
                      .next = world[2].engine().delivered().next(),
                      .numbered_bytes = 0,
                      .stable = {},
                      .members = std::vector<wire::token::entry>(3)};
    const std::uint64_t before = world[2].counts().implausible;
    world.inject(2, world[3].origin(), token);
    world.inject(2, world[3].origin(),
                 wire::data{.view = token.view,
                            .number = token.next,
                            .originator = node(3),
                            .flags = 0,
                            .hop = token.hop,
                            .holder = node(3),
                            .hop_first = {{1}},
                            .stable = {},
                            .payload = payload_bytes});
    EXPECT_EQ(world[2].counts().implausible, before + 2);
    EXPECT_FALSE(world[2].engine().holds_token());
    EXPECT_LT(world[2].engine().hop().value, 100U);
}

TEST_F(hostile, an_attempt_near_the_end_of_all_epochs_is_not_answered) {
    const std::uint64_t before = world[1].counts().implausible;
    const view_id last{{{(std::uint64_t{1} << 62U) - 1}}, node(3), world[3].self().nonce};
    world.inject(1, world[3].origin(), wire::proposal{last, world[1].engine().view().members});
    EXPECT_EQ(world[1].counts().implausible, before + 1);
    EXPECT_TRUE(world[1].engine().operational());
    expect_order_intact();
}

TEST_F(hostile, a_plan_that_obliges_to_more_than_a_packet_can_name_does_no_harm) {
    const auto& view = world[1].engine().view();
    const view_id attempt{{{view.id.epoch.value + 5}}, node(3), world[3].self().nonce};
    world.inject(1, world[3].origin(), wire::proposal{attempt, view.members});
    const wire::plan plan{.attempt = attempt,
                          .members = view.members,
                          .first_holder = node(3),
                          .transitions = {{.old_view = view.id,
                                           .together = {node(1), node(2), node(3)},
                                           .stable = {},
                                           .base = world[1].engine().delivered(),
                                           .owed = nodes_of(500, wire::members_max),
                                           .union_runs = {}}}};
    world.inject(1, world[3].origin(), plan);
    EXPECT_EQ(world[1].step_count(ring::step::kind::completed), 2U);
    // The attempt comes to nothing; the next one has to be told of what was completed.
    EXPECT_TRUE(world.run_until([this] { return world[1].counts().views == 2; }));
    EXPECT_TRUE(world.settle());
}

/// The two of them proposed and planned for ever, since the packets that one lacked were to be had from nobody any more.
TEST_F(hostile, members_that_were_set_against_each_other_part_and_meet_again) {
    world.tap = [](flight& packet) { return packet.to != node(2) || packet.kind() != packet_kind::data; };
    const sequence_number known = world[2].engine().delivered();
    world[1].say("what node 2 misses");
    ASSERT_TRUE(world.run_until([this] { return world[1].texts().back() == "what node 2 misses"; }));
    // Node 3 tells node 1 that all have received what node 2 has not; then it has gone.
    world.inject(1, world[3].origin(),
                 wire::data{.view = world[1].engine().view().id,
                            .number = world[1].engine().delivered().next(),
                            .originator = node(3),
                            .flags = 0,
                            .hop = world[1].engine().hop(),
                            .holder = world[1].engine().holder(),
                            .hop_first = {{1}},
                            .stable = world[1].engine().delivered(),
                            .payload = payload_bytes});
    ASSERT_GT(world[1].engine().stable(), known);
    world.crash(3);
    world.tap = {};
    ASSERT_TRUE(world.settle_as({1, 2}));
    EXPECT_TRUE(world[2].voice().views.size() >= 2);
    world[2].say("together again");
    EXPECT_TRUE(world.run_until([this] { return world[1].texts().back() == "together again"; }));
}

TEST(hostile_replay, packets_of_earlier_views_and_lives_do_not_disturb_the_present_one) {
    small_world world(3);
    std::vector<flight> recorded;
    world.tap = [&](flight& packet) {
        recorded.push_back(packet);
        return true;
    };
    ASSERT_TRUE(world.form_view());
    for (std::uint32_t round = 0; round < 3; ++round) {
        world[1 + round].say("before");
        world.run_for(20ms);
        world.crash(3);
        ASSERT_TRUE(world.settle_as({1, 2}));
        world.boot(3);
        ASSERT_TRUE(world.settle_as({1, 2, 3}));
    }
    ASSERT_TRUE(world.run_until_quiet());
    world.tap = {};
    const std::uint64_t views = world[1].counts().views;
    const std::size_t heard = world[1].voice().heard.size();
    base::random_source dice(2);
    std::size_t said = 0;
    for (std::size_t round = 0; round < 6'000; ++round) {
        const flight& old = recorded[dice.below(recorded.size())];
        world.inject(old.to.value, old.bytes);
        if (round % 20 == 0) {
            world[1 + static_cast<std::uint32_t>(said++ % 3)].say("now", dice.chance(1, 5));
            world.run_for(1ms);
        }
    }
    ASSERT_TRUE(world.run_until_quiet());
    EXPECT_EQ(world[1].counts().views, views) << world[1].engine().describe();
    EXPECT_EQ(world[1].voice().heard.size(), heard + said);
    for (const std::uint32_t each : {2U, 3U}) {
        const auto& others = world[each].voice().heard;
        ASSERT_GE(others.size(), said);
        EXPECT_TRUE(std::equal(others.end() - static_cast<std::ptrdiff_t>(said), others.end(),
                               world[1].voice().heard.end() - static_cast<std::ptrdiff_t>(said)));
    }
    EXPECT_GT(world[1].counts().unknown_incarnation, 0U);
    EXPECT_GT(world[1].counts().other_view, 0U);
}

/// Four nodes, one of which says what random bytes make it say.
class lying_member : public testing::TestWithParam<std::tuple<std::uint32_t, std::uint32_t>> {};

TEST_P(lying_member, brings_down_nobody_and_fills_nobodys_memory) {
    const auto [place, seed] = GetParam();
    small_world world(4);
    liar one(world, place);
    base::random_source dice(seed);
    std::vector<std::byte> bytes(1 << 16);
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(dice.next()); });
    whims whim(bytes);
    bool garbling = false;
    world.tap = [&, liar_node = node(place)](flight& packet) {
        one.overhear(packet);
        if (garbling && packet.from == liar_node && whim.chance(4)) {
            one.garble(packet, whim);
        }
        return true;
    };
    ASSERT_TRUE(world.form_view());
    garbling = true;
    for (std::size_t round = 0; round < 1'500 && !whim.over(); ++round) {
        const std::uint32_t target = 1 + whim.below(4);
        switch (whim.below(8)) {
        case 0: one.babble(target, whim); break;
        case 1: one.repeat(target, whim); break;
        case 2: one.say_to_all(whim.run(whim.byte()), whim); break;
        case 3: world[target].say("honest words", whim.chance(4)); break;
        case 4: world.run_for(whim.chance(16) ? 500ms : 1ms); break;
        default:
            if (target != place) {
                one.lie(target, whim);
            }
        }
    }
    for (std::uint32_t each = 1; each <= 4; ++each) {
        EXPECT_LE(world[each].engine().stored_packets(), wire::window_packets_max + wire::members_max);
        EXPECT_LE(world.held_datagrams(each), wire::window_packets_max + wire::members_max);
    }
    // Members that believed a lie may be unable to leave their view together: nobody has what the liar said all had. But
    // nothing of it outlives a restart.
    garbling = false;
    world.crash(place);
    std::vector<std::uint32_t> honest{1, 2, 3, 4};
    std::erase(honest, place);
    if (!world.settle_as(honest, 5s)) {
        for (const std::uint32_t each : honest) {
            world.boot(each);
        }
        ASSERT_TRUE(world.settle_as(honest)) << world[honest[0]].engine().describe();
    }
    ASSERT_TRUE(world.run_until_quiet());
    std::vector<std::size_t> before;
    for (const std::uint32_t each : honest) {
        before.push_back(world[each].texts().size());
    }
    for (const std::uint32_t each : honest) {
        world[each].say("at last", each % 2 == 0);
    }
    ASSERT_TRUE(world.run_until_quiet());
    for (std::size_t at = 0; at < honest.size(); ++at) {
        EXPECT_EQ(world[honest[at]].texts().size(), before[at] + honest.size());
    }
}

INSTANTIATE_TEST_SUITE_P(random, lying_member, testing::Combine(testing::Values(1U, 2U, 4U), testing::Range(1U, 51U)));

} // namespace
} // namespace coterie::tests

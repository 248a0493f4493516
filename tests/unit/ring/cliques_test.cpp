// SPDX-License-Identifier: BSD-3-Clause
// Which view a node wishes for, from what heartbeats have told it of who hears whom.
#include "ring/cliques.hpp"

#include "tests/support/ring_context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coterie::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using numbers = std::vector<std::uint32_t>;

constexpr base::member life_of(std::uint32_t number) { return {node(number), {0xA0 + number}}; }
constexpr view_id view_number(std::uint64_t number) { return {{{number}}, {1}, {0xA1}}; }

numbers nodes_in(const std::vector<base::member>& members) {
    numbers result;
    for (const base::member& each : members) {
        result.push_back(each.node.value);
    }
    return result;
}

/// Node 1 of five, told by hand what the others say.
class cliques : public testing::Test {
protected:
    cliques() { tested.start(); }

    /// A heartbeat of `from` that proves its life.
    void says(std::uint32_t from, const numbers& hears, view_id its_view = {}, std::uint16_t view_size = 0,
              std::uint8_t flags = 0, view_id promised = {}) {
        const wire::origin origin{part.cfg.cluster, node(from), life_of(from).nonce};
        (void)tested.on_any(origin);
        part.context.now += 5ms;
        tested.announce();
        tested.send_due([] { return wire::heartbeat{}; });
        wire::heartbeat packet;
        packet.view = its_view;
        packet.view_size = view_size;
        packet.flags = flags;
        packet.promised = promised;
        packet.counter = ++counter;
        packet.echo_nonce = part.cfg.self.nonce;
        packet.echo_counter = wire::decode_heartbeat(body_of_last())->counter;
        for (const std::uint32_t each : hears) {
            packet.hears.push_back(life_of(each));
        }
        (void)tested.on_any(origin);
        tested.on_heartbeat(origin, packet);
    }
    void in_view(view_id id, const numbers& members) {
        view = {id, {}};
        for (const std::uint32_t each : members) {
            view.members.push_back(life_of(each));
        }
    }
    [[nodiscard]] ring::standing standing() const { return {life_of(1), view.id.valid() ? &view : nullptr, frozen}; }
    [[nodiscard]] ring::wish wish() const { return ring::make_wish(tested, standing()); }
    [[nodiscard]] bool loss() const { return wish().loss(standing()); }

    lone_part part;
    ring::hearing tested{part.context};
    ring::regular_view view;
    bool frozen = false;
    std::uint64_t counter = 0;

private:
    [[nodiscard]] bytes_view body_of_last() const {
        return part.world.sent.back().packet.bytes().subspan(wire::header_bytes);
    }
};

TEST_F(cliques, a_node_that_hears_nobody_stands_alone) {
    EXPECT_THAT(nodes_in(wish().core), ElementsAre(1));
    EXPECT_THAT(wish().contact, IsEmpty());
}

TEST_F(cliques, nodes_that_all_hear_each_other_come_together) {
    says(2, {1, 2, 3});
    says(3, {1, 2, 3});
    EXPECT_THAT(nodes_in(wish().contact), ElementsAre(2, 3));
}

TEST_F(cliques, a_node_that_does_not_hear_this_one_is_not_met) {
    says(2, {2, 3});
    EXPECT_THAT(wish().contact, IsEmpty());
}

TEST_F(cliques, of_two_that_do_not_hear_each_other_the_lower_is_met) {
    says(2, {1, 2});
    says(3, {1, 3});
    EXPECT_THAT(nodes_in(wish().contact), ElementsAre(2));
}

TEST_F(cliques, hearing_in_one_direction_is_no_hearing) {
    says(2, {1, 2, 3});
    says(3, {1, 3});
    EXPECT_THAT(nodes_in(wish().contact), ElementsAre(2));
}

TEST_F(cliques, in_a_chain_the_middle_stays_with_the_lowest) {
    in_view(view_number(5), {1, 2, 3});
    says(2, {1, 2, 3}, view.id, 3);
    says(3, {2, 3}, view.id, 3);
    EXPECT_THAT(nodes_in(wish().side), ElementsAre(1, 2, 3));
    EXPECT_THAT(nodes_in(wish().core), ElementsAre(1, 2));
    EXPECT_FALSE(loss()) << "a pair that does not hear each other is parted only when that lasts";
}

TEST_F(cliques, a_member_that_another_member_does_not_hear_is_doubted) {
    in_view(view_number(5), {1, 2, 3});
    says(2, {1, 2}, view.id, 3);
    says(3, {1, 2, 3}, view.id, 3);
    EXPECT_THAT(wish().doubted, ElementsAre(node(3)));
}

TEST_F(cliques, another_view_is_met_whole_or_not_at_all) {
    in_view(view_number(5), {1, 2});
    says(2, {1, 2, 3, 4}, view.id, 2);
    says(3, {1, 2, 3, 4}, view_number(6), 2);
    EXPECT_THAT(wish().contact, IsEmpty()) << "node 4 has not been heard of yet";
    says(4, {2, 3, 4}, view_number(6), 2);
    EXPECT_THAT(wish().contact, IsEmpty()) << "node 4 does not hear this one";
    says(4, {1, 2, 3, 4}, view_number(6), 2);
    EXPECT_THAT(nodes_in(wish().contact), ElementsAre(3, 4));
}

TEST_F(cliques, of_two_other_views_that_do_not_go_together_the_one_with_the_lowest_node_is_met) {
    says(2, {1, 2, 4}, view_number(6), 2);
    says(4, {1, 2, 4}, view_number(6), 2);
    says(3, {1, 3, 5}, view_number(7), 2);
    says(5, {1, 3, 5}, view_number(7), 2);
    EXPECT_THAT(nodes_in(wish().contact), ElementsAre(2, 4));
}

TEST_F(cliques, a_view_that_is_changing_is_left_in_peace) {
    says(2, {1, 2}, view_number(6), 1, wire::heartbeat::changing);
    EXPECT_THAT(wish().contact, IsEmpty());
}

TEST_F(cliques, a_member_that_is_not_heard_any_more_is_a_loss) {
    in_view(view_number(5), {1, 2, 3});
    says(2, {1, 2, 3}, view.id, 3);
    EXPECT_THAT(nodes_in(wish().side), ElementsAre(1, 2));
    EXPECT_TRUE(loss());
}

TEST_F(cliques, a_member_that_has_gone_on_to_a_later_view_is_a_loss_until_met_again) {
    in_view(view_number(5), {1, 2});
    says(2, {1, 2}, view_number(6), 1);
    EXPECT_THAT(nodes_in(wish().side), ElementsAre(1));
    EXPECT_TRUE(loss());
    EXPECT_THAT(nodes_in(wish().contact), ElementsAre(2));
}

TEST_F(cliques, a_member_that_has_not_installed_the_view_yet_still_belongs_to_it) {
    in_view(view_number(5), {1, 2});
    says(2, {1, 2}, view_number(4), 1, wire::heartbeat::changing, view_number(5));
    EXPECT_THAT(nodes_in(wish().side), ElementsAre(1, 2));
    EXPECT_FALSE(loss());
}

TEST_F(cliques, a_member_that_is_frozen_and_waits_for_no_attempt_asks_for_a_change) {
    in_view(view_number(5), {1, 2});
    says(2, {1, 2}, view.id, 2, 0, view_number(6));
    EXPECT_TRUE(wish().stuck);
    EXPECT_TRUE(loss());
}

TEST_F(cliques, a_frozen_view_can_only_be_left) {
    in_view(view_number(5), {1, 2});
    says(2, {1, 2}, view.id, 2);
    EXPECT_FALSE(loss());
    frozen = true;
    EXPECT_TRUE(loss());
}

TEST(clique_from, takes_whoever_goes_with_all_taken_before_in_ascending_order) {
    const std::vector<base::member> all{life_of(1), life_of(2), life_of(3), life_of(4)};
    const auto linked = [](const base::member& one, const base::member& other) {
        return one.node.value + other.node.value != 5; // 1-4 and 2-3 do not hear each other
    };
    EXPECT_THAT(nodes_in(ring::clique_from(all[0], all, linked)), ElementsAre(1, 2));
    EXPECT_THAT(nodes_in(ring::clique_from(all[3], all, linked)), ElementsAre(2, 4));
}

} // namespace
} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// What a lying or broken member sends is refused, counted, and changes nothing that the others do not also change.
#include "tests/unit/groups/world.hpp"

namespace coterie::groups::test {
namespace {

using base::byte_writer;
using entries = std::vector<wire::table_record::entry>;

template <class Record>
std::function<void(byte_writer&)> one(Record record) {
    return [=](byte_writer& out) { EXPECT_TRUE(wire::append(out, record)); };
}

std::function<void(byte_writer&)> table_of(entries listed) {
    return [=](byte_writer& out) { EXPECT_TRUE(wire::append_table(out, listed, 0).has_value()); };
}

std::function<void(byte_writer&)> garbage() {
    return [](byte_writer& out) { out.number(std::uint64_t{0xEEEEEEEEEEEEEEEE}); };
}

class judgement : public testing::Test {
protected:
    judgement() : two(2), a(prepared(two), 1, 1, "g"), b(two, 2, 2, "g") { (void)a.seen(); }

    static world& prepared(world& where) {
        where.view({1, 2});
        return where;
    }
    /// Delivers a forged packet of node 2 and checks that both refuse it.
    void refused(const std::function<void(byte_writer&)>& write) {
        const std::uint64_t before = two.counts(1).implausible;
        two.forge(2, write);
        two.settle();
        EXPECT_EQ(two.counts(1).implausible, before + 1);
        EXPECT_EQ(two.counts(1).implausible, two.counts(2).implausible);
        EXPECT_EQ(a.seen(), strings{});
        EXPECT_EQ(join_names(two.at(1).members("g")), "1.1 2.2");
        EXPECT_EQ(join_names(two.at(2).members("g")), "1.1 2.2");
    }

    world two;
    client a;
    client b;
};

TEST_F(judgement, malformed_payloads_are_counted_and_what_was_well_formed_counts) {
    two.forge(2, [](byte_writer& out) {
        EXPECT_TRUE(wire::append(out, wire::message_record{1, bytes_of("fine")}));
        out.number(std::uint8_t{99});
    });
    two.settle();
    EXPECT_EQ(a.seen(), strings{"g: 2.2 says fine"});
    EXPECT_EQ(two.counts(1).malformed, 1U);
    EXPECT_EQ(two.counts(2).malformed, 1U);
}

TEST_F(judgement, unknown_slots_are_refused) {
    refused(one(wire::message_record{77, bytes_of("x")}));
    refused(one(wire::leave_record{77, wire::departure::left}));
    refused(one(wire::piece_record{77, 10, 0, bytes_of("x")}));
    refused(one(wire::abort_record{77}));
    refused(one(wire::abort_record{1}));
}

TEST_F(judgement, impossible_joins_are_refused) {
    refused(one(wire::join_record{1, 3, "g"}));
    refused(one(wire::join_record{77, 2, "g"}));
    refused(one(wire::join_record{77, 3, ""}));
    refused(one(wire::join_record{77, 0, "g"}));
}

TEST_F(judgement, tables_outside_the_exchange_are_refused) { refused(table_of({{5, 5, "g"}})); }

TEST_F(judgement, pieces_out_of_place_drop_their_message) {
    const std::string text = long_text(100);
    refused(one(wire::piece_record{1, 100, 50, bytes_of(text).subspan(50)}));
    two.forge(2, one(wire::piece_record{1, 100, 0, bytes_of(text).first(50)}));
    refused(one(wire::piece_record{1, 100, 60, bytes_of(text).subspan(60)}));
    refused(one(wire::piece_record{1, 100, 50, bytes_of(text).subspan(50)}));
    two.forge(2, one(wire::piece_record{1, 100, 0, bytes_of(text).first(50)}));
    refused(one(wire::piece_record{1, 101, 50, bytes_of(text).subspan(50)}));
    EXPECT_EQ(two.counts(1).assembling_bytes, 0U);
}

TEST_F(judgement, a_claimed_size_beyond_the_bound_is_refused_and_one_within_costs_nothing) {
    refused(one(wire::piece_record{1, message_bytes_limit + 1, 0, bytes_of("x")}));
    two.forge(2, one(wire::piece_record{1, message_bytes_limit, 0, bytes_of("x")}));
    two.settle();
    EXPECT_EQ(two.counts(1).assembling_bytes, 1U);
}

TEST_F(judgement, a_departure_amid_a_message_ends_both) {
    two.forge(2, one(wire::piece_record{1, 100, 0, bytes_of("x")}));
    two.forge(2, one(wire::leave_record{1, wire::departure::left}));
    two.settle();
    EXPECT_EQ(a.seen(), strings{"g: 1.1 | -2.2 leave"});
    EXPECT_EQ(two.counts(1).assembling_bytes, 0U);
    EXPECT_EQ(two.counts(1).implausible, 1U);
}

TEST_F(judgement, a_table_that_omits_a_known_process_takes_it_down) {
    two.forged_tables[2] = table_of({});
    two.view({1, 2});
    EXPECT_EQ(a.seen(), strings{"g: 1.1 | -2.2 process_down"});
    EXPECT_EQ(two.counts(1).table_mismatch, 1U);
    EXPECT_EQ(join_names(two.at(1).members("g")), "1.1");
    EXPECT_EQ(join_names(two.at(2).members("g")), "1.1");
    // The handle is free again.
    EXPECT_EQ(b.seen(), strings{"g: 1.1 | -2.2 process_down"});
    b.join("g");
    two.settle();
    EXPECT_EQ(join_names(two.at(1).members("g")), "1.1 2.2");
}

TEST_F(judgement, a_table_that_moves_a_slot_to_another_group_takes_it_down_in_the_first) {
    two.forged_tables[2] = table_of({{1, 2, "a"}});
    two.view({1, 2});
    EXPECT_EQ(a.seen(), strings{"g: 1.1 | -2.2 process_down"});
    for (const std::uint32_t node : {1U, 2U}) {
        EXPECT_EQ(join_names(two.at(node).members("g")), "1.1");
    }
    EXPECT_EQ(join_names(two.at(1).members("a")), "2.2");
}

TEST_F(judgement, a_table_that_invents_a_process_brings_it_up_until_it_is_corrected) {
    two.forged_tables[2] = table_of({{1, 2, "g"}, {9, 9, "g"}, {10, 9, "h"}});
    two.view({1, 2});
    EXPECT_EQ(a.seen(), strings{"g: 1.1 2.2 2.9 | +2.9 join"});
    EXPECT_EQ(two.counts(1).table_mismatch, 1U);
    two.view({1, 2});
    EXPECT_EQ(a.seen(), strings{"g: 1.1 2.2 | -2.9 process_down"});
    EXPECT_EQ(two.at(1).group_names(), strings{"g"});
    EXPECT_EQ(two.at(2).group_names(), strings{"g"});
}

TEST_F(judgement, another_slot_for_a_known_process_is_another_join) {
    two.forged_tables[2] = table_of({{5, 2, "g"}});
    two.view({1, 2});
    EXPECT_EQ(a.seen(), (strings{"g: 1.1 | -2.2 process_down", "g: 1.1 2.2 | +2.2 join"}));
}

TEST_F(judgement, tables_that_contradict_themselves_count_once) {
    two.view({1});
    (void)a.seen();
    two.forged_tables[2] = table_of({{1, 2, "g"}, {1, 3, "g"}, {4, 2, "g"}, {5, 0, "g"}, {6, 6, ""}, {7, 7, "g"}});
    two.view({1, 2});
    EXPECT_EQ(a.seen(), strings{"g: 1.1 2.2 2.7 | +2.2 +2.7 node_up"});
    EXPECT_EQ(two.counts(1).implausible, 4U);
}

TEST_F(judgement, a_node_without_a_readable_table_does_not_keep_the_others_waiting) {
    for (const auto& instead : {garbage(), std::function<void(byte_writer&)>([](byte_writer&) {}),
                                one(wire::message_record{1, bytes_of("x")})}) {
        two.forged_tables[2] = instead;
        two.install({1, 2});
        two.deliver(1);
        EXPECT_EQ(two.counts(1).common_points, two.counts(2).common_points + 1);
        two.settle();
        (void)a.seen();
    }
    EXPECT_EQ(two.counts(1).common_points, 4U);
}

TEST(judgement_of_tables, entries_beyond_the_bound_are_refused_by_all_alike) {
    world two(2, [](settings& bounds) { bounds.processes_max = 3; });
    two.view({1});
    two.view({2});
    client a(two, 1, 1, "g");
    client b(two, 1, 2, "g");
    client c(two, 2, 3, "g");
    client d(two, 2, 4, "g");
    (void)c.seen();
    two.view({1, 2});
    EXPECT_EQ(join_names(two.at(1).members("g")), "1.1 1.2 2.3");
    EXPECT_EQ(two.at(1).members("g"), two.at(2).members("g"));
    EXPECT_EQ(d.seen().back(), "g: 2.3 | -2.4 process_down");
    EXPECT_EQ(c.seen(), (strings{"g: 2.3 | -2.4 process_down", "g: 1.1 1.2 2.3 | +1.1 +1.2 node_up"}));
}

} // namespace
} // namespace coterie::groups::test

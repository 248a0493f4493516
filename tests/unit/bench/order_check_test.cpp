// SPDX-License-Identifier: BSD-3-Clause
// The judge of the benchmarks: it takes what is right, and notices what is not.
#include "bench/order_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utility>
#include <vector>

namespace coterie::bench {

namespace {

using testing::HasSubstr;

constexpr member_id one{.node = {1}, .pid = 100};
constexpr member_id two{.node = {2}, .pid = 100};
constexpr member_id three{.node = {2}, .pid = 101};

/// What arrives: bytes, and of whom the daemon says they are.
struct arrival {
    member_id from;
    std::vector<std::byte> bytes;
};

arrival made(member_id sender, std::uint64_t sequence, kind what = kind::numbered, std::size_t bytes = 100) {
    arrival result{.from = sender, .bytes = std::vector<std::byte>(bytes)};
    write_message(result.bytes, {.what = what, .sender = sender, .sequence = sequence, .sent_ns = 7}, depth::all);
    return result;
}

arrival told(member_id sender, const verdict& seen) { return {.from = sender, .bytes = verdict_message(sender, seen)}; }

constexpr order_check::expectation two_senders{.members = 2, .senders = 2, .bytes = 0, .compared = depth::all};

order_check judged(const std::vector<arrival>& row, const order_check::expectation& expected = two_senders) {
    order_check result(expected);
    for (const arrival& each : row) {
        result.take(each.from, each.bytes.data(), each.bytes.size());
    }
    return result;
}

std::string fault_of(const std::vector<arrival>& row, const order_check::expectation& expected = two_senders) {
    return judged(row, expected).fault();
}

/// A short run of two senders, up to their last messages.
std::vector<arrival> whole_run() {
    return {made(one, 0),
            made(two, 0),
            made(two, 1),
            made(one, 1),
            made(two, 2, kind::last, bytes_min),
            made(one, 2, kind::last, bytes_min)};
}

} // namespace

TEST(order_check, takes_messages_of_several_senders_in_their_rows) {
    const order_check seen = judged({made(one, 0), made(two, 0), made(two, 1), made(one, 1), made(two, 2, kind::last)});
    EXPECT_EQ(seen.fault(), "");
    EXPECT_EQ(seen.received(), 4);
    EXPECT_FALSE(seen.ended());
    EXPECT_TRUE(judged(whole_run()).ended());
}

TEST(order_check, notices_what_is_lost_doubled_or_swapped) {
    EXPECT_EQ(fault_of({made(one, 0), made(one, 2)}), "message 2 of 1/100 came where 1 was due");
    EXPECT_NE(fault_of({made(one, 0), made(one, 0)}), "");
    EXPECT_NE(fault_of({made(one, 1), made(one, 0)}), "");
    EXPECT_NE(fault_of({made(one, 0), made(one, 2, kind::last)}), "");
}

TEST(order_check, notices_a_fault_at_any_place_of_a_run) {
    const std::vector<arrival> right = whole_run();
    for (std::size_t place = 0; place < right.size(); ++place) {
        auto lost = right;
        lost.erase(lost.begin() + static_cast<std::ptrdiff_t>(place));
        const order_check after_loss = judged(lost);
        EXPECT_TRUE(!after_loss.fault().empty() || !after_loss.ended()) << "lost " << place;
        auto doubled = right;
        doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(place), right[place]);
        EXPECT_NE(fault_of(doubled), "") << "doubled " << place;
        for (std::size_t byte = 0; byte < right[place].bytes.size(); ++byte) {
            auto altered = right;
            altered[place].bytes[byte] ^= std::byte{1};
            EXPECT_NE(fault_of(altered), "") << "altered " << place << ", byte " << byte;
        }
    }
}

TEST(order_check, looks_at_the_ends_of_a_message_where_the_middle_is_not_filled) {
    arrival altered = made(one, 0, kind::numbered, 1'000);
    const order_check::expectation ends{.members = 2, .senders = 2, .bytes = 0, .compared = depth::ends};
    altered.bytes[500] ^= std::byte{1};
    EXPECT_EQ(fault_of({altered}, ends), "");
    altered.bytes.back() ^= std::byte{1};
    EXPECT_NE(fault_of({altered}, ends), "");
}

TEST(order_check, notices_what_is_cut_off_or_longer) {
    for (const std::size_t size : {std::size_t{0}, bytes_min - 1, bytes_min, std::size_t{99}, std::size_t{101}}) {
        arrival cut = made(one, 0);
        cut.bytes.resize(size);
        EXPECT_NE(fault_of({cut}), "") << size;
    }
}

TEST(order_check, notices_another_sender_than_the_daemon_names) {
    arrival other = made(one, 0);
    other.from = three;
    EXPECT_EQ(fault_of({other}), "a message of 1/100 that the daemon says is of 2/101");
}

TEST(order_check, notices_more_senders_and_other_sizes_than_were_to_be) {
    EXPECT_NE(fault_of({made(one, 0), made(two, 0), made(three, 0)}), "");
    EXPECT_EQ(fault_of({made(one, 0)}, {.members = 1, .senders = 1, .bytes = 100}), "");
    EXPECT_NE(fault_of({made(one, 0)}, {.members = 1, .senders = 1, .bytes = 64}), "");
}

TEST(order_check, tells_by_its_digest_whether_two_members_saw_the_same_order) {
    const auto digest = [](const std::vector<arrival>& row) { return judged(row).seen().digest; };
    EXPECT_EQ(digest({made(one, 0), made(two, 0)}), digest({made(one, 0), made(two, 0)}));
    EXPECT_NE(digest({made(one, 0), made(two, 0)}), digest({made(two, 0), made(one, 0)}));
    EXPECT_NE(digest({made(one, 0), made(two, 0)}), digest({made(one, 0), made(two, 0), made(one, 1)}));
}

TEST(order_check, agrees_when_every_member_has_seen_the_same) {
    std::vector<arrival> row = whole_run();
    verdict seen = judged(row).seen();
    seen.rate = 30;
    row.push_back(told(two, seen));
    EXPECT_FALSE(judged(row).agreed());
    seen.rate = 20;
    row.push_back(told(one, seen));
    EXPECT_EQ(fault_of(row), "");
    EXPECT_TRUE(judged(row).agreed());
    EXPECT_EQ(judged(row).slowest_rate(), 20);
}

TEST(order_check, notices_a_member_that_saw_something_else) {
    const verdict seen = judged(whole_run()).seen();
    const auto fault_after = [](const arrival& last) {
        std::vector<arrival> row = whole_run();
        row.push_back(last);
        return fault_of(row);
    };
    EXPECT_EQ(fault_after(told(two, seen)), "");
    EXPECT_THAT(fault_after(told(two, {.received = 3, .digest = seen.digest})), HasSubstr("received 3 messages"));
    EXPECT_THAT(fault_after(told(two, {.received = 4, .digest = seen.digest + 1})), HasSubstr("in another order"));
    for (std::size_t byte = 0; byte < verdict_message(two, seen).size(); ++byte) {
        arrival altered = told(two, seen);
        altered.bytes[byte] ^= std::byte{1};
        EXPECT_NE(fault_after(altered), "") << byte;
    }
}

TEST(order_check, notices_a_verdict_too_early_or_twice) {
    EXPECT_THAT(fault_of({made(one, 0), told(two, {})}), HasSubstr("before the last message"));
    std::vector<arrival> row = whole_run();
    const arrival last = told(two, judged(row).seen());
    row.push_back(last);
    row.push_back(last);
    EXPECT_THAT(fault_of(row), HasSubstr("came twice"));
}

TEST(order_check, takes_the_smallest_and_odd_sizes) {
    for (std::size_t bytes = bytes_min; bytes < bytes_min + 20; ++bytes) {
        EXPECT_EQ(fault_of({made(one, 0, kind::numbered, bytes)}), "") << bytes;
    }
}

} // namespace coterie::bench

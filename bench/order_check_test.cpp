// SPDX-License-Identifier: BSD-3-Clause
// The judge of the benchmarks: it takes what is right, and notices what is not.
#include "bench/order_check.hpp"

#include <gtest/gtest.h>
#include <utility>
#include <vector>

namespace coterie::bench {

namespace {

using message = std::vector<std::byte>;

message made(std::uint32_t sender, std::uint64_t sequence, kind what = kind::numbered, std::size_t bytes = 100) {
    message result(bytes);
    write_message(result, {.what = what, .sender = sender, .sequence = sequence}, depth::all);
    return result;
}

order_check judged(const std::vector<message>& row, depth compared = depth::all) {
    order_check result(compared);
    for (const message& each : row) {
        result.take(each.data(), each.size());
    }
    return result;
}

std::string fault_of(const std::vector<message>& row, depth compared = depth::all) {
    return judged(row, compared).fault();
}

} // namespace

TEST(order_check, takes_messages_of_several_senders_in_their_rows) {
    const order_check seen = judged({made(1, 0), made(2, 0), made(2, 1), made(1, 1), made(2, 2, kind::last)});
    EXPECT_EQ(seen.fault(), "");
    EXPECT_EQ(seen.count(), 4);
    EXPECT_EQ(seen.ended(), 1);
    EXPECT_EQ(seen.counts().at(1), 2);
}

TEST(order_check, notices_what_is_lost_doubled_or_swapped) {
    EXPECT_NE(fault_of({made(1, 0), made(1, 2)}), "");
    EXPECT_NE(fault_of({made(1, 0), made(1, 0)}), "");
    EXPECT_NE(fault_of({made(1, 1), made(1, 0)}), "");
    EXPECT_NE(fault_of({made(1, 0), made(1, 2, kind::last)}), "");
}

TEST(order_check, notices_altered_bytes) {
    for (const std::size_t place : {0U, 4U, 8U, 24U, 40U, 99U}) {
        message altered = made(1, 0);
        altered[place] ^= std::byte{1};
        EXPECT_NE(fault_of({altered}), "") << place;
    }
    message altered = made(1, 0, kind::numbered, 1'000);
    altered.back() ^= std::byte{1};
    EXPECT_NE(fault_of({altered}, depth::ends), "");
}

TEST(order_check, notices_what_is_too_short_to_be_a_message) {
    message cut = made(1, 0);
    cut.resize(bytes_min - 1);
    EXPECT_NE(fault_of({cut}), "");
    EXPECT_NE(fault_of({message{}}), "");
}

TEST(order_check, tells_by_its_digest_whether_two_members_saw_the_same_order) {
    EXPECT_EQ(judged({made(1, 0), made(2, 0)}).digest(), judged({made(1, 0), made(2, 0)}).digest());
    EXPECT_NE(judged({made(1, 0), made(2, 0)}).digest(), judged({made(2, 0), made(1, 0)}).digest());
    EXPECT_NE(judged({made(1, 0), made(2, 0)}).digest(), judged({made(1, 0), made(2, 0), made(1, 1)}).digest());
}

TEST(order_check, takes_the_smallest_and_odd_sizes) {
    for (std::size_t bytes = bytes_min; bytes < bytes_min + 20; ++bytes) {
        EXPECT_EQ(fault_of({made(1, 0, kind::numbered, bytes)}), "") << bytes;
    }
}

} // namespace coterie::bench

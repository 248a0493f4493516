// SPDX-License-Identifier: BSD-3-Clause
// How large datagrams may be on a path: scripts in which every question, loss and time is exact.
#include "net/path_size.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace coterie::net {
namespace {

using namespace std::chrono_literals;

/// A path that carries datagrams of up to `mtu` bytes, and what is asked on it.
struct scripted_path {
    path_size size;
    std::size_t mtu = 1'452;
    bool silent = false;
    duration round_trip = 1ms;
    time_point now{1s};
    std::vector<std::vector<std::size_t>> asked; ///< by round
    std::vector<std::size_t> shrunk_to;

    /// Until then, in steps of a millisecond; large datagrams are sent meanwhile if `busy`.
    void run(duration span, bool busy = false) {
        for (const time_point end = now + span; now < end; now += 1ms) {
            if (busy) {
                size.on_sent(now, size.bytes());
            }
            const auto questions = size.on_time(now, round_trip);
            if (questions.shrunk) {
                shrunk_to.push_back(size.bytes());
            }
            if (questions.sizes == 0) {
                continue;
            }
            std::vector<std::size_t>& round = asked.emplace_back();
            for (std::size_t i = 0; i < datagram_sizes.size(); ++i) {
                if ((questions.sizes >> i & 1U) == 0) {
                    continue;
                }
                round.push_back(datagram_sizes[i]);
                if (!silent && datagram_sizes[i] <= mtu) {
                    (void)size.on_answer(questions.round, datagram_sizes[i]);
                }
            }
        }
    }
};

TEST(path_size, begins_with_what_nearly_every_network_carries) {
    scripted_path path;
    EXPECT_EQ(path.size.bytes(), 1'232U);
    path.run(10s);
    EXPECT_TRUE(path.asked.empty()) << "of a path that is not up nobody asks";
}

TEST(path_size, is_the_largest_that_is_answered) {
    for (const std::size_t mtu : {1'232U, 1'300U, 1'452U, 1'472U, 8'952U, 65'000U}) {
        scripted_path path;
        path.mtu = mtu;
        path.size.on_up(path.now);
        path.run(1s);
        EXPECT_EQ(path.size.bytes(), std::min<std::size_t>(mtu, 8'952) / 4 * 4 - (mtu == 1'300   ? 68
                                                                                  : mtu == 1'472 ? 20
                                                                                                 : 0));
        EXPECT_EQ(path.asked.front().size(), datagram_sizes.size() - 2) << "of all larger ones at once";
        EXPECT_LE(path.asked.size(), 3U);
    }
}

TEST(path_size, is_searched_for_again_where_questions_were_lost_and_now_and_then) {
    scripted_path path;
    path.silent = true;
    path.size.on_up(path.now);
    path.run(60ms);
    EXPECT_EQ(path.size.bytes(), 1'232U);
    path.silent = false;
    path.run(1s);
    EXPECT_EQ(path.size.bytes(), 1'452U);
    path.mtu = 8'952;
    path.asked.clear();
    path.run(50s);
    EXPECT_TRUE(path.asked.empty());
    path.run(15s);
    EXPECT_EQ(path.size.bytes(), 8'952U);
    path.asked.clear();
    path.run(300s);
    EXPECT_TRUE(path.asked.empty()) << "there is none larger, and nothing is sent";
}

TEST(path_size, is_confirmed_while_large_datagrams_are_sent) {
    scripted_path path;
    path.size.on_up(path.now);
    path.run(1s);
    path.asked.clear();
    path.run(10s, true);
    EXPECT_GT(path.asked.size(), 25U);
    EXPECT_LT(path.asked.size(), 45U);
    EXPECT_TRUE(
        std::ranges::all_of(path.asked, [](const auto& each) { return each == std::vector<std::size_t>{528, 1'452}; }));
    path.run(1s);
    path.asked.clear();
    path.run(40s);
    EXPECT_TRUE(path.asked.empty());
    (void)path.size.on_sent(path.now, 528);
    path.run(1s);
    EXPECT_TRUE(path.asked.empty()) << "small ones pass everywhere";
}

TEST(path_size, shrinks_soon_when_only_smaller_datagrams_arrive) {
    scripted_path path;
    path.mtu = 8'952;
    path.size.on_up(path.now);
    path.run(1s);
    path.mtu = 1'452;
    path.run(600ms, true);
    EXPECT_EQ(path.shrunk_to, std::vector<std::size_t>{1'452});
    path.mtu = 1'250;
    path.run(600ms, true);
    path.mtu = 600;
    path.run(600ms, true);
    EXPECT_EQ(path.shrunk_to, (std::vector<std::size_t>{1'452, 1'232, 528}));
    path.mtu = 1'452;
    path.run(61s, true);
    EXPECT_EQ(path.size.bytes(), 1'452U);
}

TEST(path_size, is_kept_where_nothing_arrives_at_all) {
    scripted_path path;
    path.size.on_up(path.now);
    path.run(1s);
    path.silent = true;
    path.run(20s, true);
    EXPECT_EQ(path.size.bytes(), 1'452U);
    EXPECT_TRUE(path.shrunk_to.empty());
    path.silent = false;
    path.run(1s, true);
    EXPECT_EQ(path.size.bytes(), 1'452U);
}

TEST(path_size, survives_a_lost_answer) {
    scripted_path path;
    path.size.on_up(path.now);
    path.run(1s);
    for (int i = 0; i < 20; ++i) {
        path.mtu = 1'000;
        path.run(150ms, true);
        path.mtu = 1'452;
        path.run(300ms, true);
    }
    EXPECT_TRUE(path.shrunk_to.empty());
}

TEST(path_size, shrinks_at_once_where_this_machine_refuses) {
    scripted_path path;
    path.mtu = 8'952;
    path.size.on_up(path.now);
    path.run(1s);
    EXPECT_TRUE(path.size.on_refused(path.now, 8'952));
    EXPECT_EQ(path.size.bytes(), 8'848U);
    EXPECT_TRUE(path.size.on_refused(path.now, 1'402));
    EXPECT_EQ(path.size.bytes(), 1'352U);
    EXPECT_FALSE(path.size.on_refused(path.now, 1'402)) << "a question about more than is used";
    EXPECT_TRUE(path.size.on_refused(path.now, 20));
    EXPECT_EQ(path.size.bytes(), 528U);
    EXPECT_FALSE(path.size.on_refused(path.now, 20));
}

TEST(path_size, is_searched_for_although_large_datagrams_were_sent_before_the_path_was_up) {
    scripted_path path;
    path.silent = true;
    path.run(2s, true);
    path.silent = false;
    path.size.on_up(path.now);
    path.run(1s, true);
    EXPECT_EQ(path.size.bytes(), 1'452U);
}

TEST(path_size, is_asked_for_at_a_hint) {
    scripted_path path;
    path.size.on_up(path.now);
    path.run(1s);
    path.asked.clear();
    path.size.on_hint(path.now);
    path.run(2ms);
    EXPECT_EQ(path.asked.size(), 1U);
    path.run(1s);
    EXPECT_EQ(path.size.bytes(), 1'452U) << "the hint was a lie";
}

TEST(path_size, heeds_no_answer_that_it_has_not_asked_for) {
    scripted_path path;
    EXPECT_FALSE(path.size.on_answer(1, 8'952));
    path.size.on_up(path.now);
    path.silent = true;
    path.run(10ms);
    EXPECT_FALSE(path.size.on_answer(0, 8'952));
    EXPECT_FALSE(path.size.on_answer(2, 8'952));
    EXPECT_FALSE(path.size.on_answer(1, 5'000));
    EXPECT_FALSE(path.size.on_answer(1, 528));
    EXPECT_TRUE(path.size.on_answer(1, 1'952));
    EXPECT_FALSE(path.size.on_answer(1, 1'952));
}

} // namespace
} // namespace coterie::net

// SPDX-License-Identifier: BSD-3-Clause
// Events through both ends of the channel: their order through ring, backlog and files, what the descriptor tells, and the bounds of
// what waits.
#include "tests/unit/ipc/channel_fixture.hpp"

#include "base/random.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <thread>

namespace coterie::ipc {

using channel_events = channel;

TEST_F(channel_events, carries_events_one_by_one_in_their_order) {
    listen();
    const auto client = connect();
    const std::vector<address> members{{.node = {4}, .pid = 1, .reason = 0}};
    serving->tell_change(handler.latest, "g", members, {}, members);
    serving->tell_message(handler.latest, "g", members[0], bytes_of("small"));
    const std::string large(200'000, 'l');
    serving->tell_message(handler.latest, "g", members[0], bytes_of(large));
    serving->tell_message(handler.latest, "g", members[0], bytes_of("last"));
    serving->tell_ring_view(handler.latest, {4}, 9, std::vector<node_id>{{4}});
    serving->flush();
    EXPECT_EQ(client->next_event().what.kind, event_kind::change);
    const auto small = client->next_event();
    const auto big = client->next_event();
    EXPECT_TRUE(client->wait_for_event(0)) << "the descriptor tells of what is left";
    EXPECT_EQ(text_of(client->next_event().what.body), "last");
    client->settle();
    EXPECT_TRUE(client->wait_for_event(0));
    EXPECT_EQ(client->next_event().what.epoch, 9U);
    client->settle();
    EXPECT_FALSE(client->wait_for_event(0));
    EXPECT_EQ(client->next_event().how, transfer::later);
    EXPECT_EQ(text_of(small.what.body), "small") << "what is held stays, whatever comes after it";
    EXPECT_EQ(text_of(big.what.body), large);
}

TEST_F(channel_events, cuts_off_a_client_that_does_not_read) {
    server_settings settings;
    settings.event_bytes_max = 1'000'000;
    listen(settings);
    const auto slow = connect();
    const client_id slow_id = handler.latest;
    const auto other = connect();
    const std::string text(60'000, 'x');
    for (int i = 0; i < 10'000 && handler.log.empty(); ++i) {
        serving->tell_message(slow_id, "g", {}, bytes_of(text));
        serving->flush();
    }
    ASSERT_EQ(handler.log.size(), 1U);
    EXPECT_TRUE(handler.log[0].starts_with("cut off: it does not take its events: 10"));
    EXPECT_EQ(serving->clients(), 1U);
    EXPECT_EQ(serving->counts().too_slow, 1U);
    while (slow->next_event().how == transfer::done) {
    }
    EXPECT_EQ(slow->next_event().how, transfer::gone);
    EXPECT_EQ(send(*slow, "x"), status::library);
}

TEST_F(channel_events, tells_of_events_exactly_while_there_are_any) {
    listen();
    const auto client = connect();
    base::random_source random(7);
    std::uint64_t told = 0;
    std::uint64_t taken = 0;
    const std::string large(100'000, 'l');
    for (int step = 0; step < 20'000; ++step) {
        if (random.below(2) == 0) {
            for (std::uint64_t i = random.below(4); i > 0; --i) {
                serving->tell_message(handler.latest, "g", {}, bytes_of(random.below(50) == 0 ? large : "small"));
                ++told;
            }
            serving->flush();
        } else {
            for (std::uint64_t i = random.below(6); i > 0 && client->next_event().how == transfer::done; --i) {
                ++taken;
            }
            client->settle();
        }
        ASSERT_EQ(client->wait_for_event(0), told != taken) << step << ": " << told << " told, " << taken << " taken";
        if (random.below(8) == 0) {
            turn();
        }
    }
}

TEST_F(channel_events, keeps_the_order_of_events_through_a_backlog) {
    server_settings settings;
    settings.rings.events = std::size_t{256} << 10U;
    listen(settings);
    const auto client = connect();
    base::random_source random(3);
    std::uint64_t told = 0;
    std::uint64_t taken = 0;
    const auto text = [](std::uint64_t number) {
        // Every thirty-second goes by a file of its own.
        return std::to_string(number) + std::string(number % 32 == 31 ? 70'000 : number * 37 % 3'000, '.');
    };
    while (taken < 5'000) {
        for (std::uint64_t i = random.below(300); i > 0 && told < 5'000; --i) {
            serving->tell_message(handler.latest, "g", {}, bytes_of(text(told)));
            ++told;
        }
        serving->flush();
        for (std::uint64_t i = random.below(300); i > 0; --i) {
            const auto next = client->next_event();
            if (next.how != transfer::done) {
                // The client has given notice that there is room again.
                turn();
                ASSERT_EQ(client->wait_for_event(0), told != taken);
                break;
            }
            ASSERT_EQ(text_of(next.what.body), text(taken));
            ++taken;
        }
    }
}

/// Both ends in threads of their own: a file used to be thrown away by a client that saw it counted before its event.
TEST_F(channel_events, loses_no_file_while_both_ends_run) {
    listen();
    const auto client = connect();
    handler.serving = serving.get();
    constexpr std::uint64_t messages = 3'000;
    alongside([&] {
        std::string text(70'000, 'f');
        std::uint64_t sent = 0;
        std::uint64_t taken = 0;
        while (taken < messages) {
            std::memcpy(text.data(), &sent, sizeof(sent));
            if (sent < messages && send(*client, text) == status::ok) {
                ++sent;
            }
            for (auto next = client->next_event(); next.how == transfer::done; next = client->next_event()) {
                std::uint64_t number = 0;
                std::memcpy(&number, next.what.body.data(), sizeof(number));
                ASSERT_EQ(number, taken);
                ++taken;
            }
        }
    });
}

TEST_F(channel_events, holds_what_is_held_and_no_more) {
    server_settings settings;
    settings.rings.events = std::size_t{256} << 10U;
    listen(settings);
    const auto client = connect();
    const std::string text(1'000, 'x');
    for (int i = 0; i < 3; ++i) {
        serving->tell_message(handler.latest, "g", {}, bytes_of(text + std::to_string(i)));
    }
    serving->flush();
    auto first = client->next_event();
    const auto second = client->next_event();
    {
        const auto third = client->next_event();
    }
    first.storage = {};
    // The second still stands in the way of all that come.
    for (int i = 0; i < 1'000; ++i) {
        serving->tell_message(handler.latest, "g", {}, bytes_of(std::string(1'000, 'y')));
        serving->flush();
        if (client->next_event().how != transfer::done) {
            break;
        }
    }
    EXPECT_EQ(text_of(second.what.body), text + "1");
}

TEST_F(channel_events, does_not_let_a_client_drown_in_what_it_sends) {
    listen_narrowly();
    const auto client = connect();
    handler.serving = serving.get();
    const std::string text(10'000, 'x');
    // However long it does not dispatch, it is only told to wait.
    std::size_t accepted = 0;
    for (int round = 0; round < 10'000; ++round) {
        accepted += send(*client, text) == status::ok ? 1U : 0U;
        turn();
    }
    while (send(*client, "x") == status::ok) {
        ++accepted;
    }
    EXPECT_TRUE(client->blocked());
    EXPECT_LT(accepted, 1'000U);
    // A thread that waits for an answer gets it all the same, behind all that was sent before.
    alongside([&] { EXPECT_EQ(client->ask({.kind = request_kind::leave}).result, status::not_exist); });
    std::size_t delivered = 0;
    while (delivered < accepted) {
        if (client->next_event().how == transfer::done) {
            ++delivered;
        } else {
            turn();
            ASSERT_TRUE(client->wait_for_event(0)) << delivered << " of " << accepted;
        }
    }
    EXPECT_FALSE(client->blocked());
    EXPECT_EQ(serving->clients(), 1U);
}

TEST_F(channel_events, does_not_let_a_client_drown_in_what_it_sends_from_buffers) {
    listen_narrowly();
    const auto client = connect();
    handler.serving = serving.get();
    alongside([&] {
        status fault{};
        void* const buffer = client->take_buffer(10'000, fault);
        ASSERT_NE(buffer, nullptr);
        std::size_t accepted = 0;
        while (send_buffer(*client, false, buffer, 10'000) == status::ok) {
            ASSERT_LT(++accepted, 1'000U);
        }
        EXPECT_EQ(send_buffer(*client, false, buffer, 10'000), status::try_again);
        for (std::size_t taken = 0; taken < accepted;) {
            taken += client->next_event().how == transfer::done ? 1U : 0U;
        }
        EXPECT_EQ(send_buffer(*client, false, buffer, 10'000), status::ok);
    });
}

TEST_F(channel_events, tells_who_is_slow_and_cuts_off_who_is_for_too_long) {
    server_settings settings;
    settings.slow_time = std::chrono::milliseconds(1);
    settings.event_bytes_high = 100'000;
    listen(settings);
    const auto client = connect();
    const std::string large(50'000, 'x');
    const auto fill = [&](int messages) {
        for (int i = 0; i < messages; ++i) {
            serving->tell_message(handler.latest, "g", {}, bytes_of(large));
        }
        turn();
    };
    fill(20);
    EXPECT_FALSE(handler.slow) << "the ring has room for them";
    fill(5);
    EXPECT_TRUE(handler.slow);
    ASSERT_TRUE(serving->has_slow());
    EXPECT_EQ(serving->slow_clients().at(0).client, handler.latest);
    EXPECT_GT(serving->slow_clients().at(0).bytes, 100'000U);
    while (client->next_event().how == transfer::done) {
        turn();
    }
    EXPECT_FALSE(handler.slow);
    EXPECT_FALSE(serving->has_slow());
    serving->part_with_slow();
    turn();
    EXPECT_EQ(serving->clients(), 1U) << "it has caught up";

    fill(40);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    serving->part_with_slow();
    turn();
    EXPECT_EQ(serving->clients(), 0U);
    ASSERT_EQ(handler.log.size(), 1U);
    EXPECT_TRUE(handler.log[0].starts_with("cut off: it does not take its events: ")) << handler.log[0];
    EXPECT_TRUE(handler.log[0].ends_with(" ms")) << handler.log[0];
    EXPECT_FALSE(serving->has_slow());
}

/// The daemon ended when a client that had been slow finalized and went.
TEST_F(channel_events, forgets_that_a_client_was_slow_when_it_finalizes) {
    listen_narrowly();
    auto client = connect();
    for (int i = 0; i < 20; ++i) {
        serving->tell_message(handler.latest, "g", {}, bytes_of(std::string(50'000, 'x')));
    }
    turn();
    ASSERT_TRUE(handler.slow);
    alongside([&] { EXPECT_EQ(client->ask({.kind = request_kind::finalize}).result, status::ok); });
    turn();
    EXPECT_FALSE(serving->has_slow());
    client.reset();
    turn();
    EXPECT_EQ(handler.log, std::vector<std::string>{"closed: finalized"});
    EXPECT_EQ(serving->clients(), 0U);
}

TEST_F(channel_events, cuts_off_the_slowest_when_all_together_are_too_many) {
    server_settings settings;
    settings.event_bytes_max = 4'000'000;
    settings.event_bytes_all_max = 3'000'000;
    listen(settings);
    const auto slow = connect();
    const client_id slow_one = handler.latest;
    const auto slower = connect();
    const client_id slower_one = handler.latest;
    const std::string large(50'000, 'x');
    for (int i = 0; i < 40; ++i) {
        serving->tell_message(slow_one, "g", {}, bytes_of(large));
        serving->tell_message(slower_one, "g", {}, bytes_of(large));
        serving->tell_message(slower_one, "g", {}, bytes_of(large));
    }
    turn();
    ASSERT_EQ(handler.log.size(), 1U);
    EXPECT_TRUE(handler.log[0].starts_with("cut off: it does not take its events")) << handler.log[0];
    EXPECT_EQ(serving->counts().too_slow, 1U);
    EXPECT_EQ(serving->clients(), 1U);
    int seen = 0;
    for (; slow->next_event().how == transfer::done; ++seen) {
        turn();
    }
    EXPECT_EQ(seen, 40) << "the other loses nothing";
}

TEST_F(channel_events, whoever_dies_with_events_waiting_has_died_and_no_more) {
    listen_narrowly();
    auto client = connect();
    const client_id dying = handler.latest;
    for (int i = 0; i < 600; ++i) {
        ASSERT_EQ(send(*client, "x"), status::ok);
    }
    client.reset();
    serving->run_ready();
    const std::string large(50'000, 'x');
    for (int i = 0; i < 60; ++i) {
        serving->tell_message(dying, "g", {}, bytes_of(large));
    }
    turn();
    EXPECT_EQ(handler.log.back(), "closed: its process ended");
    EXPECT_EQ(serving->counts().too_slow, 0U);
}

} // namespace coterie::ipc

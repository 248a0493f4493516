// SPDX-License-Identifier: BSD-3-Clause
// Requests and answers through both ends of the channel: their order, their credit, files and shared buffers, turns.
#include "tests/unit/ipc/channel_fixture.hpp"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

namespace coterie::ipc {

using channel_requests = channel;

TEST_F(channel_requests, greets_with_what_a_client_has_to_know) {
    listen();
    const auto client = connect();
    EXPECT_EQ(client->greeting().node, node_id{4});
    EXPECT_EQ(handler.pid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(serving->clients(), 1U);
}

TEST_F(channel_requests, passes_on_a_refusal_to_open) {
    listen();
    handler.opening = status::no_resources;
    alongside([&] {
        const auto refused =
            client_channel::connect(path, {.ring_views = false, .pid = static_cast<std::uint32_t>(::getpid())});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error(), status::no_resources);
    });
    EXPECT_EQ(serving->clients(), 0U);
    EXPECT_TRUE(handler.log.empty());
}

TEST_F(channel_requests, lets_a_client_wait_at_the_door) {
    listen();
    handler.opening = status::try_again;
    alongside([&] {
        std::jthread later([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(30));
            opening_later = true;
        });
        const auto opened =
            client_channel::connect(path, {.ring_views = false, .pid = static_cast<std::uint32_t>(::getpid())});
        ASSERT_TRUE(opened);
    });
    EXPECT_EQ(handler.opened, 2);
}

TEST_F(channel_requests, says_when_nobody_listens) {
    const auto nobody = client_channel::connect(path, {});
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error(), status::library);
}

TEST_F(channel_requests, answers_requests_in_their_order) {
    listen();
    const auto client = connect();
    handler.members.resize(3);
    alongside([&] {
        EXPECT_EQ(client->ask({.kind = request_kind::join, .group = "group"}).result, status::ok);
        EXPECT_EQ(send(*client, "hello"), status::ok);
        EXPECT_EQ(client->ask({.kind = request_kind::leave}).result, status::not_exist);
        EXPECT_EQ(unpack_members(client->ask({.kind = request_kind::membership, .group = "group"}).body)->size(), 3U);
        EXPECT_EQ(client->ask({.kind = request_kind::finalize}).result, status::ok);
        EXPECT_EQ(client->ask({.kind = request_kind::leave}).result, status::bad_handle);
    });
    EXPECT_EQ(handler.log, (std::vector<std::string>{"join group", "send hello", "leave", "closed: finalized"}));
}

TEST_F(channel_requests, carries_answers_and_messages_of_any_size) {
    listen();
    const auto client = connect();
    handler.members.resize(100'000);
    const std::size_t largest = body_bytes_max(client->greeting().request_ring_bytes);
    alongside([&] {
        EXPECT_EQ(unpack_members(client->ask({.kind = request_kind::membership, .group = "group"}).body)->size(),
                  100'000U);
        EXPECT_EQ(send(*client, std::string(largest, 'x')), status::ok);
        EXPECT_EQ(send(*client, std::string(largest + 1, 'x')), status::ok);
        EXPECT_EQ(client->ask({.kind = request_kind::leave}).result, status::not_exist);
        EXPECT_EQ(send(*client, std::string(5'000'000, 'x')), status::ok) << "one is always allowed";
        EXPECT_EQ(client->ask({.kind = request_kind::leave}).result, status::not_exist);
    });
    EXPECT_EQ(handler.log,
              (std::vector<std::string>{"send " + std::to_string(largest), "send " + std::to_string(largest + 1),
                                        "leave", "send 5000000", "leave"}));
}

TEST_F(channel_requests, tells_operators_what_the_daemon_says_of_itself) {
    listen();
    const auto client = connect();
    handler.report = std::string(200'000, 'r');
    alongside([&] {
        const auto told = client->ask({.kind = request_kind::status});
        EXPECT_EQ(told.result, status::ok);
        EXPECT_EQ(text_of(told.body), handler.report);
    });
}

TEST_F(channel_requests, takes_many_threads_at_once) {
    listen();
    const auto client = connect();
    alongside([&] {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&, i] {
                for (int n = 0; n < 200; ++n) {
                    if (i % 2 == 0) {
                        EXPECT_EQ(client->ask({.kind = request_kind::join, .group = "group"}).result, status::ok);
                    } else {
                        while (send(*client, "message") == status::try_again) {
                            std::this_thread::yield();
                        }
                    }
                }
            });
        }
    });
    EXPECT_EQ(handler.log.size(), 1'600U);
}

TEST_F(channel_requests, takes_no_more_than_there_is_room_for) {
    server_settings settings;
    settings.rings.requests = ring_bytes_min;
    listen(settings);
    const auto client = connect();
    const std::string text(100, 'x');
    std::size_t sent = 0;
    while (send(*client, text) == status::ok) {
        ++sent;
        ASSERT_LT(sent * text.size(), ring_bytes_min);
    }
    EXPECT_GT(sent, 20U);
    while (send(*client, "x") == status::ok) {
        EXPECT_EQ(handler.log.size(), 0U);
        ++sent;
    }
    EXPECT_TRUE(client->blocked());
    EXPECT_EQ(send(*client, text), status::try_again);
    turn();
    EXPECT_FALSE(client->blocked());
    EXPECT_EQ(send(*client, "and on"), status::ok);
    turn();
    EXPECT_EQ(handler.log.size(), sent + 1);
    EXPECT_EQ(handler.log.back(), "send and on");
}

TEST_F(channel_requests, takes_requests_with_answers_however_full_it_is) {
    server_settings settings;
    settings.rings.requests = ring_bytes_min;
    listen(settings);
    const auto client = connect();
    for (const std::size_t bytes : {1U, 7U, 100U, 500U, 1'000U}) {
        while (send(*client, std::string(bytes, 'x')) == status::ok) {
        }
        alongside([&] { EXPECT_EQ(client->ask({.kind = request_kind::leave}).result, status::not_exist); });
    }
}

TEST_F(channel_requests, takes_few_large_messages_at_a_time) {
    listen();
    const auto client = connect();
    const std::string text(5'000'000, 'x');
    EXPECT_EQ(send(*client, text), status::ok);
    EXPECT_EQ(send(*client, text), status::try_again) << "more than is allowed to be under way";
    turn();
    EXPECT_EQ(send(*client, text), status::ok);
    turn();
    EXPECT_EQ(handler.log, (std::vector<std::string>{"send 5000000", "send 5000000"}));
}

TEST_F(channel_requests, keeps_what_was_put_off_and_goes_on_from_there) {
    listen();
    const auto client = connect();
    handler.multicasting = status::try_again;
    EXPECT_EQ(send(*client, "first"), status::ok);
    EXPECT_EQ(send(*client, "second"), status::ok);
    turn();
    turn();
    EXPECT_TRUE(handler.log.empty());
    handler.multicasting = status::ok;
    serving->resume(handler.latest);
    serving->flush();
    EXPECT_TRUE(serving->busy());
    turn();
    EXPECT_EQ(handler.log, (std::vector<std::string>{"send first", "send second"}));
}

/// A client of several threads that sent while one of them asked again and again used up what is kept for such requests, and
/// none was answered any more.
TEST_F(channel_requests, a_request_with_an_answer_opens_no_door_for_others) {
    listen();
    const auto client = connect();
    handler.full = true;
    {
        client_channel::question asked(*client);
        EXPECT_EQ(send(*client, "ahead of it"), status::ok);
        EXPECT_EQ(asked.put({.kind = request_kind::leave}), status::ok);
        alongside([&] { EXPECT_EQ(asked.wait().result, status::not_exist); });
    }
    EXPECT_EQ(handler.log, (std::vector<std::string>{"send ahead of it", "leave"}));
    EXPECT_TRUE(client->blocked());
    EXPECT_EQ(send(*client, "x"), status::try_again);
    handler.full = false;
    serving->resume(handler.latest);
    turn();
    EXPECT_EQ(send(*client, "and on"), status::ok);
    turn();
    EXPECT_EQ(handler.log.back(), "send and on");
}

TEST_F(channel_requests, takes_what_a_dying_client_had_still_sent) {
    listen();
    auto client = connect();
    EXPECT_EQ(send(*client, "last words"), status::ok);
    client.reset();
    turn();
    turn();
    EXPECT_EQ(handler.log, (std::vector<std::string>{"send last words", "closed: its process ended"}));
    EXPECT_EQ(serving->clients(), 0U);
}

TEST_F(channel_requests, wakes_whoever_waits_when_the_server_goes) {
    listen();
    const auto client = connect();
    std::jthread waiting([&] { EXPECT_EQ(client->ask({.kind = request_kind::leave}).result, status::library); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stop();
    waiting.join();
    EXPECT_TRUE(client->wait_for_event(0));
    EXPECT_EQ(client->next_event().how, transfer::gone);
}

TEST_F(channel_requests, sends_from_shared_buffers_without_copying) {
    listen();
    const auto client = connect();
    alongside([&] {
        status fault{};
        void* const buffer = client->take_buffer(1'000'000, fault);
        ASSERT_NE(buffer, nullptr);
        std::memset(buffer, 'z', 1'000'000);
        EXPECT_EQ(send_buffer(*client, true, buffer, 1'000'000), status::ok);
        std::memcpy(buffer, "again", 5);
        EXPECT_EQ(send_buffer(*client, false, buffer, 5), status::ok);
        EXPECT_EQ(send_buffer(*client, false, static_cast<char*>(buffer) + 1, 4), status::ok) << "a part";
        EXPECT_EQ(send_buffer(*client, false, buffer, 1'000'001), status::invalid_param) << "beyond its end";
        char foreign = 'f';
        EXPECT_EQ(send_buffer(*client, false, &foreign, 1), status::invalid_param);
        EXPECT_EQ(client->copied_bytes(), 0U);
        EXPECT_FALSE(client->give_back_buffer(&foreign));
        EXPECT_FALSE(client->give_back_buffer(static_cast<char*>(buffer) + 64)) << "not where it begins";
        EXPECT_TRUE(client->give_back_buffer(buffer));
        EXPECT_FALSE(client->give_back_buffer(buffer)) << "twice";
        EXPECT_EQ(send_buffer(*client, false, buffer, 5), status::invalid_param) << "given back";
        EXPECT_EQ(send(*client, "copied"), status::ok);
        EXPECT_EQ(client->copied_bytes(), 6U);
    });
    turn();
    EXPECT_EQ(handler.log, (std::vector<std::string>{"safe 1000000", "send again", "send gain", "send copied"}));
}

TEST_F(channel_requests, gives_each_client_its_turn) {
    listen();
    const auto flooding = connect();
    const auto quiet = connect();
    while (send(*flooding, "flood") == status::ok) {
    }
    EXPECT_EQ(send(*quiet, "quiet"), status::ok);
    serving->run_ready();
    serving->flush();
    EXPECT_TRUE(serving->busy()) << "the other has more than a turn's worth";
    EXPECT_NE(std::ranges::find(handler.log, "send quiet"), handler.log.end());
    EXPECT_LT(handler.log.size(), 1'000U);
}

} // namespace coterie::ipc

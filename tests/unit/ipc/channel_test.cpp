// SPDX-License-Identifier: BSD-3-Clause
// Both ends of the client channel in one process: requests and answers, credit, events in their order, and what the server
// does with clients that do not behave.
#include "base/random.hpp"
#include "ipc/client_channel.hpp"
#include "ipc/server.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>

namespace coterie::ipc {

namespace {

/// Takes what comes and answers as it is told to.
struct scripted : request_handler {
    status on_open(client_id client, const hello& wish) override {
        latest = client;
        ++opened;
        pid = wish.pid;
        return opening;
    }
    status on_join(client_id, std::string_view group, bool) override {
        log.push_back("join " + std::string(group));
        return status::ok;
    }
    status on_leave(client_id) override {
        log.emplace_back("leave");
        return status::not_exist;
    }
    status on_multicast(client_id client, bool safe, const base::buffer& body) override {
        if (serving != nullptr) {
            serving->tell_message(client, "echo", {}, body.bytes());
            return status::ok;
        }
        if (multicasting == status::ok) {
            const auto bytes = body.bytes();
            log.push_back((safe ? "safe " : "send ") +
                          (bytes.size() > 32 ? std::to_string(bytes.size())
                                             : std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())));
        }
        return multicasting;
    }
    std::vector<address> members_of(std::string_view) override { return members; }
    std::vector<group_listing> all_groups() override { return {}; }
    std::string status_report() override { return report; }
    void on_closed(client_id, std::string_view why, bool by_force) override {
        log.push_back((by_force ? "cut off: " : "closed: ") + std::string(why));
    }

    server* serving = nullptr; ///< set: messages go back to their sender and are not logged
    status opening = status::ok;
    status multicasting = status::ok;
    std::vector<address> members;
    std::string report;
    client_id latest;
    std::uint32_t pid = 0;
    int opened = 0;
    std::vector<std::string> log;
};

class channel : public testing::Test {
protected:
    channel() {
        std::string pattern = (std::filesystem::temp_directory_path() / "coterie-ipc-XXXXXX").string();
        _folder = ::mkdtemp(pattern.data());
        path = _folder + "/sock";
    }
    ~channel() override {
        stop();
        std::filesystem::remove_all(_folder);
    }

    void listen(server_settings settings = {}) {
        settings.admits = [](const credentials& who, std::span<const gid_t>) { return who.user == ::geteuid(); };
        settings.node = {4};
        serving = std::make_unique<server>(settings, pool, handler);
        ASSERT_TRUE(serving->listen(path));
    }

    /// The same with little room for events.
    void listen_narrowly() {
        server_settings settings;
        settings.event_bytes_high = 100'000;
        settings.event_bytes_max = 1'000'000;
        settings.rings.events = std::size_t{256} << 10U;
        listen(settings);
    }

    /// The server does what there is to do.
    void turn() {
        serving->run_ready();
        serving->flush();
        while (serving->busy() || serving->expects_more()) {
            serving->look_again();
            serving->run_turn();
            serving->flush();
        }
    }
    /// The server runs in a thread of its own while `what` runs here.
    void alongside(const std::function<void()>& what) {
        std::jthread thread([this](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                pollfd wanted{.fd = serving->poll_descriptor(), .events = POLLIN, .revents = 0};
                ::poll(&wanted, 1, 5);
                if (opening_later.exchange(false)) {
                    handler.opening = status::ok;
                    serving->admit_waiting();
                }
                turn();
            }
        });
        what();
    }
    void stop() { serving.reset(); }

    std::unique_ptr<client_channel> connect() {
        std::unique_ptr<client_channel> result;
        alongside([&] {
            auto opened =
                client_channel::connect(path, {.ring_views = false, .pid = static_cast<std::uint32_t>(::getpid())});
            EXPECT_TRUE(opened);
            result = opened ? std::move(*opened) : nullptr;
        });
        return result;
    }

    static status send(client_channel& client, std::string_view text) {
        const iovec part{const_cast<char*>(text.data()), text.size()};
        return client.multicast(false, std::span(&part, 1), text.size());
    }

    static status send_buffer(client_channel& client, bool safe, const void* start, std::size_t bytes) {
        const auto wish = client.multicast_from_buffer(safe, start, bytes);
        return wish ? client.ask(*wish).result : wish.error();
    }

    base::buffer_pool pool;
    scripted handler;
    std::unique_ptr<server> serving;
    std::string path;
    /// Set from outside the server's thread: it opens its door.
    std::atomic<bool> opening_later = false;

private:
    std::string _folder;
};

base::bytes_view bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

TEST_F(channel, greets_with_what_a_client_has_to_know) {
    listen();
    const auto client = connect();
    EXPECT_EQ(client->greeting().node, node_id{4});
    EXPECT_EQ(handler.pid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(serving->clients(), 1U);
}

TEST_F(channel, passes_on_a_refusal_to_open) {
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

TEST_F(channel, lets_a_client_wait_at_the_door) {
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

TEST_F(channel, does_not_believe_in_another_process) {
    listen();
    alongside([&] {
        const auto refused = client_channel::connect(path, {.ring_views = false, .pid = 1});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error(), status::access);
    });
}

TEST_F(channel, says_when_nobody_listens) {
    const auto nobody = client_channel::connect(path, {});
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error(), status::library);
}

TEST_F(channel, answers_requests_in_their_order) {
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

TEST_F(channel, carries_answers_and_messages_of_any_size) {
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

TEST_F(channel, tells_operators_what_the_daemon_says_of_itself) {
    listen();
    const auto client = connect();
    handler.report = std::string(200'000, 'r');
    alongside([&] {
        const auto told = client->ask({.kind = request_kind::status});
        EXPECT_EQ(told.result, status::ok);
        EXPECT_EQ(text_of(told.body), handler.report);
    });
}

TEST_F(channel, takes_many_threads_at_once) {
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

TEST_F(channel, takes_no_more_than_there_is_room_for) {
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

TEST_F(channel, takes_requests_with_answers_however_full_it_is) {
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

TEST_F(channel, takes_few_large_messages_at_a_time) {
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

TEST_F(channel, keeps_what_was_put_off_and_goes_on_from_there) {
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

TEST_F(channel, carries_events_one_by_one_in_their_order) {
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

TEST_F(channel, cuts_off_a_client_that_does_not_read) {
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

TEST_F(channel, cuts_off_a_client_that_sends_what_it_may_not) {
    listen();
    const auto client = connect();
    handler.multicasting = status::not_exist;
    EXPECT_EQ(send(*client, "x"), status::ok);
    turn();
    EXPECT_EQ(handler.log, std::vector<std::string>{"cut off: it sent a malformed request"});
    EXPECT_EQ(serving->counts().malformed, 1U);
}

TEST_F(channel, cuts_off_nonsense) {
    listen();
    for (const std::string& nonsense : {std::string("x"), std::string(60'000, 'y'), std::string(12, '\0')}) {
        const auto stranger = connect_to(path);
        ASSERT_TRUE(stranger);
        ASSERT_EQ(send_packet(*stranger, bytes_of(nonsense)), transfer::done);
        turn();
        turn();
        EXPECT_EQ(serving->clients(), 0U);
    }
    EXPECT_EQ(serving->counts().malformed, 3U);
    EXPECT_TRUE(handler.log.empty());
}

TEST_F(channel, takes_what_a_dying_client_had_still_sent) {
    listen();
    auto client = connect();
    EXPECT_EQ(send(*client, "last words"), status::ok);
    client.reset();
    turn();
    turn();
    EXPECT_EQ(handler.log, (std::vector<std::string>{"send last words", "closed: its process ended"}));
    EXPECT_EQ(serving->clients(), 0U);
}

TEST_F(channel, wakes_whoever_waits_when_the_server_goes) {
    listen();
    const auto client = connect();
    std::jthread waiting([&] { EXPECT_EQ(client->ask({.kind = request_kind::leave}).result, status::library); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stop();
    waiting.join();
    EXPECT_TRUE(client->wait_for_event(0));
    EXPECT_EQ(client->next_event().how, transfer::gone);
}

TEST_F(channel, turns_away_more_clients_than_are_allowed) {
    server_settings settings;
    settings.clients_max = 1;
    listen(settings);
    const auto client = connect();
    alongside([&] {
        const auto second =
            client_channel::connect(path, {.ring_views = false, .pid = static_cast<std::uint32_t>(::getpid())});
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error(), status::no_resources);
    });
    EXPECT_EQ(serving->counts().turned_away, 1U);
}

TEST_F(channel, refuses_files_that_could_hurt) {
    listen();
    const descriptor ordinary(::open("/dev/zero", 0));
    EXPECT_FALSE(is_sealed_memory_file(ordinary, 0));
    const iovec part{const_cast<char*>("1234"), 4};
    const auto file = make_memory_file(std::span(&part, 1), 8);
    ASSERT_TRUE(file);
    EXPECT_TRUE(is_sealed_memory_file(*file, 8));
    EXPECT_FALSE(is_sealed_memory_file(*file, 4)) << "of another size than it says";
    std::array<std::byte, 8> space;
    EXPECT_TRUE(read_at(*file, 0, space));
    EXPECT_FALSE(read_at(*file, 1, space)) << "beyond its end";
    EXPECT_NE(::ftruncate(file->number(), 1), 0) << "nobody can shorten it";
}

TEST_F(channel, shares_memory_only_in_files_that_cannot_hurt) {
    const auto good = make_shared_file(8'192);
    ASSERT_TRUE(good);
    EXPECT_TRUE(is_shared_file(*good, 8'192));
    EXPECT_FALSE(is_shared_file(*good, 4'096)) << "of another size than it says";
    EXPECT_NE(::ftruncate(good->number(), 1), 0) << "nobody can shorten it";
    const descriptor unsealed(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(::ftruncate(unsealed.number(), 8'192), 0);
    EXPECT_FALSE(is_shared_file(unsealed, 8'192));
    const descriptor huge(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB));
    if (huge) {
        ASSERT_EQ(::ftruncate(huge.number(), 2 << 20), 0);
        ASSERT_EQ(::fcntl(huge.number(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
        EXPECT_FALSE(is_shared_file(huge, 2 << 20)) << "a page that is not to be had would end the daemon";
    }
}

TEST_F(channel, tells_of_events_exactly_while_there_are_any) {
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

TEST_F(channel, keeps_the_order_of_events_through_a_backlog) {
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
TEST_F(channel, loses_no_file_while_both_ends_run) {
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

TEST_F(channel, holds_what_is_held_and_no_more) {
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

TEST_F(channel, sends_from_shared_buffers_without_copying) {
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

TEST_F(channel, reads_nothing_outside_of_what_is_shared) {
    listen();
    const auto client = connect();
    alongside([&] {
        status fault{};
        static_cast<void>(client->take_buffer(100, fault));
        const std::uint64_t shared = shared_bytes_max(client->greeting().message_bytes_max);
        const request beyond{.kind = request_kind::multicast_shared, .offset = shared - 4, .bytes = 5};
        EXPECT_EQ(client->ask(beyond).result, status::library);
    });
    EXPECT_EQ(handler.log, std::vector<std::string>{"cut off: it sent a malformed request"});
}

TEST_F(channel, does_not_let_a_client_drown_in_what_it_sends) {
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

TEST_F(channel, tells_another_release_from_nonsense) {
    listen();
    std::array<std::byte, hello_bytes> ours;
    base::byte_writer out(ours);
    write(out, hello{.ring_views = false, .pid = static_cast<std::uint32_t>(::getpid())});
    ours[4] = std::byte{99};
    const auto stranger = connect_to(path);
    ASSERT_TRUE(stranger);
    ASSERT_EQ(send_packet(*stranger, ours), transfer::done);
    turn();
    turn();
    std::array<std::byte, 64> space;
    const auto answer = receive_behind_reset(*stranger, space);
    ASSERT_EQ(answer.how, transfer::done);
    EXPECT_EQ(read_welcome(answer.bytes)->result, status::version)
        << "what the daemon says to a client of another release";

    stop();
    const auto other = listen_at(path);
    ASSERT_TRUE(other);
    std::jthread daemon([&] {
        pollfd wanted{.fd = other->number(), .events = POLLIN, .revents = 0};
        ::poll(&wanted, 1, 10'000);
        const descriptor connected(::accept4(other->number(), nullptr, nullptr, SOCK_CLOEXEC));
        std::array<std::byte, 40> theirs{};
        std::ranges::copy(std::span(answer.bytes).first(4), theirs.begin());
        theirs[4] = std::byte{99};
        EXPECT_EQ(send_packet(connected, theirs), transfer::done);
    });
    const auto refused =
        client_channel::connect(path, {.ring_views = false, .pid = static_cast<std::uint32_t>(::getpid())});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), status::version) << "what a client makes of a daemon of another release";
}

/// A file that stood behind packets that only wake was not found, and its honest client cut off.
TEST_F(channel, finds_a_file_behind_packets_that_only_wake) {
    listen();
    const auto stranger = connect_to(path);
    ASSERT_TRUE(stranger);
    std::array<std::byte, welcome_bytes> space;
    base::byte_writer out(space);
    write(out, hello{.ring_views = false, .pid = static_cast<std::uint32_t>(::getpid())});
    ASSERT_EQ(send_packet(*stranger, base::bytes_view(space).first(out.size())), transfer::done);
    turn();
    turn();
    const received_packet packet = receive_packet(*stranger, space);
    const auto greeting = read_welcome(packet.bytes);
    ASSERT_TRUE(greeting);
    const auto memory = channel_memory::map(
        packet.file, {.requests = greeting->request_ring_bytes, .events = greeting->event_ring_bytes});
    ASSERT_TRUE(memory);
    const base::bytes_view wake(&wake_mark, 1);
    const iovec part{const_cast<char*>("1234"), 4};
    const auto file = make_memory_file(std::span(&part, 1), 4);
    ASSERT_TRUE(file);
    ASSERT_EQ(send_packet(*stranger, wake), transfer::done);
    ASSERT_EQ(send_packet(*stranger, wake), transfer::done);
    ASSERT_EQ(send_packet(*stranger, wake, *file), transfer::done);
    ring_writer requests(memory->control().requests, memory->requests());
    const std::uint64_t size = 4;
    std::memcpy(requests.reserve(sizeof(size), tag_of(request_kind::multicast_file)), &size, sizeof(size));
    requests.publish();
    turn();
    EXPECT_EQ(handler.log, std::vector<std::string>{"send 1234"});
}

TEST_F(channel, does_not_let_a_client_drown_in_what_it_sends_from_buffers) {
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

TEST_F(channel, gives_each_client_its_turn) {
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

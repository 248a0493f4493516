// SPDX-License-Identifier: BSD-3-Clause
// What the server does with those that it does not know or that do not behave.
#include "tests/unit/ipc/channel_fixture.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>

namespace coterie::ipc {

using channel_strangers = channel;

TEST_F(channel_strangers, does_not_believe_in_another_process) {
    listen();
    alongside([&] {
        const auto refused = client_channel::connect(path, {.ring_views = false, .pid = 1});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error(), status::access);
    });
}

TEST_F(channel_strangers, cuts_off_a_client_that_sends_what_it_may_not) {
    listen();
    const auto client = connect();
    handler.multicasting = status::not_exist;
    EXPECT_EQ(send(*client, "x"), status::ok);
    turn();
    EXPECT_EQ(handler.log, std::vector<std::string>{"cut off: it sent a malformed request"});
    EXPECT_EQ(serving->counts().malformed, 1U);
}

TEST_F(channel_strangers, cuts_off_nonsense) {
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

TEST_F(channel_strangers, turns_away_more_clients_than_are_allowed) {
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

TEST_F(channel_strangers, refuses_files_that_could_hurt) {
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

TEST_F(channel_strangers, shares_memory_only_in_files_that_cannot_hurt) {
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

TEST_F(channel_strangers, reads_nothing_outside_of_what_is_shared) {
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

TEST_F(channel_strangers, tells_another_release_from_nonsense) {
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
TEST_F(channel_strangers, finds_a_file_behind_packets_that_only_wake) {
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

namespace {

/// A connection whose end takes half a minute to close, for data that nobody reads; that is what a client may pass.
struct lingering {
    lingering() {
        const descriptor door(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t bytes = sizeof(address);
        auto* const where = reinterpret_cast<sockaddr*>(&address);
        EXPECT_EQ(::bind(door.number(), where, bytes), 0);
        EXPECT_EQ(::listen(door.number(), 1), 0);
        EXPECT_EQ(::getsockname(door.number(), where, &bytes), 0);
        slow = descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::connect(slow.number(), where, bytes), 0);
        reader = descriptor(::accept4(door.number(), nullptr, nullptr, SOCK_CLOEXEC));
        const std::vector<char> much(100'000, 'x');
        while (::send(slow.number(), much.data(), much.size(), MSG_DONTWAIT) > 0) {
        }
        const linger half_a_minute{.l_onoff = 1, .l_linger = 30};
        EXPECT_EQ(::setsockopt(slow.number(), SOL_SOCKET, SO_LINGER, &half_a_minute, sizeof(half_a_minute)), 0);
    }
    descriptor slow;
    descriptor reader; ///< its closing ends the wait
};

} // namespace

/// What a client passes was closed by the thread that serves all, which waited as long as the file's server liked.
TEST_F(channel_strangers, closes_files_that_linger_beside_its_work) {
    listen();
    lingering unread;
    lingering taken;
    const auto client = connect();
    auto stranger = connect_to(path);
    ASSERT_TRUE(stranger);
    const auto begin = std::chrono::steady_clock::now();
    // One waits in the socket of a client that is not known, one is taken from a client that breaks the rules with it.
    ASSERT_EQ(send_packet(*stranger, bytes_of("nonsense")), transfer::done);
    ASSERT_EQ(send_packet(*stranger, bytes_of("x"), unread.slow), transfer::done);
    unread.slow.close();
    alongside([&] {
        const request wish{.kind = request_kind::share, .bytes = 4'096};
        client_channel::question asked(*client);
        EXPECT_EQ(asked.put(wish, taken.slow), status::ok);
        taken.slow.close();
        EXPECT_EQ(asked.wait().result, status::library) << "it is cut off";
    });
    turn();
    turn();
    EXPECT_EQ(serving->clients(), 0U);
    stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20)) << "the wait was for the daemon";
}

/// A client that had passed its own socket was never seen to end, since the daemon itself held the other end open.
TEST_F(channel_strangers, do_not_outlive_themselves_by_passing_their_own_socket) {
    listen();
    auto client = connect();
    {
        const descriptor own(::dup(client->event_descriptor()));
        ASSERT_EQ(send_packet(own, base::bytes_view(&wake_mark, 1), own), transfer::done);
    }
    client.reset();
    turn();
    turn();
    EXPECT_EQ(serving->clients(), 0U);
    EXPECT_EQ(handler.log, std::vector<std::string>{"cut off: it sent a file that is not in memory"});
}

TEST_F(channel_strangers, do_not_jump_the_queue_by_waking_again_and_again) {
    listen();
    const auto client = connect();
    for (int i = 0; i < 600; ++i) {
        ASSERT_EQ(send(*client, "x"), status::ok);
    }
    serving->run_ready();
    const std::size_t first = handler.log.size();
    EXPECT_LT(first, 600U) << "whoever has slept has a short turn first";
    ASSERT_TRUE(serving->busy());
    for (int i = 0; i < 5; ++i) {
        const descriptor same(::dup(client->event_descriptor()));
        ASSERT_EQ(send_packet(same, bytes_of(std::string_view(reinterpret_cast<const char*>(&wake_mark), 1))),
                  transfer::done);
        serving->run_ready();
    }
    EXPECT_EQ(handler.log.size(), first) << "its next turn comes when it comes";
    turn();
    EXPECT_EQ(handler.log.size(), 600U);
}

} // namespace coterie::ipc

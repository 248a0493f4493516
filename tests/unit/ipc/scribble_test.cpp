// SPDX-License-Identifier: BSD-3-Clause
// A client that writes whatever it likes over all of the memory that it shares with the daemon, whenever it likes. Meant for
// the address sanitizer: the daemon's end must read nothing outside, part with the evil client, and serve all others as if
// nothing had happened.
#include "base/random.hpp"
#include "ipc/client_channel.hpp"
#include "ipc/server.hpp"

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <poll.h>
#include <set>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>

namespace coterie::ipc {

namespace {

constexpr int moments = 1'000;

std::uint32_t own_pid() { return static_cast<std::uint32_t>(::getpid()); }

/// Sends every message back to whoever sent it, and touches what it is given.
struct echoing : request_handler {
    status on_open(client_id, const hello&) override { return status::ok; }
    status on_join(client_id, std::string_view group, bool) override {
        groups[std::string(group)] += 1;
        return status::ok;
    }
    status on_leave(client_id) override { return status::not_exist; }
    status on_multicast(client_id client, bool, const base::buffer& body, bool urgent) override {
        if (slow.contains(client.value) && !urgent) {
            return status::try_again;
        }
        serving->tell_message(client, "echo", {}, body.bytes());
        return status::ok;
    }
    bool has_room(client_id client) override { return !slow.contains(client.value); }
    void on_slow(client_id client, bool is_slow) override {
        if (is_slow) {
            slow.insert(client.value);
        } else {
            slow.erase(client.value);
            serving->resume(client);
        }
    }
    std::vector<address> members_of(std::string_view group) override {
        return std::vector<address>(groups[std::string(group)] % 100);
    }
    std::vector<group_listing> all_groups() override { return {}; }
    pauses pauses_so_far() override { return {}; }
    std::string status_report() override { return std::string(200'000, 's'); }
    void on_closed(client_id, std::string_view why, bool by_force) override {
        if (by_force) {
            ++reasons[std::string(why)];
        }
    }

    server* serving = nullptr;
    std::set<std::uint64_t> slow;
    std::map<std::string, std::size_t> groups;
    std::map<std::string, int> reasons; ///< for which clients were cut off, and how often
};

/// A client without a library: the socket, the memory, and the will to do harm.
class evil_client {
public:
    evil_client(const std::string& path, base::random_source& random) : _random(random) {
        auto connected = connect_to(path);
        EXPECT_TRUE(connected);
        _socket = std::move(*connected);
        std::array<std::byte, welcome_bytes> space;
        base::byte_writer out(space);
        write(out, hello{.ring_views = false, .pid = own_pid()});
        EXPECT_EQ(send_packet(_socket, base::bytes_view(space).first(out.size())), transfer::done);
        EXPECT_TRUE(wait_for(_socket, false, 10'000));
        const received_packet packet = receive_packet(_socket, space);
        const auto greeting = read_welcome(packet.bytes);
        EXPECT_TRUE(greeting);
        auto memory = channel_memory::map(
            packet.file, {.requests = greeting->request_ring_bytes, .events = greeting->event_ring_bytes});
        EXPECT_TRUE(memory);
        _memory.emplace(std::move(*memory));
        _requests.emplace(_memory->control().requests, _memory->requests());
    }

    /// Some requests as an honest client would make them, so that the daemon is amid something.
    void behave() {
        const std::uint64_t requests = _random.below(200);
        for (std::uint64_t i = 0; i < requests; ++i) {
            const auto kind = static_cast<request_kind>(1 + _random.below(11));
            const std::size_t bytes = kind == request_kind::multicast ? _random.below(3'000) : _random.below(20);
            std::byte* const place = _requests->reserve(bytes, tag_of(kind));
            if (place == nullptr) {
                break;
            }
            std::memset(place, 'b', bytes);
        }
        _requests->publish();
        wake();
    }

    void scribble() {
        const std::span<std::byte> all = _memory->all();
        const std::span<std::byte> control = all.first(sizeof(channel_control));
        switch (_random.below(5)) {
        case 0: fill(all, _random.next()); break;
        case 1: fill(all, 0); break;
        case 2: fill(all, ~std::uint64_t{0}); break;
        case 3:
            // Only the contents: the counts stay honest, the lengths in the rings do not.
            fill(_memory->requests(), _random.next());
            break;
        default:
            // Only the counts, a little.
            for (std::uint64_t i = 1 + _random.below(4); i > 0; --i) {
                const std::size_t at = _random.below(control.size() / 8) * 8;
                const std::uint64_t value = _random.below(2) == 0 ? _random.below(1 << 20) * 8 : _random.next();
                std::memcpy(control.data() + at, &value, sizeof(value));
            }
            break;
        }
        wake();
    }

    [[nodiscard]] bool is_cut_off() const {
        pollfd connection{.fd = _socket.number(), .events = POLLRDHUP, .revents = 0};
        return ::poll(&connection, 1, 0) == 1;
    }

private:
    void wake() { static_cast<void>(send_packet(_socket, base::bytes_view(&wake_mark, 1))); }

    void fill(std::span<std::byte> space, std::uint64_t pattern) {
        for (std::size_t at = 0; at + sizeof(pattern) <= space.size(); at += sizeof(pattern)) {
            std::memcpy(space.data() + at, &pattern, sizeof(pattern));
            // No two words alike, if any are to differ at all.
            pattern = pattern == 0 || pattern == ~std::uint64_t{0} ? pattern : pattern * 6'364'136'223'846'793'005U + 1;
        }
    }

    base::random_source& _random;
    descriptor _socket;
    std::optional<channel_memory> _memory;
    std::optional<ring_writer> _requests;
};

/// Sends numbers and expects them back, all and in order.
class honest_client {
public:
    explicit honest_client(std::unique_ptr<client_channel> channel) : _channel(std::move(channel)) {}

    void step() {
        const iovec part{&_sent, sizeof(_sent)};
        if (_channel->multicast(false, std::span(&part, 1), sizeof(_sent)) == status::ok) {
            ++_sent;
        }
        take();
    }
    void take() {
        for (auto next = _channel->next_event(); next.how != transfer::later; next = _channel->next_event()) {
            ASSERT_EQ(next.how, transfer::done);
            std::uint64_t number = 0;
            ASSERT_EQ(next.what.body.size(), sizeof(number));
            std::memcpy(&number, next.what.body.data(), sizeof(number));
            ASSERT_EQ(number, _back);
            ++_back;
        }
    }
    [[nodiscard]] bool complete() const { return _sent == _back; }
    [[nodiscard]] std::uint64_t sent() const { return _sent; }

private:
    std::unique_ptr<client_channel> _channel;
    std::uint64_t _sent = 0;
    std::uint64_t _back = 0;
};

} // namespace

TEST(ipc_scribble, an_evil_client_harms_only_itself) {
    std::string folder = (std::filesystem::temp_directory_path() / "coterie-scribble-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    const std::string path = folder + "/sock";
    base::buffer_pool pool;
    echoing handler;
    server_settings settings;
    settings.event_bytes_max = std::size_t{1} << 20U;
    settings.rings = {.requests = std::size_t{2} << 20U, .events = std::size_t{2} << 20U};
    settings.admits = [](const credentials&, std::span<const gid_t>) { return true; };
    server serving(settings, pool, handler);
    handler.serving = &serving;
    ASSERT_TRUE(serving.listen(path));

    std::jthread daemon([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            pollfd wanted{.fd = serving.poll_descriptor(), .events = POLLIN, .revents = 0};
            ::poll(&wanted, 1, serving.busy() || serving.expects_more() ? 0 : 5);
            serving.run_ready();
            serving.look_again();
            serving.run_turn();
            serving.flush();
        }
    });
    auto opened = client_channel::connect(path, {.ring_views = false, .pid = own_pid()});
    ASSERT_TRUE(opened);
    honest_client honest(std::move(*opened));

    std::atomic<int> left = moments;
    std::jthread evil([&] {
        base::random_source random(2'026);
        std::optional<evil_client> client;
        for (; left > 0; --left) {
            if (!client || client->is_cut_off()) {
                client.emplace(path, random);
            }
            client->behave();
            // Some way into what it asked for.
            std::this_thread::sleep_for(std::chrono::microseconds(random.below(100)));
            client->scribble();
        }
    });
    while (left > 0) {
        honest.step();
    }
    evil.join();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!honest.complete() && std::chrono::steady_clock::now() < deadline) {
        honest.take();
    }
    EXPECT_TRUE(honest.complete());
    EXPECT_GT(honest.sent(), 0U);
    daemon.request_stop();
    daemon.join();

    int cut_off = 0;
    for (const auto& [why, times] : handler.reasons) {
        cut_off += times;
        EXPECT_TRUE(why.starts_with("it sent ") || why.starts_with("it does not take its events")) << why;
    }
    EXPECT_GT(cut_off, moments / 4);
    EXPECT_GE(handler.reasons.size(), 2U);
    std::filesystem::remove_all(folder);
}

} // namespace coterie::ipc

// SPDX-License-Identifier: BSD-3-Clause
// Both ends of the client channel in one process: a server, run by hand or in a thread beside a test, and clients.
#pragma once

#include "ipc/client_channel.hpp"
#include "ipc/server.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <poll.h>
#include <set>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>

namespace coterie::ipc {

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
    status on_multicast(client_id client, bool safe, const base::buffer& body, bool urgent) override {
        if (serving != nullptr) {
            if (slow && !urgent) {
                return status::try_again;
            }
            serving->tell_message(client, "echo", {}, body.bytes());
            return status::ok;
        }
        if (full && !urgent) {
            return status::try_again;
        }
        if (multicasting == status::ok) {
            const auto bytes = body.bytes();
            log.push_back((safe ? "safe " : "send ") +
                          (bytes.size() > 32 ? std::to_string(bytes.size())
                                             : std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())));
        }
        return multicasting;
    }
    bool has_room(client_id) override { return !slow && !full; }
    void on_slow(client_id client, bool is_slow) override {
        EXPECT_FALSE(closed.contains(client.value)) << "nothing is said of a client after its end";
        slow = is_slow;
        if (serving != nullptr && !is_slow) {
            serving->resume(client);
        }
    }
    std::vector<address> members_of(std::string_view) override { return members; }
    std::vector<group_listing> all_groups() override { return {}; }
    pauses pauses_so_far() override { return {.count = 2, .last_ns = 3, .passed_ns = 4}; }
    std::string status_report() override { return report; }
    void on_closed(client_id client, std::string_view why, bool by_force) override {
        closed.insert(client.value);
        log.push_back((by_force ? "cut off: " : "closed: ") + std::string(why));
    }

    server* serving = nullptr; ///< set: messages go back to their sender, unless that is slow, and are not logged
    bool slow = false;
    bool full = false; ///< multicasts are taken only if they are urgent
    std::set<std::uint64_t> closed;
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

inline base::bytes_view bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

inline std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace coterie::ipc

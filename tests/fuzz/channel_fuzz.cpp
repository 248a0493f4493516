// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the daemon's end of the client channel with hostile clients: they connect, greet, write anything into their rings
// and over all that they share, pass files of every kind, and go, as the input says, while an honest client works beside
// them. The honest one gets everything back in order, and of the hostile ones nothing stays.
#include "ipc/client_channel.hpp"
#include "ipc/server.hpp"
#include "tests/fuzz/decoder_target.hpp"
#include "tests/support/hostile_client.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <thread>

namespace {

using namespace coterie;
using namespace coterie::ipc;
using tests::hostile_client;
using tests::require;
using tests::whims;

constexpr std::uint32_t hostile_clients = 3;
constexpr std::size_t actions_max = 400;
constexpr std::size_t message_bytes_max = 200'000;
constexpr int turns_max = 20'000; ///< in which everything comes to rest

/// Sends messages back to their senders, and has long answers.
class echo final : public request_handler {
public:
    status on_open(client_id client, const hello&) override {
        if (putting_off) {
            return status::try_again;
        }
        require(_open.insert(client.value).second);
        return status::ok;
    }
    status on_join(client_id client, std::string_view group, bool) override {
        require(_open.contains(client.value) && group.size() <= group_name_bytes_max);
        return group.starts_with('x') ? status::exist : status::ok;
    }
    status on_leave(client_id client) override {
        require(_open.contains(client.value));
        return status::not_exist;
    }
    status on_multicast(client_id client, bool, const base::buffer& body, bool urgent) override {
        require(_open.contains(client.value) && body.size() <= message_bytes_max);
        if (_slow.contains(client.value) && !urgent) {
            return status::try_again;
        }
        serving->tell_message(client, "echo", {}, body.bytes());
        return status::ok;
    }
    bool has_room(client_id client) override { return !_slow.contains(client.value); }
    void on_slow(client_id client, bool is_slow) override {
        require(_open.contains(client.value));
        if (is_slow) {
            _slow.insert(client.value);
        } else {
            _slow.erase(client.value);
            serving->resume(client);
        }
    }
    std::vector<address> members_of(std::string_view group) override { return std::vector<address>(group.size() * 50); }
    std::vector<group_listing> all_groups() override { return {{.name = "g", .members = std::vector<address>(3)}}; }
    pauses pauses_so_far() override { return {}; }
    std::string status_report() override { return std::string(150'000, 's'); }
    void on_closed(client_id client, std::string_view why, bool) override {
        require(_open.erase(client.value) == 1 && !why.empty());
        _slow.erase(client.value);
    }

    server* serving = nullptr;
    bool putting_off = false;

private:
    std::set<std::uint64_t> _open;
    std::set<std::uint64_t> _slow;
};

server_settings small_settings() {
    server_settings result;
    result.node = {1};
    result.message_bytes_max = message_bytes_max;
    result.rings = {.requests = 8'192, .events = std::size_t{256} << 10U};
    result.event_bytes_high = 40'000;
    result.event_bytes_max = 300'000;
    result.event_bytes_all_max = 700'000;
    result.admits = [](const credentials&, std::span<const gid_t>) { return true; };
    return result;
}

/// The daemon's end and the honest client, for the whole life of this process: what one input breaks shows in the next.
class daemon_end {
public:
    daemon_end() : _folder(make_folder()), _server(small_settings(), _pool, handler), path(_folder + "/sock") {
        handler.serving = &_server;
        require(_server.listen(path).has_value());
        std::jthread thread([this](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                turn();
            }
        });
        auto opened =
            client_channel::connect(path, {.ring_views = false, .pid = static_cast<std::uint32_t>(::getpid())});
        require(opened.has_value());
        _honest = std::move(*opened);
    }
    ~daemon_end() {
        _honest.reset();
        std::filesystem::remove_all(_folder);
    }

    /// Some of what there is to do.
    void turn() {
        _server.run_ready();
        _server.look_again();
        _server.run_turn();
        _server.flush();
    }
    void admit() {
        handler.putting_off = false;
        _server.admit_waiting();
        _server.flush();
    }
    void part_with_slow() {
        _server.part_with_slow();
        _server.flush();
    }
    /// The honest client says a number, if it may.
    void speak() {
        const iovec part{&_sent, sizeof _sent};
        const status outcome = _honest->multicast(false, std::span(&part, 1), sizeof _sent);
        require(outcome == status::ok || outcome == status::try_again);
        _sent += outcome == status::ok ? 1U : 0U;
    }
    void hear() {
        for (auto next = _honest->next_event(); next.how != transfer::later; next = _honest->next_event()) {
            std::uint64_t number = 0;
            require(next.how == transfer::done && next.what.body.size() == sizeof number);
            std::memcpy(&number, next.what.body.data(), sizeof number);
            require(number == _back++);
        }
    }
    /// The hostile clients have gone.
    void check() {
        admit();
        const std::uint64_t before = _sent;
        for (int turns = 0; _server.clients() > 1 || _back < _sent || _sent == before; ++turns) {
            require(turns < turns_max);
            turn();
            hear();
            if (_server.clients() == 1 && _sent == before) {
                speak();
            }
        }
        require(!_server.has_slow());
    }

    echo handler;

private:
    static std::string make_folder() {
        std::string result = (std::filesystem::temp_directory_path() / "coterie-fuzz-XXXXXX").string();
        require(::mkdtemp(result.data()) != nullptr);
        return result;
    }

    std::string _folder;
    base::buffer_pool _pool;
    server _server;
    std::unique_ptr<client_channel> _honest;
    std::uint64_t _sent = 0;
    std::uint64_t _back = 0;

public:
    const std::string path;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static daemon_end daemon;
    whims whim(std::as_bytes(std::span(bytes, size)));
    std::array<std::optional<hostile_client>, hostile_clients> hostile;
    for (std::size_t count = 0; count < actions_max && !whim.over(); ++count) {
        auto& who = hostile[whim.below(hostile_clients)];
        switch (whim.below(12)) {
        case 0:
        case 1: daemon.turn(); break;
        case 2:
            daemon.speak();
            daemon.hear();
            break;
        case 3: daemon.handler.putting_off = whim.chance(4); break;
        case 4: daemon.admit(); break;
        case 5: daemon.part_with_slow(); break;
        case 6:
            if (whim.chance(3)) {
                who.reset();
                break;
            }
            [[fallthrough]];
        default:
            if (!who) {
                who.emplace(daemon.path, whim);
                // The welcome comes at once, or after whatever else happens.
                if (!whim.chance(4)) {
                    daemon.turn();
                }
            } else {
                who->act(whim);
            }
        }
    }
    hostile = {};
    daemon.check();
    return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
// The server's table of sessions on one epoll instance: who is ready gets a turn, who has something new is flushed, who is
// over is taken out between turns and never during one.
#include "ipc/server.hpp"

#include "base/assert.hpp"
#include "ipc/session.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unordered_map>

namespace coterie::ipc {

namespace {

constexpr int ready_a_turn = 64;
constexpr int accepts_a_turn = 16;

/// What epoll gives back: whose socket, and which.
enum class socket_role : std::uint64_t { events = 0, requests = 1 };
constexpr std::uint64_t door_mark = 0;

std::uint64_t mark_of(client_id client, socket_role role) {
    return client.value << 1U | static_cast<std::uint64_t>(role);
}

descriptor spare_descriptor() { return descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

} // namespace

class server::core {
public:
    core(const server_settings& settings, base::buffer_pool& pool, request_handler& handler)
        : _settings(settings),
          _context{.settings = _settings, .pool = pool, .handler = handler, .counts = _counts, .packets = {}},
          _poll(::epoll_create1(EPOLL_CLOEXEC)),
          _spare(spare_descriptor()) {
        COTERIE_ASSERT(static_cast<bool>(_poll), "a server has a descriptor to wait with");
    }

    std::expected<void, std::error_code> listen(const std::string& path) {
        auto door = listen_at(path);
        if (!door) {
            return std::unexpected(door.error());
        }
        _door = std::move(*door);
        watch(_door, EPOLLIN, door_mark, EPOLL_CTL_ADD);
        return {};
    }

    void run_ready() {
        epoll_event ready[ready_a_turn];
        const int count = ::epoll_wait(_poll.number(), ready, ready_a_turn, 0);
        for (int i = 0; i < count; ++i) {
            if (ready[i].data.u64 == door_mark) {
                accept_some();
            } else {
                serve(ready[i].data.u64, ready[i].events);
            }
        }
    }

    session* find(client_id client) {
        const auto found = _sessions.find(client.value);
        return found == _sessions.end() ? nullptr : &found->second.what;
    }

    /// The events of a client that may be told something.
    event_queue* queue_of(client_id client) {
        const auto found = _sessions.find(client.value);
        if (found == _sessions.end() || found->second.what.over()) {
            return nullptr;
        }
        touch(found->second, client);
        return &found->second.what.events();
    }

    void admit_waiting() {
        for (auto& [number, each] : _sessions) {
            if (each.what.waiting()) {
                each.what.admit();
                touch(each, client_id{number});
            }
        }
    }

    void resume(client_id client) {
        const auto found = _sessions.find(client.value);
        if (found != _sessions.end()) {
            found->second.resumed = true;
            touch(found->second, client);
        }
    }

    void flush() {
        // Resumed requests and closed handles may have consequences for others, which are added at the end.
        for (std::size_t i = 0; i < _touched.size(); ++i) {
            const client_id client = _touched[i];
            const auto found = _sessions.find(client.value);
            if (found == _sessions.end()) {
                continue;
            }
            entry& each = found->second;
            each.touched = false;
            if (std::exchange(each.resumed, false)) {
                each.what.resume();
            }
            each.what.send_pending();
            if (each.what.over()) {
                each.what.tell_closed();
                _sessions.erase(found);
            } else {
                update_interest(each, client);
            }
        }
        _touched.clear();
    }

    const server_counters& counts() const { return _counts; }
    std::size_t clients() const { return _sessions.size(); }
    int poll_descriptor() const { return _poll.number(); }

private:
    struct entry {
        entry(session_context& context, client_id client, descriptor connected, const credentials& who)
            : what(context, client, std::move(connected), who) {}

        session what;
        session::interest watched;
        bool requests_watched = false;
        bool touched = false;
        bool resumed = false;
    };

    void watch(const descriptor& socket, std::uint32_t events, std::uint64_t mark, int operation) {
        epoll_event wanted{.events = events, .data = {.u64 = mark}};
        ::epoll_ctl(_poll.number(), operation, socket.number(), &wanted);
    }

    void touch(entry& what, client_id client) {
        if (!what.touched) {
            what.touched = true;
            _touched.push_back(client);
        }
    }

    void accept_some() {
        for (int i = 0; i < accepts_a_turn; ++i) {
            descriptor connected(::accept4(_door.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (connected) {
                admit(std::move(connected));
            } else if (errno == EMFILE || errno == ENFILE) {
                // Without this the same client would be at the door for ever.
                _spare.close();
                descriptor unwanted(::accept4(_door.number(), nullptr, nullptr, SOCK_CLOEXEC));
                unwanted.close();
                _spare = spare_descriptor();
                ++_counts.turned_away;
                return;
            } else if (errno != EINTR && errno != ECONNABORTED) {
                return;
            }
        }
    }

    void admit(descriptor connected) {
        const auto who = credentials_of(connected);
        if (!who || (who->user != 0 && who->user != _settings.user)) {
            ++_counts.not_allowed;
            turn_away(connected, status::access);
            return;
        }
        if (_sessions.size() >= _settings.clients_max) {
            ++_counts.turned_away;
            turn_away(connected, status::no_resources);
            return;
        }
        ++_counts.accepted;
        const client_id client{++_latest};
        entry& added = _sessions.try_emplace(client.value, _context, client, std::move(connected), *who).first->second;
        added.watched.events = added.what.wanted().events;
        watch(added.what.event_socket(), added.watched.events, mark_of(client, socket_role::events), EPOLL_CTL_ADD);
    }

    static void turn_away(const descriptor& connected, status why) {
        std::array<std::byte, welcome_bytes> space{};
        base::byte_writer out(space);
        write(out, welcome{.result = why, .node = {}, .window_messages = 0, .window_bytes = 0, .message_bytes_max = 0});
        static_cast<void>(send_packet(connected, space));
    }

    void serve(std::uint64_t mark, std::uint32_t events) {
        const client_id client{mark >> 1U};
        const auto found = _sessions.find(client.value);
        if (found == _sessions.end() || found->second.what.over()) {
            return;
        }
        session& what = found->second.what;
        if (!what.greeted()) {
            what.greet();
        } else if (static_cast<socket_role>(mark & 1U) == socket_role::requests && (events & EPOLLIN) != 0) {
            what.take_requests();
        } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
            what.hung_up();
        }
        touch(found->second, client);
    }

    void update_interest(entry& what, client_id client) {
        const session::interest wanted = what.what.wanted();
        if (wanted.events != what.watched.events) {
            watch(what.what.event_socket(), wanted.events, mark_of(client, socket_role::events), EPOLL_CTL_MOD);
        }
        if (what.what.greeted() && !std::exchange(what.requests_watched, true)) {
            watch(what.what.request_socket(), wanted.requests, mark_of(client, socket_role::requests), EPOLL_CTL_ADD);
        } else if (wanted.requests != what.watched.requests) {
            watch(what.what.request_socket(), wanted.requests, mark_of(client, socket_role::requests), EPOLL_CTL_MOD);
        }
        what.watched = wanted;
    }

    const server_settings _settings;
    server_counters _counts;
    session_context _context;
    descriptor _poll;
    descriptor _spare;
    descriptor _door;
    std::uint64_t _latest = 0;
    std::unordered_map<std::uint64_t, entry> _sessions;
    std::vector<client_id> _touched;
};

server::server(const server_settings& settings, base::buffer_pool& pool, request_handler& handler)
    : _core(std::make_unique<core>(settings, pool, handler)) {}
server::~server() = default;

std::expected<void, std::error_code> server::listen(const std::string& path) { return _core->listen(path); }
int server::poll_descriptor() const { return _core->poll_descriptor(); }
void server::run_ready() { _core->run_ready(); }

void server::tell_message(client_id client, std::string_view group, const address& sender, bytes_view body) {
    if (event_queue* const queue = _core->queue_of(client)) {
        queue->add_message(group, sender, body);
    }
}

void server::tell_change(client_id client, std::string_view group, std::span<const address> members,
                         std::span<const address> left, std::span<const address> joined) {
    if (event_queue* const queue = _core->queue_of(client)) {
        queue->add_change(group, members, left, joined);
    }
}

void server::tell_ring_view(client_id client, node_id coordinator, std::uint64_t epoch,
                            std::span<const node_id> nodes) {
    if (event_queue* const queue = _core->queue_of(client)) {
        queue->add_ring_view(coordinator, epoch, nodes);
    }
}

void server::admit_waiting() { _core->admit_waiting(); }
void server::resume(client_id client) { _core->resume(client); }
void server::flush() { _core->flush(); }
const server_counters& server::counts() const { return _core->counts(); }
std::size_t server::clients() const { return _core->clients(); }

} // namespace coterie::ipc

// SPDX-License-Identifier: BSD-3-Clause
// The server's table of sessions. Epoll tells of clients that slept, which are visited at once; one that has more than a
// turn's worth queues for the next, and is visited without system calls until its ring is found empty. Who has something
// new is flushed, who is over is taken out between turns and never during one.
#include "ipc/server.hpp"

#include "base/assert.hpp"
#include "ipc/session.hpp"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <fcntl.h>
#include <set>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unordered_map>
#include <utility>

namespace coterie::ipc {

namespace {

constexpr int ready_a_turn = 64;
constexpr int accepts_a_turn = 16;

/// What epoll gives back for the door; otherwise a client's number.
constexpr std::uint64_t door_mark = 0;

/// Clients that there are descriptors for: a quarter of them is kept for files that come with messages, and for others.
std::size_t clients_that_fit() {
    rlimit files{};
    return ::getrlimit(RLIMIT_NOFILE, &files) == 0 ? static_cast<std::size_t>(files.rlim_cur / 4 * 3) : 1'024;
}

descriptor spare_descriptor() { return descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

} // namespace

class server::core {
public:
    core(const server_settings& settings, base::buffer_pool& pool, request_handler& handler)
        : _settings(settings),
          _context{
              .settings = _settings, .pool = pool, .handler = handler, .counts = _counts, .rows = {}, .closing = {}},
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
                serve(client_id{ready[i].data.u64});
            }
        }
    }

    void run_turn() {
        if (_active.empty()) {
            return;
        }
        const client_id client = _active.front();
        _active.pop_front();
        const auto found = _sessions.find(client.value);
        if (found != _sessions.end() && std::exchange(found->second.active, false)) {
            visit(found->second, client, false);
        }
    }

    bool busy() const { return !_active.empty(); }
    bool expects_more() const { return !_expected.empty() || _door_is_shut; }

    void look_again() {
        for (const client_id client : std::exchange(_expected, {})) {
            const auto found = _sessions.find(client.value);
            if (found != _sessions.end()) {
                activate(found->second, client);
            }
        }
    }

    /// The events of a client that may be told something.
    event_sender* events_of(client_id client) {
        const auto found = _sessions.find(client.value);
        if (found == _sessions.end() || found->second.what.over()) {
            return nullptr;
        }
        touch(found->second, client);
        return found->second.what.events();
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

    bool has_slow() const { return !_slow.empty(); }

    std::vector<slow_client> slow_clients() const {
        std::vector<slow_client> result;
        const auto now = std::chrono::steady_clock::now();
        for (const std::uint64_t number : _slow) {
            const session& each = _sessions.at(number).what;
            const event_sender* const events = each.events();
            result.push_back({.client = client_id{number},
                              .bytes = events == nullptr ? 0 : events->bytes_waiting(),
                              .time = now - each.slow_since().value_or(now)});
        }
        return result;
    }

    void part_with_slow() {
        if (_settings.slow_time.count() == 0) {
            return;
        }
        const auto now = std::chrono::steady_clock::now();
        for (const std::uint64_t number : _slow) {
            const auto found = _sessions.find(number);
            if (found != _sessions.end() &&
                now - found->second.what.slow_since().value_or(now) >= _settings.slow_time) {
                found->second.what.end_as_slow();
                touch(found->second, client_id{number});
            }
        }
    }

    void flush() {
        do {
            flush_touched();
        } while (relieve());
        open_door();
    }

    const server_counters& counts() const { return _counts; }
    std::size_t clients() const { return _sessions.size(); }
    bool take_parted() { return std::exchange(_parted, false); }
    void drop_idle() { _context.rows.drop_idle(); }
    int poll_descriptor() const { return _poll.number(); }

private:
    struct entry {
        entry(session_context& context, client_id client, descriptor connected, const credentials& who)
            : what(context, client, std::move(connected), who) {}

        session what;
        std::uint32_t watched = EPOLLIN;
        bool active = false; ///< in _active, and waits for its turn
        bool touched = false;
        bool resumed = false;
    };

    void flush_touched() {
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
                activate(each, client);
            }
            switch (each.what.flush()) {
            case session::turn_end::more: activate(each, client); break;
            case session::turn_end::soon: _expected.push_back(client); break;
            case session::turn_end::rest: break;
            }
            if (each.what.slow_since()) {
                _slow.insert(client.value);
            } else if (!_slow.empty()) {
                _slow.erase(client.value);
            }
            if (each.what.over()) {
                each.what.tell_closed();
                // The socket is closed some time, perhaps later.
                set_interest(each, client, 0);
                _slow.erase(client.value);
                _parted = true;
                _sessions.erase(found);
            } else {
                update_interest(each, client);
            }
        }
        _touched.clear();
    }

    /// Parts with the client for which most waits while there is no memory for what waits for all. False if there is.
    bool relieve() {
        if (_context.rows.bytes_waiting() <= _settings.event_bytes_all_max) {
            return false;
        }
        // Of several the one that came last, so that it does not depend on the table's order.
        const auto burden = [](const auto& of) {
            const event_sender* const events = of.second.what.events();
            return std::pair(events == nullptr ? 0 : events->bytes_waiting(), of.first);
        };
        const auto heaviest = std::ranges::max_element(_sessions, {}, burden);
        heaviest->second.what.end_as_slow();
        touch(heaviest->second, client_id{heaviest->first});
        return true;
    }

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
                turn_away(descriptor(::accept4(_door.number(), nullptr, nullptr, SOCK_CLOEXEC)), status::no_resources);
                ++_counts.turned_away;
                shut_door();
                return;
            } else if (errno != EINTR && errno != ECONNABORTED) {
                return;
            }
        }
    }

    void admit(descriptor connected) {
        const auto who = credentials_of(connected);
        const auto groups = groups_of(connected);
        if (!who || !groups || !_settings.admits || !_settings.admits(*who, *groups)) {
            ++_counts.not_allowed;
            turn_away(std::move(connected), status::access);
            return;
        }
        if (_sessions.size() >= _clients_max) {
            ++_counts.turned_away;
            turn_away(std::move(connected), status::no_resources);
            return;
        }
        ++_counts.accepted;
        const client_id client{++_latest};
        entry& added = _sessions.try_emplace(client.value, _context, client, std::move(connected), *who).first->second;
        watch(added.what.socket(), added.watched, client.value, EPOLL_CTL_ADD);
    }

    void turn_away(descriptor connected, status why) {
        std::array<std::byte, welcome_bytes> space{};
        base::byte_writer out(space);
        write(out, welcome{.result = why});
        static_cast<void>(send_packet(connected, space));
        static_cast<void>(::shutdown(connected.number(), SHUT_RDWR));
        _context.closing.close(std::move(connected));
    }

    /// Until there is a descriptor again for the next at the door.
    void shut_door() {
        _door_is_shut = true;
        watch(_door, 0, door_mark, EPOLL_CTL_DEL);
    }

    void open_door() {
        if (!_door_is_shut) {
            return;
        }
        _spare = spare_descriptor();
        if (_spare) {
            _door_is_shut = false;
            watch(_door, EPOLLIN, door_mark, EPOLL_CTL_ADD);
        }
    }

    void serve(client_id client) {
        const auto found = _sessions.find(client.value);
        if (found == _sessions.end() || found->second.what.over()) {
            return;
        }
        found->second.what.take_packets();
        // Whatever has come, its requests are looked at: it may have woken the daemon, or have gone. It does not queue behind
        // those that flood, for who has slept has asked for little; who already waits for a turn has not slept.
        if (!found->second.active) {
            visit(found->second, client, true);
        } else {
            touch(found->second, client);
        }
    }

    /// One turn of one client.
    void visit(entry& what, client_id client, bool woken) {
        touch(what, client);
        if (what.what.over()) {
            return;
        }
        switch (what.what.take_requests(woken)) {
        case session::turn_end::more: activate(what, client); break;
        case session::turn_end::soon: _expected.push_back(client); break;
        case session::turn_end::rest: break;
        }
    }

    void activate(entry& what, client_id client) {
        if (!std::exchange(what.active, true)) {
            _active.push_back(client);
        }
    }

    void update_interest(entry& what, client_id client) {
        std::uint32_t wanted = EPOLLIN;
        if (what.what.closing()) {
            wanted = 0;
        } else if (what.what.wants_room()) {
            wanted |= EPOLLOUT;
        }
        // Its end would be told again and again.
        set_interest(what, client, wanted);
    }

    void set_interest(entry& what, client_id client, std::uint32_t wanted) {
        if (wanted == what.watched) {
            return;
        }
        watch(what.what.socket(), wanted, client.value, wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD);
        what.watched = wanted;
    }

    const server_settings _settings;
    const std::size_t _clients_max = std::min(_settings.clients_max, clients_that_fit());
    server_counters _counts;
    session_context _context;
    descriptor _poll;
    descriptor _spare;
    descriptor _door;
    bool _door_is_shut = false;
    bool _parted = false;
    std::uint64_t _latest = 0;
    std::unordered_map<std::uint64_t, entry> _sessions;
    std::deque<client_id> _active;    ///< in the order of their turns
    std::vector<client_id> _expected; ///< those that flood and have just been emptied
    std::vector<client_id> _touched;
    std::set<std::uint64_t> _slow;
};

server::server(const server_settings& settings, base::buffer_pool& pool, request_handler& handler)
    : _core(std::make_unique<core>(settings, pool, handler)) {}
server::~server() = default;

std::expected<void, std::error_code> server::listen(const std::string& path) { return _core->listen(path); }
int server::poll_descriptor() const { return _core->poll_descriptor(); }
void server::run_ready() { _core->run_ready(); }
void server::run_turn() { _core->run_turn(); }
bool server::busy() const { return _core->busy(); }
bool server::expects_more() const { return _core->expects_more(); }
void server::look_again() { _core->look_again(); }

void server::tell_message(client_id client, std::string_view group, const address& sender, bytes_view body) {
    if (event_sender* const events = _core->events_of(client)) {
        events->add_message(group, sender, body);
    }
}

void server::tell_change(client_id client, std::string_view group, std::span<const address> members,
                         std::span<const address> left, std::span<const address> joined) {
    if (event_sender* const events = _core->events_of(client)) {
        events->add_change(group, members, left, joined);
    }
}

void server::tell_ring_view(client_id client, node_id coordinator, std::uint64_t epoch,
                            std::span<const node_id> nodes) {
    if (event_sender* const events = _core->events_of(client)) {
        events->add_ring_view(coordinator, epoch, nodes);
    }
}

void server::admit_waiting() { _core->admit_waiting(); }
void server::resume(client_id client) { _core->resume(client); }
std::vector<server::slow_client> server::slow_clients() const { return _core->slow_clients(); }
bool server::has_slow() const { return _core->has_slow(); }
void server::part_with_slow() { _core->part_with_slow(); }
void server::flush() { _core->flush(); }
const server_counters& server::counts() const { return _core->counts(); }
std::size_t server::clients() const { return _core->clients(); }
bool server::take_parted() { return _core->take_parted(); }
void server::drop_idle() { _core->drop_idle(); }

} // namespace coterie::ipc

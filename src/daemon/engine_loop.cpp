// SPDX-License-Identifier: BSD-3-Clause
// The event loop on Asio. Every handler reads the clock once, feeds the state machines, and calls settle(), which is the
// only place where anything is sent.
#include "daemon/engine_loop.hpp"

#include "daemon/client_door.hpp"
#include "daemon/lifecycle.hpp"
#include "daemon/line_limit.hpp"
#include "daemon/network_port.hpp"
#include "daemon/network_setup.hpp"
#include "daemon/node_journal.hpp"
#include "daemon/path_text.hpp"
#include "daemon/privileges.hpp"
#include "daemon/socket_watch.hpp"
#include "daemon/status_report.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <filesystem>
#include <memory>
#include <spdlog/spdlog.h>

namespace coterie::daemon {

namespace {

/// Datagrams taken in one turn; then clients and timers have theirs.
constexpr std::size_t datagrams_a_turn = 128;
/// Before a timer is judged the socket is emptied, but not for ever.
constexpr std::size_t datagrams_before_timers = 65'536;
/// How often requests may lead to deliveries and these to requests before other inputs have a turn.
constexpr int rounds_a_turn = 8;
/// How often slow clients are looked at.
constexpr auto slow_clients_every = std::chrono::milliseconds(100);
/// So long after clients have gone memory is given back.
constexpr auto tidy_after = std::chrono::seconds(1);
/// A node that learns this soon that another has its id, and has met nobody yet, gives way.
constexpr auto newcomer_time = std::chrono::seconds(10);
/// But for so long it goes on, so that the other notices it as well and names its address in its log.
constexpr auto newcomer_stays = std::chrono::seconds(1);

base::time_point to_engine_time(std::chrono::steady_clock::time_point point) {
    return base::time_point(std::chrono::duration_cast<base::duration>(point.time_since_epoch()));
}

std::chrono::steady_clock::time_point to_clock_time(base::time_point point) {
    return std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(point.time_since_epoch()));
}

} // namespace

class engine_loop::core final : public ring::environment, public network_port::receiver {
public:
    explicit core(node_parts parts)
        : _parts(std::move(parts)),
          _door([this](const std::string& line) { tell_of_client(line); }),
          _journal(_parts.ring.self, _parts.recorder.get(), [this](base::node_id node) { return name_of(node); }),
          _service(_parts.groups, _pool, _door, _parts.recorder.get()),
          _server(with_door(_parts), _pool, _door),
          _engine(_parts.ring, _pool, *this, _journal, _service) {
        _door.connect(_service, _server);
        _door.report_by({.status = [this] { return report(); }, .pauses = [this] { return pauses(); }});
        _journal.connect(_service);
        if (_parts.net) {
            _port.emplace(
                *_parts.net, std::exchange(_parts.sealing, std::nullopt),
                stranger_watch::identity{.node = _parts.ring.self.node,
                                         .nonce = _parts.ring.self.nonce,
                                         .cluster_name = _parts.cluster_name},
                _pool, [this](const stranger_watch::finding& what) { stranger_found(what); },
                [this](base::node_id node) { return "node " + _journal.named(node); });
        }
        if (_parts.read_keys) {
            _key_reload.emplace(_parts.read_keys, [this](key_reload::keys found) {
                auto shared = std::make_shared<key_reload::keys>(std::move(found));
                asio::post(_io, [this, shared] { keys_are_read(std::move(*shared)); });
            });
        }
    }

    ~core() override {
        // Their threads report to the loop.
        _parts.book.reset();
        _parts.store.reset();
        _key_reload.reset();
        _sockets.reset();
        // The descriptor belongs to the server.
        _clients_ready.release();
    }

    std::expected<void, std::string> open(const std::string& socket_path) {
        if (_port) {
            if (const auto opened = _port->open(); !opened) {
                return opened;
            }
        }
        std::error_code ignored;
        std::filesystem::create_directories(std::filesystem::path(socket_path).parent_path(), ignored);
        if (const auto listening = _server.listen(socket_path); !listening) {
            const bool live = listening.error() == std::errc::address_in_use;
            const bool no_socket = listening.error() == std::errc::file_exists;
            return std::unexpected("socket " + socket_path + " cannot be used: " +
                                   (live        ? "another daemon listens there"
                                    : no_socket ? "something that is no socket stands there"
                                                : listening.error().message()));
        }
        _socket_path = socket_path;
        _clients_ready.assign(_server.poll_descriptor());
        return {};
    }

    std::expected<void, std::string> run() {
        _parts.store->start(
            [this](base::epoch_number epoch) { asio::post(_io, [this, epoch] { epoch_is_stored(epoch); }); },
            [](const std::string& fault) { spdlog::error("{}", fault); });
        _life.start();
        begin_input();
        _started_at = _now;
        _facts = facts();
        _journal.started();
        _engine.start(_now);
        settle();
        watch_clients();
        if (_port) {
            watch_network();
            for (const std::string& line : _port->absent_links()) {
                spdlog::error("{}", line);
            }
            for (const std::string& line : _port->kernel_hints()) {
                spdlog::info("{}", line);
            }
        }
        if (_parts.book) {
            _parts.book->listen([this](const std::string& name, const known_addresses& known) {
                asio::post(_io, [this, name, known] { name_is_known(name, known); });
            });
        }
        _io.run();
        // Nobody shall find a socket file at which nobody listens.
        std::error_code ignored;
        std::filesystem::remove(_socket_path, ignored);
        return _outcome;
    }

    // ring::environment
    void send(const base::buffer& packet, std::span<const base::node_id> targets) override {
        if (net::transport* const transport = open_transport()) {
            transport->send(packet, targets);
        }
    }
    void store(base::epoch_number epoch) override { _parts.store->store(epoch); }
    void on_step(const ring::step& what) override {
        if (what.what == ring::step::kind::suspected && _packet != nullptr && says_farewell(*_packet, what.peer)) {
            _journal.leaves(what.peer);
        }
        _journal.step(what);
    }

    // network_port::receiver
    void on_packet(const base::buffer& datagram, const wire::opened& packet) override {
        _packet = &packet;
        _engine.on_packet(_now, datagram, packet);
        _packet = nullptr;
    }
    void on_refused(base::node_id node) override { _engine.on_refused(_now, node); }
    void on_path(base::node_id node, const net::path_report& path) override {
        // Of one link there is nothing to say that the view does not say.
        if (_port->settings().links.size() > 1) {
            std::vector<net::path_report> all;
            for (const net::path_status& each : _port->transport()->paths(_now, node)) {
                all.push_back(each.seen);
            }
            spdlog::log(is_alarming(path, all) ? spdlog::level::warn : spdlog::level::info, "{}",
                        path_line(_journal.named(node), path, all));
        }
    }
    void on_path_size(base::node_id node, net::link_number link, std::size_t before, std::size_t bytes) override {
        _resized = true;
        if (bytes < before) {
            if (_size_lines.judge(_now).tell) {
                spdlog::warn("{}", shrunk_line(_journal.named(node), link, before, bytes));
            }
        } else {
            spdlog::debug("{}: datagrams of {} bytes pass on link {}", _journal.named(node), bytes, link.value);
        }
    }
    void on_unsegmented(base::node_id node, net::link_number link, int error) override {
        if (_row_lines.judge(_now).tell) {
            spdlog::warn("{}", unsegmented_line(_journal.named(node), link, error));
        }
    }

private:
    void begin_input() {
        _now = to_engine_time(std::chrono::steady_clock::now());
        _journal.set_time(_now);
        _service.set_trace_time(_now.time_since_epoch().count());
    }

    /// Carries on what an input has led to, until nothing is left or others must have a turn.
    void settle() {
        if (_service.ready() && !std::exchange(_open, true)) {
            _server.admit_waiting();
            _life.serving();
        }
        if (const ring::regular_view& view = _engine.view(); view.id != _view_told) {
            _view_told = view.id;
            _resized = true;
            _met_others = _met_others || view.members.size() > 1;
            _life.status(_journal.summary());
        }
        if (std::exchange(_resized, false) && open_transport() != nullptr) {
            _engine.set_datagram_bytes(open_transport()->datagram_bytes(_engine.view().members));
        }
        _server.flush();
        for (int round = 0; _door.take_news(); ++round) {
            _engine.on_pending(_now);
            _server.flush();
            if (round == rounds_a_turn) {
                asio::post(_io, [this] {
                    begin_input();
                    _engine.on_pending(_now);
                    settle();
                });
                break;
            }
        }
        post_turn();
        watch_slow_clients();
        if (_server.take_parted() && !std::exchange(_tidying, true)) {
            tidy_later();
        }
        if (net::transport* const transport = open_transport()) {
            transport->flush(_now);
            if (_sockets) {
                _sockets->watch_room();
            }
        }
        if (_engine.retired()) {
            end();
            return;
        }
        set_timer();
    }

    /// Clients that have more to ask for have their next turn after other inputs have had theirs.
    void post_turn() {
        if (_server.expects_more() && !std::exchange(_looking_again, true)) {
            _look_again.expires_after(ipc::server::look_again_after);
            _look_again.async_wait([this](const std::error_code& fault) {
                _looking_again = false;
                if (!fault) {
                    begin_input();
                    _server.look_again();
                    _server.run_turn();
                    settle();
                }
            });
        }
        if (!_server.busy() || std::exchange(_turn_posted, true)) {
            return;
        }
        asio::post(_io, [this] {
            _turn_posted = false;
            begin_input();
            _server.run_turn();
            settle();
        });
    }

    void watch_slow_clients() {
        if (!_server.has_slow() || std::exchange(_watching_slow, true)) {
            return;
        }
        _slow_timer.expires_after(slow_clients_every);
        _slow_timer.async_wait([this](const std::error_code& fault) {
            _watching_slow = false;
            if (!fault) {
                begin_input();
                _door.tell_slow(_server.slow_clients());
                _server.part_with_slow();
                settle();
            }
        });
    }

    /// What waited for clients that are gone lay between other things, where it does not go back to the system by itself.
    void tidy_later() {
        _tidy_timer.expires_after(tidy_after);
        _tidy_timer.async_wait([this](const std::error_code& fault) {
            _tidying = false;
            if (!fault) {
                _pool.drop_idle();
                _server.drop_idle();
                return_memory();
            }
        });
    }

    void set_timer() {
        const net::transport* const transport = open_transport();
        const base::time_point wanted =
            transport == nullptr ? _engine.deadline() : std::min(_engine.deadline(), transport->deadline());
        // A timer that comes too early is cheaper than one that is set again and again.
        if (wanted == base::never || (_timer_set && _wakes_at <= wanted)) {
            return;
        }
        _wakes_at = wanted;
        _timer_set = true;
        _timer.expires_at(to_clock_time(wanted));
        _timer.async_wait([this](const std::error_code& fault) {
            if (!fault) {
                wake();
            }
        });
    }

    void wake() {
        _timer_set = false;
        begin_input();
        // What came while this node did not run is read before anyone is found silent.
        for (std::size_t taken = 0; open_transport() != nullptr && taken < datagrams_before_timers;
             taken += datagrams_a_turn) {
            if (!receive()) {
                break;
            }
        }
        if (_port) {
            _port->on_time(_now, *this);
            tell_refusals();
        }
        if (_engine.deadline() <= _now) {
            _engine.on_time(_now);
        }
        settle();
    }

    void watch_network() {
        _sockets.emplace(
            _io, *_port->transport(),
            [this] {
                begin_input();
                static_cast<void>(receive());
                settle();
            },
            [this] {
                begin_input();
                settle();
            });
    }

    void watch_clients() {
        _clients_ready.async_wait(asio::posix::stream_descriptor::wait_read, [this](const std::error_code& fault) {
            if (fault) {
                return;
            }
            begin_input();
            _server.run_ready();
            settle();
            watch_clients();
        });
    }

    /// For whoever judges the trace at the end of a run.
    void record_tables() {
        begin_input();
        if (_parts.recorder) {
            _service.record_tables(_now.time_since_epoch().count());
        }
    }

    void tell_refusals() {
        if (_now < _refusals_next) {
            return;
        }
        _refusals_next = _now + refusal_watch::look_every;
        for (const std::string& line : _port->refusals(_now)) {
            spdlog::warn("{}", line);
        }
    }

    void reload() {
        if (_key_reload) {
            _key_reload->start();
        }
    }

    void keys_are_read(key_reload::keys found) {
        if (!found) {
            spdlog::error("the keys stay as they are: {}", found.error());
            return;
        }
        begin_input();
        spdlog::info("keys are read anew: number {} is used{}", found->used.slot(),
                     found->other ? fmt::format(", number {} is accepted as well", found->other->slot()) : "");
        _port->transport()->change_keys(std::move(*found));
    }

    void epoch_is_stored(base::epoch_number epoch) {
        begin_input();
        _engine.on_stored(_now, epoch);
        settle();
    }

    void leave() {
        begin_input();
        _engine.leave(_now);
        settle();
    }

    /// Null on no network.
    net::transport* open_transport() { return _port ? _port->transport() : nullptr; }

    bool receive() { return open_transport() != nullptr && _port->receive(_now, *this, datagrams_a_turn); }

    static bool says_farewell(const wire::opened& packet, base::node_id node) {
        if (packet.kind != wire::packet_kind::heartbeat || packet.from.node != node) {
            return false;
        }
        const auto heartbeat = wire::decode_heartbeat(packet.body);
        return heartbeat && (heartbeat->flags & wire::heartbeat::leaving) != 0;
    }

    /// A peer's name could not be resolved when this node started, and now can.
    void name_is_known(const std::string& name, const known_addresses& known) {
        begin_input();
        for (const network_port::late_peer& each : _port->on_name(_parts.nodes, name, known)) {
            spdlog::log(each.added ? spdlog::level::info : spdlog::level::err, "{}", each.line);
        }
        _facts = facts();
        settle();
    }

    void stranger_found(const stranger_watch::finding& what) {
        const bool doubled = what.what == stranger_watch::kind::own_id_is_alive;
        if (!what.line.empty()) {
            spdlog::log(doubled ? spdlog::level::err : spdlog::level::warn, "{}", what.line);
        }
        if (!doubled || _met_others) {
            return;
        }
        if (!_doubled_since) {
            _doubled_since = _now;
        }
        if (*_doubled_since - _started_at < newcomer_time && _now - *_doubled_since >= newcomer_stays) {
            give_up(fmt::format("nodeid {} is another daemon's, which was here before this one", what.node.value));
        }
    }

    void tell_of_client(const std::string& line) {
        const line_limit::verdict judged = _client_lines.judge(_now);
        if (judged.left_out > 0) {
            spdlog::warn("{} more clients were cut off before", judged.left_out);
        }
        if (judged.tell) {
            spdlog::warn("{}", line);
        }
    }

    void give_up(const std::string& why) {
        _outcome = std::unexpected(why);
        _io.stop();
    }

    void end() {
        if (!std::exchange(_ended, true)) {
            _journal.retired();
            _io.stop();
        }
    }

    std::string report() {
        const net::transport* const transport = open_transport();
        return status_report({.facts = _facts,
                              .engine = _engine,
                              .groups = _service,
                              .network = transport != nullptr ? &transport->counts() : nullptr,
                              .paths = transport != nullptr ? transport->paths(_now) : std::vector<net::node_paths>{},
                              .sealing = transport != nullptr ? transport->sealing() : std::nullopt,
                              .clients = _server.counts(),
                              .clients_connected = _server.clients(),
                              .slow_clients = slow_clients(),
                              .now = _now});
    }

    ipc::pauses pauses() const {
        const auto ns = [](base::duration span) { return static_cast<std::uint64_t>(span.count()); };
        const ring::pauses& known = _engine.paused();
        return known.count == 0
                   ? ipc::pauses{}
                   : ipc::pauses{.count = known.count, .last_ns = ns(known.last), .passed_ns = ns(_now - known.ended)};
    }

    std::vector<slow_process> slow_clients() const {
        std::vector<slow_process> result;
        for (const ipc::server::slow_client& each : _server.slow_clients()) {
            result.push_back(_door.described(each));
        }
        return result;
    }

    /// Nodes whose names become known later have no address in it before.
    daemon_facts facts() const {
        return {.self = _parts.ring.self.node,
                .cluster_name = _parts.cluster_name,
                .configuration_file = _parts.configuration_file,
                .socket_path = _socket_path,
                .nodes = named_nodes(_parts.ring.self.node, _parts.nodes, _port ? &_port->settings() : nullptr),
                .mode = _port ? _port->settings().mode : net::link_mode::passive,
                .links = _port ? _port->settings().links : std::vector<net::local_link>{},
                .started = _started_at};
    }

    static ipc::server_settings with_door(const node_parts& parts) {
        ipc::server_settings result = parts.ipc;
        result.admits = [policy = parts.door](const ipc::credentials& who, std::span<const gid_t> groups) {
            return policy.admits(who.user, who.group, groups);
        };
        return result;
    }

    std::string name_of(base::node_id node) const {
        for (const config::node& each : _parts.nodes) {
            if (each.id == node) {
                return each.name.empty() ? each.addresses.front().host : each.name;
            }
        }
        return {};
    }

    node_parts _parts;
    base::buffer_pool _pool;
    client_door _door;
    node_journal _journal;
    groups::service _service;
    ipc::server _server;
    std::optional<network_port> _port; ///< nothing: on no network
    ring::engine _engine;
    std::string _socket_path;
    daemon_facts _facts;

    asio::io_context _io{1};
    asio::steady_timer _timer{_io};
    asio::steady_timer _look_again{_io};
    asio::steady_timer _slow_timer{_io};
    asio::steady_timer _tidy_timer{_io};
    lifecycle _life{_io,
                    {.leave = [this] { leave(); },
                     .end = [this] { _io.stop(); },
                     .record_tables = [this] { record_tables(); },
                     .reload = [this] { reload(); }}};
    std::optional<socket_watch> _sockets; ///< of the network, while the loop runs
    asio::posix::stream_descriptor _clients_ready{_io};
    base::time_point _now;
    base::time_point _started_at;
    base::time_point _refusals_next{};
    std::optional<key_reload> _key_reload;          ///< where keys are in files
    std::optional<base::time_point> _doubled_since; ///< when another was found to have this node's id
    base::time_point _wakes_at;
    const wire::opened* _packet = nullptr; ///< the one that is being handled
    line_limit _client_lines;
    line_limit _row_lines;  ///< about datagrams that are not sent in rows
    line_limit _size_lines; ///< about networks that swallow large datagrams
    base::view_id _view_told;
    std::expected<void, std::string> _outcome;
    bool _met_others = false; ///< there was a view with other nodes
    bool _resized = false;    ///< the largest datagram that reaches everybody may be another
    bool _timer_set = false;
    bool _turn_posted = false; ///< for clients
    bool _looking_again = false;
    bool _watching_slow = false;
    bool _tidying = false;
    bool _open = false; ///< clients are admitted
    bool _ended = false;
};

engine_loop::engine_loop(node_parts parts) : _core(std::make_unique<core>(std::move(parts))) {}
engine_loop::~engine_loop() = default;
std::expected<void, std::string> engine_loop::open(const std::string& socket_path) { return _core->open(socket_path); }
std::expected<void, std::string> engine_loop::run() { return _core->run(); }

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// The event loop on Asio. Every handler reads the clock once, feeds the state machines, and calls settle(), which is the
// only place where anything is sent.
#include "daemon/engine_loop.hpp"

#include "daemon/client_door.hpp"
#include "daemon/node_journal.hpp"
#include "daemon/status_report.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <spdlog/spdlog.h>

namespace coterie::daemon {

namespace {

/// Datagrams taken in one turn; then clients and timers have theirs.
constexpr std::size_t datagrams_a_turn = 128;
/// Before a timer is judged the socket is emptied, but not for ever.
constexpr std::size_t datagrams_before_timers = 65'536;
/// How often requests may lead to deliveries and these to requests before other inputs have a turn.
constexpr int rounds_a_turn = 8;
/// A leave that nobody takes note of ends after this time.
constexpr auto leave_limit = std::chrono::seconds(3);

base::time_point to_engine_time(std::chrono::steady_clock::time_point point) {
    return base::time_point(std::chrono::duration_cast<base::duration>(point.time_since_epoch()));
}

std::chrono::steady_clock::time_point to_clock_time(base::time_point point) {
    return std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(point.time_since_epoch()));
}

} // namespace

class engine_loop::core final : public ring::environment, public net::packet_sink {
public:
    explicit core(node_parts parts)
        : _parts(std::move(parts)),
          _door([](const std::string& line) { spdlog::warn(line); }),
          _journal(_parts.ring.self, _parts.recorder.get(), [this](base::node_id node) { return name_of(node); }),
          _service(_parts.groups, _pool, _door, _parts.recorder.get()),
          _server(_parts.ipc, _pool, _door),
          _engine(_parts.ring, _pool, *this, _journal, _service) {
        _door.connect(_service, _server);
        _door.report_by([this] { return report(); });
        _journal.connect(_service);
    }

    ~core() override {
        // Its thread reports to the loop.
        _parts.store.reset();
        // The descriptors belong to the transport and the server.
        _network_ready.release();
        _clients_ready.release();
    }

    std::expected<void, std::string> open(const std::string& socket_path) {
        if (_parts.net) {
            auto opened = net::transport::open(*_parts.net, _pool);
            if (!opened) {
                return std::unexpected(_parts.net->local.text() +
                                       " cannot be used for UDP: " + opened.error().message());
            }
            _transport.emplace(std::move(*opened));
            _network_ready.assign(_transport->descriptor());
        }
        std::error_code ignored;
        std::filesystem::create_directories(std::filesystem::path(socket_path).parent_path(), ignored);
        if (const auto listening = _server.listen(socket_path); !listening) {
            const bool live = listening.error() == std::errc::address_in_use;
            return std::unexpected("socket " + socket_path + " cannot be used: " +
                                   (live ? "another daemon listens there" : listening.error().message()));
        }
        _socket_path = socket_path;
        _clients_ready.assign(_server.poll_descriptor());
        return {};
    }

    void run() {
        _parts.store->start(
            [this](base::epoch_number epoch) { asio::post(_io, [this, epoch] { epoch_is_stored(epoch); }); },
            [](const std::string& fault) { spdlog::error("{}", fault); });
        _signals.async_wait([this](const std::error_code& fault, int number) {
            if (!fault) {
                leave(number);
            }
        });
        watch_table_signal();
        begin_input();
        _facts = facts();
        _journal.started();
        _engine.start(_now);
        settle();
        watch_clients();
        if (_transport) {
            watch_network();
        }
        _io.run();
        // Nobody shall find a socket file at which nobody listens.
        std::error_code ignored;
        std::filesystem::remove(_socket_path, ignored);
    }

    // ring::environment
    void send(const base::buffer& packet, std::span<const base::node_id> targets) override {
        if (_transport) {
            _transport->send(packet, targets);
        }
    }
    void store(base::epoch_number epoch) override { _parts.store->store(epoch); }
    void on_step(const ring::step& what) override { _journal.step(what); }

    // net::packet_sink
    void on_packet(const base::buffer& datagram, const wire::opened& packet) override {
        _engine.on_packet(_now, datagram, packet);
    }
    void on_refused(base::node_id node) override { _engine.on_refused(_now, node); }

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
        if (_transport) {
            _transport->flush();
            watch_room();
        }
        if (_engine.retired()) {
            end();
            return;
        }
        set_timer();
    }

    void set_timer() {
        const base::time_point wanted = _engine.deadline();
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
        for (std::size_t taken = 0; _transport && taken < datagrams_before_timers; taken += datagrams_a_turn) {
            if (!_transport->receive(*this, datagrams_a_turn)) {
                break;
            }
        }
        if (_engine.deadline() <= _now) {
            _engine.on_time(_now);
        }
        settle();
    }

    void watch_network() {
        _network_ready.async_wait(asio::posix::stream_descriptor::wait_read, [this](const std::error_code& fault) {
            if (fault) {
                return;
            }
            begin_input();
            static_cast<void>(_transport->receive(*this, datagrams_a_turn));
            settle();
            watch_network();
        });
    }

    void watch_room() {
        if (!_transport->waiting() || _watching_room) {
            return;
        }
        _watching_room = true;
        _network_ready.async_wait(asio::posix::stream_descriptor::wait_write, [this](const std::error_code& fault) {
            _watching_room = false;
            if (!fault) {
                _transport->flush();
                watch_room();
            }
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

    /// SIGUSR1 writes the tables of groups to the trace, for whoever judges it at the end of a run.
    void watch_table_signal() {
        _table_signal.async_wait([this](const std::error_code& fault, int) {
            if (fault) {
                return;
            }
            begin_input();
            if (_parts.recorder) {
                _service.record_tables(_now.time_since_epoch().count());
            }
            watch_table_signal();
        });
    }

    void epoch_is_stored(base::epoch_number epoch) {
        begin_input();
        _engine.on_stored(_now, epoch);
        settle();
    }

    void leave(int signal) {
        spdlog::info("{}: leaving the cluster", signal == SIGTERM ? "SIGTERM" : "SIGINT");
        _leave_timer.expires_after(leave_limit);
        _leave_timer.async_wait([this](const std::error_code& fault) {
            if (!fault) {
                spdlog::warn("leaving took too long; ending without");
                _io.stop();
            }
        });
        begin_input();
        _engine.leave(_now);
        settle();
    }

    void end() {
        if (!std::exchange(_ended, true)) {
            _journal.retired();
            _io.stop();
        }
    }

    std::string report() const {
        return status_report({.facts = _facts,
                              .engine = _engine,
                              .groups = _service,
                              .network = _transport ? &_transport->counts() : nullptr,
                              .clients = _server.counts(),
                              .clients_connected = _server.clients(),
                              .now = _now});
    }

    daemon_facts facts() const {
        daemon_facts result{.self = _parts.ring.self.node,
                            .cluster_name = _parts.cluster_name,
                            .configuration_file = _parts.configuration_file,
                            .socket_path = _socket_path,
                            .nodes = {},
                            .started = _now};
        for (const config::node& each : _parts.nodes) {
            result.nodes.push_back({.node = each.id, .name = each.name, .address = address_of(each.id)});
        }
        if (result.nodes.empty()) {
            result.nodes.push_back({.node = result.self, .name = {}, .address = {}});
        }
        return result;
    }

    /// Where datagrams for a node go, as it was resolved at the start.
    std::string address_of(base::node_id node) const {
        if (node == _parts.ring.self.node) {
            return _parts.net->local.text();
        }
        const auto found = std::ranges::find(_parts.net->peers, node, &net::peer::node);
        return found == _parts.net->peers.end() ? std::string{} : found->where.text();
    }

    std::string name_of(base::node_id node) const {
        for (const config::node& each : _parts.nodes) {
            if (each.id == node) {
                return each.name.empty() ? each.address : each.name;
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
    std::optional<net::transport> _transport;
    ring::engine _engine;
    std::string _socket_path;
    daemon_facts _facts;

    asio::io_context _io{1};
    asio::steady_timer _timer{_io};
    asio::steady_timer _leave_timer{_io};
    asio::signal_set _signals{_io, SIGTERM, SIGINT};
    asio::signal_set _table_signal{_io, SIGUSR1};
    asio::posix::stream_descriptor _network_ready{_io};
    asio::posix::stream_descriptor _clients_ready{_io};
    base::time_point _now;
    base::time_point _wakes_at;
    bool _timer_set = false;
    bool _watching_room = false;
    bool _open = false; ///< clients are admitted
    bool _ended = false;
};

engine_loop::engine_loop(node_parts parts) : _core(std::make_unique<core>(std::move(parts))) {}
engine_loop::~engine_loop() = default;
std::expected<void, std::string> engine_loop::open(const std::string& socket_path) { return _core->open(socket_path); }
void engine_loop::run() { _core->run(); }

} // namespace coterie::daemon

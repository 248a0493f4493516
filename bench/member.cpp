// SPDX-License-Identifier: BSD-3-Clause
// One member of a group under measurement. It joins, waits until the group is complete, sends as fast as it may or one
// message at a time or nothing, checks all that it gets, and prints what it has seen as one JSON object. It uses
// <corosync/cpg.h> alone, so the same program runs on any daemon with that library.
//
// Its exit status is 1 when a message was lost, doubled, altered or out of its sender's row. Whether all members had the
// same order, who runs them has to compare: by `digest` and `received`.
#include "bench/order_check.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <corosync/cpg.h>
#include <cstdio>
#include <cstring>
#include <poll.h>
#include <sys/prctl.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace coterie::bench {

namespace {

using steady = std::chrono::steady_clock;
using std::chrono::duration;

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(steady::now().time_since_epoch()).count();
}

enum class role { flood, ping, listen };

struct options {
    std::string group = "bench";
    role part = role::flood;
    std::size_t members = 1;
    std::size_t senders = 1;
    std::size_t bytes = 100;
    double seconds = 2;
    double warm_up_seconds = 0.5;
    std::uint64_t count = 0; ///< instead of seconds
    std::uint32_t id = 0;    ///< as sender; 0: the node's
    unsigned wait_us = 100;
    double pause_us = 0; ///< between two messages sent one at a time
    double limit_seconds = 30;
    bool safe = false;
    bool whole = false;
};

/// What the dispatching thread tells the sending one, and whoever samples.
struct progress {
    std::atomic<bool> complete = false; ///< all members are there
    std::atomic<bool> over = false;     ///< all that was sent has come, or something failed
    std::atomic<std::uint64_t> received = 0;
    std::atomic<std::uint64_t> own_received = 0;
};

/// The number of messages at a time.
struct sample {
    std::int64_t ns = 0;
    std::uint64_t received = 0;
};

class member {
public:
    explicit member(const options& asked) : _asked(asked), _check(asked.whole ? depth::all : depth::ends) {}

    int run();

private:
    static member& of(cpg_handle_t handle) {
        void* context = nullptr;
        cpg_context_get(handle, &context);
        return *static_cast<member*>(context);
    }

    bool connect();
    void receive();
    void on_message(const void* message, std::size_t bytes);
    void on_change(std::size_t members, std::size_t left);
    bool wait_for(const std::atomic<bool>& what, double seconds);
    void send_flood();
    void send_pings();
    bool send(kind what, std::uint64_t sequence);
    void sleep_until(std::int64_t ns) const;
    sample take_sample() { return {now_ns(), _seen.received.load(std::memory_order_relaxed)}; }
    void print() const;
    int fail(const std::string& what) const;

    const options _asked;
    cpg_handle_t _handle = 0;
    std::uint32_t _id = 0;
    bool _complete = false; ///< of the dispatching thread
    order_check _check;
    progress _seen;
    std::vector<std::byte> _message;
    std::vector<std::int64_t> _latencies_ns; ///< own messages, sent to delivered
    std::int64_t _first_ns = 0;
    std::int64_t _last_ns = 0;
    std::uint64_t _sent = 0;
    std::uint64_t _refused = 0; ///< how often there was no room
    sample _begin;
    sample _end;
};

bool member::connect() {
    cpg_model_v1_data_t model{};
    model.model = CPG_MODEL_V1;
    model.cpg_deliver_fn = [](cpg_handle_t handle, const cpg_name*, uint32_t, uint32_t, void* text, size_t bytes) {
        of(handle).on_message(text, bytes);
    };
    model.cpg_confchg_fn = [](cpg_handle_t handle, const cpg_name*, const cpg_address*, size_t members,
                              const cpg_address*, size_t left, const cpg_address*,
                              size_t) { of(handle).on_change(members, left); };
    const auto deadline = steady::now() + duration<double>(_asked.limit_seconds);
    cs_error_t outcome = CS_OK;
    // A daemon that has just started may not serve yet.
    while ((outcome = cpg_model_initialize(&_handle, CPG_MODEL_V1, reinterpret_cast<cpg_model_data_t*>(&model),
                                           this)) != CS_OK &&
           (outcome == CS_ERR_TRY_AGAIN || outcome == CS_ERR_LIBRARY) && steady::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (outcome != CS_OK) {
        fail(std::string("cannot connect to the daemon: ") + cs_strerror(outcome));
        return false;
    }
    unsigned node = 0;
    outcome = cpg_local_get(_handle, &node);
    _id = _asked.id != 0 ? _asked.id : node;
    cpg_name group{};
    group.length = static_cast<std::uint32_t>(_asked.group.copy(group.value, sizeof(group.value)));
    while (outcome == CS_OK && (outcome = cpg_join(_handle, &group)) == CS_ERR_TRY_AGAIN && steady::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        outcome = CS_OK;
    }
    if (outcome != CS_OK) {
        fail(std::string("cannot join: ") + cs_strerror(outcome));
        return false;
    }
    return true;
}

/// The dispatching thread. Ends when all that was sent has come.
void member::receive() {
    int descriptor = -1;
    cpg_fd_get(_handle, &descriptor);
    while (_check.fault().empty() && _check.ended() < _asked.senders) {
        pollfd wanted{.fd = descriptor, .events = POLLIN, .revents = 0};
        ::poll(&wanted, 1, -1);
        const cs_error_t outcome = cpg_dispatch(_handle, CS_DISPATCH_ALL);
        if (outcome != CS_OK && outcome != CS_ERR_TRY_AGAIN) {
            _check.fail(std::string("cpg_dispatch: ") + cs_strerror(outcome));
        }
    }
    _last_ns = now_ns();
    _seen.over = true;
    _seen.over.notify_all();
    _seen.own_received.store(~std::uint64_t{0});
    _seen.own_received.notify_all();
}

void member::on_message(const void* message, std::size_t bytes) {
    const heading* const what = _check.take(message, bytes);
    if (what == nullptr) {
        return;
    }
    if (!_complete) {
        _check.fail("a message before the group was complete");
    }
    if (what->what != kind::numbered) {
        return;
    }
    if (bytes != _asked.bytes) {
        _check.fail("a message of " + std::to_string(bytes) + " bytes, not " + std::to_string(_asked.bytes));
    }
    if (_check.count() == 1) {
        _first_ns = now_ns();
    }
    _seen.received.store(_check.count(), std::memory_order_relaxed);
    if (_asked.part == role::ping && what->sender == _id) {
        _latencies_ns.push_back(now_ns() - what->sent_ns);
        _seen.own_received.store(what->sequence + 1, std::memory_order_release);
        _seen.own_received.notify_one();
    }
}

void member::on_change(std::size_t members, std::size_t left) {
    if (left > 0 && _check.ended() < _asked.senders) {
        _check.fail("a member left amid the run");
    }
    if (members == _asked.members) {
        _complete = true;
        _seen.complete = true;
        _seen.complete.notify_all();
    }
}

/// False when the time is over first.
bool member::wait_for(const std::atomic<bool>& what, double seconds) {
    const auto deadline = steady::now() + duration<double>(seconds);
    while (!what && steady::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return what;
}

/// Sends one message, waiting for room; false when that is no longer sensible.
bool member::send(kind what, std::uint64_t sequence) {
    const std::size_t bytes = what == kind::numbered ? _asked.bytes : bytes_min;
    write_message({_message.data(), bytes}, {.what = what, .sender = _id, .sequence = sequence, .sent_ns = now_ns()},
                  _asked.whole ? depth::all : depth::ends);
    const iovec part{_message.data(), bytes};
    while (!_seen.over) {
        const cs_error_t outcome = cpg_mcast_joined(_handle, _asked.safe ? CPG_TYPE_SAFE : CPG_TYPE_AGREED, &part, 1);
        if (outcome == CS_OK) {
            return true;
        }
        if (outcome != CS_ERR_TRY_AGAIN) {
            std::fprintf(stderr, "member: cpg_mcast_joined: %s\n", cs_strerror(outcome));
            return false;
        }
        ++_refused;
        if (_asked.wait_us > 0) {
            std::this_thread::sleep_for(std::chrono::microseconds(_asked.wait_us));
        } else {
            std::this_thread::yield();
        }
    }
    return false;
}

void member::sleep_until(std::int64_t ns) const {
    while (!_seen.over && now_ns() < ns) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(std::min<std::int64_t>(ns - now_ns(), 10'000'000)));
    }
}

void member::send_flood() {
    const auto end_ns = _end.ns;
    bool fine = true;
    while (fine && (_asked.count > 0 ? _sent < _asked.count : now_ns() < end_ns)) {
        fine = send(kind::numbered, _sent);
        _sent += fine ? 1 : 0;
    }
}

void member::send_pings() {
    bool fine = true;
    while (fine && !_seen.over && (_asked.count > 0 ? _sent < _asked.count : now_ns() < _end.ns)) {
        fine = send(kind::numbered, _sent);
        ++_sent;
        for (std::uint64_t got = 0; fine && (got = _seen.own_received.load(std::memory_order_acquire)) < _sent;) {
            _seen.own_received.wait(got);
        }
        if (_asked.pause_us > 0) {
            std::this_thread::sleep_for(duration<double, std::micro>(_asked.pause_us));
        }
    }
}

int member::run() {
    ::prctl(PR_SET_TIMERSLACK, 1);
    _message.resize(std::max(_asked.bytes, bytes_min));
    if (!connect()) {
        return 1;
    }
    std::jthread receiver([this] { receive(); });
    if (!wait_for(_seen.complete, _asked.limit_seconds)) {
        fail("the group did not become complete: daemons that do not find each other?");
        std::_Exit(1);
    }
    const std::int64_t start_ns = now_ns();
    const auto in_ns = [](double seconds) { return static_cast<std::int64_t>(seconds * 1e9); };
    _begin.ns = start_ns + in_ns(_asked.warm_up_seconds);
    _end.ns = _begin.ns + in_ns(_asked.seconds);
    std::jthread sender([this] {
        if (_asked.part != role::listen) {
            _asked.part == role::flood ? send_flood() : send_pings();
            send(kind::last, _sent);
        }
    });
    if (_asked.count == 0) {
        sleep_until(_begin.ns);
        _begin = take_sample();
        sleep_until(_end.ns);
        const std::int64_t planned = _end.ns;
        const sample end = take_sample();
        sender.join();
        _end = {std::max(planned, end.ns), end.received};
    } else {
        sender.join();
    }
    if (!wait_for(_seen.over, _asked.limit_seconds)) {
        fail("what was sent did not come within " + std::to_string(_asked.limit_seconds) +
             " s: " + std::to_string(_seen.received) + " messages received");
        std::_Exit(1);
    }
    receiver.join();
    cpg_finalize(_handle);
    if (_asked.count > 0) {
        _begin = {_first_ns, 0};
        _end = {_last_ns, _check.count()};
    }
    print();
    return _check.fault().empty() ? 0 : fail(_check.fault());
}

void member::print() const {
    std::string counts;
    for (const auto& [sender, count] : _check.counts()) {
        counts += (counts.empty() ? "" : ", ") + ("\"" + std::to_string(sender) + "\": ") + std::to_string(count);
    }
    const double seconds = static_cast<double>(_end.ns - _begin.ns) / 1e9;
    const double rate = static_cast<double>(_end.received - _begin.received) / seconds;
    std::printf("{\"id\": %u, \"ok\": %s, \"sent\": %llu, \"refused\": %llu, \"received\": %llu, \"counts\": {%s}, "
                "\"digest\": \"%016llx\", \"seconds\": %.4f, \"rate\": %.1f",
                _id, _check.fault().empty() ? "true" : "false", static_cast<unsigned long long>(_sent),
                static_cast<unsigned long long>(_refused), static_cast<unsigned long long>(_check.count()),
                counts.c_str(), static_cast<unsigned long long>(_check.digest()), seconds, rate);
    if (!_latencies_ns.empty()) {
        std::vector<std::int64_t> sorted = _latencies_ns;
        std::sort(sorted.begin(), sorted.end());
        const auto at = [&](double part) {
            const auto place = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
            return static_cast<double>(sorted[place]) / 1e3;
        };
        std::printf(", \"latency_us\": {\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}", at(0.5),
                    at(0.99), at(0.999), at(1));
    }
    std::printf("}\n");
    std::fflush(stdout);
}

int member::fail(const std::string& what) const {
    std::fprintf(stderr, "member %u: %s\n", _id, what.c_str());
    return 1;
}

} // namespace

} // namespace coterie::bench

int main(int argc, char** argv) {
    using coterie::bench::role;
    coterie::bench::options asked;
    CLI::App app("One member of a group under measurement.");
    app.add_option("role", asked.part, "flood, ping or listen")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, role>{{"flood", role::flood}, {"ping", role::ping}, {"listen", role::listen}}))
        ->required();
    app.add_option("--group", asked.group)->capture_default_str();
    app.add_option("--members", asked.members, "the group is complete with so many")->capture_default_str();
    app.add_option("--senders", asked.senders, "so many of them send")->capture_default_str();
    app.add_option("--bytes", asked.bytes, "the size of a message")->capture_default_str();
    app.add_option("--seconds", asked.seconds, "how long is measured")->capture_default_str();
    app.add_option("--warm-up", asked.warm_up_seconds, "seconds before")->capture_default_str();
    app.add_option("--count", asked.count, "so many messages of each sender, instead of seconds");
    app.add_option("--id", asked.id, "as sender (default: the node's id)");
    app.add_option("--wait-us", asked.wait_us, "how long to sleep when there is no room; 0: yield")
        ->capture_default_str();
    app.add_option("--pause-us", asked.pause_us, "between two messages of a ping")->capture_default_str();
    app.add_option("--limit", asked.limit_seconds, "seconds until a wait has failed")->capture_default_str();
    app.add_flag("--safe", asked.safe, "CPG_TYPE_SAFE instead of CPG_TYPE_AGREED");
    app.add_flag("--whole", asked.whole, "fill and compare every byte, not the ends alone");
    CLI11_PARSE(app, argc, argv);
    if (asked.bytes < coterie::bench::bytes_min) {
        std::fprintf(stderr, "member: --bytes is at least %zu\n", coterie::bench::bytes_min);
        return 2;
    }
    return coterie::bench::member(asked).run();
}

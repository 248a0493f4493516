// SPDX-License-Identifier: BSD-3-Clause
// Two threads: one dispatches and judges, the other one sends. One message at a time is the affair of the first alone, as in
// a program of one thread. The caller's waits, and samples the count of messages.
#include "bench/member.hpp"

#include "bench/client_handle.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

namespace coterie::bench {

namespace {

/// How long the dispatching thread sleeps at most, so that it notices that it is to end.
constexpr int sleep_ms_max = 50;

class member;

/// The place of a member in one of its groups.
struct seat {
    seat(member& owner, const order_check::expectation& expected) : whose(owner), check(expected) {}
    member& whose;
    client_handle handle;
    order_check check;
    bool complete = false; ///< all members are there
    bool told = false;     ///< the others have the verdict
    std::uint64_t sent = 0;
};

class member {
public:
    explicit member(const member_options& asked) : _asked(asked) {}
    member(const member&) = delete;
    member& operator=(const member&) = delete;
    ~member() {
        if (_epoll >= 0) {
            ::close(_epoll);
        }
    }
    std::expected<member_report, std::string> run();

private:
    std::expected<void, std::string> connect();
    void receive();
    void on_message(seat& at, member_id from, const void* message, std::size_t bytes);
    void on_change(seat& at, std::size_t members, std::size_t left);
    void tell_verdicts();
    [[nodiscard]] bool over() const { return _over.load(std::memory_order_acquire); }
    void end();

    bool send_next();
    void send_when_it_is_back();
    std::int64_t wait_for_turn();
    bool send(seat& to, kind what, std::int64_t sent_ns);

    bool wait_for(const std::atomic<bool>& what) const;
    void sleep_until(std::int64_t ns) const;
    void measure();
    [[nodiscard]] std::string fault() const;
    [[nodiscard]] member_report report() const;

    const member_options _asked;
    std::vector<std::unique_ptr<seat>> _seats;
    member_id _self;
    int _epoll = -1;

    // Of the dispatching thread.
    std::size_t _complete = 0;
    std::uint64_t _received = 0;
    std::size_t _ended = 0;
    std::size_t _agreed = 0;
    bool _faulty = false;
    std::uint64_t _own_received = 0;
    latencies _latencies;
    std::int64_t _first_ns = 0;
    std::int64_t _last_ns = 0;

    // Of the thread that sends.
    std::vector<std::byte> _message;
    std::uint64_t _sent = 0;
    bool _has_sent_all = false;
    std::uint64_t _refused = 0;

    // What the threads tell each other.
    std::atomic<bool> _all_complete = false;
    std::atomic<bool> _begun = false;    ///< it is known when measuring begins and ends
    std::atomic<bool> _over = false;     ///< all members agree, or something failed, or it took too long
    std::atomic<bool> _measured = false; ///< the rate is known
    std::atomic<std::uint64_t> _received_shown = 0;
    std::int64_t _start_ns = 0;
    std::atomic<std::int64_t> _begin_ns = 0; ///< when measuring begins
    std::int64_t _end_ns = 0;
    double _rate = 0;
    double _seconds = 0;
    std::string _send_fault; ///< read when the sending thread has ended
};

std::expected<void, std::string> member::connect() {
    cpg_model_v1_data_t model{};
    model.cpg_deliver_fn = [](cpg_handle_t handle, const cpg_name*, uint32_t node, uint32_t pid, void* text,
                              size_t bytes) {
        seat& at = client_handle::owner<seat>(handle);
        at.whose.on_message(at, {.node = {node}, .pid = pid}, text, bytes);
    };
    model.cpg_confchg_fn = [](cpg_handle_t handle, const cpg_name*, const cpg_address*, size_t members,
                              const cpg_address*, size_t left, const cpg_address*, size_t) {
        seat& at = client_handle::owner<seat>(handle);
        at.whose.on_change(at, members, left);
    };
    _epoll = ::epoll_create1(EPOLL_CLOEXEC);
    const order_check::expectation expected{
        .members = _asked.members, .senders = _asked.senders, .bytes = _asked.bytes, .compared = _asked.compared};
    for (std::size_t number = 1; number <= _asked.groups; ++number) {
        seat& at = *_seats.emplace_back(std::make_unique<seat>(*this, expected));
        if (auto opened = at.handle.open(model, &at, _asked.limit_seconds); !opened) {
            return opened;
        }
        const std::string name = _asked.groups == 1 ? _asked.group : _asked.group + "-" + std::to_string(number);
        if (auto joined = at.handle.join(name, _asked.limit_seconds); !joined) {
            return joined;
        }
        epoll_event wanted{.events = EPOLLIN, .data = {.ptr = &at}};
        ::epoll_ctl(_epoll, EPOLL_CTL_ADD, at.handle.descriptor(), &wanted);
    }
    _self = _seats.front()->handle.id();
    return {};
}

/// The dispatching thread. Ends when all members agree on all groups.
void member::receive() {
    std::array<epoll_event, 64> ready{};
    while (!over() && !_faulty && _agreed < _seats.size()) {
        const bool verdicts_wait = _ended == _seats.size() && !_seats.back()->told;
        const int count =
            ::epoll_wait(_epoll, ready.data(), static_cast<int>(ready.size()), verdicts_wait ? 1 : sleep_ms_max);
        for (int i = 0; i < count; ++i) {
            seat& at = *static_cast<seat*>(ready[static_cast<std::size_t>(i)].data.ptr);
            const cs_error_t outcome = cpg_dispatch(at.handle.get(), CS_DISPATCH_ALL);
            if (outcome != CS_OK && outcome != CS_ERR_TRY_AGAIN) {
                at.check.fail(fault_text("cpg_dispatch", outcome));
            }
            _faulty = _faulty || !at.check.fault().empty();
        }
        if (_asked.how == pace::one_at_a_time && _begun.load(std::memory_order_acquire)) {
            send_when_it_is_back();
        }
        if (_ended == _seats.size() && !_faulty) {
            tell_verdicts();
        }
    }
    end();
}

void member::end() { _over.store(true, std::memory_order_release); }

void member::on_message(seat& at, member_id from, const void* message, std::size_t bytes) {
    const heading* const what = at.check.take(from, message, bytes);
    if (what == nullptr) {
        return;
    }
    if (!at.complete) {
        at.check.fail("a message before the group was complete");
    }
    if (what->what == kind::last && at.check.ended()) {
        _last_ns = now_ns();
        ++_ended;
    } else if (what->what == kind::verdict && at.check.agreed()) {
        ++_agreed;
    }
    if (what->what != kind::numbered) {
        return;
    }
    if (++_received == 1) {
        _first_ns = now_ns();
    }
    _received_shown.store(_received, std::memory_order_relaxed);
    if (_asked.how != pace::flood && what->sender == _self) {
        if (what->sent_ns >= _begin_ns.load(std::memory_order_relaxed)) {
            _latencies.add(now_ns() - what->sent_ns);
        }
        ++_own_received;
    }
}

void member::on_change(seat& at, std::size_t members, std::size_t left) {
    if (left > 0 && !at.check.agreed()) {
        at.check.fail("a member left amid the run");
    }
    if (members == _asked.members && !at.complete) {
        at.complete = true;
        if (++_complete == _seats.size()) {
            _all_complete = true;
        }
    }
}

/// As far as there is room.
void member::tell_verdicts() {
    if (_asked.count == 0 && !_measured.load(std::memory_order_acquire)) {
        return;
    }
    if (_asked.count > 0 && !_measured) {
        _seconds = static_cast<double>(_last_ns - _first_ns) / 1e9;
        _rate = static_cast<double>(_received) / std::max(_seconds, 1e-9);
        _measured = true;
    }
    for (const auto& each : _seats) {
        if (each->told) {
            continue;
        }
        verdict seen = each->check.seen();
        seen.rate = _rate;
        std::vector<std::byte> text = verdict_message(_self, seen);
        const iovec part{text.data(), text.size()};
        const cs_error_t outcome = cpg_mcast_joined(each->handle.get(), CPG_TYPE_AGREED, &part, 1);
        if (outcome != CS_OK) {
            if (outcome != CS_ERR_TRY_AGAIN) {
                each->check.fail(fault_text("cpg_mcast_joined", outcome));
                _faulty = true;
            }
            return;
        }
        each->told = true;
    }
}

/// Sends one message, waiting for room; false when that is no longer sensible.
bool member::send(seat& to, kind what, std::int64_t sent_ns) {
    const std::size_t bytes = what == kind::numbered ? _asked.bytes : bytes_min;
    write_message({_message.data(), bytes}, {.what = what, .sender = _self, .sequence = to.sent, .sent_ns = sent_ns},
                  _asked.compared);
    const iovec part{_message.data(), bytes};
    while (!over()) {
        const cs_error_t outcome =
            cpg_mcast_joined(to.handle.get(), _asked.safe ? CPG_TYPE_SAFE : CPG_TYPE_AGREED, &part, 1);
        if (outcome == CS_OK) {
            return true;
        }
        if (outcome != CS_ERR_TRY_AGAIN) {
            _send_fault = fault_text("cpg_mcast_joined", outcome);
            end();
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

/// Until the next message is to be sent; the time from which it counts as sent.
std::int64_t member::wait_for_turn() {
    if (_asked.how == pace::fixed_rate) {
        const std::int64_t due_ns = _start_ns + in_ns(static_cast<double>(_sent) / _asked.messages_per_second);
        // One that could not be sent when it was due, since those before it had to wait, has waited as well.
        if (now_ns() > due_ns) {
            return due_ns;
        }
        sleep_until(due_ns);
    } else if (_asked.how == pace::one_at_a_time && _asked.pause_us > 0) {
        std::this_thread::sleep_for(std::chrono::duration<double, std::micro>(_asked.pause_us));
    }
    return now_ns();
}

/// False when that was the last, or nothing can be sent any more.
bool member::send_next() {
    if (!over() && (_asked.count > 0 ? _sent < _asked.count : now_ns() < _end_ns)) {
        seat& to = *_seats[_sent % _seats.size()];
        if (!send(to, kind::numbered, wait_for_turn())) {
            return false;
        }
        ++to.sent;
        ++_sent;
        return true;
    }
    for (const auto& each : _seats) {
        send(*each, kind::last, now_ns());
    }
    return false;
}

void member::send_when_it_is_back() {
    if (!_has_sent_all && _own_received == _sent) {
        _has_sent_all = !send_next();
    }
}

/// False when the time is over first, or everything is.
bool member::wait_for(const std::atomic<bool>& what) const {
    const std::int64_t deadline = now_ns() + in_ns(_asked.limit_seconds);
    while (!what && !over() && now_ns() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return what;
}

void member::sleep_until(std::int64_t ns) const {
    for (std::int64_t left = 0; !over() && (left = ns - now_ns()) > 0;) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(std::min<std::int64_t>(left, 10'000'000)));
    }
}

/// How many messages came between two moments.
void member::measure() {
    sleep_until(_begin_ns);
    const std::int64_t begin_ns = now_ns();
    const std::uint64_t before = _received_shown.load(std::memory_order_relaxed);
    sleep_until(_end_ns);
    const std::int64_t end_ns = now_ns();
    const std::uint64_t after = _received_shown.load(std::memory_order_relaxed);
    _seconds = static_cast<double>(end_ns - begin_ns) / 1e9;
    _rate = static_cast<double>(after - before) / std::max(_seconds, 1e-9);
    _measured.store(true, std::memory_order_release);
}

std::expected<member_report, std::string> member::run() {
    ::prctl(PR_SET_TIMERSLACK, 1);
    _message.resize(std::max(_asked.bytes, bytes_min));
    if (_asked.how != pace::flood) {
        _latencies.reserve(std::size_t{1} << 20U);
    }
    if (auto connected = connect(); !connected) {
        return std::unexpected(connected.error());
    }
    std::string missing;
    {
        const std::jthread receiver([this] { receive(); });
        if (wait_for(_all_complete)) {
            _start_ns = now_ns();
            _begin_ns = _asked.count > 0 ? _start_ns : _start_ns + in_ns(_asked.warm_up_seconds);
            _end_ns = _begin_ns + in_ns(_asked.seconds);
            _begun.store(true, std::memory_order_release);
            const std::jthread sender([this] {
                while ((_asked.how == pace::flood || _asked.how == pace::fixed_rate) && send_next()) {
                }
            });
            if (_asked.count == 0) {
                measure();
            }
            if (!wait_for(_over)) {
                missing = "what was sent did not come, or not all members told what they have seen, within the limit";
            }
            end();
        } else if (!over()) {
            missing = "the group did not become complete: daemons that do not find each other, or a member too few?";
        }
        end();
    }
    if (const std::string what = fault(); !what.empty()) {
        return std::unexpected(what);
    }
    if (!missing.empty()) {
        return std::unexpected(missing + " (" + std::to_string(_received) + " messages received)");
    }
    return report();
}

std::string member::fault() const {
    for (const auto& each : _seats) {
        if (!each->check.fault().empty()) {
            return each->check.fault();
        }
    }
    return _send_fault;
}

member_report member::report() const {
    member_report result{.self = _self, .sent = _sent, .refused = _refused, .seconds = _seconds};
    for (const auto& each : _seats) {
        const verdict seen = each->check.seen();
        result.seen.received += seen.received;
        result.seen.digest = result.seen.digest * 31 + seen.digest;
    }
    result.seen.rate = _rate;
    result.slowest_rate = _seats.front()->check.slowest_rate();
    result.latency = _latencies.told();
    return result;
}

} // namespace

std::expected<member_report, std::string> take_part(const member_options& asked) { return member(asked).run(); }

} // namespace coterie::bench

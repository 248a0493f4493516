// SPDX-License-Identifier: BSD-3-Clause
// The processes of a crowd tell their parent through memory that they share; a pipe that the parent closes ends them.
#include "bench/crowd.hpp"

#include "bench/client_handle.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <new>
#include <poll.h>
#include <span>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace coterie::bench {

namespace {

/// What became of one handle. It lies in memory that parent and children share; one child writes it.
struct entry {
    std::int64_t due_ns = 0; ///< when it ought to begin to connect
    std::int64_t connect_ns = 0;
    std::int64_t called_ns = 0;            ///< cpg_join
    std::atomic<std::int64_t> join_ns = 0; ///< the own change, since then; 0: not yet
    std::int64_t leave_ns = 0;             ///< the same for cpg_leave
    std::atomic<int> failed = CS_OK;
    bool wrong = false; ///< a change that is not one of this group of one
};

/// One of the processes: its handles, one thread.
class client {
public:
    client(std::span<entry> entries, std::size_t first, int end_descriptor)
        : _entries(entries),
          _first(first),
          _end(end_descriptor),
          _handles(entries.size()) {}

    /// Until the pipe's other end is closed and all have left.
    void run() {
        bool ending = false;
        while (!ending || _joined > 0) {
            if (_begun < _entries.size() && now_ns() >= _entries[_begun].due_ns && !ending) {
                begin(_begun++);
            }
            ending = wait(ending) || ending;
        }
        for (const cpg_handle_t each : _handles) {
            if (each != 0) {
                cpg_finalize(each);
            }
        }
    }

private:
    /// Connects and asks to join.
    void begin(std::size_t index) {
        cpg_model_v1_data_t model{};
        model.model = CPG_MODEL_V1;
        model.cpg_confchg_fn = [](cpg_handle_t handle, const cpg_name*, const cpg_address*, size_t members,
                                  const cpg_address* left, size_t left_count, const cpg_address* joined,
                                  size_t joined_count) {
            auto& it = client_handle::owner<entry>(handle);
            const auto self = static_cast<std::uint32_t>(::getpid());
            if (joined_count == 1 && members == 1 && joined[0].pid == self && it.join_ns == 0) {
                it.join_ns = now_ns() - it.called_ns;
            } else if (left_count == 1 && members == 0 && left[0].pid == self && it.leave_ns == 0) {
                it.leave_ns = now_ns() - it.called_ns;
            } else {
                it.wrong = true;
            }
        };
        entry& it = _entries[index];
        const std::int64_t start = now_ns();
        cs_error_t outcome = CS_OK;
        while ((outcome = cpg_model_initialize(&_handles[index], CPG_MODEL_V1,
                                               reinterpret_cast<cpg_model_data_t*>(&model), &it)) == CS_ERR_TRY_AGAIN &&
               now_ns() - start < 5'000'000'000) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        it.connect_ns = now_ns() - start;
        if (outcome == CS_OK) {
            const cpg_name group = group_of(index);
            it.called_ns = now_ns();
            while ((outcome = cpg_join(_handles[index], &group)) == CS_ERR_TRY_AGAIN &&
                   now_ns() - it.called_ns < 5'000'000'000) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        }
        it.failed = outcome;
        if (outcome == CS_OK) {
            ++_joined;
            int descriptor = -1;
            cpg_fd_get(_handles[index], &descriptor);
            _polled.push_back({.fd = descriptor, .events = POLLIN, .revents = 0});
            _polled_handles.push_back(index);
        }
    }

    /// Until something happens or the next one is due; true when the end has been asked for. Then all are asked to leave.
    bool wait(bool ending) {
        if (!ending) {
            _polled.push_back({.fd = _end, .events = POLLIN, .revents = 0});
        }
        int limit_ms = ending ? 1'000 : -1;
        if (_begun < _entries.size() && !ending) {
            const std::int64_t left_ms = (_entries[_begun].due_ns - now_ns()) / 1'000'000;
            limit_ms = static_cast<int>(std::clamp<std::int64_t>(left_ms, 0, 10'000));
        }
        const int ready = ::poll(_polled.data(), _polled.size(), limit_ms);
        bool asked = false;
        if (!ending) {
            asked = _polled.back().revents != 0;
            _polled.pop_back();
        }
        for (std::size_t i = 0; i < _polled.size() && ready > 0; ++i) {
            if (_polled[i].revents != 0) {
                dispatch(i);
            }
        }
        if (asked) {
            for (const std::size_t index : _polled_handles) {
                _entries[index].called_ns = now_ns();
                const cpg_name group = group_of(index);
                const cs_error_t outcome = cpg_leave(_handles[index], &group);
                if (outcome != CS_OK) {
                    _entries[index].failed = outcome;
                    --_joined;
                }
            }
        }
        return asked;
    }

    void dispatch(std::size_t i) {
        entry& it = _entries[_polled_handles[i]];
        const bool had_left = it.leave_ns != 0;
        const cs_error_t outcome = cpg_dispatch(_handles[_polled_handles[i]], CS_DISPATCH_ALL);
        if (outcome != CS_OK) {
            it.failed = outcome;
            _polled[i].fd = -1;
            --_joined;
        } else if (!had_left && it.leave_ns != 0) {
            --_joined;
        }
    }

    [[nodiscard]] cpg_name group_of(std::size_t index) const {
        return name_of("crowd-" + std::to_string(_first + index));
    }

    const std::span<entry> _entries;
    const std::size_t _first; ///< the number of the first group
    const int _end;
    std::vector<cpg_handle_t> _handles;
    std::vector<pollfd> _polled;
    std::vector<std::size_t> _polled_handles;
    std::size_t _begun = 0;
    std::size_t _joined = 0;
};

} // namespace

struct crowd::state {
    explicit state(const crowd_options& options) : asked(options), size(options.processes * options.handles) {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() {
        for (const pid_t each : children) {
            ::kill(each, SIGKILL);
        }
        wait_for_children();
        close_end();
        if (!entries.empty()) {
            ::munmap(entries.data(), entries.size_bytes());
        }
    }

    std::expected<void, std::string> start_children();
    bool wait_for(const std::function<bool(const entry&)>& what) const;
    bool wait_for_children();
    void close_end() {
        if (end_pipe[1] >= 0) {
            ::close(std::exchange(end_pipe[0], -1));
            ::close(std::exchange(end_pipe[1], -1));
        }
    }
    [[nodiscard]] std::string fault() const;
    [[nodiscard]] distribution times(const std::function<std::int64_t(const entry&)>& of) const;

    const crowd_options asked;
    const std::size_t size;
    std::span<entry> entries;
    std::vector<pid_t> children;
    int end_pipe[2] = {-1, -1}; ///< its end tells the children to leave
};

std::expected<void, std::string> crowd::state::start_children() {
    void* const space =
        ::mmap(nullptr, size * sizeof(entry), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (space == MAP_FAILED || ::pipe(end_pipe) != 0) {
        return std::unexpected(std::string("no memory or descriptors for the crowd: ") + std::strerror(errno));
    }
    entries = {new (space) entry[size], size};
    // Each process begins its handles in a row spread over the whole time, so that every moment has joins of many.
    const auto step_ns = static_cast<std::int64_t>(1e9 / asked.joins_per_second);
    const std::int64_t start_ns = now_ns() + 200'000 * static_cast<std::int64_t>(asked.processes) + 500'000'000;
    for (std::size_t process = 0; process < asked.processes; ++process) {
        for (std::size_t handle = 0; handle < asked.handles; ++handle) {
            const auto turn = static_cast<std::int64_t>(handle * asked.processes + process);
            entries[process * asked.handles + handle].due_ns = start_ns + turn * step_ns;
        }
    }
    for (std::size_t process = 0; process < asked.processes; ++process) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::signal(SIGTERM, SIG_IGN);
            ::signal(SIGINT, SIG_IGN);
            ::close(end_pipe[1]);
            const std::size_t first = process * asked.handles;
            client(entries.subspan(first, asked.handles), first, end_pipe[0]).run();
            std::_Exit(0);
        }
        if (child < 0) {
            return std::unexpected(std::string("cannot start another process: ") + std::strerror(errno));
        }
        children.push_back(child);
    }
    return {};
}

/// Until it holds for all of them; false when it takes too long.
bool crowd::state::wait_for(const std::function<bool(const entry&)>& what) const {
    const double planned = static_cast<double>(size) / asked.joins_per_second;
    const std::int64_t deadline = now_ns() + in_ns(planned + asked.limit_seconds);
    while (!std::all_of(entries.begin(), entries.end(), what)) {
        if (now_ns() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
}

bool crowd::state::wait_for_children() {
    bool ended_well = true;
    for (const pid_t each : std::exchange(children, {})) {
        int status = 0;
        ended_well = ::waitpid(each, &status, 0) == each && status == 0 && ended_well;
    }
    return ended_well;
}

/// The first thing that went wrong and how many handles are joined all the same; empty: nothing.
std::string crowd::state::fault() const {
    const auto faulty = std::find_if(entries.begin(), entries.end(),
                                     [](const entry& each) { return each.failed != CS_OK || each.wrong; });
    if (faulty == entries.end()) {
        return {};
    }
    const auto joined = std::count_if(entries.begin(), entries.end(),
                                      [](const entry& each) { return each.join_ns != 0 && each.failed == CS_OK; });
    const char* const call = faulty->called_ns == 0 ? "cpg_model_initialize" : "a call for the group";
    return "handle " + std::to_string(faulty - entries.begin()) + ": " +
           (faulty->wrong ? "a change that is not its own join or leave"
                          : fault_text(call, static_cast<cs_error_t>(faulty->failed.load()))) +
           "; " + std::to_string(joined) + " of " + std::to_string(size) + " handles have joined";
}

distribution crowd::state::times(const std::function<std::int64_t(const entry&)>& of) const {
    latencies result;
    for (const entry& each : entries) {
        result.add(of(each));
    }
    return result.told();
}

crowd::crowd(const crowd_options& asked) : _state(std::make_unique<state>(asked)) {}
crowd::~crowd() = default;

std::expected<crowd_report, std::string> crowd::gather() {
    if (auto started = _state->start_children(); !started) {
        return std::unexpected(started.error());
    }
    const auto settled = [](const entry& each) { return each.join_ns != 0 || each.failed != CS_OK; };
    const bool in_time = _state->wait_for(settled);
    if (const std::string fault = _state->fault(); !fault.empty()) {
        return std::unexpected(fault);
    }
    const auto& entries = _state->entries;
    if (!in_time) {
        const auto joined = std::count_if(entries.begin(), entries.end(), settled);
        return std::unexpected("only " + std::to_string(joined) + " of " + std::to_string(_state->size) +
                               " handles have joined in time");
    }
    std::int64_t first_ns = entries.front().called_ns;
    std::int64_t last_ns = 0;
    for (const entry& each : entries) {
        first_ns = std::min(first_ns, each.called_ns);
        last_ns = std::max(last_ns, each.called_ns + each.join_ns);
    }
    const double seconds = static_cast<double>(last_ns - first_ns) / 1e9;
    return crowd_report{.handles = _state->size,
                        .joins_per_second = static_cast<double>(_state->size) / std::max(seconds, 1e-9),
                        .connect = _state->times([](const entry& each) { return each.connect_ns; }),
                        .join = _state->times([](const entry& each) { return each.join_ns.load(); })};
}

std::expected<crowd_end, std::string> crowd::dismiss() {
    const std::int64_t begin_ns = now_ns();
    _state->close_end();
    const bool ended_well = _state->wait_for_children();
    const double seconds = static_cast<double>(now_ns() - begin_ns) / 1e9;
    if (const std::string fault = _state->fault(); !fault.empty()) {
        return std::unexpected(fault);
    }
    if (!ended_well) {
        return std::unexpected("a process of the crowd has crashed");
    }
    return crowd_end{.seconds = seconds, .leave = _state->times([](const entry& each) { return each.leave_ns; })};
}

} // namespace coterie::bench

// SPDX-License-Identifier: BSD-3-Clause
// Many client processes of one daemon, each with several handles in groups of their own, which join at a steady pace.
// Measures how long a join takes, from the call of cpg_join to the own change, and how long connecting takes before it.
// Prints one JSON object when all have joined, stays as it is for whoever looks at the daemon, and on SIGTERM has all of
// them leave and prints a second one. Its exit status is 1 when a join failed or a change was wrong.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <corosync/cpg.h>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <new>
#include <poll.h>
#include <span>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace coterie::bench {

namespace {

using steady = std::chrono::steady_clock;
using std::chrono::nanoseconds;

std::int64_t now_ns() { return std::chrono::duration_cast<nanoseconds>(steady::now().time_since_epoch()).count(); }

struct options {
    std::size_t processes = 1'000;
    std::size_t handles = 10;
    double joins_per_second = 1'000;
    double limit_seconds = 60;
};

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

class pipe_ends {
public:
    pipe_ends() {
        if (::pipe(_ends) != 0) {
            std::perror("crowd: pipe");
            std::_Exit(1);
        }
    }
    [[nodiscard]] int read_end() const { return _ends[0]; }
    void close_write_end() {
        ::close(_ends[1]);
        _ends[1] = -1;
    }

private:
    int _ends[2] = {-1, -1};
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
            void* context = nullptr;
            cpg_context_get(handle, &context);
            auto& it = *static_cast<entry*>(context);
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
        const std::string text = "crowd-" + std::to_string(_first + index);
        cpg_name result{};
        result.length = static_cast<std::uint32_t>(text.copy(result.value, sizeof(result.value)));
        return result;
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

/// `"NAME": {"p50": …}`, in milliseconds.
void print_times(const char* name, std::span<const entry> entries,
                 const std::function<std::int64_t(const entry&)>& of) {
    std::vector<std::int64_t> sorted;
    for (const entry& each : entries) {
        sorted.push_back(of(each));
    }
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](double part) {
        return static_cast<double>(sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))]) /
               1e6;
    };
    std::printf("\"%s\": {\"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f}", name, at(0.5), at(0.99),
                at(0.999), at(1));
}

volatile std::sig_atomic_t end_asked = 0;

class crowd {
public:
    explicit crowd(const options& asked) : _asked(asked), _size(asked.processes * asked.handles) {
        void* const space =
            ::mmap(nullptr, _size * sizeof(entry), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (space == MAP_FAILED) {
            std::perror("crowd: mmap");
            std::_Exit(1);
        }
        _entries = {new (space) entry[_size], _size};
    }

    int run() {
        struct sigaction on_term{};
        on_term.sa_handler = [](int) { end_asked = 1; };
        ::sigaction(SIGTERM, &on_term, nullptr);
        ::sigaction(SIGINT, &on_term, nullptr);
        start_children();
        const bool joined = wait_for([](const entry& each) { return each.join_ns != 0 || each.failed != CS_OK; });
        const bool fine = joined && report_joins();
        while (fine && end_asked == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        _end.close_write_end();
        const std::int64_t end_ns = now_ns();
        bool ended_well = true;
        for (const pid_t each : _children) {
            int status = 0;
            ended_well = ::waitpid(each, &status, 0) == each && status == 0 && ended_well;
        }
        return fine && ended_well && report_leaves(end_ns) ? 0 : 1;
    }

private:
    void start_children() {
        // Each process begins its handles in a row spread over the whole time, so that every moment has joins of many.
        const auto step_ns = static_cast<std::int64_t>(1e9 / _asked.joins_per_second);
        const std::int64_t start_ns = now_ns() + 200'000 * static_cast<std::int64_t>(_asked.processes) + 500'000'000;
        for (std::size_t process = 0; process < _asked.processes; ++process) {
            for (std::size_t handle = 0; handle < _asked.handles; ++handle) {
                const auto turn = static_cast<std::int64_t>(handle * _asked.processes + process);
                _entries[process * _asked.handles + handle].due_ns = start_ns + turn * step_ns;
            }
        }
        for (std::size_t process = 0; process < _asked.processes; ++process) {
            const pid_t child = ::fork();
            if (child == 0) {
                ::prctl(PR_SET_PDEATHSIG, SIGKILL);
                ::signal(SIGTERM, SIG_IGN);
                ::signal(SIGINT, SIG_IGN);
                _end.close_write_end();
                const std::size_t first = process * _asked.handles;
                client(_entries.subspan(first, _asked.handles), first, _end.read_end()).run();
                std::_Exit(0);
            }
            if (child < 0) {
                std::perror("crowd: fork");
                break;
            }
            _children.push_back(child);
        }
    }

    /// Until it holds for all of them.
    bool wait_for(const std::function<bool(const entry&)>& what) {
        const std::int64_t planned_ns =
            static_cast<std::int64_t>(static_cast<double>(_size) / _asked.joins_per_second * 1e9);
        const std::int64_t deadline = now_ns() + planned_ns + static_cast<std::int64_t>(_asked.limit_seconds * 1e9);
        while (end_asked == 0 && now_ns() < deadline && _children.size() == _asked.processes) {
            if (std::all_of(_entries.begin(), _entries.end(), what)) {
                return true;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        const auto done = std::count_if(_entries.begin(), _entries.end(), what);
        std::fprintf(stderr, "crowd: only %td of %zu handles have joined in time\n", done, _size);
        return false;
    }

    /// False when something went wrong, which is told: the first fault and how many handles are joined all the same.
    bool judge() const {
        const auto faulty = std::find_if(_entries.begin(), _entries.end(),
                                         [](const entry& each) { return each.failed != CS_OK || each.wrong; });
        if (faulty == _entries.end()) {
            return true;
        }
        const char* const call = faulty->called_ns == 0 ? "cpg_model_initialize" : "a call for the group";
        const auto joined = std::count_if(_entries.begin(), _entries.end(),
                                          [](const entry& each) { return each.join_ns != 0 && each.failed == CS_OK; });
        std::fprintf(
            stderr, "crowd: handle %td: %s; %td of %zu handles have joined\n", faulty - _entries.begin(),
            faulty->wrong
                ? "a change that is not its own join or leave"
                : (std::string(call) + ": " + cs_strerror(static_cast<cs_error_t>(faulty->failed.load()))).c_str(),
            joined, _size);
        return false;
    }

    bool report_joins() const {
        if (!judge()) {
            return false;
        }
        std::int64_t first_ns = _entries.front().called_ns;
        std::int64_t last_ns = 0;
        for (const entry& each : _entries) {
            first_ns = std::min(first_ns, each.called_ns);
            last_ns = std::max(last_ns, each.called_ns + each.join_ns);
        }
        const double seconds = static_cast<double>(last_ns - first_ns) / 1e9;
        std::printf("{\"handles\": %zu, \"joins_per_second\": %.1f, ", _size, static_cast<double>(_size) / seconds);
        print_times("connect_ms", _entries, [](const entry& each) { return each.connect_ns; });
        std::printf(", ");
        print_times("join_ms", _entries, [](const entry& each) { return each.join_ns.load(); });
        std::printf("}\n");
        std::fflush(stdout);
        return true;
    }

    bool report_leaves(std::int64_t end_ns) const {
        if (!judge()) {
            return false;
        }
        std::printf("{\"seconds_until_all_left\": %.3f, ", static_cast<double>(now_ns() - end_ns) / 1e9);
        print_times("leave_ms", _entries, [](const entry& each) { return each.leave_ns; });
        std::printf("}\n");
        return true;
    }

    const options _asked;
    const std::size_t _size;
    std::span<entry> _entries;
    std::vector<pid_t> _children;
    pipe_ends _end;
};

} // namespace

} // namespace coterie::bench

int main(int argc, char** argv) {
    coterie::bench::options asked;
    CLI::App app("Many client processes of one daemon, which join groups of their own at a steady pace.");
    app.add_option("--processes", asked.processes)->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--handles", asked.handles, "of each process")->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--rate", asked.joins_per_second, "joins a second of all of them")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--limit", asked.limit_seconds, "seconds beyond the time that the pace takes, until it has failed")
        ->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    return coterie::bench::crowd(asked).run();
}

// SPDX-License-Identifier: BSD-3-Clause
// Children that run and tell. A child writes to one pipe: what it may complain about on its standard error, then a line of
// numbers, then its report.
#include "sim/trial.hpp"

#include "base/assert.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <utility>

namespace coterie::sim {

namespace {

/// Begins the line of numbers; nothing else that a child says contains it.
constexpr std::string_view numbers_begin = "\n\x01trial";

/// Numbers: simulated time, how many guarantees are broken, which, coverage.
std::string numbers_of(const run_outcome& outcome) {
    std::set<int> broken;
    for (const violation& each : outcome.violations) {
        broken.insert(each.guarantee);
    }
    std::string result(numbers_begin);
    const auto put = [&result](auto number) { result += " " + std::to_string(number); };
    put(outcome.simulated.count());
    put(broken.size());
    for (const int each : broken) {
        put(each);
    }
    for (std::size_t where = 0; where < stages; ++where) {
        for (std::size_t kind = 0; kind < faults; ++kind) {
            put(outcome.met.count(static_cast<stage>(where), static_cast<fault>(kind)));
        }
    }
    return result + "\n";
}

/// Reads what a child has written; false if it did not come to its judgement.
bool read_numbers(std::string_view said, trial& into) {
    const std::size_t begin = said.find(numbers_begin);
    if (begin == std::string_view::npos) {
        return false;
    }
    const char* at = said.data() + begin + numbers_begin.size();
    const char* const end = said.data() + said.size();
    bool good = true;
    const auto next = [&] {
        std::int64_t number = 0;
        at += at != end && *at == ' ' ? 1 : 0;
        const auto [stop, fault] = std::from_chars(at, end, number);
        good = good && fault == std::errc{};
        at = stop;
        return number;
    };
    into.simulated = duration(next());
    for (std::int64_t left = next(); good && left > 0; --left) {
        into.broken.insert(static_cast<int>(next()));
    }
    for (std::size_t where = 0; where < stages; ++where) {
        for (std::size_t kind = 0; kind < faults; ++kind) {
            into.met.met(static_cast<stage>(where), static_cast<fault>(kind), static_cast<std::uint64_t>(next()));
        }
    }
    into.report.assign(at == end ? at : at + 1, end);
    return good;
}

void write_all(int where, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(where, text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            ::_exit(1);
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

[[noreturn]] void be_child(int output, std::chrono::seconds limit, const trials::work& what) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(output, STDERR_FILENO);
    // Computing counts, not waiting for a core that others use.
    const auto limit_s = static_cast<rlim_t>(limit.count());
    const rlimit computing{.rlim_cur = limit_s, .rlim_max = limit_s + 1};
    ::setrlimit(RLIMIT_CPU, &computing);
    const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    const run_outcome outcome = what();
    write_all(output, numbers_of(outcome) + report_of(outcome));
    ::_exit(0);
}

std::string end_in_words(int status, std::chrono::seconds limit) {
    if (!WIFSIGNALED(status)) {
        return "the run ended without a judgement\n";
    }
    if (WTERMSIG(status) == SIGXCPU) {
        return "the run did not end within " + std::to_string(limit.count()) + " s of computing\n";
    }
    return "the run was ended by signal " + std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) +
           ")\n";
}

} // namespace

trials::~trials() {
    for (const child& each : _children) {
        ::kill(each.process, SIGKILL);
        ::close(each.output);
        ::waitpid(each.process, nullptr, 0);
    }
}

void trials::start(std::uint64_t name, const work& what) {
    std::array<int, 2> ends{};
    COTERIE_ASSERT(!full() && ::pipe(ends.data()) == 0, "there is room for a run and a pipe for what it tells");
    const pid_t process = ::fork();
    COTERIE_ASSERT(process >= 0, "a process for a run can be made");
    if (process == 0) {
        be_child(ends[1], _limit, what);
    }
    ::close(ends[1]);
    _children.push_back({.name = name, .process = process, .output = ends[0], .said = {}});
}

trials::ended trials::wait() {
    COTERIE_ASSERT(!empty(), "who waits for the end of a run has started one");
    for (;;) {
        std::vector<pollfd> outputs;
        for (const child& each : _children) {
            outputs.push_back({.fd = each.output, .events = POLLIN, .revents = 0});
        }
        if (::poll(outputs.data(), outputs.size(), -1) < 0) {
            continue;
        }
        for (std::size_t at = 0; at < outputs.size(); ++at) {
            if (outputs[at].revents == 0) {
                continue;
            }
            std::array<char, 65'536> space; // NOLINT(cppcoreguidelines-pro-type-member-init): written by read
            const ssize_t got = ::read(_children[at].output, space.data(), space.size());
            if (got > 0) {
                _children[at].said.append(space.data(), static_cast<std::size_t>(got));
            } else if (got == 0 || errno != EINTR) {
                return bury(at);
            }
        }
    }
}

trials::ended trials::bury(std::size_t at) {
    const child gone = std::move(_children[at]);
    _children.erase(_children.begin() + static_cast<std::ptrdiff_t>(at));
    ::close(gone.output);
    int status = 0;
    while (::waitpid(gone.process, &status, 0) < 0 && errno == EINTR) {
    }
    ended result{.name = gone.name, .result = {}};
    if (!read_numbers(gone.said, result.result)) {
        result.result = {};
        result.result.broken = {died};
        result.result.report = "  " + end_in_words(status, _limit) + gone.said;
    }
    return result;
}

trial try_apart(const trials::work& what, std::chrono::seconds limit) {
    trials one(1, limit);
    one.start(0, what);
    return one.wait().result;
}

} // namespace coterie::sim

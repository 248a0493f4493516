// SPDX-License-Identifier: BSD-3-Clause
// fork(2) and execv(3). A child is in a process group of its own, so that Ctrl-C reaches the parent alone, which then ends
// its children in order.
#include "cli/child_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace coterie::cli {

namespace {

constexpr auto wait_step = std::chrono::milliseconds(2);

void close_if_open(int& number) {
    if (number >= 0) {
        ::close(number);
        number = -1;
    }
}

/// Between fork and exec; comes back only if there is nothing to execute.
void become(const child_options& options, int input, int output, pid_t parent) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        return;
    }
    const char* const file = options.output_file.empty() ? "/dev/null" : options.output_file.c_str();
    const int error = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(input >= 0 ? input : nothing, STDIN_FILENO);
    ::dup2(output >= 0 ? output : error, STDOUT_FILENO);
    ::dup2(error, STDERR_FILENO);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        // Where it was opened in its place at once.
        ::fcntl(standard, F_SETFD, 0);
    }
    for (const auto& [name, value] : options.environment) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
    std::vector<char*> words;
    for (const std::string& each : options.command) {
        words.push_back(const_cast<char*>(each.c_str()));
    }
    words.push_back(nullptr);
    ::execv(words.front(), words.data());
}

int status_of(int raw) { return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw); }

} // namespace

std::expected<child_process, std::string> child_process::start(const child_options& options) {
    std::array<int, 2> to{-1, -1};
    std::array<int, 2> from{-1, -1};
    if (::access(options.command.front().c_str(), X_OK) != 0) {
        return std::unexpected(options.command.front() + " is not there or cannot be run");
    }
    if (options.piped && (::pipe2(to.data(), O_CLOEXEC) != 0 || ::pipe2(from.data(), O_CLOEXEC) != 0)) {
        return std::unexpected(std::string("no pipe: ") + std::strerror(errno));
    }
    const pid_t parent = ::getpid();
    child_process result;
    result._pid = ::fork();
    if (result._pid == 0) {
        become(options, to[0], from[1], parent);
        ::_exit(127);
    }
    close_if_open(to[0]);
    close_if_open(from[1]);
    result._input = to[1];
    result._output = from[0];
    if (result._pid < 0) {
        return std::unexpected(std::string("no new process: ") + std::strerror(errno));
    }
    return result;
}

child_process& child_process::operator=(child_process&& other) noexcept {
    std::swap(_pid, other._pid);
    std::swap(_input, other._input);
    std::swap(_output, other._output);
    return *this;
}

child_process::~child_process() {
    kill();
    close_if_open(_input);
    close_if_open(_output);
}

void child_process::close_input() { close_if_open(_input); }

void child_process::send_signal(int number) const {
    if (running()) {
        ::kill(_pid, number);
    }
}

std::optional<int> child_process::wait(std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (running()) {
        int raw = 0;
        const pid_t found = ::waitpid(_pid, &raw, WNOHANG);
        if (found == _pid) {
            _pid = -1;
            return status_of(raw);
        }
        if (found < 0 && errno != EINTR) {
            _pid = -1;
            break;
        }
        if (std::chrono::steady_clock::now() >= end) {
            break;
        }
        std::this_thread::sleep_for(wait_step);
    }
    return std::nullopt;
}

void child_process::kill() {
    if (!running()) {
        return;
    }
    ::kill(_pid, SIGKILL);
    int raw = 0;
    while (::waitpid(_pid, &raw, 0) < 0 && errno == EINTR) {
    }
    _pid = -1;
}

} // namespace coterie::cli

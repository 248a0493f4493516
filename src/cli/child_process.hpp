// SPDX-License-Identifier: BSD-3-Clause
// Child processes that cannot outlive their parent: started with pipes, ended by their own number only, and gone at the
// latest with the object that stands for them.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace coterie::cli {

struct child_options {
    std::vector<std::string> command;                             ///< the program's path and its arguments
    std::vector<std::pair<std::string, std::string>> environment; ///< besides the parent's
    std::string output_file; ///< where its standard error goes, and its output unless that is piped
    bool piped = false;      ///< input from and output to the parent
};

class child_process {
public:
    /// The error is one line for people.
    [[nodiscard]] static std::expected<child_process, std::string> start(const child_options& options);
    child_process() = default;
    child_process(child_process&& other) noexcept { *this = std::move(other); }
    child_process& operator=(child_process&& other) noexcept;
    ~child_process();

    [[nodiscard]] bool running() const { return _pid > 0; }
    [[nodiscard]] pid_t pid() const { return _pid; }
    /// Where its output can be read; -1 unless piped.
    [[nodiscard]] int output() const { return _output; }
    /// Lets it see the end of its input.
    void close_input();
    void send_signal(int number) const;
    /// Its exit status, or 128 and the signal that ended it, if it ends within the time.
    std::optional<int> wait(std::chrono::milliseconds limit);
    /// Kills it if it runs, and waits until it is gone.
    void kill();

private:
    pid_t _pid = -1;
    int _input = -1;
    int _output = -1;
};

} // namespace coterie::cli

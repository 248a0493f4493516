// SPDX-License-Identifier: BSD-3-Clause
// The file that says which process the daemon is. A lock on it, which ends with the process, tells a live daemon's file from
// what a crash has left; the number in it is for people and scripts.
#pragma once

#include <expected>
#include <memory>
#include <string>

namespace coterie::daemon {

class pid_file {
public:
    /// Takes the file for this process, and with it the place of whoever left it behind. The error, one line for people,
    /// says who has it if somebody does.
    [[nodiscard]] static std::expected<std::unique_ptr<pid_file>, std::string> take(const std::string& path);
    /// Removes the file.
    ~pid_file();
    pid_file(const pid_file&) = delete;
    pid_file& operator=(const pid_file&) = delete;

private:
    pid_file(std::string path, int descriptor) : _path(std::move(path)), _descriptor(descriptor) {}

    const std::string _path;
    const int _descriptor;
};

} // namespace coterie::daemon

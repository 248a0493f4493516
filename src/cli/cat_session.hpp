// SPDX-License-Identifier: BSD-3-Clause
// A member of a group at a terminal or in a pipe: lines of an input become messages, messages become lines of an output,
// and changes of the group are told beside them. It uses libcpg as any program would.
#pragma once

#include <cstdint>
#include <cstdio>
#include <expected>
#include <memory>
#include <string>

namespace coterie::cli {

struct cat_options {
    std::string group;
    bool sender = true;  ///< each line begins with NODE/PID
    bool raw = false;    ///< messages byte for byte, nothing added; lines are sent with their newline
    bool listen = false; ///< nothing is read from the input
    int input = 0;       ///< a descriptor; may block
    std::FILE* output = stdout;
    std::FILE* notices = stderr;
};

/// A line of the input that is longer is sent in several messages.
inline constexpr std::size_t cat_line_bytes_max = std::size_t{1} << 20U;

/// Joins, and goes on until the input has ended and everything that was sent has come back, or until SIGINT or SIGTERM;
/// then it leaves. The exit status: 0, or 128 and the signal. The error is a text for people; `socket` is for that.
/// While it runs it takes the two signals of this process.
[[nodiscard]] std::expected<int, std::string> run_cat(const cat_options& options, const std::string& socket);

} // namespace coterie::cli

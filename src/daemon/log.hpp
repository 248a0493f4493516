// SPDX-License-Identifier: BSD-3-Clause
// The daemon's log: one readable line an event, to standard error, a file and syslog as the configuration says, written by
// a thread of its own so that a stopped terminal or a slow disk does not stop the engine. When too much waits, the oldest
// lines are lost.
#pragma once

#include "config/settings.hpp"

#include <expected>
#include <string>

namespace coterie::daemon {

/// Sets up spdlog's default logger. The error is one line for people.
[[nodiscard]] std::expected<void, std::string> open_log(const config::log_settings& settings, bool foreground);
/// The log's thread opens the file anew before the next line: what was the file may have been renamed. Never waits.
void reopen_log();
/// Writes what waits and ends the log's thread.
void close_log();

} // namespace coterie::daemon

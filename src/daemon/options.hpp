// SPDX-License-Identifier: BSD-3-Clause
// The command line of coteried.
#pragma once

#include "base/ids.hpp"

#include <expected>
#include <optional>
#include <string>

namespace coterie::daemon {

struct options {
    bool foreground = false;                ///< -f
    bool test_only = false;                 ///< -t: judge the configuration and say what is wrong with it
    bool show_version = false;              ///< -v
    bool show_help = false;                 ///< -h
    std::optional<std::string> config_file; ///< -c FILE
    std::optional<std::string> pid_file;    ///< --pid-file FILE; overrides the configuration
    std::optional<base::node_id> node;      ///< --node ID
};

/// The error is one line for people.
[[nodiscard]] std::expected<options, std::string> parse_options(int count, char** words);
[[nodiscard]] std::string usage();

} // namespace coterie::daemon

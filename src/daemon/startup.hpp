// SPDX-License-Identifier: BSD-3-Clause
// From options and a configuration file to the parts of a node: everything that can be wrong with either, or with the
// machine, comes to light here, before anything is sent, as one line that says what is wrong.
#pragma once

#include "daemon/engine_loop.hpp"
#include "daemon/options.hpp"

namespace coterie::daemon {

/// Reads the configuration: the file that is asked for, else the first that exists of the usual ones, else the built-in
/// default of one node on no network.
[[nodiscard]] config::loaded load_configuration(const options& wanted);

/// The usual files, for people: "A nor B".
[[nodiscard]] std::string usual_places();

/// Where clients find this daemon.
[[nodiscard]] std::string socket_path_of(const config::settings& settings);

/// The keys that the settings name, if they want encryption and there is a network; the error is one line for people.
[[nodiscard]] std::expected<std::optional<net::encryption>, std::string> prepare_encryption(
    const config::settings& settings);
/// What protects packets, or that nothing does, for a node on a network: a line for the log, and whether it is a warning.
struct encryption_line {
    std::string text;
    bool warns;
};
[[nodiscard]] encryption_line tell_encryption(const config::settings& settings,
                                              const std::optional<net::encryption>& sealing);

/// Finds the local node, resolves names (for up to five seconds), opens the store and the trace.
[[nodiscard]] std::expected<node_parts, std::string> prepare(const config::settings& settings, const options& wanted);

} // namespace coterie::daemon

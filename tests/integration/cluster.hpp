// SPDX-License-Identifier: BSD-3-Clause
// Real daemons for tests: each with its own folder, socket, state and log below one temporary folder that goes with the
// object, on loopback addresses or wherever a test puts them. Only processes that were started here are ever ended.
#pragma once

#include "cli/child_process.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace coterie::tests {

using std::chrono::milliseconds;

/// A folder for the time of a test.
class temporary_folder {
public:
    temporary_folder();
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder();
    [[nodiscard]] const std::string& path() const { return _path; }
    [[nodiscard]] std::string operator/(const std::string& name) const { return _path + "/" + name; }

private:
    std::string _path;
};

/// Where a node of a cluster is.
struct node_place {
    std::string address;                       ///< empty: one node on no network
    std::vector<std::string> prefix;           ///< the command that runs a program there, e.g. `ip netns exec NAME`
    std::vector<std::string> more_addresses{}; ///< on the links behind the first
    std::vector<std::string> daemon_prefix{};  ///< behind the prefix, for its daemon alone
};

struct cluster_options {
    std::vector<node_place> places{node_place{}};
    bool traced = false; ///< daemons, and clients that get environment(), write traces
    std::string more;    ///< added to the configuration
};

class cluster {
public:
    explicit cluster(cluster_options options);
    ~cluster();
    cluster(const cluster&) = delete;
    cluster& operator=(const cluster&) = delete;

    /// Starts the daemon of a place, from 0 on, and waits until clients can connect.
    void start(std::size_t place);
    void kill(std::size_t place) { _daemons[place].kill(); }
    /// Ends it in order; its exit status.
    std::optional<int> terminate(std::size_t place);
    [[nodiscard]] cli::child_process& daemon(std::size_t place) { return _daemons[place]; }
    [[nodiscard]] std::size_t size() const { return _options.places.size(); }

    /// The options of a program that runs at a place as a client.
    [[nodiscard]] cli::child_options client(std::size_t place, std::vector<std::string> command) const;
    [[nodiscard]] std::string socket(std::size_t place) const { return path("sock", place); }
    [[nodiscard]] std::string log(std::size_t place) const;
    /// Waits until the log has these words: a thread of the daemon writes it, behind what clients see.
    [[nodiscard]] bool logs(std::size_t place, std::string_view words) const;
    [[nodiscard]] std::string log_file(std::size_t place) const { return path("log", place); }
    [[nodiscard]] std::string state_folder(std::size_t place) const { return path("state", place); }
    [[nodiscard]] std::string trace_file(std::size_t place) const { return path("trace-node", place); }
    [[nodiscard]] std::string configuration_file(std::size_t place) const { return path("conf", place); }
    [[nodiscard]] const temporary_folder& folder() const { return _folder; }
    /// Every trace that was written.
    [[nodiscard]] std::vector<std::string> traces() const;

private:
    [[nodiscard]] std::string path(const std::string& name, std::size_t place) const;
    void write_configuration(std::size_t place) const;

    const cluster_options _options;
    temporary_folder _folder;
    int _port = 0;
    std::vector<cli::child_process> _daemons;
};

/// Loopback addresses for `count` nodes of a cluster without root.
[[nodiscard]] std::vector<node_place> loopback_places(std::size_t count);

/// Looks again and again until `what` is true; false when the time is over.
[[nodiscard]] bool eventually(const std::function<bool()>& what, milliseconds limit = milliseconds(10'000));
[[nodiscard]] std::string content_of(const std::string& file);
void write_file(const std::string& file, const std::string& content);
/// Runs a command to its end; whether it ends well.
[[nodiscard]] bool run(const std::vector<std::string>& command);
/// A file that somebody was killed while writing may end within a line, which is taken off.
void end_last_line(const std::string& file);
/// The path of something that the build made.
[[nodiscard]] std::string built(const std::string& name);

} // namespace coterie::tests

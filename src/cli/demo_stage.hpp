// SPDX-License-Identifier: BSD-3-Clause
// What the demonstration plays on: three daemons on loopback addresses of this machine, without root, in a folder of their
// own, and three members of a group, each a process at its own daemon. All of it is gone when the object is.
#pragma once

#include "cli/child_process.hpp"

#include <array>
#include <expected>
#include <memory>
#include <string>

namespace coterie::cli {

inline constexpr std::size_t demo_nodes = 3;

class demo_stage {
public:
    /// Makes the folder and the configuration. The errors of this and the following are one line for people.
    [[nodiscard]] static std::expected<std::unique_ptr<demo_stage>, std::string> build(const std::string& lines_file);
    demo_stage(const demo_stage&) = delete;
    demo_stage& operator=(const demo_stage&) = delete;
    ~demo_stage();

    [[nodiscard]] std::expected<void, std::string> start_daemon(std::size_t place);
    [[nodiscard]] std::expected<void, std::string> start_member(std::size_t place);
    [[nodiscard]] child_process& daemon(std::size_t place) { return _daemons[place]; }
    [[nodiscard]] child_process& member(std::size_t place) { return _members[place]; }
    /// Ends all processes, the members first.
    void end();

    [[nodiscard]] int port() const { return _port; }
    [[nodiscard]] std::string segments_file(std::size_t place) const;
    /// The last lines that a daemon logged, for when something goes wrong.
    [[nodiscard]] std::string log_tail(std::size_t place) const;

private:
    demo_stage() = default;
    [[nodiscard]] std::string path(const std::string& name, std::size_t place) const;

    std::string _folder;
    std::string _lines_file;
    int _port = 0;
    std::array<child_process, demo_nodes> _daemons;
    std::array<child_process, demo_nodes> _members;
};

/// The loopback address of a node of the demonstration.
[[nodiscard]] std::string demo_address(std::size_t place);
/// The path of the program that runs.
[[nodiscard]] std::string own_program();

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// Finds a free port, writes the configuration, starts and ends processes.
#include "cli/demo_stage.hpp"

#include "cli/loopback.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <unistd.h>

namespace coterie::cli {

namespace {

constexpr std::size_t log_lines = 6;
constexpr auto daemon_patience = std::chrono::milliseconds(1'500);

std::string configuration(const std::string& socket, const std::string& state, int port) {
    std::string result = fmt::format("totem {{\n"
                                     "    version: 2\n"
                                     "    cluster_name: demo\n"
                                     "    interface {{\n"
                                     "        linknumber: 0\n"
                                     "        mcastport: {}\n"
                                     "    }}\n"
                                     "}}\n"
                                     "nodelist {{\n",
                                     port);
    for (std::size_t place = 0; place < demo_nodes; ++place) {
        result += fmt::format("    node {{\n        nodeid: {}\n        ring0_addr: {}\n    }}\n", place + 1,
                              demo_address(place));
    }
    return result + fmt::format("}}\nsystem {{\n    socket_path: {}\n    state_dir: {}\n}}\n", socket, state);
}

} // namespace

std::string demo_address(std::size_t place) { return "127.0.0." + std::to_string(place + 1); }

std::string own_program() {
    std::error_code ignored;
    return std::filesystem::read_symlink("/proc/self/exe", ignored).string();
}

std::expected<std::unique_ptr<demo_stage>, std::string> demo_stage::build(const std::string& lines_file) {
    std::unique_ptr<demo_stage> result(new demo_stage);
    result->_lines_file = lines_file;
    result->_port = free_udp_port({demo_address(0), demo_address(1), demo_address(2)});
    if (result->_port == 0) {
        return std::unexpected("no UDP port is free at 127.0.0.1, 127.0.0.2 and 127.0.0.3");
    }
    std::error_code fault;
    std::string pattern = (std::filesystem::temp_directory_path(fault) / "coterie-demo-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        return std::unexpected(pattern + " cannot be made: " + std::strerror(errno));
    }
    result->_folder = pattern;
    for (std::size_t place = 0; place < demo_nodes; ++place) {
        std::ofstream out(result->path("conf", place));
        out << configuration(result->path("sock", place), result->path("state", place), result->_port);
        out.close();
        if (!out) {
            return std::unexpected("cannot write to " + result->_folder);
        }
    }
    return result;
}

demo_stage::~demo_stage() {
    if (_folder.empty()) {
        return;
    }
    end();
    std::error_code ignored;
    std::filesystem::remove_all(_folder, ignored);
}

std::expected<void, std::string> demo_stage::start_daemon(std::size_t place) {
    const std::filesystem::path folder = std::filesystem::path(own_program()).parent_path();
    std::string program = folder / "coteried";
    if (::access(program.c_str(), X_OK) != 0) {
        program = folder / "../sbin/coteried";
    }
    auto started = child_process::start(
        {.command = {program, "-f", "-c", path("conf", place), "--node", std::to_string(place + 1)},
         .environment = {},
         .output_file = path("log", place),
         .piped = false});
    if (!started) {
        return std::unexpected(started.error());
    }
    _daemons[place] = std::move(*started);
    return {};
}

std::expected<void, std::string> demo_stage::start_member(std::size_t place) {
    auto started = child_process::start({.command = {own_program(), "demo-member", _lines_file, segments_file(place)},
                                         .environment = {{"COTERIE_SOCKET", path("sock", place)}},
                                         .output_file = path("member-log", place),
                                         .piped = true});
    if (!started) {
        return std::unexpected(started.error());
    }
    _members[place] = std::move(*started);
    return {};
}

void demo_stage::end() {
    for (child_process& each : _members) {
        each.kill();
    }
    for (child_process& each : _daemons) {
        each.send_signal(SIGTERM);
    }
    for (child_process& each : _daemons) {
        if (each.running()) {
            each.wait(daemon_patience);
        }
        each.kill();
    }
}

std::string demo_stage::segments_file(std::size_t place) const { return path("segments", place); }

std::string demo_stage::path(const std::string& name, std::size_t place) const {
    return _folder + "/" + name + std::to_string(place + 1);
}

std::string demo_stage::log_tail(std::size_t place) const {
    std::deque<std::string> lines;
    std::ifstream in(path("log", place));
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
        if (lines.size() > log_lines) {
            lines.pop_front();
        }
    }
    std::string result;
    for (const std::string& each : lines) {
        result += "    " + each + "\n";
    }
    return result;
}

} // namespace coterie::cli

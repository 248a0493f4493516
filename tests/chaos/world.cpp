// SPDX-License-Identifier: BSD-3-Clause
// How long is waited for the world to come to rest is patience and no bound: who does not come to rest never will.
#include "tests/chaos/world.hpp"

#include "cli/daemon_link.hpp"
#include "tests/integration/cpg_client.hpp"
#include "tests/integration/three_nodes.hpp"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace coterie::chaos {

namespace {

constexpr auto patience = milliseconds(60'000);
constexpr std::int64_t second_ns = 1'000'000'000;

std::size_t times(const std::string& words, const std::string& text) {
    std::size_t result = 0;
    for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
        ++result;
    }
    return result;
}

/// Null when there is none.
nlohmann::ordered_json status_of(const std::string& socket) {
    auto link = cli::daemon_link::open(socket);
    if (!link) {
        return {};
    }
    auto status = link->status();
    return status ? *status : nlohmann::ordered_json{};
}

} // namespace

crowd::crowd(cluster& nodes, std::size_t machine, const shape& what, std::uint64_t seed)
    : _nodes(nodes),
      _machine(machine),
      _shape(what),
      _seed(seed) {}

void crowd::fill() {
    while (_processes.size() < _shape.clients) {
        ++_started;
        cli::child_options options =
            _nodes.client(_machine - 1, {tests::built("tests/chaos/chaos_client"),
                                         std::to_string(_seed + _machine * 1'000 + _started),
                                         std::to_string(_shape.rate), std::to_string(_shape.message_bytes_max)});
        options.environment.emplace_back("COTERIE_TRACE", client_trace(_nodes.folder().path(), _machine, _started));
        options.piped = true;
        auto started = cli::child_process::start(options);
        if (!started) {
            ADD_FAILURE() << started.error();
            return;
        }
        _processes.push_back(std::move(*started));
    }
}

void crowd::kill(std::size_t count) {
    for (; count > 0 && !_processes.empty(); --count) {
        _processes.back().kill();
        _processes.pop_back();
    }
}

void crowd::send_signal(int number) {
    for (const cli::child_process& each : _processes) {
        each.send_signal(number);
    }
}

std::size_t crowd::end() {
    for (cli::child_process& each : _processes) {
        each.close_input();
    }
    std::size_t stuck = 0;
    for (cli::child_process& each : _processes) {
        stuck += each.wait(patience) == 0 ? 0U : 1U;
    }
    _processes.clear();
    return stuck;
}

world::world(shape what, std::uint64_t seed) : _shape(std::move(what)), _last(std::make_unique<tests::cpg_client>()) {
    if (::geteuid() != 0) {
        _fault = "network namespaces need root";
        return;
    }
    std::vector<std::string> prefixes;
    for (std::size_t link = 0; link < _shape.links; ++link) {
        prefixes.push_back("10.66." + std::to_string(link) + ".");
    }
    _network = std::make_unique<switched_network>(_shape.machines, prefixes);
    if (!_network->good()) {
        _fault = "this machine does not let root make network namespaces";
        return;
    }
    if (!set_clock(0)) {
        _fault = "files cannot be written";
        return;
    }
    std::filesystem::create_directory(log_disk());
    _nodes = std::make_unique<cluster>(
        tests::cluster_options{.places = places(), .traced = !_shape.small_trace_disk, .more = configuration()});
    for (std::size_t machine = 1; machine <= _shape.machines; ++machine) {
        _crowds.push_back(std::make_unique<crowd>(*_nodes, machine, _shape, seed));
    }
}

world::~world() {
    // Nobody may be stopped while the others are ended: they are waited for.
    for (std::size_t machine = 1; machine <= _crowds.size(); ++machine) {
        daemon(machine).send_signal(SIGCONT);
        clients(machine).send_signal(SIGCONT);
    }
}

std::vector<tests::node_place> world::places() const {
    std::vector<tests::node_place> result = _network->places();
    for (tests::node_place& each : result) {
        if (_shape.small_log_disk || _shape.small_trace_disk) {
            // `ip netns exec` has given it mounts of its own.
            each.daemon_prefix = {"/bin/sh", "-c", "mount -t tmpfs -o size=64k log " + log_disk() + " && exec \"$@\"",
                                  "sh"};
        }
    }
    if (_shape.false_clock) {
        std::vector<std::string>& prefix = result.back().daemon_prefix;
        prefix.insert(prefix.end(), {"/usr/bin/env", "LD_PRELOAD=" + tests::built("tests/chaos/libfalse_clock.so"),
                                     "COTERIE_FALSE_CLOCK=" + clock_file()});
    }
    return result;
}

std::string world::configuration() const {
    std::string text = "totem {\n  link_mode: " + _shape.link_mode + "\n}\nlogging {\n  to_stderr: yes\n";
    if (_shape.small_log_disk) {
        text += "  to_logfile: yes\n  logfile: " + log_disk() + "/coteried.log\n";
    }
    text += "}\n";
    if (_shape.small_trace_disk) {
        text += "system {\n  trace_file: " + log_disk() + "/trace\n}\n";
    }
    return text + _shape.more;
}

std::string world::start() {
    for (std::size_t machine = 1; machine <= _shape.machines; ++machine) {
        if (!start_daemon(machine)) {
            return "daemon " + std::to_string(machine) + " does not start";
        }
    }
    if (std::string fault = settle(); !fault.empty()) {
        return fault;
    }
    for (const auto& each : _crowds) {
        each->fill();
    }
    return {};
}

std::string world::settle() {
    std::string members = ":";
    for (std::size_t machine = 1; machine <= _shape.machines; ++machine) {
        members += " " + std::to_string(machine);
    }
    std::vector<std::string> views(_shape.machines);
    const bool settled = tests::eventually(
        [&] {
            bool equal = true;
            for (std::size_t machine = 1; machine <= _shape.machines && equal; ++machine) {
                views[machine - 1] = view_of(machine);
                equal = views[machine - 1].ends_with(members) && views[machine - 1] == views.front();
            }
            return equal;
        },
        patience);
    if (settled) {
        return {};
    }
    std::string fault = "the daemons do not come to one view:";
    for (std::size_t machine = 1; machine <= _shape.machines; ++machine) {
        fault += "\n    node " + std::to_string(machine) + " is in " + view_of(machine);
    }
    return fault;
}

std::string world::end_clients() {
    for (std::size_t machine = 1; machine <= _shape.machines; ++machine) {
        if (const std::size_t stuck = clients(machine).end(); stuck > 0) {
            return std::to_string(stuck) + " clients of machine " + std::to_string(machine) + " do not end";
        }
    }
    return {};
}

std::string world::record_end() {
    tests::record_end(*_nodes, *_last);
    return testing::Test::HasFailure() ? "the tables were not recorded" : "";
}

void world::kill_daemon(std::size_t machine) {
    _nodes->kill(machine - 1);
    tests::end_last_line(_nodes->trace_file(machine - 1));
}

bool world::end_daemon(std::size_t machine) { return _nodes->terminate(machine - 1) == 0; }

bool world::start_daemon(std::size_t machine) {
    _nodes->start(machine - 1);
    return !testing::Test::HasFatalFailure();
}

bool world::set_clock(std::int64_t seconds) const {
    const std::int64_t offset = seconds * second_ns;
    // In one piece, and in its place: the daemon has it mapped.
    const int file = ::open(clock_file().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const bool written = file >= 0 && ::pwrite(file, &offset, sizeof(offset), 0) == sizeof(offset);
    ::close(file);
    return written;
}

std::size_t world::said(std::size_t machine, const std::string& words) const {
    return times(words, _nodes->log(machine - 1));
}

std::size_t world::views() const {
    std::size_t result = 0;
    for (std::size_t machine = 1; machine <= _shape.machines; ++machine) {
        result += said(machine, "info: view ");
    }
    return result;
}

std::string world::view_of(std::size_t machine) const {
    const auto status = status_of(_nodes->socket(machine - 1));
    if (status.is_null()) {
        return {};
    }
    const nlohmann::ordered_json& view = status["view"];
    if (view["state"] != "operational") {
        return "no view";
    }
    std::string result = view["epoch"].dump() + "." + view["coordinator"].dump() + ":";
    for (const auto& each : view["members"]) {
        result += " " + each["node"].dump();
    }
    return result;
}

world::unsent world::unsent_by(std::size_t machine) const {
    const auto status = status_of(_nodes->socket(machine - 1));
    if (status.is_null()) {
        return {};
    }
    const nlohmann::ordered_json& counts = status["counters"]["net"];
    return {.count = counts["send_errors"], .last_error = counts["last_send_error"]};
}

std::string world::groups_of(std::size_t machine) const {
    auto link = cli::daemon_link::open(_nodes->socket(machine - 1));
    if (!link) {
        return {};
    }
    const auto groups = link->groups();
    return groups ? cli::to_json(*groups).dump() : "";
}

std::string client_trace(const std::string& folder, std::size_t machine, std::size_t number) {
    return folder + "/trace-clients-" + std::to_string(machine) + "-" + std::to_string(number);
}

} // namespace coterie::chaos

// SPDX-License-Identifier: BSD-3-Clause
// Writes configurations and starts coteried with them.
#include "tests/integration/cluster.hpp"

#include "cli/loopback.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace coterie::tests {

namespace {

constexpr auto start_limit = milliseconds(10'000);
constexpr auto end_limit = milliseconds(6'000);

/// Whether somebody accepts connections there.
bool somebody_listens(const std::string& path) {
    const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    path.copy(where.sun_path, sizeof(where.sun_path) - 1);
    const bool result = ::connect(socket, reinterpret_cast<const sockaddr*>(&where), sizeof(where)) == 0;
    ::close(socket);
    return result;
}

} // namespace

temporary_folder::temporary_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "coterie-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        std::abort();
    }
    _path = pattern;
}

temporary_folder::~temporary_folder() {
    // What a failed test leaves may be worth a look.
    if (std::getenv("COTERIE_KEEP_FOLDERS") == nullptr) {
        std::error_code ignored;
        std::filesystem::remove_all(_path, ignored);
    }
}

cluster::cluster(cluster_options options) : _options(std::move(options)), _daemons(_options.places.size()) {
    std::vector<std::string> addresses;
    for (const node_place& each : _options.places) {
        addresses.push_back(each.address);
        addresses.insert(addresses.end(), each.more_addresses.begin(), each.more_addresses.end());
    }
    const bool local = !addresses.front().empty() && _options.places.front().prefix.empty();
    _port = local ? cli::free_udp_port(addresses) : 5405;
    for (std::size_t place = 0; place < size(); ++place) {
        write_configuration(place);
    }
}

cluster::~cluster() {
    for (cli::child_process& each : _daemons) {
        each.kill();
    }
    if (testing::Test::HasFailure()) {
        for (std::size_t place = 0; place < size(); ++place) {
            std::fprintf(stderr, "--- what daemon %zu said\n%s", place + 1, log(place).c_str());
        }
    }
}

void cluster::write_configuration(std::size_t place) const {
    std::ostringstream text;
    text << "totem {\n  version: 2\n  cluster_name: test\n";
    for (std::size_t link = 0; link <= _options.places.front().more_addresses.size(); ++link) {
        text << "  interface {\n    linknumber: " << link << "\n    mcastport: " << _port << "\n  }\n";
    }
    text << "}\n";
    if (!_options.places.front().address.empty()) {
        text << "nodelist {\n";
        for (std::size_t i = 0; i < size(); ++i) {
            text << "  node {\n    nodeid: " << i + 1 << "\n    ring0_addr: " << _options.places[i].address << "\n";
            const std::vector<std::string>& more = _options.places[i].more_addresses;
            for (std::size_t link = 1; link <= more.size(); ++link) {
                text << "    ring" << link << "_addr: " << more[link - 1] << "\n";
            }
            text << "  }\n";
        }
        text << "}\n";
    }
    text << "system {\n  socket_path: " << socket(place) << "\n  state_dir: " << state_folder(place) << "\n";
    if (_options.traced) {
        text << "  trace_file: " << trace_file(place) << "\n";
    }
    text << "}\n" << _options.more;
    write_file(configuration_file(place), text.str());
}

void cluster::start(std::size_t place) {
    std::vector<std::string> command = _options.places[place].prefix;
    command.insert(command.end(), _options.places[place].daemon_prefix.begin(),
                   _options.places[place].daemon_prefix.end());
    command.insert(command.end(), {built("bin/coteried"), "-f", "-c", configuration_file(place)});
    if (!_options.places[place].address.empty()) {
        command.insert(command.end(), {"--node", std::to_string(place + 1)});
    }
    auto started = cli::child_process::start(
        {.command = command, .environment = {}, .output_file = log_file(place), .piped = false});
    ASSERT_TRUE(started) << started.error();
    _daemons[place] = std::move(*started);
    ASSERT_TRUE(eventually([&] { return somebody_listens(socket(place)); }, start_limit)) << log(place);
}

std::optional<int> cluster::terminate(std::size_t place) {
    _daemons[place].send_signal(SIGTERM);
    return _daemons[place].wait(end_limit);
}

cli::child_options cluster::client(std::size_t place, std::vector<std::string> command) const {
    cli::child_options result;
    result.command = _options.places[place].prefix;
    result.command.insert(result.command.end(), command.begin(), command.end());
    result.environment = {{"COTERIE_SOCKET", socket(place)}};
    if (_options.traced) {
        result.environment.emplace_back("COTERIE_TRACE", path("trace-clients", place));
    }
    result.output_file = path("client-log", place);
    return result;
}

std::string cluster::log(std::size_t place) const { return content_of(log_file(place)); }

bool cluster::logs(std::size_t place, std::string_view words) const {
    return eventually([&] { return log(place).find(words) != std::string::npos; });
}

std::vector<std::string> cluster::traces() const {
    std::vector<std::string> result;
    for (const auto& each : std::filesystem::directory_iterator(_folder.path())) {
        if (each.path().filename().string().starts_with("trace-")) {
            result.push_back(each.path().string());
        }
    }
    return result;
}

std::string cluster::path(const std::string& name, std::size_t place) const {
    return _folder / (name + std::to_string(place + 1));
}

std::vector<node_place> loopback_places(std::size_t count) {
    std::vector<node_place> result;
    for (std::size_t i = 1; i <= count; ++i) {
        result.push_back({.address = "127.0.0." + std::to_string(i), .prefix = {}});
    }
    return result;
}

bool eventually(const std::function<bool()>& what, milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!what()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(milliseconds(5));
    }
    return true;
}

std::string content_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream result;
    result << in.rdbuf();
    return result.str();
}

void write_file(const std::string& file, const std::string& content) {
    std::ofstream out(file, std::ios::binary);
    out << content;
    out.close();
    ASSERT_TRUE(out) << file;
}

bool run(const std::vector<std::string>& command) {
    auto started =
        cli::child_process::start({.command = command, .environment = {}, .output_file = {}, .piped = false});
    return started && started->wait(milliseconds(10'000)) == 0;
}

void end_last_line(const std::string& file) {
    const std::string content = content_of(file);
    const std::size_t whole = content.rfind('\n') + 1;
    if (whole != content.size()) {
        std::filesystem::resize_file(file, whole);
    }
}

std::string built(const std::string& name) { return std::string(COTERIE_BINARY_DIR) + "/" + name; }

} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// Three daemons in three network namespaces joined by a bridge, as three machines on a switch: the same story as on
// loopback. Needs root; the namespaces are made and removed here and touch nothing of the machine's own network.
#include "tests/integration/three_nodes.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace coterie::tests {

namespace {

constexpr const char* ip = "/sbin/ip";

/// Namespaces of hosts around one with a bridge.
class switched_network {
public:
    switched_network(std::size_t hosts, std::string prefix) : _hosts(hosts), _prefix(std::move(prefix)) {
        _good = run({"netns", "add", name(0)}) &&
                run({"-n", name(0), "link", "add", "name", "br0", "type", "bridge"}) &&
                run({"-n", name(0), "link", "set", "br0", "up"});
        for (std::size_t host = 1; host <= hosts && _good; ++host) {
            const std::string port = "p" + std::to_string(host);
            const std::string place = name(host);
            _good = run({"netns", "add", place}) &&
                    run({"-n", name(0), "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", place}) &&
                    run({"-n", name(0), "link", "set", port, "master", "br0"}) &&
                    run({"-n", name(0), "link", "set", port, "up"}) && run(address_command(host, place)) &&
                    run({"-n", place, "link", "set", "eth0", "up"}) && run({"-n", place, "link", "set", "lo", "up"});
        }
    }
    switched_network(const switched_network&) = delete;
    switched_network& operator=(const switched_network&) = delete;
    ~switched_network() {
        for (std::size_t host = 0; host <= _hosts; ++host) {
            run({"netns", "delete", name(host)});
        }
    }

    [[nodiscard]] bool good() const { return _good; }
    [[nodiscard]] std::vector<node_place> places() const {
        std::vector<node_place> result;
        for (std::size_t host = 1; host <= _hosts; ++host) {
            result.push_back({.address = address(host), .prefix = {ip, "netns", "exec", name(host)}});
        }
        return result;
    }

private:
    static bool run(std::vector<std::string> words) {
        words.insert(words.begin(), ip);
        auto started =
            cli::child_process::start({.command = words, .environment = {}, .output_file = {}, .piped = false});
        return started && started->wait(milliseconds(10'000)) == 0;
    }
    [[nodiscard]] static std::string name(std::size_t host) {
        return "coterie-" + std::to_string(::getpid()) + "-" + std::to_string(host);
    }
    [[nodiscard]] std::string address(std::size_t host) const { return _prefix + std::to_string(host); }
    [[nodiscard]] std::vector<std::string> address_command(std::size_t host, const std::string& place) const {
        if (_prefix.find(':') == std::string::npos) {
            return {"-n", place, "addr", "add", address(host) + "/24", "dev", "eth0"};
        }
        // Nobody else has it, so nothing has to be waited for.
        return {"-n", place, "addr", "add", address(host) + "/64", "dev", "eth0", "nodad"};
    }

    const std::size_t _hosts;
    const std::string _prefix;
    bool _good = false;
};

void play_on(const std::string& prefix, const story& what) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "SKIPPED: network namespaces need root";
    }
    const switched_network network(3, prefix);
    if (!network.good()) {
        GTEST_SKIP() << "SKIPPED: this machine does not let root make network namespaces";
    }
    cluster nodes({.places = network.places(), .traced = false, .more = {}});
    play(nodes, what);
}

} // namespace

TEST(three_machines, agree_through_a_kill_and_restart_under_a_flood) { play_on("10.66.0.", {}); }

TEST(three_machines, do_so_on_ipv6_as_well) {
    play_on(
        "fd66::",
        {.rate = 0, .before_kill = milliseconds(500), .apart = milliseconds(500), .after_return = milliseconds(500)});
}

} // namespace coterie::tests

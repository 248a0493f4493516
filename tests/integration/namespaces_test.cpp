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
    explicit switched_network(std::size_t hosts) : _hosts(hosts) {
        _good = run({"netns", "add", name(0)}) &&
                run({"-n", name(0), "link", "add", "name", "br0", "type", "bridge"}) &&
                run({"-n", name(0), "link", "set", "br0", "up"});
        for (std::size_t host = 1; host <= hosts && _good; ++host) {
            const std::string port = "p" + std::to_string(host);
            const std::string place = name(host);
            _good = run({"netns", "add", place}) &&
                    run({"-n", name(0), "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", place}) &&
                    run({"-n", name(0), "link", "set", port, "master", "br0"}) &&
                    run({"-n", name(0), "link", "set", port, "up"}) &&
                    run({"-n", place, "addr", "add", address(host) + "/24", "dev", "eth0"}) &&
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
    [[nodiscard]] static std::string address(std::size_t host) { return "10.66.0." + std::to_string(host); }

    std::size_t _hosts;
    bool _good = false;
};

} // namespace

TEST(three_machines, agree_through_a_kill_and_restart_under_a_flood) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "SKIPPED: network namespaces need root";
    }
    const switched_network network(3);
    if (!network.good()) {
        GTEST_SKIP() << "SKIPPED: this machine does not let root make network namespaces";
    }
    cluster nodes({.places = network.places(), .traced = false, .more = {}});
    play(nodes, {});
}

} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// By the commands of iproute2 and nftables, as an operator would.
#include "tests/integration/switched_network.hpp"

#include <unistd.h>
#include <utility>

namespace coterie::tests {

namespace {

constexpr const char* ip = "/sbin/ip";
constexpr const char* nft = "/usr/sbin/nft";

} // namespace

switched_network::switched_network(std::size_t hosts, std::string prefix) : _hosts(hosts), _prefix(std::move(prefix)) {
    _good = run({ip, "netns", "add", name(0)}) &&
            run({ip, "-n", name(0), "link", "add", "name", "br0", "type", "bridge"}) &&
            run({ip, "-n", name(0), "link", "set", "br0", "up"});
    for (std::size_t host = 1; host <= hosts && _good; ++host) {
        const std::string port = "p" + std::to_string(host);
        const std::string place = name(host);
        _good = run({ip, "netns", "add", place}) &&
                run({ip, "-n", name(0), "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", place}) &&
                join_again(host) && run({ip, "-n", name(0), "link", "set", port, "up"}) &&
                run(address_command(host, place)) && run({ip, "-n", place, "link", "set", "eth0", "up"}) &&
                run({ip, "-n", place, "link", "set", "lo", "up"});
    }
}

switched_network::~switched_network() {
    for (std::size_t host = 0; host <= _hosts; ++host) {
        static_cast<void>(run({ip, "netns", "delete", name(host)}));
    }
}

std::vector<node_place> switched_network::places() const {
    std::vector<node_place> result;
    for (std::size_t host = 1; host <= _hosts; ++host) {
        result.push_back({.address = address(host), .prefix = {ip, "netns", "exec", name(host)}});
    }
    return result;
}

bool switched_network::cut_off(std::size_t host) {
    return run({ip, "-n", name(0), "link", "set", "p" + std::to_string(host), "nomaster"});
}

bool switched_network::join_again(std::size_t host) {
    return run({ip, "-n", name(0), "link", "set", "p" + std::to_string(host), "master", "br0"});
}

bool switched_network::lose(int percent) {
    const std::vector<std::string> there{ip, "netns", "exec", name(0), nft};
    const auto rule = [&](const std::string& words) {
        std::vector<std::string> command = there;
        command.push_back(words);
        return run(command);
    };
    return ::access(nft, X_OK) == 0 && rule("add table bridge loss") &&
           rule("add chain bridge loss forward { type filter hook forward priority 0; }") &&
           rule("add rule bridge loss forward numgen random mod 100 < " + std::to_string(percent) + " drop");
}

bool switched_network::run(std::vector<std::string> words) {
    auto started =
        cli::child_process::start({.command = std::move(words), .environment = {}, .output_file = {}, .piped = false});
    return started && started->wait(milliseconds(10'000)) == 0;
}

std::string switched_network::name(std::size_t host) {
    return "coterie-" + std::to_string(::getpid()) + "-" + std::to_string(host);
}

std::vector<std::string> switched_network::address_command(std::size_t host, const std::string& place) const {
    if (_prefix.find(':') == std::string::npos) {
        return {ip, "-n", place, "addr", "add", address(host) + "/24", "dev", "eth0"};
    }
    // Nobody else has it, so nothing has to be waited for.
    return {ip, "-n", place, "addr", "add", address(host) + "/64", "dev", "eth0", "nodad"};
}

} // namespace coterie::tests

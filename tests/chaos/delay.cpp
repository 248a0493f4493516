// SPDX-License-Identifier: BSD-3-Clause
// A second pair of virtual cards stands for the port: one end in the bridge, the other one the relay's.
#include "tests/chaos/delay.hpp"

#include <unistd.h>

namespace coterie::chaos {

namespace {

constexpr const char* ip = "/sbin/ip";

} // namespace

delay::delay(tests::switched_network& network, std::size_t machine, std::size_t link, std::uint64_t seed)
    : _network(network),
      _machine(machine),
      _link(link),
      _seed(seed) {}

/// In one command, so that nothing waits for a process to start meanwhile.
bool delay::swap(const std::string& out, const std::string& in) {
    const std::string lines =
        "link set " + out + " nomaster\\nlink set " + in + " master " + tests::switched_network::bridge(_link) + "\\n";
    return _network.at_switch({"/bin/sh", "-c", "printf '" + lines + "' | " + ip + " -batch -"});
}

bool delay::begin() {
    using tests::switched_network;
    const std::string port = switched_network::port(_machine, _link);
    const std::string outer = stand_in(port);
    const std::string inner = "in" + port;
    const auto set = [&](const std::string& card) { return _network.at_switch({ip, "link", "set", card, "up"}); };
    // Packets that the relay can take in are those that were cut to size before.
    const bool ready =
        _network.at_host(_machine, {ip, "link", "set", switched_network::card(_link), "gso_max_segs", "1"}) &&
        _network.at_switch({ip, "link", "add", inner, "type", "veth", "peer", "name", outer}) && set(inner) &&
        set(outer);
    if (!ready) {
        return false;
    }
    auto started = cli::child_process::start(
        {.command = {ip, "netns", "exec", switched_network::name(0), tests::built("tests/chaos/delay_relay"), port,
                     inner, std::to_string(_seed)},
         .environment = {},
         .output_file = {},
         .piped = true});
    char word = 0;
    if (!started || ::read(started->output(), &word, 1) != 1) {
        return false;
    }
    _relay = std::move(*started);
    return swap(port, outer);
}

bool delay::end() {
    const std::string port = tests::switched_network::port(_machine, _link);
    const bool swapped = swap(stand_in(port), port);
    const bool ran = _relay.running();
    _relay.kill();
    return _network.at_switch({ip, "link", "delete", "in" + port}) && swapped && ran;
}

} // namespace coterie::chaos

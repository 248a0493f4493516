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

switched_network::switched_network(std::size_t hosts, std::vector<std::string> prefixes)
    : _hosts(hosts),
      _prefixes(std::move(prefixes)) {
    _good = run({ip, "netns", "add", name(0)});
    for (std::size_t link = 0; link < _prefixes.size() && _good; ++link) {
        _good = add_bridge(link);
    }
    for (std::size_t host = 1; host <= hosts && _good; ++host) {
        _good = run({ip, "netns", "add", name(host)}) && run({ip, "-n", name(host), "link", "set", "lo", "up"});
        for (std::size_t link = 0; link < _prefixes.size() && _good; ++link) {
            _good = add_host(host, link);
        }
    }
}

switched_network::~switched_network() {
    for (std::size_t host = 0; host <= _hosts; ++host) {
        static_cast<void>(run({ip, "netns", "delete", name(host)}));
    }
}

bool switched_network::add_bridge(std::size_t link) {
    return run({ip, "-n", name(0), "link", "add", "name", bridge(link), "type", "bridge"}) &&
           run({ip, "-n", name(0), "link", "set", bridge(link), "up"});
}

bool switched_network::add_host(std::size_t host, std::size_t link) {
    return run({ip, "-n", name(0), "link", "add", port(host, link), "type", "veth", "peer", "name", card(link), "netns",
                name(host)}) &&
           join_again(host, link) && run({ip, "-n", name(0), "link", "set", port(host, link), "up"}) &&
           add_address(host, link) && take_up(host, link);
}

std::vector<node_place> switched_network::places() const {
    std::vector<node_place> result;
    for (std::size_t host = 1; host <= _hosts; ++host) {
        node_place place{
            .address = address(host, 0), .prefix = {ip, "netns", "exec", name(host)}, .more_addresses = {}};
        for (std::size_t link = 1; link < _prefixes.size(); ++link) {
            place.more_addresses.push_back(address(host, link));
        }
        result.push_back(std::move(place));
    }
    return result;
}

bool switched_network::cut_off(std::size_t host, std::size_t link) {
    return run({ip, "-n", name(0), "link", "set", port(host, link), "nomaster"});
}

bool switched_network::join_again(std::size_t host, std::size_t link) {
    return run({ip, "-n", name(0), "link", "set", port(host, link), "master", bridge(link)});
}

bool switched_network::take_down(std::size_t host, std::size_t link) {
    return run({ip, "-n", name(host), "link", "set", card(link), "down"});
}

bool switched_network::take_up(std::size_t host, std::size_t link) {
    return run({ip, "-n", name(host), "link", "set", card(link), "up"});
}

bool switched_network::remove_address(std::size_t host, std::size_t link) {
    return run(address_command(host, link, "del"));
}

bool switched_network::add_address(std::size_t host, std::size_t link) {
    return run(address_command(host, link, "add"));
}

bool switched_network::take_no_larger(std::size_t host, std::size_t link, std::size_t bytes) {
    // Bridges let through what is still to be cut up, whatever its size: it is cut before, from now on.
    for (std::size_t each = 1; each <= _hosts && bytes < mtu; ++each) {
        if (!run({ip, "-n", name(each), "link", "set", card(link), "gso_max_segs", "1"})) {
            return false;
        }
    }
    return run({ip, "-n", name(0), "link", "set", port(host, link), "mtu", std::to_string(bytes)});
}

bool switched_network::cut_one_way(std::size_t from, std::size_t to, std::size_t link) {
    return filter({"add table bridge cut", "add chain bridge cut forward { type filter hook forward priority 0; }",
                   "add rule bridge cut forward iifname " + port(from, link) + " oifname " + port(to, link) + " drop"});
}

bool switched_network::heal() { return filter({"delete table bridge cut"}); }

bool switched_network::lose(int percent) {
    return filter({"add table bridge loss", "add chain bridge loss forward { type filter hook forward priority 0; }",
                   "add rule bridge loss forward numgen random mod 100 < " + std::to_string(percent) + " drop"});
}

bool switched_network::filter(const std::vector<std::string>& rules) const {
    if (::access(nft, X_OK) != 0) {
        return false;
    }
    for (const std::string& each : rules) {
        if (!at_switch({nft, each})) {
            return false;
        }
    }
    return true;
}

bool switched_network::at_host(std::size_t host, const std::vector<std::string>& words) const {
    std::vector<std::string> whole{ip, "netns", "exec", name(host)};
    whole.insert(whole.end(), words.begin(), words.end());
    return run(whole);
}

std::string switched_network::name(std::size_t host) {
    return "coterie-" + std::to_string(::getpid()) + "-" + std::to_string(host);
}

std::string switched_network::port(std::size_t host, std::size_t link) {
    return "p" + std::to_string(host) + "-" + std::to_string(link);
}

std::string switched_network::address(std::size_t host, std::size_t link) const {
    return _prefixes[link] + std::to_string(host);
}

std::vector<std::string> switched_network::address_command(std::size_t host, std::size_t link,
                                                           const std::string& what) const {
    std::vector<std::string> result{ip, "-n", name(host), "addr", what, address(host, link), "dev", card(link)};
    if (_prefixes[link].find(':') == std::string::npos) {
        result[5] += "/24";
    } else {
        // Nobody else has it, so nothing has to be waited for.
        result[5] += "/64";
        result.push_back("nodad");
    }
    return result;
}

} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// Network namespaces as machines on a switch, for tests of clusters: made and removed by the object, apart from the
// machine's own network. Needs root. Cables can be pulled and packets lost.
#pragma once

#include "tests/integration/cluster.hpp"

#include <string>
#include <vector>

namespace coterie::tests {

/// Namespaces of hosts around one with a bridge.
class switched_network {
public:
    /// Hosts are numbered from 1 on and have the addresses `prefix` + number, e.g. "10.66.0." or "fd66::".
    switched_network(std::size_t hosts, std::string prefix);
    switched_network(const switched_network&) = delete;
    switched_network& operator=(const switched_network&) = delete;
    ~switched_network();

    /// False if this machine does not allow it.
    [[nodiscard]] bool good() const { return _good; }
    [[nodiscard]] std::vector<node_place> places() const;

    /// Takes the host's port out of the switch, without a word to anybody, and puts it back.
    [[nodiscard]] bool cut_off(std::size_t host);
    [[nodiscard]] bool join_again(std::size_t host);
    /// The switch loses so many of a hundred packets from now on, at random. False where there is no nft.
    [[nodiscard]] bool lose(int percent);

private:
    [[nodiscard]] static bool run(std::vector<std::string> words);
    [[nodiscard]] static std::string name(std::size_t host);
    [[nodiscard]] std::string address(std::size_t host) const { return _prefix + std::to_string(host); }
    [[nodiscard]] std::vector<std::string> address_command(std::size_t host, const std::string& place) const;

    const std::size_t _hosts;
    const std::string _prefix;
    bool _good = false;
};

} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// Network namespaces as machines on one switch or several, for tests of clusters: made and removed by the object, apart
// from the machine's own network. Needs root. Cables can be pulled, ways be cut and packets lost.
#pragma once

#include "tests/integration/cluster.hpp"

#include <string>
#include <vector>

namespace coterie::tests {

/// Namespaces of hosts around one with a bridge for each link.
class switched_network {
public:
    /// Hosts are numbered from 1 on and have, on each link, the address `prefix` + number, e.g. "10.66.0." or "fd66::".
    switched_network(std::size_t hosts, std::vector<std::string> prefixes);
    switched_network(const switched_network&) = delete;
    switched_network& operator=(const switched_network&) = delete;
    ~switched_network();

    /// False if this machine does not allow it.
    [[nodiscard]] bool good() const { return _good; }
    [[nodiscard]] std::vector<node_place> places() const;

    /// Takes the host's port out of the switch of a link, without a word to anybody, and puts it back.
    [[nodiscard]] bool cut_off(std::size_t host, std::size_t link = 0);
    [[nodiscard]] bool join_again(std::size_t host, std::size_t link = 0);
    /// The host's own end of the link goes down, which the host sees, and up again.
    [[nodiscard]] bool take_down(std::size_t host, std::size_t link);
    [[nodiscard]] bool take_up(std::size_t host, std::size_t link);
    /// The host loses its address on a link, and has it again.
    [[nodiscard]] bool remove_address(std::size_t host, std::size_t link);
    [[nodiscard]] bool add_address(std::size_t host, std::size_t link);
    /// Runs a command in a host's namespace, or there where the bridges are; whether it ends well.
    [[nodiscard]] bool at_host(std::size_t host, const std::vector<std::string>& words) const;
    [[nodiscard]] bool at_switch(const std::vector<std::string>& words) const { return at_host(0, words); }
    [[nodiscard]] std::size_t hosts() const { return _hosts; }
    [[nodiscard]] std::size_t links() const { return _prefixes.size(); }
    [[nodiscard]] std::string address(std::size_t host, std::size_t link) const;
    /// The namespace of a host, or, as number 0, of the bridges; what a link's bridge is called there, and a host's port;
    /// the host's own end of it.
    [[nodiscard]] static std::string name(std::size_t host);
    [[nodiscard]] static std::string bridge(std::size_t link) { return "br" + std::to_string(link); }
    [[nodiscard]] static std::string port(std::size_t host, std::size_t link);
    [[nodiscard]] static std::string card(std::size_t link) { return "eth" + std::to_string(link); }

    static constexpr std::size_t mtu = 1'500;
    /// The host's port lets packets of up to so many bytes through, and says nothing of those that it does not.
    [[nodiscard]] bool take_no_larger(std::size_t host, std::size_t link, std::size_t bytes);
    /// What one host sends to another on a link is thrown away, until heal(). False where there is no nft.
    [[nodiscard]] bool cut_one_way(std::size_t from, std::size_t to, std::size_t link);
    [[nodiscard]] bool heal();
    /// The switch loses so many of a hundred packets from now on, at random. False where there is no nft.
    [[nodiscard]] bool lose(int percent);

private:
    /// nft there where the bridges are.
    [[nodiscard]] bool filter(const std::vector<std::string>& rules) const;
    [[nodiscard]] bool add_bridge(std::size_t link);
    [[nodiscard]] bool add_host(std::size_t host, std::size_t link);
    [[nodiscard]] std::vector<std::string> address_command(std::size_t host, std::size_t link,
                                                           const std::string& what) const;

    const std::size_t _hosts;
    const std::vector<std::string> _prefixes; ///< by link
    bool _good = false;
};

} // namespace coterie::tests

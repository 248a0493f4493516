// SPDX-License-Identifier: BSD-3-Clause
// Late packets: the program `delay_relay` between a machine's port and the bridge, since there is no netem everywhere.
#pragma once

#include "cli/child_process.hpp"
#include "tests/integration/switched_network.hpp"

namespace coterie::chaos {

class delay {
public:
    delay(tests::switched_network& network, std::size_t machine, std::size_t link, std::uint64_t seed);

    /// Takes the port out of the bridge and puts the relay in its place.
    [[nodiscard]] bool begin();
    [[nodiscard]] bool end();
    /// The card that is in the bridge meanwhile.
    [[nodiscard]] static std::string stand_in(const std::string& port) { return "late" + port; }

private:
    [[nodiscard]] bool swap(const std::string& out, const std::string& in);

    tests::switched_network& _network;
    const std::size_t _machine;
    const std::size_t _link;
    const std::uint64_t _seed;
    cli::child_process _relay;
};

} // namespace coterie::chaos

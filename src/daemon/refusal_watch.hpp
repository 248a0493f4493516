// SPDX-License-Identifier: BSD-3-Clause
// From the counters of packets that were refused under encryption to lines for the log: which node they claim to be of, and
// what is the likely cause. It looks at counters from time to time, so a flood costs it nothing; it has no clock.
#pragma once

#include "base/time.hpp"
#include "net/transport.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace coterie::daemon {

class refusal_watch {
public:
    /// How often judge() should be called, and how often one thing is told of one node at most.
    static constexpr auto look_every = std::chrono::seconds(1);
    static constexpr auto line_pause = std::chrono::seconds(60);

    /// `named` gives a node's name for people.
    explicit refusal_watch(std::function<std::string(base::node_id)> named) : _named(std::move(named)) {}

    /// What there is to tell now. `sealing` is nothing where packets go in the clear.
    [[nodiscard]] std::vector<std::string> judge(base::time_point now,
                                                 const std::optional<net::sealing_report>& sealing,
                                                 const net::transport_counters& counts);

private:
    enum class cause : std::uint8_t { not_encrypted, other_key, altered, too_old, no_answer, encrypted };
    struct tally {
        std::uint64_t seen = 0; ///< when it was looked at last
        std::uint64_t told = 0; ///< when there was a line last
        unsigned growing = 0;   ///< looks in a row that found more
        base::time_point quiet_until{};
    };
    /// A line if there are more than before, and have been for so many looks.
    void look(base::time_point now, base::node_id node, cause what, std::uint64_t count,
              std::vector<std::string>& lines);
    [[nodiscard]] std::string line(base::node_id node, cause what, std::uint64_t more) const;

    const std::function<std::string(base::node_id)> _named;
    std::map<std::pair<base::node_id, cause>, tally> _tallies;
};

} // namespace coterie::daemon

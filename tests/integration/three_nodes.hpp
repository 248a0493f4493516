// SPDX-License-Identifier: BSD-3-Clause
// The story that a cluster of three has to go through, wherever its nodes are: three clients flood one group, one daemon
// is killed amid the flood and started again, its client comes back, and in the end all have to tell the same.
#pragma once

#include "tests/integration/cluster.hpp"

namespace coterie::tests {

struct story {
    std::uint64_t rate = 0; ///< messages a second of each client; 0: as many as are taken
    milliseconds before_kill{1'500};
    milliseconds apart{1'000};
    milliseconds after_return{1'500};
};

/// Plays the story; failures are those of the running test. The daemons go on.
void play(cluster& nodes, const story& what);

/// Writes down that the daemon of a place failed after each of its lives but the last, as nobody else could.
void record_failures(const cluster& nodes, std::size_t place);
/// Has the daemons write the tables of their groups to their traces.
void record_tables(cluster& nodes);
/// Judges all traces by the guarantees; failures are those of the running test.
void check_traces(const cluster& nodes);

} // namespace coterie::tests

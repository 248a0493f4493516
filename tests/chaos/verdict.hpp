// SPDX-License-Identifier: BSD-3-Clause
// Judges what daemons and clients of a world wrote down, by the guarantees. What nobody could write down is completed first,
// from what the others saw: that a daemon or a client was killed, and the one thing that a killed client may have asked for
// without recording it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace coterie::chaos {

struct verdict {
    std::vector<std::string> violations;
    std::uint64_t events = 0;
    std::uint64_t accepted = 0;  ///< messages that clients' daemons took
    std::uint64_t delivered = 0; ///< to clients, one count each
    /// Accepted from a client that lived on with its daemon, and never delivered back to it.
    std::uint64_t lost = 0;
    std::uint64_t views = 0; ///< installed, all nodes together
};

/// Judges all traces of a folder, and writes there, as trace-completed, what had to be added.
/// The world has `machines` nodes, came to rest in one view of them all, and recorded its tables.
[[nodiscard]] verdict judge(const std::string& folder, std::size_t machines);

} // namespace coterie::chaos

// SPDX-License-Identifier: BSD-3-Clause
// Several daemons on one machine, each at a loopback address of its own: what they need to find.
#pragma once

#include <string>
#include <vector>

namespace coterie::cli {

/// A UDP port that is free at all of these IPv4 addresses now; 0 if there is none.
[[nodiscard]] int free_udp_port(const std::vector<std::string>& addresses);

} // namespace coterie::cli

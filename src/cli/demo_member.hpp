// SPDX-License-Identifier: BSD-3-Clause
// A member of the demonstration's group: an ordinary client that knows nothing but cpg.h. It multicasts the lines of a file
// again and again until its input is closed, tells what it sees on its output, connects again when its daemon has died, and
// at the end writes down what it received in which order.
#pragma once

#include <cstdint>
#include <string>

namespace coterie::cli {

/// Returns an exit status. The daemon is found by $COTERIE_SOCKET. With a `rate` it sends so many messages a second, else
/// as many as are taken.
[[nodiscard]] int run_demo_member(const std::string& lines_file, const std::string& segments_file,
                                  std::uint64_t rate = 0);

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// A client that tells when it was told what: it joins a group and prints a line for every change of the group ("group" and
// its members' nodes) and of the ring ("ring" and its nodes), with CLOCK_MONOTONIC in nanoseconds in front.
#pragma once

#include <string>

namespace coterie::bench {

/// Goes on until its daemon has gone, or it is ended; why it ended, for people. `limit_seconds`: what connecting and
/// joining may take each.
[[nodiscard]] std::string watch(const std::string& group, double limit_seconds);

} // namespace coterie::bench

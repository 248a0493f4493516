// SPDX-License-Identifier: BSD-3-Clause
// `coterie bench` without a mode: a little of everything, on the daemon that runs, in a quarter of a minute.
#pragma once

#include <sys/types.h>

namespace coterie::cli {

/// Prints a line for each thing measured. `daemon`: its process, or 0 if that is not known. Ends the command when a run fails.
void bench_tour(pid_t daemon, double seconds_each);

} // namespace coterie::cli

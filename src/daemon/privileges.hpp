// SPDX-License-Identifier: BSD-3-Clause
// What the daemon asks the system for so that it is never late: descriptors enough, its memory kept in place, the
// processor before others; and what it gives back. Each is done without when it is not allowed, with one line that says so and what would help.
#pragma once

#include "config/settings.hpp"

namespace coterie::daemon {

/// For the whole process: as many descriptors as allowed, and no end by a pipe that nobody reads.
void prepare_process();
/// Keeps what is in memory, and what comes there, from being paged out. Logs a line if that is not allowed.
void lock_memory();
/// Gives memory back to the system that nothing uses any more, if that is much. Takes some milliseconds then.
void return_memory();
/// Gives the calling thread, which is to be the engine's, its place on the processor. Threads that it starts later are
/// ordinary ones. Logs a line if that is not allowed.
void schedule_engine(const config::scheduling& wanted);

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// What a process costs the machine, as the kernel tells it in /proc: processor, memory, descriptors.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <sys/types.h>

namespace coterie::bench {

struct footprint {
    double processor_seconds = 0; ///< of all its threads
    std::uint64_t wakeups = 0;    ///< how often a thread gave up the processor and got it again
    std::uint64_t rss_kib = 0;
    std::uint64_t pss_kib = 0;
    std::uint64_t shared_kib = 0;  ///< rings that are shared with a client, and the like
    std::uint64_t private_kib = 0; ///< what is not shared memory
    std::uint64_t peak_kib = 0;    ///< the most that was ever resident
    std::uint64_t descriptors = 0;
    std::uint64_t maps = 0;
};

/// The error is one line for people: most often there is no such process, or it is somebody else's.
[[nodiscard]] std::expected<footprint, std::string> footprint_of(pid_t process);

} // namespace coterie::bench

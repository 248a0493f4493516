// SPDX-License-Identifier: BSD-3-Clause
// Assertions on our own state, kept in release builds. What a packet or a client decides is judged and refused, never
// asserted: a remote party must not be able to end a daemon.
#pragma once

namespace coterie::base {

/// Writes "coterie: invariant broken: NAME (FILE:LINE)" to standard error and aborts.
[[noreturn]] void invariant_broken(const char* invariant, const char* file, int line) noexcept;

} // namespace coterie::base

/// Ends the process when `condition` is false. `invariant` is a sentence that names what should always hold.
#define COTERIE_ASSERT(condition, invariant)                                                                           \
    do {                                                                                                               \
        if (!(condition)) [[unlikely]] {                                                                               \
            ::coterie::base::invariant_broken((invariant), __FILE__, __LINE__);                                        \
        }                                                                                                              \
    } while (false)

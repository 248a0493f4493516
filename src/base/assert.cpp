// SPDX-License-Identifier: BSD-3-Clause
// The one place where a broken invariant ends the process.
#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace coterie::base {

void invariant_broken(const char* invariant, const char* file, int line) noexcept {
    std::fprintf(stderr, "coterie: invariant broken: %s (%s:%d)\n", invariant, file, line);
    std::abort();
}

} // namespace coterie::base

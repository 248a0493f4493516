// SPDX-License-Identifier: BSD-3-Clause
// Hooks for mutation tests: places where the protocol can be broken on purpose, to see that the checker notices. In the
// product COTERIE_MUTANT(name) is the constant false and nothing of it is compiled; only the mutant libraries, built
// with COTERIE_MUTANTS, contain the hooks.
#pragma once

#ifdef COTERIE_MUTANTS

#include <string_view>

namespace coterie::base {
/// The one mutant that is active in this process; empty for none. Set by the test that runs a mutant.
inline std::string_view active_mutant;
} // namespace coterie::base

#define COTERIE_MUTANT(name) (::coterie::base::active_mutant == #name)

#else

#define COTERIE_MUTANT(name) false

#endif

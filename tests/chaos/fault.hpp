// SPDX-License-Identifier: BSD-3-Clause
// The faults that a world can meet, as a table: what each does, how it is undone, what it leaves as it was. A kind draws one
// fault from a source of random numbers: its victims, its strength, its beginning and its end.
#pragma once

#include "tests/chaos/world.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::chaos {

/// One fault, drawn and not yet begun.
struct fault {
    std::string where;              ///< for people, e.g. "node 2"
    std::vector<std::string> holds; ///< what no other fault may touch meanwhile, e.g. "daemon 2"
    /// False if this machine does not allow it: then it has not begun.
    std::function<bool()> begin;
    std::function<bool()> end;
};

/// What goes on undisturbed through a fault, with default settings. All guarantees hold through all of them.
enum class leaves {
    views, ///< nobody is found missing: no view changes
    rest,  ///< views may change; when it has ended all come together again
};

struct fault_kind {
    std::string_view name;
    std::string_view does;
    std::string_view undone;
    leaves what;
    milliseconds shortest;
    milliseconds longest;
    fault (*draw)(world& where, base::random_source& random);
    /// Whether a world is such that it can be drawn.
    bool (*fits)(const shape& what) = [](const shape&) { return true; };
};

[[nodiscard]] std::span<const fault_kind> process_faults();
[[nodiscard]] std::span<const fault_kind> network_faults();
[[nodiscard]] std::span<const fault_kind> sending_faults();
[[nodiscard]] std::span<const fault_kind> machine_faults();

/// All of them.
[[nodiscard]] std::vector<const fault_kind*> all_faults();
/// By its name; null if there is none.
[[nodiscard]] const fault_kind* fault_named(std::string_view name);

/// A machine at random, and another one.
[[nodiscard]] std::size_t any_machine(const world& where, base::random_source& random);
[[nodiscard]] std::size_t another_machine(const world& where, base::random_source& random, std::size_t first);
[[nodiscard]] inline std::string daemon_of(std::size_t machine) { return "daemon " + std::to_string(machine); }
[[nodiscard]] inline std::string clients_of(std::size_t machine) { return "clients " + std::to_string(machine); }
[[nodiscard]] inline std::string port_of(std::size_t machine, std::size_t link) {
    return "port " + std::to_string(machine) + "-" + std::to_string(link);
}

} // namespace coterie::chaos

// SPDX-License-Identifier: BSD-3-Clause
// Every handle that this process has open, and what becomes of them in a child that it forks.
#pragma once

#include "client/group_handle.hpp"
#include "client/handle_table.hpp"
#include "client/iteration.hpp"

namespace coterie::client {

struct open_handles {
    handle_table<group_handle> groups;
    handle_table<iteration> iterations;
};

/// The process's handles. They are never destroyed: threads may still use them while the process ends. A forked child
/// knows none of its parent's, and holds on to none of their sockets: the daemon has to see when the parent dies.
[[nodiscard]] open_handles& all_handles();

} // namespace coterie::client

// SPDX-License-Identifier: BSD-3-Clause
// The one object behind all handles, and the hooks around fork().
#include "client/open_handles.hpp"

#include <pthread.h>

namespace coterie::client {

namespace {

open_handles& instance() {
    static auto* const handles = new open_handles;
    return *handles;
}

void before_fork() {
    instance().groups.before_fork([](group_handle& each) { each.before_fork(); });
    instance().iterations.before_fork([](iteration&) {});
    ipc::hold_channel_sockets();
}

void after_fork_in_parent() {
    ipc::release_channel_sockets();
    instance().iterations.after_fork([](iteration&) {});
    instance().groups.after_fork([](group_handle& each) { each.after_fork(); });
}

// Only what a child of many threads may do: no memory is taken or given back.
void after_fork_in_child() {
    ipc::close_channel_sockets_in_child();
    instance().iterations.after_fork_in_child([](iteration&) {});
    instance().groups.after_fork_in_child([](group_handle& each) { each.abandon(); });
}

} // namespace

open_handles& all_handles() {
    static open_handles& handles = []() -> open_handles& {
        open_handles& result = instance();
        // Without the hooks, for want of memory, everything works that does not fork.
        static_cast<void>(::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child));
        return result;
    }();
    return handles;
}

} // namespace coterie::client

// SPDX-License-Identifier: BSD-3-Clause
// A whole client: joins a group, says hello to its members, and prints what it sees until it is interrupted.
#include <corosync/cpg.h>
#include <cstdio>

static void on_message(cpg_handle_t, const cpg_name*, uint32_t node, uint32_t pid, void* text, size_t length) {
    std::printf("%u/%u says: %.*s\n", node, pid, static_cast<int>(length), static_cast<const char*>(text));
}

static void on_change(cpg_handle_t, const cpg_name*, const cpg_address*, size_t members, const cpg_address*,
                      size_t left, const cpg_address*, size_t joined) {
    std::printf("%zu members now; %zu left, %zu joined\n", members, left, joined);
}

int main() {
    cpg_handle_t handle = 0;
    cpg_callbacks_t callbacks = {on_message, on_change};
    cpg_name group = {5, "hello"};
    iovec text = {const_cast<char*>("hello, everyone"), 15};
    if (cpg_initialize(&handle, &callbacks) != CS_OK || cpg_join(handle, &group) != CS_OK ||
        cpg_mcast_joined(handle, CPG_TYPE_AGREED, &text, 1) != CS_OK) {
        std::fprintf(stderr, "is coteried running?\n");
        return 1;
    }
    return cpg_dispatch(handle, CS_DISPATCH_BLOCKING) == CS_OK ? 0 : 1;
}

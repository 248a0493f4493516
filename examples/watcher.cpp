// SPDX-License-Identifier: BSD-3-Clause
// Watches a group for as long as it runs, through restarts of the daemon: the loop that a long-lived client needs.
//
//     watcher GROUP
//
// A daemon that goes, or that cuts this client off, ends the handle: its descriptor becomes readable and every call says
// CS_ERR_LIBRARY. The handle is finalized and another one made, with growing pauses while no daemon answers. What was
// known of the group is forgotten: the first change after the join tells all of it.
#include <algorithm>
#include <chrono>
#include <corosync/corotypes.h>
#include <corosync/cpg.h>
#include <cstdio>
#include <cstring>
#include <poll.h>
#include <string_view>
#include <thread>

namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_pause(50);
constexpr milliseconds longest_pause(2'000);

void on_message(cpg_handle_t, const cpg_name*, uint32_t node, uint32_t pid, void* text, size_t length) {
    std::printf("message of %u/%u: %.*s\n", node, pid, static_cast<int>(length), static_cast<const char*>(text));
}

void on_change(cpg_handle_t, const cpg_name*, const cpg_address* members, size_t count, const cpg_address*, size_t,
               const cpg_address*, size_t) {
    std::printf("members");
    for (size_t i = 0; i < count; ++i) {
        std::printf(" %u/%u", members[i].nodeid, members[i].pid);
    }
    std::printf("\n");
}

/// Joins, and shows what comes until the connection ends. What ended it: CS_ERR_TRY_AGAIN and CS_ERR_LIBRARY pass.
cs_error_t watch(const cpg_name& group) {
    cpg_handle_t handle = 0;
    cpg_callbacks_t callbacks = {on_message, on_change};
    cs_error_t outcome = cpg_initialize(&handle, &callbacks);
    if (outcome != CS_OK) {
        return outcome;
    }
    int descriptor = -1;
    outcome = cpg_join(handle, &group);
    if (outcome == CS_OK) {
        outcome = cpg_fd_get(handle, &descriptor);
    }
    while (outcome == CS_OK) {
        // A program with other descriptors to watch puts this one beside them.
        pollfd wanted{descriptor, POLLIN, 0};
        if (poll(&wanted, 1, -1) > 0) {
            outcome = cpg_dispatch(handle, CS_DISPATCH_ALL);
        }
    }
    cpg_finalize(handle);
    return outcome;
}

bool passes(cs_error_t outcome) { return outcome == CS_ERR_LIBRARY || outcome == CS_ERR_TRY_AGAIN; }

} // namespace

int main(int argc, char** argv) {
    cpg_name group{};
    if (argc != 2 || std::string_view(argv[1]).empty() || std::string_view(argv[1]).size() > sizeof(group.value)) {
        std::fprintf(stderr, "usage: watcher GROUP (1 to %zu bytes)\n", sizeof(group.value));
        return 2;
    }
    group.length = static_cast<uint32_t>(std::strlen(argv[1]));
    std::memcpy(group.value, argv[1], group.length);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);

    milliseconds pause = first_pause;
    while (true) {
        const auto begun = std::chrono::steady_clock::now();
        const cs_error_t outcome = watch(group);
        if (!passes(outcome)) {
            std::fprintf(stderr, "watcher: %s\n", cs_strerror(outcome));
            return 1;
        }
        // A connection that lasted was a good one; the next begins without a long wait.
        pause = std::chrono::steady_clock::now() - begun > longest_pause ? first_pause : pause;
        std::printf("no daemon: %s; trying again in %lld ms\n", cs_strerror(outcome),
                    static_cast<long long>(pause.count()));
        std::this_thread::sleep_for(pause);
        pause = std::min(2 * pause, longest_pause);
    }
}

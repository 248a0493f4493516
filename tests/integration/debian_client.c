/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program as users of Corosync have it: compiled against the headers and the library that Debian installs, never against
 * ours. It uses every function of the library; which library it really runs on is decided when it is started. Says
 * "good" if all of it worked.
 */
#include <corosync/corotypes.h>
#include <corosync/cpg.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int changes;
static int messages;
static int rings;
static char text[256];
static struct cpg_ring_id ring_id;

static void expect(int good, const char* what) {
    if (!good) {
        printf("bad: %s\n", what);
        exit(1);
    }
}

static void deliver(cpg_handle_t handle, const struct cpg_name* group, uint32_t node, uint32_t pid, void* msg,
                    size_t length) {
    (void)handle;
    expect(strcmp(group->value, "debian") == 0, "the group's name is a string when its NUL was counted");
    expect(node == 1 && pid == (uint32_t)getpid(), "the sender");
    memcpy(text, msg, length < sizeof(text) ? length : sizeof(text) - 1);
    ++messages;
}

static void change(cpg_handle_t handle, const struct cpg_name* group, const struct cpg_address* members,
                   size_t member_count, const struct cpg_address* left, size_t left_count,
                   const struct cpg_address* joined, size_t joined_count) {
    (void)handle;
    (void)group;
    if (changes++ == 0) {
        expect(member_count == 1 && joined_count == 1 && left_count == 0, "the lists of the join");
        expect(members[0].pid == (uint32_t)getpid() && joined[0].reason == CPG_REASON_JOIN, "who joined and why");
    } else {
        expect(member_count == 0 && left_count == 1 && joined_count == 0, "the lists of the leave");
        expect(left[0].reason == CPG_REASON_LEAVE, "why it left");
    }
}

static void ring(cpg_handle_t handle, struct cpg_ring_id id, uint32_t count, const uint32_t* members) {
    (void)handle;
    expect(count == 1 && members[0] == 1, "the ring's members");
    ring_id = id;
    ++rings;
}

int main(void) {
    cpg_model_v1_data_t model = {CPG_MODEL_V1, deliver, change, ring, CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF};
    cpg_handle_t handle = 0;
    struct cpg_name group = {0, {0}};
    struct cpg_address members[CPG_MEMBERS_MAX];
    struct cpg_iteration_description_t row;
    cpg_iteration_handle_t iteration = 0;
    cpg_flow_control_state_t flow;
    struct iovec parts[2] = {{"hello ", 6}, {"world", 6}};
    void* context = NULL;
    void* buffer = NULL;
    unsigned node = 0;
    uint32_t size = 0;
    int count = 0;
    int fd = -1;

    group.length = (uint32_t)strlen("debian") + 1;
    strcpy(group.value, "debian");
    expect(cpg_model_initialize(&handle, CPG_MODEL_V1, (cpg_model_data_t*)&model, &model) == CS_OK, "initialize");
    expect(cpg_context_get(handle, &context) == CS_OK && context == &model, "context");
    expect(cpg_context_set(handle, NULL) == CS_OK, "setting the context");
    expect(cpg_local_get(handle, &node) == CS_OK && node == 1, "local node");
    expect(cpg_max_atomic_msgsize_get(handle, &size) == CS_OK && size == 1047552, "largest atomic message");
    expect(cpg_fd_get(handle, &fd) == CS_OK && fd >= 0, "descriptor");
    expect(cpg_join(handle, &group) == CS_OK, "join");
    while (rings == 0) {
        struct pollfd wanted = {fd, POLLIN, 0};
        expect(poll(&wanted, 1, 10000) == 1, "an event comes");
        expect(cpg_dispatch(handle, CS_DISPATCH_ONE) == CS_OK, "dispatch");
    }
    expect(changes == 1 && ring_id.nodeid == 1 && ring_id.seq != 0, "the ring follows the first change");
    expect(cpg_mcast_joined(handle, CPG_TYPE_AGREED, parts, 2) == CS_OK, "multicast");
    expect(cpg_dispatch(handle, CS_DISPATCH_ONE) == CS_OK, "dispatch of the message");
    expect(messages == 1 && strcmp(text, "hello world") == 0, "the message");
    expect(cpg_zcb_alloc(handle, 100, &buffer) == CS_OK, "a buffer");
    strcpy(buffer, "from a buffer");
    expect(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffer, 14) == CS_OK, "multicast of the buffer");
    expect(cpg_zcb_free(handle, buffer) == CS_OK, "giving it back");
    expect(cpg_dispatch(handle, CS_DISPATCH_ONE) == CS_OK && strcmp(text, "from a buffer") == 0, "its content");
    expect(cpg_membership_get(handle, &group, members, &count) == CS_OK && count == 1, "membership");
    expect(cpg_flow_control_state_get(handle, &flow) == CS_OK && flow == CPG_FLOW_CONTROL_DISABLED, "flow control");
    expect(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, &iteration) == CS_OK, "iteration");
    expect(cpg_iteration_next(iteration, &row) == CS_OK && row.pid == (uint32_t)getpid(), "its only row");
    expect(cpg_iteration_next(iteration, &row) == CS_ERR_NO_SECTIONS, "its end");
    expect(cpg_iteration_finalize(iteration) == CS_OK, "finalizing it");
    expect(cpg_leave(handle, &group) == CS_OK, "leave");
    expect(cpg_dispatch(handle, CS_DISPATCH_ONE) == CS_OK && changes == 2, "the change of the leave");
    expect(cpg_finalize(handle) == CS_OK, "finalize");
    expect(cpg_initialize(&handle, NULL) == CS_OK && cpg_finalize(handle) == CS_OK, "the older initialize");
    expect(strcmp(cs_strerror(CS_OK), "unknown error") != 0, "the text of an outcome");
    printf("good\n");
    return 0;
}

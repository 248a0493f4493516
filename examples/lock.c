/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lock for a whole cluster: runs a command while nobody else runs one under the same lock.
 *
 *   lock NAME COMMAND [ARGUMENT]...
 *
 * The exit status is the command's. The lock is released when the command ends, and also when this process or its whole
 * machine dies: nothing has to be cleaned up.
 *
 * How it works. Each lock is a group, and whoever wants the lock joins it. All members see joins and departures in one
 * order, so that the order of joining is the queue: a process waits until everyone who was there before it has left. Not a
 * single message is needed, but for one case: when a split network heals, two queues meet. Then all say whether they hold
 * the lock, and whoever waits does so behind the holders and the waiters of lower number of the other side. While the
 * network is split each side has a holder of its own; who cannot live with that needs a quorum on top.
 */
#include <corosync/cpg.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { holding = 'h', waiting = 'w' };

/* Somebody who gets the lock before this process. */
struct predecessor {
    uint32_t node;
    uint32_t pid;
    int from_other_side; /* met when a split healed; has not said yet that it comes later */
};

static struct predecessor* before;
static size_t before_count;
static uint32_t own_node;
static int joined;
static int has_lock;

static int is_self(uint32_t node, uint32_t pid) { return node == own_node && pid == (uint32_t)getpid(); }

static void add_predecessor(const struct cpg_address* who, int from_other_side) {
    struct predecessor* const larger = realloc(before, (before_count + 1) * sizeof(*before));
    if (larger == NULL) {
        fprintf(stderr, "lock: out of memory\n");
        exit(1);
    }
    before = larger;
    before[before_count].node = who->nodeid;
    before[before_count].pid = who->pid;
    before[before_count].from_other_side = from_other_side;
    ++before_count;
}

/* Takes a process out of the queue; with `only_other_side` only if it is from there. */
static void remove_predecessor(uint32_t node, uint32_t pid, int only_other_side) {
    size_t i;
    for (i = 0; i < before_count; ++i) {
        if (before[i].node == node && before[i].pid == pid && (!only_other_side || before[i].from_other_side)) {
            before[i] = before[--before_count];
            return;
        }
    }
}

static void say(cpg_handle_t handle, char what) {
    struct iovec part;
    part.iov_base = &what;
    part.iov_len = 1;
    /* The first message in a long time finds room; should there be none after all, it is worth the wait. */
    while (cpg_mcast_joined(handle, CPG_TYPE_AGREED, &part, 1) == CS_ERR_TRY_AGAIN) {
        poll(NULL, 0, 1);
    }
}

static void on_change(cpg_handle_t handle, const struct cpg_name* group, const struct cpg_address* members,
                      size_t member_count, const struct cpg_address* left, size_t left_count,
                      const struct cpg_address* joiners, size_t joiner_count) {
    size_t i;
    int sides_met = 0;
    (void)group;
    for (i = 0; i < left_count; ++i) {
        remove_predecessor(left[i].nodeid, left[i].pid, 0);
    }
    if (!joined) {
        /* The own join: everyone else was there before. */
        joined = 1;
        for (i = 0; i < member_count; ++i) {
            if (!is_self(members[i].nodeid, members[i].pid)) {
                add_predecessor(&members[i], 0);
            }
        }
    } else {
        /* Who joins later waits for this process. Only those that come with their node may have a queue of their own. */
        for (i = 0; i < joiner_count; ++i) {
            if (joiners[i].reason == CPG_REASON_NODEUP) {
                sides_met = 1;
                if (!has_lock) {
                    add_predecessor(&joiners[i], 1);
                }
            }
        }
    }
    if (sides_met) {
        say(handle, has_lock ? holding : waiting);
    }
    has_lock = has_lock || before_count == 0;
}

static void on_message(cpg_handle_t handle, const struct cpg_name* group, uint32_t node, uint32_t pid, void* message,
                       size_t size) {
    const int is_lower = own_node < node || (own_node == node && (uint32_t)getpid() < pid);
    (void)handle;
    (void)group;
    if (size == 1 && *(const char*)message == waiting && is_lower) {
        remove_predecessor(node, pid, 1);
        has_lock = has_lock || before_count == 0;
    }
}

/* Starts the command. It ends with this process: a command must not go on when its lock is free again. */
static pid_t start(char** command) {
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) {
            execvp(command[0], command);
            fprintf(stderr, "lock: %s: %s\n", command[0], strerror(errno));
        }
        _exit(127);
    }
    return child;
}

static int exit_status_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

int main(int argc, char** argv) {
    cpg_callbacks_t callbacks = {on_message, on_change};
    struct cpg_name group = {0, {0}};
    struct pollfd events = {-1, POLLIN, 0};
    cpg_handle_t handle = 0;
    pid_t child = -1;
    int status = 0;
    cs_error_t outcome;

    if (argc < 3 || strlen(argv[1]) > sizeof(group.value) - sizeof("lock:")) {
        fprintf(stderr, "usage: lock NAME COMMAND [ARGUMENT]...\n");
        return 2;
    }
    group.length = (uint32_t)snprintf(group.value, sizeof(group.value), "lock:%s", argv[1]);
    outcome = cpg_initialize(&handle, &callbacks);
    if (outcome == CS_OK) {
        outcome = cpg_local_get(handle, &own_node);
    }
    if (outcome == CS_OK) {
        outcome = cpg_fd_get(handle, &events.fd);
    }
    if (outcome == CS_OK) {
        outcome = cpg_join(handle, &group);
    }
    if (outcome != CS_OK) {
        fprintf(stderr, "lock: cannot ask for '%s' (%s); is coteried running?\n", argv[1], cs_strerror(outcome));
        return 1;
    }

    /* Events are taken also while the command runs: a member that stops listening is taken out of its groups. */
    while (outcome == CS_OK) {
        if (has_lock && child < 0) {
            child = start(argv + 2);
            if (child < 0) {
                perror("lock: fork");
                return 1;
            }
        }
        if (child > 0 && waitpid(child, &status, WNOHANG) == child) {
            cpg_leave(handle, &group);
            cpg_finalize(handle);
            return exit_status_of(status);
        }
        poll(&events, 1, child > 0 ? 10 : -1);
        outcome = cpg_dispatch(handle, CS_DISPATCH_ALL);
    }

    /* Without the daemon nobody knows any more who holds what: the others may have the lock by now. */
    fprintf(stderr, "lock: lost '%s': %s\n", argv[1], cs_strerror(outcome));
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
    return 1;
}

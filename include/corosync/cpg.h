/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Closed process groups: processes join named groups, multicast messages that all members see in one agreed order, and are
 * told of arrivals and departures at the same point of that order. Source and binary compatible with the header of this
 * name that Corosync installs; see cpg_overview(8) for the ideas. Link with -lcpg.
 *
 * Every function may be called from any thread at any time, also from within callbacks, on handles in use elsewhere. Every
 * function that takes a handle gives CS_ERR_BAD_HANDLE for one that is unknown, finalized, or the parent's in a forked child,
 * CS_ERR_INVALID_PARAM for a null pointer, and, if it needs the daemon, CS_ERR_LIBRARY once the daemon is gone.
 */
#ifndef COROSYNC_CPG_H_DEFINED
#define COROSYNC_CPG_H_DEFINED

#include <corosync/corotypes.h>
#include <netinet/in.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t cpg_handle_t;
typedef uint64_t cpg_iteration_handle_t;

/** What is promised for a message. Delivery is never weaker than agreed. */
typedef enum {
    CPG_TYPE_UNORDERED, /**< as agreed */
    CPG_TYPE_FIFO,      /**< as agreed */
    CPG_TYPE_AGREED,    /**< one order for all members */
    CPG_TYPE_SAFE       /**< agreed, and delivered only once every daemon of the view holds it */
} cpg_guarantee_t;

typedef enum {
    CPG_FLOW_CONTROL_DISABLED, /**< the next message is taken if there is room for all of it */
    CPG_FLOW_CONTROL_ENABLED   /**< the next message, however small, would be refused with CS_ERR_TRY_AGAIN */
} cpg_flow_control_state_t;

/** Why a process stands in a list of those that joined or left. */
typedef enum {
    CPG_REASON_UNDEFINED = 0, /**< in lists of members */
    CPG_REASON_JOIN = 1,      /**< it joined */
    CPG_REASON_LEAVE = 2,     /**< it left */
    CPG_REASON_NODEDOWN = 3,  /**< its node is gone */
    CPG_REASON_NODEUP = 4,    /**< its node has come, the process with it */
    CPG_REASON_PROCDOWN = 5   /**< it ended, or finalized without leaving */
} cpg_reason_t;

typedef enum {
    CPG_ITERATION_NAME_ONLY = 1, /**< each group once */
    CPG_ITERATION_ONE_GROUP = 2, /**< the members of one group */
    CPG_ITERATION_ALL = 3,       /**< the members of every group */
} cpg_iteration_type_t;

typedef enum {
    CPG_MODEL_V1 = 1,
} cpg_model_t;

struct cpg_address {
    uint32_t nodeid;
    uint32_t pid;
    uint32_t reason;
};

#define CPG_MAX_NAME_LENGTH 128
/** A group's name with its length; not ended by NUL. */
struct cpg_name {
    uint32_t length;
    char value[CPG_MAX_NAME_LENGTH];
};

/** Entries in the list that cpg_membership_get fills. Lists in callbacks may be longer. */
#define CPG_MEMBERS_MAX 128

struct cpg_iteration_description_t {
    struct cpg_name group;
    uint32_t nodeid;
    uint32_t pid;
};

struct cpg_ring_id {
    uint32_t nodeid;
    uint64_t seq;
};

/** A message. It may be changed in place and is gone when the callback returns. */
typedef void (*cpg_deliver_fn_t)(cpg_handle_t handle, const struct cpg_name* group_name, uint32_t nodeid, uint32_t pid,
                                 void* msg, size_t msg_len);

/** A change of the group: who is a member after it, who left, who joined. Lists are sorted by node and process. */
typedef void (*cpg_confchg_fn_t)(cpg_handle_t handle, const struct cpg_name* group_name,
                                 const struct cpg_address* member_list, size_t member_list_entries,
                                 const struct cpg_address* left_list, size_t left_list_entries,
                                 const struct cpg_address* joined_list, size_t joined_list_entries);

/** A new view of the nodes, told after the changes of groups that it brought. */
typedef void (*cpg_totem_confchg_fn_t)(cpg_handle_t handle, struct cpg_ring_id ring_id, uint32_t member_list_entries,
                                       const uint32_t* member_list);

typedef struct {
    cpg_deliver_fn_t cpg_deliver_fn;
    cpg_confchg_fn_t cpg_confchg_fn;
} cpg_callbacks_t;

typedef struct {
    cpg_model_t model;
} cpg_model_data_t;

/** The current view of the nodes is told once, right after the handle's first change of its group. */
#define CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF 0x01

typedef struct {
    cpg_model_t model;
    cpg_deliver_fn_t cpg_deliver_fn;
    cpg_confchg_fn_t cpg_confchg_fn;
    cpg_totem_confchg_fn_t cpg_totem_confchg_fn;
    unsigned int flags;
} cpg_model_v1_data_t;

/**
 * Connects to the daemon. `callbacks` may be null, and so may each callback: such events are taken in silence.
 * CS_ERR_LIBRARY: no daemon; CS_ERR_ACCESS: it does not admit this user; CS_ERR_TRY_AGAIN: it does not answer now.
 */
cs_error_t cpg_initialize(cpg_handle_t* handle, cpg_callbacks_t* callbacks);

/** The same with the callbacks of a model, of which there is CPG_MODEL_V1. `context` is kept for cpg_context_get. */
cs_error_t cpg_model_initialize(cpg_handle_t* handle, cpg_model_t model, cpg_model_data_t* model_data, void* context);

/**
 * Ends a handle. The daemon has taken every accepted message before this returns; if the handle is still joined, the others
 * see it leave with CPG_REASON_PROCDOWN. A cpg_dispatch that waits in another thread returns. The handle is gone whatever
 * the outcome, with the iterations that were begun with it.
 */
cs_error_t cpg_finalize(cpg_handle_t handle);

/** A descriptor to poll: readable exactly when cpg_dispatch has something to do, also when the daemon is gone. */
cs_error_t cpg_fd_get(cpg_handle_t handle, int* fd);

/** The size up to which a message is handed to the daemon in one step; larger ones are allowed as well. */
cs_error_t cpg_max_atomic_msgsize_get(cpg_handle_t handle, uint32_t* size);

cs_error_t cpg_context_get(cpg_handle_t handle, void** context);
cs_error_t cpg_context_set(cpg_handle_t handle, void* context);

/**
 * Runs callbacks. An event whose callback is null is taken as well, and counts as one. CS_ERR_BAD_HANDLE once the handle was
 * finalized, by a callback or by another thread; CS_ERR_TRY_AGAIN with CS_DISPATCH_ONE_NONBLOCKING when nothing waits;
 * CS_ERR_LIBRARY when the daemon is gone and all that it said has been taken.
 */
cs_error_t cpg_dispatch(cpg_handle_t handle, cs_dispatch_flags_t dispatch_types);

/**
 * Asks to join a group; the change that lists this process among those that joined tells when it is done. A handle is in
 * one group at a time. CS_ERR_EXIST: it is in a group, or this process is in this one by another handle;
 * CS_ERR_TRY_AGAIN: it has not finished to leave; CS_ERR_NAME_TOO_LONG, CS_ERR_INVALID_PARAM: the name.
 */
cs_error_t cpg_join(cpg_handle_t handle, const struct cpg_name* group);

/**
 * Asks to leave; the change that lists this process among those that left is the handle's last event of the group, and it
 * may join again. CS_ERR_NOT_EXIST: it is not in that group.
 */
cs_error_t cpg_leave(cpg_handle_t handle, const struct cpg_name* group);

/**
 * Sends one message, the row of `iov_len` parts, to the group that the handle has joined. Never waits. CS_OK: it will be
 * delivered, here too, unless this process or its node fails before. CS_ERR_TRY_AGAIN: there is no room now;
 * CS_ERR_NOT_EXIST: not joined; CS_ERR_TOO_BIG.
 */
cs_error_t cpg_mcast_joined(cpg_handle_t handle, cpg_guarantee_t guarantee, const struct iovec* iovec,
                            unsigned int iov_len);

/**
 * The members of any group now; none if nobody joined it. `member_list` has room for CPG_MEMBERS_MAX entries.
 * CS_ERR_NO_SPACE: there are more; the first ones have been filled in, and an iteration lists all of them.
 */
cs_error_t cpg_membership_get(cpg_handle_t handle, struct cpg_name* groupName, struct cpg_address* member_list,
                              int* member_list_entries);

/** The id of the local node. */
cs_error_t cpg_local_get(cpg_handle_t handle, unsigned int* local_nodeid);

cs_error_t cpg_flow_control_state_get(cpg_handle_t handle, cpg_flow_control_state_t* flow_control_enabled);

/** Buffers for messages; memory of the process. A buffer is freed with the handle that it was taken from, at the latest. */
cs_error_t cpg_zcb_alloc(cpg_handle_t handle, size_t size, void** buffer);
cs_error_t cpg_zcb_free(cpg_handle_t handle, void* buffer);
cs_error_t cpg_zcb_mcast_joined(cpg_handle_t handle, cpg_guarantee_t guarantee, void* msg, size_t msg_len);

/** Walks over groups and members as they are at this moment. `group` is given for CPG_ITERATION_ONE_GROUP alone. */
cs_error_t cpg_iteration_initialize(cpg_handle_t handle, cpg_iteration_type_t iteration_type,
                                    const struct cpg_name* group, cpg_iteration_handle_t* cpg_iteration_handle);
/** CS_ERR_NO_SECTIONS: there are no more. */
cs_error_t cpg_iteration_next(cpg_iteration_handle_t handle, struct cpg_iteration_description_t* description);
cs_error_t cpg_iteration_finalize(cpg_iteration_handle_t handle);

#ifdef __cplusplus
}
#endif

#endif /* COROSYNC_CPG_H_DEFINED */

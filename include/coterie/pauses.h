/* SPDX-License-Identifier: BSD-3-Clause */
/* What Coterie's libcpg.so.4 offers beyond <corosync/cpg.h>: whether this node has missed anything because it did not run. */
#ifndef COTERIE_PAUSES_H
#define COTERIE_PAUSES_H

#include <corosync/corotypes.h>
#include <corosync/cpg.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Times for which the daemon of this machine did not run although it wanted to: a suspended virtual machine, a stopped
 *  process, a machine that swaps. Only those that were longer than the others wait for a silent node (totem.token, else
 *  450 ms), so that they may have gone on without it. */
struct coterie_pauses {
    uint64_t count;     /**< since the daemon was started */
    uint64_t last_ns;   /**< how long the latest was, nanoseconds; 0 if there was none */
    uint64_t passed_ns; /**< how long ago it ended, nanoseconds; 0 if there was none */
};

/** Asks the daemon for its pauses. It knows of a pause before it tells of any change that follows from it: a program that
 *  is told of members that went, or came back, finds out here whether it was this node that was away.
 *
 *  @param handle from cpg_initialize() or cpg_model_initialize()
 *  @param pauses filled in
 *  @return CS_OK; CS_ERR_INVALID_PARAM if `pauses` is null; CS_ERR_BAD_HANDLE; CS_ERR_LIBRARY if the daemon has gone.
 *  Thread-safe. Manual page: coterie_pauses_get(3). */
cs_error_t coterie_pauses_get(cpg_handle_t handle, struct coterie_pauses* pauses);

#ifdef __cplusplus
}
#endif

#endif

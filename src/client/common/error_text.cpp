// SPDX-License-Identifier: BSD-3-Clause
// libcorosync_common: what outcomes are called, and which errno values they stand for.
#include <cerrno>
#include <corosync/corotypes.h>

extern "C" {

const char* cs_strerror(cs_error_t err) {
    switch (err) {
    case CS_OK: return "success";
    case CS_ERR_LIBRARY: return "no daemon to talk to, or the connection to it is lost";
    case CS_ERR_VERSION: return "versions do not match";
    case CS_ERR_INIT: return "not initialized";
    case CS_ERR_TIMEOUT: return "timed out";
    case CS_ERR_TRY_AGAIN: return "not possible now, try again";
    case CS_ERR_INVALID_PARAM: return "invalid argument";
    case CS_ERR_NO_MEMORY: return "out of memory";
    case CS_ERR_BAD_HANDLE: return "unknown handle";
    case CS_ERR_BUSY: return "busy";
    case CS_ERR_ACCESS: return "permission denied";
    case CS_ERR_NOT_EXIST: return "does not exist";
    case CS_ERR_NAME_TOO_LONG: return "name too long";
    case CS_ERR_EXIST: return "exists already";
    case CS_ERR_NO_SPACE: return "no space left";
    case CS_ERR_INTERRUPT: return "interrupted";
    case CS_ERR_NAME_NOT_FOUND: return "name not found";
    case CS_ERR_NO_RESOURCES: return "out of resources";
    case CS_ERR_NOT_SUPPORTED: return "not supported";
    case CS_ERR_BAD_OPERATION: return "operation not allowed here";
    case CS_ERR_FAILED_OPERATION: return "operation failed";
    case CS_ERR_MESSAGE_ERROR: return "malformed message";
    case CS_ERR_QUEUE_FULL: return "queue full";
    case CS_ERR_QUEUE_NOT_AVAILABLE: return "queue not available";
    case CS_ERR_BAD_FLAGS: return "unknown flags";
    case CS_ERR_TOO_BIG: return "too big";
    case CS_ERR_NO_SECTIONS: return "nothing more to list";
    case CS_ERR_CONTEXT_NOT_FOUND: return "context not found";
    case CS_ERR_TOO_MANY_GROUPS: return "too many groups";
    case CS_ERR_SECURITY: return "security error";
    }
    return "unknown error";
}

cs_error_t qb_to_cs_error(int result) {
    if (result >= 0) {
        return CS_OK;
    }
    switch (-result) {
    case EBADF: return CS_ERR_BAD_HANDLE;
    case ENOMEM: return CS_ERR_NO_MEMORY;
    case ENOMSG:
    case ENOBUFS:
    case ETIMEDOUT:
    case EAGAIN: return CS_ERR_TRY_AGAIN;
    case EBADE: return CS_ERR_FAILED_OPERATION;
    case ETIME: return CS_ERR_TIMEOUT;
    case EINVAL: return CS_ERR_INVALID_PARAM;
    case EBUSY: return CS_ERR_BUSY;
    case EACCES: return CS_ERR_ACCESS;
    case EOVERFLOW: return CS_ERR_NAME_TOO_LONG;
    case EEXIST: return CS_ERR_EXIST;
    case ENOSPC: return CS_ERR_NO_SPACE;
    case EINTR: return CS_ERR_INTERRUPT;
    case ENOENT:
    case ENODEV: return CS_ERR_NOT_EXIST;
    case ENOSYS:
    case ENOTSUP: return CS_ERR_NOT_SUPPORTED;
    case EBADMSG: return CS_ERR_MESSAGE_ERROR;
    case EMSGSIZE:
    case E2BIG: return CS_ERR_TOO_BIG;
    default: return CS_ERR_LIBRARY;
    }
}

cs_error_t hdb_error_to_cs(int res) {
    switch (res) {
    case 0: return CS_OK;
    case -EBADF: return CS_ERR_BAD_HANDLE;
    case -ENOMEM: return CS_ERR_NO_MEMORY;
    case -EMFILE: return CS_ERR_NO_RESOURCES;
    case -EACCES: return CS_ERR_ACCESS;
    default: return CS_ERR_LIBRARY;
    }
}

} // extern "C"

// SPDX-License-Identifier: BSD-3-Clause
// setrlimit(2), mlockall(2), sched_setscheduler(2), setpriority(2).
#include "daemon/privileges.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <linux/capability.h>
#include <malloc.h>
#include <sched.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace coterie::daemon {

namespace {

/// Whether limits on locked memory do not hold for this process.
bool may_lock_all() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
    return ::syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective & (1U << CAP_IPC_LOCK)) != 0;
}

bool set_nice(int value) {
    // On Linux this is about the calling thread.
    return ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), value) == 0;
}

/// Pages count when they are first used.
constexpr int lock_how = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;
bool memory_is_locked = false;

/// Memory that is free and in place may be this much.
constexpr std::size_t idle_memory_max = std::size_t{1} << 20U;

/// Bytes in place that are not of files nor shared.
std::size_t own_memory() {
    std::ifstream facts("/proc/self/statm");
    std::size_t all = 0;
    std::size_t resident = 0;
    std::size_t shared = 0;
    facts >> all >> resident >> shared;
    return (resident - std::min(resident, shared)) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace

void prepare_process() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    std::signal(SIGPIPE, SIG_IGN);
    // Buffers come and go with every burst; memory goes back to the system in large steps only.
    ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
    ::mallopt(M_TOP_PAD, 1 << 20);
    ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
}

void lock_memory() {
    // Pages count when they are first used: clients' rings and threads' stacks are mostly empty space. Where the limit is
    // low, locking what comes would make allocations fail later, so it is all or nothing.
    rlimit locked{};
    const bool limited =
        !may_lock_all() && ::getrlimit(RLIMIT_MEMLOCK, &locked) == 0 && locked.rlim_cur != RLIM_INFINITY;
    errno = EPERM;
    memory_is_locked = !limited && ::mlockall(lock_how) == 0;
    if (!memory_is_locked) {
        spdlog::warn("memory is not locked ({}), so under memory pressure this node may be late; allow it with "
                     "LimitMEMLOCK=infinity or CAP_IPC_LOCK",
                     limited ? "the limit is too low" : std::strerror(errno));
    }
}

void return_memory() {
    // Of what is allocated and free a part may have been given back before.
    const struct ::mallinfo2 heap = ::mallinfo2();
    const std::size_t used = heap.uordblks + heap.hblkhd;
    if (own_memory() < used + idle_memory_max) {
        return;
    }
    // The system takes no pages back that are locked.
    if (memory_is_locked) {
        ::munlockall();
    }
    ::malloc_trim(0);
    if (memory_is_locked && ::mlockall(lock_how) != 0) {
        memory_is_locked = false;
        spdlog::warn("memory is no longer locked: {}", std::strerror(errno));
    }
}

void schedule_engine(const config::scheduling& wanted) {
    if (wanted.realtime) {
        sched_param highest{};
        highest.sched_priority = ::sched_get_priority_max(SCHED_RR);
        if (::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &highest) == 0) {
            return;
        }
        spdlog::warn("no real-time priority ({}), so on a busy machine this node may be late; allow it with "
                     "LimitRTPRIO=99 or CAP_SYS_NICE, or say `sched_rr: no`",
                     std::strerror(errno));
    }
    if (wanted.nice && !set_nice(*wanted.nice)) {
        spdlog::warn("system.priority: the nice value {} is not allowed: {}", *wanted.nice, std::strerror(errno));
    }
}

} // namespace coterie::daemon

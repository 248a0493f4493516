/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A wall clock that jumps, for one process: preloaded, it adds the nanoseconds that stand in the file $COTERIE_FALSE_CLOCK (eight
 * bytes, read anew each time) to what the kernel says. All other clocks are the kernel's. libfaketime cannot be used: it also
 * moves timers that were set by the monotonic clock (timerfd_settime with TFD_TIMER_ABSTIME).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t billion = 1000000000;
static const volatile int64_t* offset;

__attribute__((constructor)) static void start(void) {
    const char* const path = getenv("COTERIE_FALSE_CLOCK");
    const int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        void* const place = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
        offset = place == MAP_FAILED ? NULL : place;
        close(file);
    }
}

int clock_gettime(clockid_t clock, struct timespec* now) {
    const long result = syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && offset != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        const int64_t moved = now->tv_sec * billion + now->tv_nsec + *offset;
        now->tv_sec = moved / billion;
        now->tv_nsec = moved % billion;
    }
    return (int)result;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
    (void)zone;
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t* where) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (where != NULL) {
        *where = precise.tv_sec;
    }
    return precise.tv_sec;
}

// SPDX-License-Identifier: BSD-3-Clause
// A process with a fault that a sanitizer has to see, in a child of which nobody asks how it ended: freed memory that is
// read, or under the thread sanitizer two threads that write without a lock.
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PLANTED_RACE 1
#endif
#endif

namespace {

#ifdef PLANTED_RACE
void fault() {
    volatile int shared = 0;
    const auto write = [&] { shared = shared + 1; };
    std::thread one(write);
    std::thread other(write);
    one.join();
    other.join();
}
#else
void fault() {
    const volatile int* volatile freed = new int(1);
    delete freed;
    static_cast<void>(*freed);
}
#endif

} // namespace

int main() {
    const pid_t child = ::fork();
    if (child == 0) {
        fault();
        return 0;
    }
    ::waitpid(child, nullptr, 0);
    return 0;
}

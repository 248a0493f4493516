// SPDX-License-Identifier: BSD-3-Clause
// fork(2), with a pipe on which the child says one byte when it serves.
#include "daemon/background.hpp"

#include <cerrno>
#include <fcntl.h>
#include <initializer_list>
#include <unistd.h>

namespace coterie::daemon {

background::side background::enter() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return side::failed;
    }
    const pid_t child = ::fork();
    if (child < 0) {
        return side::failed;
    }
    if (child == 0) {
        ::close(ends[0]);
        _pipe = ends[1];
        ::setsid();
        return side::child;
    }
    ::close(ends[1]);
    char word = 0;
    ssize_t got = -1;
    do {
        got = ::read(ends[0], &word, 1);
    } while (got < 0 && errno == EINTR);
    ::close(ends[0]);
    _exit_status = got == 1 ? 0 : 1;
    return side::parent_done;
}

void background::ready() {
    if (_pipe < 0) {
        return;
    }
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere >= 0) {
        for (const int standard : {0, 1, 2}) {
            ::dup2(nowhere, standard);
        }
        ::close(nowhere);
    }
    const char word = 1;
    static_cast<void>(::write(_pipe, &word, 1) == 1);
    ::close(_pipe);
    _pipe = -1;
}

} // namespace coterie::daemon

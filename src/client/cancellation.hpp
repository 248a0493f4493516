// SPDX-License-Identifier: BSD-3-Clause
// Programs cancel threads, most often the one that waits in cpg_dispatch. That may end a wait for events and a callback,
// which are made for it, but nothing in between: half a request or half an event would be left behind.
#pragma once

#include <pthread.h>

namespace coterie::client {

/// While this lives its thread is not cancelled.
class no_cancellation {
public:
    no_cancellation() { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &_former); }
    no_cancellation(const no_cancellation&) = delete;
    no_cancellation& operator=(const no_cancellation&) = delete;
    ~no_cancellation() { ::pthread_setcancelstate(_former, nullptr); }

private:
    int _former = PTHREAD_CANCEL_ENABLE;
};

} // namespace coterie::client

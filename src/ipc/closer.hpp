// SPDX-License-Identifier: BSD-3-Clause
// Closes descriptors without waiting. What another process has passed, or what may still hold such, can take as long to close
// as whoever serves it likes (a file system in user space, a socket that lingers); that is waited for in threads of
// its own, of which a few may be stuck before closing others waits.
#pragma once

#include "ipc/memory_file.hpp"

#include <memory>

namespace coterie::ipc {

/// Not thread-safe; close() never blocks. What is still to be closed when this is destroyed is closed nevertheless, or by
/// the end of the process.
class closer {
public:
    closer();
    ~closer();
    closer(const closer&) = delete;
    closer& operator=(const closer&) = delete;

    void close(descriptor what);

private:
    struct shared;
    std::shared_ptr<shared> _shared;
};

} // namespace coterie::ipc

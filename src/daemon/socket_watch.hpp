// SPDX-License-Identifier: BSD-3-Clause
// Waits on the event loop for the sockets of a transport: until there is something to read, and, while datagrams wait in
// it, until there is room again.
#pragma once

#include <functional>
#include <memory>

namespace asio {
class io_context;
}
namespace coterie::net {
class transport;
}

namespace coterie::daemon {

class socket_watch {
public:
    /// From now on calls `readable` when there is something to read and `writable` when there is room again. `io` and
    /// `transport` must outlive it.
    socket_watch(asio::io_context& io, const net::transport& transport, std::function<void()> readable,
                 std::function<void()> writable);
    ~socket_watch();
    socket_watch(const socket_watch&) = delete;
    socket_watch& operator=(const socket_watch&) = delete;

    /// To be called after each flush.
    void watch_room();

private:
    class core;
    std::unique_ptr<core> _core;
};

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// One asio descriptor a socket.
#include "daemon/socket_watch.hpp"

#include "net/transport.hpp"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <deque>

namespace coterie::daemon {

class socket_watch::core {
public:
    core(asio::io_context& io, const net::transport& transport, std::function<void()> readable,
         std::function<void()> writable)
        : _transport(transport),
          _readable(std::move(readable)),
          _writable(std::move(writable)) {
        for (const int each : transport.descriptors()) {
            _sockets.emplace_back(io, each);
            watch(_sockets.back());
        }
    }

    ~core() {
        // The descriptors belong to the transport.
        for (watched& each : _sockets) {
            each.ready.release();
        }
    }
    core(const core&) = delete;
    core& operator=(const core&) = delete;

    void watch_room() {
        for (std::size_t place = 0; place < _sockets.size(); ++place) {
            watched& at = _sockets[place];
            if (!_transport.waiting(place) || std::exchange(at.awaits_room, true)) {
                continue;
            }
            at.ready.async_wait(asio::posix::stream_descriptor::wait_write, [this, &at](const std::error_code& fault) {
                at.awaits_room = false;
                if (!fault) {
                    _writable();
                }
            });
        }
    }

private:
    struct watched {
        watched(asio::io_context& io, int descriptor) : ready(io, descriptor) {}
        asio::posix::stream_descriptor ready;
        bool awaits_room = false;
    };

    void watch(watched& at) {
        at.ready.async_wait(asio::posix::stream_descriptor::wait_read, [this, &at](const std::error_code& fault) {
            if (!fault) {
                _readable();
                watch(at);
            }
        });
    }

    const net::transport& _transport;
    const std::function<void()> _readable;
    const std::function<void()> _writable;
    std::deque<watched> _sockets; ///< stay where they are
};

socket_watch::socket_watch(asio::io_context& io, const net::transport& transport, std::function<void()> readable,
                           std::function<void()> writable)
    : _core(std::make_unique<core>(io, transport, std::move(readable), std::move(writable))) {}
socket_watch::~socket_watch() = default;
void socket_watch::watch_room() { _core->watch_room(); }

} // namespace coterie::daemon

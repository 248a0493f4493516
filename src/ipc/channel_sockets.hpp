// SPDX-License-Identifier: BSD-3-Clause
// The sockets of this process's channels, from the moment that they are made to that of their closing, so that a forked child
// holds on to none: the daemon has to see when the parent dies.
#pragma once

#include "ipc/memory_file.hpp"

namespace coterie::ipc {

/// A socket of a channel. Made and closed under a lock that a fork takes as well.
class channel_socket {
public:
    [[nodiscard]] static std::expected<channel_socket, std::error_code> make();
    channel_socket(channel_socket&& other) noexcept = default;
    channel_socket& operator=(channel_socket&&) = delete;
    ~channel_socket();

    [[nodiscard]] const descriptor& get() const { return _socket; }
    [[nodiscard]] int number() const { return _socket.number(); }

private:
    explicit channel_socket(descriptor socket) : _socket(std::move(socket)) {}
    descriptor _socket;
};

/// To be called around a fork. In the child all of them are closed, without a word to the daemon; their objects are not
/// destroyed there.
void hold_channel_sockets();
void release_channel_sockets();
void close_channel_sockets_in_child();

} // namespace coterie::ipc

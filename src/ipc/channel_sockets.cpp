// SPDX-License-Identifier: BSD-3-Clause
// The numbers of the sockets, in a table that is never destroyed.
#include "ipc/channel_sockets.hpp"

#include "ipc/packet_socket.hpp"

#include <algorithm>
#include <mutex>
#include <unistd.h>
#include <vector>

namespace coterie::ipc {

namespace {

struct open_sockets {
    std::mutex mutex;
    std::vector<int> numbers;
};

open_sockets& all() {
    static auto* const result = new open_sockets;
    return *result;
}

} // namespace

std::expected<channel_socket, std::error_code> channel_socket::make() {
    const std::scoped_lock lock(all().mutex);
    // Its place first: nothing may fail once there is a socket.
    all().numbers.push_back(-1);
    auto made = make_socket();
    if (!made) {
        all().numbers.pop_back();
        return std::unexpected(made.error());
    }
    all().numbers.back() = made->number();
    return channel_socket(std::move(*made));
}

channel_socket::~channel_socket() {
    if (_socket) {
        const std::scoped_lock lock(all().mutex);
        std::erase(all().numbers, _socket.number());
        _socket.close();
    }
}

void hold_channel_sockets() { all().mutex.lock(); }

void release_channel_sockets() { all().mutex.unlock(); }

void close_channel_sockets_in_child() {
    for (const int number : all().numbers) {
        ::close(number);
    }
    all().numbers.clear();
    all().mutex.unlock();
}

} // namespace coterie::ipc

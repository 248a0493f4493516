// SPDX-License-Identifier: BSD-3-Clause
// What the kernel has granted to a socket beside carrying datagrams one by one (udp(7), socket(7)).
#pragma once

#include <cstddef>

namespace coterie::net {

struct offloads {
    bool segments = false;  ///< cuts a row of datagrams up, or has the card do so
    bool coalesces = false; ///< hands a row of them over in one piece
};

/// Of the kernel, for what waits to be read and to be sent, in bytes.
struct socket_buffers {
    std::size_t receive = 0;
    std::size_t send = 0;
};

} // namespace coterie::net

// SPDX-License-Identifier: BSD-3-Clause
// Lets the kernel choose a port at the first address and tries it at the others.
#include "cli/loopback.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace coterie::cli {

namespace {

constexpr int tries = 50;

/// Binds a UDP socket; the port that it got, or 0.
int bound_port(int socket, const std::string& address, int port) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(port));
    socklen_t size = sizeof(where);
    if (::inet_pton(AF_INET, address.c_str(), &where.sin_addr) != 1 ||
        ::bind(socket, reinterpret_cast<const sockaddr*>(&where), size) != 0 ||
        ::getsockname(socket, reinterpret_cast<sockaddr*>(&where), &size) != 0) {
        return 0;
    }
    return ntohs(where.sin_port);
}

} // namespace

int free_udp_port(const std::vector<std::string>& addresses) {
    for (int i = 0; i < tries; ++i) {
        std::vector<int> sockets;
        int port = 0;
        bool good = true;
        for (const std::string& each : addresses) {
            sockets.push_back(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            port = bound_port(sockets.back(), each, port);
            good = good && port != 0;
        }
        for (const int each : sockets) {
            ::close(each);
        }
        if (good) {
            return port;
        }
    }
    return 0;
}

} // namespace coterie::cli

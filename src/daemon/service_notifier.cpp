// SPDX-License-Identifier: BSD-3-Clause
// sendto(2) to a Unix datagram socket.
#include "daemon/service_notifier.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace coterie::daemon {

namespace {

std::optional<std::uint64_t> number_of(const char* variable) {
    const char* const text = std::getenv(variable);
    std::uint64_t number = 0;
    if (text == nullptr) {
        return std::nullopt;
    }
    const char* const end = text + std::strlen(text);
    const auto [at, fault] = std::from_chars(text, end, number);
    return fault == std::errc{} && at == end ? std::optional(number) : std::nullopt;
}

} // namespace

service_notifier::service_notifier() {
    const char* const where = std::getenv("NOTIFY_SOCKET");
    sockaddr_un longest{};
    if (where == nullptr || (where[0] != '/' && where[0] != '@') || std::strlen(where) >= sizeof(longest.sun_path)) {
        return;
    }
    _where = where;
    _where[0] = _where[0] == '@' ? '\0' : _where[0];
    _socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // Who is meant matters: the variables are inherited.
    const auto meant = number_of("WATCHDOG_PID").value_or(static_cast<std::uint64_t>(::getpid()));
    const auto interval = number_of("WATCHDOG_USEC").value_or(0);
    if (interval > 0 && meant == static_cast<std::uint64_t>(::getpid())) {
        _watchdog = std::chrono::microseconds(interval);
    }
}

service_notifier::~service_notifier() {
    if (_socket >= 0) {
        ::close(_socket);
    }
}

void service_notifier::tell(const std::string& message) const {
    if (_socket < 0) {
        return;
    }
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::ranges::copy(_where, where.sun_path);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + _where.size());
    static_cast<void>(::sendto(_socket, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                               reinterpret_cast<const sockaddr*>(&where), size));
}

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// Tells the service manager how the daemon is, by the protocol of sd_notify(3): one datagram a message to the socket that
// $NOTIFY_SOCKET names. The protocol is a stable promise of systemd and fits in a few lines, so the daemon needs no library
// for it. Without a service manager nothing happens.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace coterie::daemon {

class service_notifier {
public:
    /// Reads the environment.
    service_notifier();
    ~service_notifier();
    service_notifier(const service_notifier&) = delete;
    service_notifier& operator=(const service_notifier&) = delete;

    /// The daemon serves.
    void ready() { tell("READY=1"); }
    /// The daemon is about to end.
    void stopping() { tell("STOPPING=1"); }
    /// A line for `systemctl status`.
    void status(std::string_view line) { tell("STATUS=" + std::string(line)); }
    /// A sign of life.
    void alive() { tell("WATCHDOG=1"); }
    /// How often the manager wants a sign of life from this process; nothing if it does not.
    [[nodiscard]] std::optional<std::chrono::microseconds> watchdog() const { return _watchdog; }

private:
    /// Never waits: what the manager has no room for is lost.
    void tell(const std::string& message) const;

    int _socket = -1;
    std::string _where; ///< as the kernel takes it: an abstract name begins with a NUL
    std::optional<std::chrono::microseconds> _watchdog;
};

} // namespace coterie::daemon

// SPDX-License-Identifier: BSD-3-Clause
// The signals of a daemon and its conversation with the service manager: TERM and INT leave in order, a second one hurries,
// HUP opens the log files anew, USR1 writes tables to the trace; the manager is told when the daemon serves, what it is
// part of, that it is alive, and that it ends. All of it on the engine's thread.
#pragma once

#include "daemon/service_notifier.hpp"

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <string>

namespace coterie::daemon {

class lifecycle {
public:
    struct actions {
        std::function<void()> leave;         ///< begins to leave the cluster in order
        std::function<void()> end;           ///< ends at once
        std::function<void()> record_tables; ///< for the trace
        std::function<void()> reload;        ///< what is in files may have changed
    };
    lifecycle(asio::io_context& io, actions what);

    /// From now on signals are heeded and the watchdog is fed.
    void start();
    /// The first view is there. Only the first call counts.
    void serving();
    /// A line for whoever asks the service manager.
    void status(const std::string& line) { _notifier.status(line); }

private:
    void wait_for_end();
    void wait_for_hangup();
    void wait_for_tables();
    void feed_watchdog();
    void begin_to_leave(const char* signal);

    actions _actions;
    service_notifier _notifier;
    asio::signal_set _end_signals;
    asio::signal_set _hangup_signal;
    asio::signal_set _table_signal;
    asio::steady_timer _leave_timer;
    asio::steady_timer _watchdog_timer;
    bool _leaving = false;
    bool _serving = false;
};

} // namespace coterie::daemon

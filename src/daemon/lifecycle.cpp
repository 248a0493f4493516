// SPDX-License-Identifier: BSD-3-Clause
// Each wait is set up anew when its signal has come.
#include "daemon/lifecycle.hpp"

#include "daemon/log.hpp"

#include <chrono>
#include <csignal>
#include <spdlog/spdlog.h>
#include <utility>

namespace coterie::daemon {

namespace {

/// A leave that nobody takes note of ends after this time.
constexpr auto leave_limit = std::chrono::seconds(3);

const char* name_of(int signal) { return signal == SIGTERM ? "SIGTERM" : "SIGINT"; }

} // namespace

lifecycle::lifecycle(asio::io_context& io, actions what)
    : _actions(std::move(what)),
      _end_signals(io, SIGTERM, SIGINT),
      _hangup_signal(io, SIGHUP),
      _table_signal(io, SIGUSR1),
      _leave_timer(io),
      _watchdog_timer(io) {}

void lifecycle::start() {
    wait_for_end();
    wait_for_hangup();
    wait_for_tables();
    feed_watchdog();
}

void lifecycle::serving() {
    if (!std::exchange(_serving, true)) {
        _notifier.ready();
    }
}

void lifecycle::wait_for_end() {
    _end_signals.async_wait([this](const std::error_code& fault, int signal) {
        if (fault) {
            return;
        }
        wait_for_end();
        if (std::exchange(_leaving, true)) {
            spdlog::warn("{} again: ending at once, without leaving in order", name_of(signal));
            _actions.end();
            return;
        }
        begin_to_leave(name_of(signal));
    });
}

void lifecycle::begin_to_leave(const char* signal) {
    spdlog::info("{}: leaving the cluster in order", signal);
    _notifier.stopping();
    _leave_timer.expires_after(leave_limit);
    _leave_timer.async_wait([this](const std::error_code& fault) {
        if (!fault) {
            spdlog::warn("leaving took too long; ending without");
            _actions.end();
        }
    });
    _actions.leave();
}

void lifecycle::wait_for_hangup() {
    _hangup_signal.async_wait([this](const std::error_code& fault, int) {
        if (fault) {
            return;
        }
        wait_for_hangup();
        reopen_log();
        spdlog::info("SIGHUP: log files are opened anew");
        _actions.reload();
    });
}

void lifecycle::wait_for_tables() {
    _table_signal.async_wait([this](const std::error_code& fault, int) {
        if (!fault) {
            wait_for_tables();
            _actions.record_tables();
        }
    });
}

void lifecycle::feed_watchdog() {
    if (!_notifier.watchdog()) {
        return;
    }
    // Twice as often as is asked for, as sd_watchdog_enabled(3) advises.
    _notifier.alive();
    _watchdog_timer.expires_after(*_notifier.watchdog() / 2);
    _watchdog_timer.async_wait([this](const std::error_code& fault) {
        if (!fault) {
            feed_watchdog();
        }
    });
}

} // namespace coterie::daemon

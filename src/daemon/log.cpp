// SPDX-License-Identifier: BSD-3-Clause
// spdlog's asynchronous logger with one thread.
#include "daemon/log.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace coterie::daemon {

namespace {
constexpr std::size_t lines_max = 8'192;
}

std::expected<void, std::string> open_log(const config::settings& settings, bool foreground) {
    std::vector<spdlog::sink_ptr> sinks;
    if (settings.log_to_stderr && foreground) {
        sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    }
    if (settings.log_file) {
        try {
            sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(*settings.log_file));
        } catch (const spdlog::spdlog_ex&) {
            return std::unexpected("logging.logfile " + *settings.log_file + " cannot be written to");
        }
    }
    spdlog::init_thread_pool(lines_max, 1);
    auto logger = std::make_shared<spdlog::async_logger>("coteried", sinks.begin(), sinks.end(), spdlog::thread_pool(),
                                                         spdlog::async_overflow_policy::overrun_oldest);
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
    logger->set_level(settings.log_debug ? spdlog::level::debug : spdlog::level::info);
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
    return {};
}

void close_log() { spdlog::shutdown(); }

} // namespace coterie::daemon

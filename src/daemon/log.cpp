// SPDX-License-Identifier: BSD-3-Clause
// spdlog's asynchronous logger with one thread and up to three sinks.
#include "daemon/log.hpp"

#include "daemon/log_file.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

namespace coterie::daemon {

namespace {

constexpr std::size_t lines_max = 8'192;
constexpr const char* name = "coteried";

std::shared_ptr<log_file> the_file;
std::shared_ptr<spdlog::details::thread_pool> the_writer;

spdlog::level::level_enum level_of(config::log_level what) {
    switch (what) {
    case config::log_level::trace: return spdlog::level::trace;
    case config::log_level::debug: return spdlog::level::debug;
    case config::log_level::info: return spdlog::level::info;
    case config::log_level::warning: return spdlog::level::warn;
    case config::log_level::error: return spdlog::level::err;
    case config::log_level::critical: return spdlog::level::critical;
    }
    return spdlog::level::info;
}

const char* pattern_of(config::log_time what) {
    switch (what) {
    case config::log_time::none: return "%l: %v";
    case config::log_time::seconds: return "%Y-%m-%d %H:%M:%S %l: %v";
    case config::log_time::milliseconds: break;
    }
    return "%Y-%m-%d %H:%M:%S.%e %l: %v";
}

int facility_of(const std::string& word) {
    constexpr std::array local{LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3,
                               LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7};
    const auto number = static_cast<std::size_t>(word.back() - '0');
    return word.starts_with("local") && number < local.size() ? local[number] : LOG_DAEMON;
}

/// Whether standard error leads to the journal, see systemd.exec(5): then syslog would tell it everything twice.
bool stderr_is_the_journal() {
    const char* const said = std::getenv("JOURNAL_STREAM");
    struct stat facts{};
    return said != nullptr && ::fstat(STDERR_FILENO, &facts) == 0 &&
           fmt::format("{}:{}", facts.st_dev, facts.st_ino) == said;
}

} // namespace

std::expected<void, std::string> open_log(const config::log_settings& settings, bool foreground) {
    std::vector<spdlog::sink_ptr> sinks;
    // Whoever asks for more wants it wherever lines go.
    const auto add = [&](spdlog::sink_ptr sink, config::log_level level, const char* pattern) {
        sink->set_level(level_of(settings.level < config::log_level::info ? settings.level : level));
        sink->set_pattern(pattern);
        sinks.push_back(std::move(sink));
    };
    const bool to_stderr = settings.to_stderr && foreground;
    if (to_stderr) {
        add(std::make_shared<spdlog::sinks::stderr_sink_mt>(), settings.level, pattern_of(settings.time));
    }
    if (settings.to_syslog && !(to_stderr && stderr_is_the_journal())) {
        add(std::make_shared<spdlog::sinks::syslog_sink_mt>(name, LOG_PID, facility_of(settings.syslog_facility), true),
            settings.syslog_level, "%v");
    }
    if (settings.to_file) {
        auto file = log_file::open(settings.file);
        if (!file) {
            return std::unexpected("logging.logfile " + settings.file + " cannot be written to: " + file.error());
        }
        the_file = *file;
        add(*file, settings.file_level, pattern_of(settings.time));
    }
    the_writer = std::make_shared<spdlog::details::thread_pool>(lines_max, 1);
    auto logger = std::make_shared<spdlog::async_logger>(name, sinks.begin(), sinks.end(), the_writer,
                                                         spdlog::async_overflow_policy::overrun_oldest);
    logger->set_level(level_of(std::min(settings.level, config::log_level::info)));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
    return {};
}

void reopen_log() {
    if (the_file) {
        the_file->reopen();
    }
}

void close_log() {
    // Whoever writes ends before what it writes with.
    the_writer.reset();
    spdlog::shutdown();
    the_file.reset();
}

} // namespace coterie::daemon

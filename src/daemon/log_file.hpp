// SPDX-License-Identifier: BSD-3-Clause
// A log file that can be opened anew while it is in use, and that a full disk does not end: lines that cannot be written are
// counted, and told of when there is room again.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <spdlog/sinks/base_sink.h>
#include <string>

namespace coterie::daemon {

class log_file final : public spdlog::sinks::base_sink<std::mutex> {
public:
    /// The error is what the system says.
    [[nodiscard]] static std::expected<std::shared_ptr<log_file>, std::string> open(const std::string& path);
    ~log_file() override;
    /// From any thread; done before the next line is written.
    void reopen() { _reopen = true; }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override;
    void flush_() override {}

private:
    log_file(std::string path, int descriptor) : _path(std::move(path)), _descriptor(descriptor) {}
    void open_anew();
    [[nodiscard]] bool write(std::string_view text) const;

    const std::string _path;
    int _descriptor;
    std::atomic<bool> _reopen = false;
    std::uint64_t _lost = 0; ///< lines since the last that could be written
};

} // namespace coterie::daemon

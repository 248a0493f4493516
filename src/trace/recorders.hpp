// SPDX-License-Identifier: BSD-3-Clause
// Recorders that keep what they are given: in a file, one line an event, or in memory. Reading files back is the affair
// of reader.hpp.
#pragma once

#include "trace/event.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace coterie::trace {

/// Appends each event to a file as it comes, in one write: what a killed process recorded is all there, and several
/// recorders may share one file. A line that cannot be written whole (disk full) is counted as lost; the traced program
/// goes on. Not thread-safe.
class file_recorder final : public recorder {
public:
    /// Opens or makes `path`; the error is that of open(2).
    [[nodiscard]] static std::expected<file_recorder, std::error_code> open(const std::string& path);

    file_recorder(file_recorder&& other) noexcept;
    file_recorder& operator=(file_recorder&& other) noexcept;
    ~file_recorder() override;

    void record(const event& what) override;
    /// Writes a line that readers pass over; the error is that of write(2).
    [[nodiscard]] std::error_code note(std::string_view words);
    /// `told` is called with the reason for the first event that is lost.
    void on_first_loss(std::function<void(std::error_code)> told) { _told = std::move(told); }

    /// How many events are not in the file, or only in part. A trace with losses proves nothing.
    [[nodiscard]] std::uint64_t lost() const { return _lost; }

private:
    explicit file_recorder(int file) : _file(file) {}
    [[nodiscard]] std::error_code write_line(std::string line) const;

    int _file;
    std::uint64_t _lost = 0;
    std::function<void(std::error_code)> _told;
};

/// Keeps events in the order in which they come.
class memory_recorder final : public recorder {
public:
    void record(const event& what) override { _events.push_back(what); }

    [[nodiscard]] const std::vector<event>& events() const { return _events; }
    /// Hands all events over and starts afresh.
    [[nodiscard]] std::vector<event> take();

private:
    std::vector<event> _events;
};

} // namespace coterie::trace

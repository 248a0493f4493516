// SPDX-License-Identifier: BSD-3-Clause
#include "bench/footprint.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

namespace coterie::bench {

namespace {

namespace fs = std::filesystem;

/// The number behind `key:`; 0 if there is none.
std::uint64_t field(const fs::path& file, std::string_view key) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ':') {
            return std::strtoull(line.c_str() + key.size() + 1, nullptr, 10);
        }
    }
    return 0;
}

std::uint64_t lines_of(const fs::path& file) {
    std::ifstream in(file);
    return static_cast<std::uint64_t>(
        std::count(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>(), '\n'));
}

std::uint64_t entries_of(const fs::path& folder) {
    std::error_code fault;
    return static_cast<std::uint64_t>(std::distance(fs::directory_iterator(folder, fault), fs::directory_iterator()));
}

} // namespace

std::expected<footprint, std::string> footprint_of(pid_t process) {
    const fs::path folder = fs::path("/proc") / std::to_string(process);
    std::ifstream rollup(folder / "smaps_rollup");
    if (rollup.peek() == std::ifstream::traits_type::eof()) {
        return std::unexpected("there is no process " + std::to_string(process) +
                               ", or this user may not look into it");
    }
    footprint result;
    std::error_code fault;
    for (const auto& thread : fs::directory_iterator(folder / "task", fault)) {
        // Nanoseconds on a processor; /proc/PID/stat counts hundredths of a second.
        std::uint64_t ran_ns = 0;
        std::ifstream(thread.path() / "schedstat") >> ran_ns;
        result.processor_seconds += static_cast<double>(ran_ns) / 1e9;
        result.wakeups += field(thread.path() / "status", "voluntary_ctxt_switches");
    }
    result.rss_kib = field(folder / "smaps_rollup", "Rss");
    result.pss_kib = field(folder / "smaps_rollup", "Pss");
    result.shared_kib = field(folder / "status", "RssShmem");
    result.private_kib = result.rss_kib - std::min(result.rss_kib, result.shared_kib);
    result.peak_kib = field(folder / "status", "VmHWM");
    result.descriptors = entries_of(folder / "fd");
    result.maps = lines_of(folder / "maps");
    return result;
}

} // namespace coterie::bench

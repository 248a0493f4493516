// SPDX-License-Identifier: BSD-3-Clause
#include "cli/bench_report.hpp"

#include "cli/printable.hpp"

#include <cmath>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace coterie::cli {

namespace {

using json = nlohmann::ordered_json;

/// So that figures stand short in files: a tenth of a microsecond is noise.
double rounded(double value) { return std::round(value * 10) / 10; }

json to_json(const bench::distribution& times) {
    json curve = json::array();
    for (std::size_t i = 0; i < bench::curve_parts.size(); ++i) {
        curve.push_back({bench::curve_parts[i], rounded(times.curve_us[i])});
    }
    return {{"count", times.count},         {"mean", rounded(times.mean_us)}, {"p50", rounded(times.p50_us)},
            {"p99", rounded(times.p99_us)}, {"p999", rounded(times.p999_us)}, {"max", rounded(times.max_us)},
            {"curve", std::move(curve)}};
}

} // namespace

json to_json(const bench::member_options& asked, const bench::member_report& report) {
    json result{{"member", bench::to_text(report.self)},
                {"bytes", asked.bytes},
                {"members", asked.members},
                {"senders", asked.senders},
                {"groups", asked.groups},
                {"sent", report.sent},
                {"refused", report.refused},
                {"received", report.seen.received},
                {"digest", fmt::format("{:016x}", report.seen.digest)},
                {"seconds", report.seconds},
                {"messages_per_second", rounded(report.seen.rate)},
                {"slowest_messages_per_second", rounded(report.slowest_rate)}};
    if (report.latency.count > 0) {
        result["latency_us"] = to_json(report.latency);
    }
    return result;
}

json to_json(const bench::joins_report& report) {
    return {{"member", bench::to_text(report.self)},
            {"joins_per_second", rounded(report.rate)},
            {"join_us", to_json(report.join)},
            {"leave_us", to_json(report.leave)}};
}

json to_json(const bench::crowd_report& report) {
    return {{"handles", report.handles},
            {"joins_per_second", rounded(report.joins_per_second)},
            {"connect_us", to_json(report.connect)},
            {"join_us", to_json(report.join)}};
}

json to_json(const bench::crowd_end& report) {
    return {{"seconds_until_all_left", report.seconds}, {"leave_us", to_json(report.leave)}};
}

json to_json(const bench::footprint& now) {
    return {{"processor_seconds", now.processor_seconds},
            {"wakeups", now.wakeups},
            {"rss_kib", now.rss_kib},
            {"pss_kib", now.pss_kib},
            {"shared_kib", now.shared_kib},
            {"private_kib", now.private_kib},
            {"peak_kib", now.peak_kib},
            {"descriptors", now.descriptors},
            {"maps", now.maps}};
}

std::string short_number(double value) {
    if (value <= 0) {
        return "0";
    }
    const int places = 2 - static_cast<int>(std::floor(std::log10(value)));
    if (places > 0) {
        return fmt::format("{:.{}f}", value, places);
    }
    const double step = std::pow(10, -places);
    return grouped(static_cast<std::uint64_t>(std::round(value / step) * step));
}

std::string rate_text(const bench::member_options& asked, const bench::member_report& report) {
    constexpr std::size_t bytes_that_matter = 1'000;
    std::string result = short_number(report.slowest_rate) + " messages/s";
    if (asked.bytes >= bytes_that_matter) {
        result += ", " + short_number(report.slowest_rate * static_cast<double>(asked.bytes) / 1e6) + " MB/s";
    }
    return result;
}

std::string latency_text(const bench::distribution& times) {
    return fmt::format("p50 {} us, p99 {} us, p99.9 {} us, longest {} us", short_number(times.p50_us),
                       short_number(times.p99_us), short_number(times.p999_us), short_number(times.max_us));
}

std::string footprint_text(const bench::footprint& before, const bench::footprint& after, double seconds) {
    const double used = (after.processor_seconds - before.processor_seconds) / seconds * 100;
    const double wakeups = static_cast<double>(after.wakeups - before.wakeups) / seconds;
    const auto megabytes = [](std::uint64_t kib) { return short_number(static_cast<double>(kib) / 1'024); };
    return fmt::format("{} % of a core, {} wake-ups/s, {} MiB, {} of them shared with clients", short_number(used),
                       short_number(wakeups), megabytes(after.rss_kib), megabytes(after.shared_kib));
}

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// What `coterie bench` has measured, as text for people and as JSON for programs. docs/benchmarks.md describes the fields.
#pragma once

#include "bench/crowd.hpp"
#include "bench/footprint.hpp"
#include "bench/joins.hpp"
#include "bench/member.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace coterie::cli {

[[nodiscard]] nlohmann::ordered_json to_json(const bench::member_options& asked, const bench::member_report& report);
[[nodiscard]] nlohmann::ordered_json to_json(const bench::joins_report& report);
[[nodiscard]] nlohmann::ordered_json to_json(const bench::crowd_report& report);
[[nodiscard]] nlohmann::ordered_json to_json(const bench::crowd_end& report);
[[nodiscard]] nlohmann::ordered_json to_json(const bench::footprint& now);

/// Three digits that matter, thousands apart: 1,780,000, 46.4 or 0.13.
[[nodiscard]] std::string short_number(double value);
/// `1,780,000 messages/s`, and megabytes a second where messages are large enough for that to say something.
[[nodiscard]] std::string rate_text(const bench::member_options& asked, const bench::member_report& report);
/// `p50 46.4 us, p99 136 us, p99.9 310 us, longest 1,200 us`.
[[nodiscard]] std::string latency_text(const bench::distribution& times);
/// What `used` processor seconds and these wake-ups of `seconds` are of a core, and the memory.
[[nodiscard]] std::string footprint_text(const bench::footprint& before, const bench::footprint& after, double seconds);

} // namespace coterie::cli

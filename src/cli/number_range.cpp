// SPDX-License-Identifier: BSD-3-Clause
#include "cli/number_range.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <fmt/format.h>
#include <string>

namespace coterie::cli {

namespace {

template <class Number>
CLI::Validator between(Number least, Number most, const char* kind) {
    // CLI11 takes a text that is not empty for an error.
    return CLI::Validator(
        [=](std::string& word) {
            Number value{};
            const char* const end = word.data() + word.size();
            const auto [at, fault] = std::from_chars(word.data(), end, value);
            const bool good = fault == std::errc{} && at == end && value >= least && value <= most;
            return good ? std::string() : fmt::format("'{}' is not a {} from {} to {}", word, kind, least, most);
        },
        fmt::format("from {} to {}", least, most));
}

} // namespace

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) { return between(least, most, "whole number"); }
CLI::Validator number(double least, double most) { return between(least, most, "number"); }

} // namespace coterie::cli

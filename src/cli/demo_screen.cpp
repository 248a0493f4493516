// SPDX-License-Identifier: BSD-3-Clause
// Lays out the demonstration's lines.
#include "cli/demo_screen.hpp"

#include "cli/printable.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/core.h>
#include <unistd.h>

namespace coterie::cli {

namespace {

constexpr std::string_view bold = "1";
constexpr std::string_view dim = "2";
constexpr std::string_view red = "1;31";
constexpr std::string_view green = "1;32";

std::string numbers(const std::vector<std::size_t>& members) {
    std::string result;
    for (const std::size_t each : members) {
        result += (result.empty() ? "" : ", ") + std::to_string(each + 1);
    }
    return result;
}

/// "1,2,3" of "in ring 1.7: 1,2,3 - 2:1".
std::string group_of(const std::string& change) {
    const std::size_t colon = change.starts_with("in ring") ? change.find(": ") : std::string::npos;
    std::string result = change.substr(colon == std::string::npos ? 0 : colon + 2);
    result = result.substr(0, result.find(' '));
    std::string spaced;
    for (const char each : result) {
        spaced += each == ',' ? ", " : std::string(1, each);
    }
    return spaced;
}

} // namespace

demo_screen::demo_screen() : _colours(::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr) {}

std::string demo_screen::painted(std::string_view text, std::string_view colour) const {
    return _colours ? fmt::format("\x1b[{}m{}\x1b[0m", colour, text) : std::string(text);
}

std::string demo_screen::clock(std::chrono::steady_clock::time_point when) const {
    const double seconds = std::max(0.0, std::chrono::duration<double>(when - _began).count());
    return painted(fmt::format("{:6.2f} s", seconds), dim);
}

void demo_screen::title(std::string_view text) const {
    fmt::print("{}\n", painted(text, bold));
    std::fflush(stdout);
}

void demo_screen::text(std::string_view text) const {
    fmt::print("{}\n", text);
    std::fflush(stdout);
}

void demo_screen::happened(std::chrono::steady_clock::time_point when, char sign, std::string_view what,
                           mood how) const {
    const std::string line = fmt::format("{} {}", sign, what);
    const std::string_view colour = how == mood::good ? green : red;
    fmt::print("{}  {}\n", clock(when), how == mood::plain ? line : painted(line, colour));
    std::fflush(stdout);
}

void demo_screen::rates_head() const {
    fmt::print("\n{}\n", painted("    time     messages a second, received by\n"
                                 "                 node 1        node 2        node 3",
                                 dim));
    std::fflush(stdout);
}

void demo_screen::rates(std::chrono::steady_clock::time_point when,
                        const std::vector<std::optional<double>>& each) const {
    std::string line;
    for (const std::optional<double>& rate : each) {
        line += fmt::format("{:>14}", rate ? grouped(static_cast<std::uint64_t>(*rate)) : "-");
    }
    fmt::print("{}{}\n", clock(when), line);
    std::fflush(stdout);
}

void demo_screen::order(const std::vector<verdict>& verdicts) const {
    fmt::print("\n{}\n", painted("What was received between two changes of the group:", bold));
    fmt::print("{}\n", painted("  group      received by        messages  digest            order", dim));
    for (const verdict& each : verdicts) {
        if (each.messages == 0 && each.fault.empty()) {
            continue;
        }
        const std::string by =
            numbers(each.members) + (each.cut_off.empty() ? "" : fmt::format("; {} in part", numbers(each.cut_off)));
        const bool alone = each.members.size() + each.cut_off.size() < 2;
        const std::string word = !each.fault.empty() ? painted(each.fault, red)
                                 : alone             ? "nobody to compare with"
                                                     : painted("the same", green);
        fmt::print("  {:<9}  {:<15}  {:>9}  {:016x}  {}\n", group_of(each.opened_by), by, grouped(each.messages),
                   each.digest, word);
    }
}

void demo_screen::conclusion(std::string_view text, mood how) const {
    fmt::print("\n{}\n", painted(text, how == mood::bad ? red : green));
    std::fflush(stdout);
}

} // namespace coterie::cli

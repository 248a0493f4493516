// SPDX-License-Identifier: BSD-3-Clause
// What the demonstration shows: a timeline of lines as things happen, rates in columns between them, and a table at the
// end. Plain text; colours only on a terminal.
#pragma once

#include "cli/demo_order.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::cli {

class demo_screen {
public:
    demo_screen();

    /// The clock of the timeline starts.
    void begin(std::chrono::steady_clock::time_point now) { _began = now; }

    enum class mood : std::uint8_t { plain, good, bad };
    void title(std::string_view text) const;
    void text(std::string_view text) const;
    /// A line of the timeline; `sign` is one character.
    void happened(std::chrono::steady_clock::time_point when, char sign, std::string_view what,
                  mood how = mood::plain) const;
    void rates_head() const;
    /// Messages a second that each member received; nothing for one that is cut off.
    void rates(std::chrono::steady_clock::time_point when, const std::vector<std::optional<double>>& each) const;
    void order(const std::vector<verdict>& verdicts) const;
    void conclusion(std::string_view text, mood how) const;

private:
    [[nodiscard]] std::string painted(std::string_view text, std::string_view colour) const;
    [[nodiscard]] std::string clock(std::chrono::steady_clock::time_point when) const;

    bool _colours;
    std::chrono::steady_clock::time_point _began;
};

} // namespace coterie::cli

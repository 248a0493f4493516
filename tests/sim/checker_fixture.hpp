// SPDX-License-Identifier: BSD-3-Clause
// A perfect world and the two things that tests of the checker say about its trace: that it is clean, or that a certain
// guarantee is found broken.
#pragma once

#include "sim/checker.hpp"
#include "sim/trace_printer.hpp"
#include "tests/support/perfect_world.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::test {

struct judged_as {
    bool quiet = false;
    bool unique = true;
};

class checker_fixture : public ::testing::Test {
protected:
    /// Nothing is found, with and without the eventual clauses. `finishes`: the tables are recorded first.
    void expect_clean(std::vector<std::vector<std::uint32_t>> components = {}, bool finishes = true,
                      bool quiet = true) {
        if (finishes && quiet) {
            w.finish();
        }
        sim::checker_options options;
        options.opening_slack_ns = 0;
        EXPECT_EQ(words(options), "");
        if (!quiet) {
            return;
        }
        options.quiet_tail = true;
        options.quiet_since_ns = w.events.back().time_ns;
        for (const auto& each : components) {
            auto& nodes = options.final_components.emplace_back();
            for (const std::uint32_t node : each) {
                nodes.push_back({node});
            }
        }
        EXPECT_EQ(words(options), "");
        if (finishes) {
            std::erase_if(w.events, [](const event& each) { return each.kind == event_kind::table; });
        }
    }

    /// `guarantee` is found broken, for a reason in whose words `part` occurs. What else follows from that is as it may be.
    void expect(int guarantee, std::string_view part, judged_as how = {}) {
        sim::checker_options options;
        options.opening_slack_ns = 0;
        options.quiet_tail = how.quiet;
        options.messages_unique = how.unique;
        const auto found = sim::check(w.events, options);
        const bool any = std::ranges::any_of(found, [&](const sim::violation& each) {
            return each.guarantee == guarantee && each.what.find(part) != std::string::npos;
        });
        EXPECT_TRUE(any) << "expected " << guarantee << " with '" << part << "', found:\n" << words(options);
    }

    [[nodiscard]] std::string words(const sim::checker_options& options) const {
        std::string out;
        for (const sim::violation& each : sim::check(w.events, options)) {
            out += in_words(each) + "\n";
        }
        return out;
    }

    perfect_world w;
};

} // namespace coterie::test

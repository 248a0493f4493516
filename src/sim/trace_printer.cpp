// SPDX-License-Identifier: BSD-3-Clause
// Excerpts of traces.
#include "sim/trace_printer.hpp"

#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <vector>

namespace coterie::sim {

std::string in_words(const violation& found) {
    switch (found.guarantee) {
    case malformed_trace: return "malformed trace: " + found.what;
    case inside_guarantee: return "inside: " + found.what;
    default: return fmt::format("guarantee {}: {}", found.guarantee, found.what);
    }
}

std::string line_of(const trace::event& what) {
    const bool of_client = what.kind >= trace::event_kind::client_opened;
    const std::string who = of_client ? "  " + in_words(what.who) : fmt::format("node {}", what.node.value);
    return fmt::format("{:12.3f}  {:<12} {}", static_cast<double>(what.time_ns) / 1e6, who, in_words(what));
}

std::string excerpt(std::span<const trace::event> events, const violation& found, const excerpt_options& options) {
    std::vector<std::size_t> order(events.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto marked = [&](std::size_t at) { return std::ranges::find(found.events, at) != found.events.end(); };
    if (!options.acknowledgements) {
        std::erase_if(
            order, [&](std::size_t at) { return events[at].kind == trace::event_kind::acknowledged && !marked(at); });
    }
    std::ranges::stable_sort(order, {}, [&](std::size_t at) { return events[at].time_ns; });

    std::vector<bool> shown(order.size(), options.everything);
    for (std::size_t at = 0; at < order.size(); ++at) {
        if (marked(order[at])) {
            const std::size_t end = std::min(at + options.after + 1, order.size());
            for (std::size_t near = at - std::min(at, options.before); near < end; ++near) {
                shown[near] = true;
            }
        }
    }

    std::string out = in_words(found) + "\n";
    std::size_t left_out = 0;
    for (std::size_t at = 0; at < order.size(); ++at) {
        if (!shown[at]) {
            ++left_out;
            continue;
        }
        if (left_out > 0) {
            out += fmt::format("  ... {} events\n", left_out);
            left_out = 0;
        }
        out += fmt::format("{} {}\n", marked(order[at]) ? '>' : ' ', line_of(events[order[at]]));
    }
    if (left_out > 0) {
        out += fmt::format("  ... {} events\n", left_out);
    }
    return out;
}

} // namespace coterie::sim

// SPDX-License-Identifier: BSD-3-Clause
// Finds sides and directions in sets of links.
#include "sim/picture_faults.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace coterie::sim {

namespace {

using links = std::set<std::pair<node_id, node_id>>;

/// "{1-5, 7}"
std::string words(const std::vector<node_id>& sorted) {
    std::string result = "{";
    for (std::size_t at = 0; at < sorted.size();) {
        std::size_t last = at;
        while (last + 1 < sorted.size() && sorted[last + 1].value == sorted[last].value + 1) {
            ++last;
        }
        result += (at == 0 ? "" : ", ") + std::to_string(sorted[at].value);
        result += last == at ? "" : (last == at + 1 ? ", " : "-") + std::to_string(sorted[last].value);
        at = last + 1;
    }
    return result + "}";
}

/// "{1, 2} | {3}" if the links are all those between some sides, both ways; else nothing.
std::string sides_of(const links& those, const std::vector<node_id>& ends) {
    constexpr std::size_t sides_max = 4;
    std::vector<std::vector<node_id>> sides;
    for (const node_id each : ends) {
        const auto side =
            std::ranges::find_if(sides, [&](const auto& other) { return !those.contains({each, other.front()}); });
        if (side != sides.end()) {
            side->push_back(each);
        } else {
            sides.push_back({each});
        }
    }
    for (const auto& one : sides) {
        for (const auto& other : sides) {
            for (const node_id from : one) {
                for (const node_id to : other) {
                    if (from != to && those.contains({from, to}) != (&one != &other)) {
                        return {};
                    }
                }
            }
        }
    }
    if (sides.size() < 2 || sides.size() > sides_max) {
        return {};
    }
    std::string result;
    for (const auto& each : sides) {
        result += (result.empty() ? "" : " | ") + words(each);
    }
    return result;
}

/// "{1} → {2, 3}" if the links are all those from some nodes to others; else nothing.
std::string direction_of(const links& those) {
    std::set<node_id> from;
    std::set<node_id> to;
    for (const auto& [one, other] : those) {
        from.insert(one);
        to.insert(other);
    }
    const bool apart = std::ranges::none_of(from, [&](node_id each) { return to.contains(each); });
    if (!apart || those.size() != from.size() * to.size()) {
        return {};
    }
    return words({from.begin(), from.end()}) + " → " + words({to.begin(), to.end()});
}

std::string words_of(const links& those, const std::vector<node_id>& ends, std::size_t nodes) {
    constexpr std::size_t told_max = 8;
    if (those.size() == nodes * (nodes - 1)) {
        return "all links";
    }
    if (std::string sides = sides_of(those, ends); !sides.empty()) {
        return sides;
    }
    if (std::string direction = direction_of(those); !direction.empty()) {
        return direction;
    }
    std::string result;
    std::size_t told = 0;
    for (const auto& [from, to] : those) {
        if (told++ == told_max) {
            return result + " and " + std::to_string(those.size() - told_max) + " more";
        }
        result += (result.empty() ? "" : ", ") + std::to_string(from.value) + "→" + std::to_string(to.value);
    }
    return result;
}

} // namespace

std::vector<drawn_fault> drawn_faults(std::span<const ailing> ailments, std::size_t nodes) {
    std::vector<drawn_fault> result;
    std::map<std::tuple<std::int64_t, std::int64_t, ailment>, links> of_links;
    std::map<std::tuple<std::int64_t, std::int64_t, ailment>, std::vector<node_id>> of_machines;
    for (const ailing& each : ailments) {
        const std::tuple when(each.begin_ns, each.end_ns, each.what);
        if (each.other == base::no_node) {
            of_machines[when].push_back(each.node);
        } else {
            of_links[when].insert({each.node, each.other});
        }
    }
    for (auto& [when, those] : of_machines) {
        std::ranges::sort(those);
        result.push_back({std::get<2>(when), std::get<0>(when), std::get<1>(when), words(those), those});
    }
    for (const auto& [when, those] : of_links) {
        std::set<node_id> ends;
        for (const auto& [from, to] : those) {
            ends.insert(from);
            ends.insert(to);
        }
        const std::vector<node_id> sorted(ends.begin(), ends.end());
        result.push_back(
            {std::get<2>(when), std::get<0>(when), std::get<1>(when), words_of(those, sorted, nodes), sorted});
    }
    std::ranges::stable_sort(result, {},
                             [](const drawn_fault& each) { return std::pair(each.begin_ns, -each.end_ns); });
    return result;
}

} // namespace coterie::sim

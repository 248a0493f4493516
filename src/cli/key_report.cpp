// SPDX-License-Identifier: BSD-3-Clause
// A node that is not heard may come back with the keys that it had.
#include "cli/key_report.hpp"

#include "config/key_file.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace coterie::cli {

namespace {

using json = nlohmann::ordered_json;
using stage = config::key_state::stage;

unsigned number_at(const json& from, const char* path) {
    const json::json_pointer place(path);
    return from.contains(place) && from[place].is_number_unsigned() ? from[place].get<unsigned>() : 0;
}

template <class Is>
std::string first_without(const std::vector<node_keys>& nodes, const char* fault, Is is) {
    for (const node_keys& each : nodes) {
        if (!each.heard) {
            return fmt::format("node {} is not heard", each.node);
        }
        if (!is(each)) {
            return fmt::format("node {} {}", each.node, fault);
        }
    }
    return nodes.empty() ? "no daemon answers here" : "";
}

std::string next_step(const std::string& file, const config::key_state& state, const std::vector<node_keys>& nodes) {
    switch (state.at) {
    case stage::settled: return "";
    case stage::prepared: {
        const std::string why = why_not_all_know(nodes, state.other);
        return why.empty() ? "Next    run `coterie key rotate` on every node, to use the new key\n"
                           : fmt::format("Next    {}: copy {} to the same place there and run `coterie key rotate`\n",
                                         why, config::next_key_file(file));
    }
    case stage::switched: {
        const std::string why = why_not_all_use(nodes, state.used);
        return why.empty() ? "Next    run `coterie key finish` on every node, to accept the old key no longer\n"
                           : fmt::format("Next    {}: run `coterie key rotate` there\n", why);
    }
    }
    return "";
}

} // namespace

std::vector<node_keys> keys_in(const json& report) {
    std::vector<node_keys> result;
    if (number_at(report, "/daemon/encryption/key") == 0) {
        return result;
    }
    result.push_back({.node = number_at(report, "/daemon/node"),
                      .heard = true,
                      .used = number_at(report, "/daemon/encryption/key"),
                      .other = number_at(report, "/daemon/encryption/other_key")});
    const json::json_pointer links("/links");
    for (const json& each : report.contains(links) ? report[links] : json::array()) {
        const json::json_pointer heard("/heard");
        result.push_back({.node = number_at(each, "/node"),
                          .heard = each.contains(heard) && each[heard] == true,
                          .used = number_at(each, "/encryption/key"),
                          .other = number_at(each, "/encryption/other_key")});
    }
    return result;
}

std::string why_not_all_know(const std::vector<node_keys>& nodes, unsigned number) {
    return first_without(nodes, "does not accept the new key yet",
                         [&](const node_keys& each) { return each.knows(number); });
}

std::string why_not_all_use(const std::vector<node_keys>& nodes, unsigned number) {
    return first_without(nodes, "still uses the old key", [&](const node_keys& each) { return each.used == number; });
}

std::string key_text(const std::string& file, const config::key_state& state, const std::vector<node_keys>& nodes) {
    std::string result = fmt::format("File    {}, number {}\n", file, state.used);
    if (state.at != stage::settled) {
        const bool prepared = state.at == stage::prepared;
        result += fmt::format("        {}, number {}\n",
                              prepared ? config::next_key_file(file) : config::last_key_file(file), state.other);
        result += prepared ? "Change  begun: the new key is accepted, the old one is used\n"
                           : "Change  half done: the new key is used, the old one is accepted\n";
    }
    bool own = true;
    for (const node_keys& each : nodes) {
        result += fmt::format("Node    {}{}: ", each.node, own ? " (this one)" : "");
        if (!each.heard) {
            result += "is not heard\n";
        } else {
            result += fmt::format("uses number {}{}\n", each.used,
                                  each.other != 0 ? fmt::format(", accepts number {}", each.other) : "");
        }
        own = false;
    }
    if (nodes.empty()) {
        result += "Node    no daemon that encrypts answers here\n";
    } else if (nodes.front().used != state.used || nodes.front().other != state.other) {
        result +=
            "        the daemon has other keys than the files: `systemctl reload coteried`, and look at its log\n";
    }
    return result + next_step(file, state, nodes);
}

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// Events and ids in words.
#include "sim/words.hpp"

#include <fmt/format.h>

namespace coterie::sim {

namespace {

using trace::event;
using trace::event_kind;

/// "{a, b}" of what `word` makes of each.
template <class Range, class Word>
std::string listed(const Range& range, Word&& word) {
    std::string out = "{";
    for (const auto& each : range) {
        if (out.size() > 1) {
            out += ", ";
        }
        out += word(each);
    }
    return out + "}";
}

std::string nodes_of(const std::vector<base::member>& members) {
    return listed(members, [](const base::member& each) { return fmt::format("{}", each.node.value); });
}

std::string entries(const std::vector<trace::departed>& list) {
    return listed(list, [](const trace::departed& each) {
        return fmt::format("{} {}", in_words(each.who), trace::to_string(each.why));
    });
}

std::string packet(const event& what) {
    return fmt::format("{} {}{}", in_words(what.view), what.number.value, what.safe ? " safe" : "");
}

std::string message(const event& what) {
    return fmt::format("{} message {:016x}{}", quoted(what.group), what.message, what.safe ? " safe" : "");
}

std::string change(const event& what) {
    std::string out = quoted(what.group);
    if (!what.left.empty()) {
        out += " left " + entries(what.left);
    }
    if (!what.joined.empty()) {
        out += " joined " + entries(what.joined);
    }
    return out + " now " + in_words(std::span(what.processes));
}

} // namespace

std::string in_words(const base::view_id& view) {
    return view.valid() ? fmt::format("{}@{}", view.epoch.value, view.coordinator.value) : "no view";
}

std::string in_words(base::node_id node) { return fmt::format("node {}", node.value); }

std::string in_words(const trace::process& who) { return fmt::format("{}:{}", who.node.value, who.pid); }

std::string in_words(std::span<const base::node_id> nodes) {
    return listed(nodes, [](base::node_id each) { return fmt::format("{}", each.value); });
}

std::string in_words(std::span<const trace::process> processes) {
    return listed(processes, [](const trace::process& each) { return in_words(each); });
}

std::string quoted(std::string_view group) {
    std::string out = "'";
    for (const char letter : group) {
        out += letter >= ' ' && letter <= '~' ? letter : '.';
    }
    return out + "'";
}

std::string in_words(const event& what) {
    switch (what.kind) {
    case event_kind::started: return fmt::format("starts, incarnation {:x}", what.stream);
    case event_kind::failed: return "fails";
    case event_kind::retired: return "has left in order";
    case event_kind::regular: return fmt::format("REGULAR {} {}", in_words(what.view), nodes_of(what.members));
    case event_kind::transitional:
        return fmt::format("TRANSITIONAL out of {} {}", in_words(what.view), nodes_of(what.members));
    case event_kind::numbered: return fmt::format("numbers {}", packet(what));
    case event_kind::delivered: return fmt::format("delivers {} of {}", packet(what), in_words(what.peer));
    case event_kind::common_point: return fmt::format("COMMON POINT of {}", in_words(what.view));
    case event_kind::message_numbered:
        return fmt::format("numbers {} of {} in packet {} {}", message(what), in_words(what.who), in_words(what.view),
                           what.number.value);
    case event_kind::table:
        return fmt::format("knows {} as {}", quoted(what.group), in_words(std::span(what.processes)));
    case event_kind::hop_given:
        return fmt::format("gives hop {} of {} to {}", what.hop.value, in_words(what.view), in_words(what.peer));
    case event_kind::hop_taken: return fmt::format("takes hop {} of {}", what.hop.value, in_words(what.view));
    case event_kind::acknowledged:
        return fmt::format("acknowledges {} up to {}", in_words(what.view), what.number.value);
    case event_kind::promised:
        return fmt::format("promises attempt {}, leaving {} received up to {}", in_words(what.view),
                           in_words(what.left_view), what.number.value);
    case event_kind::planned: return fmt::format("plans attempt {}, hash {:x}", in_words(what.view), what.hash);
    case event_kind::completed: return fmt::format("completes attempt {}, hash {:x}", in_words(what.view), what.hash);
    case event_kind::installed: return fmt::format("installs attempt {}, hash {:x}", in_words(what.view), what.hash);
    case event_kind::client_opened: return "opens a handle";
    case event_kind::client_join: return fmt::format("joins {}", quoted(what.group));
    case event_kind::client_leave: return "leaves";
    case event_kind::client_accepted: return fmt::format("sends to {}", message(what));
    case event_kind::client_delivered: return fmt::format("gets from {} in {}", in_words(what.sender), message(what));
    case event_kind::client_change: return fmt::format("CHANGE of {}", change(what));
    case event_kind::client_view: return fmt::format("RING {} {}", in_words(what.view), nodes_of(what.members));
    case event_kind::client_closed: return "closes its handle";
    case event_kind::client_failed: return "dies";
    }
    return "does something unknown";
}

} // namespace coterie::sim

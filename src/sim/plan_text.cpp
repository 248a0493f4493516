// SPDX-License-Identifier: BSD-3-Clause
// Plans as text and back. Each line begins with the part of the plan that it is about; a value of each type has one
// spelling, so that what is read is written again byte for byte.
#include "sim/plan_fields.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace coterie::sim {

namespace {

constexpr std::string_view first_line = "coterie-plan 1";

template <class Value>
struct spelling {
    Value value;
    std::string_view text;
};

constexpr std::array kinds{
    spelling{trouble::cut, "cut"},
    spelling{trouble::noise, "noise"},
    spelling{trouble::crash, "crash"},
    spelling{trouble::crash_amid, "crash-amid"},
    spelling{trouble::crash_at_step, "crash-at-step"},
    spelling{trouble::vanish, "vanish"},
    spelling{trouble::leave, "leave"},
    spelling{trouble::pause, "pause"},
    spelling{trouble::pause_amid, "pause-amid"},
    spelling{trouble::slow_store, "slow-store"},
    spelling{trouble::small_buffer, "small-buffer"},
    spelling{trouble::slow_receiver, "slow-receiver"},
    spelling{trouble::client_crash, "client-crash"},
    spelling{trouble::packet_size, "packet-size"},
};
static_assert(kinds.size() == troubles);

constexpr std::array fates{
    spelling{store_fate::kept, "kept"},
    spelling{store_fate::lost, "lost"},
    spelling{store_fate::rolled_back, "rolled-back"},
};

const std::array<spelling<kind_set>, 3>& packet_sets() {
    static const std::array<spelling<kind_set>, 3> all{{
        {kind_set::all(), "all"},
        {kind_set::control(), "control"},
        {kind_set::membership(), "membership"},
    }};
    return all;
}

template <class Value>
bool yes_or_no_from(std::string_view text, Value& value) {
    value = text == "yes";
    return value || text == "no";
}

template <class List, class Value>
std::string spelled(const List& list, Value value) {
    const auto found = std::ranges::find(list, value, &spelling<Value>::value);
    return found == list.end() ? "?" : std::string(found->text);
}

template <class List, class Value>
bool unspelled(const List& list, std::string_view text, Value& value) {
    const auto found = std::ranges::find(list, text, &spelling<Value>::text);
    if (found == list.end()) {
        return false;
    }
    value = found->value;
    return true;
}

// Values as text.

std::string text_of(std::integral auto value) { return std::to_string(value); }
std::string text_of(bool value) { return value ? "yes" : "no"; }
std::string text_of(node_id value) { return std::to_string(value.value); }
std::string text_of(trouble value) { return spelled(kinds, value); }
std::string text_of(store_fate value) { return spelled(fates, value); }
std::string text_of(kind_set value) { return spelled(packet_sets(), value); }
std::string text_of(const std::string& value) { return value; }

constexpr std::array units{
    spelling<std::int64_t>{1'000'000'000, "s"},
    spelling<std::int64_t>{1'000'000, "ms"},
    spelling<std::int64_t>{1'000, "us"},
    spelling<std::int64_t>{1, "ns"},
};

std::string text_of(duration value) {
    const auto unit = std::ranges::find_if(units, [&](const auto& each) { return value.count() % each.value == 0; });
    return std::to_string(value.count() / unit->value) + std::string(unit->text);
}

template <class Value>
std::string text_of(const std::vector<Value>& values) {
    std::string result;
    for (const Value& each : values) {
        result += (result.empty() ? "" : ",") + text_of(each);
    }
    return result;
}

// Text as values.

template <std::integral Number>
bool read(std::string_view text, Number& value) {
    const auto [at, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    return fault == std::errc{} && at == text.data() + text.size();
}
bool read(std::string_view text, bool& value) { return yes_or_no_from(text, value); }
bool read(std::string_view text, node_id& value) { return read(text, value.value); }
bool read(std::string_view text, trouble& value) { return unspelled(kinds, text, value); }
bool read(std::string_view text, store_fate& value) { return unspelled(fates, text, value); }
bool read(std::string_view text, kind_set& value) { return unspelled(packet_sets(), text, value); }
bool read(std::string_view text, std::string& value) {
    value = text;
    return !text.empty();
}

bool read(std::string_view text, duration& value) {
    const std::size_t digits = std::min(text.find_first_not_of("-0123456789"), text.size());
    std::int64_t unit = 0;
    std::int64_t count = 0;
    if (!unspelled(units, text.substr(digits), unit) || !read(text.substr(0, digits), count)) {
        return false;
    }
    std::int64_t total = 0;
    if (__builtin_mul_overflow(count, unit, &total)) {
        return false;
    }
    value = duration(total);
    return true;
}

template <class Value>
bool read(std::string_view text, std::vector<Value>& values) {
    values.clear();
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        if (!read(text.substr(0, end), values.emplace_back())) {
            return false;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

// Lines.

/// What differs from a part that nobody has touched; of a fault, in any case, what it is.
template <class Part>
std::string differences(const Part& part) {
    const Part untouched{};
    std::vector<std::string> usual;
    fields_of(untouched, [&](std::string_view, const auto& value) { usual.push_back(text_of(value)); });
    std::string result;
    std::size_t at = 0;
    fields_of(part, [&](std::string_view name, const auto& value) {
        const std::string text = text_of(value);
        if (text != usual[at++] || name == "kind") {
            result += " " + std::string(name) + "=" + text;
        }
    });
    return result;
}

template <class Part>
std::string line(std::string_view name, const Part& part) {
    return std::string(name) + differences(part) + "\n";
}

/// Reads `name=value` words into a part; else what is wrong.
template <class Part>
std::string read_words(std::string_view words, Part& part) {
    while (!words.empty()) {
        const std::size_t end = std::min(words.find(' '), words.size());
        const std::string_view word = words.substr(0, end);
        words.remove_prefix(std::min(end + 1, words.size()));
        if (word.empty()) {
            continue;
        }
        const std::size_t equals = std::min(word.find('='), word.size());
        const std::string_view name = word.substr(0, equals);
        const std::string_view text = word.substr(std::min(equals + 1, word.size()));
        bool known = false;
        bool good = false;
        fields_of(part, [&](std::string_view field, auto& value) {
            if (field == name) {
                known = true;
                good = read(text, value);
            }
        });
        if (!known) {
            return "there is no '" + std::string(name) + "' here";
        }
        if (!good) {
            return "'" + std::string(text) + "' is no value for '" + std::string(name) + "'";
        }
    }
    return {};
}

std::string read_line(std::string_view text, plan& into) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view what = text.substr(0, end);
    const std::string_view words = text.substr(std::min(end + 1, text.size()));
    if (what == "world") {
        return read_words(words, into.world);
    }
    if (what == "ring") {
        return read_words(words, into.world.ring);
    }
    if (what == "groups") {
        return read_words(words, into.world.groups);
    }
    if (what == "links") {
        return read_words(words, into.world.links);
    }
    if (what == "run") {
        return read_words(words, into);
    }
    if (what == "client") {
        return read_words(words, into.clients.emplace_back());
    }
    if (what == "fault") {
        return read_words(words, into.faults.emplace_back());
    }
    return "a line begins with world, ring, groups, links, run, client or fault, not with '" + std::string(what) + "'";
}

/// What no world can be made of.
std::string impossible(const plan& what) {
    constexpr std::size_t nodes_max = 64;
    const std::size_t nodes = what.world.nodes;
    if (nodes < 1 || nodes > nodes_max) {
        return "a world has 1 to 64 nodes";
    }
    const auto unknown = [nodes](node_id id) { return id.value < 1 || id.value > nodes; };
    for (const planned_client& each : what.clients) {
        if (unknown(each.node)) {
            return "a client is on node " + text_of(each.node) + ", which there is not";
        }
        if (each.profile.groups.empty() || each.profile.bytes_min > each.profile.bytes_max || each.comes < duration{} ||
            (each.profile.large != 0 && each.profile.bytes_max > each.profile.large_bytes_max) ||
            each.profile.pace <= duration{}) {
            return "a client needs a group, a pace, and sizes that ascend";
        }
    }
    for (const planned_fault& each : what.faults) {
        if (std::ranges::any_of(each.nodes, unknown) || std::ranges::any_of(each.others, unknown)) {
            return "a fault is about nodes that there are not";
        }
        if (each.at < duration{} || each.lasts < duration{} || each.slow < duration{}) {
            return "a fault cannot come, last or cost less than nothing";
        }
    }
    if (std::ranges::any_of(what.boots, [](duration each) { return each < duration{}; }) || what.time < duration{}) {
        return "no time is less than nothing";
    }
    return {};
}

} // namespace

std::string_view to_string(trouble kind) {
    const auto found = std::ranges::find(kinds, kind, &spelling<trouble>::value);
    return found == kinds.end() ? "?" : found->text;
}

std::string details_of(const planned_fault& what) {
    planned_fault rest = what;
    rest.at = {};
    return differences(rest).substr(1);
}

std::string to_text(const plan& what) {
    std::string result = std::string(first_line) + "\n";
    result += line("world", what.world);
    result += line("ring", what.world.ring);
    result += line("groups", what.world.groups);
    result += line("links", what.world.links);
    result += line("run", what);
    for (const planned_client& each : what.clients) {
        result += line("client", each);
    }
    for (const planned_fault& each : what.faults) {
        result += line("fault", each);
    }
    return result;
}

std::expected<plan, std::string> plan_from(std::string_view text) {
    plan result;
    std::size_t number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view row = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (number == 1) {
            if (row != first_line) {
                return std::unexpected("the first line of a plan is '" + std::string(first_line) + "'");
            }
            continue;
        }
        if (row.empty() || row.front() == '#') {
            continue;
        }
        if (const std::string wrong = read_line(row, result); !wrong.empty()) {
            return std::unexpected("line " + std::to_string(number) + ": " + wrong);
        }
    }
    if (number == 0) {
        return std::unexpected("an empty file is no plan");
    }
    if (const std::string wrong = impossible(result); !wrong.empty()) {
        return std::unexpected(wrong);
    }
    return result;
}

bool planned_fault::covers(node_id node) const {
    return nodes.empty() || std::ranges::find(nodes, node) != nodes.end();
}

bool planned_fault::covers(node_id from, node_id to) const {
    const auto goes = [this](node_id one, node_id other) {
        if (nodes.empty()) {
            return others.empty() || std::ranges::find(others, other) != others.end();
        }
        return covers(one) && (others.empty() ? !covers(other) : std::ranges::find(others, other) != others.end());
    };
    return goes(from, to) || (!one_way && goes(to, from));
}

} // namespace coterie::sim

// SPDX-License-Identifier: BSD-3-Clause
// Events as lines of text: `kind time node stream` and then `key=value` for every field that is not at its default. A
// line reads the same for people, for grep and for the checker; what format() writes, parse() gives back exactly.
#include "trace/event.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <optional>

namespace coterie::trace {

namespace {

constexpr std::array all_kinds{event_kind::started,          event_kind::failed,
                               event_kind::retired,          event_kind::regular,
                               event_kind::transitional,     event_kind::numbered,
                               event_kind::delivered,        event_kind::common_point,
                               event_kind::message_numbered, event_kind::table,
                               event_kind::hop_given,        event_kind::hop_taken,
                               event_kind::acknowledged,     event_kind::promised,
                               event_kind::planned,          event_kind::completed,
                               event_kind::installed,        event_kind::client_opened,
                               event_kind::client_join,      event_kind::client_leave,
                               event_kind::client_accepted,  event_kind::client_delivered,
                               event_kind::client_change,    event_kind::client_view,
                               event_kind::client_closed,    event_kind::client_failed};

constexpr std::array all_reasons{reason::undefined, reason::join,    reason::leave,
                                 reason::node_down, reason::node_up, reason::process_down};

constexpr std::string_view hex_digits = "0123456789abcdef";

// Writing.

template <std::integral Number>
void put(std::string& out, Number value, int base = 10) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
    out.append(digits.data(), end);
}

void put(std::string& out, const view_id& view) {
    put(out, view.epoch.value);
    out += '.';
    put(out, view.coordinator.value);
    out += '.';
    put(out, view.nonce.value, 16);
}

void put(std::string& out, const member& who) {
    put(out, who.node.value);
    out += '.';
    put(out, who.nonce.value, 16);
}

void put(std::string& out, const process& who) {
    put(out, who.node.value);
    out += ':';
    put(out, who.pid);
}

void put(std::string& out, const departed& entry) {
    put(out, entry.who);
    out += ':';
    out += to_string(entry.why);
}

/// Any bytes, with all but plain visible ASCII as %xx.
void put_name(std::string& out, std::string_view name) {
    for (const char letter : name) {
        const auto byte = static_cast<unsigned char>(letter);
        if (byte > 0x20 && byte < 0x7f && letter != '%') {
            out += letter;
        } else {
            out += '%';
            out += hex_digits[byte >> 4U];
            out += hex_digits[byte & 15U];
        }
    }
}

void key(std::string& out, std::string_view name) {
    out += ' ';
    out += name;
    out += '=';
}

template <class Value>
void field(std::string& out, std::string_view name, const Value& value) {
    if (value != Value{}) {
        key(out, name);
        put(out, value);
    }
}

template <class Value>
void list(std::string& out, std::string_view name, const std::vector<Value>& values) {
    if (values.empty()) {
        return;
    }
    key(out, name);
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i != 0) {
            out += ',';
        }
        put(out, values[i]);
    }
}

// Reading. Every take() eats all of its text or fails.

template <std::integral Number>
bool take(std::string_view text, Number& out, int base = 10) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return error == std::errc{} && end == text.data() + text.size();
}

/// Cuts the text up to `separator` off `rest`; all of it when there is none.
std::string_view cut(std::string_view& rest, char separator) {
    const std::size_t at = rest.find(separator);
    const std::string_view head = rest.substr(0, at);
    rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
    return head;
}

bool take(std::string_view text, view_id& out) {
    const std::string_view epoch = cut(text, '.');
    const std::string_view coordinator = cut(text, '.');
    return take(epoch, out.epoch.value) && take(coordinator, out.coordinator.value) && take(text, out.nonce.value, 16);
}

bool take(std::string_view text, member& out) {
    const std::string_view node = cut(text, '.');
    return take(node, out.node.value) && take(text, out.nonce.value, 16);
}

bool take(std::string_view text, process& out) {
    const std::string_view node = cut(text, ':');
    return take(node, out.node.value) && take(text, out.pid);
}

bool take(std::string_view text, departed& out) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || !take(text.substr(0, colon), out.who)) {
        return false;
    }
    const auto why =
        std::ranges::find(all_reasons, text.substr(colon + 1), [](reason each) { return to_string(each); });
    if (why == all_reasons.end()) {
        return false;
    }
    out.why = *why;
    return true;
}

std::optional<unsigned> hex_value(char digit) {
    const std::size_t value = hex_digits.find(digit);
    return value == std::string_view::npos ? std::nullopt : std::optional(static_cast<unsigned>(value));
}

bool take_name(std::string_view text, std::string& out) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) {
            return false;
        }
        const auto high = hex_value(text[i + 1]);
        const auto low = hex_value(text[i + 2]);
        if (!high || !low) {
            return false;
        }
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
    }
    return !out.empty();
}

template <class Value>
bool take_list(std::string_view text, std::vector<Value>& out) {
    if (text.ends_with(',')) {
        return false;
    }
    while (!text.empty()) {
        if (!take(cut(text, ','), out.emplace_back())) {
            return false;
        }
    }
    return !out.empty();
}

/// One `key=value` behind the fixed columns.
bool take_field(std::string_view name, std::string_view value, event& out) {
    if (name == "view") {
        return take(value, out.view);
    }
    if (name == "left_view") {
        return take(value, out.left_view);
    }
    if (name == "number") {
        return take(value, out.number.value);
    }
    if (name == "hop") {
        return take(value, out.hop.value);
    }
    if (name == "peer") {
        return take(value, out.peer.value);
    }
    if (name == "safe") {
        out.safe = value == "yes";
        return out.safe;
    }
    if (name == "hash") {
        return take(value, out.hash, 16);
    }
    if (name == "message") {
        return take(value, out.message, 16);
    }
    if (name == "who") {
        return take(value, out.who);
    }
    if (name == "sender") {
        return take(value, out.sender);
    }
    if (name == "group") {
        return take_name(value, out.group);
    }
    if (name == "members") {
        return take_list(value, out.members);
    }
    if (name == "processes") {
        return take_list(value, out.processes);
    }
    if (name == "left") {
        return take_list(value, out.left);
    }
    return name == "joined" && take_list(value, out.joined);
}

} // namespace

std::string format(const event& what) {
    std::string out;
    out.reserve(96 + what.group.size() + 12 * (what.members.size() + what.processes.size()));
    out += to_string(what.kind);
    out += ' ';
    put(out, what.time_ns);
    out += ' ';
    put(out, what.node.value);
    out += ' ';
    put(out, what.stream, 16);

    field(out, "view", what.view);
    field(out, "left_view", what.left_view);
    field(out, "number", what.number.value);
    field(out, "hop", what.hop.value);
    field(out, "peer", what.peer.value);
    if (what.safe) {
        out += " safe=yes";
    }
    if (what.hash != 0) {
        key(out, "hash");
        put(out, what.hash, 16);
    }
    if (what.message != 0) {
        key(out, "message");
        put(out, what.message, 16);
    }
    field(out, "who", what.who);
    field(out, "sender", what.sender);
    if (!what.group.empty()) {
        key(out, "group");
        put_name(out, what.group);
    }
    list(out, "members", what.members);
    list(out, "processes", what.processes);
    list(out, "left", what.left);
    list(out, "joined", what.joined);
    return out;
}

bool parse(std::string_view line, event& out) {
    if (line.ends_with(' ')) {
        return false;
    }
    event result;
    const std::string_view kind_name = cut(line, ' ');
    const auto kind = std::ranges::find(all_kinds, kind_name, [](event_kind each) { return to_string(each); });
    const std::string_view time = cut(line, ' ');
    const std::string_view node = cut(line, ' ');
    const std::string_view stream = cut(line, ' ');
    if (kind == all_kinds.end() || !take(time, result.time_ns) || !take(node, result.node.value) ||
        !take(stream, result.stream, 16)) {
        return false;
    }
    result.kind = *kind;

    // format() gives each key at most once; a repeated one is no line of ours.
    std::vector<std::string_view> seen;
    while (!line.empty()) {
        std::string_view value = cut(line, ' ');
        if (value.find('=') == std::string_view::npos) {
            return false;
        }
        const std::string_view name = cut(value, '=');
        if (std::ranges::find(seen, name) != seen.end() || !take_field(name, value, result)) {
            return false;
        }
        seen.push_back(name);
    }
    out = std::move(result);
    return true;
}

} // namespace coterie::trace

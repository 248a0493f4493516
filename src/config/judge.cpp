// SPDX-License-Identifier: BSD-3-Clause
// Walks through a document and does with each key what the table of keys says, then looks at what keys mean together.
#include "config/judge.hpp"

#include "config/judge_links.hpp"
#include "config/keys.hpp"

#include <algorithm>
#include <charconv>
#include <expected>
#include <set>
#include <utility>

namespace coterie::config {

namespace {

constexpr std::string_view node_section = "nodelist.node";
constexpr std::string_view interface_section = "totem.interface";

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

/// What stands between | one by one.
std::vector<std::string_view> parts_of(std::string_view choices) {
    std::vector<std::string_view> result;
    while (!choices.empty()) {
        const std::size_t end = choices.find('|');
        result.push_back(choices.substr(0, end));
        choices = end == std::string_view::npos ? std::string_view{} : choices.substr(end + 1);
    }
    return result;
}

std::string listed(const std::vector<std::string_view>& words) {
    std::string result;
    for (const std::string_view each : words) {
        result += (result.empty() ? "" : ", ") + std::string(each);
    }
    return result;
}

/// The text as a value of this rule, or what would be right.
std::expected<value, std::string> fitted(const key_rule& rule, const entry& from) {
    value result{.text = from.value};
    const value_rule& values = rule.values;
    const std::string right =
        std::string(rule.note) + ", for example `" + from.key + ": " + std::string(rule.sample) + "`";
    switch (values.what) {
    case value_rule::kind::text:
        if (from.value.empty()) {
            return std::unexpected("has no value; write " + right);
        }
        break;
    case value_rule::kind::number: {
        const char* const end = from.value.data() + from.value.size();
        const auto [at, fault] = std::from_chars(from.value.data(), end, result.number);
        if (fault != std::errc{} || at != end || result.number < values.low || result.number > values.high) {
            return std::unexpected(quoted(from.value) + " is not a number from " + std::to_string(values.low) + " to " +
                                   std::to_string(values.high) + "; write " + right);
        }
        break;
    }
    case value_rule::kind::yes_no:
        result.yes = from.value == "yes" || from.value == "on";
        if (!result.yes && from.value != "no" && from.value != "off") {
            return std::unexpected(quoted(from.value) + " is neither yes nor no");
        }
        break;
    case value_rule::kind::choice: {
        const auto choices = parts_of(values.choices);
        const auto found = std::ranges::find(choices, from.value);
        if (found == choices.end()) {
            return std::unexpected(quoted(from.value) + " is not understood; write " +
                                   (choices.size() == 1 ? "`" + from.key + ": " + std::string(choices[0]) + "`"
                                                        : "one of " + listed(choices) + ": " + std::string(rule.note)));
        }
        result.choice = static_cast<std::size_t>(found - choices.begin());
        break;
    }
    case value_rule::kind::path:
        if (!from.value.starts_with('/')) {
            return std::unexpected(quoted(from.value) + " is not a full path; write one that begins with /");
        }
        break;
    }
    return result;
}

class judge_of_settings {
public:
    judge_of_settings(const std::string& file, const accounts& known, loaded& result, std::string_view only)
        : _file(file),
          _only(only),
          _result(result),
          _draft{.what = &result.what, .known = &known, .blocks = false, .link = 0} {}

    void judge_section(const section& from, const std::string& path) {
        if (path == interface_section) {
            begin_interface(from);
        }
        if (path == node_section && !begin_node(from)) {
            return;
        }
        const std::string prefix = path.empty() ? "" : path + ".";
        for (const entry& each : from.entries) {
            judge_entry(each, prefix + each.key);
        }
        for (const section& each : from.sections) {
            judge_section(each, prefix + each.name);
        }
        if (path == node_section) {
            end_node(from);
        }
    }

    void judge_together(const section& root) {
        judge_nodes();
        if (_draft.blocks) {
            _result.what.slow.evict_after.reset();
        }
        judge_interfaces(root);
        const log_settings& log = _result.what.log;
        const entry* const to_file = last(root, "logging", "to_logfile");
        const entry* const file = last(root, "logging", "logfile");
        if (log.to_file && file == nullptr) {
            error(to_file == nullptr ? 0 : to_file->line, "logging.to_logfile",
                  "there is no file to write to; write for example `logfile: /var/log/coterie.log` as well");
        }
        if (!log.to_file && file != nullptr && !file->value.empty() && log.file == file->value) {
            warning(file->line, "logging.logfile", "nothing is written to it without `to_logfile: yes`");
        }
        judge_keys(root);
        const entry* const lone = last(root, "totem", "nodeid");
        if (lone != nullptr && !_result.what.nodes.empty()) {
            warning(lone->line, "totem.nodeid", "does not count beside a nodelist; the nodelist says who this node is");
        }
    }

private:
    static const entry* last(const section& root, std::string_view name, std::string_view key) {
        const entry* result = nullptr;
        for (const section& each : root.sections) {
            const entry* const found = each.name == name ? each.find(key) : nullptr;
            result = found == nullptr ? result : found;
        }
        return result;
    }

    /// A key that nothing asks for.
    void judge_keys(const section& root) {
        const encryption& crypto = _result.what.crypto;
        for (const std::string_view name : {"key", "keyfile"}) {
            const bool given = name == "key" ? crypto.key.has_value() : crypto.key_file.has_value();
            if (given && !crypto.wanted()) {
                warning(last(root, "totem", name)->line, "totem." + std::string(name),
                        "nothing is encrypted with it without `crypto_cipher: aes256`");
            }
        }
    }

    void judge_entry(const entry& each, const std::string& key) {
        const key_rule* const rule = find_rule(key);
        if (rule == nullptr && is_link_too_many(key)) {
            error(each.line, key,
                  "there are at most " + std::to_string(base::links_max) + " links, ring0_addr to ring7_addr");
            return;
        }
        if (rule == nullptr) {
            const std::string_view near = near_key(key);
            warning(each.line, key,
                    near.empty() ? "is not known" : "is not known; is " + std::string(near) + " meant?");
            return;
        }
        if (!_only.empty() && !key.starts_with(_only)) {
            warning(each.line, key, "has no meaning in this file; only uidgid sections are read here");
            return;
        }
        if (rule->what == verdict::accepted) {
            // Once is enough of a key that every node has.
            if (_warned.insert(key).second) {
                warning(each.line, key, "has no meaning here: " + std::string(rule->note));
            }
            return;
        }
        const auto given = fitted(*rule, each);
        const std::string fault = given ? rule->take(_draft, *given) : given.error();
        if (!fault.empty()) {
            error(each.line, key, fault);
        }
    }

    /// The link's number may stand behind what is said of it.
    void begin_interface(const section& from) {
        _draft.link = 0;
        for (const std::string_view name : {"linknumber", "ringnumber"}) {
            if (const entry* const number = from.find(name)) {
                const auto fits = fitted(*find_rule(std::string(interface_section) + "." + std::string(name)), *number);
                _draft.link = fits ? static_cast<std::size_t>(fits->number) : 0;
            }
        }
    }

    bool begin_node(const section& from) {
        std::vector<node>& nodes = _result.what.nodes;
        if (nodes.size() == nodes_max) {
            if (!std::exchange(_too_many, true)) {
                error(from.line, std::string(node_section),
                      "more than " + std::to_string(nodes_max) + " nodes are not supported");
            }
            return false;
        }
        const auto line_of = [&](std::string_view key) {
            const entry* const found = from.find(key);
            return found == nullptr ? from.line : found->line;
        };
        nodes.emplace_back().at = {.section = from.line, .id = line_of("nodeid"), .name = line_of("name")};
        return true;
    }

    void end_node(const section& from) {
        if (from.find("nodeid") == nullptr) {
            error(from.line, std::string(node_section), "this node has no nodeid; write for example `nodeid: 1`");
        }
        if (from.find("ring0_addr") == nullptr) {
            error(from.line, std::string(node_section),
                  "this node has no ring0_addr; write for example `ring0_addr: 192.0.2.1`");
        }
        for (node_address& each : _result.what.nodes.back().addresses) {
            each.line = from.find(address_key(each.link))->line;
        }
    }

    void judge_nodes() {
        std::vector<node>& nodes = _result.what.nodes;
        std::ranges::stable_sort(nodes, {}, &node::id);
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            for (std::size_t j = i + 1; j < nodes.size(); ++j) {
                judge_pair(nodes[i], nodes[j]);
            }
        }
        judge_links(nodes, _file, _result.diagnostics);
    }

    /// A section about a link on which no node has an address.
    void judge_interfaces(const section& root) {
        const std::vector<node>& nodes = _result.what.nodes;
        for (const section& totem : root.sections) {
            for (const section& each : totem.sections) {
                if (totem.name != "totem" || each.name != "interface" || nodes.empty()) {
                    continue;
                }
                begin_interface(each);
                const link_number link{static_cast<std::uint8_t>(_draft.link)};
                if (std::ranges::none_of(nodes, [&](const node& one) { return one.on(link) != nullptr; })) {
                    warning(each.line, std::string(interface_section),
                            "there is no link " + std::to_string(link.value) + ": no node has a " + address_key(link));
                }
            }
        }
    }

    void judge_pair(const node& one, const node& other) {
        if (one.id == other.id && one.id != base::no_node) {
            both_have("nodeid", "nodeid " + std::to_string(one.id.value), one.at.id, other.at.id);
        }
        if (one.name == other.name && !one.name.empty()) {
            both_have("name", "name " + one.name, one.at.name, other.at.name);
        }
    }

    void both_have(std::string_view key, const std::string& what, std::size_t one_line, std::size_t other_line) {
        const auto [first, second] = std::minmax(one_line, other_line);
        error(second, std::string(node_section) + "." + std::string(key),
              "two nodes have the " + what + " (the other is at line " + std::to_string(first) +
                  "); give each its own");
    }

    void error(std::size_t line, const std::string& key, std::string text) {
        _result.diagnostics.push_back(
            {.how = diagnostic::weight::error, .file = _file, .line = line, .key = key, .text = std::move(text)});
    }

    void warning(std::size_t line, const std::string& key, std::string text) {
        _result.diagnostics.push_back(
            {.how = diagnostic::weight::warning, .file = _file, .line = line, .key = key, .text = std::move(text)});
    }

    const std::string& _file;
    const std::string_view _only; ///< keys that begin otherwise have no meaning in this file; empty: all have
    loaded& _result;
    draft _draft;
    std::set<std::string, std::less<>> _warned;
    bool _too_many = false;
};

void judge_into(const document& source, const std::string& file, const accounts& known, loaded& result,
                std::string_view only) {
    const auto first = static_cast<std::ptrdiff_t>(result.diagnostics.size());
    result.diagnostics.insert(result.diagnostics.end(), source.faults.begin(), source.faults.end());
    judge_of_settings judge(file, known, result, only);
    judge.judge_section(source.root, "");
    if (only.empty()) {
        judge.judge_together(source.root);
    }
    std::stable_sort(result.diagnostics.begin() + first, result.diagnostics.end(),
                     [](const diagnostic& left, const diagnostic& right) { return left.line < right.line; });
}

} // namespace

std::string encryption::asked_by() const {
    std::string result = secauth ? "secauth: on" : "";
    const auto add = [&](std::string_view by, const std::string& name) {
        if (asks(name)) {
            result.append(result.empty() ? "" : ", ").append(by).append(": ").append(name);
        }
    };
    add("crypto_cipher", cipher_name);
    add("crypto_hash", hash_name);
    return result;
}

bool loaded::ok() const {
    return std::ranges::none_of(diagnostics,
                                [](const diagnostic& each) { return each.how == diagnostic::weight::error; });
}

loaded judge(const document& source, const std::string& file, const accounts& known) {
    loaded result;
    result.what.file = file;
    judge_into(source, file, known, result, {});
    return result;
}

void judge_access(const document& source, const std::string& file, const accounts& known, loaded& result) {
    judge_into(source, file, known, result, "uidgid.");
}

} // namespace coterie::config

// SPDX-License-Identifier: BSD-3-Clause
// Judges a document key by key. One table names every key that is known, with what is done about it: honoured, or known
// from Corosync and not honoured (a warning), or refused because ignoring it would be dangerous.
#include "config/settings.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace coterie::config {

namespace {

constexpr std::uint32_t node_id_max = 65'535;
constexpr std::uint32_t token_ms_min = 50;
constexpr std::uint32_t token_ms_max = 300'000;

/// Keys of Corosync that change nothing here and need no word: there is one transport, and it is sized by itself.
constexpr std::string_view accepted_silently[] = {
    "totem.transport",
    "totem.ip_version",
    "totem.config_version",
    "totem.interface.bindnetaddr",
    "totem.interface.linknumber",
    "totem.interface.ringnumber",
    "logging.to_syslog",
    "logging.to_logfile",
    "logging.timestamp",
    "logging.fileline",
    "logging.function_name",
    "logging.logger_subsys.subsys",
    "logging.logger_subsys.debug",
    "logging.blackbox",
    "nodelist.node.quorum_votes",
};

class judge_of_settings {
public:
    judge_of_settings(const document& source, const std::string& file) : _file(file) {
        _result.what.file = file;
        _result.diagnostics = source.faults;
        judge_section(source.root, "");
        judge_nodes();
        std::stable_sort(_result.diagnostics.begin(), _result.diagnostics.end(),
                         [](const diagnostic& left, const diagnostic& right) { return left.line < right.line; });
    }

    loaded take() { return std::move(_result); }

private:
    void judge_section(const section& from, const std::string& path) {
        const std::string prefix = path.empty() ? "" : path + ".";
        if (path == "nodelist.node") {
            judge_node(from);
            return;
        }
        for (const entry& each : from.entries) {
            judge_entry(each, prefix + each.key);
        }
        for (const section& each : from.sections) {
            judge_section(each, prefix + each.name);
        }
    }

    void judge_entry(const entry& each, const std::string& key) {
        settings& what = _result.what;
        if (key == "totem.version") {
            if (each.value != "2") {
                error(each.line, key, "'" + each.value + "' is not a version that is understood; write `version: 2`");
            }
        } else if (key == "totem.cluster_name") {
            what.cluster_name = each.value;
        } else if (key == "totem.token") {
            if (const auto value =
                    number(each, key, token_ms_min, token_ms_max, "milliseconds, for example `token: 1000`")) {
                what.token = std::chrono::milliseconds(*value);
            }
        } else if (key == "totem.interface.mcastport") {
            if (const auto value = number(each, key, 1, 65'535, "a port, for example `mcastport: 5405`")) {
                what.port = static_cast<std::uint16_t>(*value);
            }
        } else if (key == "totem.nodeid") {
            if (const auto value = number(each, key, 1, node_id_max, "a node's id, for example `nodeid: 1`")) {
                what.lone_node = node_id{*value};
            }
        } else if (key == "totem.secauth") {
            refuse_unless(each, key, "off");
        } else if (key == "totem.crypto_cipher" || key == "totem.crypto_hash") {
            refuse_unless(each, key, "none");
        } else if (key == "system.socket_path") {
            set_path(each, key, what.socket_path);
        } else if (key == "system.trace_file") {
            set_path(each, key, what.trace_file);
        } else if (key == "system.state_dir") {
            std::optional<std::string> path;
            set_path(each, key, path);
            what.state_dir = path.value_or(what.state_dir);
        } else if (key == "logging.logfile") {
            set_path(each, key, what.log_file);
        } else if (key == "logging.to_stderr") {
            set_switch(each, key, what.log_to_stderr);
        } else if (key == "logging.debug") {
            set_switch(each, key, what.log_debug);
        } else {
            judge_other(each.line, key);
        }
    }

    void judge_other(std::size_t line, const std::string& key) {
        if (std::find(std::begin(accepted_silently), std::end(accepted_silently), key) != std::end(accepted_silently)) {
            return;
        }
        constexpr std::string_view of_corosync[] = {"totem.",  "quorum.",    "logging.",
                                                    "system.", "resources.", "uidgid."};
        const bool known_section = std::any_of(std::begin(of_corosync), std::end(of_corosync),
                                               [&](std::string_view each) { return key.starts_with(each); });
        warning(line, key, known_section ? "is not honoured by this version" : "is not known; is it spelled right?");
    }

    void judge_node(const section& from) {
        node found;
        found.line = from.line;
        bool id_said = false;
        for (const entry& each : from.entries) {
            const std::string key = "nodelist.node." + each.key;
            if (each.key == "nodeid") {
                id_said = true;
                found.id.value = number(each, key, 1, node_id_max, "a node's id, for example `nodeid: 1`").value_or(0);
            } else if (each.key == "name") {
                found.name = each.value;
            } else if (each.key == "ring0_addr") {
                found.address = each.value;
            } else if (each.key.starts_with("ring") && each.key.ends_with("_addr")) {
                warning(each.line, key, "this version uses ring0_addr alone");
            } else {
                judge_other(each.line, key);
            }
        }
        if (!id_said) {
            error(from.line, "nodelist.node", "this node has no nodeid; write for example `nodeid: 1`");
        }
        if (found.address.empty()) {
            error(from.line, "nodelist.node", "this node has no ring0_addr; write for example `ring0_addr: 192.0.2.1`");
        }
        _result.what.nodes.push_back(std::move(found));
    }

    void judge_nodes() {
        std::vector<node>& nodes = _result.what.nodes;
        std::stable_sort(nodes.begin(), nodes.end(),
                         [](const node& left, const node& right) { return left.id < right.id; });
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            for (std::size_t j = i + 1; j < nodes.size(); ++j) {
                judge_pair(nodes[i], nodes[j]);
            }
        }
        if (nodes.size() > nodes_max) {
            error(nodes[nodes_max].line, "nodelist",
                  "more than " + std::to_string(nodes_max) + " nodes are not supported");
            nodes.resize(nodes_max);
        }
    }

    void judge_pair(const node& one, const node& other) {
        const std::size_t line = std::max(one.line, other.line);
        const auto both = [&](std::string_view what) {
            return "two nodes have the " + std::string(what) + "; give each its own";
        };
        if (one.id == other.id && one.id != base::no_node) {
            error(line, "nodelist.node.nodeid", both("nodeid " + std::to_string(one.id.value)));
        }
        if (one.address == other.address && !one.address.empty()) {
            error(line, "nodelist.node.ring0_addr", both("address " + one.address));
        }
        if (one.name == other.name && !one.name.empty()) {
            error(line, "nodelist.node.name", both("name " + one.name));
        }
    }

    std::optional<std::uint32_t> number(const entry& from, const std::string& key, std::uint32_t low,
                                        std::uint32_t high, const std::string& right) {
        std::uint32_t value = 0;
        const char* const end = from.value.data() + from.value.size();
        const auto [at, fault] = std::from_chars(from.value.data(), end, value);
        if (fault != std::errc{} || at != end || value < low || value > high) {
            error(from.line, key,
                  "'" + from.value + "' is not a number from " + std::to_string(low) + " to " + std::to_string(high) +
                      "; write " + right);
            return std::nullopt;
        }
        return value;
    }

    void set_switch(const entry& from, const std::string& key, bool& value) {
        if (from.value == "yes" || from.value == "on") {
            value = true;
        } else if (from.value == "no" || from.value == "off") {
            value = false;
        } else {
            error(from.line, key, "'" + from.value + "' is neither yes nor no");
        }
    }

    void set_path(const entry& from, const std::string& key, std::optional<std::string>& value) {
        if (!from.value.starts_with('/')) {
            error(from.line, key, "'" + from.value + "' is not a full path; write one that begins with /");
            return;
        }
        value = from.value;
    }

    void refuse_unless(const entry& from, const std::string& key, std::string_view harmless) {
        if (from.value != harmless) {
            error(from.line, key,
                  "this version does not encrypt; write `" + from.key + ": " + std::string(harmless) +
                      "` if the network is trusted");
        }
    }

    void error(std::size_t line, const std::string& key, std::string text) {
        _result.diagnostics.push_back(
            {.how = diagnostic::weight::error, .file = _file, .line = line, .key = key, .text = std::move(text)});
    }

    void warning(std::size_t line, const std::string& key, std::string text) {
        _result.diagnostics.push_back(
            {.how = diagnostic::weight::warning, .file = _file, .line = line, .key = key, .text = std::move(text)});
    }

    static constexpr std::size_t nodes_max = 128;

    const std::string& _file;
    loaded _result;
};

std::string_view shortened(std::string_view host) { return host.substr(0, host.find('.')); }

} // namespace

bool loaded::ok() const {
    return std::none_of(diagnostics.begin(), diagnostics.end(),
                        [](const diagnostic& each) { return each.how == diagnostic::weight::error; });
}

loaded judge(const document& source, const std::string& file) { return judge_of_settings(source, file).take(); }

loaded load(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    // Nothing is read from an empty file, which is in order, nor from a folder, which is not.
    static_cast<void>(in.peek());
    if (!in.is_open() || in.bad()) {
        loaded result;
        result.what.file = file;
        result.diagnostics.push_back(
            {.how = diagnostic::weight::error, .file = file, .line = 0, .key = {}, .text = "this file cannot be read"});
        return result;
    }
    return judge(parse(text.str(), file), file);
}

std::expected<std::size_t, std::string> find_local_node(const settings& from, const local_facts& facts) {
    const auto place_of = [&](auto fits) -> std::optional<std::size_t> {
        const auto found = std::find_if(from.nodes.begin(), from.nodes.end(), fits);
        return found == from.nodes.end() ? std::nullopt
                                         : std::optional(static_cast<std::size_t>(found - from.nodes.begin()));
    };
    if (facts.wanted) {
        if (const auto place = place_of([&](const node& each) { return each.id == *facts.wanted; })) {
            return *place;
        }
        return std::unexpected("no node has the nodeid " + std::to_string(facts.wanted->value) +
                               " that --node asks for");
    }
    const std::string_view host = facts.host_name;
    if (const auto place = place_of([&](const node& each) { return !host.empty() && each.name == host; })) {
        return *place;
    }
    if (const auto place = place_of([&](const node& each) {
            return !each.name.empty() && !host.empty() && shortened(each.name) == shortened(host);
        })) {
        return *place;
    }
    if (const auto place = place_of([&](const node& each) {
            return each.address == host ||
                   std::find(facts.addresses.begin(), facts.addresses.end(), each.address) != facts.addresses.end();
        })) {
        return *place;
    }
    return std::unexpected("no node is this machine: none has the name " + facts.host_name +
                           " or an address of a local interface; correct the nodelist or start with --node ID");
}

} // namespace coterie::config

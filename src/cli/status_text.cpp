// SPDX-License-Identifier: BSD-3-Clause
// Reads the report by name and never trusts that a field is there: the daemon may be of another release.
#include "cli/status_text.hpp"

#include "cli/printable.hpp"
#include "cli/text_table.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace coterie::cli {

namespace {

using json = nlohmann::ordered_json;

const json& at(const json& from, const char* path) {
    static const json nothing;
    const json::json_pointer place(path);
    return from.contains(place) ? from[place] : nothing;
}

std::string word(const json& value, const char* otherwise = "?") {
    if (value.is_string()) {
        return printable(value.get_ref<const std::string&>());
    }
    return value.is_number_unsigned() || value.is_number_integer() ? grouped(value.get<std::uint64_t>()) : otherwise;
}

/// Numbers that are names: without commas.
std::string id(const json& value) { return value.is_number() ? std::to_string(value.get<std::uint64_t>()) : "?"; }

bool yes(const json& value) { return value.is_boolean() && value.get<bool>(); }

std::string duration_text(std::chrono::milliseconds span) {
    using namespace std::chrono;
    const auto seconds_part = duration_cast<seconds>(span).count();
    if (seconds_part < 1) {
        return fmt::format("{} ms", span.count());
    }
    if (seconds_part < 60) {
        return fmt::format("{} s", seconds_part);
    }
    if (seconds_part < 3'600) {
        return fmt::format("{} min {} s", seconds_part / 60, seconds_part % 60);
    }
    if (seconds_part < 86'400) {
        return fmt::format("{} h {} min", seconds_part / 3'600, seconds_part / 60 % 60);
    }
    return fmt::format("{} d {} h", seconds_part / 86'400, seconds_part / 3'600 % 24);
}

std::string span_text(const json& ms) {
    return ms.is_number() ? duration_text(std::chrono::milliseconds(ms.get<std::int64_t>())) : "?";
}

std::string plural(std::size_t count, const char* one) {
    return fmt::format("{} {}{}", grouped(count), one, count == 1 ? "" : "s");
}

std::string head(const json& report) {
    const json& daemon = at(report, "/daemon");
    const json& name = at(daemon, "/name");
    const json& cluster = at(daemon, "/cluster_name");
    const bool named = cluster.is_string() && !cluster.get_ref<const std::string&>().empty();
    const json& pauses = at(daemon, "/pauses/count");
    const std::string paused =
        pauses.is_number() && pauses.get<std::uint64_t>() > 0
            ? fmt::format("Paused  {}, the last for {}, {} ago\n", plural(pauses.get<std::uint64_t>(), "time"),
                          span_text(at(daemon, "/pauses/last_ms")), span_text(at(daemon, "/pauses/passed_ms")))
            : std::string();
    return fmt::format("Coterie {}, node {}{}, {}, up {}, process {}\n{}", word(at(daemon, "/version")),
                       id(at(daemon, "/node")), name.is_string() ? " (" + word(name) + ")" : "",
                       named ? "cluster " + word(cluster) : "cluster without a name",
                       span_text(at(daemon, "/uptime_ms")), id(at(daemon, "/pid")), paused);
}

/// The keys, who does not agree on them, and what is half done about it.
std::string key_lines(const json& report) {
    const json& own = at(report, "/daemon/encryption");
    if (!own.is_object()) {
        return {};
    }
    const json& key = at(own, "/key");
    const json& other = at(own, "/other_key");
    std::string result = fmt::format("Keys    {}, number {}{}\n", word(at(own, "/cipher")), id(key),
                                     other.is_number() ? ", number " + id(other) + " is accepted as well" : "");
    for (const json& link : at(report, "/links")) {
        const json& used = at(link, "/encryption/key");
        const json& accepted = at(link, "/encryption/other_key");
        const bool heard = yes(at(link, "/heard")) && used.is_number();
        if (heard && (used != key || accepted != other)) {
            result += fmt::format("        node {} uses number {}{}\n", id(at(link, "/node")), id(used),
                                  accepted.is_number() ? " and accepts number " + id(accepted) : " alone");
        }
    }
    return result + (other.is_number() ? "        the key is being changed: see `coterie key status`\n" : "");
}

std::string view_lines(const json& report) {
    const json& view = at(report, "/view");
    const json& order = at(report, "/order");
    const std::string holder =
        at(order, "/token_holder").is_number() ? "at node " + id(at(order, "/token_holder")) : std::string("nowhere");
    return fmt::format("View    {}/{}: {}, {}\n"
                       "Token   {}, hop {}\n"
                       "Order   delivered {}, stable {}; {} kept for repair\n",
                       id(at(view, "/epoch")), id(at(view, "/coordinator")), word(at(view, "/state")),
                       plural(at(view, "/members").size(), "member"), holder, word(at(order, "/hop")),
                       word(at(order, "/delivered")), word(at(order, "/stable")), word(at(order, "/stored_packets")));
}

/// Who keeps whom waiting.
std::string slow_lines(const json& report) {
    std::string result;
    for (const json& group : at(report, "/groups/paused")) {
        std::string who;
        for (const json& each : at(group, "/slow")) {
            who += (who.empty() ? "" : ", ") + id(at(each, "/node")) + "/" + id(at(each, "/pid"));
        }
        result += fmt::format("Paused  group {} waits for {}\n", word(at(group, "/name")), who);
    }
    for (const json& each : at(report, "/clients/slow")) {
        result += fmt::format("Slow    process {}{}: {} bytes of events wait for it, since {}\n", id(at(each, "/pid")),
                              word(at(each, "/group"), "").empty() ? "" : " of group " + word(at(each, "/group")),
                              word(at(each, "/bytes")), span_text(at(each, "/for_ms")));
    }
    return result;
}

std::string heard_text(const json& link) {
    if (!yes(at(link, "/heard"))) {
        return "no";
    }
    return yes(at(link, "/hears_us")) ? "both ways" : "one way";
}

/// What there is to say of a node that is not as it should be.
std::string node_note(const json& link) {
    const json& behind = at(link, "/behind_ms");
    const json& lost = at(link, "/times_lost");
    const json& held = at(link, "/held_off_ms");
    std::string result;
    const auto add = [&](const std::string& words) { result += (result.empty() ? "" : "; ") + words; };
    if (behind.is_number()) {
        add("does not keep up, " + span_text(behind) + " behind");
    }
    if (lost.is_number() && lost.get<std::int64_t>() > 0) {
        add("was lost " + plural(lost.get<std::uint64_t>(), "time"));
    }
    if (held.is_number()) {
        add("kept away for " + span_text(held));
    }
    return result;
}

std::string round_trip_text(const json& us) {
    return us.is_number() ? fmt::format("{:.2f} ms", us.get<double>() / 1'000) : "-";
}

std::string loss_text(const json& percent) {
    return percent.is_number() ? fmt::format("{} %", percent.get<std::int64_t>()) : "-";
}

/// Whether nodes are joined by more than one link.
bool has_several_links(const json& report) {
    return std::ranges::any_of(at(report, "/links"), [](const json& each) { return at(each, "/paths").size() > 1; });
}

/// What there is to say of a path that is not as it should be.
std::string path_note(const json& path) {
    const json& times = at(path, "/times_down");
    const json& held = at(path, "/held_off_ms");
    std::string result = word(at(path, "/reason"), "");
    if (times.is_number() && times.get<std::int64_t>() > 0) {
        result += (result.empty() ? "" : "; ") + fmt::format("was down {}", plural(times.get<std::uint64_t>(), "time"));
    }
    if (held.is_number() && held.get<std::int64_t>() > 0) {
        result += ", not taken back for " + span_text(held);
    }
    return result;
}

std::string path_table(const json& report) {
    text_table table(
        {{"node", true}, {"link", true}, {"address"}, {"state"}, {"round trip", true}, {"loss", true}, {"note"}});
    for (const json& link : at(report, "/links")) {
        for (const json& path : at(link, "/paths")) {
            table.add({id(at(link, "/node")), id(at(path, "/link")), word(at(path, "/address"), "-"),
                       word(at(path, "/state")) + (yes(at(path, "/in_use")) ? ", used" : ""),
                       round_trip_text(at(path, "/round_trip_us")), loss_text(at(path, "/loss_percent")),
                       path_note(path)});
        }
    }
    return table.text();
}

std::string node_table(const json& report) {
    text_table table({{"node", true},
                      {"name"},
                      {"address"},
                      {"in view"},
                      {"heard"},
                      {"round trip", true},
                      {"loss", true},
                      {"last heard", true},
                      {"note"}});
    const bool several = has_several_links(report);
    const json& daemon = at(report, "/daemon");
    const std::uint64_t self = at(daemon, "/node").is_number() ? at(daemon, "/node").get<std::uint64_t>() : 0;
    bool told = false;
    const auto tell_self = [&] {
        if (!std::exchange(told, true)) {
            table.add({id(at(daemon, "/node")), word(at(daemon, "/name"), "-"), word(at(daemon, "/address"), "-"),
                       "self", "-", "-", "-", "-", ""});
        }
    };
    for (const json& link : at(report, "/links")) {
        if (at(link, "/node").is_number() && at(link, "/node").get<std::uint64_t>() > self) {
            tell_self();
        }
        const json& last = at(link, "/last_heard_ms");
        table.add({id(at(link, "/node")), word(at(link, "/name"), "-"), word(at(link, "/address"), "-"),
                   yes(at(link, "/in_view")) ? "yes" : "no",
                   heard_text(link) + (yes(at(link, "/leaving")) ? ", leaving" : ""),
                   round_trip_text(at(link, "/round_trip_us")),
                   several ? "-" : loss_text(at(link, "/paths/0/loss_percent")),
                   last.is_number() ? span_text(last) + " ago" : std::string("never"), node_note(link)});
    }
    tell_self();
    return table.text();
}

/// Names and numbers of counters that are not zero, also those inside, e.g. "refused.other_cluster". Packets by their kind
/// are for programs: a screen full of numbers that are always there hides the few that matter.
void collect(const json& from, const std::string& prefix, text_table& into, const std::string& part) {
    for (const auto& [name, value] : from.items()) {
        const bool by_kind = value.is_object() && (name == "received" || name == "sent");
        if (value.is_object() && !by_kind) {
            collect(value, prefix + name + ".", into, part);
        } else if (value.is_number() && value.get<std::int64_t>() != 0) {
            into.add({part, printable(prefix + name), word(value)});
        }
    }
}

std::string counter_table(const json& report) {
    text_table table({{"part"}, {"counter"}, {"count", true}});
    for (const auto& [part, counts] : at(report, "/counters").items()) {
        if (counts.is_object()) {
            collect(counts, "", table, printable(part));
        }
    }
    return table.text();
}

} // namespace

std::string process_text(const ipc::address& who) { return fmt::format("{}/{}", who.node.value, who.pid); }

std::string groups_text(const std::vector<listed_group>& groups, std::size_t groups_max, std::size_t processes_max) {
    text_table table({{"group"}, {"processes", true}, {"as node/pid"}});
    for (std::size_t i = 0; i < std::min(groups.size(), groups_max); ++i) {
        const std::vector<ipc::address>& members = groups[i].members;
        std::string list;
        for (std::size_t place = 0; place < std::min(members.size(), processes_max); ++place) {
            list += (place == 0 ? "" : ", ") + process_text(members[place]);
        }
        if (members.size() > processes_max) {
            list += fmt::format(", and {} more", grouped(members.size() - processes_max));
        }
        table.add({printable(groups[i].name), grouped(members.size()), list});
    }
    std::string result = table.text();
    if (groups.size() > groups_max) {
        result += fmt::format("  and {} more: see `coterie groups`\n", grouped(groups.size() - groups_max));
    }
    return result;
}

std::string status_text(const json& report, const std::vector<listed_group>& groups) {
    const json& clients = at(report, "/clients");
    std::string result = head(report) + view_lines(report) + key_lines(report);
    result += fmt::format("Clients {} connected, {}\n", word(at(clients, "/connected")),
                          plural(groups.size(), "group") + (groups.empty() ? "" : ":"));
    result += slow_lines(report);
    result += groups.empty() ? "" : "\n" + groups_text(groups, groups_shown_max, processes_shown_max);
    result += "\n" + node_table(report);
    result += has_several_links(report) ? "\n" + path_table(report) : "";
    const std::string counters = counter_table(report);
    result += counters.empty() ? "" : "\n" + counters;
    return result;
}

} // namespace coterie::cli

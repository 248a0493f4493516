// SPDX-License-Identifier: BSD-3-Clause
// A report as people read it.
#include "cli/status_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace coterie::cli {

namespace {

using json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;

json report() {
    return json::parse(R"({
        "format": 1,
        "daemon": {"node": 2, "name": "beta", "address": "192.0.2.2:5405", "version": "9.8", "pid": 4711,
                   "cluster_name": "trial", "uptime_ms": 3723000},
        "view": {"state": "operational", "epoch": 1048577, "coordinator": 1,
                 "members": [{"node": 1}, {"node": 2}]},
        "order": {"token_holder": 1, "token_here": false, "hop": 12345, "delivered": 1000, "stable": 999,
                  "stored_packets": 1},
        "links": [
            {"node": 1, "name": "alpha", "address": "192.0.2.1:5405", "in_view": true, "heard": true,
             "hears_us": true, "leaving": false, "round_trip_us": 250, "last_heard_ms": 40,
             "paths": [{"link": 0, "address": "192.0.2.1:5405", "state": "up", "reason": null, "in_use": true,
                        "round_trip_us": 240, "loss_percent": 3, "times_down": 0, "held_off_ms": 0}]},
            {"node": 3, "name": null, "address": "192.0.2.3:5405", "in_view": false, "heard": false,
             "hears_us": false, "leaving": false, "round_trip_us": null, "last_heard_ms": null}],
        "groups": {"count": 1, "joins": 2},
        "clients": {"connected": 3, "handles": 3},
        "counters": {"ring": {"numbered": 17, "malformed": 0, "sent": {"token": 5}},
                     "net": {"refused": {"other_cluster": 6}}}
    })");
}

std::vector<listed_group> some_groups(std::size_t count, std::uint32_t members) {
    std::vector<listed_group> result;
    for (std::size_t i = 0; i < count; ++i) {
        listed_group one{.name = "g" + std::to_string(i), .members = {}};
        for (std::uint32_t pid = 1; pid <= members; ++pid) {
            one.members.push_back({.node = {1}, .pid = pid, .reason = 0});
        }
        result.push_back(one);
    }
    return result;
}

TEST(status_text, begins_with_what_an_operator_asks_first) {
    EXPECT_THAT(status_text(report(), {}),
                testing::StartsWith("Coterie 9.8, node 2 (beta), cluster trial, up 1 h 2 min, process 4711\n"
                                    "View    1048577/1: operational, 2 members\n"
                                    "Token   at node 1, hop 12,345\n"
                                    "Order   delivered 1,000, stable 999; 1 kept for repair\n"
                                    "Clients 3 connected, 0 groups\n"));
}

TEST(status_text, lists_every_node_with_its_link_in_aligned_columns) {
    EXPECT_THAT(status_text(report(), {}),
                HasSubstr("  node  name   address         in view  heard      round trip  loss  last heard  note\n"
                          "     1  alpha  192.0.2.1:5405  yes      both ways     0.25 ms   3 %   40 ms ago\n"
                          "     2  beta   192.0.2.2:5405  self     -                   -     -           -\n"
                          "     3  -      192.0.2.3:5405  no       no                  -     -       never\n"));
}

TEST(status_text, says_for_how_long_this_node_did_not_run) {
    json told = report();
    told["daemon"]["pauses"] = {{"count", 0}, {"last_ms", nullptr}, {"passed_ms", nullptr}};
    EXPECT_THAT(status_text(told, {}), testing::Not(HasSubstr("Paused")));
    told["daemon"]["pauses"] = {{"count", 2}, {"last_ms", 800}, {"passed_ms", 60'000}};
    EXPECT_THAT(status_text(told, {}), HasSubstr("Paused  2 times, the last for 800 ms, 1 min 0 s ago\n"));
}

TEST(status_text, says_which_keys_are_used_and_who_differs) {
    json told = report();
    told["daemon"]["encryption"] = nullptr;
    EXPECT_THAT(status_text(told, {}), testing::Not(HasSubstr("Keys")));
    told["daemon"]["encryption"] = {{"cipher", "AES-256-GCM"}, {"key", 7}, {"other_key", nullptr}};
    told["links"][0]["encryption"] = {{"key", 7}, {"other_key", nullptr}};
    EXPECT_THAT(status_text(told, {}), HasSubstr("Keys    AES-256-GCM, number 7\nClients"));
    told["daemon"]["encryption"]["other_key"] = 9;
    EXPECT_THAT(status_text(told, {}), HasSubstr("Keys    AES-256-GCM, number 7, number 9 is accepted as well\n"
                                                 "        node 1 uses number 7 alone\n"
                                                 "        the key is being changed: see `coterie key status`\n"));
    told["links"][0]["encryption"] = {{"key", 7}, {"other_key", 9}};
    EXPECT_THAT(status_text(told, {}), testing::Not(HasSubstr("uses number")));
    told["links"][0]["encryption"] = {{"key", 9}, {"other_key", 7}};
    EXPECT_THAT(status_text(told, {}), HasSubstr("        node 1 uses number 9 and accepts number 7\n"));
}

TEST(status_text, says_of_a_node_that_it_is_slow_or_comes_and_goes) {
    json told = report();
    told["links"][0]["behind_ms"] = 1'250;
    told["links"][0]["times_lost"] = 0;
    told["links"][0]["held_off_ms"] = nullptr;
    told["links"][1]["behind_ms"] = nullptr;
    told["links"][1]["times_lost"] = 4;
    told["links"][1]["held_off_ms"] = 700;
    EXPECT_THAT(status_text(told, {}), HasSubstr("40 ms ago  does not keep up, 1 s behind\n"));
    EXPECT_THAT(status_text(told, {}), HasSubstr("never  was lost 4 times; kept away for 700 ms\n"));
}

TEST(status_text, lists_every_link_to_every_node_when_there_are_several) {
    json told = report();
    json& paths = told["links"][0]["paths"];
    paths.push_back({{"link", 1},
                     {"address", "198.51.100.1:5406"},
                     {"state", "down"},
                     {"reason", "nothing answers"},
                     {"in_use", false},
                     {"round_trip_us", nullptr},
                     {"loss_percent", 100},
                     {"times_down", 2},
                     {"held_off_ms", 1'500}});
    EXPECT_THAT(
        status_text(told, {}),
        HasSubstr(
            "  node  link  address            state     round trip   loss  note\n"
            "     1     0  192.0.2.1:5405     up, used     0.24 ms    3 %\n"
            "     1     1  198.51.100.1:5406  down               -  100 %  nothing answers; was down 2 times, not "
            "taken back for 1 s\n"));
    EXPECT_THAT(status_text(told, {}),
                HasSubstr("     1  alpha  192.0.2.1:5405  yes      both ways     0.25 ms     -  "));
    EXPECT_THAT(status_text(report(), {}), Not(HasSubstr("  node  link")));
}

TEST(status_text, shows_groups_with_their_processes) {
    EXPECT_THAT(status_text(report(), some_groups(1, 2)), HasSubstr("  group  processes  as node/pid\n"
                                                                    "  g0             2  1/1, 1/2\n"));
}

TEST(status_text, leaves_out_groups_and_processes_when_there_are_too_many) {
    const std::string text = status_text(report(), some_groups(1'021, 10));
    EXPECT_THAT(text, HasSubstr("1/7, 1/8, and 2 more\n"));
    EXPECT_THAT(text, HasSubstr("  and 1,001 more: see `coterie groups`\n"));
    EXPECT_THAT(text, Not(HasSubstr("g20 ")));
}

TEST(status_text, shows_the_counters_that_are_not_zero) {
    const std::string text = status_text(report(), {});
    EXPECT_THAT(text, HasSubstr("  ring  numbered                  17\n"));
    EXPECT_THAT(text, HasSubstr("  net   refused.other_cluster      6\n"));
    EXPECT_THAT(text, Not(HasSubstr("malformed")));
    EXPECT_THAT(text, Not(HasSubstr("sent.token"))) << "packets by kind are for programs";
}

TEST(status_text, says_that_one_way_is_not_both) {
    json one_way = report();
    one_way["links"][0]["hears_us"] = false;
    one_way["links"][0]["leaving"] = true;
    EXPECT_THAT(status_text(one_way, {}), HasSubstr("one way, leaving"));
}

TEST(status_text, survives_any_report) {
    const json whole = report();
    for (const auto& [part, value] : whole.items()) {
        for (const json& wrong : {json(nullptr), json("text"), json(-1), json::array(), json::object()}) {
            json spoilt = whole;
            spoilt[part] = wrong;
            EXPECT_NE(status_text(spoilt, {}), "");
            if (!value.is_object()) {
                continue;
            }
            for (const auto& [field, old] : value.items()) {
                spoilt = whole;
                spoilt[part][field] = wrong;
                EXPECT_NE(status_text(spoilt, {}), "");
            }
        }
    }
    EXPECT_NE(status_text(json::object(), {}), "");
}

TEST(status_text, never_lets_a_name_write_to_the_terminal) {
    EXPECT_THAT(groups_text({{.name = "\x1b[2J", .members = {{}}}}, 1, 1), HasSubstr("\\x1b[2J"));
}

TEST(groups_as_json, keep_names_that_are_no_text) {
    const json list =
        to_json({{.name = "\xff", .members = {{.node = {2}, .pid = 7, .reason = 0}}}, {.name = "text", .members = {}}});
    EXPECT_EQ(list[0]["name_hex"], "ff");
    EXPECT_EQ(list[0]["members"][0], (json{{"node", 2}, {"pid", 7}}));
    EXPECT_FALSE(list[1].contains("name_hex"));
}

} // namespace

} // namespace coterie::cli

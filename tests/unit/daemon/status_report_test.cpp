// SPDX-License-Identifier: BSD-3-Clause
// What the daemon tells of itself, on real engines and services in a small world.
#include "daemon/status_report.hpp"
#include "tests/support/small_world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace coterie::daemon {

namespace {

using tests::small_world;
using json = nlohmann::json;

class deaf_sink : public groups::client_sink {
public:
    void on_change(groups::handle_id, const groups::change&) override {}
    void on_message(groups::handle_id, const groups::message&) override {}
    void on_ring_view(groups::handle_id, const groups::ring_view&) override {}
    void on_writable(groups::handle_id) override {}
};

/// Three nodes with groups; the report is that of node 1.
class status : public testing::Test {
protected:
    status() {
        _facts.self = tests::node(1);
        _facts.cluster_name = "trial";
        _facts.socket_path = "/run/sock";
        _facts.nodes = {{tests::node(1), "alpha", "192.0.2.1:5405"},
                        {tests::node(2), "", "192.0.2.2:5405"},
                        {tests::node(3), "gamma", "192.0.2.3:5405"}};
        _world.boot_all();
    }

    std::string text() {
        return status_report(
            {.facts = _facts,
             .engine = _world[1].engine(),
             .groups = *_services.front(),
             .network = &_network,
             .paths = _paths,
             .sealing = _sealing,
             .clients = _clients,
             .clients_connected = 2,
             .slow_clients = {{.pid = 77, .group = "g", .bytes = 5'000'000, .time = std::chrono::seconds(2)}},
             .now = _world.now()});
    }
    json report() { return json::parse(text()); }

    /// Joins that many groups at node 1, each by a process of its own.
    void join_groups(std::uint32_t count) {
        groups::service& service = *_services.front();
        for (std::uint32_t i = 1; i <= count; ++i) {
            const auto handle = service.open(i, false);
            ASSERT_TRUE(handle);
            ASSERT_TRUE(service.join(*handle, "group " + std::to_string(i), false));
        }
        _world[1].wake();
        ASSERT_TRUE(_world.run_until([&] { return service.totals().joins == count; }));
    }

    deaf_sink _sink;
    std::vector<std::shared_ptr<groups::service>> _services;
    small_world _world{3, {}, [this](const ring::settings& cfg, base::buffer_pool& pool) {
                           groups::settings bounds;
                           bounds.self = cfg.self;
                           auto one = std::make_shared<groups::service>(bounds, pool, _sink, nullptr);
                           _services.push_back(one);
                           return small_world::upper{one, one.get(), one.get()};
                       }};
    daemon_facts _facts;
    net::transport_counters _network;
    std::vector<net::node_paths> _paths;
    std::optional<net::sealing_report> _sealing;
    ipc::server_counters _clients;
};

TEST_F(status, names_the_members_of_the_view_and_where_they_are) {
    ASSERT_TRUE(_world.settle());
    const json told = report();
    EXPECT_EQ(told["format"], 1);
    EXPECT_EQ(told["daemon"]["cluster_name"], "trial");
    EXPECT_EQ(told["daemon"]["name"], "alpha");
    EXPECT_EQ(told["view"]["state"], "operational");
    ASSERT_EQ(told["view"]["members"].size(), 3U);
    EXPECT_EQ(told["view"]["members"][2], (json{{"node", 3}, {"name", "gamma"}, {"address", "192.0.2.3:5405"}}));
    EXPECT_TRUE(told["view"]["members"][1]["name"].is_null()) << "a node without a name has none";
}

TEST_F(status, says_of_each_link_whether_it_works) {
    ASSERT_TRUE(_world.settle());
    _world.crash(3);
    ASSERT_TRUE(_world.settle_as({1, 2}));
    const json links = report()["links"];
    ASSERT_EQ(links.size(), 2U);
    EXPECT_EQ(links[0]["node"], 2);
    EXPECT_EQ(links[0]["in_view"], true);
    EXPECT_EQ(links[0]["heard"], true);
    EXPECT_EQ(links[0]["hears_us"], true);
    EXPECT_GT(links[0]["round_trip_us"].get<int>(), 0);
    EXPECT_LT(links[0]["last_heard_ms"].get<int>(), 1'000);
    EXPECT_EQ(links[1]["node"], 3);
    EXPECT_EQ(links[1]["in_view"], false);
    EXPECT_EQ(links[1]["heard"], false);
    EXPECT_GT(links[1]["last_heard_ms"].get<int>(), 100);
}

TEST_F(status, says_which_keys_are_used_and_what_was_refused) {
    ASSERT_TRUE(_world.settle());
    EXPECT_TRUE(report()["daemon"]["encryption"].is_null());
    EXPECT_TRUE(report()["links"][0]["encryption"].is_null());
    const crypto::record_refusals refused{.no_key = 1, .unknown_key = 2, .wrong_tag = 3, .replayed = 4, .unproven = 5};
    _sealing = net::sealing_report{
        .seals_with = crypto::cipher::aes_256_gcm,
        .slot_used = 7,
        .slot_accepted = 9,
        .nodes = {
            {.node = tests::node(2), .known = {.life = {5}, .slot_used = 9, .slot_accepted = 0, .refused = refused}}}};
    const json told = report();
    EXPECT_EQ(told["daemon"]["encryption"], (json{{"cipher", "AES-256-GCM"}, {"key", 7}, {"other_key", 9}}));
    EXPECT_EQ(told["links"][0]["encryption"]["key"], 9);
    EXPECT_TRUE(told["links"][0]["encryption"]["other_key"].is_null());
    EXPECT_EQ(told["links"][0]["encryption"]["refused"],
              (json{{"not_encrypted", 1}, {"other_key", 2}, {"altered", 3}, {"too_old", 4}, {"no_answer", 5}}));
}

TEST_F(status, says_of_each_path_to_a_node_how_it_is) {
    const auto address = [](const std::string& text) { return *net::resolve(text, 5405); };
    _facts.mode = net::link_mode::round_robin;
    _facts.links = {{.number = {0}, .where = address("192.0.2.1")},
                    {.number = {3}, .where = address("fd00::1"), .priority = 7}};
    _paths = {{.node = tests::node(2),
               .paths = {{.seen = {.link = {0},
                                   .state = net::path_state::up,
                                   .in_use = true,
                                   .since = std::chrono::seconds(2),
                                   .times_down = 1,
                                   .round_trip = std::chrono::microseconds(230),
                                   .loss_percent = 5},
                          .where = address("192.0.2.2"),
                          .sent = 11,
                          .received = 12,
                          .datagram_bytes = 1'452},
                         {.seen = {.link = {3},
                                   .state = net::path_state::down,
                                   .fault = net::path_fault::unsendable,
                                   .error = 101,
                                   .held_off = std::chrono::seconds(4),
                                   .times_down = 3},
                          .where = address("fd00::2")}}}};
    const json told = report();
    EXPECT_EQ(told["daemon"]["link_mode"], "rr");
    EXPECT_EQ(told["daemon"]["addresses"][1], (json{{"link", 3}, {"address", "[fd00::1]:5405"}, {"priority", 7}}));
    EXPECT_EQ(told["links"][0]["paths"][0], (json{{"link", 0},
                                                  {"address", "192.0.2.2:5405"},
                                                  {"state", "up"},
                                                  {"reason", nullptr},
                                                  {"in_use", true},
                                                  {"since_ms", 2'000},
                                                  {"round_trip_us", 230},
                                                  {"loss_percent", 5},
                                                  {"times_down", 1},
                                                  {"held_off_ms", 0},
                                                  {"datagram_bytes", 1'452},
                                                  {"sent", 11},
                                                  {"received", 12}}));
    const json& down = told["links"][0]["paths"][1];
    EXPECT_EQ(down["state"], "down");
    EXPECT_EQ(down["reason"], "this machine cannot send there: Network is unreachable");
    EXPECT_TRUE(down["round_trip_us"].is_null());
    EXPECT_TRUE(down["loss_percent"].is_null());
    EXPECT_EQ(down["held_off_ms"], 4'000);
    EXPECT_TRUE(told["links"][1]["paths"].empty());
}

TEST_F(status, names_who_comes_and_goes_and_who_does_not_keep_up) {
    ASSERT_TRUE(_world.settle());
    EXPECT_EQ(report()["links"][1]["times_lost"], 0);
    EXPECT_TRUE(report()["links"][1]["held_off_ms"].is_null());
    EXPECT_TRUE(report()["links"][1]["behind_ms"].is_null());
    _world.tap = [](const tests::flight& packet) {
        return packet.to != tests::node(3) || packet.kind() != wire::packet_kind::data;
    };
    join_groups(1);
    _world.run_for(std::chrono::seconds(2));
    EXPECT_GE(report()["links"][1]["behind_ms"].get<int>(), 1'000);
    _world.tap = {};
    _world.crash(3);
    ASSERT_TRUE(_world.settle_as({1, 2}));
    const json lost = report()["links"][1];
    EXPECT_EQ(lost["times_lost"], 1);
    EXPECT_GT(lost["held_off_ms"].get<int>(), 0);
    EXPECT_TRUE(lost["behind_ms"].is_null());
}

TEST_F(status, knows_nothing_of_a_node_that_was_never_heard) {
    _world.crash(2);
    _world.crash(3);
    ASSERT_TRUE(_world.settle_as({1}));
    const json link = report()["links"][0];
    EXPECT_TRUE(link["last_heard_ms"].is_null());
    EXPECT_TRUE(link["round_trip_us"].is_null());
}

TEST_F(status, is_changing_before_the_first_view) {
    const json told = report();
    EXPECT_EQ(told["view"]["state"], "changing");
    EXPECT_TRUE(told["view"]["members"].empty());
    EXPECT_TRUE(told["order"]["token_holder"].is_null());
}

TEST_F(status, tells_where_the_token_is_and_how_far_the_order_has_come) {
    ASSERT_TRUE(_world.settle());
    join_groups(3);
    const json order = report()["order"];
    EXPECT_GE(order["token_holder"].get<int>(), 1);
    EXPECT_GE(order["delivered"].get<int>(), 1);
    EXPECT_GE(order["hop"].get<int>(), 1);
}

TEST_F(status, carries_the_counters_of_every_layer) {
    _network.send_errors = 7;
    _clients.too_slow = 8;
    ASSERT_TRUE(_world.settle());
    const json counters = report()["counters"];
    EXPECT_EQ(counters["net"]["send_errors"], 7);
    EXPECT_EQ(counters["net"]["refused"]["other_cluster"], 0);
    EXPECT_EQ(counters["ipc"]["too_slow"], 8);
    EXPECT_EQ(counters["groups"]["common_points"], _services.front()->counts().common_points);
    EXPECT_GT(counters["ring"]["received"]["heartbeat"].get<int>(), 0);
}

TEST_F(status, of_a_node_on_no_network_has_no_counters_of_it) {
    ASSERT_TRUE(_world.settle());
    const json told = json::parse(status_report({.facts = _facts,
                                                 .engine = _world[1].engine(),
                                                 .groups = *_services.front(),
                                                 .network = nullptr,
                                                 .clients = _clients,
                                                 .clients_connected = 0,
                                                 .slow_clients = {},
                                                 .now = _world.now()}));
    EXPECT_TRUE(told["counters"]["net"].is_null());
}

TEST_F(status, names_who_is_slow_and_what_waits_for_it) {
    ASSERT_TRUE(_world.settle());
    groups::service& service = *_services.front();
    const auto handle = service.open(77, false);
    ASSERT_TRUE(service.join(*handle, "g", false));
    service.slow(*handle, true);
    _world[1].wake();
    ASSERT_TRUE(_world.run_until([&] { return !service.paused_groups().empty(); }));
    const json told = report();
    EXPECT_EQ(told["groups"]["paused"], json::parse(R"([{"name": "g", "slow": [{"node": 1, "pid": 77}]}])"));
    EXPECT_EQ(told["clients"]["slow"], json::parse(R"([{"pid": 77, "group": "g", "bytes": 5000000, "for_ms": 2000}])"));
}

TEST_F(status, counts_groups_and_stays_small_with_ten_thousand_of_them) {
    ASSERT_TRUE(_world.settle());
    const std::size_t without = text().size();
    join_groups(10'000);
    const json told = report();
    EXPECT_EQ(told["groups"]["count"], 10'000);
    EXPECT_EQ(told["groups"]["joins"], 10'000);
    EXPECT_EQ(told["clients"]["handles"], 10'000);
    EXPECT_LT(text().size(), without + 100);
}

TEST_F(status, is_json_whatever_bytes_a_name_has) {
    _facts.cluster_name = "\xff\"\n";
    EXPECT_TRUE(report()["daemon"]["cluster_name"].is_string());
}

} // namespace

} // namespace coterie::daemon

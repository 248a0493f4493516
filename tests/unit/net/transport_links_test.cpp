// SPDX-License-Identifier: BSD-3-Clause
// Transports with two links over loopback: what goes where, what comes once, and what becomes of links that do not work.
#include "net/transport.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

namespace coterie::net {

namespace {

constexpr link_number link_0{0};
constexpr link_number link_1{1};
const wire::cluster_id cluster = wire::cluster_of("net test");

struct taken : packet_sink {
    void on_packet(const base::buffer&, const wire::opened& packet, base::bytes_view) override {
        EXPECT_NE(packet.kind, wire::packet_kind::link_probe) << "these are no affair of the protocol";
        ++packets;
    }
    void on_refused(node_id) override { ++refused; }
    void on_path(node_id, const path_report& path) override { paths.push_back(path); }
    void on_path_size(node_id, link_number, std::size_t, std::size_t) override {}
    void on_unsegmented(node_id, link_number, int) override {}
    void on_stranger(base::bytes_view, link_number link, const address& source) override {
        strangers.emplace_back(link, source.text());
    }

    std::size_t packets = 0;
    std::size_t refused = 0;
    std::vector<path_report> paths;
    std::vector<std::pair<link_number, std::string>> strangers;
};

time_point now() {
    return time_point(std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

/// An address of this host with a port that nobody uses now.
address free_address(const std::string& host) {
    address result = *resolve(host, 0);
    const int socket = ::socket(result.family(), SOCK_DGRAM, 0);
    EXPECT_EQ(::bind(socket, result.raw(), result.raw_bytes()), 0);
    sockaddr_storage raw{};
    socklen_t size = sizeof(raw);
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&raw), &size);
    ::close(socket);
    return *address::from(raw);
}

/// Node 1 and node 2, each with an address of 127.0.0.0/8 on each of two links.
class two_links : public testing::Test {
protected:
    transport_settings settings_of(std::uint32_t node) const {
        const std::size_t self = node - 1;
        return {.self = {{node}, {node * 100}},
                .links = {{.number = link_0, .where = at[self][0]}, {.number = link_1, .where = at[self][1]}},
                .peers = {{.node = {3 - node}, .at = {{link_0, at[1 - self][0]}, {link_1, at[1 - self][1]}}}},
                .cluster = cluster,
                .mode = mode};
    }
    void open(std::uint32_t node) {
        auto& place = node == 1 ? one : two;
        place.reset();
        auto opened = transport::open(settings_of(node), pool);
        ASSERT_TRUE(opened) << opened.error().what.message();
        place.emplace(std::move(*opened));
    }
    void open_both() {
        open(1);
        open(2);
    }

    base::buffer packet(std::uint64_t hop) {
        return wire::encode(
            pool, {.cluster = cluster, .node = {1}, .nonce = {100}},
            wire::token_proof{.view = {.epoch = {{1}}, .coordinator = {1}, .nonce = {1}}, .hop = {{hop}}});
    }
    base::buffer heartbeat() {
        wire::heartbeat beat;
        beat.counter = 1;
        return wire::encode(pool, {.cluster = cluster, .node = {1}, .nonce = {100}}, beat);
    }
    void send(const base::buffer& what) {
        one->send(what, std::array{node_id{2}});
        one->flush(now());
    }

    /// Everything that is under way arrives, and what is due is done, until nothing happens for a moment.
    void run() {
        for (bool quiet = false; !quiet;) {
            std::vector<pollfd> wanted;
            for (auto* const each : {one ? &*one : nullptr, two ? &*two : nullptr}) {
                if (each != nullptr) {
                    each->on_time(now(), each == &*one ? at_one : at_two);
                    each->flush(now());
                    for (const int descriptor : each->descriptors()) {
                        wanted.push_back({.fd = descriptor, .events = POLLIN, .revents = 0});
                    }
                }
            }
            quiet = ::poll(wanted.data(), wanted.size(), 5) == 0;
            for (auto* const each : {one ? &*one : nullptr, two ? &*two : nullptr}) {
                if (each != nullptr) {
                    each->receive(now(), each == &*one ? at_one : at_two, 64);
                    each->flush(now());
                }
            }
        }
    }
    std::uint64_t sent_on(link_number link) const {
        for (const path_status& each : one->paths(now(), {2})) {
            if (each.seen.link == link) {
                return each.sent;
            }
        }
        return 0;
    }

    link_mode mode = link_mode::passive;
    std::array<std::array<address, 2>, 2> at{{{free_address("127.0.0.1"), free_address("127.0.1.1")},
                                              {free_address("127.0.0.2"), free_address("127.0.1.2")}}};
    base::buffer_pool pool;
    std::optional<transport> one;
    std::optional<transport> two;
    taken at_one;
    taken at_two;
};

} // namespace

TEST_F(two_links, are_found_to_work_by_probes_that_nobody_else_sees) {
    open_both();
    run();
    const auto paths = one->paths(now(), {2});
    ASSERT_EQ(paths.size(), 2U);
    for (const path_status& each : paths) {
        EXPECT_EQ(each.seen.state, path_state::up);
        EXPECT_GT(each.seen.round_trip, duration::zero());
        EXPECT_GE(each.received, 1U);
    }
    EXPECT_EQ(paths[1].where, at[1][1]);
    EXPECT_EQ(at_one.paths.size(), 2U);
    EXPECT_EQ(at_one.packets + at_two.packets, 0U);
    EXPECT_TRUE(one->paths(now(), {9}).empty());
}

TEST_F(two_links, carry_each_packet_as_their_mode_says_and_it_arrives_once) {
    for (const auto& [wanted, on_0, on_1] : {std::tuple{link_mode::passive, 100U, 0U},
                                             {link_mode::active, 100U, 100U},
                                             {link_mode::round_robin, 50U, 50U}}) {
        mode = wanted;
        one.reset();
        two.reset();
        open_both();
        run();
        at_two.packets = 0;
        const std::uint64_t before_0 = sent_on(link_0);
        const std::uint64_t before_1 = sent_on(link_1);
        for (std::uint64_t hop = 1; hop <= 100; ++hop) {
            one->send(packet(hop), std::array{node_id{2}});
        }
        one->flush(now());
        EXPECT_EQ(sent_on(link_0) - before_0, on_0);
        EXPECT_EQ(sent_on(link_1) - before_1, on_1);
        run();
        EXPECT_EQ(at_two.packets, 100U);
        EXPECT_EQ(two->counts().duplicates, wanted == link_mode::active ? 100U : 0U);
    }
}

TEST_F(two_links, both_carry_what_says_who_is_alive) {
    open_both();
    run();
    const std::uint64_t before = sent_on(link_1);
    send(heartbeat());
    EXPECT_EQ(sent_on(link_1) - before, 1U);
    run();
    EXPECT_EQ(at_two.packets, 1U);
    EXPECT_EQ(two->counts().duplicates, 1U);
}

TEST_F(two_links, carry_all_on_the_other_when_this_machine_cannot_send_on_one) {
    // From a loopback address there is no way to anywhere else.
    at[1][0] = *resolve("203.0.113.7", 5405);
    open(1);
    at[1][0] = free_address("127.0.0.2");
    open(2);
    run();
    const std::uint64_t errors = one->counts().send_errors;
    EXPECT_GT(errors, 0U);
    for (std::uint64_t hop = 1; hop <= 10; ++hop) {
        one->send(packet(hop), std::array{node_id{2}});
    }
    one->flush(now());
    run();
    EXPECT_EQ(at_two.packets, 10U);
    EXPECT_FALSE(one->paths(now(), {2})[0].seen.in_use);
}

TEST_F(two_links, lose_nothing_that_this_machine_knows_it_has_not_sent) {
    open_both();
    run();
    ASSERT_TRUE(one->paths(now(), {2})[0].seen.in_use);
    // The first link ends under the transport's feet, as a card that is pulled out.
    const int unbound = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ASSERT_GE(unbound, 0);
    ASSERT_GE(::dup2(unbound, one->descriptors()[0]), 0);
    ::close(unbound);
    for (std::uint64_t hop = 1; hop <= 10; ++hop) {
        one->send(packet(hop), std::array{node_id{2}});
    }
    one->flush(now());
    run();
    EXPECT_EQ(at_two.packets, 10U);
    EXPECT_EQ(one->counts().rerouted, 10U);
}

TEST_F(two_links, take_from_each_node_its_address_on_that_link_alone) {
    open_both();
    std::swap(at[1][0], at[1][1]);
    open(1);
    run();
    EXPECT_GT(one->counts().wrong_address, 0U);
    EXPECT_TRUE(at_one.paths.empty());
    ASSERT_FALSE(at_one.strangers.empty());
    for (const auto& [link, source] : at_one.strangers) {
        EXPECT_EQ(source, at[1][1 - link.value].text());
    }
}

TEST_F(two_links, to_a_node_that_is_gone_say_so_once_both_are_refused) {
    open_both();
    run();
    two.reset();
    send(packet(1));
    run();
    EXPECT_GE(at_one.refused, 1U);
    EXPECT_GE(one->counts().refused_ports, 2U);
}

TEST_F(two_links, may_have_one_whose_address_is_not_there_yet) {
    transport_settings some = settings_of(1);
    some.links[1].where = *resolve("203.0.113.1", 5406);
    {
        const auto opened = transport::open(some, pool);
        ASSERT_TRUE(opened) << opened.error().what.message();
        EXPECT_EQ(opened->absent(), std::vector{link_1});
    }
    some.links[0].where = *resolve("203.0.113.2", 5405);
    const auto none = transport::open(some, pool);
    ASSERT_FALSE(none) << "one of them has to be there";
    EXPECT_EQ(none.error().what, std::errc::address_not_available);
    EXPECT_EQ(none.error().link, link_0);
    some.links.pop_back();
    EXPECT_FALSE(transport::open(some, pool));
}

TEST_F(two_links, do_not_take_probes_that_name_another_link) {
    open(1);
    {
        const int other = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ASSERT_EQ(::bind(other, at[1][0].raw(), at[1][0].raw_bytes()), 0);
        base::buffer probe = wire::encode(pool, {.cluster = cluster, .node = {2}, .nonce = {200}},
                                          wire::link_probe{.link = link_1, .round = 1, .answered = {}});
        wire::seal(probe, 1);
        const auto bytes = probe.bytes();
        ASSERT_GT(::sendto(other, bytes.data(), bytes.size(), 0, at[0][0].raw(), at[0][0].raw_bytes()), 0);
        ::close(other);
    }
    run();
    EXPECT_EQ(one->counts().bad_probes, 1U);
}

} // namespace coterie::net

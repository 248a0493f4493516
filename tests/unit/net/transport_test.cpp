// SPDX-License-Identifier: BSD-3-Clause
// Datagrams over loopback: they arrive sealed once and whole, bad ones are counted, a refused port becomes a hint, and a
// kernel without room or a target that cannot be reached harms nobody else.
#include "net/transport.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <gtest/gtest.h>
#include <numeric>
#include <poll.h>
#include <unistd.h>

namespace coterie::net {

namespace {

using base::node_id;

struct taken : packet_sink {
    void on_packet(const base::buffer& datagram, const wire::opened& packet, base::bytes_view) override {
        const auto hop = wire::decode_token_proof(packet.body);
        hops.push_back(hop ? hop->hop.value : 0);
        from.push_back(packet.from.node);
        counters.push_back(packet.counter);
        EXPECT_GE(packet.body.data(), datagram.bytes().data());
        EXPECT_LE(packet.body.data() + packet.body.size(), datagram.bytes().data() + datagram.size());
    }
    void on_refused(node_id node) override { refused.push_back(node); }
    std::vector<std::pair<std::size_t, std::size_t>> sizes; ///< before and now
    void on_path(node_id node, const path_report& path) override { paths.emplace_back(node, path); }
    void on_path_size(node_id, link_number, std::size_t before, std::size_t bytes) override {
        sizes.emplace_back(before, bytes);
    }
    void on_unsegmented(node_id node, link_number, int error) override { unsegmented.emplace_back(node, error); }
    void on_stranger(base::bytes_view datagram, link_number, const address& source) override {
        EXPECT_FALSE(datagram.empty());
        strangers.push_back(source.text());
    }

    std::vector<std::uint64_t> hops;
    std::vector<node_id> from;
    std::vector<std::uint64_t> counters;
    std::vector<node_id> refused;
    std::vector<std::string> strangers;
    std::vector<std::pair<node_id, path_report>> paths;
    std::vector<std::pair<node_id, int>> unsegmented;
};

time_point now() {
    return time_point(std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

constexpr link_number link_0{0};

/// The others as they are on one link.
std::vector<peer> on_one_link(const std::vector<std::pair<node_id, address>>& peers) {
    std::vector<peer> result;
    for (const auto& [node, where] : peers) {
        result.push_back({.node = node, .at = {{link_0, where}}});
    }
    return result;
}

const wire::cluster_id cluster = wire::cluster_of("net test");

class transports : public testing::TestWithParam<const char*> {
protected:
    /// An address of this host with a port that nobody uses now.
    address free_address() {
        address result = *resolve(GetParam(), 0);
        const int socket = ::socket(result.family(), SOCK_DGRAM, 0);
        EXPECT_EQ(::bind(socket, result.raw(), result.raw_bytes()), 0);
        sockaddr_storage raw{};
        socklen_t size = sizeof(raw);
        ::getsockname(socket, reinterpret_cast<sockaddr*>(&raw), &size);
        ::close(socket);
        return *address::from(raw);
    }

    void SetUp() override {
        if (std::strchr(GetParam(), ':') != nullptr && ::access("/proc/net/if_inet6", R_OK) != 0) {
            GTEST_SKIP() << "SKIPPED: this machine has no IPv6";
        }
    }

    static transport_settings at(const address& local, const std::vector<std::pair<node_id, address>>& peers) {
        return {.self = {{1}, {7}},
                .links = {{.number = link_0, .where = local}},
                .peers = on_one_link(peers),
                .cluster = cluster};
    }

    transport open(const transport_settings& settings) {
        auto opened = transport::open(settings, pool);
        EXPECT_TRUE(opened) << opened.error().what.message();
        return std::move(*opened);
    }
    transport open(const address& local, const std::vector<std::pair<node_id, address>>& peers) {
        return open(at(local, peers));
    }

    base::buffer packet(std::uint64_t hop, node_id from = {1}, wire::cluster_id in = cluster) {
        return wire::encode(
            pool, {.cluster = in, .node = from, .nonce = {7}},
            wire::token_proof{.view = {.epoch = {{1}}, .coordinator = {1}, .nonce = {1}}, .hop = {{hop}}});
    }

    static void receive_some(transport& at, taken& sink) {
        std::vector<pollfd> wanted;
        for (const int each : at.descriptors()) {
            wanted.push_back({.fd = each, .events = POLLIN, .revents = 0});
        }
        ::poll(wanted.data(), wanted.size(), 200);
        while (at.receive(now(), sink, 64)) {
        }
    }

    /// One with so many bytes of payload, each of them its number.
    base::buffer data_packet(std::size_t bytes) {
        base::buffer result = wire::begin_data(pool, bytes);
        base::byte_writer payload(wire::payload_space(result));
        const std::vector<std::byte> content(bytes, static_cast<std::byte>(_content));
        payload.run(content);
        wire::finish_data(result, {.cluster = cluster, .node = {1}, .nonce = {7}},
                          {.view = {.epoch = {{1}}, .coordinator = {1}, .nonce = {1}},
                           .number = {{100}},
                           .originator = {1},
                           .flags = 0,
                           .hop = {{1}},
                           .holder = {1},
                           .hop_first = {{1}},
                           .stable = {},
                           .payload = {}},
                          bytes);
        _content = (_content + 1) % 251;
        return result;
    }

    /// Notes the sizes of data, and looks at every byte.
    struct sizes_taken : taken {
        void on_packet(const base::buffer&, const wire::opened& packet, base::bytes_view) override {
            const auto data = wire::decode_data(packet.body);
            ASSERT_TRUE(data);
            sizes.push_back(data->payload.size());
            EXPECT_TRUE(std::ranges::all_of(data->payload, [&](std::byte each) {
                return each == static_cast<std::byte>(content);
            })) << sizes.size();
            content = (content + 1) % 251;
        }
        std::vector<std::size_t> take() { return std::exchange(sizes, {}); }
        std::vector<std::size_t> sizes;
        unsigned content = 0;
    };
    static void receive_all(transport& at, sizes_taken& sink) {
        while (at.receive(now(), sink, 64)) {
        }
    }
    sizes_taken sizes_at_two;
    sizes_taken sizes_at_three;

    base::buffer_pool pool;

private:
    unsigned _content = 0;
};

} // namespace

TEST_P(transports, carry_packets_to_every_target) {
    const address a = free_address();
    const address b = free_address();
    transport one = open(a, {{{2}, b}});
    transport two = open(b, {{{1}, a}});
    const std::array<node_id, 3> targets{node_id{2}, node_id{9}, node_id{2}};
    for (std::uint64_t hop = 1; hop <= 100; ++hop) {
        one.send(packet(hop), targets);
    }
    one.flush(now());
    taken got;
    receive_some(two, got);
    ASSERT_EQ(got.hops.size(), 200U) << "unknown targets are passed over";
    EXPECT_EQ(got.hops[0], 1U);
    EXPECT_EQ(got.hops[1], 1U);
    EXPECT_EQ(got.counters[0], got.counters[1]) << "sealed once, however many targets";
    EXPECT_NE(got.counters[1], got.counters[2]);
    EXPECT_EQ(one.counts().sent, 200U);
    EXPECT_EQ(two.counts().received, 200U);
}

TEST_P(transports, count_what_they_throw_away) {
    const address a = free_address();
    const address b = free_address();
    transport one = open(a, {{{2}, b}});
    transport two = open(b, {{{1}, a}});
    const std::array<node_id, 1> to_two{node_id{2}};
    one.send(packet(1, {5}), to_two);
    one.send(packet(1, {1}, wire::cluster_of("another")), to_two);
    one.send(packet(3), to_two);
    one.flush(now());
    const char nonsense[] = "nonsense";
    const int stranger = ::socket(a.family(), SOCK_DGRAM, 0);
    ASSERT_EQ(::sendto(stranger, nonsense, sizeof(nonsense), 0, b.raw(), b.raw_bytes()), 9);
    ASSERT_EQ(::sendto(stranger, nonsense, 0, 0, b.raw(), b.raw_bytes()), 0);
    ::close(stranger);
    taken got;
    receive_some(two, got);
    EXPECT_EQ(got.hops, std::vector<std::uint64_t>{3});
    EXPECT_EQ(two.counts().unknown_node, 1U);
    EXPECT_EQ(two.counts().refused[static_cast<std::size_t>(wire::refusal_reason::cluster)], 1U);
    EXPECT_EQ(two.counts().refused[static_cast<std::size_t>(wire::refusal_reason::too_short)], 2U);
    EXPECT_EQ(got.strangers, (std::vector<std::string>{a.text(), a.text()})) << "nonsense is nobody's";
}

TEST_P(transports, throw_away_what_comes_from_anywhere_but_its_senders_address) {
    const address a = free_address();
    const address b = free_address();
    const address elsewhere = free_address();
    const address third = free_address();
    transport two = open(b, {{{1}, a}, {{3}, third}});
    transport one = open(a, {{{2}, b}});
    transport double_of_one = open(elsewhere, {{{2}, b}});
    transport double_at_a_listed_address = open(third, {{{2}, b}});
    const std::array<node_id, 1> to_two{node_id{2}};
    double_of_one.send(packet(1), to_two);
    double_of_one.flush(now());
    double_at_a_listed_address.send(packet(2), to_two);
    double_at_a_listed_address.flush(now());
    one.send(packet(3), to_two);
    one.flush(now());
    taken got;
    receive_some(two, got);
    EXPECT_EQ(got.hops, std::vector<std::uint64_t>{3});
    EXPECT_EQ(got.strangers, (std::vector<std::string>{elsewhere.text(), third.text()}));
    EXPECT_EQ(two.counts().wrong_address, 2U);
    EXPECT_EQ(two.counts().received, 1U);
}

TEST_P(transports, go_on_counting_when_a_peer_is_added) {
    const address a = free_address();
    const address b = free_address();
    const address c = free_address();
    transport one = open(a, {{{2}, b}});
    transport two = open(b, {{{1}, a}});
    transport three = open(c, {{{1}, a}});
    const std::array<node_id, 2> both{node_id{2}, node_id{3}};
    one.send(packet(1), both);
    three.send(packet(1, {3}), std::array{node_id{1}});
    one.flush(now());
    three.flush(now());
    taken at_one;
    receive_some(one, at_one);
    EXPECT_EQ(one.counts().unknown_node, 1U);
    one.add({3}, {link_0, c});
    one.send(packet(2), both);
    three.send(packet(2, {3}), std::array{node_id{1}});
    one.flush(now());
    three.flush(now());
    receive_some(one, at_one);
    EXPECT_EQ(at_one.hops, std::vector<std::uint64_t>{2});
    taken at_three;
    receive_some(three, at_three);
    EXPECT_EQ(at_three.hops, std::vector<std::uint64_t>{2});
    EXPECT_EQ(at_three.counters, std::vector<std::uint64_t>{2}) << "datagrams are numbered on";
    EXPECT_EQ(one.counts().sent, 3U);
    EXPECT_EQ(one.counts().unknown_node, 1U);
}

TEST_P(transports, take_a_bounded_number_in_a_turn) {
    const address a = free_address();
    const address b = free_address();
    transport one = open(a, {{{2}, b}});
    transport two = open(b, {{{1}, a}});
    const std::array<node_id, 1> to_two{node_id{2}};
    for (std::uint64_t hop = 1; hop <= 500; ++hop) {
        one.send(packet(hop), to_two);
    }
    one.flush(now());
    taken got;
    EXPECT_TRUE(two.receive(now(), got, 20));
    EXPECT_GE(got.hops.size(), 20U);
    EXPECT_LT(got.hops.size(), 20U + 64U) << "a row is taken whole";
    while (two.receive(now(), got, 64)) {
    }
    std::vector<std::uint64_t> all(500);
    std::iota(all.begin(), all.end(), 1);
    EXPECT_EQ(got.hops, all);
}

/// Datagrams of many sizes to two nodes, in rows where they are alike: each arrives once, whole, in order.
TEST_P(transports, keep_the_order_of_what_is_sent_in_rows) {
    for (const bool offloads : {true, false}) {
        const address a = free_address();
        const address b = free_address();
        const address c = free_address();
        transport_settings settings = at(a, {{{2}, b}, {{3}, c}});
        settings.offloads = offloads;
        transport one = open(settings);
        EXPECT_EQ(one.works_with().segments, offloads);
        transport two = open(b, {{{1}, a}});
        transport three = open(c, {{{1}, a}});
        const std::array<node_id, 2> both{node_id{2}, node_id{3}};
        std::vector<std::size_t> sizes;
        for (std::size_t at = 0; at < 2'000; ++at) {
            const std::size_t bytes = at % 97 < 70 ? 1'000 : at % 7 * 150 + (at % 500 == 0 ? 170 : 1);
            sizes.push_back(bytes);
            one.send(data_packet(bytes), both);
            if (at % 300 == 0) {
                one.flush(now());
                receive_all(two, sizes_at_two);
                receive_all(three, sizes_at_three);
            }
        }
        one.flush(now());
        receive_all(two, sizes_at_two);
        receive_all(three, sizes_at_three);
        EXPECT_EQ(sizes_at_two.take(), sizes);
        EXPECT_EQ(sizes_at_three.take(), sizes);
        EXPECT_EQ(one.counts().sent, 4'000U);
        EXPECT_EQ(one.counts().refused_rows, 0U);
    }
}

TEST_P(transports, pass_on_that_a_port_refused) {
    const address a = free_address();
    const address b = free_address();
    const address nobody = free_address();
    transport one = open(a, {{{2}, b}, {{3}, nobody}});
    transport two = open(b, {{{1}, a}});
    const std::array<node_id, 2> both{node_id{3}, node_id{2}};
    taken at_one;
    for (std::uint64_t hop = 1; hop <= 20; ++hop) {
        one.send(packet(hop), both);
        one.flush(now());
    }
    receive_some(one, at_one);
    ASSERT_FALSE(at_one.refused.empty());
    for (const node_id each : at_one.refused) {
        EXPECT_EQ(each, node_id{3});
    }
    taken at_two;
    receive_some(two, at_two);
    EXPECT_EQ(at_two.hops.size(), 20U) << "nothing for others is lost by it";
    EXPECT_EQ(one.counts().send_errors, 0U);
}

TEST_P(transports, survive_targets_that_cannot_be_reached) {
    const address a = free_address();
    const address b = free_address();
    // The kernel refuses to send to port 0.
    const address nowhere = *resolve(GetParam(), 0);
    transport one = open(a, {{{2}, b}, {{3}, nowhere}});
    transport two = open(b, {{{1}, a}});
    const std::array<node_id, 2> both{node_id{3}, node_id{2}};
    for (std::uint64_t hop = 1; hop <= 10; ++hop) {
        one.send(packet(hop), both);
    }
    one.flush(now());
    taken got;
    receive_some(two, got);
    EXPECT_EQ(got.hops.size(), 10U);
    EXPECT_EQ(one.counts().send_errors, 10U);
    EXPECT_NE(one.counts().last_send_error, 0);
    EXPECT_FALSE(one.waiting(0));
}

TEST_P(transports, drop_what_is_beyond_their_queue) {
    const address a = free_address();
    const address b = free_address();
    transport_settings small = at(a, {{{2}, b}});
    small.queue_datagrams_max = 10;
    auto opened = transport::open(small, pool);
    ASSERT_TRUE(opened);
    const std::array<node_id, 1> to_two{node_id{2}};
    for (std::uint64_t hop = 1; hop <= 15; ++hop) {
        opened->send(packet(hop), to_two);
    }
    EXPECT_EQ(opened->counts().dropped, 5U);
    opened->flush(now());
    EXPECT_EQ(opened->counts().sent, 10U);
}

TEST_P(transports, cannot_share_an_address) {
    const address a = free_address();
    const transport one = open(a, {});
    const auto two = transport::open(at(a, {}), pool);
    ASSERT_FALSE(two);
    EXPECT_EQ(two.error().what, std::errc::address_in_use);
    EXPECT_EQ(two.error().link, link_0);
}

INSTANTIATE_TEST_SUITE_P(ipv4, transports, testing::Values("127.0.0.1"));
INSTANTIATE_TEST_SUITE_P(ipv6, transports, testing::Values("::1"));

} // namespace coterie::net

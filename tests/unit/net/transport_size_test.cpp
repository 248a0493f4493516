// SPDX-License-Identifier: BSD-3-Clause
// Two transports on the loopback interface find out how large datagrams may be, and send what is larger in pieces.
#include "net/transport.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <poll.h>
#include <unistd.h>

namespace coterie::net {
namespace {

constexpr link_number link_0{0};

time_point now() {
    return time_point(std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

struct station final : packet_sink {
    void on_packet(const base::buffer&, const wire::opened& packet, base::bytes_view) override {
        bodies.emplace_back(packet.body.begin(), packet.body.end());
    }
    void on_refused(node_id) override {}
    void on_path(node_id, const path_report&) override {}
    void on_path_size(node_id, link_number, std::size_t before, std::size_t bytes) override {
        sizes.emplace_back(before, bytes);
    }
    void on_unsegmented(node_id, link_number, int) override {}
    void on_stranger(base::bytes_view, link_number, const address&) override {}

    std::vector<std::vector<std::byte>> bodies;
    std::vector<std::pair<std::size_t, std::size_t>> sizes; ///< before and now
};

class two_transports : public testing::Test {
protected:
    static constexpr std::array<base::member, 2> nodes{base::member{{1}, {11}}, base::member{{2}, {22}}};

    two_transports() {
        // Ports of the loopback interface that nobody uses, by asking for any.
        for (std::size_t i = 0; i < 2; ++i) {
            where[i] = *resolve("127.0.0.1", 0);
            const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
            EXPECT_EQ(::bind(socket, where[i].raw(), where[i].raw_bytes()), 0);
            sockaddr_storage raw{};
            socklen_t size = sizeof(raw);
            ::getsockname(socket, reinterpret_cast<sockaddr*>(&raw), &size);
            ::close(socket);
            where[i] = *address::from(raw);
        }
        for (std::size_t i = 0; i < 2; ++i) {
            ends.push_back(
                std::move(*transport::open({.self = nodes[i],
                                            .links = {{.number = link_0, .where = where[i]}},
                                            .peers = {{.node = nodes[1 - i].node, .at = {{link_0, where[1 - i]}}}},
                                            .cluster = wire::cluster_of("sizes")},
                                           pool)));
        }
    }

    /// Until it is so, for some seconds at most.
    bool run_until(const std::function<bool()>& what) {
        for (const time_point end = now() + std::chrono::seconds(5); now() < end;) {
            if (what()) {
                return true;
            }
            for (std::size_t i = 0; i < 2; ++i) {
                while (ends[i].receive(now(), sinks[i], 64)) {
                }
                ends[i].on_time(now(), sinks[i]);
                ends[i].flush(now());
            }
            std::array<pollfd, 2> wanted{};
            for (std::size_t i = 0; i < 2; ++i) {
                wanted[i] = {.fd = ends[i].descriptors()[0], .events = POLLIN, .revents = 0};
            }
            ::poll(wanted.data(), wanted.size(), 2);
        }
        return what();
    }
    std::size_t bytes(std::size_t at) { return ends[at].datagram_bytes(std::span(&nodes[1 - at], 1)); }

    /// Sends a report that takes about so many bytes; returns its body.
    std::vector<std::byte> send(std::size_t about) {
        const view_id_type view{.epoch = {{1}}, .coordinator = {1}, .nonce = {1}};
        std::vector<std::byte> payload(about);
        for (std::size_t i = 0; i < about; ++i) {
            payload[i] = static_cast<std::byte>(i * 7 + i / 251);
        }
        const base::buffer packet =
            wire::encode(pool, {.cluster = wire::cluster_of("sizes"), .node = nodes[0].node, .nonce = nodes[0].nonce},
                         wire::data{.view = view,
                                    .number = {{9}},
                                    .originator = {1},
                                    .flags = 0,
                                    .hop = {{1}},
                                    .holder = {1},
                                    .hop_first = {{1}},
                                    .stable = {},
                                    .payload = payload});
        ends[0].send(packet, std::array{nodes[1].node});
        const auto body = packet.bytes().subspan(wire::header_bytes);
        return {body.begin(), body.end()};
    }

    using view_id_type = base::view_id;
    base::buffer_pool pool;
    std::array<address, 2> where;
    std::vector<transport> ends;
    std::array<station, 2> sinks;
};

TEST_F(two_transports, find_out_how_large_datagrams_may_be) {
    EXPECT_EQ(bytes(0), 1'232U);
    ASSERT_TRUE(run_until([&] { return bytes(0) == 8'952 && bytes(1) == 8'952; }));
    EXPECT_EQ(sinks[0].sizes.back().second, 8'952U);
    EXPECT_EQ(ends[0].paths(now(), nodes[1].node).front().datagram_bytes, 8'952U);
    EXPECT_TRUE(sinks[0].bodies.empty()) << "these are no affair of the protocol";
    EXPECT_EQ(ends[0].datagram_bytes({}), 1'232U);
    EXPECT_EQ(ends[0].counts().send_errors, 0U);
}

TEST_F(two_transports, send_in_pieces_what_is_larger) {
    const std::vector<std::byte> before = send(1'400);
    ASSERT_TRUE(run_until([&] { return sinks[1].bodies.size() == 1; }));
    EXPECT_EQ(sinks[1].bodies[0], before);
    EXPECT_EQ(ends[0].counts().cut, 1U) << "nothing is known yet";
    ASSERT_TRUE(run_until([&] { return bytes(0) == 8'952; }));
    std::vector<std::vector<std::byte>> all{before};
    for (const std::size_t size : {1'400U, 8'800U, 9'000U, 64'000U, 200U}) {
        all.push_back(send(size));
    }
    ASSERT_TRUE(run_until([&] { return sinks[1].bodies.size() == all.size(); }));
    EXPECT_EQ(sinks[1].bodies, all);
    EXPECT_EQ(ends[0].counts().cut, 3U);
    EXPECT_EQ(ends[1].counts().bad_fragments, 0U);
}

} // namespace
} // namespace coterie::net

// SPDX-License-Identifier: BSD-3-Clause
// Packets between client and daemon: what is written is read, and nothing that is short, long or twisted is taken.
#include "ipc/messages.hpp"

#include "base/random.hpp"

#include <cstring>
#include <gtest/gtest.h>

namespace coterie::ipc {

namespace {

template <class Packet>
std::vector<std::byte> written(const Packet& packet) {
    std::vector<std::byte> space(packet_bytes_max);
    base::byte_writer out(space);
    write(out, packet);
    EXPECT_TRUE(out.ok());
    space.resize(out.size());
    return space;
}

base::bytes_view bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

std::string text_of(base::bytes_view bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// No prefix of the packet is read, nor the packet with something behind it.
template <class Reader>
void expect_exact(std::vector<std::byte> packet, Reader reader) {
    EXPECT_TRUE(reader(packet));
    for (std::size_t size = 0; size < packet.size(); ++size) {
        EXPECT_FALSE(reader(base::bytes_view(packet).first(size))) << size;
    }
    packet.push_back(std::byte{0});
    EXPECT_FALSE(reader(packet));
}

const std::vector<address> some{{.node = {1}, .pid = 10, .reason = 0}, {.node = {2}, .pid = 20, .reason = 3}};

} // namespace

TEST(ipc_messages, greetings_are_read_as_written) {
    const auto wish = written(hello{.ring_views = true, .pid = 77});
    EXPECT_EQ(wish.size(), hello_bytes);
    expect_exact(wish, read_hello);
    EXPECT_TRUE(read_hello(wish)->ring_views);
    EXPECT_EQ(read_hello(wish)->pid, 77U);
    const auto answer = written(
        welcome{.result = status::ok, .node = {3}, .window_messages = 5, .window_bytes = 6, .message_bytes_max = 7});
    EXPECT_EQ(answer.size(), welcome_bytes);
    expect_exact(answer, read_welcome);
    EXPECT_EQ(read_welcome(answer)->node, node_id{3});
    EXPECT_EQ(read_welcome(answer)->message_bytes_max, 7U);
}

TEST(ipc_messages, requests_are_read_as_written) {
    for (const request_kind kind : {request_kind::join, request_kind::leave, request_kind::membership,
                                    request_kind::groups, request_kind::finalize}) {
        const bool named = kind == request_kind::join || kind == request_kind::membership;
        const auto packet =
            written(request{.kind = kind, .flags = 0, .serial = 9, .group = named ? "name" : "", .body = {}});
        expect_exact(packet, read_request);
        EXPECT_EQ(read_request(packet)->kind, kind);
        EXPECT_EQ(read_request(packet)->serial, 9U);
        EXPECT_EQ(read_request(packet)->group, named ? "name" : "");
    }
    const auto message = written(request{
        .kind = request_kind::multicast, .flags = request::safe, .serial = 0, .group = {}, .body = bytes_of("body")});
    expect_exact(message, read_request);
    EXPECT_EQ(text_of(read_request(message)->body), "body");
    std::vector<std::byte> head(request_head_bytes);
    base::byte_writer out(head);
    write_multicast_head(out, true, 4);
    EXPECT_TRUE(std::equal(head.begin(), head.end(), message.begin()));
    EXPECT_EQ(read_multicast_head(head)->second, 4U);
}

TEST(ipc_messages, odd_requests_are_refused) {
    auto packet = written(request{.kind = request_kind::leave, .flags = 0, .serial = 1, .group = {}, .body = {}});
    packet[0] = std::byte{0};
    EXPECT_FALSE(read_request(packet)) << "no such kind";
    packet[0] = std::byte{99};
    EXPECT_FALSE(read_request(packet));
    packet =
        written(request{.kind = request_kind::leave, .flags = request::safe, .serial = 1, .group = {}, .body = {}});
    EXPECT_FALSE(read_request(packet)) << "a flag of another kind";
    packet = written(request{.kind = request_kind::leave, .flags = 0, .serial = 1, .group = {}, .body = bytes_of("x")});
    EXPECT_FALSE(read_request(packet)) << "a body where none belongs";
    const std::string long_name(group_name_bytes_max + 1, 'n');
    packet = written(request{.kind = request_kind::join, .flags = 0, .serial = 1, .group = long_name, .body = {}});
    EXPECT_FALSE(read_request(packet));
}

TEST(ipc_messages, replies_are_read_as_written) {
    const auto body = pack_members(some);
    const auto packet = written(reply{.kind = reply_kind::result,
                                      .result = status::exist,
                                      .serial = 4,
                                      .taken_messages = 0,
                                      .taken_bytes = 0,
                                      .body = body});
    expect_exact(packet, read_reply);
    EXPECT_EQ(read_reply(packet)->result, status::exist);
    EXPECT_EQ(unpack_members(read_reply(packet)->body)->at(1).pid, 20U);
    const auto credit = written(reply{.kind = reply_kind::credit,
                                      .result = status::ok,
                                      .serial = 0,
                                      .taken_messages = 11,
                                      .taken_bytes = 12,
                                      .body = {}});
    EXPECT_EQ(credit.size(), reply_head_bytes);
    expect_exact(credit, read_reply);
    EXPECT_EQ(read_reply(credit)->taken_bytes, 12U);
}

TEST(ipc_messages, stubs_are_nothing_else) {
    const auto packet = written(stub{.file_bytes = 123'456});
    EXPECT_EQ(packet.size(), stub_bytes);
    expect_exact(packet, read_stub);
    EXPECT_FALSE(read_request(packet));
    EXPECT_FALSE(read_reply(packet));
    std::vector<std::byte> copy = packet;
    std::size_t at = 0;
    EXPECT_FALSE(read_event(copy, at));
    EXPECT_FALSE(read_stub(written(stub{.file_bytes = std::uint64_t{1} << 40U})));
}

TEST(ipc_messages, lists_of_groups_are_read_as_written) {
    const std::vector<group_listing> groups{{.name = "a", .members = some}, {.name = "", .members = {}}};
    const auto packed = pack_groups(groups);
    const auto read = unpack_groups(packed);
    ASSERT_TRUE(read);
    ASSERT_EQ(read->size(), 2U);
    EXPECT_EQ((*read)[0].name, "a");
    EXPECT_EQ((*read)[0].members.size(), 2U);
    EXPECT_FALSE(unpack_groups(base::bytes_view(packed).first(packed.size() - 1)));
    EXPECT_FALSE(unpack_members(base::bytes_view(packed).first(9)));
}

TEST(ipc_events, follow_one_another_in_a_packet) {
    std::vector<std::byte> packet(4'096);
    base::byte_writer out(packet);
    write_message(out, "odd", {.node = {1}, .pid = 2, .reason = 0}, bytes_of("hello"));
    EXPECT_EQ(out.size(), message_record_bytes(3, 5));
    write_change(out, "group", some, {}, std::span(some).first(1));
    const std::vector<node_id> nodes{{1}, {2}, {3}};
    write_ring_view(out, {7}, 99, nodes);
    write_message(out, "g", {.node = {1}, .pid = 2, .reason = 0}, {});
    packet.resize(out.size());

    std::size_t at = 0;
    const auto message = read_event(packet, at);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->group, "odd");
    EXPECT_EQ(text_of(message->body), "hello");
    EXPECT_EQ((message->body.data() - packet.data()) % 8, 0);
    const auto change = read_event(packet, at);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->members, some);
    EXPECT_TRUE(change->left.empty());
    EXPECT_EQ(change->joined.size(), 1U);
    const auto view = read_event(packet, at);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->coordinator, node_id{7});
    EXPECT_EQ(view->epoch, 99U);
    EXPECT_EQ(view->nodes, (std::vector<std::uint32_t>{1, 2, 3}));
    const auto empty = read_event(packet, at);
    ASSERT_TRUE(empty);
    EXPECT_TRUE(empty->body.empty());
    EXPECT_EQ(at, packet.size());
}

TEST(ipc_events, that_are_damaged_never_reach_beyond_their_packet) {
    std::vector<std::byte> good(1'024);
    base::byte_writer out(good);
    write_message(out, "group", {.node = {1}, .pid = 2, .reason = 0}, bytes_of("some body"));
    write_change(out, "group", some, some, some);
    write_ring_view(out, {7}, 99, std::vector<node_id>{{1}, {2}});
    good.resize(out.size());
    base::random_source random(1);
    for (int run = 0; run < 20'000; ++run) {
        std::vector<std::byte> packet(good.begin(),
                                      good.begin() + static_cast<std::ptrdiff_t>(random.below(good.size()) + 1));
        for (std::uint64_t i = random.below(4); i > 0; --i) {
            packet[random.below(packet.size())] = static_cast<std::byte>(random.next());
        }
        for (std::size_t at = 0; at < packet.size();) {
            const std::size_t before = at;
            const auto what = read_event(packet, at);
            if (!what) {
                break;
            }
            ASSERT_GT(at, before);
            ASSERT_LE(at, packet.size());
            if (!what->body.empty()) {
                ASSERT_GE(what->body.data(), packet.data());
                ASSERT_LE(what->body.data() + what->body.size(), packet.data() + packet.size());
            }
        }
    }
}

} // namespace coterie::ipc

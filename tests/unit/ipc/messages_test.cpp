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
    std::vector<std::byte> space(1'024);
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
    const auto answer = written(welcome{
        .result = status::ok, .node = {3}, .request_ring_bytes = 5, .event_ring_bytes = 6, .message_bytes_max = 7});
    EXPECT_EQ(answer.size(), welcome_bytes);
    expect_exact(answer, read_welcome);
    EXPECT_EQ(read_welcome(answer)->node, node_id{3});
    EXPECT_EQ(read_welcome(answer)->event_ring_bytes, 6U);
    EXPECT_EQ(read_welcome(answer)->message_bytes_max, 7U);
}

TEST(ipc_messages, requests_are_read_as_written) {
    for (const request& what :
         {request{.kind = request_kind::join, .flags = request::initial_ring_view, .group = "name"},
          request{.kind = request_kind::leave}, request{.kind = request_kind::membership, .group = "other"},
          request{.kind = request_kind::groups}, request{.kind = request_kind::finalize},
          request{.kind = request_kind::status},
          request{.kind = request_kind::multicast_file, .flags = request::safe, .bytes = 70'000},
          request{.kind = request_kind::multicast_shared, .offset = 64, .bytes = 5},
          request{.kind = request_kind::share, .bytes = 4'096}, request{.kind = request_kind::more},
          request{.kind = request_kind::pauses}}) {
        const auto body = written(what);
        EXPECT_LE(body.size(), request_body_bytes_max);
        const auto read = read_request(tag_of(what.kind, what.flags), body);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->kind, what.kind);
        EXPECT_EQ(read->flags, what.flags);
        EXPECT_EQ(read->group, what.group);
        EXPECT_EQ(read->offset, what.offset);
        EXPECT_EQ(read->bytes, what.bytes);
    }
}

TEST(ipc_messages, odd_requests_are_refused) {
    EXPECT_FALSE(read_tag(0)) << "no such kind";
    EXPECT_FALSE(read_tag(99));
    EXPECT_FALSE(read_tag(tag_of(request_kind::leave, request::safe))) << "a flag of another kind";
    EXPECT_TRUE(read_tag(tag_of(request_kind::multicast, request::safe)));
    EXPECT_FALSE(read_request(tag_of(request_kind::multicast), bytes_of("x"))) << "a message is no request to be read";
    EXPECT_FALSE(read_request(tag_of(request_kind::leave), bytes_of("x"))) << "a body where none belongs";
    EXPECT_FALSE(read_request(tag_of(request_kind::join), bytes_of(std::string(group_name_bytes_max + 1, 'n'))));
    for (const request_kind kind :
         {request_kind::multicast_file, request_kind::multicast_shared, request_kind::share}) {
        const auto body = written(request{.kind = kind, .offset = 1, .bytes = 2});
        expect_exact(body, [&](base::bytes_view bytes) { return read_request(tag_of(kind), bytes).has_value(); });
    }
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

TEST(ipc_events, follow_one_another_in_a_row) {
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

TEST(ipc_events, that_are_damaged_never_reach_beyond_their_row) {
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

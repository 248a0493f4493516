// SPDX-License-Identifier: BSD-3-Clause
// Writes the seed corpora of the fuzz targets of wire and ipc into the folder given, one folder a target. No part of the
// build: when a layout changes, it is run by hand from the repository's root and its files are committed.
//   g++ -std=c++23 -I. -Isrc tests/fuzz/make_corpus.cpp src/{base,wire}/*.cpp src/ipc/{events,messages,ring}.cpp \
//       -o build/make_corpus
//   build/make_corpus tests/fuzz/corpus
#include "base/assert.hpp"
#include "ipc/messages.hpp"
#include "ipc/ring.hpp"
#include "tests/support/wire_packets.hpp"
#include "wire/records.hpp"

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

using namespace coterie;
namespace fs = std::filesystem;

void write_file(const fs::path& folder, std::string name, tests::bytes_view bytes) {
    std::ranges::replace(name, ' ', '_');
    fs::create_directories(folder);
    std::ofstream out(folder / name, std::ios::binary);
    for (const std::byte byte : bytes) {
        out.put(static_cast<char>(byte));
    }
}

bool has_own_target(wire::packet_kind kind) {
    return kind == wire::packet_kind::heartbeat || kind == wire::packet_kind::report || kind == wire::packet_kind::plan;
}

/// A sealed datagram of every kind; the bodies also for the targets of single decoders.
void write_packets(const fs::path& corpus) {
    base::buffer_pool pool;
    for (std::uint8_t i = 1; i < wire::packet_kinds; ++i) {
        const auto kind = static_cast<wire::packet_kind>(i);
        tests::visit_kind(kind, [&]<class Packet>() {
            const std::string name(wire::to_string(kind));
            base::buffer packet = wire::encode(pool, tests::sender, tests::sample<Packet>());
            if (has_own_target(kind)) {
                write_file(corpus / name, "sample", tests::body_of(packet));
            }
            wire::seal(packet, i);
            write_file(corpus / "datagram", name, packet.bytes());
        });
    }
    wire::heartbeat lonely;
    lonely.counter = 1;
    write_file(corpus / "heartbeat", "lonely", tests::body_of(wire::encode(pool, tests::sender, lonely)));
    wire::heartbeat crowded = tests::sample<wire::heartbeat>();
    crowded.hears = tests::members_of(1, 12);
    write_file(corpus / "heartbeat", "crowded", tests::body_of(wire::encode(pool, tests::sender, crowded)));
    wire::report fresh;
    fresh.attempt = tests::view_of(1);
    write_file(corpus / "report", "fresh", tests::body_of(wire::encode(pool, tests::sender, fresh)));
    wire::plan start = tests::sample<wire::plan>();
    start.transitions.clear();
    write_file(corpus / "plan", "cold_start", tests::body_of(wire::encode(pool, tests::sender, start)));
    wire::plan alone = start;
    alone.members = tests::members_of(1, 1);
    alone.first_holder = {1};
    write_file(corpus / "plan", "alone", tests::body_of(wire::encode(pool, tests::sender, alone)));
}

/// Payloads of one record of each kind, and one of all.
void write_records(const fs::path& folder) {
    std::array<std::byte, 1024> all_space{};
    base::byte_writer all(all_space);
    const auto body = tests::bytes_view(tests::payload_bytes);
    const auto add = [&](const char* name, const auto& append) {
        std::array<std::byte, 256> space{};
        base::byte_writer one(space);
        COTERIE_ASSERT(append(one) && append(all), "a record of the corpus fits");
        write_file(folder, name, tests::bytes_view(space).first(one.size()));
    };
    const std::vector<wire::table_record::entry> entries{{.slot = 1, .pid = 100, .group = "group"},
                                                         {.slot = 2, .pid = 101, .group = ""}};
    add("table", [&](auto& out) { return wire::append_table(out, entries, 0).has_value(); });
    add("empty_table", [&](auto& out) { return wire::append_table(out, {}, 0).has_value(); });
    add("join",
        [](auto& out) { return wire::append(out, wire::join_record{.slot = 3, .pid = 102, .group = "group"}); });
    add("message", [&](auto& out) { return wire::append(out, wire::message_record{.slot = 3, .body = body}); });
    add("empty_message", [](auto& out) { return wire::append(out, wire::message_record{.slot = 3, .body = {}}); });
    add("piece", [&](auto& out) {
        return wire::append(out, wire::piece_record{.slot = 3, .total = 9, .offset = 3, .body = body});
    });
    add("pause", [](auto& out) { return wire::append(out, wire::pause_record{.slot = 3, .begins = true}); });
    add("abort", [](auto& out) { return wire::append(out, wire::abort_record{.slot = 3}); });
    add("leave",
        [](auto& out) { return wire::append(out, wire::leave_record{.slot = 3, .reason = wire::departure::died}); });
    write_file(folder, "all", tests::bytes_view(all_space).first(all.size()));
    std::array<std::byte, 20> small{};
    base::byte_writer part(small);
    COTERIE_ASSERT(wire::append_table(part, entries, 0) == 1, "a part of a table fits");
    write_file(folder, "table_part", tests::bytes_view(small).first(part.size()));
}

/// What the fuzz target of ipc reads, by the first byte of its input.
enum class ipc_reader : std::uint8_t {
    request,
    answer,
    events,
    hello,
    welcome,
    ring,
};

class ipc_corpus {
public:
    explicit ipc_corpus(fs::path folder) : _folder(std::move(folder)) {}

    void write_requests() const {
        using enum ipc::request_kind;
        add("join", {.kind = join, .flags = ipc::request::initial_ring_view, .group = "group"});
        add("leave", {.kind = leave});
        add("membership", {.kind = membership, .group = "group"});
        add("groups", {.kind = groups});
        add("finalize", {.kind = finalize});
        add("status", {.kind = status});
        add("multicast_file", {.kind = multicast_file, .flags = ipc::request::safe, .bytes = 300'000});
        add("multicast_shared", {.kind = multicast_shared, .offset = 64, .bytes = 1'000});
        add("share", {.kind = share, .bytes = 1'000'000});
        add("more", {.kind = more});
        // Read elsewhere: a record of this kind is the message itself, and no request with a body.
        std::vector<std::byte> message = with_tag(ipc::tag_of(multicast), tests::bytes_view(tests::payload_bytes));
        add(ipc_reader::request, "request_multicast", message);
    }

    void write_answers() const {
        add(ipc_reader::answer, "answer_members", ipc::pack_members(_some));
        const std::vector<ipc::group_listing> listings{{.name = "group", .members = _some},
                                                       {.name = "", .members = {}}};
        add(ipc_reader::answer, "answer_groups", ipc::pack_groups(listings));
    }

    void write_events() const {
        std::vector<std::byte> row(1'024);
        base::byte_writer out(row);
        const auto body = tests::bytes_view(tests::payload_bytes);
        ipc::write_message(out, "group", _some[0], body);
        ipc::write_message(out, "odd", _some[1], {});
        ipc::write_change(out, "group", _some, std::span(_some).first(1), std::span(_some).last(1));
        const std::vector<base::node_id> nodes{{1}, {2}, {3}};
        ipc::write_ring_view(out, {1}, 7, nodes);
        add(ipc_reader::events, "events_row", written(out, row));
    }

    void write_greetings() const {
        std::vector<std::byte> space(64);
        base::byte_writer wish(space);
        ipc::write(wish, ipc::hello{.ring_views = true, .pid = 4'711});
        add(ipc_reader::hello, "hello", written(wish, space));
        base::byte_writer answer(space);
        ipc::write(answer, ipc::welcome{.result = ipc::status::ok,
                                        .node = {3},
                                        .request_ring_bytes = 524'288,
                                        .event_ring_bytes = 1'048'576,
                                        .message_bytes_max = 67'108'864});
        add(ipc_reader::welcome, "welcome", written(answer, space));
    }

    /// The writer's count, then a ring: short records, an empty one, the largest. The last one has gone on from the ring's end
    /// to its start, which is more than a reader that has read nothing believes.
    void write_rings() const {
        ipc::ring_counts counts{};
        std::vector<std::byte> memory(ipc::ring_bytes_min);
        ipc::ring_writer writer(counts, memory);
        ipc::ring_reader reader(counts, memory);
        const auto put = [&](std::size_t bytes, std::uint32_t tag) {
            std::byte* const body = writer.reserve(bytes, tag);
            COTERIE_ASSERT(body != nullptr, "a record of the corpus fits");
            std::memset(body, 'r', bytes);
            writer.publish();
        };
        const auto keep = [&](std::string name) {
            std::vector<std::byte> content(sizeof(std::uint64_t) + memory.size());
            const std::uint64_t count = counts.written.load();
            std::memcpy(content.data(), &count, sizeof(count));
            std::memcpy(content.data() + sizeof(count), memory.data(), memory.size());
            add(ipc_reader::ring, std::move(name), content);
        };
        put(5, 1);
        put(0, 2);
        put(ipc::body_bytes_max(memory.size()), 3);
        keep("ring_three_records");
        put(ipc::body_bytes_max(memory.size()), 4);
        put(ipc::body_bytes_max(memory.size()), 5);
        keep("ring_nearly_full");
        while (reader.take()) {
            reader.release_all();
        }
        put(ipc::body_bytes_max(memory.size()), 6);
        put(100, 7);
        keep("ring_count_beyond_its_end");
    }

private:
    static std::vector<std::byte> written(const base::byte_writer& out, const std::vector<std::byte>& space) {
        COTERIE_ASSERT(out.ok(), "an input of the corpus fits");
        return {space.begin(), space.begin() + static_cast<std::ptrdiff_t>(out.size())};
    }
    static std::vector<std::byte> with_tag(std::uint32_t tag, tests::bytes_view body) {
        std::vector<std::byte> result(sizeof(tag));
        std::memcpy(result.data(), &tag, sizeof(tag));
        result.insert(result.end(), body.begin(), body.end());
        return result;
    }
    void add(const std::string& name, const ipc::request& what) const {
        std::vector<std::byte> space(256);
        base::byte_writer out(space);
        ipc::write(out, what);
        add(ipc_reader::request, "request_" + name, with_tag(ipc::tag_of(what.kind, what.flags), written(out, space)));
    }
    void add(ipc_reader reader, std::string name, tests::bytes_view content) const {
        std::vector<std::byte> input{static_cast<std::byte>(reader)};
        input.insert(input.end(), content.begin(), content.end());
        write_file(_folder, std::move(name), input);
    }

    fs::path _folder;
    std::vector<ipc::address> _some{{.node = {1}, .pid = 100, .reason = 1}, {.node = {2}, .pid = 200, .reason = 3}};
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    const fs::path corpus = argv[1];
    write_packets(corpus);
    write_records(corpus / "records");
    const ipc_corpus channel(corpus / "ipc");
    channel.write_requests();
    channel.write_answers();
    channel.write_events();
    channel.write_greetings();
    channel.write_rings();
    return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
// Writes the seed corpus of the wire's fuzz targets into the folder given, one folder a target. No part of the build:
// when a layout changes, it is run by hand from the repository's root and its files are committed.
//   g++ -std=c++23 -I. -Isrc tests/fuzz/make_corpus.cpp src/{base,wire}/*.cpp -o build/make_corpus
//   build/make_corpus tests/fuzz/corpus
#include "base/assert.hpp"
#include "tests/support/wire_packets.hpp"
#include "wire/records.hpp"

#include <cstdio>
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
    add("abort", [](auto& out) { return wire::append(out, wire::abort_record{.slot = 3}); });
    add("leave",
        [](auto& out) { return wire::append(out, wire::leave_record{.slot = 3, .reason = wire::departure::died}); });
    write_file(folder, "all", tests::bytes_view(all_space).first(all.size()));
    std::array<std::byte, 20> small{};
    base::byte_writer part(small);
    COTERIE_ASSERT(wire::append_table(part, entries, 0) == 1, "a part of a table fits");
    write_file(folder, "table_part", tests::bytes_view(small).first(part.size()));
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    const fs::path corpus = argv[1];
    write_packets(corpus);
    write_records(corpus / "records");
    return 0;
}

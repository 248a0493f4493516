// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the reader of records: whatever the payload, reading ends without harm, and the records that were read give
// the same bytes when they are written again.
#include "tests/fuzz/decoder_target.hpp"
#include "wire/records.hpp"

#include <type_traits>
#include <variant>
#include <vector>

namespace {

using namespace coterie;

/// Writes a record into exactly the space it came from.
bool append_again(base::byte_writer& out, const wire::table_record& table) {
    std::vector<wire::table_record::entry> entries = table.entries;
    if (!table.last) {
        entries.emplace_back(); // does not fit any more, which makes this part not the last
    }
    return wire::append_table(out, entries, 0) == table.entries.size();
}

template <class Record>
bool append_again(base::byte_writer& out, const Record& record) {
    return wire::append(out, record);
}

bool inside(tests::bytes_view payload, tests::bytes_view part) {
    return part.empty() ||
           (part.data() >= payload.data() && part.data() + part.size() <= payload.data() + payload.size());
}

void check_views(tests::bytes_view payload, const wire::record& found) {
    std::visit(
        [payload](const auto& record) {
            using kind = std::remove_cvref_t<decltype(record)>;
            if constexpr (std::is_same_v<kind, wire::message_record> || std::is_same_v<kind, wire::piece_record>) {
                tests::require(inside(payload, record.body));
            } else if constexpr (std::is_same_v<kind, wire::join_record>) {
                tests::require(inside(payload, std::as_bytes(std::span(record.group))));
            } else if constexpr (std::is_same_v<kind, wire::table_record>) {
                for (const auto& entry : record.entries) {
                    tests::require(inside(payload, std::as_bytes(std::span(entry.group))));
                }
            }
        },
        found);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto payload = std::as_bytes(std::span(bytes, size));
    wire::record_reader reader(payload);
    std::vector<wire::record> found;
    while (auto record = reader.next()) {
        check_views(payload, *record);
        found.push_back(std::move(*record));
    }
    tests::require(!reader.next());
    if (!reader.ok()) {
        return 0;
    }
    std::vector<std::byte> space(size);
    std::size_t written = 0;
    for (const wire::record& record : found) {
        // A part of a table that is not the last has to be written where it fits exactly.
        std::size_t part_bytes = size - written;
        if (const auto* table = std::get_if<wire::table_record>(&record)) {
            part_bytes = 4;
            for (const auto& entry : table->entries) {
                part_bytes += 9 + entry.group.size();
            }
        }
        base::byte_writer out{std::span(space).subspan(written, part_bytes)};
        tests::require(std::visit([&out](const auto& one) { return append_again(out, one); }, record));
        written += out.size();
    }
    tests::require(std::ranges::equal(space, payload));
    return 0;
}

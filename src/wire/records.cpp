// SPDX-License-Identifier: BSD-3-Clause
// Layouts of the records in a data packet's payload. Each begins with its kind; lengths stand in front of what they
// measure, so that a record which does not fit is seen before any of it is taken.
#include "wire/records.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <limits>

namespace coterie::wire {

namespace {

using base::byte_reader;
using base::byte_writer;
using base::bytes_view;

constexpr std::size_t table_overhead_bytes = 4;
constexpr std::size_t entry_overhead_bytes = 9;
constexpr std::size_t join_overhead_bytes = 10;
constexpr std::size_t leave_bytes = 6;
constexpr std::size_t abort_bytes = 5;
constexpr std::size_t pause_bytes = 6;
constexpr std::size_t entries_max = std::numeric_limits<std::uint16_t>::max();
/// Sizes of messages stay below this, so that sums never overflow.
constexpr std::uint64_t total_bytes_end = std::uint64_t{1} << 62U;

bytes_view bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string_view read_name(byte_reader& in) {
    const std::size_t size = in.number<std::uint8_t>();
    if (size > group_name_bytes_max) {
        in.fail();
    }
    const bytes_view name = in.run(size);
    return {reinterpret_cast<const char*>(name.data()), name.size()};
}

void write_name(byte_writer& out, std::string_view name) {
    out.number(static_cast<std::uint8_t>(name.size()));
    out.run(bytes_of(name));
}

void write_kind(byte_writer& out, record_kind kind) { out.number(static_cast<std::uint8_t>(kind)); }

void judge_name(std::string_view name) {
    COTERIE_ASSERT(name.size() <= group_name_bytes_max, "a group's name has at most 128 bytes");
}

void read_into(byte_reader& in, table_record& record) {
    const auto last = in.number<std::uint8_t>();
    const std::size_t count = in.number<std::uint16_t>();
    if (last > 1 || count * entry_overhead_bytes > in.remaining()) {
        in.fail();
        return;
    }
    record.last = last == 1;
    record.entries.reserve(count);
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        table_record::entry& entry = record.entries.emplace_back();
        entry.slot = in.number<slot_number>();
        entry.pid = in.number<std::uint32_t>();
        entry.group = read_name(in);
    }
}

void read_into(byte_reader& in, join_record& record) {
    record.slot = in.number<slot_number>();
    record.pid = in.number<std::uint32_t>();
    record.group = read_name(in);
}

void read_into(byte_reader& in, leave_record& record) {
    record.slot = in.number<slot_number>();
    record.reason = static_cast<departure>(in.number<std::uint8_t>());
    if (record.reason != departure::left && record.reason != departure::died) {
        in.fail();
    }
}

void read_into(byte_reader& in, message_record& record) {
    record.slot = in.number<slot_number>();
    record.body = in.run(in.number<std::uint32_t>());
}

bool acceptable(const piece_record& record) {
    return record.total < total_bytes_end && !record.body.empty() && record.body.size() <= record.total &&
           record.offset <= record.total - record.body.size();
}

void read_into(byte_reader& in, piece_record& record) {
    record.slot = in.number<slot_number>();
    record.total = in.number<std::uint64_t>();
    record.offset = in.number<std::uint64_t>();
    record.body = in.run(in.number<std::uint32_t>());
    if (!acceptable(record)) {
        in.fail();
    }
}

void read_into(byte_reader& in, abort_record& record) { record.slot = in.number<slot_number>(); }

void read_into(byte_reader& in, pause_record& record) {
    record.slot = in.number<slot_number>();
    const auto begins = in.number<std::uint8_t>();
    record.begins = begins == 1;
    if (begins > 1) {
        in.fail();
    }
}

template <class Record>
std::optional<record> read_as(byte_reader& in) {
    std::optional<record> result(std::in_place, std::in_place_type<Record>);
    read_into(in, *std::get_if<Record>(&*result));
    if (!in.ok()) {
        result.reset();
    }
    return result;
}

} // namespace

std::optional<record> record_reader::next() {
    if (_reader.remaining() == 0) {
        return std::nullopt;
    }
    switch (static_cast<record_kind>(_reader.number<std::uint8_t>())) {
    case record_kind::table: return read_as<table_record>(_reader);
    case record_kind::join: return read_as<join_record>(_reader);
    case record_kind::leave: return read_as<leave_record>(_reader);
    case record_kind::message: return read_as<message_record>(_reader);
    case record_kind::piece: return read_as<piece_record>(_reader);
    case record_kind::abort: return read_as<abort_record>(_reader);
    case record_kind::pause: return read_as<pause_record>(_reader);
    }
    _reader.fail();
    return std::nullopt;
}

bool append(byte_writer& out, const join_record& join) {
    judge_name(join.group);
    if (out.room() < join_overhead_bytes + join.group.size()) {
        return false;
    }
    write_kind(out, record_kind::join);
    out.number(join.slot);
    out.number(join.pid);
    write_name(out, join.group);
    return true;
}

bool append(byte_writer& out, const leave_record& leave) {
    COTERIE_ASSERT(leave.reason == departure::left || leave.reason == departure::died,
                   "a departure has one of two reasons");
    if (out.room() < leave_bytes) {
        return false;
    }
    write_kind(out, record_kind::leave);
    out.number(leave.slot);
    out.number(static_cast<std::uint8_t>(leave.reason));
    return true;
}

bool append(byte_writer& out, const message_record& message) {
    COTERIE_ASSERT(message.body.size() <= std::numeric_limits<std::uint32_t>::max(), "a message record is below 4 GiB");
    if (out.room() < message_overhead_bytes + message.body.size()) {
        return false;
    }
    write_kind(out, record_kind::message);
    out.number(message.slot);
    out.number(static_cast<std::uint32_t>(message.body.size()));
    out.run(message.body);
    return true;
}

bool append(byte_writer& out, const piece_record& piece) {
    COTERIE_ASSERT(piece.body.size() <= std::numeric_limits<std::uint32_t>::max(), "a piece record is below 4 GiB");
    COTERIE_ASSERT(acceptable(piece), "a piece lies inside its message and is not empty");
    if (out.room() < piece_overhead_bytes + piece.body.size()) {
        return false;
    }
    write_kind(out, record_kind::piece);
    out.number(piece.slot);
    out.number(piece.total);
    out.number(piece.offset);
    out.number(static_cast<std::uint32_t>(piece.body.size()));
    out.run(piece.body);
    return true;
}

bool append(byte_writer& out, const abort_record& given_up) {
    if (out.room() < abort_bytes) {
        return false;
    }
    write_kind(out, record_kind::abort);
    out.number(given_up.slot);
    return true;
}

bool append(byte_writer& out, const pause_record& pause) {
    if (out.room() < pause_bytes) {
        return false;
    }
    write_kind(out, record_kind::pause);
    out.number(pause.slot);
    out.number(static_cast<std::uint8_t>(pause.begins ? 1 : 0));
    return true;
}

std::optional<std::size_t> append_table(byte_writer& out, const std::vector<table_record::entry>& entries,
                                        std::size_t first) {
    COTERIE_ASSERT(first <= entries.size(), "a table part begins inside its table");
    if (out.room() < table_overhead_bytes) {
        return std::nullopt;
    }
    const std::size_t last_at = out.size() + 1;
    write_kind(out, record_kind::table);
    out.number(std::uint8_t{0});
    out.number(std::uint16_t{0});
    std::size_t count = 0;
    const std::size_t count_max = std::min(entries.size() - first, entries_max);
    for (; count < count_max; ++count) {
        const table_record::entry& entry = entries[first + count];
        judge_name(entry.group);
        if (out.room() < entry_overhead_bytes + entry.group.size()) {
            break;
        }
        out.number(entry.slot);
        out.number(entry.pid);
        write_name(out, entry.group);
    }
    out.patch(last_at, static_cast<std::uint8_t>(first + count == entries.size() ? 1 : 0));
    out.patch(last_at + 1, static_cast<std::uint16_t>(count));
    return count;
}

} // namespace coterie::wire

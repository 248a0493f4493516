// SPDX-License-Identifier: BSD-3-Clause
// What stands in the payload of a data packet: a sequence of records of the process groups. A process in a group is
// known on the wire by its node (the packet's originator) and a small slot number that its node chose for the join, so
// that a message carries four bytes instead of a group's name.
#pragma once

#include "base/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace coterie::wire {

/// Longest name of a group, bytes (CPG_MAX_NAME_LENGTH).
inline constexpr std::size_t group_name_bytes_max = 128;

/// Names a join of a process on its node; never used again in the same incarnation.
using slot_number = std::uint32_t;

enum class record_kind : std::uint8_t { table = 1, join = 2, leave = 3, message = 4, piece = 5, abort = 6, pause = 7 };

/// Part of the sender's table: its local group members at the install. The part with `last` ends it.
struct table_record {
    struct entry {
        slot_number slot{};
        std::uint32_t pid{};
        std::string_view group; ///< any bytes, also NUL
    };
    bool last{};
    std::vector<entry> entries;
};
struct join_record {
    slot_number slot{};
    std::uint32_t pid{};
    std::string_view group;
};
enum class departure : std::uint8_t { left = 2, died = 5 }; ///< CPG_REASON_LEAVE, CPG_REASON_PROCDOWN
struct leave_record {
    slot_number slot{};
    departure reason{};
};
/// A whole message.
struct message_record {
    slot_number slot{};
    base::bytes_view body;
};
/// A piece of a large message; a node has at most one such message under way. Pieces come in order, `offset` 0 begins,
/// the piece that reaches `total` completes.
struct piece_record {
    slot_number slot{};
    std::uint64_t total{};
    std::uint64_t offset{};
    base::bytes_view body;
};
/// The originator gives up the large message under way.
struct abort_record {
    slot_number slot{};
};

/// The process takes its group's messages more slowly than they come: nobody numbers any for the group until it says
/// otherwise, or is gone.
struct pause_record {
    slot_number slot{};
    bool begins{}; ///< else it ends
};

using record =
    std::variant<table_record, join_record, leave_record, message_record, piece_record, abort_record, pause_record>;

/// Reads the records of one payload, one after the other.
class record_reader {
public:
    explicit record_reader(base::bytes_view payload) : _reader(payload) {}
    /// The next record; nothing at the end or where the payload is malformed. Views lie inside the payload.
    [[nodiscard]] std::optional<record> next();
    /// True when the whole payload was well-formed records.
    [[nodiscard]] bool ok() const { return _reader.ok(); }

private:
    base::byte_reader _reader;
};

// Writers append one record to `out`. They return false and write nothing when it does not fit.
[[nodiscard]] bool append(base::byte_writer& out, const join_record& join);
[[nodiscard]] bool append(base::byte_writer& out, const leave_record& leave);
[[nodiscard]] bool append(base::byte_writer& out, const message_record& message);
[[nodiscard]] bool append(base::byte_writer& out, const piece_record& piece);
[[nodiscard]] bool append(base::byte_writer& out, const abort_record& given_up);
[[nodiscard]] bool append(base::byte_writer& out, const pause_record& pause);
/// Appends a table part with as many of `entries` from `first` on as fit; `last` is set when that is all of them.
/// Returns how many were written, nothing when not even an empty part fits.
[[nodiscard]] std::optional<std::size_t> append_table(base::byte_writer& out,
                                                      const std::vector<table_record::entry>& entries,
                                                      std::size_t first);
/// Bytes of a message record and of a piece record in front of their bodies.
inline constexpr std::size_t message_overhead_bytes = 9;
inline constexpr std::size_t piece_overhead_bytes = 25;

} // namespace coterie::wire

// SPDX-License-Identifier: BSD-3-Clause
// The records of the process groups in a payload: written one after the other until no more fit, read back as they were
// written, and refused when they are damaged.
#include "wire/records.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>

namespace coterie::tests {
namespace {

using wire::abort_record;
using wire::append_table;
using wire::departure;
using wire::join_record;
using wire::leave_record;
using wire::message_record;
using wire::pause_record;
using wire::piece_record;
using wire::record_reader;
using wire::table_record;

base::bytes_view bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string text_of(base::bytes_view bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

class records : public testing::Test {
protected:
    [[nodiscard]] base::bytes_view written() const { return base::bytes_view(_space).first(_out.size()); }
    [[nodiscard]] std::string hex() const {
        std::string result;
        for (const std::byte byte : written()) {
            constexpr std::string_view digits = "0123456789abcdef";
            result += digits[std::to_integer<std::size_t>(byte >> 4U)];
            result += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
        }
        return result;
    }
    /// Reads the one record that was written; fails the test if it is another kind or not alone.
    template <class Record>
    Record only() {
        record_reader reader(written());
        const auto found = reader.next();
        EXPECT_TRUE(found && std::holds_alternative<Record>(*found));
        EXPECT_FALSE(reader.next());
        EXPECT_TRUE(reader.ok());
        return found && std::holds_alternative<Record>(*found) ? std::get<Record>(*found) : Record{};
    }
    /// Whether the payload, with the number at `offset` replaced, is still well-formed.
    template <class Number>
    bool accepts(std::size_t offset, Number value) {
        std::vector<std::byte> altered(written().begin(), written().end());
        std::memcpy(std::span(altered).subspan(offset, sizeof value).data(), &value, sizeof value);
        return well_formed(altered);
    }
    static bool well_formed(base::bytes_view payload) {
        record_reader reader(payload);
        while (reader.next()) {
        }
        return reader.ok();
    }

    std::array<std::byte, 4096> _space{};
    base::byte_writer _out{_space};
};

TEST_F(records, a_join_names_slot_process_and_group) {
    ASSERT_TRUE(append(_out, join_record{.slot = 0x01020304, .pid = 0x05060708, .group = "abc"}));
    EXPECT_EQ(hex(), "02"
                     "04030201"
                     "08070605"
                     "03"
                     "616263");
    const auto join = only<join_record>();
    EXPECT_EQ(join.slot, 0x01020304);
    EXPECT_EQ(join.pid, 0x05060708);
    EXPECT_EQ(join.group, "abc");
}

TEST_F(records, a_groups_name_may_be_empty_or_hold_any_bytes) {
    const std::string any("\0\xFF\n\0", 4);
    const std::string longest(128, 'x');
    ASSERT_TRUE(append(_out, join_record{.slot = 1, .pid = 2, .group = ""}));
    ASSERT_TRUE(append(_out, join_record{.slot = 2, .pid = 2, .group = any}));
    ASSERT_TRUE(append(_out, join_record{.slot = 3, .pid = 2, .group = longest}));
    record_reader reader(written());
    for (const std::string& expected : {std::string(), any, longest}) {
        const auto found = reader.next();
        ASSERT_TRUE(found);
        EXPECT_EQ(std::get<join_record>(*found).group, expected);
    }
    EXPECT_FALSE(reader.next());
    EXPECT_TRUE(reader.ok());
}

TEST_F(records, a_name_beyond_its_bound_is_refused) {
    const std::string longest(128, 'x');
    ASSERT_TRUE(append(_out, join_record{.slot = 3, .pid = 2, .group = longest}));
    ASSERT_TRUE(append(_out, abort_record{.slot = 3}));
    EXPECT_TRUE(accepts(9, std::uint8_t{128}));
    EXPECT_FALSE(accepts(9, std::uint8_t{129}));
}

TEST_F(records, a_leave_tells_its_reason) {
    ASSERT_TRUE(append(_out, leave_record{.slot = 7, .reason = departure::died}));
    EXPECT_EQ(hex(), "03"
                     "07000000"
                     "05");
    const auto leave = only<leave_record>();
    EXPECT_EQ(leave.slot, 7);
    EXPECT_EQ(leave.reason, departure::died);
    for (unsigned reason = 0; reason < 256; ++reason) {
        EXPECT_EQ(accepts(5, static_cast<std::uint8_t>(reason)), reason == 2 || reason == 5) << reason;
    }
}

TEST_F(records, a_message_is_its_slot_and_its_bytes) {
    ASSERT_TRUE(append(_out, message_record{.slot = 9, .body = bytes_of("hello")}));
    EXPECT_EQ(hex(), "04"
                     "09000000"
                     "05000000"
                     "68656c6c6f");
    const auto message = only<message_record>();
    EXPECT_EQ(message.slot, 9);
    EXPECT_EQ(text_of(message.body), "hello");
}

TEST_F(records, a_message_may_be_empty) {
    ASSERT_TRUE(append(_out, message_record{.slot = 9, .body = {}}));
    EXPECT_EQ(_out.size(), wire::message_overhead_bytes);
    EXPECT_TRUE(only<message_record>().body.empty());
}

TEST_F(records, a_message_longer_than_its_payload_is_refused) {
    ASSERT_TRUE(append(_out, message_record{.slot = 9, .body = bytes_of("hello")}));
    EXPECT_FALSE(accepts(5, std::uint32_t{6}));
    EXPECT_FALSE(accepts(5, std::uint32_t{0xFFFFFFFF}));
}

TEST_F(records, a_piece_knows_its_place) {
    ASSERT_TRUE(append(_out, piece_record{.slot = 9, .total = 0x1000, .offset = 0x0FFE, .body = bytes_of("zz")}));
    EXPECT_EQ(hex(), "05"
                     "09000000"
                     "0010000000000000"
                     "fe0f000000000000"
                     "02000000"
                     "7a7a");
    EXPECT_EQ(_out.size(), wire::piece_overhead_bytes + 2);
    const auto piece = only<piece_record>();
    EXPECT_EQ(piece.slot, 9);
    EXPECT_EQ(piece.total, 0x1000);
    EXPECT_EQ(piece.offset, 0x0FFE);
    EXPECT_EQ(text_of(piece.body), "zz");
}

TEST_F(records, a_piece_lies_inside_its_message) {
    ASSERT_TRUE(append(_out, piece_record{.slot = 9, .total = 0x1000, .offset = 0x0FFE, .body = bytes_of("zz")}));
    const auto accepts_total = [this](std::uint64_t total) { return accepts(5, total); };
    const auto accepts_offset = [this](std::uint64_t offset) { return accepts(13, offset); };
    EXPECT_TRUE(accepts_total((std::uint64_t{1} << 62U) - 1));
    EXPECT_FALSE(accepts_total(std::uint64_t{1} << 62U));
    EXPECT_FALSE(accepts_total(std::numeric_limits<std::uint64_t>::max()));
    EXPECT_FALSE(accepts_total(0x0FFF));
    EXPECT_FALSE(accepts_total(1));
    EXPECT_FALSE(accepts_total(0));
    EXPECT_TRUE(accepts_offset(0));
    EXPECT_FALSE(accepts_offset(0x0FFF));
    EXPECT_FALSE(accepts_offset(std::numeric_limits<std::uint64_t>::max()));
}

TEST_F(records, a_piece_of_nothing_is_refused) {
    ASSERT_TRUE(append(_out, piece_record{.slot = 9, .total = 10, .offset = 0, .body = bytes_of("z")}));
    const base::bytes_view whole = written();
    EXPECT_TRUE(well_formed(whole));
    std::vector<std::byte> none(whole.begin(), whole.end() - 1);
    none[21] = std::byte{0};
    EXPECT_FALSE(well_formed(none));
}

TEST_F(records, an_abort_names_its_slot) {
    ASSERT_TRUE(append(_out, abort_record{.slot = 0xFFFFFFFF}));
    EXPECT_EQ(hex(), "06"
                     "ffffffff");
    EXPECT_EQ(only<abort_record>().slot, 0xFFFFFFFF);
}

TEST_F(records, a_pause_begins_or_ends) {
    ASSERT_TRUE(append(_out, pause_record{.slot = 7, .begins = true}));
    ASSERT_TRUE(append(_out, pause_record{.slot = 8, .begins = false}));
    EXPECT_EQ(hex(), "07"
                     "07000000"
                     "01"
                     "07"
                     "08000000"
                     "00");
    EXPECT_TRUE(accepts(5, std::uint8_t{0}));
    EXPECT_FALSE(accepts(5, std::uint8_t{2}));
}

TEST_F(records, a_table_that_fits_is_one_part_and_the_last) {
    const std::vector<table_record::entry> entries{{.slot = 1, .pid = 2, .group = "a"},
                                                   {.slot = 3, .pid = 4, .group = ""}};
    EXPECT_EQ(append_table(_out, entries, 0), 2);
    EXPECT_EQ(hex(), "01"
                     "01"
                     "0200"
                     "01000000"
                     "02000000"
                     "01"
                     "61"
                     "03000000"
                     "04000000"
                     "00");
    const auto table = only<table_record>();
    EXPECT_TRUE(table.last);
    ASSERT_EQ(table.entries.size(), 2);
    EXPECT_EQ(table.entries[0].slot, 1);
    EXPECT_EQ(table.entries[0].pid, 2);
    EXPECT_EQ(table.entries[0].group, "a");
    EXPECT_EQ(table.entries[1].slot, 3);
    EXPECT_EQ(table.entries[1].pid, 4);
    EXPECT_EQ(table.entries[1].group, "");
}

TEST_F(records, an_empty_table_is_an_empty_last_part) {
    EXPECT_EQ(append_table(_out, {}, 0), 0);
    EXPECT_EQ(hex(), "01"
                     "01"
                     "0000");
    EXPECT_TRUE(only<table_record>().last);
}

TEST_F(records, a_long_table_takes_as_many_parts_as_it_needs) {
    std::vector<table_record::entry> entries;
    const std::string name(100, 'n');
    for (std::uint32_t i = 0; i < 200; ++i) {
        entries.push_back({.slot = i, .pid = i, .group = std::string_view(name).substr(i % 100)});
    }
    std::vector<wire::slot_number> seen;
    std::size_t parts = 0;
    for (bool last = false; !last; ++parts) {
        _out = base::byte_writer(std::span(_space).first(1000));
        const auto count = append_table(_out, entries, seen.size());
        ASSERT_TRUE(count);
        ASSERT_GT(*count, 0);
        const auto part = only<table_record>();
        EXPECT_EQ(part.entries.size(), *count);
        for (const table_record::entry& entry : part.entries) {
            seen.push_back(entry.slot);
        }
        last = part.last;
    }
    EXPECT_EQ(seen.size(), entries.size());
    EXPECT_TRUE(std::ranges::is_sorted(seen));
    EXPECT_GT(parts, 10);
}

TEST_F(records, a_table_part_is_filled_to_the_last_byte) {
    const std::vector<table_record::entry> entries{{.slot = 1, .pid = 2, .group = "ab"},
                                                   {.slot = 3, .pid = 4, .group = "cd"}};
    const std::size_t both = 4 + 2 * 11;
    _out = base::byte_writer(std::span(_space).first(both));
    EXPECT_EQ(append_table(_out, entries, 0), 2);
    EXPECT_TRUE(only<table_record>().last);
    _out = base::byte_writer(std::span(_space).first(both - 1));
    EXPECT_EQ(append_table(_out, entries, 0), 1);
    EXPECT_FALSE(only<table_record>().last);
    _out = base::byte_writer(std::span(_space).first(4));
    EXPECT_EQ(append_table(_out, entries, 0), 0);
    EXPECT_FALSE(only<table_record>().last);
    _out = base::byte_writer(std::span(_space).first(3));
    EXPECT_EQ(append_table(_out, entries, 0), std::nullopt);
    EXPECT_EQ(_out.size(), 0);
}

TEST_F(records, a_table_with_an_impossible_count_or_mark_is_refused) {
    EXPECT_EQ(append_table(_out, {{.slot = 1, .pid = 2, .group = "ab"}}, 0), 1);
    EXPECT_FALSE(accepts(2, std::uint16_t{2}));
    EXPECT_FALSE(accepts(2, std::uint16_t{0}));
    EXPECT_FALSE(accepts(2, std::uint16_t{0xFFFF}));
    EXPECT_TRUE(accepts(1, std::uint8_t{0}));
    EXPECT_FALSE(accepts(1, std::uint8_t{2}));
}

TEST_F(records, of_all_kinds_follow_each_other) {
    ASSERT_TRUE(append_table(_out, {{.slot = 1, .pid = 2, .group = "g"}}, 0));
    ASSERT_TRUE(append(_out, join_record{.slot = 2, .pid = 3, .group = "g"}));
    ASSERT_TRUE(append(_out, message_record{.slot = 2, .body = bytes_of("m")}));
    ASSERT_TRUE(append(_out, piece_record{.slot = 2, .total = 2, .offset = 0, .body = bytes_of("p")}));
    ASSERT_TRUE(append(_out, abort_record{.slot = 2}));
    ASSERT_TRUE(append(_out, leave_record{.slot = 2, .reason = departure::left}));
    std::vector<std::size_t> kinds;
    record_reader reader(written());
    while (const auto found = reader.next()) {
        kinds.push_back(found->index());
    }
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(kinds, (std::vector<std::size_t>{0, 1, 3, 4, 5, 2}));
}

TEST_F(records, a_payload_cut_anywhere_but_between_records_is_refused) {
    std::vector<std::size_t> ends{0};
    const auto wrote = [&](bool fits) {
        ASSERT_TRUE(fits);
        ends.push_back(_out.size());
    };
    wrote(
        append_table(_out, {{.slot = 1, .pid = 2, .group = "g"}, {.slot = 2, .pid = 2, .group = "h"}}, 0).has_value());
    wrote(append(_out, join_record{.slot = 2, .pid = 3, .group = "group"}));
    wrote(append(_out, message_record{.slot = 2, .body = bytes_of("message")}));
    wrote(append(_out, piece_record{.slot = 2, .total = 9, .offset = 0, .body = bytes_of("piece")}));
    wrote(append(_out, abort_record{.slot = 2}));
    wrote(append(_out, pause_record{.slot = 2, .begins = true}));
    wrote(append(_out, leave_record{.slot = 2, .reason = departure::left}));
    for (std::size_t size = 0; size <= _out.size(); ++size) {
        EXPECT_EQ(well_formed(written().first(size)), std::ranges::count(ends, size) == 1) << size;
    }
}

TEST_F(records, of_an_unknown_kind_are_refused) {
    for (const unsigned kind : {0U, 7U, 255U}) {
        const std::array payload{static_cast<std::byte>(kind), std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}};
        EXPECT_FALSE(well_formed(payload));
    }
}

TEST_F(records, after_a_bad_one_are_not_looked_at) {
    ASSERT_TRUE(append(_out, leave_record{.slot = 1, .reason = departure::left}));
    ASSERT_TRUE(append(_out, abort_record{.slot = 2}));
    _space[5] = std::byte{3};
    record_reader reader(written());
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.ok());
}

TEST_F(records, that_do_not_fit_are_not_begun) {
    const auto fits_only_from = [this](const auto& record, std::size_t bytes) {
        base::byte_writer small{std::span(_space).first(bytes - 1)};
        base::byte_writer exact{std::span(_space).first(bytes)};
        return !append(small, record) && small.size() == 0 && small.ok() && append(exact, record) &&
               exact.size() == bytes;
    };
    EXPECT_TRUE(fits_only_from(join_record{.slot = 1, .pid = 1, .group = "abc"}, 13));
    EXPECT_TRUE(fits_only_from(leave_record{.slot = 1, .reason = departure::left}, 6));
    EXPECT_TRUE(fits_only_from(message_record{.slot = 1, .body = bytes_of("abc")}, 12));
    EXPECT_TRUE(fits_only_from(piece_record{.slot = 1, .total = 3, .offset = 0, .body = bytes_of("abc")}, 28));
    EXPECT_TRUE(fits_only_from(abort_record{.slot = 1}, 5));
    EXPECT_TRUE(fits_only_from(pause_record{.slot = 1, .begins = true}, 6));
}

TEST_F(records, survive_random_damage_without_harm) {
    ASSERT_TRUE(append_table(_out, {{.slot = 1, .pid = 2, .group = "g"}, {.slot = 2, .pid = 2, .group = "h"}}, 0));
    ASSERT_TRUE(append(_out, join_record{.slot = 2, .pid = 3, .group = "group"}));
    ASSERT_TRUE(append(_out, message_record{.slot = 2, .body = bytes_of("message")}));
    ASSERT_TRUE(append(_out, piece_record{.slot = 2, .total = 9, .offset = 0, .body = bytes_of("piece")}));
    base::random_source random(1);
    std::size_t refused = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::vector<std::byte> altered(written().begin(), written().end());
        altered[random.below(altered.size())] = static_cast<std::byte>(random.next());
        if (!well_formed(altered)) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 5'000);
}

using records_death = records;

TEST_F(records_death, our_own_are_within_their_bounds) {
    const std::string name(129, 'x');
    EXPECT_DEATH((void)append(_out, join_record{.slot = 1, .pid = 1, .group = name}), "at most 128 bytes");
    EXPECT_DEATH((void)append_table(_out, {{.slot = 1, .pid = 1, .group = name}}, 0), "at most 128 bytes");
    EXPECT_DEATH((void)append_table(_out, {}, 1), "begins inside its table");
    EXPECT_DEATH((void)append(_out, leave_record{}), "a departure has one of two reasons");
    EXPECT_DEATH((void)append(_out, piece_record{.slot = 1, .total = 1, .offset = 0, .body = {}}),
                 "lies inside its message");
    EXPECT_DEATH((void)append(_out, piece_record{.slot = 1, .total = 2, .offset = 1, .body = bytes_of("ab")}),
                 "lies inside its message");
}

} // namespace
} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// Readers and writers that cannot run past an end.
#include "base/bytes.hpp"

#include "base/ids.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>

namespace coterie::base {
namespace {

constexpr std::array<std::byte, 8> eight{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                                         std::byte{5}, std::byte{6}, std::byte{7}, std::byte{8}};

TEST(byte_reader, numbers_are_little_endian) {
    byte_reader in(eight);
    EXPECT_EQ(in.number<std::uint8_t>(), 0x01);
    EXPECT_EQ(in.number<std::uint16_t>(), 0x0302);
    EXPECT_EQ(in.number<std::uint32_t>(), 0x07060504);
    EXPECT_EQ(in.remaining(), 1);
    EXPECT_EQ(byte_reader(eight).number<std::uint64_t>(), 0x0807060504030201);
}

TEST(byte_reader, numbers_come_as_strong_types_too) {
    byte_reader in(eight);
    EXPECT_EQ(in.number<node_id>(), node_id{0x04030201});
    EXPECT_EQ(in.remaining(), 4);
    EXPECT_EQ(byte_reader(eight).number<sequence_number>(), (sequence_number{{0x0807060504030201}}));
}

TEST(byte_reader, a_reader_at_its_end_is_finished) {
    byte_reader in(eight);
    EXPECT_FALSE(in.finished());
    EXPECT_EQ(in.number<std::uint64_t>(), 0x0807060504030201);
    EXPECT_TRUE(in.ok());
    EXPECT_TRUE(in.finished());
    EXPECT_TRUE(byte_reader({}).finished());
}

TEST(byte_reader, a_reader_asked_for_too_much_stays_failed_and_yields_zeros) {
    byte_reader in(bytes_view(eight).first(3));
    EXPECT_EQ(in.number<std::uint32_t>(), 0);
    EXPECT_FALSE(in.ok());
    EXPECT_FALSE(in.finished());
    EXPECT_EQ(in.remaining(), 0);
    EXPECT_EQ(in.number<std::uint8_t>(), 0);
    EXPECT_EQ(in.number<node_id>(), no_node);
    EXPECT_TRUE(in.run(1).empty());
    EXPECT_TRUE(in.rest().empty());
    EXPECT_FALSE(in.ok());
}

TEST(byte_reader, runs_are_views_into_what_is_read) {
    byte_reader in(eight);
    const bytes_view run = in.run(3);
    EXPECT_EQ(run.data(), eight.data());
    EXPECT_EQ(run.size(), 3);
    const bytes_view rest = in.rest();
    EXPECT_EQ(rest.data(), eight.data() + 3);
    EXPECT_EQ(rest.size(), 5);
    EXPECT_TRUE(in.finished());
    EXPECT_TRUE(in.rest().empty());
    EXPECT_TRUE(in.run(0).empty());
    EXPECT_TRUE(in.finished());
}

TEST(byte_reader, a_run_longer_than_anything_fails_without_overflow) {
    byte_reader in(eight);
    EXPECT_EQ(in.number<std::uint8_t>(), 1);
    EXPECT_TRUE(in.run(std::numeric_limits<std::size_t>::max()).empty());
    EXPECT_FALSE(in.ok());
}

TEST(byte_reader, a_reader_told_to_fail_has_nothing_left) {
    byte_reader in(eight);
    in.fail();
    EXPECT_FALSE(in.ok());
    EXPECT_FALSE(in.finished());
    EXPECT_EQ(in.remaining(), 0);
}

TEST(byte_writer, what_is_written_is_read_back) {
    std::array<std::byte, 32> space{};
    byte_writer out(space);
    out.number(std::uint8_t{1});
    out.number(std::uint16_t{2});
    out.number(std::uint32_t{3});
    out.number(std::uint64_t{4});
    out.number(node_id{5});
    out.run(bytes_view(eight).first(2));
    ASSERT_TRUE(out.ok());
    EXPECT_EQ(out.size(), 21);
    EXPECT_EQ(out.room(), 11);
    byte_reader in(bytes_view(space).first(out.size()));
    EXPECT_EQ(in.number<std::uint8_t>(), 1);
    EXPECT_EQ(in.number<std::uint16_t>(), 2);
    EXPECT_EQ(in.number<std::uint32_t>(), 3);
    EXPECT_EQ(in.number<std::uint64_t>(), 4);
    EXPECT_EQ(in.number<node_id>(), node_id{5});
    EXPECT_EQ(in.number<std::uint16_t>(), 0x0201);
    EXPECT_TRUE(in.finished());
}

TEST(byte_writer, a_full_writer_stays_failed_and_writes_nothing_more) {
    std::array<std::byte, 6> space{};
    byte_writer out{std::span(space).first(5)};
    out.number(std::uint32_t{0xFFFFFFFF});
    out.number(std::uint32_t{0xFFFFFFFF});
    EXPECT_FALSE(out.ok());
    EXPECT_EQ(out.room(), 0);
    out.number(std::uint8_t{0xFF}); // would fit
    out.run(bytes_view(eight).first(1));
    EXPECT_FALSE(out.ok());
    EXPECT_EQ(out.size(), 4);
    EXPECT_EQ(space[4], std::byte{0});
    EXPECT_EQ(space[5], std::byte{0});
}

TEST(byte_writer, a_run_that_does_not_fit_is_not_begun) {
    std::array<std::byte, 4> space{};
    byte_writer out(space);
    out.run(bytes_view(eight).first(5));
    EXPECT_FALSE(out.ok());
    EXPECT_EQ(out.size(), 0);
    EXPECT_EQ(space[0], std::byte{0});
}

TEST(byte_writer, an_empty_run_fits_anywhere) {
    byte_writer out({});
    out.run({});
    EXPECT_TRUE(out.ok());
    EXPECT_EQ(out.room(), 0);
}

TEST(byte_writer, numbers_written_earlier_are_patched) {
    std::array<std::byte, 8> space{};
    byte_writer out(space);
    out.number(std::uint32_t{0});
    out.number(std::uint16_t{7});
    out.patch(1, std::uint16_t{0x0201});
    EXPECT_TRUE(out.ok());
    EXPECT_EQ(out.size(), 6);
    byte_reader in(space);
    EXPECT_EQ(in.number<std::uint32_t>(), 0x00020100);
    EXPECT_EQ(in.number<std::uint16_t>(), 7);
}

TEST(byte_writer, what_is_not_written_yet_is_not_patched) {
    std::array<std::byte, 8> space{};
    byte_writer out(space);
    out.number(std::uint32_t{0});
    out.patch(3, std::uint16_t{0xFFFF});
    EXPECT_FALSE(out.ok());
    EXPECT_EQ(space[3], std::byte{0});
    byte_writer other(space);
    other.patch(std::numeric_limits<std::size_t>::max(), std::uint8_t{1});
    EXPECT_FALSE(other.ok());
}

} // namespace
} // namespace coterie::base

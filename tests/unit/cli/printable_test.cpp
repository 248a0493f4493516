// SPDX-License-Identifier: BSD-3-Clause
// Text from elsewhere on a terminal, and tables.
#include "cli/printable.hpp"
#include "cli/text_table.hpp"

#include <gtest/gtest.h>

namespace coterie::cli {

namespace {

TEST(printable_text, leaves_ordinary_text_as_it_is) {
    EXPECT_EQ(printable("grüße, 世界 ✓"), "grüße, 世界 ✓");
    EXPECT_EQ(printable(""), "");
}

TEST(printable_text, never_lets_a_control_sequence_through) {
    EXPECT_EQ(printable("\x1b[2Jgone"), "\\x1b[2Jgone");
    EXPECT_EQ(printable("a\nb\x7f"), "a\\x0ab\\x7f");
    EXPECT_EQ(printable("\xc2\x9b"
                        "2J"),
              "\\xc2\\x9b2J")
        << "the control characters above ASCII are some, too";
}

TEST(printable_text, shows_bytes_that_are_no_text) {
    EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
    EXPECT_EQ(printable("\xc3"), "\\xc3") << "a character that is cut off";
    EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "a longer spelling than needed";
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a pair";
    EXPECT_EQ(printable("\\xff"), "\\\\xff") << "what looks like an escape is told apart";
}

TEST(printable_text, knows_utf8) {
    EXPECT_TRUE(is_utf8("grüße\n"));
    EXPECT_FALSE(is_utf8("gr\xfc\xdf"
                         "e"));
    EXPECT_EQ(hexadecimal("\x01\xff"), "01ff");
}

TEST(printable_text, groups_the_digits_of_numbers) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1'000), "1,000");
    EXPECT_EQ(grouped(1'234'567'890), "1,234,567,890");
}

TEST(text_table, aligns_its_columns_by_characters) {
    text_table table({{"name"}, {"count", true}, {"what"}});
    table.add({"grüße", "7", "x"});
    table.add({"a", "1,000", ""});
    EXPECT_EQ(table.text(), "  name   count  what\n"
                            "  grüße      7  x\n"
                            "  a      1,000\n");
}

TEST(text_table, of_nothing_is_nothing) { EXPECT_EQ(text_table({{"name"}}).text(), ""); }

} // namespace

} // namespace coterie::cli

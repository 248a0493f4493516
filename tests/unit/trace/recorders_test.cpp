// SPDX-License-Identifier: BSD-3-Clause
// Recorders and the reader of what they leave.
#include "trace/reader.hpp"
#include "trace/recorders.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <utility>

namespace coterie::trace {

namespace {

event numbered(std::uint64_t number) {
    event what;
    what.kind = event_kind::numbered;
    what.time_ns = 5;
    what.node = {1};
    what.number = {{number}};
    return what;
}

class recorders : public ::testing::Test {
protected:
    recorders() {
        std::string pattern = ::testing::TempDir() + "trace-XXXXXX";
        const int file = ::mkstemp(pattern.data());
        if (file >= 0) {
            ::close(file);
        }
        path = pattern;
    }
    ~recorders() override { std::remove(path.c_str()); }

    std::string path;
};

TEST_F(recorders, a_file_keeps_events_in_their_order) {
    {
        auto file = file_recorder::open(path);
        ASSERT_TRUE(file);
        file->record(numbered(1));
        file->record(numbered(2));
        EXPECT_EQ(file->lost(), 0U);
    }
    const auto events = read_file(path);
    ASSERT_TRUE(events);
    EXPECT_EQ(*events, (std::vector{numbered(1), numbered(2)}));
}

TEST_F(recorders, a_note_is_no_event) {
    auto file = file_recorder::open(path);
    ASSERT_TRUE(file);
    EXPECT_FALSE(file->note("by somebody"));
    file->record(numbered(1));
    const auto events = read_file(path);
    ASSERT_TRUE(events);
    EXPECT_EQ(*events, std::vector{numbered(1)});
}

TEST_F(recorders, the_first_loss_is_told_with_its_reason) {
    auto opened = file_recorder::open("/dev/full");
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->note("by somebody"), std::errc::no_space_on_device);
    std::vector<std::error_code> told;
    opened->on_first_loss([&](std::error_code fault) { told.push_back(fault); });
    file_recorder moved = std::move(*opened);
    moved.record(numbered(1));
    moved.record(numbered(2));
    EXPECT_EQ(moved.lost(), 2U);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told.front(), std::errc::no_space_on_device);
}

TEST_F(recorders, a_file_that_cannot_be_read_says_why) {
    EXPECT_EQ(read_file("/nowhere/trace").error().what, "cannot be read: No such file or directory");
    EXPECT_EQ(read_file("/").error().what, "cannot be read: Is a directory");
}

TEST_F(recorders, what_was_recorded_is_there_before_the_recorder_ends) {
    auto file = file_recorder::open(path);
    ASSERT_TRUE(file);
    file->record(numbered(1));
    const auto events = read_file(path);
    ASSERT_TRUE(events);
    EXPECT_EQ(events->size(), 1U);
}

TEST_F(recorders, several_share_one_file) {
    auto one = file_recorder::open(path);
    auto other = file_recorder::open(path);
    ASSERT_TRUE(one && other);
    one->record(numbered(1));
    other->record(numbered(2));
    one->record(numbered(3));
    const auto events = read_file(path);
    ASSERT_TRUE(events);
    EXPECT_EQ(*events, (std::vector{numbered(1), numbered(2), numbered(3)}));
}

TEST_F(recorders, a_moved_recorder_goes_on) {
    auto file = file_recorder::open(path);
    ASSERT_TRUE(file);
    file_recorder moved = std::move(*file);
    moved.record(numbered(1));
    auto another = file_recorder::open(path);
    ASSERT_TRUE(another);
    *another = std::move(moved);
    another->record(numbered(2));
    EXPECT_EQ(read_file(path)->size(), 2U);
}

TEST_F(recorders, a_full_disk_is_counted_not_fatal) {
    auto full = file_recorder::open("/dev/full");
    ASSERT_TRUE(full);
    full->record(numbered(1));
    full->record(numbered(2));
    EXPECT_EQ(full->lost(), 2U);
}

TEST_F(recorders, a_file_that_cannot_be_opened_says_why) {
    const auto file = file_recorder::open("/nowhere/at/all");
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error(), std::errc::no_such_file_or_directory);
}

TEST_F(recorders, memory_hands_over_what_it_has) {
    memory_recorder memory;
    memory.record(numbered(1));
    EXPECT_EQ(memory.events().size(), 1U);
    EXPECT_EQ(memory.take(), std::vector{numbered(1)});
    EXPECT_TRUE(memory.events().empty());
}

TEST_F(recorders, the_reader_passes_over_remarks_and_an_unfinished_line) {
    const auto events = read_text("# a remark\n\n" + format(numbered(1)) + "\n" + format(numbered(2)));
    ASSERT_TRUE(events);
    EXPECT_EQ(*events, std::vector{numbered(1)});
}

TEST_F(recorders, the_reader_names_the_line_that_is_no_event) {
    const auto events = read_text(format(numbered(1)) + "\n" + "nonsense\n");
    ASSERT_FALSE(events);
    EXPECT_EQ(events.error().line, 2U);
    EXPECT_EQ(events.error().what, "not an event: nonsense");
}

TEST_F(recorders, the_reader_says_when_there_is_no_file) {
    const auto events = read_file("/nowhere/at/all");
    ASSERT_FALSE(events);
    EXPECT_EQ(events.error().line, 0U);
}

} // namespace

} // namespace coterie::trace

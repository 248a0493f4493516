// SPDX-License-Identifier: BSD-3-Clause
// Trace lines: what format() writes, parse() gives back; what format() would not write, parse() refuses.
#include "base/random.hpp"
#include "trace/event.hpp"

#include <array>
#include <gtest/gtest.h>
#include <string>

namespace coterie::trace {

namespace {

event full_event() {
    event what;
    what.kind = event_kind::client_change;
    what.time_ns = -12;
    what.node = {4294967295U};
    what.stream = 0xfedcba9876543210U;
    what.view = {{{7}}, {2}, {0xabc}};
    what.left_view = {{{6}}, {1}, {0xdef}};
    what.number = {{42}};
    what.hop = {{3}};
    what.peer = {5};
    what.safe = true;
    what.hash = 0xffffffffffffffffU;
    what.message = 1;
    what.who = {{1}, 100};
    what.sender = {{2}, 200};
    what.group = "a group";
    what.members = {{{1}, {0x11}}, {{2}, {}}};
    what.processes = {{{1}, 100}, {{2}, 200}};
    what.left = {{{{3}, 300}, reason::process_down}};
    what.joined = {{{{4}, 400}, reason::node_up}, {{{4}, 401}, reason::undefined}};
    return what;
}

event round_trip(const event& what) {
    event back;
    EXPECT_TRUE(parse(format(what), back)) << format(what);
    return back;
}

TEST(trace_line, reads_as_people_would_write_it) {
    event what;
    what.kind = event_kind::delivered;
    what.time_ns = 1500;
    what.node = {2};
    what.stream = 0xb;
    what.view = {{{7}}, {1}, {0xa}};
    what.number = {{12}};
    what.peer = {3};
    what.safe = true;
    EXPECT_EQ(format(what), "delivered 1500 2 b view=7.1.a number=12 peer=3 safe=yes");
}

TEST(trace_line, gives_every_field_back) { EXPECT_EQ(round_trip(full_event()), full_event()); }

TEST(trace_line, gives_every_kind_back) {
    int kinds = 0;
    for (unsigned kind = 0; kind < 256; ++kind) {
        event what;
        what.kind = static_cast<event_kind>(kind);
        if (to_string(what.kind) != "unknown") {
            EXPECT_EQ(round_trip(what), what);
            ++kinds;
        }
    }
    EXPECT_EQ(kinds, 26);
}

TEST(trace_line, gives_group_names_of_any_bytes_back) {
    using namespace std::string_literals;
    for (const std::string& name : {"with spaces"s, "line\nfeed"s, "nul\0inside"s, "%41"s, "a=b,c:d"s, " "s,
                                    "\xff\xfe"s, "tab\tand\rreturn"s, std::string(128, '\0')}) {
        event what;
        what.kind = event_kind::table;
        what.group = name;
        const std::string line = format(what);
        EXPECT_EQ(line.find_first_of("\n\r\t"), std::string::npos);
        EXPECT_EQ(line.find('\0'), std::string::npos);
        EXPECT_EQ(round_trip(what).group, name);
    }
}

TEST(trace_line, gives_random_events_back) {
    base::random_source random(1);
    for (int i = 0; i < 2'000; ++i) {
        event what = full_event();
        what.time_ns = static_cast<std::int64_t>(random.next());
        what.stream = random.next();
        what.number = {{random.below(3)}};
        what.safe = random.below(2) == 0;
        what.group.assign(random.below(5), static_cast<char>(random.below(256)));
        what.members.resize(random.below(3));
        what.processes.resize(random.below(3));
        what.left.resize(random.below(2));
        what.joined.resize(random.below(3));
        EXPECT_EQ(round_trip(what), what);
    }
}

TEST(trace_line, refuses_what_is_malformed) {
    const std::array lines{"",
                           " ",
                           "started",
                           "started 1",
                           "started 1 2",
                           "begun 1 2 3",
                           "Started 1 2 3",
                           "started x 2 3",
                           "started 1 -2 3",
                           "started 1 2 xyz",
                           "started 1 4294967296 3",
                           "started 1 2 10000000000000000",
                           "started 1 2 3 ",
                           " started 1 2 3",
                           "started  1 2 3",
                           "started 1 2 3 number",
                           "started 1 2 3 number=",
                           "started 1 2 3 number=x",
                           "started 1 2 3 number=1x",
                           "started 1 2 3 number=+1",
                           "started 1 2 3 number=-1",
                           "started 1 2 3 number=1 number=1",
                           "started 1 2 3 colour=red",
                           "started 1 2 3 =1",
                           "started 1 2 3  number=1",
                           "started 1 2 3 view=1",
                           "started 1 2 3 view=1.2",
                           "started 1 2 3 view=1.2.x",
                           "started 1 2 3 view=1.2.3.4",
                           "started 1 2 3 safe=no",
                           "started 1 2 3 safe=",
                           "started 1 2 3 who=1",
                           "started 1 2 3 who=1:",
                           "started 1 2 3 who=1:2:3",
                           "started 1 2 3 group=",
                           "started 1 2 3 group=%4",
                           "started 1 2 3 group=%zz",
                           "started 1 2 3 group=%4G",
                           "started 1 2 3 members=",
                           "started 1 2 3 members=1",
                           "started 1 2 3 members=1.2,",
                           "started 1 2 3 members=,1.2",
                           "started 1 2 3 members=1.2,,1.2",
                           "started 1 2 3 processes=1:2,3",
                           "started 1 2 3 left=1:2",
                           "started 1 2 3 left=1:2:gone",
                           "started 1 2 3 joined=1:2:",
                           "started 1 2 3 hash=0x12",
                           "started 1 2 3 hash=12345678901234567"};
    for (const char* line : lines) {
        event untouched = full_event();
        EXPECT_FALSE(parse(line, untouched)) << line;
        EXPECT_EQ(untouched, full_event());
    }
}

TEST(trace_line, every_cut_and_every_flip_is_read_or_refused) {
    const std::string whole = format(full_event());
    for (std::size_t at = 0; at < whole.size(); ++at) {
        event ignored;
        (void)parse(std::string_view(whole).substr(0, at), ignored);
        for (const char letter : {'\0', ' ', '=', ',', ':', '.', '%', '9', 'f', '\xff'}) {
            std::string changed = whole;
            changed[at] = letter;
            event back;
            if (parse(changed, back)) {
                EXPECT_EQ(round_trip(back), back);
            }
        }
    }
}

TEST(trace_line, a_digest_tells_messages_apart) {
    constexpr std::array one{std::byte{1}, std::byte{2}};
    constexpr std::array other{std::byte{1}, std::byte{3}};
    EXPECT_EQ(digest(one), digest(one));
    EXPECT_NE(digest(one), digest(other));
    EXPECT_NE(digest({}), digest(one));
    // XXH3 of nothing, so that traces of different builds can be compared.
    EXPECT_EQ(digest({}), 0x2d06800538d394c2U);
}

} // namespace

} // namespace coterie::trace

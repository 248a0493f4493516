// SPDX-License-Identifier: BSD-3-Clause
// The ring of records: what goes in comes out, in order and whole, at every offset; neither end follows a lie.
#include "ipc/ring.hpp"

#include "base/random.hpp"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace coterie::ipc {

namespace {

/// A ring in ordinary memory with both its ends.
struct small_ring {
    explicit small_ring(std::size_t capacity = ring_bytes_min)
        : memory(std::make_unique<std::uint64_t[]>(capacity / sizeof(std::uint64_t))),
          space(std::as_writable_bytes(std::span(memory.get(), capacity / sizeof(std::uint64_t)))),
          writer(counts, space),
          reader(counts, space) {}

    bool write(std::string_view text, std::uint32_t tag = 1) {
        std::byte* const body = writer.reserve(text.size(), tag);
        if (body != nullptr) {
            std::memcpy(body, text.data(), text.size());
            writer.publish();
        }
        return body != nullptr;
    }
    /// The next record's text, or nothing; its space is given back.
    std::optional<std::string> read() {
        const auto found = reader.take();
        if (!found) {
            return std::nullopt;
        }
        std::string result(reinterpret_cast<const char*>(found->body.data()), found->body.size());
        reader.release(found->end);
        return result;
    }

    ring_counts counts{};
    std::unique_ptr<std::uint64_t[]> memory;
    std::span<std::byte> space;
    ring_writer writer;
    ring_reader reader;
};

std::string text_of(std::size_t bytes, std::size_t number) {
    std::string result(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) {
        result[i] = static_cast<char>('a' + (number * 7 + i) % 26);
    }
    return result;
}

} // namespace

TEST(ipc_ring, gives_back_what_was_written_in_order_with_its_tag) {
    small_ring ring;
    EXPECT_FALSE(ring.read());
    ASSERT_TRUE(ring.write("one", 7));
    ASSERT_TRUE(ring.write("", 9));
    ASSERT_TRUE(ring.write("three"));
    const auto first = ring.reader.take();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->tag, 7U);
    EXPECT_EQ(first->body.size(), 3U);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first->body.data()) % record_alignment, 0U);
    EXPECT_EQ(ring.reader.take()->tag, 9U);
    EXPECT_EQ(ring.read(), "three");
    EXPECT_TRUE(ring.reader.empty());
}

TEST(ipc_ring, shows_nothing_before_it_is_published) {
    small_ring ring;
    ASSERT_NE(ring.writer.reserve(10, 1), nullptr);
    EXPECT_TRUE(ring.writer.has_unpublished());
    EXPECT_TRUE(ring.reader.empty());
    ring.writer.publish();
    EXPECT_FALSE(ring.reader.empty());
}

TEST(ipc_ring, carries_every_size_over_every_place_of_its_end) {
    small_ring ring;
    base::random_source random(1);
    std::size_t sent = 0;
    std::size_t got = 0;
    std::vector<std::size_t> sizes;
    while (got < 20'000) {
        const std::size_t size = random.below(body_bytes_max(ring_bytes_min) + 1);
        if (ring.write(text_of(size, sent))) {
            sizes.push_back(size);
            ++sent;
        } else {
            ASSERT_EQ(ring.read(), text_of(sizes[got], got));
            ++got;
        }
        if (random.below(16) == 0) {
            while (got < sent) {
                ASSERT_EQ(ring.read(), text_of(sizes[got], got));
                ++got;
            }
        }
    }
    EXPECT_FALSE(ring.writer.corrupt() || ring.reader.corrupt());
}

TEST(ipc_ring, has_room_again_only_for_what_was_released) {
    small_ring ring;
    const std::string text(body_bytes_max(ring_bytes_min), 'x');
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(ring.write(text));
    }
    EXPECT_FALSE(ring.writer.has_room(0));
    const auto first = ring.reader.take();
    const auto second = ring.reader.take();
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(ring.write("")) << "taken is not released";
    ring.reader.release(first->end);
    EXPECT_TRUE(ring.writer.has_room(text.size()));
    EXPECT_FALSE(ring.writer.has_room(text.size(), 1)) << "what is kept free stays free";
    EXPECT_TRUE(ring.write(text));
    EXPECT_FALSE(ring.write(""));
}

TEST(ipc_ring, finds_room_for_the_largest_record_whenever_it_is_empty) {
    small_ring ring;
    for (std::size_t i = 0; i < 2'000; ++i) {
        ASSERT_TRUE(ring.write(text_of(i % 100, i)));
        ASSERT_TRUE(ring.read());
        ASSERT_TRUE(ring.write(text_of(body_bytes_max(ring_bytes_min), i)));
        ASSERT_EQ(ring.read(), text_of(body_bytes_max(ring_bytes_min), i));
    }
}

TEST(ipc_ring, light_traffic_stays_in_its_first_pages) {
    small_ring ring(std::size_t{1} << 20U);
    for (std::size_t i = 0; i < 100'000; ++i) {
        ASSERT_TRUE(ring.write(text_of(100, i)));
        ASSERT_EQ(ring.read(), text_of(100, i));
    }
    const auto beyond = ring.space.subspan(std::size_t{256} << 10U);
    EXPECT_TRUE(std::all_of(beyond.begin(), beyond.end(), [](std::byte each) { return each == std::byte{0}; }));
}

constexpr std::size_t large_capacity = std::size_t{8} << 20U;

TEST(ipc_ring, small_records_stay_in_the_small_part_of_a_large_ring) {
    small_ring ring(large_capacity);
    base::random_source random(2);
    // Full, then half empty, again and again: it never runs empty.
    std::size_t sent = 0;
    std::size_t got = 0;
    while (got < 100'000) {
        while (ring.write(text_of(1 + sent % 1'000, sent))) {
            ++sent;
        }
        EXPECT_GT(sent - got, 1'000U) << "all of the small part is used";
        for (std::uint64_t last = sent - random.below((sent - got) / 2); got < last; ++got) {
            ASSERT_EQ(ring.read(), text_of(1 + got % 1'000, got));
        }
    }
    const auto beyond = ring.space.subspan(small_part_bytes + record_head_bytes); // where the rest is skipped
    EXPECT_TRUE(std::all_of(beyond.begin(), beyond.end(), [](std::byte each) { return each == std::byte{0}; }));
}

TEST(ipc_ring, a_large_ring_carries_large_and_small_records_in_any_mix) {
    for (const std::uint64_t large_of_100 : {1U, 30U, 95U}) {
        small_ring ring(large_capacity);
        base::random_source random(large_of_100);
        constexpr std::size_t kept = 1'024;
        std::size_t sent = 0;
        std::size_t got = 0;
        std::vector<std::size_t> sizes;
        while (got < 2'000) {
            const bool large = random.below(100) < large_of_100;
            const std::size_t size = random.below(large ? body_bytes_max(large_capacity) + 1 : 2'000);
            std::byte* const place = ring.writer.reserve(size, 1, kept);
            if (place != nullptr) {
                std::memset(place, static_cast<int>(sent % 251), size);
                ring.writer.publish();
                sizes.push_back(size);
                ++sent;
                continue;
            }
            EXPECT_LT(got, sent) << "an empty ring takes everything";
            // Whatever it is full of, there is room for one that somebody waits for.
            EXPECT_TRUE(ring.writer.has_room(kept - record_head_bytes, 0, fit::anyhow));
            for (std::uint64_t some = random.below(sent - got) + 1; some > 0; --some, ++got) {
                const auto found = ring.reader.take();
                ASSERT_TRUE(found);
                ASSERT_EQ(found->body.size(), sizes[got]);
                ASSERT_TRUE(std::ranges::all_of(
                    found->body, [&](std::byte each) { return each == static_cast<std::byte>(got % 251); }));
                ring.reader.release(found->end);
            }
            EXPECT_TRUE(got < sent || ring.reader.is_half_free(0)) << "an empty ring is free enough for anybody";
        }
        EXPECT_FALSE(ring.writer.corrupt() || ring.reader.corrupt());
    }
}

TEST(ipc_ring, a_writer_does_not_believe_a_reader_that_lies) {
    for (const std::uint64_t lie : {std::uint64_t{24}, std::uint64_t{1}, ~std::uint64_t{0}, std::uint64_t{1} << 40U}) {
        small_ring ring;
        ASSERT_TRUE(ring.write("12345678"));
        ring.counts.released = lie;
        static_cast<void>(ring.writer.released());
        EXPECT_TRUE(ring.writer.corrupt()) << lie;
        EXPECT_FALSE(ring.write("more"));
    }
    small_ring ring;
    ASSERT_TRUE(ring.write("12345678"));
    ASSERT_TRUE(ring.read());
    EXPECT_EQ(ring.writer.released(), 16U);
    ring.counts.released = 8;
    static_cast<void>(ring.writer.released());
    EXPECT_TRUE(ring.writer.corrupt()) << "it takes back what it gave";
}

TEST(ipc_ring, a_reader_does_not_believe_a_writer_that_lies) {
    for (const std::uint64_t lie : {std::uint64_t{1}, std::uint64_t{ring_bytes_min + 8}, ~std::uint64_t{7}}) {
        small_ring ring;
        ring.counts.written = lie;
        EXPECT_FALSE(ring.reader.take());
        EXPECT_TRUE(ring.reader.corrupt()) << lie;
    }
    for (const std::uint64_t head : {~std::uint64_t{0}, std::uint64_t{1} << 32U | 17U, std::uint64_t{0xFFFF'FFF0U}}) {
        small_ring ring;
        ASSERT_TRUE(ring.write("1234567890123456"));
        std::memcpy(ring.space.data(), &head, sizeof(head));
        EXPECT_FALSE(ring.reader.take()) << "a record that is longer than what was written";
        EXPECT_TRUE(ring.reader.corrupt());
    }
}

TEST(ipc_ring, no_nonsense_leads_a_reader_outside) {
    base::random_source random(2);
    for (int run = 0; run < 2'000; ++run) {
        small_ring ring;
        for (std::size_t at = 0; at < ring.space.size(); at += 8) {
            const std::uint64_t value = random.below(3) == 0 ? random.next() : random.below(200);
            std::memcpy(ring.space.data() + at, &value, sizeof(value));
        }
        ring.counts.written = random.below(ring_bytes_min / 8 + 1) * 8;
        while (const auto found = ring.reader.take()) {
            ASSERT_GE(found->body.data(), ring.space.data());
            ASSERT_LE(found->body.data() + found->body.size(), ring.space.data() + ring.space.size());
        }
    }
}

TEST(ipc_ring, two_threads_see_the_same_records) {
    small_ring ring(std::size_t{16} << 10U);
    constexpr std::size_t count = 50'000;
    std::jthread writing([&] {
        for (std::size_t i = 0; i < count; ++i) {
            while (!ring.write(text_of(i % 300, i), static_cast<std::uint32_t>(i + 1))) {
                std::this_thread::yield();
            }
        }
    });
    for (std::size_t i = 0; i < count; ++i) {
        auto found = ring.reader.take();
        while (!found) {
            std::this_thread::yield();
            found = ring.reader.take();
        }
        ASSERT_EQ(found->tag, i + 1);
        ASSERT_EQ(std::string(reinterpret_cast<const char*>(found->body.data()), found->body.size()),
                  text_of(i % 300, i));
        ring.reader.release(found->end);
    }
}

} // namespace coterie::ipc

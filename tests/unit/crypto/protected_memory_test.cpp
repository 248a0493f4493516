// SPDX-License-Identifier: BSD-3-Clause
// Memory for keys is not shared, is wiped, and is marked so that core files leave it out.
#include "crypto/protected_memory.hpp"

#include "base/random.hpp"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <vector>

namespace coterie::crypto {
namespace {

/// The flags that the kernel shows for the memory around `where`.
std::string flags_of(const void* where) {
    const auto wanted = reinterpret_cast<std::uintptr_t>(where);
    std::ifstream maps("/proc/self/smaps");
    bool inside = false;
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t from = 0;
        std::uintptr_t to = 0;
        char dash = 0;
        std::istringstream range(line);
        if (range >> std::hex >> from >> dash >> to && dash == '-') {
            inside = wanted >= from && wanted < to;
        } else if (inside && line.starts_with("VmFlags:")) {
            return line + " ";
        }
    }
    return {};
}

TEST(protected_memory, is_left_out_of_core_files) {
    for (const std::size_t bytes : {1U, 100U, 5'000U, 100'000U, 1'000'000U}) {
        const secret some(bytes);
        EXPECT_NE(flags_of(some.bytes().data()).find(" dd "), std::string::npos) << bytes;
    }
    const std::vector<std::byte> ordinary(1'000);
    EXPECT_EQ(flags_of(ordinary.data()).find(" dd "), std::string::npos);
}

TEST(protected_memory, is_locked_unless_it_says_otherwise) {
    // Sanitizers take the call and do nothing.
    const std::vector<std::byte> mine(100'000);
    const bool taken = ::mlock(mine.data(), mine.size()) == 0;
    const bool does_nothing = taken && flags_of(mine.data() + 50'000).find(" lo ") == std::string::npos;
    ::munlock(mine.data(), mine.size());
    if (does_nothing) {
        GTEST_SKIP() << "SKIPPED: mlock locks nothing here";
    }
    const secret some(100);
    EXPECT_EQ(flags_of(some.bytes().data()).find(" lo ") != std::string::npos, protected_is_locked());
}

TEST(protected_memory, is_wiped_when_it_is_given_back) {
    const std::byte* where = nullptr;
    {
        secret some(200);
        std::ranges::fill(some.bytes(), std::byte{0x5A});
        where = some.bytes().data();
    }
    const secret again(200);
    ASSERT_EQ(again.bytes().data(), where) << "blocks are used again";
    EXPECT_TRUE(std::ranges::all_of(again.bytes(), [](std::byte each) { return each == std::byte{0}; }));
}

TEST(protected_memory, never_hands_out_the_same_twice) {
    base::random_source random(3);
    struct block {
        std::span<std::byte> bytes;
        std::byte mark;
    };
    std::vector<block> held;
    for (int step = 0; step < 20'000; ++step) {
        if (held.size() < 100 && random.chance(1, 2)) {
            const std::size_t size = 1 + random.below(random.chance(1, 50) ? 100'000 : 3'000);
            auto* const memory = static_cast<std::byte*>(protected_allocate(size));
            ASSERT_NE(memory, nullptr);
            ASSERT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 16, 0U);
            held.push_back({{memory, size}, static_cast<std::byte>(step)});
            std::ranges::fill(held.back().bytes, held.back().mark);
        } else if (!held.empty()) {
            const auto at = held.begin() + static_cast<std::ptrdiff_t>(random.below(held.size()));
            ASSERT_TRUE(std::ranges::all_of(at->bytes, [&](std::byte each) { return each == at->mark; }));
            protected_release(at->bytes.data());
            held.erase(at);
        }
    }
    for (const block& each : held) {
        protected_release(each.bytes.data());
    }
}

} // namespace
} // namespace coterie::crypto

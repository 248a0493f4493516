// SPDX-License-Identifier: BSD-3-Clause
// What a process costs, with this one for an example.
#include "bench/footprint.hpp"

#include <cstring>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace coterie::bench {

TEST(footprint, tells_what_this_process_uses_more_than_before) {
    const auto before = footprint_of(::getpid());
    ASSERT_TRUE(before) << before.error();
    constexpr std::size_t size = 8U << 20U;
    void* const shared = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(shared, MAP_FAILED);
    std::memset(shared, 1, size);
    const int descriptor = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const auto after = footprint_of(::getpid());
    ASSERT_TRUE(after) << after.error();
    EXPECT_GE(after->shared_kib, before->shared_kib + size / 1'024);
    EXPECT_GE(after->rss_kib, before->rss_kib + size / 1'024);
    EXPECT_GE(after->peak_kib, after->rss_kib / 2);
    EXPECT_EQ(after->descriptors, before->descriptors + 1);
    EXPECT_GT(after->maps, before->maps);
    EXPECT_GT(after->processor_seconds, before->processor_seconds);
    ::close(descriptor);
    ::munmap(shared, size);
}

TEST(footprint, says_when_there_is_no_such_process) {
    const auto none = footprint_of(0x7FFF'FFFF);
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error(), testing::HasSubstr("there is no process 2147483647"));
}

} // namespace coterie::bench

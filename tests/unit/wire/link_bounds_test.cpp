// SPDX-License-Identifier: BSD-3-Clause
// The bounds of the packet between transports: what its decoder refuses although the seal is good, and what its encoder
// never writes.
#include "tests/support/altered_body.hpp"

#include <gtest/gtest.h>

namespace coterie::tests {
namespace {

using wire::link_probe;

TEST(link_probe_bounds, there_are_eight_links) {
    EXPECT_TRUE(altered_body(sample<link_probe>()).put(0, std::uint8_t{0}).accepted<link_probe>());
    EXPECT_TRUE(altered_body(sample<link_probe>()).put(0, std::uint8_t{7}).accepted<link_probe>());
    EXPECT_FALSE(altered_body(sample<link_probe>()).put(0, std::uint8_t{8}).accepted<link_probe>());
    EXPECT_FALSE(altered_body(sample<link_probe>()).put(0, std::uint8_t{255}).accepted<link_probe>());
}

TEST(link_probe_bounds, rounds_begin_with_one) { EXPECT_TRUE(judges_counter<link_probe>(1, 1)); }

TEST(link_probe_bounds, any_life_may_be_answered_and_none) {
    for (const std::uint64_t nonce : {std::uint64_t{0}, ~std::uint64_t{0}}) {
        EXPECT_TRUE(altered_body(sample<link_probe>()).put(9, nonce).accepted<link_probe>());
    }
}

TEST(link_probe_bounds_death, encoders_refuse_to_write_what_decoders_refuse_to_read) {
    base::buffer_pool pool;
    EXPECT_DEATH(static_cast<void>(wire::encode(pool, sender, link_probe{.link = {8}, .round = 1, .answered = {}})),
                 "an encoded link probe is within its bounds");
    EXPECT_DEATH(static_cast<void>(wire::encode(pool, sender, link_probe{.link = {1}, .round = 0, .answered = {}})),
                 "an encoded link probe is within its bounds");
}

} // namespace
} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// The bounds of the packets between transports: what their decoders refuse although the seal is good, and what their
// encoders never write.
#include "tests/support/altered_body.hpp"

#include <gtest/gtest.h>

namespace coterie::tests {
namespace {

using wire::life_proof;
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

TEST(life_proof_bounds, it_is_for_somebody) {
    EXPECT_FALSE(altered_body(sample<life_proof>()).put(0, std::uint32_t{0}).accepted<life_proof>());
}

TEST(life_proof_bounds, questions_are_counters_or_none) {
    EXPECT_TRUE(judges_counter<life_proof>(4, 0));
    EXPECT_TRUE(judges_counter<life_proof>(20, 1));
}

TEST(life_proof_bounds, an_answer_names_whom_it_answers) {
    EXPECT_FALSE(altered_body(sample<life_proof>()).put(12, std::uint64_t{0}).accepted<life_proof>());
    EXPECT_FALSE(altered_body(sample<life_proof>()).put(20, std::uint64_t{0}).accepted<life_proof>());
    EXPECT_TRUE(
        altered_body(sample<life_proof>()).put(12, std::uint64_t{0}).put(20, std::uint64_t{0}).accepted<life_proof>());
}

TEST(life_proof_bounds_death, encoders_refuse_to_write_what_decoders_refuse_to_read) {
    base::buffer_pool pool;
    EXPECT_DEATH(static_cast<void>(wire::encode(pool, sender, life_proof{})),
                 "an encoded proof of life is within its bounds");
}

} // namespace
} // namespace coterie::tests

// SPDX-License-Identifier: BSD-3-Clause
// A small deterministic source of random numbers. State machines and the simulator get one passed in, seeded; the same
// seed gives the same run on every platform, which the standard library's distributions do not promise.
#pragma once

#include <cstdint>

namespace coterie::base {

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): 64 bits of state, full period. Not for secrets.
class random_source {
public:
    explicit constexpr random_source(std::uint64_t seed) : _state(seed) {}

    /// The next 64 random bits.
    constexpr std::uint64_t next() {
        _state += 0x9E3779B97F4A7C15U;
        std::uint64_t bits = _state;
        bits = (bits ^ (bits >> 30U)) * 0xBF58476D1CE4E5B9U;
        bits = (bits ^ (bits >> 27U)) * 0x94D049BB133111EBU;
        return bits ^ (bits >> 31U);
    }

    /// A number in [0, bound); 0 when `bound` is 0. The bias is below bound / 2^64.
    constexpr std::uint64_t below(std::uint64_t bound) {
        __extension__ using wide = unsigned __int128;
        return static_cast<std::uint64_t>((static_cast<wide>(next()) * bound) >> 64U);
    }

    /// A number in [low, high]; `low` must not be greater.
    constexpr std::int64_t between(std::int64_t low, std::int64_t high) {
        const auto first = static_cast<std::uint64_t>(low);
        const std::uint64_t count = static_cast<std::uint64_t>(high) - first + 1U; // 0 stands for all 2^64
        return static_cast<std::int64_t>(first + (count == 0 ? next() : below(count)));
    }

    /// True with a probability of `numerator` in `denominator`.
    constexpr bool chance(std::uint64_t numerator, std::uint64_t denominator) { return below(denominator) < numerator; }

private:
    std::uint64_t _state;
};

} // namespace coterie::base

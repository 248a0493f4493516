// SPDX-License-Identifier: BSD-3-Clause
// Tells datagrams that have come before from new ones, by the counter in their header: what is sent on several links
// comes several times. Remembers the latest few thousand of one life of one sender.
#pragma once

#include "base/ids.hpp"

#include <array>
#include <cstdint>

namespace coterie::net {

class duplicate_filter {
public:
    /// Whether this datagram is a new one, as far as can be told; from now on it is not. Only for datagrams whose tag is
    /// good, or strangers could make it forget.
    [[nodiscard]] bool is_new(base::incarnation life, std::uint64_t counter) {
        if (life != _life) {
            _life = life;
            _highest = 0;
            _seen.fill(0);
        }
        if (counter > _highest) {
            forget(counter - _highest);
            _highest = counter;
        } else if (_highest - counter >= remembered) {
            return true;
        }
        std::uint64_t& word = _seen[counter % remembered / word_bits];
        const std::uint64_t bit = std::uint64_t{1} << (counter % word_bits);
        const bool result = (word & bit) == 0;
        word |= bit;
        return result;
    }

private:
    static constexpr std::uint64_t remembered = 8'192;
    static constexpr std::uint64_t word_bits = 64;

    /// Makes room for the `count` counters that follow the highest.
    void forget(std::uint64_t count) {
        if (count >= remembered) {
            _seen.fill(0);
            return;
        }
        for (std::uint64_t counter = _highest + 1; counter <= _highest + count; ++counter) {
            _seen[counter % remembered / word_bits] &= ~(std::uint64_t{1} << (counter % word_bits));
        }
    }

    base::incarnation _life;
    std::uint64_t _highest = 0;
    std::array<std::uint64_t, remembered / word_bits> _seen{};
};

} // namespace coterie::net

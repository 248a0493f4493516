// SPDX-License-Identifier: BSD-3-Clause
// Which of a sender's latest few thousand packet counters have come. What is older cannot be told any more.
#pragma once

#include <array>
#include <cstdint>

namespace coterie::crypto {

class replay_window {
public:
    static constexpr std::uint64_t remembered = 8'192;

    enum class verdict : std::uint8_t { fresh, seen, too_old };
    [[nodiscard]] verdict judge(std::uint64_t counter) const {
        if (counter > _highest) {
            return verdict::fresh;
        }
        if (_highest - counter >= remembered || counter < _first) {
            return verdict::too_old;
        }
        return (word_of(counter) & bit_of(counter)) != 0 ? verdict::seen : verdict::fresh;
    }
    /// One that is not too old has come. Only if its tag is good, or strangers could make it forget.
    void add(std::uint64_t counter) {
        if (counter > _highest) {
            forget(counter - _highest);
            _highest = counter;
        }
        word_of(counter) |= bit_of(counter);
    }
    /// Begins anew: what lies below `counter` is too old, whatever has come of it.
    void begin(std::uint64_t counter) {
        _seen.fill(0);
        _first = counter;
        _highest = counter == 0 ? 0 : counter - 1;
    }

private:
    static constexpr std::uint64_t word_bits = 64;
    using words = std::array<std::uint64_t, remembered / word_bits>;

    static constexpr std::uint64_t bit_of(std::uint64_t counter) { return std::uint64_t{1} << (counter % word_bits); }
    [[nodiscard]] std::uint64_t word_of(std::uint64_t counter) const { return _seen[counter % remembered / word_bits]; }
    [[nodiscard]] std::uint64_t& word_of(std::uint64_t counter) { return _seen[counter % remembered / word_bits]; }

    /// Makes room for the `count` counters that follow the highest.
    void forget(std::uint64_t count) {
        if (count >= remembered) {
            _seen.fill(0);
            return;
        }
        for (std::uint64_t counter = _highest + 1; counter <= _highest + count; ++counter) {
            word_of(counter) &= ~bit_of(counter);
        }
    }

    std::uint64_t _first = 0;
    std::uint64_t _highest = 0;
    words _seen{};
};

} // namespace coterie::crypto

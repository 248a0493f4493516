// SPDX-License-Identifier: BSD-3-Clause
// What a test does next, as a string of bytes says: random bytes of a test and a fuzzer's input are read alike, so what one
// finds the other replays.
#pragma once

#include "base/bytes.hpp"

#include <algorithm>
#include <cstdint>

namespace coterie::tests {

/// Choices taken from bytes; zeros when they have run out.
class whims {
public:
    explicit whims(base::bytes_view bytes) : _bytes(bytes) {}

    [[nodiscard]] bool over() const { return _at >= _bytes.size(); }
    std::uint8_t byte() { return over() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(_bytes[_at++]); }
    std::uint32_t below(std::uint32_t bound) { return bound == 0 ? 0 : byte() % bound; }
    bool chance(std::uint32_t in) { return below(in) == 0; }
    template <class Number>
    Number any() {
        Number result = 0;
        for (std::size_t at = 0; at < sizeof(Number); ++at) {
            result = static_cast<Number>(result | static_cast<Number>(Number{byte()} << (8 * at)));
        }
        return result;
    }
    base::bytes_view run(std::size_t count) {
        const std::size_t taken = std::min(count, _bytes.size() - std::min(_at, _bytes.size()));
        const base::bytes_view result = _bytes.subspan(std::min(_at, _bytes.size()), taken);
        _at += taken;
        return result;
    }

private:
    base::bytes_view _bytes;
    std::size_t _at = 0;
};

} // namespace coterie::tests

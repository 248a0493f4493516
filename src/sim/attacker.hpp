// SPDX-License-Identifier: BSD-3-Clause
// Somebody on the simulated network who has no key: records what passes, from the first life of every node on, and sends it
// again at any time, to whom it was not meant as well, as it was or altered. Only where packets are encrypted: without, this
// is not survived.
#pragma once

#include "base/buffer.hpp"
#include "base/random.hpp"
#include "wire/codec.hpp"

#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

namespace coterie::sim {

class attacker {
public:
    struct habits {
        std::uint32_t replays = 0; ///< of a million datagrams that pass, how many are followed by one of the recording
        std::uint32_t forgeries = 0; ///< the same of altered ones
    };
    attacker(const habits& how, std::uint64_t seed, base::buffer_pool& pool) : _how(how), _random(seed), _pool(pool) {}

    /// Hears a datagram. What it sends because of that, if anything, is for whom the datagram was, or for anybody.
    [[nodiscard]] std::optional<base::buffer> hear(const base::buffer& packet) {
        record(packet);
        const std::uint64_t mood = _random.below(1'000'000);
        const base::buffer& chosen = _recording[_random.below(_recording.size())];
        if (mood < _how.replays) {
            return chosen;
        }
        if (mood < std::uint64_t{_how.replays} + _how.forgeries) {
            return altered(chosen);
        }
        return std::nullopt;
    }
    /// Which of so many nodes it sends to.
    [[nodiscard]] std::size_t choose(std::size_t nodes) { return _random.below(nodes); }

private:
    static constexpr std::size_t recorded_max = 4'096;

    /// A sample of all that ever passed: old lives stay in it.
    void record(const base::buffer& packet) {
        ++_heard;
        if (_recording.size() < recorded_max) {
            _recording.push_back(packet);
        } else if (const std::uint64_t at = _random.below(_heard); at < recorded_max) {
            _recording[at] = packet;
        }
    }

    /// Fields of the header as somebody would choose them who knows what they mean, or any bits.
    base::buffer altered(const base::buffer& packet) {
        base::buffer result = _pool.copy(packet.bytes());
        const std::span<std::byte> bytes = result.writable();
        const auto put = [&](std::size_t offset, auto value) { std::memcpy(&bytes[offset], &value, sizeof(value)); };
        switch (_random.below(5)) {
        case 0: put(16, static_cast<std::uint32_t>(1 + _random.below(8))); break;                    // another sender
        case 1: put(32, static_cast<std::uint64_t>(_random.below(1'000'000))); break;                // another counter
        case 2: put(24, _random.next() | 1U); break;                                                 // another life
        case 3: put(5, static_cast<std::uint8_t>(1 + _random.below(wire::packet_kinds - 1))); break; // another kind
        default: bytes[_random.below(bytes.size())] ^= static_cast<std::byte>(1U << _random.below(8)); break;
        }
        return result;
    }

    habits _how;
    base::random_source _random;
    base::buffer_pool& _pool;
    std::vector<base::buffer> _recording;
    std::uint64_t _heard = 0;
};

} // namespace coterie::sim

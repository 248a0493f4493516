// SPDX-License-Identifier: BSD-3-Clause
// The repair store of one view: every numbered packet from the last released one on, own or received, until all members
// have it. A ring of slots; nothing in it ever changes its number.
#pragma once

#include "base/buffer.hpp"
#include "base/bytes.hpp"
#include "ring/settings.hpp"

#include <cstdint>
#include <vector>

namespace coterie::ring {

/// A numbered packet: where its payload lies and what order needs to know of it.
struct stored_packet {
    base::buffer packet;
    base::bytes_view payload;
    node_id originator;
    std::uint8_t flags{}; ///< wire::data::flag, without repair
};

class packet_store {
public:
    /// Room for `capacity` packets beyond the released ones; payload of numbers up to `uncounted` is not counted.
    packet_store(std::size_t capacity, sequence_number uncounted);

    /// Whether the number lies in the range that the store can hold.
    [[nodiscard]] bool in_range(sequence_number number) const {
        return number > _released && number.since(_released) <= _capacity;
    }
    /// Keeps a packet; false if the number is out of range or there already.
    bool insert(sequence_number number, stored_packet packet);
    /// The packet of that number, or null.
    [[nodiscard]] const stored_packet* find(sequence_number number) const;
    /// Takes the next number as received and released at once; nothing may be kept.
    void pass(sequence_number number);
    /// Lets go of everything up to `number`, which must have been received.
    void release(sequence_number number);

    /// Everything up to here has been received.
    [[nodiscard]] sequence_number received() const { return _received; }
    /// The highest number there is.
    [[nodiscard]] sequence_number highest() const { return _highest; }
    [[nodiscard]] sequence_number released() const { return _released; }
    /// Payload bytes of all released packets.
    [[nodiscard]] std::uint64_t released_bytes() const { return _released_bytes; }
    [[nodiscard]] std::size_t size() const { return _size; }
    [[nodiscard]] std::size_t capacity() const { return _capacity; }

private:
    [[nodiscard]] std::size_t slot_of(sequence_number number) const { return number.value & (_slots.size() - 1); }
    void grow(std::size_t distance);

    std::size_t _capacity;
    std::vector<stored_packet> _slots; ///< a power of two that grows on demand; number n lies at n modulo that
    sequence_number _uncounted;
    sequence_number _released;
    sequence_number _received;
    sequence_number _highest;
    std::uint64_t _released_bytes = 0;
    std::size_t _size = 0;
};

} // namespace coterie::ring

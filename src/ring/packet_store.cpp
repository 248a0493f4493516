// SPDX-License-Identifier: BSD-3-Clause
// The slots behind packet_store.
#include "ring/packet_store.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <bit>

namespace coterie::ring {

namespace {
constexpr std::size_t slots_min = 64;
}

packet_store::packet_store(std::size_t capacity, sequence_number uncounted)
    : _capacity(capacity),
      _slots(slots_min),
      _uncounted(uncounted) {}

void packet_store::grow(std::size_t distance) {
    std::vector<stored_packet> larger(std::bit_ceil(distance));
    for (sequence_number number = _released.next(); number <= _highest; number = number.next()) {
        larger[number.value & (larger.size() - 1)] = std::move(_slots[slot_of(number)]);
    }
    _slots = std::move(larger);
}

bool packet_store::insert(sequence_number number, stored_packet packet) {
    if (!in_range(number)) {
        return false;
    }
    if (number.since(_released) > _slots.size()) {
        grow(number.since(_released));
    }
    stored_packet& slot = _slots[slot_of(number)];
    if (slot.packet) {
        return false;
    }
    slot = std::move(packet);
    ++_size;
    _highest = std::max(_highest, number);
    while (_received < _highest && _slots[slot_of(_received.next())].packet) {
        _received = _received.next();
    }
    return true;
}

const stored_packet* packet_store::find(sequence_number number) const {
    if (!in_range(number)) {
        return nullptr;
    }
    if (number.since(_released) > _slots.size()) {
        return nullptr;
    }
    const stored_packet& slot = _slots[slot_of(number)];
    return slot.packet ? &slot : nullptr;
}

void packet_store::pass(sequence_number number) {
    COTERIE_ASSERT(_size == 0 && number == _highest.next(), "where nobody keeps packets, numbers follow each other");
    _highest = number;
    _received = number;
    _released = number;
}

void packet_store::release(sequence_number number) {
    COTERIE_ASSERT(number <= _received, "only received packets are released");
    while (_released < number) {
        _released = _released.next();
        stored_packet& slot = _slots[slot_of(_released)];
        if (_released > _uncounted) {
            _released_bytes += slot.payload.size();
        }
        slot = stored_packet{};
        --_size;
    }
}

} // namespace coterie::ring

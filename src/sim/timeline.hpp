// SPDX-License-Identifier: BSD-3-Clause
// The simulator's queue of what happens next: small plain records in a four-ary heap, ordered by time and, at the same
// time, by who was put in first. That order is the whole of the simulator's notion of simultaneity.
#pragma once

#include "base/assert.hpp"
#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace coterie::sim {

using base::duration;
using base::time_point;

/// What kind of thing happens; who handles it and what `value` means follows from it.
enum class happening : std::uint16_t {
    datagram,     ///< value: a slot of the network's flights
    node_wakes,   ///< place: a node; value: the generation of its timer
    node_drains,  ///< place: a node; value: the generation of its socket
    node_resumes, ///< place: a node; value: the generation of its pause
    written,      ///< place: a node; value: the generation of its disk
    refused,      ///< place: the node that is told; value: the place of the node whose port refused
    client_acts,  ///< value: a client; its traffic has its turn
    client_reads, ///< value: a client; it dispatches what waits for it
    action,       ///< value: a slot of the world's actions
};

struct occurrence {
    time_point at;
    std::uint64_t order;
    happening what;
    std::uint16_t place;
    std::uint32_t value;

    [[nodiscard]] bool before(const occurrence& other) const {
        return at != other.at ? at < other.at : order < other.order;
    }
};

/// Pending occurrences. Nothing is ever taken out of the middle: what has become pointless is recognised by its owner.
class timeline {
public:
    /// More than this many pending occurrences mean that the simulation feeds itself.
    static constexpr std::size_t pending_max = std::size_t{1} << 24U;

    void put(time_point at, happening what, std::uint16_t place, std::uint32_t value) {
        COTERIE_ASSERT(_heap.size() < pending_max, "the simulation's pending occurrences are bounded");
        _heap.push_back({at, _order++, what, place, value});
        rise(_heap.size() - 1);
    }

    [[nodiscard]] bool empty() const { return _heap.empty(); }
    [[nodiscard]] std::size_t size() const { return _heap.size(); }
    [[nodiscard]] const occurrence& next() const { return _heap.front(); }
    /// How many occurrences were ever put in.
    [[nodiscard]] std::uint64_t total() const { return _order; }

    occurrence take() {
        const occurrence result = _heap.front();
        _heap.front() = _heap.back();
        _heap.pop_back();
        if (!_heap.empty()) {
            sink();
        }
        return result;
    }

private:
    static constexpr std::size_t arity = 4;

    void rise(std::size_t at) {
        const occurrence moving = _heap[at];
        while (at > 0) {
            const std::size_t parent = (at - 1) / arity;
            if (!moving.before(_heap[parent])) {
                break;
            }
            _heap[at] = _heap[parent];
            at = parent;
        }
        _heap[at] = moving;
    }

    void sink() {
        const occurrence moving = _heap.front();
        const std::size_t count = _heap.size();
        std::size_t at = 0;
        for (;;) {
            const std::size_t first = at * arity + 1;
            if (first >= count) {
                break;
            }
            const std::size_t end = first + arity < count ? first + arity : count;
            std::size_t least = first;
            for (std::size_t child = first + 1; child < end; ++child) {
                if (_heap[child].before(_heap[least])) {
                    least = child;
                }
            }
            if (!_heap[least].before(moving)) {
                break;
            }
            _heap[at] = _heap[least];
            at = least;
        }
        _heap[at] = moving;
    }

    std::vector<occurrence> _heap;
    std::uint64_t _order = 0;
};

/// Records that are named by a small number; freed numbers are used again, latest first.
template <class Record>
class slots {
public:
    std::uint32_t put(Record&& record) {
        if (_free.empty()) {
            _records.push_back(std::move(record));
            return static_cast<std::uint32_t>(_records.size() - 1);
        }
        const std::uint32_t slot = _free.back();
        _free.pop_back();
        _records[slot] = std::move(record);
        return slot;
    }

    Record take(std::uint32_t slot) {
        Record result = std::move(_records[slot]);
        _records[slot] = Record{};
        _free.push_back(slot);
        return result;
    }

private:
    std::vector<Record> _records;
    std::vector<std::uint32_t> _free;
};

} // namespace coterie::sim

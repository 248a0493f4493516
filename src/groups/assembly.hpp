// SPDX-License-Identifier: BSD-3-Clause
// Large messages on their way in: the pieces of one message a node, put together in the order in which they are
// delivered. Every daemon assembles every message, since a process may join in the middle of one.
#pragma once

#include "base/buffer.hpp"
#include "groups/service.hpp"
#include "wire/records.hpp"

#include <map>
#include <optional>

namespace coterie::groups {

class assembly_table {
public:
    /// `message_bytes_max` bounds each message; memory is bounded by that times the members of a view.
    assembly_table(base::buffer_pool& pool, std::uint64_t message_bytes_max);

    enum class outcome : std::uint8_t {
        more,        ///< the piece was added
        whole,       ///< it was the last; `take_whole` has the message
        implausible, ///< no honest node sends this; what was there of its message is dropped
    };
    /// `known`: with a first piece, the message itself, where that is known already; nothing is copied then.
    [[nodiscard]] outcome add(node_id from, const wire::piece_record& piece, base::buffer known = {});
    /// The message that the latest `add` completed.
    [[nodiscard]] base::buffer take_whole();
    /// Drops the message under way from this slot, and says whether there was one.
    bool drop(node_id from, wire::slot_number slot);
    void clear();

    /// Bytes of messages that are not whole yet.
    [[nodiscard]] std::uint64_t bytes() const { return _bytes; }

    /// A message that is not whole.
    struct assembly {
        wire::slot_number slot{};
        std::uint64_t total{};
        std::uint64_t come{}; ///< bytes so far
        base::buffer body{};  ///< these, or all of it
        bool known = false;   ///< it is all of it
    };
    [[nodiscard]] const std::map<node_id, assembly>& under_way() const { return _under_way; }

private:
    void append(assembly& to, base::bytes_view piece);

    base::buffer_pool& _pool;
    std::uint64_t _message_bytes_max;
    std::map<node_id, assembly> _under_way;
    base::buffer _whole;
    std::uint64_t _bytes = 0;
};

} // namespace coterie::groups

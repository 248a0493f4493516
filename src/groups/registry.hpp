// SPDX-License-Identifier: BSD-3-Clause
// The local handles: who has which id, which slot, and which process is in which group by which handle. A handle stays
// until its departure has been delivered, also when its client has gone long before.
#pragma once

#include "groups/handle.hpp"

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

namespace coterie::groups {

class registry {
public:
    /// All handles, also those of clients that are gone.
    [[nodiscard]] std::size_t size() const { return _handles.size(); }
    [[nodiscard]] std::size_t open_size() const { return _open; }
    /// Handles that have joined or are joining or leaving.
    [[nodiscard]] std::size_t joins() const { return _by_join.size(); }

    handle& open(std::uint32_t pid, bool ring_views);
    /// The open handle of this id.
    [[nodiscard]] handle* find(handle_id id) const;
    /// The client is gone.
    void close(handle& one);
    /// Ends a closed handle.
    void erase(handle& one);

    /// The handle by which a process is in a group, from its join until its departure has been delivered.
    [[nodiscard]] handle* find(std::uint32_t pid, const std::string& group_name) const;
    [[nodiscard]] handle* find_slot(wire::slot_number slot) const;
    [[nodiscard]] bool slots_used_up() const { return _next_slot == 0; }
    /// The handle's pid and group are its own from now on; gives it a slot.
    void begin_join(handle& one);
    void end_join(handle& one);

    /// Open handles that want to be told of every ring view, by id.
    [[nodiscard]] const std::map<handle_id, handle*>& ring_watchers() const { return _ring_watchers; }

private:
    std::unordered_map<std::uint64_t, std::unique_ptr<handle>> _handles;
    std::unordered_map<wire::slot_number, handle*> _by_slot;
    std::map<std::pair<std::uint32_t, std::string>, handle*> _by_join;
    std::map<handle_id, handle*> _ring_watchers;
    std::uint64_t _next_id = 1;
    wire::slot_number _next_slot = 1; ///< 0: all have been used
    std::size_t _open = 0;
};

} // namespace coterie::groups

// SPDX-License-Identifier: BSD-3-Clause
// Who is in which group, on every node: the ordered state that all members of a view share, plus which local handles
// listen to which group. It only holds the state; what is told to whom is decided above.
#pragma once

#include "groups/handle.hpp"

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace coterie::groups {

struct group {
    std::string name;
    std::vector<process> members;   ///< sorted
    std::vector<handle*> listeners; ///< local handles that are handed its events, in the order of their joins
    std::size_t pauses = 0;         ///< members that are slow
};

/// One join: a process in a group, as its node numbered it.
struct entry {
    process who;
    group* in = nullptr;
    handle* local = nullptr; ///< on the own node
    bool pauses = false;     ///< it is slow
};

/// The joins of one node. Only for look-up, and for walks whose result is sorted afterwards.
using node_table = std::unordered_map<wire::slot_number, entry>;

/// A part of a table as it goes on the wire, with the bytes that its names lie in.
struct table_snapshot {
    std::vector<char> names;
    std::vector<wire::table_record::entry> entries; ///< sorted by slot
};

class tables {
public:
    using group_map = std::map<std::string, std::unique_ptr<group>, std::less<>>;

    [[nodiscard]] const std::map<node_id, node_table>& nodes() const { return _nodes; }
    [[nodiscard]] const group_map& groups() const { return _groups; }
    /// All joins of all nodes.
    [[nodiscard]] std::size_t size() const { return _size; }

    [[nodiscard]] const node_table* find(node_id node) const;
    [[nodiscard]] const entry* find(node_id node, wire::slot_number slot) const;
    [[nodiscard]] group* find_group(std::string_view name) const;
    group& find_or_make_group(std::string_view name);
    [[nodiscard]] static bool has(const group& in, const process& who);

    /// Adds one join. Its slot is free, and the process is not in the group.
    void add(process who, wire::slot_number slot, group& in, handle* local);
    /// Removes one join; the group stays, even when empty.
    void remove(node_id node, wire::slot_number slot);

    /// One join in a bulk change.
    struct join {
        process who;
        wire::slot_number slot{};
    };
    // The same for many joins of one group, sorted by process; cheap for thousands.
    void add(std::span<const join> joins, group& in);
    void remove(std::span<const join> joins, group& in);

    /// Notes that a member is slow, or no longer. True if the group's local senders are held, or free, from now on.
    bool pause(node_id node, wire::slot_number slot, bool begins);
    /// How many groups have slow members.
    [[nodiscard]] std::size_t paused() const { return _paused; }
    [[nodiscard]] std::vector<process> slow_members(const group& in) const; ///< sorted
    /// Nobody is known to be slow any more.
    void forget_pauses();

    void listen(handle& one, group& to);
    void stop_listening(handle& one);
    /// Ends a group that has neither members nor listeners.
    void forget_if_empty(group& one);

    /// The joins of a node, sorted by slot.
    [[nodiscard]] table_snapshot snapshot(node_id node) const;

private:
    std::map<node_id, node_table> _nodes;
    group_map _groups;
    std::size_t _size = 0;
    std::size_t _paused = 0;
};

} // namespace coterie::groups

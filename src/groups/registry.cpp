// SPDX-License-Identifier: BSD-3-Clause
// The indices over local handles.
#include "groups/registry.hpp"

#include "base/assert.hpp"

namespace coterie::groups {

handle& registry::open(std::uint32_t pid, bool ring_views) {
    auto made = std::make_unique<handle>();
    made->id = handle_id{_next_id++};
    made->pid = pid;
    made->ring_views = ring_views;
    handle& result = *made;
    _handles.emplace(result.id.value, std::move(made));
    if (ring_views) {
        _ring_watchers.emplace(result.id, &result);
    }
    ++_open;
    return result;
}

handle* registry::find(handle_id id) const {
    const auto at = _handles.find(id.value);
    return at == _handles.end() || at->second->closed ? nullptr : at->second.get();
}

void registry::close(handle& one) {
    COTERIE_ASSERT(!one.closed, "a handle is closed once");
    one.closed = true;
    _ring_watchers.erase(one.id);
    --_open;
}

void registry::erase(handle& one) {
    COTERIE_ASSERT(one.closed && one.on == nullptr && one.listens == nullptr, "a handle that ends is in no list");
    _handles.erase(one.id.value);
}

handle* registry::find(std::uint32_t pid, const std::string& group_name) const {
    const auto at = _by_join.find({pid, group_name});
    return at == _by_join.end() ? nullptr : at->second;
}

handle* registry::find_slot(wire::slot_number slot) const {
    const auto at = _by_slot.find(slot);
    return at == _by_slot.end() ? nullptr : at->second;
}

void registry::begin_join(handle& one) {
    COTERIE_ASSERT(!slots_used_up(), "a slot is never used twice");
    one.slot = _next_slot++;
    const bool is_new = _by_join.emplace(std::pair{one.pid, one.group_name}, &one).second;
    COTERIE_ASSERT(is_new, "a process joins a group by one handle");
    _by_slot.emplace(one.slot, &one);
}

void registry::end_join(handle& one) {
    _by_join.erase({one.pid, one.group_name});
    _by_slot.erase(one.slot);
}

} // namespace coterie::groups

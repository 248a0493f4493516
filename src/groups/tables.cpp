// SPDX-License-Identifier: BSD-3-Clause
// The tables' arithmetic: sorted member lists and the look-up from a slot to its process and group.
#include "groups/tables.hpp"

#include "base/assert.hpp"
#include "base/mutant.hpp"

#include <algorithm>
#include <iterator>
#include <ranges>

namespace coterie::groups {

const node_table* tables::find(node_id node) const {
    const auto at = _nodes.find(node);
    return at == _nodes.end() ? nullptr : &at->second;
}

const entry* tables::find(node_id node, wire::slot_number slot) const {
    const node_table* joins = find(node);
    if (joins == nullptr) {
        return nullptr;
    }
    const auto at = joins->find(slot);
    return at == joins->end() ? nullptr : &at->second;
}

group* tables::find_group(std::string_view name) const {
    const auto at = _groups.find(name);
    return at == _groups.end() ? nullptr : at->second.get();
}

group& tables::find_or_make_group(std::string_view name) {
    const auto at = _groups.lower_bound(name);
    if (at != _groups.end() && at->first == name) {
        return *at->second;
    }
    auto made = std::make_unique<group>();
    made->name = name;
    return *_groups.emplace_hint(at, std::string(name), std::move(made))->second;
}

bool tables::has(const group& in, const process& who) { return std::ranges::binary_search(in.members, who); }

void tables::add(process who, wire::slot_number slot, group& in, handle* local) {
    const bool is_new = _nodes[who.node].try_emplace(slot, entry{who, &in, local}).second;
    COTERIE_ASSERT(is_new, "a slot names one join");
    ++_size;
    const auto at = std::ranges::lower_bound(in.members, who);
    COTERIE_ASSERT(at == in.members.end() || *at != who, "a process is in a group once");
    in.members.insert(at, who);
}

void tables::remove(node_id node, wire::slot_number slot) {
    const auto joins = _nodes.find(node);
    COTERIE_ASSERT(joins != _nodes.end(), "only known joins are removed");
    const auto at = joins->second.find(slot);
    COTERIE_ASSERT(at != joins->second.end(), "only known joins are removed");
    group& in = *at->second.in;
    const auto member = std::ranges::lower_bound(in.members, at->second.who);
    // A mutant keeps the slots of processes that are no members any more.
    if (member != in.members.end() && *member == at->second.who) {
        in.members.erase(member);
    }
    // Mutant (11), the receivers' half: whoever was a member once may speak for ever.
    if (COTERIE_MUTANT(groups_deliver_from_non_member)) {
        at->second.local = nullptr;
        return;
    }
    joins->second.erase(at);
    --_size;
    if (joins->second.empty()) {
        _nodes.erase(joins);
    }
}

void tables::add(std::span<const join> joins, group& in) {
    const auto old_size = static_cast<std::ptrdiff_t>(in.members.size());
    in.members.reserve(in.members.size() + joins.size());
    for (const join& one : joins) {
        if (_nodes[one.who.node].try_emplace(one.slot, entry{one.who, &in, nullptr}).second) {
            ++_size;
            in.members.push_back(one.who);
        }
    }
    std::ranges::inplace_merge(in.members, in.members.begin() + old_size);
    const auto doubles = std::ranges::unique(in.members);
    in.members.erase(doubles.begin(), doubles.end());
}

void tables::remove(std::span<const join> joins, group& in) {
    for (const join& one : joins) {
        const auto node = _nodes.find(one.who.node);
        if (node == _nodes.end()) {
            continue;
        }
        _size -= node->second.erase(one.slot);
        if (node->second.empty()) {
            _nodes.erase(node);
        }
    }
    std::vector<process> left;
    left.reserve(in.members.size());
    std::ranges::set_difference(in.members, joins | std::views::transform(&join::who), std::back_inserter(left));
    in.members = std::move(left);
}

bool tables::pause(node_id node, wire::slot_number slot, bool begins) {
    entry& one = _nodes.at(node).at(slot);
    COTERIE_ASSERT(one.pauses != begins, "a pause begins once and ends once");
    one.pauses = begins;
    group& in = *one.in;
    const bool before = in.pauses > 0;
    in.pauses = begins ? in.pauses + 1 : in.pauses - 1;
    const bool held = in.pauses > 0;
    if (held != before) {
        _paused = held ? _paused + 1 : _paused - 1;
    }
    for (handle* each : in.listeners) {
        each->held = held;
    }
    return held != before;
}

std::vector<process> tables::slow_members(const group& in) const {
    std::vector<process> result;
    for (const auto& [node, joins] : _nodes) {
        for (const auto& [slot, one] : joins) {
            if (one.in == &in && one.pauses) {
                result.push_back(one.who);
            }
        }
    }
    std::ranges::sort(result);
    return result;
}

void tables::forget_pauses() {
    _paused = 0;
    for (auto& [node, joins] : _nodes) {
        for (auto& [slot, one] : joins) {
            one.pauses = false;
        }
    }
    for (auto& [name, in] : _groups) {
        in->pauses = 0;
        for (handle* each : in->listeners) {
            each->held = false;
        }
    }
}

void tables::listen(handle& one, group& to) {
    if (one.listens == &to) {
        return;
    }
    stop_listening(one);
    to.listeners.push_back(&one);
    one.listens = &to;
    one.held = to.pauses > 0;
}

void tables::stop_listening(handle& one) {
    if (one.listens != nullptr) {
        std::erase(one.listens->listeners, &one);
        one.listens = nullptr;
        one.held = false;
    }
}

void tables::forget_if_empty(group& one) {
    if (one.members.empty() && one.listeners.empty() && !COTERIE_MUTANT(groups_deliver_from_non_member)) {
        const auto at = _groups.find(one.name);
        COTERIE_ASSERT(at != _groups.end(), "a group is found by its name");
        _groups.erase(at);
    }
}

table_snapshot tables::snapshot(node_id node) const {
    table_snapshot result;
    const node_table* joins = find(node);
    if (joins == nullptr) {
        return result;
    }
    std::size_t names_bytes = 0;
    for (const auto& [slot, one] : *joins) {
        names_bytes += one.in->name.size();
    }
    result.names.reserve(names_bytes);
    result.entries.reserve(joins->size());
    for (const auto& [slot, one] : *joins) {
        const std::string& name = one.in->name;
        result.names.insert(result.names.end(), name.begin(), name.end());
        const std::string_view copy(result.names.data() + result.names.size() - name.size(), name.size());
        result.entries.push_back({slot, one.who.pid, copy});
    }
    std::ranges::sort(result.entries, {}, &wire::table_record::entry::slot);
    return result;
}

} // namespace coterie::groups

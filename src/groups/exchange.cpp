// SPDX-License-Identifier: BSD-3-Clause
// Comparing tables. What a table claims is judged here, by rules that look at the tables alone: every member of the view
// must come to the same verdict, whatever it knew before.
#include "groups/exchange.hpp"

#include "base/mutant.hpp"

#include <algorithm>
#include <tuple>

namespace coterie::groups {

namespace {

using wire_entry = wire::table_record::entry;

bool contains(std::span<const node_id> sorted, node_id node) { return std::ranges::binary_search(sorted, node); }

/// Removes what contradicts itself: a slot that is named twice, a process that is in a group twice.
void drop_doubles(std::vector<wire_entry>& entries) {
    std::ranges::stable_sort(entries, {}, [](const wire_entry& one) { return std::tie(one.group, one.pid, one.slot); });
    auto doubles = std::ranges::unique(entries, {}, [](const wire_entry& one) { return std::tie(one.group, one.pid); });
    entries.erase(doubles.begin(), doubles.end());
    std::ranges::stable_sort(entries, {}, &wire_entry::slot);
    doubles = std::ranges::unique(entries, {}, &wire_entry::slot);
    entries.erase(doubles.begin(), doubles.end());
}

/// The place of a kind of step within its group.
unsigned rank(table_step::kind what) {
    // Mutant (10): who came is told before who went.
    if (COTERIE_MUTANT(groups_nodeup_before_nodedown) && what == table_step::kind::node_up) {
        return 0;
    }
    return static_cast<unsigned>(what) + 1;
}

/// Whether a step frees slots that others may need: a node that has come back numbers its joins anew, and may use for
/// one group the slot that it had in another; a table that lies may do the same.
bool frees_slots(const table_step& one) {
    return one.what == table_step::kind::process_down ||
           (one.what == table_step::kind::node_down && !COTERIE_MUTANT(groups_nodeup_before_nodedown));
}

/// First who went, then the rest; each group by group.
void sort_steps(std::vector<table_step>& steps) {
    std::ranges::sort(steps, {}, [](const table_step& one) {
        return std::tuple(!frees_slots(one), one.group, rank(one.what), one.who, one.slot);
    });
}

bool lists(const std::vector<wire_entry>& sorted, wire::slot_number slot, const entry& known) {
    const auto at = std::ranges::lower_bound(sorted, slot, {}, &wire_entry::slot);
    return at != sorted.end() && at->slot == slot && at->pid == known.who.pid && at->group == known.in->name;
}

/// Adds the differences of a node that stayed together; says whether there are any.
bool compare(node_id node, const std::vector<wire_entry>& listed, const tables& known, bool is_self,
             std::vector<table_step>& steps) {
    const std::size_t before = steps.size();
    std::size_t confirmed = 0;
    if (const node_table* joins = known.find(node); joins != nullptr) {
        for (const auto& [slot, one] : *joins) {
            if (lists(listed, slot, one)) {
                ++confirmed;
            } else {
                steps.push_back({one.in->name, table_step::kind::process_down, one.who, slot});
            }
        }
    }
    bool differs = steps.size() != before;
    if (confirmed == listed.size()) {
        return differs;
    }
    for (const wire_entry& one : listed) {
        const entry* join = known.find(node, one.slot);
        if (join != nullptr && join->who.pid == one.pid && join->in->name == one.group) {
            continue;
        }
        differs = true;
        // There is no handle for a process that the own node does not know, so nothing could ever remove it.
        if (!is_self) {
            steps.push_back({one.group, table_step::kind::join, {node, one.pid}, one.slot});
        }
    }
    return differs;
}

} // namespace

exchange::exchange(std::size_t processes_max) : _processes_max(processes_max) {}

void exchange::begin(std::span<const node_id> members) {
    end();
    for (const node_id node : members) {
        _tables.try_emplace(node);
    }
    _missing = _tables.size();
}

std::uint64_t exchange::add(node_id from, const wire::table_record& part, const base::buffer& packet) {
    const auto at = _tables.find(from);
    if (at == _tables.end() || at->second.complete) {
        return 1;
    }
    table& into = at->second;
    std::uint64_t refused = 0;
    for (const wire_entry& one : part.entries) {
        if (one.group.empty() || one.pid == 0 || _entries == _processes_max) {
            ++refused;
        } else {
            into.entries.push_back(one);
        }
        _entries = std::min(_entries + 1, _processes_max);
    }
    if (!part.entries.empty()) {
        _packets.push_back(packet);
    }
    // A part that adds nothing is either the last or sent to make the exchange last for ever.
    if (part.last || part.entries.empty() || _entries == _processes_max) {
        end_table(from);
    }
    return refused;
}

bool exchange::expects(node_id from) const {
    const auto at = _tables.find(from);
    return at != _tables.end() && !at->second.complete;
}

void exchange::end_table(node_id from) {
    const auto at = _tables.find(from);
    if (at == _tables.end() || at->second.complete) {
        return;
    }
    at->second.complete = true;
    --_missing;
}

table_changes exchange::changes(const tables& known, std::span<const node_id> together, node_id self) {
    table_changes result;
    result.steps = departures(known, together);
    for (auto& [node, one] : _tables) {
        const std::size_t claimed = one.entries.size();
        drop_doubles(one.entries);
        result.refused += claimed - one.entries.size();
        if (contains(together, node)) {
            result.mismatches += compare(node, one.entries, known, node == self, result.steps) ? 1U : 0U;
            continue;
        }
        for (const wire_entry& listed : one.entries) {
            result.steps.push_back({listed.group, table_step::kind::node_up, {node, listed.pid}, listed.slot});
        }
    }
    sort_steps(result.steps);
    return result;
}

void exchange::end() {
    _tables.clear();
    _packets.clear();
    _entries = 0;
    _missing = 0;
}

std::vector<table_step> departures(const tables& known, std::span<const node_id> together) {
    std::vector<table_step> steps;
    for (const auto& [node, joins] : known.nodes()) {
        if (contains(together, node)) {
            continue;
        }
        for (const auto& [slot, one] : joins) {
            steps.push_back({one.in->name, table_step::kind::node_down, one.who, slot});
        }
    }
    sort_steps(steps);
    return steps;
}

} // namespace coterie::groups

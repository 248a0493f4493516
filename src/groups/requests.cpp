// SPDX-License-Identifier: BSD-3-Clause
// What local clients ask for: judged at once, numbered later, answered by events. Also the queries.
#include "base/assert.hpp"
#include "base/mutant.hpp"
#include "groups/core.hpp"

#include <limits>
#include <utility>

namespace coterie::groups {

namespace {

std::unexpected<refusal> refuse(refusal why) { return std::unexpected(why); }

} // namespace

service::core::core(const settings& bounds, base::buffer_pool& pool, client_sink& sink, trace::recorder* recorder)
    : _bounds(bounds),
      _sink(sink),
      _journal(bounds.self, recorder),
      _outbox(_bounds),
      _assemblies(pool, message_bytes_limit),
      _exchange(bounds.processes_max),
      _together{bounds.self.node} {
    COTERIE_ASSERT(bounds.self.node != base::no_node, "a service runs on a node");
    COTERIE_ASSERT(bounds.message_bytes_max <= message_bytes_limit, "nobody sends what others do not take");
}

std::expected<handle_id, refusal> service::core::open(std::uint32_t pid, bool ring_views) {
    if (pid == 0) {
        return refuse(refusal::invalid);
    }
    if (_registry.size() >= _bounds.handles_max) {
        return refuse(refusal::no_space);
    }
    return _registry.open(pid, ring_views).id;
}

std::expected<void, refusal> service::core::join(handle_id id, std::string_view group_name, bool initial_ring_view) {
    handle* one = _registry.find(id);
    if (one == nullptr) {
        return refuse(refusal::bad_handle);
    }
    if (group_name.empty()) {
        return refuse(refusal::invalid);
    }
    if (group_name.size() > wire::group_name_bytes_max) {
        return refuse(refusal::name_too_long);
    }
    std::string name(group_name);
    if (auto judged = judge_join(*one, name); !judged) {
        one->join_refused = one->state == handle::standing::leaving;
        return judged;
    }
    one->join_refused = false;
    one->refused_bytes.reset();
    one->state = handle::standing::joining;
    one->group_name = std::move(name);
    one->initial_ring_view = initial_ring_view;
    one->join_waiting = true;
    _registry.begin_join(*one);
    _outbox.schedule(*one);
    // Mutant (11): the joiner is handed events of the group that come before its own join.
    if (COTERIE_MUTANT(groups_join_seen_late)) {
        if (group* in = _tables.find_group(one->group_name); in != nullptr) {
            _tables.listen(*one, *in);
        }
    }
    return {};
}

std::expected<void, refusal> service::core::judge_join(const handle& one, const std::string& group_name) const {
    switch (one.state) {
    case handle::standing::joining:
    case handle::standing::joined: return refuse(refusal::exist);
    case handle::standing::leaving: return refuse(refusal::try_again);
    case handle::standing::idle: break;
    }
    if (const handle* other = _registry.find(one.pid, group_name); other != nullptr) {
        return refuse(other->state == handle::standing::leaving ? refusal::try_again : refusal::exist);
    }
    const node_table* own = _tables.find(_bounds.self.node);
    const std::size_t elsewhere = _tables.size() - (own == nullptr ? 0 : own->size());
    if (elsewhere + _registry.joins() >= _bounds.processes_max || _registry.slots_used_up()) {
        return refuse(refusal::no_space);
    }
    return {};
}

std::expected<void, refusal> service::core::leave(handle_id id) {
    handle* one = _registry.find(id);
    if (one == nullptr) {
        return refuse(refusal::bad_handle);
    }
    if (one->state != handle::standing::joining && one->state != handle::standing::joined) {
        return refuse(refusal::not_exist);
    }
    one->state = handle::standing::leaving;
    one->departure_waiting = wire::departure::left;
    _outbox.schedule(*one);
    return {};
}

std::expected<void, refusal> service::core::multicast(handle_id id, guarantee how, base::buffer body, bool urgent) {
    handle* one = _registry.find(id);
    if (one == nullptr) {
        return refuse(refusal::bad_handle);
    }
    if (one->state != handle::standing::joining && one->state != handle::standing::joined) {
        return refuse(refusal::not_exist);
    }
    const std::size_t bytes = body.size();
    if (bytes > _bounds.message_bytes_max) {
        return refuse(refusal::too_big);
    }
    if (!_outbox.has_room(*one, bytes)) {
        one->refused_bytes = std::min<std::uint64_t>(one->refused_bytes.value_or(bytes), bytes);
        if (!urgent || !_outbox.has_reserve(*one, bytes)) {
            return refuse(refusal::try_again);
        }
    }
    one->messages.push_back({std::move(body), how});
    one->queued_bytes += bytes;
    ++_counts.accepted;
    _outbox.schedule(*one);
    return {};
}

void service::core::slow(handle_id id, bool is_slow) {
    if (handle* one = _registry.find(id); one != nullptr) {
        one->slow = is_slow;
        _outbox.schedule(*one);
    }
}

void service::core::close(handle_id id) {
    handle* one = _registry.find(id);
    if (one == nullptr) {
        return;
    }
    _registry.close(*one);
    group* const listened = one->listens;
    _tables.stop_listening(*one);
    if (listened != nullptr) {
        _tables.forget_if_empty(*listened);
    }
    switch (one->state) {
    case handle::standing::idle:
        _outbox.withdraw(*one);
        _registry.erase(*one);
        return;
    case handle::standing::joining:
    case handle::standing::joined:
        if (one->join_waiting) {
            forget_join(*one);
            _registry.erase(*one);
            return;
        }
        // Mutant (13): a death during the exchange takes effect at once, though the table that still lists the process
        // is on its way.
        if (COTERIE_MUTANT(groups_ghost_on_death_during_exchange) && _phase == phase::exchanging &&
            one->state == handle::standing::joined) {
            group& in = *_tables.find(_bounds.self.node, one->slot)->in;
            depart(_bounds.self.node, one->slot, reason::process_down);
            _tables.forget_if_empty(in);
            return;
        }
        one->state = handle::standing::leaving;
        // Mutant (13): nobody is told of a death.
        if (COTERIE_MUTANT(groups_death_untold)) {
            return;
        }
        one->departure_waiting = wire::departure::died;
        _outbox.schedule(*one);
        return;
    case handle::standing::leaving:
        // It asked to leave before: what it was promised is kept, up to the leave.
        return;
    }
}

/// Takes back a join that nobody else has heard of.
void service::core::forget_join(handle& one) {
    _outbox.withdraw(one);
    _registry.end_join(one);
    one.state = handle::standing::idle;
}

bool service::core::blocked(handle_id id, std::size_t bytes) const {
    const handle* one = _registry.find(id);
    return one != nullptr && !_outbox.has_room(*one, bytes);
}

std::vector<process> service::core::members(std::string_view group_name) const {
    const group* in = _tables.find_group(group_name);
    return in == nullptr ? std::vector<process>{} : in->members;
}

std::vector<std::string> service::core::group_names() const {
    std::vector<std::string> result;
    for (const auto& [name, in] : _tables.groups()) {
        if (!in->members.empty()) {
            result.push_back(name);
        }
    }
    return result;
}

std::string_view service::core::group_of(handle_id id) const {
    const handle* one = _registry.find(id);
    return one == nullptr || one->state == handle::standing::idle ? std::string_view{} : one->group_name;
}

std::vector<paused_group> service::core::paused_groups() const {
    std::vector<paused_group> result;
    if (_tables.paused() == 0) {
        return result;
    }
    for (const auto& [name, in] : _tables.groups()) {
        if (in->pauses > 0) {
            result.push_back({name, _tables.slow_members(*in)});
        }
    }
    return result;
}

void service::core::record_tables(std::int64_t now_ns) const {
    for (const auto& [name, in] : _tables.groups()) {
        if (!in->members.empty()) {
            _journal.table(*in, now_ns);
        }
    }
}

} // namespace coterie::groups

// SPDX-License-Identifier: BSD-3-Clause
// Translates between the words of ipc and those of groups.
#include "daemon/client_door.hpp"

#include "base/assert.hpp"

#include <fmt/format.h>

namespace coterie::daemon {

namespace {

ipc::status status_of(groups::refusal why) {
    switch (why) {
    case groups::refusal::try_again: return ipc::status::try_again;
    case groups::refusal::exist: return ipc::status::exist;
    case groups::refusal::not_exist: return ipc::status::not_exist;
    case groups::refusal::too_big: return ipc::status::too_big;
    case groups::refusal::name_too_long: return ipc::status::name_too_long;
    case groups::refusal::invalid: return ipc::status::invalid_param;
    case groups::refusal::bad_handle: return ipc::status::bad_handle;
    case groups::refusal::no_space: return ipc::status::no_resources;
    }
    return ipc::status::library;
}

ipc::address address_of(const groups::process& who) { return {.node = who.node, .pid = who.pid, .reason = 0}; }

/// Shorter waits are part of every flood.
constexpr auto told_as_slow_after = std::chrono::seconds(1);

void fill(std::vector<ipc::address>& out, std::span<const groups::departed> list) {
    out.clear();
    for (const groups::departed& each : list) {
        out.push_back(address_of(each.who));
        out.back().reason = static_cast<std::uint32_t>(each.why);
    }
}

} // namespace

groups::handle_id client_door::handle_of(ipc::client_id client) const {
    const auto found = _clients.find(client.value);
    COTERIE_ASSERT(found != _clients.end(), "the server asks only on behalf of clients that were opened");
    return found->second.handle;
}

ipc::client_id client_door::client_of(groups::handle_id handle) const {
    const auto found = _by_handle.find(handle.value);
    return found == _by_handle.end() ? ipc::client_id{} : found->second;
}

ipc::status client_door::noted(const std::expected<void, groups::refusal>& outcome) {
    if (!outcome) {
        return status_of(outcome.error());
    }
    _news = true;
    return ipc::status::ok;
}

ipc::status client_door::on_open(ipc::client_id client, const ipc::hello& wish) {
    if (!_service->ready()) {
        // Before its first view this node cannot say anything about groups.
        return ipc::status::try_again;
    }
    const auto handle = _service->open(wish.pid, wish.ring_views);
    if (!handle) {
        return status_of(handle.error());
    }
    _clients.emplace(client.value, caller{.handle = *handle, .pid = wish.pid});
    _by_handle.emplace(handle->value, client);
    return ipc::status::ok;
}

ipc::status client_door::on_join(ipc::client_id client, std::string_view group, bool initial_ring_view) {
    return noted(_service->join(handle_of(client), group, initial_ring_view));
}

ipc::status client_door::on_leave(ipc::client_id client) { return noted(_service->leave(handle_of(client))); }

std::string client_door::named(ipc::client_id client) const {
    const slow_process who = described({.client = client, .bytes = 0, .time = {}});
    return fmt::format("client {}{}", who.pid, who.group.empty() ? "" : fmt::format(" of group '{}'", who.group));
}

slow_process client_door::described(const ipc::server::slow_client& which) const {
    const auto found = _clients.find(which.client.value);
    slow_process result{.pid = 0,
                        .group = {},
                        .bytes = which.bytes,
                        .time = std::chrono::duration_cast<std::chrono::milliseconds>(which.time)};
    if (found != _clients.end()) {
        result.pid = found->second.pid;
        result.group = _service->group_of(found->second.handle);
    }
    return result;
}

void client_door::tell_slow(const std::vector<ipc::server::slow_client>& now) {
    std::set<ipc::client_id> still;
    for (const ipc::server::slow_client& each : now) {
        if (each.time < told_as_slow_after) {
            continue;
        }
        still.insert(each.client);
        if (!_slow.contains(each.client)) {
            _told(fmt::format("{} takes its events too slowly: {} bytes wait for it; the group's senders wait as well",
                              named(each.client), each.bytes));
        }
    }
    for (const ipc::client_id each : _slow) {
        if (!still.contains(each) && _clients.contains(each.value)) {
            _told(named(each) + " has caught up");
        }
    }
    _slow = std::move(still);
}

void client_door::on_slow(ipc::client_id client, bool is_slow) {
    _service->slow(handle_of(client), is_slow);
    _news = true;
}

ipc::status client_door::on_multicast(ipc::client_id client, bool safe, const base::buffer& body, bool urgent) {
    const auto how = safe ? groups::guarantee::safe : groups::guarantee::agreed;
    const ipc::status outcome = noted(_service->multicast(handle_of(client), how, body, urgent));
    // An honest library asks only while it believes that it is in a group. It is not when the group's join was refused as it
    // was delivered, everywhere full: the change that says so is on its way, and the message goes the way of the join.
    return outcome == ipc::status::not_exist ? ipc::status::ok : outcome;
}

bool client_door::has_room(ipc::client_id client) { return !_service->blocked(handle_of(client), 0); }

std::vector<ipc::address> client_door::members_of(std::string_view group) {
    std::vector<ipc::address> result;
    for (const groups::process& each : _service->members(group)) {
        result.push_back(address_of(each));
    }
    return result;
}

std::vector<ipc::group_listing> client_door::all_groups() {
    _names = _service->group_names();
    std::vector<ipc::group_listing> result;
    for (const std::string& name : _names) {
        result.push_back({.name = name, .members = members_of(name)});
    }
    return result;
}

ipc::pauses client_door::pauses_so_far() {
    COTERIE_ASSERT(_report.pauses, "whoever makes the door says who reports");
    return _report.pauses();
}

std::string client_door::status_report() {
    COTERIE_ASSERT(_report.status, "whoever makes the door says who reports");
    return _report.status();
}

void client_door::on_closed(ipc::client_id client, std::string_view why, bool by_force) {
    const auto found = _clients.find(client.value);
    COTERIE_ASSERT(found != _clients.end(), "a client is closed once");
    const caller gone = found->second;
    _clients.erase(found);
    _by_handle.erase(gone.handle.value);
    if (by_force) {
        _told("client " + std::to_string(gone.pid) + " is cut off: " + std::string(why));
    }
    _service->close(gone.handle);
    _news = true;
}

void client_door::on_change(groups::handle_id handle, const groups::change& what) {
    _members.clear();
    for (const groups::process& each : what.members) {
        _members.push_back(address_of(each));
    }
    fill(_left, what.left);
    fill(_joined, what.joined);
    _server->tell_change(client_of(handle), what.group, _members, _left, _joined);
}

void client_door::on_message(groups::handle_id handle, const groups::message& what) {
    _server->tell_message(client_of(handle), what.group, address_of(what.sender), what.body);
}

void client_door::on_ring_view(groups::handle_id handle, const groups::ring_view& view) {
    _server->tell_ring_view(client_of(handle), view.id.coordinator, view.id.epoch.value, view.members);
}

void client_door::on_writable(groups::handle_id handle) { _server->resume(client_of(handle)); }

} // namespace coterie::daemon

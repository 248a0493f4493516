// SPDX-License-Identifier: BSD-3-Clause
// Fills in trace events from what the handle does and gets. All handles and processes of a run can share one file, since
// every event is appended to it in one write.
#include "client/client_trace.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>
#include <utility>

namespace coterie::client {

namespace {

std::int64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::vector<trace::departed> departed_of(std::span<const ipc::address> list) {
    std::vector<trace::departed> result;
    for (const ipc::address& each : list) {
        result.push_back({.who = {.node = each.node, .pid = each.pid}, .why = static_cast<trace::reason>(each.reason)});
    }
    return result;
}

} // namespace

std::unique_ptr<client_trace> client_trace::open(base::node_id node, std::uint32_t pid) {
    const char* const path = ::secure_getenv("COTERIE_TRACE");
    if (path == nullptr || *path == '\0') {
        return nullptr;
    }
    auto file = trace::file_recorder::open(path);
    if (!file) {
        return nullptr;
    }
    std::random_device random;
    const std::uint64_t stream = std::uint64_t{random()} << 32U | random();
    std::unique_ptr<client_trace> result(new client_trace(std::move(*file), node, pid, stream));
    result->_file.record(result->blank(trace::event_kind::client_opened));
    return result;
}

client_trace::client_trace(trace::file_recorder file, base::node_id node, std::uint32_t pid, std::uint64_t stream)
    : _file(std::move(file)),
      _node(node),
      _pid(pid),
      _stream(stream) {}

trace::event client_trace::blank(trace::event_kind kind) const {
    trace::event result;
    result.kind = kind;
    result.time_ns = now_ns();
    result.node = _node;
    result.stream = _stream;
    result.who = {.node = _node, .pid = _pid};
    return result;
}

void client_trace::accepted(std::string_view group, std::span<const iovec> parts, std::size_t bytes, bool safe,
                            const std::unique_lock<std::mutex>& held) {
    if (_over || !held.owns_lock()) {
        return;
    }
    _joined_parts.resize(bytes);
    std::size_t at = 0;
    for (const iovec& part : parts) {
        if (part.iov_len > 0) {
            std::memcpy(_joined_parts.data() + at, part.iov_base, part.iov_len);
            at += part.iov_len;
        }
    }
    trace::event what = blank(trace::event_kind::client_accepted);
    what.group = group;
    what.message = trace::digest(_joined_parts);
    what.safe = safe;
    _file.record(what);
}

void client_trace::asked_to_join(std::string_view group) {
    const std::scoped_lock lock(_mutex);
    _asking = true;
    _asked = blank(trace::event_kind::client_join);
    _asked.group = group;
}

void client_trace::asked_to_leave() {
    const std::scoped_lock lock(_mutex);
    _asking = true;
    _asked = blank(trace::event_kind::client_leave);
}

void client_trace::answered(bool accepted) {
    const std::scoped_lock lock(_mutex);
    if (accepted) {
        write_asked();
    }
    _asking = false;
}

void client_trace::write_asked() {
    if (_asking && !_over) {
        _file.record(_asked);
    }
    _asking = false;
}

void client_trace::saw(const ipc::event& what) {
    const std::scoped_lock lock(_mutex);
    if (_over) {
        return;
    }
    switch (what.kind) {
    case ipc::event_kind::message: {
        trace::event line = blank(trace::event_kind::client_delivered);
        line.group = what.group;
        line.sender = {.node = what.sender.node, .pid = what.sender.pid};
        line.message = trace::digest(what.body);
        _file.record(line);
        break;
    }
    case ipc::event_kind::change: {
        trace::event line = blank(trace::event_kind::client_change);
        line.group = what.group;
        for (const ipc::address& each : what.members) {
            line.processes.push_back({.node = each.node, .pid = each.pid});
        }
        line.left = departed_of(what.left);
        line.joined = departed_of(what.joined);
        const auto is_own = [&](const trace::departed& each) { return each.who == line.who; };
        const auto& moved = _asked.kind == trace::event_kind::client_join ? line.joined : line.left;
        if (_asking && std::any_of(moved.begin(), moved.end(), is_own)) {
            write_asked();
        }
        _file.record(line);
        break;
    }
    case ipc::event_kind::ring_view: {
        trace::event line = blank(trace::event_kind::client_view);
        line.view = {.epoch = {{what.epoch}}, .coordinator = what.coordinator, .nonce = {}};
        for (const std::uint32_t node : what.nodes) {
            line.members.push_back({.node = {node}, .nonce = {}});
        }
        _file.record(line);
        break;
    }
    }
}

void client_trace::closed() {
    const std::scoped_lock lock(_mutex);
    if (!std::exchange(_over, true)) {
        _file.record(blank(trace::event_kind::client_closed));
    }
}

void client_trace::failed() {
    const std::scoped_lock lock(_mutex);
    if (!std::exchange(_over, true)) {
        _file.record(blank(trace::event_kind::client_failed));
    }
}

} // namespace coterie::client

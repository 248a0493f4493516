// SPDX-License-Identifier: BSD-3-Clause
// One function an event, each filling in the fields that trace/event.hpp names for it.
#include "groups/journal.hpp"

namespace coterie::groups {

using trace::event_kind;

trace::event journal::event_of(event_kind kind, const view_id& view) const {
    trace::event result;
    result.kind = kind;
    result.time_ns = _now_ns;
    result.node = _self.node;
    result.stream = _self.nonce.value;
    result.view = view;
    return result;
}

void journal::regular(const ring::regular_view& view) const {
    if (_recorder == nullptr) {
        return;
    }
    trace::event what = event_of(event_kind::regular, view.id);
    what.members = view.members;
    _recorder->record(what);
}

void journal::transitional(const ring::transitional_view& view) const {
    if (_recorder == nullptr) {
        return;
    }
    trace::event what = event_of(event_kind::transitional, view.left);
    what.members.reserve(view.together.size());
    for (const node_id node : view.together) {
        what.members.push_back({node, base::no_incarnation});
    }
    _recorder->record(what);
}

void journal::numbered(const ring::delivery& packet) const {
    if (_recorder == nullptr) {
        return;
    }
    trace::event what = event_of(event_kind::numbered, packet.view);
    what.number = packet.number;
    what.safe = packet.safe;
    _recorder->record(what);
}

void journal::delivered(const ring::delivery& packet) const {
    if (_recorder == nullptr) {
        return;
    }
    trace::event what = event_of(event_kind::delivered, packet.view);
    what.number = packet.number;
    what.peer = packet.originator;
    what.safe = packet.safe;
    _recorder->record(what);
}

void journal::common_point(const view_id& view) const {
    if (_recorder != nullptr) {
        _recorder->record(event_of(event_kind::common_point, view));
    }
}

void journal::message_numbered(const ring::delivery& packet, const outbox::sent_message& message) const {
    if (_recorder == nullptr) {
        return;
    }
    trace::event what = event_of(event_kind::message_numbered, packet.view);
    what.number = packet.number;
    what.who = {_self.node, message.from->pid};
    what.group = message.from->group_name;
    what.message = trace::digest(message.what.body.bytes());
    what.safe = message.what.how == guarantee::safe;
    _recorder->record(what);
}

void journal::table(const group& one, std::int64_t now_ns) const {
    if (_recorder == nullptr) {
        return;
    }
    trace::event what = event_of(event_kind::table, base::no_view);
    what.time_ns = now_ns;
    what.group = one.name;
    what.processes = one.members;
    _recorder->record(what);
}

} // namespace coterie::groups

// SPDX-License-Identifier: BSD-3-Clause
// The names of event kinds and reasons, and the digest of a message's bytes. The names are those of the enumerators: they
// stand in trace files, so they stay as they are.
#include "trace/event.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace coterie::trace {

std::string_view to_string(event_kind kind) {
    switch (kind) {
    case event_kind::started: return "started";
    case event_kind::failed: return "failed";
    case event_kind::retired: return "retired";
    case event_kind::regular: return "regular";
    case event_kind::transitional: return "transitional";
    case event_kind::numbered: return "numbered";
    case event_kind::delivered: return "delivered";
    case event_kind::common_point: return "common_point";
    case event_kind::message_numbered: return "message_numbered";
    case event_kind::table: return "table";
    case event_kind::hop_given: return "hop_given";
    case event_kind::hop_taken: return "hop_taken";
    case event_kind::acknowledged: return "acknowledged";
    case event_kind::promised: return "promised";
    case event_kind::planned: return "planned";
    case event_kind::completed: return "completed";
    case event_kind::installed: return "installed";
    case event_kind::client_opened: return "client_opened";
    case event_kind::client_join: return "client_join";
    case event_kind::client_leave: return "client_leave";
    case event_kind::client_accepted: return "client_accepted";
    case event_kind::client_delivered: return "client_delivered";
    case event_kind::client_change: return "client_change";
    case event_kind::client_view: return "client_view";
    case event_kind::client_closed: return "client_closed";
    case event_kind::client_failed: return "client_failed";
    }
    return "unknown";
}

std::string_view to_string(reason why) {
    switch (why) {
    case reason::undefined: return "undefined";
    case reason::join: return "join";
    case reason::leave: return "leave";
    case reason::node_down: return "node_down";
    case reason::node_up: return "node_up";
    case reason::process_down: return "process_down";
    }
    return "unknown";
}

std::uint64_t digest(base::bytes_view message) { return XXH3_64bits(message.data(), message.size()); }

} // namespace coterie::trace

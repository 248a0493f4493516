// SPDX-License-Identifier: BSD-3-Clause
// One table from kinds of steps to kinds of events; the fields are the same on both sides.
#include "groups/step_trace.hpp"

namespace coterie::groups {

namespace {

std::optional<trace::event_kind> kind_of(ring::step::kind what) {
    switch (what) {
    case ring::step::kind::hop_given: return trace::event_kind::hop_given;
    case ring::step::kind::hop_taken: return trace::event_kind::hop_taken;
    case ring::step::kind::acknowledged: return trace::event_kind::acknowledged;
    case ring::step::kind::promised: return trace::event_kind::promised;
    case ring::step::kind::planned: return trace::event_kind::planned;
    case ring::step::kind::completed: return trace::event_kind::completed;
    case ring::step::kind::installed: return trace::event_kind::installed;
    default: return std::nullopt;
    }
}

} // namespace

std::optional<trace::event> to_event(const ring::step& what) {
    const auto kind = kind_of(what.what);
    if (!kind) {
        return std::nullopt;
    }
    trace::event result;
    result.kind = *kind;
    result.view = what.view;
    result.left_view = what.old_view;
    result.number = what.number;
    result.hop = what.hop;
    result.peer = what.peer;
    result.hash = what.hash;
    return result;
}

} // namespace coterie::groups

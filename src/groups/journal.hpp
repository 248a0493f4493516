// SPDX-License-Identifier: BSD-3-Clause
// Writes what the groups of one node did to a trace, when there is one: without a recorder every call is a test of a
// pointer.
#pragma once

#include "groups/outbox.hpp"
#include "groups/tables.hpp"
#include "trace/event.hpp"

#include <span>

namespace coterie::groups {

class journal {
public:
    journal(const base::member& self, trace::recorder* recorder) : _self(self), _recorder(recorder) {}

    void set_time(std::int64_t now_ns) { _now_ns = now_ns; }

    void regular(const ring::regular_view& view) const;
    void transitional(const ring::transitional_view& view) const;
    void numbered(const ring::delivery& packet) const;
    void delivered(const ring::delivery& packet) const;
    void common_point(const view_id& view) const;
    void message_numbered(const ring::delivery& packet, const outbox::sent_message& message) const;
    void table(const group& one, std::int64_t now_ns) const;

private:
    [[nodiscard]] trace::event event_of(trace::event_kind kind, const view_id& view) const;

    base::member _self;
    trace::recorder* _recorder;
    std::int64_t _now_ns = 0;
};

} // namespace coterie::groups

// SPDX-License-Identifier: BSD-3-Clause
// What the node tells of itself: a readable line in the log for every change of the membership, with who came and went and
// what is known of the reason, and, when a trace is kept, an event for the checker. It stands between the ring and the
// groups and passes everything on.
#pragma once

#include "ring/listener.hpp"
#include "trace/recorders.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace coterie::daemon {

class node_journal final : public ring::listener {
public:
    /// `recorder` may be null. Nodes are called by `name_of`.
    node_journal(const base::member& self, trace::recorder* recorder,
                 std::function<std::string(base::node_id)> name_of);
    /// Where the ring's events go on; before any.
    void connect(ring::listener& next) { _next = &next; }

    /// The time of the input that is being handled.
    void set_time(base::time_point now) { _now = now; }
    void started();
    void retired();
    void step(const ring::step& what);
    /// What the next step says of `node` is because it has said that it leaves.
    void leaves(base::node_id node) { _leaving = node; }
    /// A node's id and name, for people.
    [[nodiscard]] std::string named(base::node_id node) const;
    /// The installed view with its members' names; empty before the first.
    [[nodiscard]] const std::string& summary() const { return _summary; }

    // ring::listener
    void on_delivery(const ring::delivery& packet) override { _next->on_delivery(packet); }
    void on_transitional(const ring::transitional_view& view) override { _next->on_transitional(view); }
    void on_regular(const ring::regular_view& view) override;
    void on_numbered(const ring::delivery& packet) override { _next->on_numbered(packet); }

private:
    void record(trace::event what);
    [[nodiscard]] std::string list(const std::vector<base::node_id>& nodes, bool with_reasons) const;

    const base::member _self;
    trace::recorder* const _recorder;
    const std::function<std::string(base::node_id)> _name_of;
    ring::listener* _next = nullptr;
    base::time_point _now;
    std::vector<base::member> _members;
    std::map<base::node_id, std::string> _reasons; ///< why a node is about to be missed
    base::node_id _leaving;
    std::string _summary;
};

/// What a view is called in logs: its epoch and coordinator.
[[nodiscard]] std::string to_string(const base::view_id& view);

} // namespace coterie::daemon

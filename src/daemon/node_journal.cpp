// SPDX-License-Identifier: BSD-3-Clause
// Compares each view with the one before it and says in words what changed.
#include "daemon/node_journal.hpp"

#include "groups/step_trace.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <utility>

namespace coterie::daemon {

namespace {

/// Reasons of nodes that never were members are forgotten at this size.
constexpr std::size_t reasons_max = 256;

double milliseconds(base::sequence_number nanoseconds) { return static_cast<double>(nanoseconds.value) / 1e6; }

} // namespace

std::string to_string(const base::view_id& view) {
    return std::to_string(view.epoch.value) + "." + std::to_string(view.coordinator.value);
}

node_journal::node_journal(const base::member& self, trace::recorder* recorder,
                           std::function<std::string(base::node_id)> name_of)
    : _self(self),
      _recorder(recorder),
      _name_of(std::move(name_of)) {}

void node_journal::record(trace::event what) {
    if (_recorder != nullptr) {
        what.time_ns = _now.time_since_epoch().count();
        what.node = _self.node;
        what.stream = _self.nonce.value;
        _recorder->record(what);
    }
}

void node_journal::started() {
    trace::event what;
    what.kind = trace::event_kind::started;
    record(std::move(what));
}

void node_journal::retired() {
    spdlog::info("left the cluster in order");
    trace::event what;
    what.kind = trace::event_kind::retired;
    record(std::move(what));
}

void node_journal::step(const ring::step& what) {
    if (_recorder != nullptr) {
        if (auto event = groups::to_event(what)) {
            record(std::move(*event));
        }
    }
    using kind = ring::step::kind;
    if (_reasons.size() > reasons_max) {
        _reasons.clear();
    }
    switch (what.what) {
    case kind::suspected:
        if (std::exchange(_leaving, base::no_node) == what.peer) {
            _reasons[what.peer] = "in order";
            spdlog::info("node {} leaves in order", named(what.peer));
            break;
        }
        _reasons[what.peer] = "silent";
        spdlog::info("node {} is silent", named(what.peer));
        break;
    case kind::restarted:
        _reasons[what.peer] = "restarted";
        spdlog::info("node {} has restarted", named(what.peer));
        break;
    case kind::held_off:
        _reasons[what.peer] = "no hearing in both directions";
        spdlog::info("node {} is kept away for {:.0f} ms: it and this node or others do not hear each other",
                     named(what.peer), milliseconds(what.number));
        break;
    case kind::flapping:
        spdlog::warn(
            "node {} comes and goes: lost {} times, each within 20 s of the one before; it is kept away for {:.1f} s",
            named(what.peer), what.hash, milliseconds(what.number) / 1e3);
        break;
    case kind::lagging:
        spdlog::warn(
            "node {} does not keep up: it takes messages {:.1f} s later than this node, and all wait for it; see "
            "what its machine and its network are busy with",
            named(what.peer), milliseconds(what.number) / 1e3);
        break;
    case kind::caught_up:
        spdlog::info("node {} keeps up again, after {:.1f} s", named(what.peer), milliseconds(what.number) / 1e3);
        break;
    case kind::left_out:
        _reasons[what.peer] = "does not keep up";
        spdlog::warn(
            "node {} is left out, since it has not kept up for longer than member.slow_timeout; it is kept away "
            "for {:.1f} s",
            named(what.peer), milliseconds(what.number) / 1e3);
        break;
    case kind::paused: spdlog::warn("this node did not run for {:.0f} ms", milliseconds(what.number)); break;
    case kind::proposed: spdlog::debug("attempt {} begins here", to_string(what.view)); break;
    case kind::promised:
        spdlog::debug("attempt {} of node {} has this node's promise", to_string(what.view), named(what.peer));
        break;
    case kind::abandoned: spdlog::debug("attempt {} is given up", to_string(what.view)); break;
    default: break;
    }
}

void node_journal::on_regular(const ring::regular_view& view) {
    std::vector<base::node_id> now;
    std::vector<base::node_id> came;
    std::vector<base::node_id> went;
    for (const base::member& each : view.members) {
        now.push_back(each.node);
        if (std::find(_members.begin(), _members.end(), each) == _members.end()) {
            came.push_back(each.node);
        }
    }
    for (const base::member& each : _members) {
        if (std::find(view.members.begin(), view.members.end(), each) == view.members.end()) {
            went.push_back(each.node);
        }
    }
    _summary = "view " + to_string(view.id) + ": members " + list(now, false);
    std::string line = _summary;
    if (!came.empty()) {
        line += "; joined " + list(came, false);
    }
    if (!went.empty()) {
        line += "; left " + list(went, true);
    }
    spdlog::info(line);
    _members = view.members;
    _reasons.clear();
    _next->on_regular(view);
}

std::string node_journal::named(base::node_id node) const {
    const std::string name = _name_of(node);
    return std::to_string(node.value) + (name.empty() ? "" : " (" + name + ")");
}

std::string node_journal::list(const std::vector<base::node_id>& nodes, bool with_reasons) const {
    std::string result;
    for (const base::node_id each : nodes) {
        result += (result.empty() ? "" : ", ") + named(each);
        const auto reason = _reasons.find(each);
        if (with_reasons && reason != _reasons.end()) {
            result += " [" + reason->second + "]";
        }
    }
    return result;
}

} // namespace coterie::daemon

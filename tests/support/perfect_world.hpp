// SPDX-License-Identifier: BSD-3-Clause
// A world that does everything right, by definition and not by protocol: it records the trace that guarantees.md asks
// for. Tests of the checker let it run for a few lines, spoil one event, and see what the checker says.
#pragma once

#include "trace/event.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace coterie::test {

using trace::departed;
using trace::event;
using trace::event_kind;
using trace::process;
using trace::reason;

class perfect_world {
public:
    using number = std::uint32_t;

    /// A client; stays valid as long as the world.
    struct client {
        process who;
        std::uint64_t stream = 0;
        bool watches_ring = false;
        std::string group;
        bool member = false;
    };

    std::vector<event> events;

    // Nodes.

    void boot(number node) {
        node_state& fresh = _nodes[node];
        fresh = {};
        fresh.alive = true;
        fresh.nonce = ++_nonces;
        record(event_kind::started, node);
    }
    void crash(number node) {
        for (client& one : _clients) {
            if (one.who.node.value == node && one.stream != 0) {
                record(event_kind::client_failed, one);
                one.stream = 0;
                one.member = false;
            }
        }
        record(event_kind::failed, node);
        _nodes[node].alive = false;
    }

    /// These nodes, which must be alive, install one view. Who was in one view before stays together.
    void install(const std::vector<number>& members) {
        const base::view_id id = next_id(members.front());
        const std::uint64_t hash = id.epoch.value * 17;
        for (const number each : members) {
            node_state& node = _nodes[each];
            event& promise = record(event_kind::promised, each);
            promise.view = id;
            promise.left_view = node.view;
            promise.number = {{node.delivered}};
        }
        event& plan = record(event_kind::planned, members.front());
        plan.view = id;
        plan.hash = hash;
        for (const number each : members) {
            event& done = record(event_kind::completed, each);
            done.view = id;
            done.hash = hash;
        }
        std::map<number, std::vector<number>> together;
        for (const number each : members) {
            for (const number other : members) {
                if (_nodes[each].view == _nodes[other].view) {
                    together[each].push_back(other);
                }
            }
        }
        std::map<number, std::uint64_t> unions;
        for (const number each : members) {
            for (const number other : together[each]) {
                unions[each] = std::max(unions[each], _nodes[other].delivered);
            }
        }
        for (const number each : members) {
            leave_view(each, unions[each], together[each]);
            event& step = record(event_kind::installed, each);
            step.view = id;
            step.hash = hash;
            event& regular = record(event_kind::regular, each);
            regular.view = id;
            for (const number other : members) {
                regular.members.push_back({{other}, {_nodes[other].nonce}});
            }
        }
        exchange_tables(id, members);
    }

    // Clients.

    client& open(number node, std::uint32_t pid, bool watches_ring = false) {
        client fresh;
        fresh.who = {{node}, pid};
        fresh.stream = ++_streams;
        fresh.watches_ring = watches_ring;
        _clients.push_back(fresh);
        record(event_kind::client_opened, _clients.back());
        return _clients.back();
    }
    void join(client& one, const std::string& group) {
        record(event_kind::client_join, one).group = group;
        one.group = group;
        const packet& sent = number_packet(one.who.node.value, false);
        deliver_everywhere(sent, [&](number node) {
            known(node, group).insert(one.who);
            if (node == one.who.node.value) {
                one.member = true;
            }
            tell(node, group, {}, {{one.who, reason::join}});
        });
        if (one.watches_ring) {
            tell_ring(one);
        }
    }
    void leave(client& one) {
        record(event_kind::client_leave, one);
        depart(one, reason::leave);
    }
    /// Accepts, numbers and delivers a message everywhere; or only at some nodes, the sender's included.
    void send(client& one, std::uint64_t message, bool safe = false, std::set<number> only_at = {}) {
        accept(one, message, safe);
        deliver(number_message(one, message, safe), one, message, only_at);
    }
    void close(client& one) {
        record(event_kind::client_closed, one);
        depart(one, reason::process_down);
    }
    void die(client& one) {
        record(event_kind::client_failed, one);
        depart(one, reason::process_down);
    }

    // The parts of sending.

    struct packet {
        base::view_id view;
        std::uint64_t number = 0;
        perfect_world::number from = 0;
        bool safe = false;
        std::function<void(perfect_world::number)> effect;
    };

    void accept(client& one, std::uint64_t message, bool safe = false) {
        event& what = record(event_kind::client_accepted, one);
        what.group = one.group;
        what.message = message;
        what.safe = safe;
    }
    packet& number_message(client& one, std::uint64_t message, bool safe = false) {
        packet& result = number_packet(one.who.node.value, safe);
        event& what = record(event_kind::message_numbered, one.who.node.value);
        what.view = result.view;
        what.number = {{result.number}};
        what.who = one.who;
        what.group = one.group;
        what.message = message;
        what.safe = safe;
        return result;
    }
    void deliver(packet& sent, const client& one, std::uint64_t message, const std::set<number>& only_at) {
        const process sender = one.who;
        const std::string group = one.group;
        deliver_everywhere(
            sent,
            [this, sender, group, message](number node) {
                for (client& each : _clients) {
                    if (each.who.node.value == node && each.member && each.group == group) {
                        event& what = record(event_kind::client_delivered, each);
                        what.group = group;
                        what.sender = sender;
                        what.message = message;
                    }
                }
            },
            only_at);
    }
    /// A packet without effect, like one that holds a piece of a message.
    packet& number_packet(number node, bool safe) {
        node_state& by = _nodes[node];
        view_state& in = _views[by.view];
        if (in.holder != node) {
            event& give = record(event_kind::hop_given, in.holder);
            give.view = by.view;
            give.hop = {{++in.hop}};
            give.peer = {node};
            event& take = record(event_kind::hop_taken, node);
            take.view = by.view;
            take.hop = {{in.hop}};
            in.holder = node;
        }
        in.packets.push_back({by.view, in.packets.size() + 1, node, safe, {}});
        event& what = record(event_kind::numbered, node);
        what.view = by.view;
        what.number = {{in.packets.size()}};
        what.safe = safe;
        return in.packets.back();
    }
    void deliver_everywhere(const packet& sent, std::function<void(number)> effect,
                            const std::set<number>& only_at = {}) {
        view_state& in = _views[sent.view];
        in.packets[sent.number - 1].effect = std::move(effect);
        for (const number node : in.members) {
            const bool chosen = only_at.empty() || only_at.contains(node);
            if (chosen && _nodes[node].alive && _nodes[node].view == sent.view) {
                deliver_at(node, in.packets[sent.number - 1]);
            }
        }
    }

    /// Records the tables of all live nodes.
    void finish() {
        for (const auto& [id, node] : _nodes) {
            if (!node.alive) {
                continue;
            }
            for (const auto& [group, processes] : node.groups) {
                if (!processes.empty()) {
                    event& what = record(event_kind::table, id);
                    what.group = group;
                    what.processes.assign(processes.begin(), processes.end());
                }
            }
        }
    }

    // Looking for events to spoil.

    /// The place of the `nth` (from 0) event of this kind of a node or of clients on it.
    [[nodiscard]] std::size_t find(event_kind kind, number node, std::size_t nth = 0) const {
        for (std::size_t at = 0; at < events.size(); ++at) {
            if (events[at].kind == kind && events[at].node.value == node && nth-- == 0) {
                return at;
            }
        }
        return events.size();
    }
    [[nodiscard]] event& at(event_kind kind, number node, std::size_t nth = 0) {
        return events.at(find(kind, node, nth));
    }
    /// The last one.
    [[nodiscard]] event& last(event_kind kind, number node) {
        return *std::find_if(events.rbegin(), events.rend(),
                             [&](const event& each) { return each.kind == kind && each.node.value == node; });
    }
    void drop(const event& what) { events.erase(events.begin() + (&what - events.data())); }
    /// Moves an event in front of another.
    void move(const event& what, const event& before) {
        const auto from = &what - events.data();
        const auto to = &before - events.data();
        if (from < to) {
            std::rotate(events.begin() + from, events.begin() + from + 1, events.begin() + to);
        } else {
            std::rotate(events.begin() + to, events.begin() + from, events.begin() + from + 1);
        }
    }
    /// Puts a copy of `what` behind it, to be changed.
    event& repeat(const event& what) {
        const auto at = &what - events.data();
        const event copy = what;
        return *events.insert(events.begin() + at + 1, copy);
    }

    event& record(event_kind kind, number node) {
        event what;
        what.kind = kind;
        what.time_ns = ++_now * 1'000'000;
        what.node = {node};
        what.stream = _nodes[node].nonce;
        events.push_back(std::move(what));
        return events.back();
    }
    event& record(event_kind kind, const client& of) {
        event& what = record(kind, of.who.node.value);
        what.stream = of.stream;
        what.who = of.who;
        return what;
    }
    [[nodiscard]] base::view_id view_of(number node) const { return _nodes.at(node).view; }

private:
    struct node_state {
        bool alive = false;
        std::uint64_t nonce = 0;
        base::view_id view;
        std::uint64_t delivered = 0;
        std::map<std::string, std::set<process>> groups;
        std::set<number> together; ///< since the last common point
    };
    struct view_state {
        std::vector<number> members;
        std::deque<packet> packets;
        number holder = 0;
        std::uint64_t hop = 1;
    };

    base::view_id next_id(number coordinator) { return {{{++_epochs}}, {coordinator}, {_nodes[coordinator].nonce}}; }

    std::set<process>& known(number node, const std::string& group) { return _nodes[node].groups[group]; }

    void deliver_at(number node, const packet& what) {
        event& seen = record(event_kind::delivered, node);
        seen.view = what.view;
        seen.number = {{what.number}};
        seen.peer = {what.from};
        seen.safe = what.safe;
        _nodes[node].delivered = what.number;
        if (what.effect) {
            what.effect(node);
        }
    }

    void leave_view(number node, std::uint64_t up_to, const std::vector<number>& together) {
        node_state& state = _nodes[node];
        if (!state.view.valid()) {
            return;
        }
        const view_state& in = _views[state.view];
        while (state.delivered < up_to) {
            deliver_at(node, in.packets[state.delivered]);
        }
        event& what = record(event_kind::transitional, node);
        what.view = state.view;
        for (const number each : together) {
            what.members.push_back({{each}, {}});
        }
        std::erase_if(state.together, [&](number each) { return std::ranges::find(together, each) == together.end(); });
    }

    void exchange_tables(const base::view_id& id, const std::vector<number>& members) {
        view_state& in = _views[id];
        in.members = members;
        in.holder = members.front();
        std::map<number, std::map<std::string, std::set<process>>> tables;
        for (const number each : members) {
            node_state& node = _nodes[each];
            node.together.insert(each);
            if (node.view == base::no_view) {
                node.together = {each};
            }
            node.view = id;
            node.delivered = 0;
            tables[each] = node.groups;
            if (each == members.front()) {
                event& take = record(event_kind::hop_taken, each);
                take.view = id;
                take.hop = {{1}};
            }
            in.packets.push_back({id, in.packets.size() + 1, each, false, {}});
            event& own = record(event_kind::numbered, each);
            own.view = id;
            own.number = {{in.packets.size()}};
        }
        for (const number each : members) {
            for (const packet& table : in.packets) {
                deliver_at(each, table);
            }
            report(each, members, tables);
            record(event_kind::common_point, each).view = id;
            _nodes[each].together = {members.begin(), members.end()};
        }
    }

    /// NODEDOWN and NODEUP of every group.
    void report(number node, const std::vector<number>& members,
                const std::map<number, std::map<std::string, std::set<process>>>& tables) {
        node_state& state = _nodes[node];
        std::set<std::string> names;
        for (const auto& [group, processes] : state.groups) {
            names.insert(group);
        }
        for (const auto& [other, table] : tables) {
            for (const auto& [group, processes] : table) {
                names.insert(group);
            }
        }
        for (const std::string& group : names) {
            std::vector<departed> gone;
            for (const process& each : state.groups[group]) {
                if (!state.together.contains(each.node.value)) {
                    gone.push_back({each, reason::node_down});
                }
            }
            for (const departed& each : gone) {
                state.groups[group].erase(each.who);
            }
            if (!gone.empty()) {
                tell(node, group, gone, {});
            }
            std::vector<departed> come;
            for (const number other : members) {
                const auto& table = tables.at(other);
                const auto listed = table.find(group);
                if (state.together.contains(other) || listed == table.end()) {
                    continue;
                }
                for (const process& each : listed->second) {
                    if (each.node.value == other) {
                        come.push_back({each, reason::node_up});
                        state.groups[group].insert(each);
                    }
                }
            }
            if (!come.empty()) {
                tell(node, group, {}, come);
            }
        }
        for (const client& each : _clients) {
            if (each.who.node.value == node && each.stream != 0 && each.watches_ring) {
                tell_ring(each);
            }
        }
    }

    void tell_ring(const client& one) {
        const base::view_id id = _nodes[one.who.node.value].view;
        event& what = record(event_kind::client_view, one);
        what.view = {id.epoch, id.coordinator, {}};
        for (const number each : _views[id].members) {
            what.members.push_back({{each}, {}});
        }
    }

    void tell(number node, const std::string& group, const std::vector<departed>& left,
              const std::vector<departed>& joined) {
        for (client& each : _clients) {
            if (each.who.node.value != node || !each.member || each.group != group) {
                continue;
            }
            event& what = record(event_kind::client_change, each);
            what.group = group;
            what.processes.assign(known(node, group).begin(), known(node, group).end());
            what.left = left;
            what.joined = joined;
        }
    }

    void depart(client& one, reason why) {
        const process who = one.who;
        const std::string group = one.group;
        if (why == reason::process_down) {
            one.stream = 0;
            one.member = false;
        }
        if (group.empty()) {
            return;
        }
        const packet& sent = number_packet(who.node.value, false);
        deliver_everywhere(sent, [this, who, group, why, &one](number node) {
            known(node, group).erase(who);
            tell(node, group, {{who, why}}, {});
            if (node == who.node.value) {
                one.member = false;
            }
        });
        one.group.clear();
    }

    std::map<number, node_state> _nodes;
    std::map<base::view_id, view_state> _views;
    std::deque<client> _clients;
    std::int64_t _now = 0;
    std::uint64_t _nonces = 0xa00;
    std::uint64_t _streams = 0;
    std::uint64_t _epochs = 0;
};

} // namespace coterie::test

// SPDX-License-Identifier: BSD-3-Clause
// A few nodes with a groups::service each, on a perfect ring in memory whose views and deliveries the test scripts.
// What clients see is kept as short lines, such as "g: 1.100 2.200 | +2.200 join" or "g: 1.100 says hello".
#pragma once

#include "base/assert.hpp"
#include "groups/service.hpp"
#include "wire/records.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace coterie::groups::test {

using strings = std::vector<std::string>;
using nodes = std::vector<std::uint32_t>;

inline base::bytes_view bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline std::string text_of(base::bytes_view bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A body that is different at each place and for each seed.
inline std::string long_text(std::size_t size, unsigned seed = 0) {
    std::string result(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        result[i] = static_cast<char>('a' + (i * 7 + i / 251 + seed) % 26);
    }
    return result;
}

inline std::string shown(const process& one) { return std::to_string(one.node.value) + "." + std::to_string(one.pid); }

inline std::string shown(std::string_view body) {
    if (body.size() <= 40) {
        return std::string(body);
    }
    return std::to_string(body.size()) + " bytes #" + std::to_string(std::hash<std::string_view>{}(body));
}

inline std::string shown(const change& what) {
    std::string line = std::string(what.group) + ":";
    for (const process& one : what.members) {
        line += " " + shown(one);
    }
    line += " |";
    for (const departed& one : what.left) {
        line += " -" + shown(one.who);
    }
    for (const departed& one : what.joined) {
        line += " +" + shown(one.who);
    }
    const auto& all = what.left.empty() ? what.joined : what.left;
    EXPECT_TRUE(what.left.empty() || what.joined.empty()) << line;
    EXPECT_FALSE(all.empty()) << line;
    for (const departed& one : all) {
        EXPECT_EQ(one.why, all.front().why) << line;
    }
    static constexpr std::array names{"undefined", "join", "leave", "node_down", "node_up", "process_down"};
    return line + " " + names.at(static_cast<std::size_t>(all.front().why));
}

inline std::string shown(const ring_view& what) {
    std::string line = "ring " + std::to_string(what.id.epoch.value) + ":";
    for (const node_id one : what.members) {
        line += " " + std::to_string(one.value);
    }
    return line;
}

class world {
public:
    std::size_t payload_bytes = 1'400; ///< room in a packet
    bool traced = false;

    /// Nodes 1 to `count`, in no view. `adapt` may change their settings.
    explicit world(std::uint32_t count, std::function<void(settings&)> adapt = {}) : _adapt(std::move(adapt)) {
        for (std::uint32_t id = 1; id <= count; ++id) {
            restart(id);
        }
    }

    /// A new life of a node: no clients, no view.
    void restart(std::uint32_t id) {
        _machines.erase(id);
        settings bounds;
        bounds.self = {{id}, {++_nonce}};
        if (_adapt) {
            _adapt(bounds);
        }
        _machines.emplace(id, std::make_unique<machine>(bounds, traced ? &_recorder : nullptr));
    }

    service& at(std::uint32_t id) { return *_machines.at(id)->groups; }
    const counters& counts(std::uint32_t id) { return at(id).counts(); }
    std::vector<trace::event>& trace() { return _recorder.events; }

    /// What a handle has seen since the last call.
    strings seen(std::uint32_t id, handle_id handle) { return std::exchange(_machines.at(id)->seen[handle.value], {}); }

    /// Installs a view on these nodes: those that come from the same view move together. The tables are under way.
    void install(const nodes& members) {
        auto made = std::make_shared<ring_log>();
        made->id = {{{++_epoch}}, {members.front()}, {1}};
        std::map<ring_log*, nodes> origins;
        for (const std::uint32_t id : members) {
            made->members.push_back(_machines.at(id)->self);
            if (_machines.at(id)->ring) {
                origins[_machines.at(id)->ring.get()].push_back(id);
            }
        }
        for (const std::uint32_t id : members) {
            // In the order of the members, not of addresses.
            if (_machines.at(id)->ring && origins[_machines.at(id)->ring.get()].front() == id) {
                leave_view(nodes(origins[_machines.at(id)->ring.get()]));
            }
        }
        for (const std::uint32_t id : members) {
            machine& one = *_machines.at(id);
            one.ring = made;
            one.delivered = 0;
            one.groups->on_regular({made->id, made->members});
        }
        for (const std::uint32_t id : members) {
            append(id, written([&](base::byte_writer& out) {
                       at(id).fill_first(out);
                       if (const auto forge = forged_tables.find(id); forge != forged_tables.end()) {
                           out = base::byte_writer(_scratch);
                           forge->second(out);
                       }
                   }),
                   false, true);
        }
        forged_tables.clear();
    }

    /// Payloads that nodes send instead of their table in the next view.
    std::map<std::uint32_t, std::function<void(base::byte_writer&)>> forged_tables;

    /// Installs a view and lets it come to rest.
    void view(const nodes& members) {
        install(members);
        settle();
    }

    /// Lets a node number up to `count` packets; returns how many it had.
    std::size_t number(std::uint32_t id, std::size_t count = 1) {
        for (std::size_t done = 0; done < count; ++done) {
            if (!at(id).pending()) {
                return done;
            }
            auto how = ring::packet_source::filled::nothing;
            std::vector<std::byte> payload = written([&](base::byte_writer& out) { how = at(id).fill(out); });
            EXPECT_NE(how, ring::packet_source::filled::nothing) << "pending, but nothing to number";
            EXPECT_FALSE(payload.empty());
            if (payload.empty()) {
                return done;
            }
            packets_bytes.push_back(payload.size());
            at(id).on_numbered(append(id, std::move(payload), how == ring::packet_source::filled::safe, false));
        }
        return count;
    }
    /// Lets the only member of a view deliver up to `count` requests as they are; returns how many it had.
    std::size_t deliver_alone(std::uint32_t id, std::size_t count = SIZE_MAX) {
        machine& one = *_machines.at(id);
        EXPECT_EQ(one.ring->members.size(), 1U);
        EXPECT_EQ(undelivered(id), 0U);
        for (std::size_t done = 0; done < count; ++done) {
            if (!at(id).deliver_next(one.ring->id, {{one.ring->log.size() + 1}})) {
                return done;
            }
            one.ring->log.emplace_back();
            ++one.delivered;
        }
        return count;
    }
    std::vector<std::size_t> packets_bytes; ///< sizes of the payloads numbered so far

    /// Puts a packet into the order as if this node had sent it.
    void forge(std::uint32_t id, const std::function<void(base::byte_writer&)>& write) {
        append(id, written(write), false, false);
    }

    /// Delivers to one node up to `count` packets of its view.
    std::size_t deliver(std::uint32_t id, std::size_t count = SIZE_MAX) {
        machine& one = *_machines.at(id);
        std::size_t done = 0;
        for (; done < count && one.ring && one.delivered < one.ring->log.size(); ++done) {
            const ring::delivery packet = one.ring->log[one.delivered++];
            one.groups->on_delivery(packet);
        }
        return done;
    }

    /// Numbers and delivers until there is nothing left to do.
    void settle() {
        for (bool moved = true; moved;) {
            moved = false;
            for (auto& [id, one] : _machines) {
                if (one->ring) {
                    moved = number(id) > 0 || moved;
                }
            }
            for (auto& [id, one] : _machines) {
                if (one->ring) {
                    moved = deliver(id) > 0 || moved;
                }
            }
        }
    }

    base::buffer buffer_of(std::string_view text) { return _pool.copy(bytes_of(text)); }

    /// Packets numbered and not delivered at a node.
    std::size_t undelivered(std::uint32_t id) {
        return _machines.at(id)->ring->log.size() - _machines.at(id)->delivered;
    }

private:
    struct ring_log {
        view_id id;
        std::vector<base::member> members;
        std::vector<ring::delivery> log;
    };
    struct memory_recorder final : trace::recorder {
        std::vector<trace::event> events;
        void record(const trace::event& what) override { events.push_back(what); }
    };
    struct machine final : client_sink {
        machine(const settings& bounds, trace::recorder* recorder)
            : self(bounds.self),
              groups(std::make_unique<service>(bounds, pool, *this, recorder)) {}

        base::member self;
        base::buffer_pool pool;
        std::map<std::uint64_t, strings> seen;
        std::shared_ptr<ring_log> ring;
        std::size_t delivered = 0;
        std::unique_ptr<service> groups;

        void on_change(handle_id handle, const change& what) override { seen[handle.value].push_back(shown(what)); }
        void on_message(handle_id handle, const message& what) override {
            // `owner` keeps the body alive: it lies inside.
            const base::bytes_view owned = what.owner.bytes();
            EXPECT_TRUE(what.body.empty() || (what.body.data() >= owned.data() &&
                                              what.body.data() + what.body.size() <= owned.data() + owned.size()));
            seen[handle.value].push_back(std::string(what.group) + ": " + shown(what.sender) + " says " +
                                         shown(text_of(what.body)));
        }
        void on_ring_view(handle_id handle, const ring_view& view) override {
            seen[handle.value].push_back(shown(view));
        }
        void on_writable(handle_id handle) override { seen[handle.value].push_back("writable"); }
    };

    /// Nodes that move together out of one view: what any of them delivered all deliver; of the rest only what they
    /// sent themselves, as if there was a hole behind what was delivered.
    void leave_view(const nodes& together) {
        const auto old = _machines.at(together.front())->ring;
        std::size_t contiguous = 0;
        std::vector<node_id> ids;
        for (const std::uint32_t id : together) {
            contiguous = std::max(contiguous, _machines.at(id)->delivered);
            ids.push_back({id});
        }
        for (const std::uint32_t id : together) {
            deliver(id, contiguous - _machines.at(id)->delivered);
            at(id).on_transitional({old->id, ids});
            EXPECT_FALSE(at(id).pending());
            for (std::size_t i = contiguous; i < old->log.size(); ++i) {
                if (std::ranges::find(ids, old->log[i].originator) != ids.end()) {
                    at(id).on_delivery(old->log[i]);
                }
            }
        }
    }

    std::vector<std::byte> written(const std::function<void(base::byte_writer&)>& write) {
        _scratch.assign(payload_bytes, std::byte{0});
        base::byte_writer out(_scratch);
        write(out);
        EXPECT_TRUE(out.ok());
        return {_scratch.begin(), _scratch.begin() + static_cast<std::ptrdiff_t>(out.size())};
    }

    const ring::delivery& append(std::uint32_t id, std::vector<std::byte> payload, bool safe, bool table) {
        ring_log& ring = *_machines.at(id)->ring;
        ring::delivery packet;
        packet.view = ring.id;
        packet.number = {{ring.log.size() + 1}};
        packet.originator = {id};
        packet.safe = safe;
        packet.table = table;
        packet.packet = _pool.copy(payload);
        packet.payload = packet.packet.bytes();
        return ring.log.emplace_back(std::move(packet));
    }

    std::function<void(settings&)> _adapt;
    base::buffer_pool _pool;
    memory_recorder _recorder;
    std::map<std::uint32_t, std::unique_ptr<machine>> _machines;
    std::vector<std::byte> _scratch;
    std::uint64_t _epoch = 0;
    std::uint64_t _nonce = 1'000;
};

struct ring_watcher {};

/// One client: a handle of a process on a node.
class client {
public:
    client(world& where, std::uint32_t node, std::uint32_t pid)
        : _where(&where),
          _node(node),
          _id(where.at(node).open(pid, false).value()) {}
    client(world& where, std::uint32_t node, std::uint32_t pid, ring_watcher)
        : _where(&where),
          _node(node),
          _id(where.at(node).open(pid, true).value()) {}
    /// One that has joined, after the world has come to rest; what it saw of that is forgotten.
    client(world& where, std::uint32_t node, std::uint32_t pid, std::string_view group) : client(where, node, pid) {
        join(group);
        where.settle();
        (void)seen();
    }

    [[nodiscard]] handle_id id() const { return _id; }
    [[nodiscard]] std::uint32_t node() const { return _node; }

    std::expected<void, refusal> try_join(std::string_view group, bool initial_ring_view = false) {
        return service_of().join(_id, group, initial_ring_view);
    }
    std::expected<void, refusal> try_say(std::string_view text, guarantee how = guarantee::agreed) {
        return service_of().multicast(_id, how, _where->buffer_of(text));
    }
    std::expected<void, refusal> try_leave() { return service_of().leave(_id); }

    void join(std::string_view group, bool initial_ring_view = false) {
        EXPECT_TRUE(try_join(group, initial_ring_view).has_value());
    }
    void say(std::string_view text) { EXPECT_TRUE(try_say(text).has_value()); }
    void say_safely(std::string_view text) { EXPECT_TRUE(try_say(text, guarantee::safe).has_value()); }
    void leave() { EXPECT_TRUE(try_leave().has_value()); }
    void close() { service_of().close(_id); }
    strings seen() { return _where->seen(_node, _id); }

private:
    service& service_of() { return _where->at(_node); }

    world* _where;
    std::uint32_t _node;
    handle_id _id;
};

inline std::string join_names(const std::vector<process>& members) {
    std::string line;
    for (const process& one : members) {
        line += (line.empty() ? "" : " ") + shown(one);
    }
    return line;
}

} // namespace coterie::groups::test

// SPDX-License-Identifier: BSD-3-Clause
// The simulated network between the nodes: for every directed pair a delay and a set of faults, cuts, and rules with
// which a schedule drops, holds, delays or repeats chosen packets. It decides what becomes of a datagram; sockets and
// ports belong to the node.
#pragma once

#include "base/buffer.hpp"
#include "base/ids.hpp"
#include "base/random.hpp"
#include "sim/attacker.hpp"
#include "sim/coverage.hpp"
#include "sim/timeline.hpp"
#include "wire/packets.hpp"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

namespace coterie::sim {

using base::node_id;
using wire::packet_kind;

/// A set of packet kinds.
class kind_set {
public:
    constexpr kind_set() = default;
    constexpr kind_set(packet_kind kind) { add(kind); } // NOLINT(google-explicit-constructor): one kind is a set
    constexpr kind_set(std::initializer_list<packet_kind> kinds) {
        for (const packet_kind kind : kinds) {
            add(kind);
        }
    }
    static constexpr kind_set all() { return kind_set(0xFFFF'FFFFU); }
    /// Everything but messages and what repairs them.
    static constexpr kind_set control() { return kind_set(~(bit(packet_kind::data) | bit(packet_kind::recovered))); }
    /// What view changes are made of.
    static constexpr kind_set membership() {
        return {packet_kind::proposal,   packet_kind::report,  packet_kind::refusal,  packet_kind::plan,
                packet_kind::completion, packet_kind::install, packet_kind::recovered};
    }

    constexpr void add(packet_kind kind) { _bits |= bit(kind); }
    [[nodiscard]] constexpr bool has(packet_kind kind) const { return (_bits & bit(kind)) != 0; }
    friend constexpr bool operator==(kind_set, kind_set) = default;

private:
    static constexpr std::uint32_t bit(packet_kind kind) { return 1U << (static_cast<std::uint32_t>(kind) & 31U); }
    explicit constexpr kind_set(std::uint32_t bits) : _bits(bits) {}
    std::uint32_t _bits = 0;
};

/// How one directed pair of nodes treats datagrams. Chances are in parts per million.
struct link_quality {
    duration latency = std::chrono::microseconds(100);
    duration jitter = std::chrono::microseconds(20); ///< up to this is added; does not reorder
    std::uint32_t loss = 0;
    std::uint32_t duplicate = 0;      ///< a copy within `reorder_max`
    std::uint32_t late_duplicate = 0; ///< a copy within `late_max`
    std::uint32_t reorder = 0;        ///< an extra delay of up to `reorder_max`, overtaken by later ones
    std::uint32_t corrupt = 0;        ///< bytes flipped, or the end cut off
    duration reorder_max = std::chrono::milliseconds(5);
    duration late_max = std::chrono::milliseconds(600);
    kind_set afflicted = kind_set::all(); ///< the kinds of packets that meet these faults

    [[nodiscard]] bool faulty() const { return (loss | duplicate | late_duplicate | reorder | corrupt) != 0; }
};

/// A datagram as rules see it.
struct datagram_view {
    node_id from;
    node_id to;
    packet_kind kind;
    base::bytes_view bytes;
};

/// Which datagrams a rule is about.
struct packet_filter {
    kind_set kinds = kind_set::all();
    node_id from = base::no_node; ///< no_node: any
    node_id to = base::no_node;
    std::function<bool(const datagram_view&)> also = {}; ///< and this, if set
};

struct network_counts {
    std::uint64_t sent = 0;
    std::uint64_t arrived = 0;
    std::uint64_t lost = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t corrupted = 0;
    std::uint64_t cut_off = 0;
    std::uint64_t attacks = 0; ///< sent by the attacker
    std::uint64_t bytes = 0;
};

/// Names a rule until it is removed.
using rule_id = std::uint32_t;

class network {
public:
    /// What the network asks of the world around it.
    class surroundings {
    public:
        virtual ~surroundings() = default;
        virtual void met(std::size_t node, fault kind) = 0;
    };

    /// `nodes` machines with the ids 1 to `nodes`. The references must outlive the network.
    network(std::size_t nodes, std::uint64_t seed, timeline& events, base::buffer_pool& pool, surroundings& around);

    /// From now on somebody listens and sends.
    void admit(const attacker::habits& how, std::uint64_t seed) { _attacker.emplace(how, seed, _pool); }

    // The weather of links.

    [[nodiscard]] const link_quality& quality(node_id from, node_id to) const { return link_at(from, to).quality; }
    void set_quality(node_id from, node_id to, const link_quality& quality);
    void set_quality(const link_quality& quality); ///< of every link
    /// Cuts one direction; what is under way is lost, too.
    void cut(node_id from, node_id to) { set_cut(link_at(from, to)); }
    void cut_both(node_id one, node_id other);
    /// Cuts everything to and from a node.
    void isolate(node_id node);
    /// Nodes in different sets do not reach each other; cuts inside a set stay as they are. Nodes in no set stand alone.
    void partition(std::initializer_list<std::vector<node_id>> sides);
    void partition(std::span<const std::vector<node_id>> sides);
    void restore(node_id from, node_id to) {
        link_at(from, to).cut = false;
        ++_changes;
    }
    void restore_both(node_id one, node_id other);
    /// Undoes all cuts; qualities and rules stay.
    void join_all();
    /// No cut, no fault, no rule; what is held is let go.
    void heal();
    [[nodiscard]] bool reaches(node_id from, node_id to) const { return !link_at(from, to).cut; }
    /// Grows whenever a link may have been cut, restored, made worse or better.
    [[nodiscard]] std::uint64_t changes() const { return _changes; }
    /// Since when a direction has been cut without a break; base::never if it is not.
    [[nodiscard]] time_point cut_since(node_id from, node_id to) const {
        const link& way = link_at(from, to);
        return way.cut ? way.cut_at : base::never;
    }
    /// What cut() notes; set by the world.
    void set_time(time_point now) { _now = now; }

    // Rules for chosen packets. They are tried in the order in which they were made; the first that applies decides.

    /// Drops the next `count` matching datagrams.
    rule_id drop(packet_filter filter, std::uint64_t count = ~std::uint64_t{0});
    /// Lets the next `skipped` matching datagrams pass and drops the one after them.
    rule_id drop_nth(packet_filter filter, std::uint64_t skipped);
    /// Keeps matching datagrams back until release().
    rule_id hold(packet_filter filter, std::uint64_t count = ~std::uint64_t{0});
    /// Adds a delay; later datagrams overtake.
    rule_id delay(packet_filter filter, duration extra, std::uint64_t count = ~std::uint64_t{0});
    /// Delivers, and once more after `later`.
    rule_id repeat(packet_filter filter, duration later, std::uint64_t count = ~std::uint64_t{0});
    /// Only counts.
    rule_id watch(packet_filter filter);
    /// How many datagrams the rule has applied to (for drop_nth: how many it has seen).
    [[nodiscard]] std::uint64_t hits(rule_id id) const;
    /// Ends the rule; what it holds is delivered now, in its order.
    void release(rule_id id, time_point now);
    /// Ends the rule; what it holds is lost.
    void forget(rule_id id);

    // For the world.

    void transmit(time_point now, node_id from, node_id to, const base::buffer& packet);
    struct flight {
        base::buffer packet;
        std::uint16_t from = 0; ///< places, not ids
        std::uint16_t to = 0;
    };
    /// What arrives now; without a packet if the link has been cut meanwhile.
    [[nodiscard]] flight land(std::uint32_t slot);
    [[nodiscard]] network_counts& counts() { return _counts; }
    [[nodiscard]] const network_counts& counts() const { return _counts; }

private:
    struct link {
        link_quality quality;
        time_point last_arrival{};
        time_point cut_at{};
        bool cut = false;
        bool faulty = false;
    };
    enum class verdict : std::uint8_t { drop, drop_nth, hold, delay, repeat, watch };
    struct rule {
        rule_id id = 0;
        verdict what{};
        packet_filter filter;
        std::uint64_t left = 0;
        std::uint64_t hits = 0;
        duration extra{};
        std::vector<flight> held;
    };

    [[nodiscard]] std::size_t place(node_id node) const;
    [[nodiscard]] static node_id id(std::size_t place) { return {static_cast<std::uint32_t>(place + 1)}; }
    [[nodiscard]] link& link_at(node_id from, node_id to) { return _links[place(from) * _nodes + place(to)]; }
    [[nodiscard]] const link& link_at(node_id from, node_id to) const {
        return _links[place(from) * _nodes + place(to)];
    }
    void set_cut(link& way) {
        way.cut_at = way.cut ? way.cut_at : _now;
        way.cut = true;
        ++_changes;
    }
    rule& add_rule(verdict what, packet_filter&& filter, std::uint64_t count);
    [[nodiscard]] rule* rule_of(rule_id id);
    /// What a rule says: true when the datagram's fate is decided; else `extra` may have been raised.
    bool apply_rules(time_point now, const flight& datagram, duration& extra);
    void meet_faults(link& way, const flight& datagram, time_point now, duration extra);
    /// Lets the attacker hear a datagram, and sends what it makes of it.
    void attack(time_point now, const flight& heard);
    void arrive(flight&& datagram, time_point at);
    void meet_cut(const flight& datagram);
    [[nodiscard]] base::buffer damaged(const base::buffer& packet);
    [[nodiscard]] duration up_to(duration limit);
    [[nodiscard]] bool happens(std::uint32_t parts_per_million) {
        return parts_per_million != 0 && _random.below(1'000'000) < parts_per_million;
    }

    std::size_t _nodes;
    time_point _now{};
    base::random_source _random;
    timeline& _events;
    base::buffer_pool& _pool;
    surroundings& _around;
    std::vector<link> _links;
    std::uint64_t _changes = 1;
    std::optional<attacker> _attacker;
    std::vector<rule> _rules;
    rule_id _rules_made = 0;
    slots<flight> _flights;
    network_counts _counts;
};

} // namespace coterie::sim

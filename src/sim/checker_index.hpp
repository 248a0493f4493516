// SPDX-License-Identifier: BSD-3-Clause
// A trace, sorted by what it talks about: lives of nodes with their visits to views, packets, clients with their
// memberships, messages. Everything is named by its place in a vector, so that the checks are loops over numbers.
#pragma once

#include "sim/checker.hpp"

#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace coterie::sim::checking {

using trace::event;
using trace::event_kind;
using trace::process;
using trace::reason;

inline constexpr std::size_t none = static_cast<std::size_t>(-1);

/// A view that somebody installed. Views are numbered in the order of their ids.
struct view {
    base::view_id id;
    std::vector<base::member> members;                       ///< as its first install says
    std::size_t first_install = none;                        ///< event
    std::vector<std::pair<std::size_t, std::size_t>> visits; ///< life, visit
    std::size_t packets_begin = 0;                           ///< its packets are neighbours
    std::size_t packets_end = 0;
};

/// A numbered place of a view. Packets are sorted by view and number.
struct packet {
    std::size_t view = none;
    std::uint64_t number = 0;
    std::size_t numbered = none;      ///< event; none: nobody said so
    std::size_t life = none;          ///< who numbered it
    std::size_t delivered_before = 0; ///< how many packets of the view that life had delivered before
    std::size_t messages_begin = 0;   ///< in sorted_trace::sent
    std::size_t messages_end = 0;
    bool safe = false;
    bool delivered = false; ///< anywhere
};

/// The time of a life in one view: R and then T(R).
struct visit {
    std::size_t view = none;
    std::size_t regular = none;         ///< event
    std::size_t transitional = none;    ///< event; none: it never left
    std::size_t common_point = none;    ///< event
    std::size_t together = none;        ///< the transitional set, in sorted_trace::node_sets
    std::uint64_t latest_number = 0;    ///< numbered here last
    std::size_t regular_count = 0;      ///< so many of `delivered` came before the transitional configuration
    std::vector<std::size_t> delivered; ///< packets, in order
    std::vector<std::size_t> delivered_events;
    std::vector<std::size_t> numbered;  ///< packets, in order
    std::vector<std::size_t> completed; ///< events: attempts completed while in this view
};

struct common_point {
    std::size_t visit = none;
    std::size_t event = none;
    std::vector<base::node_id> together; ///< stayed together since the common point before, sorted
};

/// One incarnation of a node.
struct life {
    base::member who;
    std::vector<std::size_t> events;
    std::vector<visit> visits;
    std::vector<common_point> common_points;
    std::size_t started = none; ///< event
    std::size_t ended = none;   ///< event: failed or retired
    [[nodiscard]] bool alive() const { return ended == none; }
};

/// A message that was accepted.
struct message {
    process sender;
    std::size_t membership = none; ///< of the sender
    std::size_t place = 0;         ///< how many were accepted before it in that membership
    std::size_t group = none;
    std::size_t accepted = none; ///< event
    std::size_t numbered = none; ///< event
    std::size_t packet = none;
    std::size_t rank = none; ///< its place among all numbered messages
};

/// What a client saw, in order: deliveries, changes and ring views.
struct item {
    std::size_t event = none;
    std::size_t membership = none; ///< none for ring views and for what belongs to no membership
    std::size_t message = none;    ///< for deliveries that can be told apart
};

/// From an accepted join to the end of what it brought about.
struct membership {
    std::size_t client = none;
    std::size_t group = none;
    std::size_t join = none;           ///< event: client_join
    std::size_t leave = none;          ///< event: client_leave
    std::size_t first_change = none;   ///< event: lists the process as joined
    std::size_t last_change = none;    ///< event: lists the process as left
    std::vector<std::size_t> items;    ///< places in the client's items
    std::vector<std::size_t> accepted; ///< messages
};

/// One use of a handle.
struct client {
    process who;
    std::uint64_t stream = 0;
    std::size_t life = none;   ///< the daemon that it talked to
    std::size_t opened = none; ///< event
    std::size_t ended = none;  ///< event: closed or failed
    std::vector<item> items;
    std::vector<std::size_t> memberships;
};

/// What was found, at most so many of one guarantee.
class findings {
public:
    explicit findings(std::size_t per_guarantee_max) : _per_guarantee_max(per_guarantee_max) {}
    void add(int guarantee, std::string what, std::vector<std::size_t> events);
    /// Sorted by guarantee and place.
    [[nodiscard]] std::vector<violation> take();

private:
    std::size_t _per_guarantee_max;
    std::map<int, std::pair<std::vector<violation>, std::size_t>> _found;
};

class sorted_trace {
public:
    /// Sorts `events`; what fits nowhere is found at once: 1 and 2 (outside of its configuration), 11 (outside of a
    /// membership), 14 (made of nothing), malformed_trace.
    sorted_trace(std::span<const event> events, const checker_options& options, findings& found);

    std::span<const event> events;
    const checker_options& options;
    std::vector<life> lives;
    std::vector<view> views;
    std::vector<packet> packets;
    std::vector<std::vector<base::node_id>> node_sets;
    std::vector<client> clients;
    std::vector<membership> memberships;
    std::vector<message> messages;
    std::vector<std::size_t> sent; ///< numbered messages by rank
    std::vector<std::string> groups;
    std::vector<bool> group_ambiguous;   ///< holds messages that cannot be told apart
    std::vector<std::size_t> packet_of;  ///< by event: numbered, delivered, message_numbered
    std::vector<std::size_t> message_of; ///< by event: accepted, message_numbered, client_delivered
    bool has_ring_steps = false;         ///< attempts were recorded
    std::map<process, std::vector<std::size_t>> memberships_of;

    [[nodiscard]] std::size_t view_number(const base::view_id& id) const;
    [[nodiscard]] std::size_t life_of(const base::member& who) const;
    [[nodiscard]] bool is_member(std::size_t view, base::node_id node) const;
    /// The place of the visit of `life` to `view`, or none.
    [[nodiscard]] std::size_t visit_of(std::size_t life, std::size_t view) const;
    /// The view that a life installed after this visit, or none.
    [[nodiscard]] std::size_t next_view(std::size_t life, std::size_t visit) const;
    [[nodiscard]] bool in_set(std::size_t set, base::node_id node) const;
    /// Whether a visit's transitional set lists `node`.
    [[nodiscard]] bool together_with(const visit& at, base::node_id node) const;
    /// The client and its node are alive at the end of a quiet tail: it has seen everything that it ever will.
    [[nodiscard]] bool complete(const client& one) const;
    /// "node 3" with the view where there is one, for findings.
    [[nodiscard]] std::string name(const life& one) const;
    [[nodiscard]] std::string name(const client& one) const;

private:
    /// One mention of a packet.
    struct packet_use {
        std::size_t view;
        std::uint64_t number;
        std::size_t event;
        std::size_t life;
        std::size_t visit;
    };
    struct text_key {
        process sender;
        std::size_t group;
        std::uint64_t digest;
        friend bool operator==(const text_key&, const text_key&) = default;
    };
    struct text_hash {
        std::size_t operator()(const text_key& key) const;
    };

    void sort_streams(findings& found);
    void number_views();
    void follow_life(std::size_t at, findings& found);
    void follow_visit(std::size_t at, std::size_t place, findings& found);
    void number_packets(findings& found);
    void find_together(life& one) const;
    void find_daemon(client& one) const;
    void follow_requests(std::size_t at, findings& found);
    void number_messages(findings& found);
    void follow_sights(std::size_t at, findings& found);
    [[nodiscard]] std::size_t message_seen(const event& what, std::size_t place, findings& found);
    [[nodiscard]] std::size_t set_number(std::vector<base::node_id>&& nodes);
    [[nodiscard]] std::size_t group_number(const std::string& name);
    [[nodiscard]] std::size_t message_like(const process& sender, std::size_t group, std::uint64_t digest) const;

    std::vector<packet_use> _uses;
    std::map<base::member, std::size_t> _life_of;
    std::map<base::view_id, std::size_t> _view_of;
    std::vector<std::vector<std::size_t>> _client_events;
    std::map<std::vector<base::node_id>, std::size_t> _set_numbers;
    std::map<std::string, std::size_t, std::less<>> _group_numbers;
    std::unordered_map<text_key, std::size_t, text_hash> _message_of;
};

} // namespace coterie::sim::checking

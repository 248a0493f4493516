// SPDX-License-Identifier: BSD-3-Clause
// All paths to all nodes: sends rounds of probes on them, answers those of others, judges by the answers which paths are up,
// and chooses the links for what is sent (docs/links.md). A state machine without clock and I/O: time comes in, probes and
// news go out by calls from within an input.
#pragma once

#include "net/path.hpp"
#include "wire/packets.hpp"

#include <array>
#include <optional>
#include <vector>

namespace coterie::net {

using base::link_number;
using base::node_id;

/// What `totem.link_mode` says of packets that go to a node by more than one link.
enum class link_mode : std::uint8_t {
    passive,     ///< on the best one
    active,      ///< on all
    round_robin, ///< on one after the other
};

/// Links as bits: bit n is link n.
using link_set = std::uint8_t;
[[nodiscard]] constexpr link_set only(link_number link) { return static_cast<link_set>(1U << link.value); }
[[nodiscard]] constexpr bool has(link_set links, link_number link) { return (links & only(link)) != 0; }

/// A path as people want to see it.
struct path_report {
    link_number link;
    path_state state{};
    path_fault fault{};
    int error = 0;       ///< errno, with path_fault::unsendable
    bool in_use = false; ///< what is sent to the node goes there
    duration since{};    ///< how long it has been in its state
    duration held_off{}; ///< it was down too often: not up again for so long
    std::uint64_t times_down = 0;
    std::optional<duration> round_trip{};
    std::optional<unsigned> loss_percent{};
};

class path_watch {
public:
    /// A node, by the number that add_node() gave it.
    using node_place = std::size_t;

    /// What it calls for. None of these may call back in.
    class outputs {
    public:
        virtual ~outputs() = default;
        virtual void send_probe(node_place to, const wire::link_probe& probe) = 0;
        /// The path's state has changed.
        virtual void on_path(node_place node, const path_report& now) = 0;
        /// The node's host says that nobody listens there any more, and no path says otherwise. A hint only.
        virtual void on_refused(node_place node) = 0;
    };
    struct ranked_link {
        link_number number;
        int priority = 1; ///< the highest is used first in passive mode, of several the lowest number
    };
    struct settings {
        base::incarnation self; ///< this life: answers are known by it
        std::vector<ranked_link> links;
        link_mode mode = link_mode::passive;
        path_limits limits{};
    };

    /// `out` must outlive it.
    path_watch(settings what, outputs& out);

    node_place add_node();
    /// Begins to probe at the next on_time().
    void add_path(node_place node, link_number link);

    /// All links to the node, for packets that are small and on which everything hangs: who is alive and who is in a view
    /// shall not be a matter of which link is thought to work.
    [[nodiscard]] link_set for_control(node_place node) const { return _nodes[node].present; }
    /// The links for any other packet, which is taken to be sent there.
    [[nodiscard]] link_set for_traffic(node_place node);

    /// `life` of the node sent it.
    void on_probe(time_point now, node_place from, base::incarnation life, const wire::link_probe& probe);
    void on_refused(time_point now, node_place node, link_number link);
    /// This machine could not send on the path; `error` is errno.
    void on_unsendable(time_point now, node_place node, link_number link, int error);
    void on_time(time_point now);
    /// When on_time() wants to be called next; base::never without paths.
    [[nodiscard]] time_point deadline() const { return _due; }

    /// The node's paths, by link.
    [[nodiscard]] std::vector<path_report> paths(time_point now, node_place node) const;

private:
    static constexpr std::size_t rounds_kept = 64;
    struct node_paths {
        std::array<std::optional<path>, base::links_max> paths;
        link_set present = 0;
        link_set traffic = 0;
        bool in_turns = false;   ///< each packet goes to one of `traffic`, not to all
        link_number turn;        ///< the one that was last used
        bool used = false;       ///< something was sent there since the latest round
        std::uint64_t round = 0; ///< the latest
        std::array<time_point, rounds_kept> sent_at{};
        time_point round_at{};   ///< when it was sent
        time_point due{};        ///< when the next is
        std::uint64_t asked = 0; ///< the round that was sent because a port was refused; 0: none waits for its answer
    };

    void send_round(time_point now, node_place node);
    void judge(time_point now, node_place node);
    void judge_refusal(time_point now, node_place node);
    void choose(node_paths& of) const;
    [[nodiscard]] link_set best_of(const node_paths& of, link_set usable, link_set good) const;
    void plan(node_paths& of);
    [[nodiscard]] duration pace(const node_paths& of) const;
    [[nodiscard]] path_report report(time_point now, const node_paths& of, link_number link) const;
    /// The paths in `of` of which `is` is true.
    template <class Is>
    [[nodiscard]] static link_set those(const node_paths& of, Is is);

    settings _settings;
    outputs& _out;
    std::vector<link_number> _preferred; ///< the best first
    std::vector<node_paths> _nodes;
    std::size_t _paths = 0;
    time_point _due = base::never;
};

} // namespace coterie::net

// SPDX-License-Identifier: BSD-3-Clause
// The exchange of tables at the begin of a view: collects what every member says of its processes, and computes what
// that changes. The result depends on nothing but the delivered tables, what was known, and who stayed together, so that
// nodes which stayed together compute the same changes in the same order.
#pragma once

#include "base/buffer.hpp"
#include "groups/tables.hpp"
#include "wire/records.hpp"

#include <map>
#include <span>
#include <vector>

namespace coterie::groups {

/// One process that comes or goes at a common point.
struct table_step {
    enum class kind : std::uint8_t {
        node_down,    ///< known before, its node did not stay together with this one
        process_down, ///< its node stayed, but does not list it any more
        node_up,      ///< listed by a node that did not stay
        join,         ///< listed by a node that stayed, but not known before
    };
    std::string_view group; ///< lies in what was known, or in a delivered packet
    kind what{};
    process who;
    wire::slot_number slot{};
};

/// Where tables stand against what was known.
struct table_changes {
    std::vector<table_step> steps; ///< departures of nodes first; each part by group, kind, process
    std::uint64_t mismatches = 0;  ///< nodes that stayed together and list something else than was known
    std::uint64_t refused = 0;     ///< entries that contradict others of their table
};

class exchange {
public:
    /// `processes_max` bounds the entries of all tables.
    explicit exchange(std::size_t processes_max);

    /// Begins anew with the members of a view, sorted.
    void begin(std::span<const node_id> members);
    /// Takes a part of a table; `packet` is what its names lie in. Returns how many of its entries no honest node sends.
    [[nodiscard]] std::uint64_t add(node_id from, const wire::table_record& part, const base::buffer& packet);
    /// Whether more parts of this node's table are to come.
    [[nodiscard]] bool expects(node_id from) const;
    /// Takes what has come as the whole table of a node that sends something else.
    void end_table(node_id from);
    /// True once every member's table is there.
    [[nodiscard]] bool complete() const { return _missing == 0; }

    /// What the tables change in `known`. `together`: the nodes that stayed together since `known` was agreed, sorted.
    [[nodiscard]] table_changes changes(const tables& known, std::span<const node_id> together, node_id self);
    /// Lets go of the tables.
    void end();

private:
    struct table {
        std::vector<wire::table_record::entry> entries;
        bool complete = false;
    };

    std::size_t _processes_max;
    std::size_t _entries = 0; ///< claimed by all tables, also those refused
    std::size_t _missing = 0;
    std::map<node_id, table> _tables;
    std::vector<base::buffer> _packets;
};

/// The departures of all processes on nodes outside `together`, by group and process.
[[nodiscard]] std::vector<table_step> departures(const tables& known, std::span<const node_id> together);

} // namespace coterie::groups

// SPDX-License-Identifier: BSD-3-Clause
// Which view a node would like to see, from who hears whom: views are cliques of mutual hearing, chosen from the lowest
// id; views merge only whole. A pure function of what heartbeats have told (docs/protocol.md, section 4).
#pragma once

#include "ring/hearing.hpp"

#include <algorithm>
#include <vector>

namespace coterie::ring {

/// The own state that the choice depends on.
struct standing {
    member self;
    const regular_view* view; ///< null before the first
    bool frozen;              ///< the view can only be left
};

struct wish {
    std::vector<member> side;     ///< members of the own view (or the node alone) that still are with this node
    std::vector<member> core;     ///< the part of the side that is a clique of mutual hearing and holds this node
    std::vector<member> contact;  ///< nodes without a view, and members of other views, which can join the core whole
    bool stuck = false;           ///< a member of the side stands frozen in the view and takes part in no attempt
    std::vector<node_id> doubted; ///< members of the side that another member of it does not hear

    /// Whether members of the own view are gone, or someone waits for a change: no reason to wait any longer.
    [[nodiscard]] bool loss(const standing& standing) const;
};

[[nodiscard]] wish make_wish(const hearing& hearing, const standing& standing);

/// The largest-from-the-lowest clique: `first` and then, ascending, every one of `others` that `linked` says goes with
/// all chosen before. Nodes are named by anything that sorts as they do; sorted.
template <class Name, class Linked>
[[nodiscard]] std::vector<Name> clique_from(const Name& first, const std::vector<Name>& others, Linked linked) {
    std::vector<Name> chosen{first};
    for (const Name& each : others) {
        bool fits = each != first;
        for (std::size_t at = 0; fits && at < chosen.size(); ++at) {
            fits = linked(chosen[at], each);
        }
        if (fits) {
            chosen.push_back(each);
        }
    }
    std::ranges::sort(chosen);
    return chosen;
}

} // namespace coterie::ring

// SPDX-License-Identifier: BSD-3-Clause
// Which members of a view take packets much later than this node has them, by what their heartbeats say. Such a member
// holds everybody up, since nobody may be further ahead of it than a window (docs/protocol.md, section 3).
#pragma once

#include "ring/context.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace coterie::ring {

class lag_watch {
public:
    lag_watch(context& context, std::size_t members) : _context(context), _members(members) {}

    /// A heartbeat of the member at `place`, which is `node`, says that it has received up to `theirs`, when this node
    /// has received up to `own`.
    void heard(std::size_t place, node_id node, sequence_number theirs, sequence_number own);
    /// This node did not run: how late the others are is not known.
    void forget();
    /// How late a member is that does not keep up; nothing for one that does.
    [[nodiscard]] std::optional<duration> lag(std::size_t place) const;
    /// A member whose latest heartbeat says that it has not kept up for longer than the settings allow. Clears it.
    [[nodiscard]] std::optional<std::size_t> take_hopeless() { return std::exchange(_hopeless, std::nullopt); }

private:
    struct state {
        sequence_number mark; ///< what this node had received when it looked last and the member had not; or zero
        time_point marked{};  ///< when
        duration lag{};       ///< how long the latest mark took, or has been missing, whichever is longer
        bool slow = false;    ///< named
        time_point slow_since{};
        time_point well_since = base::never; ///< a slow one that seems to keep up again
    };

    context& _context;
    std::vector<state> _members; ///< by place
    std::optional<std::size_t> _hopeless;
};

} // namespace coterie::ring

// SPDX-License-Identifier: BSD-3-Clause
// Which group a handle is in, as far as its library knows: what it has asked for, what was answered, and what the changes
// that it took out of its queue prove. Says which calls make sense now; the daemon has the last word.
#pragma once

#include <corosync/cpg.h>
#include <cstdint>
#include <string>
#include <string_view>

namespace coterie::client {

/// Pure bookkeeping; the caller holds a lock.
///
/// A join or leave is settled by its answer or by the change that it causes, whichever is seen first: a callback may run
/// in one thread before cpg_join has returned in another. Every accepted join and leave causes exactly one change that
/// lists this process, in their order, so that counting tells whether such a change belongs to what is under way or to
/// something long settled whose change was still waiting in the queue.
class standing {
public:
    /// The number of a join or leave, for answered().
    using operation = std::uint64_t;

    /// Whether a join can begin: CS_OK, CS_ERR_EXIST in a group, CS_ERR_TRY_AGAIN while a leave is under way.
    [[nodiscard]] cs_error_t judge_join() const {
        switch (_phase) {
        case phase::outside: return CS_OK;
        case phase::leaving: return CS_ERR_TRY_AGAIN;
        default: return CS_ERR_EXIST;
        }
    }
    /// Whether this group can be left: CS_OK or CS_ERR_NOT_EXIST.
    [[nodiscard]] cs_error_t judge_leave(std::string_view group) const {
        return _phase == phase::joined && _group == group ? CS_OK : CS_ERR_NOT_EXIST;
    }

    /// Call after judge_join said CS_OK.
    [[nodiscard]] operation begin_join(std::string_view group) {
        _group = group;
        return begin(phase::joining);
    }
    /// Call after judge_leave said CS_OK. From here on the handle is not joined.
    [[nodiscard]] operation begin_leave() { return begin(phase::leaving); }

    /// The daemon has answered.
    void answered(operation which, bool accepted) {
        // A change may have settled it before, and a callback begun the next.
        if (which != _latest || !under_way()) {
            return;
        }
        if (accepted) {
            settle();
        } else {
            _phase = _phase == phase::joining ? phase::outside : phase::joined;
        }
    }

    /// A change that lists this process among those that joined or (`left`) left was taken out of the queue.
    void changed_itself(bool left) {
        ++_changes;
        if (under_way() && _changes == _accepted + 1) {
            const bool refused = left && _phase == phase::joining;
            settle();
            _phase = refused ? phase::outside : _phase;
        } else if (left && _changes == _accepted && _accepted_join) {
            // The answer to the last join in this handle's order said yes, its delivery no: the tables of the whole cluster
            // were full.
            _phase = phase::outside;
        }
    }

    [[nodiscard]] bool joining() const { return _phase == phase::joining; }
    [[nodiscard]] bool joined() const { return _phase == phase::joined; }
    /// The group that was joined last.
    [[nodiscard]] const std::string& group() const { return _group; }

private:
    enum class phase : std::uint8_t { outside, joining, joined, leaving };

    [[nodiscard]] bool under_way() const { return _phase == phase::joining || _phase == phase::leaving; }
    operation begin(phase next) {
        _phase = next;
        return ++_latest;
    }
    void settle() {
        ++_accepted;
        _accepted_join = _phase == phase::joining;
        _phase = _phase == phase::joining ? phase::joined : phase::outside;
    }

    phase _phase = phase::outside;
    operation _latest = 0;
    std::uint64_t _accepted = 0; ///< joins and leaves
    bool _accepted_join = false; ///< the latest of them was a join
    std::uint64_t _changes = 0;  ///< own ones, taken out of the queue
    std::string _group;
};

} // namespace coterie::client

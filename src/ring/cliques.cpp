// SPDX-License-Identifier: BSD-3-Clause
// The side, the core and the contacts of one node.
#include "ring/cliques.hpp"

#include "base/mutant.hpp"

#include <algorithm>
#include <map>

namespace coterie::ring {

namespace {

bool lists(const std::vector<member>& hears, const member& who) { return std::ranges::binary_search(hears, who); }

class chooser {
public:
    chooser(const hearing& hearing, const standing& standing) : _hearing(hearing), _standing(standing) {}

    wish choose() {
        gather_side();
        choose_core();
        gather_contacts();
        return std::move(_wish);
    }

private:
    /// Whether two nodes hear each other, as far as this node knows.
    [[nodiscard]] bool linked(const member& left, const member& right) const {
        if (COTERIE_MUTANT(ring_any_clique)) { // takes in members that cannot hear each other
            return true;
        }
        if (left == _standing.self || right == _standing.self) {
            const peer* other = _hearing.find(left == _standing.self ? right.node : left.node);
            return other != nullptr && _hearing.mutual(*other);
        }
        const peer* first = _hearing.find(left.node);
        const peer* second = _hearing.find(right.node);
        return first != nullptr && second != nullptr && lists(first->last.hears, right) &&
               lists(second->last.hears, left);
    }

    /// Whether a heard peer of the own view still stands in it; notes when it waits for a change.
    bool stands_by(const peer& other) {
        const view_id own = _standing.view->id;
        const bool changing = (other.last.flags & wire::heartbeat::changing) != 0;
        if (other.last.view == own) {
            _wish.stuck = _wish.stuck || (other.last.promised > own && !changing);
            return true;
        }
        if (other.last.view > own) {
            return false; // it has left for a later view
        }
        // It has not installed the view yet, or never will: then it has promised itself to something later.
        return other.last.promised <= own || changing;
    }

    void gather_side() {
        if (_standing.view == nullptr) {
            _wish.side.push_back(_standing.self);
            return;
        }
        for (const member& each : _standing.view->members) {
            if (each == _standing.self) {
                _wish.side.push_back(each);
                continue;
            }
            const peer* other = _hearing.find(each.node);
            if (other != nullptr && _hearing.hears(each) && stands_by(*other)) {
                _wish.side.push_back(each);
            }
        }
    }

    void choose_core() {
        std::vector<member> pool = _wish.side;
        while (_wish.core.empty()) {
            std::vector<member> clique =
                clique_from(pool.front(), pool, [&](const member& a, const member& b) { return linked(a, b); });
            if (std::ranges::binary_search(clique, _standing.self)) {
                _wish.core = std::move(clique);
                break;
            }
            std::erase_if(pool, [&](const member& each) { return std::ranges::binary_search(clique, each); });
        }
        for (const member& each : _wish.side) {
            for (const member& other : _wish.side) {
                const peer* witness = _hearing.find(other.node);
                if (each != other && each != _standing.self && witness != nullptr &&
                    !lists(witness->last.hears, each)) {
                    _wish.doubted.push_back(each.node);
                    break;
                }
            }
        }
    }

    void gather_contacts() {
        // By view, so that views merge whole; nodes without a view stand alone. Sorted: lowest node first.
        std::vector<std::vector<const peer*>> groups;
        std::map<view_id, std::size_t> group_of;
        for (const peer& each : _hearing.peers()) {
            const member who{each.node, each.nonce};
            if (!_hearing.mutual(each) || std::ranges::binary_search(_wish.side, who)) {
                continue;
            }
            if (!each.last.view.valid()) {
                groups.push_back({&each});
                continue;
            }
            const auto [found, fresh] = group_of.try_emplace(each.last.view, groups.size());
            if (fresh) {
                groups.emplace_back();
            }
            groups[found->second].push_back(&each);
        }
        std::vector<member> chosen = _wish.core;
        for (const auto& group : groups) {
            if (joins_whole(group, chosen)) {
                for (const peer* each : group) {
                    chosen.push_back({each->node, each->nonce});
                    _wish.contact.push_back({each->node, each->nonce});
                }
            }
        }
        std::ranges::sort(_wish.contact);
    }

    [[nodiscard]] bool joins_whole(const std::vector<const peer*>& group, const std::vector<member>& chosen) const {
        for (const peer* each : group) {
            const member who{each->node, each->nonce};
            const bool complete = !each->last.view.valid() || each->last.view_size == group.size();
            if (!complete || (each->last.flags & wire::heartbeat::changing) != 0) {
                return false;
            }
            const auto goes_with = [&](const member& other) { return linked(who, other); };
            if (!std::ranges::all_of(chosen, goes_with)) {
                return false;
            }
            for (const peer* other : group) {
                if (other != each && !linked(who, {other->node, other->nonce})) {
                    return false;
                }
            }
        }
        return true;
    }

    const hearing& _hearing;
    const standing& _standing;
    wish _wish;
};

} // namespace

bool wish::loss(const standing& standing) const {
    return standing.view == nullptr || standing.frozen || stuck || side.size() != standing.view->members.size();
}

wish make_wish(const hearing& hearing, const standing& standing) { return chooser(hearing, standing).choose(); }

} // namespace coterie::ring

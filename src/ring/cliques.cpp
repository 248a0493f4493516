// SPDX-License-Identifier: BSD-3-Clause
// The side, the core and the contacts of one node.
#include "ring/cliques.hpp"

#include "base/mutant.hpp"

#include <algorithm>
#include <map>

namespace coterie::ring {

namespace {

/// A node's index among this node and its peers, sorted by node. Who hears whom is asked for every pair of them, which
/// for many nodes has to be the look-up of a bit.
using place = std::size_t;

class chooser {
public:
    chooser(const hearing& hearing, const standing& standing) : _hearing(hearing), _standing(standing) {
        const std::vector<peer>& peers = hearing.peers();
        _known.reserve(peers.size() + 1);
        const auto above = std::ranges::lower_bound(peers, standing.self.node, {}, &peer::node);
        for (auto each = peers.begin(); each != above; ++each) {
            _known.push_back(&*each);
        }
        _self = _known.size();
        _known.push_back(nullptr);
        for (auto each = above; each != peers.end(); ++each) {
            _known.push_back(&*each);
        }
        _hears.resize(_known.size() * _known.size());
        for (place at = 0; at < _known.size(); ++at) {
            if (at != _self) {
                note_hearing(at);
            }
        }
    }

    wish choose() {
        gather_side();
        choose_core();
        gather_contacts();
        _wish.side = members(_side);
        _wish.core = members(_core);
        return std::move(_wish);
    }

private:
    [[nodiscard]] member who(place at) const {
        return at == _self ? _standing.self : member{_known[at]->node, _known[at]->nonce};
    }

    [[nodiscard]] std::vector<member> members(const std::vector<place>& places) const {
        std::vector<member> result;
        result.reserve(places.size());
        for (const place at : places) {
            result.push_back(who(at));
        }
        return result;
    }

    /// Both lists are sorted: one walk through both.
    void note_hearing(place of) {
        place at = 0;
        for (const member& heard : _known[of]->last.hears) {
            while (at < _known.size() && who(at) < heard) {
                ++at;
            }
            if (at < _known.size() && who(at) == heard) {
                _hears[of * _known.size() + at] = true;
            }
        }
    }

    [[nodiscard]] bool hears(place one, place other) const { return _hears[one * _known.size() + other]; }

    /// Whether two nodes hear each other, as far as this node knows.
    [[nodiscard]] bool linked(place left, place right) const {
        if (COTERIE_MUTANT(ring_any_clique)) { // takes in members that cannot hear each other
            return true;
        }
        if (left == _self || right == _self) {
            const peer* other = _known[left == _self ? right : left];
            return other != nullptr && _hearing.mutual(*other);
        }
        return hears(left, right) && hears(right, left);
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
            _side.push_back(_self);
            return;
        }
        place at = 0;
        for (const member& each : _standing.view->members) {
            while (at < _known.size() && who(at) < each) {
                ++at;
            }
            if (at == _known.size() || who(at) != each) {
                continue;
            }
            if (at == _self || (_hearing.hears(each) && stands_by(*_known[at]))) {
                _side.push_back(at);
            }
        }
    }

    void choose_core() {
        std::vector<place> pool = _side;
        while (_core.empty()) {
            std::vector<place> clique = clique_from(pool.front(), pool, [&](place a, place b) { return linked(a, b); });
            if (std::ranges::binary_search(clique, _self)) {
                _core = std::move(clique);
                break;
            }
            std::erase_if(pool, [&](place each) { return std::ranges::binary_search(clique, each); });
        }
        for (const place each : _side) {
            const auto misses = [&](place other) { return other != each && other != _self && !hears(other, each); };
            if (each != _self && std::ranges::any_of(_side, misses)) {
                _wish.doubted.push_back(who(each).node);
            }
        }
    }

    void gather_contacts() {
        // By view, so that views merge whole; nodes without a view stand alone. Sorted: lowest node first.
        std::vector<std::vector<place>> groups;
        std::map<view_id, std::size_t> group_of;
        for (place at = 0; at < _known.size(); ++at) {
            if (at == _self || !_hearing.mutual(*_known[at]) || std::ranges::binary_search(_side, at)) {
                continue;
            }
            const view_id& view = _known[at]->last.view;
            if (!view.valid()) {
                groups.push_back({at});
                continue;
            }
            const auto [found, fresh] = group_of.try_emplace(view, groups.size());
            if (fresh) {
                groups.emplace_back();
            }
            groups[found->second].push_back(at);
        }
        std::vector<place> chosen = _core;
        for (const auto& group : groups) {
            if (joins_whole(group, chosen)) {
                for (const place each : group) {
                    chosen.push_back(each);
                    _wish.contact.push_back(who(each));
                }
            }
        }
        std::ranges::sort(_wish.contact);
    }

    [[nodiscard]] bool joins_whole(const std::vector<place>& group, const std::vector<place>& chosen) const {
        for (const place each : group) {
            const wire::heartbeat& last = _known[each]->last;
            const bool complete = !last.view.valid() || last.view_size == group.size();
            if (!complete || (last.flags & wire::heartbeat::changing) != 0) {
                return false;
            }
            if (!std::ranges::all_of(chosen, [&](place other) { return linked(each, other); })) {
                return false;
            }
            if (!std::ranges::all_of(group, [&](place other) { return other == each || linked(each, other); })) {
                return false;
            }
        }
        return true;
    }

    const hearing& _hearing;
    const standing& _standing;
    std::vector<const peer*> _known; ///< by place; null for this node
    place _self = 0;
    std::vector<bool> _hears; ///< a row for each place: whom it hears
    std::vector<place> _side;
    std::vector<place> _core;
    wish _wish;
};

} // namespace

bool wish::loss(const standing& standing) const {
    return standing.view == nullptr || standing.frozen || stuck || side.size() != standing.view->members.size();
}

wish make_wish(const hearing& hearing, const standing& standing) { return chooser(hearing, standing).choose(); }

} // namespace coterie::ring

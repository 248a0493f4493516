// SPDX-License-Identifier: BSD-3-Clause
// The passes of shrinking, each of which keeps what it could not do without.
#include "sim/shrink.hpp"

#include "sim/plan_fields.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace coterie::sim {

using std::chrono::milliseconds;

namespace {

/// How many other seeds a plan with something left out is tried with.
constexpr std::uint64_t other_seeds = 2;
constexpr duration shortest = milliseconds(1);

class shrinker {
public:
    shrinker(const plan& failing, const plan_test& fails, std::size_t tries_max)
        : _best(failing),
          _fails(fails),
          _tries_max(tries_max) {}

    shrunk run() {
        bool smaller = true;
        while (smaller && !used_up()) {
            smaller = leave_out(&plan::faults);
            smaller = leave_out(&plan::clients) || smaller;
            smaller = leave_out_nodes() || smaller;
            smaller = shorten_run() || smaller;
            smaller = shorten_faults() || smaller;
            smaller = simplify_start() || smaller;
            smaller = simplify_all() || smaller;
        }
        return {std::move(_best), _tried, !used_up()};
    }

private:
    [[nodiscard]] bool used_up() const { return _tried >= _tries_max; }

    bool still_fails(const plan& candidate) {
        if (used_up()) {
            return false;
        }
        ++_tried;
        return _fails(candidate);
    }

    /// The candidate becomes the best if it fails too.
    bool take(plan candidate) {
        if (!still_fails(candidate)) {
            return false;
        }
        _best = std::move(candidate);
        return true;
    }

    /// The same, also with other seeds: for steps that are large.
    bool take_some_seed(plan candidate) {
        const std::uint64_t first = candidate.world.seed;
        for (std::uint64_t other = 0; other <= other_seeds; ++other) {
            candidate.world.seed = first + other;
            if (take(candidate)) {
                return true;
            }
        }
        return false;
    }

    /// Leaves out ever smaller parts of a list: all of it, halves, quarters, down to single ones.
    template <class Each>
    bool leave_out(std::vector<Each> plan::* list) {
        bool any = false;
        for (std::size_t part = (_best.*list).size(); part > 0; part /= 2) {
            for (std::size_t at = (_best.*list).size(); at > 0 && !used_up();) {
                const std::size_t begin = at > part ? at - part : 0;
                plan candidate = _best;
                std::vector<Each>& left = candidate.*list;
                left.erase(left.begin() + static_cast<std::ptrdiff_t>(begin),
                           left.begin() + static_cast<std::ptrdiff_t>(std::min(at, left.size())));
                any = take_some_seed(std::move(candidate)) || any;
                at = begin;
            }
        }
        return any;
    }

    bool leave_out_nodes() {
        bool any = false;
        for (std::size_t id = _best.world.nodes; id > 0 && _best.world.nodes > 1; --id) {
            any = take_some_seed(without_node(_best, {static_cast<std::uint32_t>(id)})) || any;
        }
        return any;
    }

    bool shorten_run() {
        bool any = false;
        // All faults end when the run's time is over, so it may end before some of them do.
        for (int halvings = 0; halvings < 12 && _best.time > shortest; ++halvings) {
            plan candidate = _best;
            candidate.time /= 2;
            std::erase_if(candidate.faults, [&](const planned_fault& each) { return each.at >= candidate.time; });
            if (!take(std::move(candidate))) {
                break;
            }
            any = true;
        }
        plan candidate = _best;
        candidate.time -= candidate.time / 4;
        std::erase_if(candidate.faults, [&](const planned_fault& each) { return each.at >= candidate.time; });
        return (_best.time > shortest && take(std::move(candidate))) || any;
    }

    bool shorten_faults() {
        bool any = false;
        for (std::size_t at = 0; at < _best.faults.size(); ++at) {
            while (_best.faults[at].lasts > shortest && !used_up()) {
                plan candidate = _best;
                candidate.faults[at].lasts /= 2;
                if (!take(std::move(candidate))) {
                    break;
                }
                any = true;
            }
        }
        return any;
    }

    bool simplify_start() {
        bool any = false;
        if (!_best.boots.empty()) {
            plan candidate = _best;
            candidate.boots.clear();
            any = take(std::move(candidate));
        }
        if (!_best.formed) {
            plan candidate = _best;
            candidate.boots.clear();
            candidate.formed = true;
            any = take(std::move(candidate)) || any;
        }
        return any;
    }

    /// Tries the default of each field of one part of the plan. What names things and says when is no setting.
    template <class PartOf>
    bool simplify(PartOf&& part_of) {
        constexpr std::array kept{std::string_view("seed"),   std::string_view("nodes"), std::string_view("node"),
                                  std::string_view("others"), std::string_view("kind"),  std::string_view("at"),
                                  std::string_view("lasts"),  std::string_view("time"),  std::string_view("boots"),
                                  std::string_view("formed")};
        using part = std::remove_cvref_t<decltype(part_of(_best))>;
        bool any = false;
        std::size_t fields = 0;
        fields_of(part_of(_best), [&fields](std::string_view, const auto&) { ++fields; });
        for (std::size_t wanted = 0; wanted < fields && !used_up(); ++wanted) {
            plan candidate = _best;
            part usual{};
            bool differs = false;
            std::size_t at = 0;
            fields_of(part_of(candidate), [&](std::string_view name, auto& value) {
                if (at++ == wanted && std::ranges::find(kept, name) == kept.end()) {
                    std::size_t also = 0;
                    fields_of(usual, [&](std::string_view, auto& ordinary) {
                        if constexpr (std::same_as<decltype(ordinary), decltype(value)>) {
                            if (also == wanted) {
                                differs = !(ordinary == value);
                                value = ordinary;
                            }
                        }
                        ++also;
                    });
                }
            });
            any = (differs && take(std::move(candidate))) || any;
        }
        return any;
    }

    bool simplify_all() {
        bool any = simplify([](plan& all) -> world_options& { return all.world; });
        any = simplify([](plan& all) -> ring::settings& { return all.world.ring; }) || any;
        any = simplify([](plan& all) -> groups::settings& { return all.world.groups; }) || any;
        any = simplify([](plan& all) -> link_quality& { return all.world.links; }) || any;
        any = simplify([](plan& all) -> plan& { return all; }) || any;
        for (std::size_t at = 0; at < _best.clients.size(); ++at) {
            any = simplify([at](plan& all) -> planned_client& { return all.clients[at]; }) || any;
        }
        for (std::size_t at = 0; at < _best.faults.size(); ++at) {
            any = simplify([at](plan& all) -> planned_fault& { return all.faults[at]; }) || any;
        }
        return any;
    }

    plan _best;
    const plan_test& _fails;
    std::size_t _tries_max;
    std::size_t _tried = 0;
};

/// Takes a node out of a list of nodes; false if that leaves none where there were some.
bool take_out(std::vector<base::node_id>& nodes, base::node_id gone) {
    const bool some = !nodes.empty();
    std::erase(nodes, gone);
    for (base::node_id& each : nodes) {
        each.value -= each > gone ? 1U : 0U;
    }
    return !(some && nodes.empty());
}

} // namespace

plan without_node(const plan& what, base::node_id gone) {
    plan result = what;
    --result.world.nodes;
    if (gone.value <= result.boots.size()) {
        result.boots.erase(result.boots.begin() + static_cast<std::ptrdiff_t>(gone.value - 1));
    }
    std::erase_if(result.clients, [gone](const planned_client& each) { return each.node == gone; });
    for (planned_client& each : result.clients) {
        each.node.value -= each.node > gone ? 1U : 0U;
    }
    result.faults.clear();
    for (planned_fault each : what.faults) {
        // No list of nodes means all of them: a fault that was about this one alone goes with it.
        const bool some = take_out(each.nodes, gone);
        if (take_out(each.others, gone) && some) {
            result.faults.push_back(std::move(each));
        }
    }
    return result;
}

shrunk shrink(const plan& failing, const plan_test& fails, std::size_t tries_max) {
    return shrinker(failing, fails, tries_max).run();
}

run_request shrink(const run_request& failing, const std::function<bool(const run_request&)>& fails,
                   std::size_t tries_max) {
    run_request best = failing;
    std::size_t tried = 0;
    const auto take = [&](const run_request& candidate) {
        if (tried++ >= tries_max || !fails(candidate)) {
            return false;
        }
        best = candidate;
        return true;
    };
    constexpr std::array<std::size_t, 6> sizes{2, 3, 4, 5, 6, 7};
    for (const std::size_t nodes : sizes) {
        run_request candidate = best;
        candidate.nodes = nodes;
        if (take(candidate)) {
            break;
        }
    }
    run_request agreed = best;
    agreed.safe = false;
    (void)take(agreed);
    for (duration time = std::chrono::seconds(2); time >= shortest; time /= 2) {
        run_request candidate = best;
        candidate.time = time;
        if (!take(candidate)) {
            break;
        }
    }
    return best;
}

} // namespace coterie::sim

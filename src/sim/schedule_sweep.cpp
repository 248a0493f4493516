// SPDX-License-Identifier: BSD-3-Clause
// The two sweeps: one view change after the other, the same each time but for one death or one lost packet, whose place
// the seed names.
#include "sim/schedule.hpp"

#include <algorithm>

namespace coterie::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// The view changes that are swept.
enum class change : std::uint8_t { loss, merge, arrival, departure, count };
constexpr std::uint64_t changes = static_cast<std::uint64_t>(change::count);

bool of_a_view_change(step::kind kind) {
    return kind != step::kind::hop_given && kind != step::kind::hop_taken && kind != step::kind::acknowledged;
}

/// A formed view with talk in it, ready for `which`.
bool set_the_scene(scene& on, change which) {
    const node_id last{static_cast<std::uint32_t>(on.w.nodes())};
    for (const node_id each : on.w.ids()) {
        if (which != change::arrival || each != last) {
            on.w.at(each).boot();
        }
    }
    if (!on.wait_converged("form-up")) {
        return false;
    }
    traffic_profile talk = on.usual_traffic();
    talk.pace = milliseconds(30);
    talk.answers = 50;
    on.populate(1, talk);
    on.w.run_for(milliseconds(200));
    if (which == change::merge) {
        std::vector<node_id> one;
        std::vector<node_id> other;
        for (const node_id each : on.w.ids()) {
            (each.value % 2 == 0 ? one : other).push_back(each);
        }
        on.w.net().partition({one, other});
        on.wait_converged("after the partition");
        on.w.run_for(milliseconds(50));
    }
    return true;
}

void trigger(scene& on, change which) {
    node& last = on.w.at(static_cast<std::uint32_t>(on.w.nodes()));
    switch (which) {
    case change::loss: last.crash(); return;
    case change::merge: on.w.net().join_all(); return;
    case change::arrival: last.boot(); return;
    case change::departure: last.leave(); return;
    case change::count: return;
    }
}

} // namespace

void prepare_sweep(setup& from) {
    if (!from.nodes_given) {
        from.world.nodes = 4;
    }
    from.world.nodes = std::max<std::size_t>(from.world.nodes, 3);
    default_time(from, seconds(2));
}

std::uint64_t sweep_block(const schedule& sweep, std::size_t nodes) {
    return sweep.play == play_crash_sweep ? changes * 2 * nodes : changes;
}

void play_crash_sweep(scene& on) {
    // The place: which change, whether what was sent in the fatal input goes out, who dies, at whose how-manieth step.
    std::uint64_t place = on.options.seed;
    const auto digit = [&place](std::uint64_t base) {
        const std::uint64_t result = place % base;
        place /= base;
        return result;
    };
    const auto which = static_cast<change>(digit(changes));
    const bool sent = digit(2) == 1;
    const node_id victim{static_cast<std::uint32_t>(1 + digit(on.w.nodes()))};
    std::uint64_t skipped = place;

    if (!set_the_scene(on, which)) {
        return;
    }
    bool struck = false;
    const hook_id striking = on.w.on_steps([&](node&, const step& what) {
        if (struck || !of_a_view_change(what.what) || skipped-- > 0) {
            return;
        }
        struck = true;
        on.w.at(victim).crash(sent);
    });
    trigger(on, which);
    on.w.run_for(milliseconds(1));
    on.w.run_until_every(milliseconds(1), [&] { return struck || on.w.converged(); }, seconds(4));
    // The change may not have begun yet when all looks well; it has to within the time of detection.
    on.w.run_until([&struck] { return struck; }, milliseconds(1'200));
    on.w.unhook(striking);
    on.exhausted = !struck;
    on.w.run_for(on.between(milliseconds(1), milliseconds(700)));
    on.w.at(victim).boot(on.any_fate());
    on.w.run_for(on.between(milliseconds(1), milliseconds(300)));
}

void play_drop_sweep(scene& on) {
    const auto which = static_cast<change>(on.options.seed % changes);
    const std::uint64_t skipped = on.options.seed / changes;
    if (!set_the_scene(on, which)) {
        return;
    }
    const std::size_t views_before = on.w.steps_of(step::kind::installed);
    const rule_id dropping = on.w.net().drop_nth({.kinds = kind_set::control()}, skipped);
    trigger(on, which);
    on.w.run_until([&] { return on.w.steps_of(step::kind::installed) > views_before; }, seconds(4));
    on.w.run_until_every(milliseconds(1), [&] { return on.w.converged(); }, seconds(4));
    on.exhausted = on.w.net().hits(dropping) <= skipped;
}

} // namespace coterie::sim

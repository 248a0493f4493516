// SPDX-License-Identifier: BSD-3-Clause
// Large messages: what happens between their first piece and their last.
#include "sim/schedule.hpp"

#include <algorithm>

namespace coterie::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using trace::event_kind;

void prepare_large(setup& from) {
    draw_nodes(from, 3, 5);
    default_time(from, seconds(2));
    // Ten megabytes in some runs, less in most: the interesting moments are the same, and runs stay short.
    if (from.random.chance(1, 2)) {
        from.world.ring.datagram_bytes = static_cast<std::size_t>(from.random.between(1'452, 60'000));
    }
}

void play_large_message(scene& on) {
    if (!on.form()) {
        return;
    }
    const std::vector<node_id> order = on.shuffled();
    const node_id sender = order[0];
    const node_id listener = order[1];
    const node_id joiner = order[2]; // a daemon without members
    client& speaker = on.quiet_member(sender);
    on.quiet_member(listener);
    if (on.wait_rest("joining")) {
        traffic_profile talk = on.usual_traffic();
        talk.pace = milliseconds(30);
        talk.large = 5;
        on.t.assign(on.w.new_client(listener), talk);
        on.t.assign(on.w.new_client(sender), talk);
    }
    const std::size_t megabytes = on.chance(1, 5) ? 10 : 1 + on.below(3);
    for (int round = 0; round < 3; ++round) {
        speaker.enter("alpha");
        const std::size_t bytes = (megabytes << 20U) + on.below(5'000);
        if (!speaker.multicast(bytes, on.any_guarantee())) {
            on.w.run_for(milliseconds(200));
            continue;
        }
        (void)speaker.multicast(200, on.any_guarantee());
        // Somewhere between the pieces.
        const std::uint64_t pieces = bytes / on.options.world.ring.datagram_bytes;
        const std::uint64_t piece = on.below(pieces + 2);
        std::uint64_t numbered = 0;
        const hook_id counting = on.w.on_events([&numbered, sender](const trace::event& what) {
            numbered += what.kind == event_kind::numbered && what.node == sender ? 1U : 0U;
        });
        on.w.run_until([&] { return numbered >= piece; }, milliseconds(500));
        on.w.unhook(counting);
        switch (on.below(6)) {
        case 0:
            on.w.net().partition(on.sides(2));
            on.w.run_for(on.between(milliseconds(10), milliseconds(1'200)));
            on.w.net().join_all();
            break;
        case 1: on.quiet_member(joiner); break;
        case 2: speaker.crash(); break;
        case 3: (void)speaker.leave(); break;
        case 4:
            on.w.at(sender).crash_amid_burst(on.below(200));
            on.w.run_for(on.between(milliseconds(1), milliseconds(800)));
            on.w.at(sender).crash();
            on.w.at(sender).boot(on.any_fate());
            break;
        default:
            on.w.at(on.chance(1, 2) ? listener : joiner).crash();
            on.w.run_for(on.between(milliseconds(1), milliseconds(300)));
            on.w.at(listener).boot(on.any_fate());
            on.w.at(joiner).boot(on.any_fate());
            break;
        }
        on.w.run_for(on.between(milliseconds(5), milliseconds(700)));
    }
}

} // namespace coterie::sim

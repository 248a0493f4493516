// SPDX-License-Identifier: BSD-3-Clause
// The sentences of schedules, in terms of the world.
#include "sim/scene.hpp"

#include <algorithm>
#include <utility>

namespace coterie::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

scene::scene(const setup& from) : w(from.world), t(w, w.new_seed()), random(from.random), options(from) {}

duration scene::between(duration low, duration high) { return duration(random.between(low.count(), high.count())); }

node_id scene::any_node() { return {static_cast<std::uint32_t>(1 + random.below(w.nodes()))}; }

node_id scene::any_running() {
    const std::vector<node_id> live = w.running();
    return live.empty() ? base::no_node : live[random.below(live.size())];
}

std::vector<node_id> scene::shuffled() {
    std::vector<node_id> result = w.ids();
    for (std::size_t left = result.size(); left > 1; --left) {
        std::swap(result[left - 1], result[random.below(left)]);
    }
    return result;
}

std::vector<std::vector<node_id>> scene::sides(std::size_t count) {
    const std::vector<node_id> order = shuffled();
    std::vector<std::vector<node_id>> result(std::min(count, order.size()));
    for (std::size_t at = 0; at < order.size(); ++at) {
        result[at < result.size() ? at : random.below(result.size())].push_back(order[at]);
    }
    return result;
}

store_fate scene::any_fate() {
    switch (random.below(4)) {
    case 0: return store_fate::lost;
    case 1: return store_fate::rolled_back;
    default: return store_fate::kept;
    }
}

void scene::later(duration delay, std::function<void()> what) {
    w.after(delay, [this, what = std::move(what)] {
        if (!_calm) {
            what();
        }
    });
}

bool scene::form(duration limit) {
    w.boot_all();
    return wait_converged("form-up", limit);
}

bool scene::wait_converged(std::string_view what, duration limit) {
    if (w.run_until_every(milliseconds(1), [this] { return w.converged(); }, limit)) {
        return true;
    }
    w.complain(base::no_node, std::string(what) + ": no stable view of all that hear each other\n" + w.describe(), 17);
    return false;
}

bool scene::wait_mutual(std::string_view what) {
    if (w.run_until_every(milliseconds(1), [this] { return w.mutual(); }, patience())) {
        return true;
    }
    w.complain(base::no_node, std::string(what) + ": members of one view do not hear each other\n" + w.describe(), 2);
    return false;
}

bool scene::wait_rest(std::string_view what, duration limit) {
    if (w.run_until_every(milliseconds(1), [this] { return w.at_rest(); }, limit)) {
        return true;
    }
    w.complain(base::no_node, std::string(what) + ": not everything accepted has been delivered\n" + w.describe(), 17);
    return false;
}

traffic_profile scene::usual_traffic() const {
    traffic_profile result;
    result.safe = options.safe ? 30 : 0;
    return result;
}

void scene::populate(std::size_t clients_a_node, const traffic_profile& profile) {
    for (const node_id home : w.ids()) {
        for (std::size_t made = 0; made < clients_a_node; ++made) {
            t.assign(w.new_client(home, {.ring_views = random.chance(1, 4)}), profile);
        }
    }
}

client& scene::quiet_member(node_id home, std::string_view group) {
    client& result = w.new_client(home);
    result.enter(group);
    return result;
}

guarantee scene::any_guarantee() { return options.safe && random.chance(1, 2) ? guarantee::safe : guarantee::agreed; }

node_id scene::holder() const {
    for (const node_id each : w.ids()) {
        if (w.at(each).running() && w.at(each).engine().holds_token()) {
            return each;
        }
    }
    return base::no_node;
}

node_id scene::lowest_running() const {
    const std::vector<node_id> live = w.running();
    return live.empty() ? base::no_node : live.front();
}

void scene::end_faults(std::uint32_t restarted) {
    _calm = true;
    w.net().heal();
    for (const node_id each : w.ids()) {
        node& one = w.at(each);
        one.storage.write_min = options.world.store_min;
        one.storage.write_max = options.world.store_max;
        one.socket_bytes_max = options.world.socket_bytes;
        one.receive_ns_per_byte = 0;
        one.receive_ns_per_datagram = 0;
        one.spare();
        one.reappear();
        one.resume();
        if (!one.alive() && random.below(100) < restarted) {
            one.boot(any_fate());
        }
    }
}

duration scene::patience() const {
    const ring::settings& ring = options.world.ring;
    // Detection, the cap of the back-off, a write to a disk that was slow when the faults ended, and a number of round
    // trips of a view change for so many nodes.
    return ring.contact_limit + ring.silence_limit + ring.hold_off_max + seconds(2) + seconds(2) +
           milliseconds(20) * static_cast<std::int64_t>(w.nodes());
}

void scene::finish() {
    if (std::exchange(_finished, true)) {
        return;
    }
    end_faults();
    _quiet_since = w.now();
    t.stop();
    // A silence that the last fault began may still come to be noticed.
    w.run_for(w.options().ring.silence_limit + w.options().ring.contact_interval);
    const bool formed = wait_converged("after the faults", patience());
    const bool calm = formed && wait_rest("after the faults");
    if (calm) {
        // What has settled stays settled.
        std::vector<base::view_id> views;
        for (const node_id each : w.running()) {
            views.push_back(w.at(each).settled_view());
        }
        w.run_for(milliseconds(1'500));
        std::vector<base::view_id> later;
        for (const node_id each : w.running()) {
            later.push_back(w.at(each).settled_view());
        }
        if (views != later) {
            w.complain(base::no_node, "views change though all faults have ended\n" + w.describe(), 2);
        }
        if (!w.at_rest()) {
            w.complain(base::no_node, "what had come to rest has begun to move again\n" + w.describe(), 17);
        }
    }
    w.check_bounds();
    w.record_tables();
}

} // namespace coterie::sim

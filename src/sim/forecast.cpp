// SPDX-License-Identifier: BSD-3-Clause
// The kinds of trouble as they are drawn; one of them may be several faults of a plan.
#include "sim/forecast.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace coterie::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

enum class sort : std::uint8_t {
    noise, ///< loss, duplicates, reordering, corruption on some or all links
    control_noise,
    latency, ///< jumps
    partition,
    one_way,
    asymmetric, ///< some directions of many, drawn one by one
    deaf,       ///< a node hears nobody
    mute,       ///< nobody hears a node
    flap,
    crash,
    crash_amid,
    crash_at_step,
    vanish,
    leave,
    cascade,  ///< one after the other dies
    blackout, ///< all die at once
    pause,
    pause_amid,
    slow_store,
    small_buffer,
    slow_receiver,
    client_crash,
    packet_size,
    count,
};
constexpr std::size_t sorts = static_cast<std::size_t>(sort::count);

class forecaster {
public:
    forecaster(base::random_source& random, const plan& around)
        : _random(random),
          _plan(around),
          _away_until(around.world.nodes) {
        // About half of the sorts, some of them often.
        for (std::uint32_t& weight : _weights) {
            weight = chance(1, 2) ? static_cast<std::uint32_t>(1 + below(8)) : 0;
        }
        _weights[below(sorts)] += 4;
        _gap = any_scale(_random, milliseconds(10), milliseconds(900));
        _longest = between(milliseconds(30), milliseconds(2'500));
    }

    std::vector<planned_fault> draw() {
        for (_now = next_gap(); _now < _plan.time; _now += next_gap()) {
            draw_one(any_sort());
        }
        std::ranges::stable_sort(_faults, {}, &planned_fault::at);
        return std::move(_faults);
    }

private:
    std::uint64_t below(std::uint64_t bound) { return _random.below(bound); }
    bool chance(std::uint64_t numerator, std::uint64_t denominator) { return _random.chance(numerator, denominator); }
    duration between(duration low, duration high) { return any_time(_random, low, high); }
    duration next_gap() { return between(_gap / 10, _gap * 2); }

    /// Short times matter as much as long ones.
    duration some_time() {
        const duration scale = _longest / (std::int64_t{1} << below(8));
        return between(scale / 2, scale) + milliseconds(1);
    }

    sort any_sort() {
        std::uint64_t total = 0;
        for (const std::uint32_t weight : _weights) {
            total += weight;
        }
        std::uint64_t drawn = below(total);
        for (std::size_t kind = 0; kind < sorts; ++kind) {
            if (drawn < _weights[kind]) {
                return static_cast<sort>(kind);
            }
            drawn -= _weights[kind];
        }
        return sort::noise;
    }

    node_id any_node() { return {static_cast<std::uint32_t>(1 + below(_plan.world.nodes))}; }

    /// A node that is there as far as the plan goes, often the lowest; no_node if there is none.
    node_id any_present() {
        std::vector<node_id> present;
        for (std::uint32_t id = 1; id <= _plan.world.nodes; ++id) {
            if (_away_until[id - 1] <= _now) {
                present.push_back({id});
            }
        }
        if (present.empty()) {
            return base::no_node;
        }
        return chance(1, 4) ? present.front() : present[below(present.size())];
    }

    store_fate any_fate() {
        constexpr std::array fates{store_fate::kept, store_fate::kept, store_fate::lost, store_fate::rolled_back};
        return fates[below(fates.size())];
    }

    planned_fault& add(trouble kind, duration lasts) {
        planned_fault& made = _faults.emplace_back();
        made.kind = kind;
        made.at = _now;
        made.lasts = lasts;
        return made;
    }

    void draw_one(sort what) {
        switch (what) {
        case sort::noise: noise(kind_set::all()); return;
        case sort::control_noise: noise(chance(1, 2) ? kind_set::control() : kind_set::membership()); return;
        case sort::latency: latency(); return;
        case sort::partition: partition(); return;
        case sort::one_way: one_way(); return;
        case sort::asymmetric: asymmetric(); return;
        case sort::deaf: cut_directions(false); return;
        case sort::mute: cut_directions(true); return;
        case sort::flap: flap(); return;
        case sort::crash: end(trouble::crash); return;
        case sort::crash_amid: end(trouble::crash_amid); return;
        case sort::crash_at_step: end(trouble::crash_at_step); return;
        case sort::vanish: end(trouble::vanish); return;
        case sort::leave: end(trouble::leave); return;
        case sort::cascade: cascade(); return;
        case sort::blackout: blackout(); return;
        case sort::pause: pause(trouble::pause); return;
        case sort::pause_amid: pause(trouble::pause_amid); return;
        case sort::slow_store: slow_store(); return;
        case sort::small_buffer: small_buffer(); return;
        case sort::slow_receiver: slow_receiver(); return;
        case sort::client_crash: client_crash(); return;
        case sort::packet_size: packet_size(); return;
        case sort::count: return;
        }
    }

    void noise(kind_set afflicted) {
        const auto badness = [this](std::uint32_t worst) {
            return chance(1, 2) ? static_cast<std::uint32_t>(below(worst)) : 0U;
        };
        planned_fault& made = add(trouble::noise, some_time());
        link_quality& worse = made.quality;
        worse = _plan.world.links;
        worse.loss = badness(300'000);
        worse.duplicate = badness(200'000);
        worse.late_duplicate = badness(50'000);
        worse.reorder = badness(300'000);
        worse.corrupt = badness(50'000);
        worse.reorder_max = between(microseconds(200), milliseconds(20));
        worse.late_max = between(milliseconds(20), milliseconds(900));
        worse.afflicted = afflicted;
        if (chance(1, 4)) {
            worse.latency = between(microseconds(50), milliseconds(20));
            worse.jitter = worse.latency / 2;
        }
        somewhere(made);
    }

    void latency() {
        planned_fault& made = add(trouble::noise, some_time());
        made.quality = _plan.world.links;
        made.quality.latency = any_scale(_random, microseconds(50), milliseconds(80));
        made.quality.jitter = made.quality.latency / static_cast<std::int64_t>(1 + below(10));
        made.rounds = chance(1, 3) ? 2 + below(5) : 1;
        somewhere(made);
    }

    /// All links, those of one node, or one of them.
    void somewhere(planned_fault& made) {
        if (chance(1, 2)) {
            return;
        }
        made.nodes = {any_node()};
        if (chance(1, 3)) {
            const node_id other = any_node();
            if (other != made.nodes.front()) {
                made.others = {other};
            }
        }
        made.one_way = chance(1, 3);
    }

    /// A number of non-empty sides that together are all nodes.
    std::vector<std::vector<node_id>> sides(std::size_t count) {
        std::vector<node_id> order;
        for (std::uint32_t id = 1; id <= _plan.world.nodes; ++id) {
            order.push_back({id});
        }
        for (std::size_t left = order.size(); left > 1; --left) {
            std::swap(order[left - 1], order[below(left)]);
        }
        std::vector<std::vector<node_id>> result(std::min(count, order.size()));
        for (std::size_t at = 0; at < order.size(); ++at) {
            result[at < result.size() ? at : below(result.size())].push_back(order[at]);
        }
        for (auto& each : result) {
            std::ranges::sort(each);
        }
        return result;
    }

    void partition() {
        const duration lasts = some_time();
        const auto all = sides(2 + below(2));
        for (std::size_t side = 0; side + 1 < all.size(); ++side) {
            add(trouble::cut, lasts).nodes = all[side];
        }
    }

    void one_way() {
        const node_id one = any_node();
        const node_id other = any_node();
        if (one == other) {
            return;
        }
        planned_fault& made = add(trouble::cut, some_time());
        made.nodes = {one};
        made.others = {other};
        made.one_way = true;
    }

    void asymmetric() {
        constexpr std::size_t directions_max = 12;
        const duration lasts = some_time();
        for (std::uint64_t left = 2 + below(directions_max); left > 0; --left) {
            one_way();
            if (!_faults.empty() && _faults.back().at == _now) {
                _faults.back().lasts = lasts;
            }
        }
    }

    void cut_directions(bool hears) {
        planned_fault& made = add(trouble::cut, some_time());
        made.one_way = true;
        if (hears) {
            made.nodes = {any_node()};
        } else {
            made.others = {any_node()};
        }
    }

    void flap() {
        planned_fault& made = add(trouble::cut, between(milliseconds(10), milliseconds(700)));
        made.nodes = sides(2).front();
        made.one_way = chance(1, 4);
        made.rounds = 2 + below(6);
    }

    planned_fault* end(trouble kind) {
        const node_id victim = any_present();
        if (victim == base::no_node) {
            return nullptr;
        }
        // Some stay away until the end, most return, many within the detection limit.
        const bool returns = !chance(1, 8);
        const duration away = chance(1, 2) ? between(milliseconds(1), milliseconds(300)) : some_time();
        planned_fault& made = add(kind, returns ? away : duration{});
        made.nodes = {victim};
        made.fate = any_fate();
        made.skew_us = chance(1, 8) ? _random.between(-3'600'000'000, 3'600'000'000) : 0;
        if (kind == trouble::crash_amid) {
            made.skip = below(1 + 2 * _plan.world.nodes);
        } else if (kind == trouble::crash_at_step) {
            made.skip = below(4);
            made.sent = chance(1, 2);
        }
        _away_until[victim.value - 1] = returns ? _now + away : duration::max();
        return &made;
    }

    void cascade() {
        const duration pace = any_scale(_random, milliseconds(1), milliseconds(600));
        const duration began = _now;
        for (std::uint64_t left = 2 + below(_plan.world.nodes); left > 0; --left) {
            end(chance(1, 2) ? trouble::crash : trouble::crash_at_step);
            _now += between(pace / 2, pace);
        }
        _now = began;
    }

    void blackout() {
        for (std::uint32_t id = 1; id <= _plan.world.nodes; ++id) {
            const duration away = between(milliseconds(1), milliseconds(500));
            planned_fault& made = add(trouble::crash, away);
            made.nodes = {{id}};
            made.fate = any_fate();
            _away_until[id - 1] = _now + away;
        }
    }

    void pause(trouble kind) {
        const node_id victim = any_present();
        if (victim == base::no_node) {
            return;
        }
        planned_fault& made = add(kind, some_time());
        made.nodes = {victim};
        made.skip = kind == trouble::pause_amid ? below(2 * _plan.world.nodes) : 0;
    }

    void slow_store() {
        planned_fault& made = add(trouble::slow_store, 2 * some_time());
        made.slow = between(milliseconds(150), seconds(2));
        on_one_or_all(made);
    }

    void small_buffer() {
        planned_fault& made = add(trouble::small_buffer, some_time());
        made.bytes = static_cast<std::size_t>(any_scale(_random, 500, 60'000));
        on_one_or_all(made);
        if (chance(1, 2)) {
            const std::vector<node_id> victims = made.nodes;
            add(trouble::pause, some_time()).nodes = victims;
        }
    }

    void slow_receiver() {
        planned_fault& made = add(trouble::slow_receiver, some_time());
        made.slow = any_scale(_random, microseconds(5), microseconds(400));
        on_one_or_all(made);
    }

    void packet_size() {
        planned_fault& made = add(trouble::packet_size, some_time());
        made.bytes = static_cast<std::size_t>(any_scale(_random, 400, 60'000));
        on_one_or_all(made);
    }

    void client_crash() { on_one_or_all(add(trouble::client_crash, {})); }

    void on_one_or_all(planned_fault& made) {
        if (!chance(1, 6)) {
            made.nodes = {any_node()};
        }
    }

    base::random_source& _random;
    const plan& _plan;
    std::array<std::uint32_t, sorts> _weights{};
    duration _gap{};
    duration _longest{};
    duration _now{};
    std::vector<duration> _away_until;
    std::vector<planned_fault> _faults;
};

} // namespace

std::int64_t any_scale(base::random_source& random, std::int64_t low, std::int64_t high) {
    std::uint64_t doublings = 0;
    for (std::int64_t reached = low; reached < high / 2; reached *= 2) {
        ++doublings;
    }
    const std::int64_t from = low << random.below(doublings + 1);
    return random.between(from, std::min(high, 2 * from));
}

duration any_time(base::random_source& random, duration low, duration high) {
    return std::chrono::floor<microseconds>(duration(random.between(low.count(), high.count())));
}

duration any_scale(base::random_source& random, duration low, duration high) {
    return std::chrono::floor<microseconds>(duration(any_scale(random, low.count(), high.count())));
}

std::vector<planned_fault> forecast(base::random_source& random, const plan& around) {
    return forecaster(random, around).draw();
}

} // namespace coterie::sim

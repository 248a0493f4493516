// SPDX-License-Identifier: BSD-3-Clause
// A client's turn, and what it does when it sees a message.
#include "sim/traffic.hpp"

#include <algorithm>

namespace coterie::sim {

traffic::traffic(world& around, std::uint64_t seed) : _world(around), _random(seed) {
    _world.on_turn = [this](std::uint32_t index) { turn(index); };
}

void traffic::assign(client& who, const traffic_profile& profile, std::uint64_t seed) {
    if (_shares.size() <= who.index()) {
        _shares.resize(who.index() + 1);
    }
    share& mine = _shares[who.index()];
    const bool first = !mine.assigned;
    mine = {.profile = profile, .assigned = true, .stalled = mine.stalled, .random = base::random_source(seed)};
    if (profile.answers != 0) {
        who.on_seen = [this](client& reader, const trace::event& seen) {
            if (_stopped || seen.kind != trace::event_kind::client_delivered || seen.sender == reader.who()) {
                return;
            }
            const std::uint64_t readers = std::max<std::size_t>(1, reader.members().size());
            share& its = _shares[reader.index()];
            if (its.random.chance(its.profile.answers, 100 * readers)) {
                _world.post([this, &reader] { say(reader, _shares[reader.index()]); });
            }
        };
    }
    if (first) {
        plan_turn(who.index());
    }
}

void traffic::plan_turn(std::uint32_t index) {
    share& mine = _shares[index];
    const std::int64_t pace = mine.profile.pace.count();
    const duration wait =
        mine.profile.regular ? mine.profile.pace : duration(mine.random.between(pace / 10, pace * 19 / 10));
    _world.plan(wait, happening::client_acts, index);
}

void traffic::turn(std::uint32_t index) {
    if (_stopped) {
        return;
    }
    act(_world.client_at(index), _shares[index]);
    plan_turn(index);
}

void traffic::say(client& who, share& mine) {
    if (who.state() != standing::member && who.state() != standing::joining) {
        return;
    }
    const traffic_profile& profile = mine.profile;
    const std::size_t bytes = mine.happens(profile.large) ? mine.between(profile.bytes_max, profile.large_bytes_max)
                                                          : mine.between(profile.bytes_min, profile.bytes_max);
    (void)who.multicast(bytes, mine.happens(profile.safe) ? guarantee::safe : guarantee::agreed);
}

void traffic::act(client& who, share& mine) {
    const traffic_profile& profile = mine.profile;
    if (mine.stalled && (!who.home().alive() || mine.random.chance(1, 3))) {
        mine.stalled = false;
        who.unstall();
    }
    if (!who.home().alive()) {
        return;
    }
    switch (who.state()) {
    case standing::closed: who.enter(mine.some_group()); return;
    case standing::open: (void)who.join(mine.some_group()); return;
    case standing::leaving: return;
    case standing::joining:
    case standing::member: break;
    }
    if (mine.happens(profile.crashes)) {
        who.crash();
        if (mine.random.chance(1, 2)) {
            who.reborn(_world.new_pid());
        }
    } else if (mine.happens(profile.leaves)) {
        (void)who.leave();
    } else if (mine.happens(profile.finalizes)) {
        who.finalize();
    } else if (mine.happens(profile.stalls)) {
        mine.stalled = true;
        who.stall();
    } else {
        for (std::uint64_t left = 1 + mine.random.below(profile.burst_max); left > 0; --left) {
            say(who, mine);
        }
    }
}

void traffic::stop() {
    _stopped = true;
    for (std::size_t index = 0; index < _shares.size(); ++index) {
        if (_shares[index].stalled) {
            _shares[index].stalled = false;
            _world.client_at(index).unstall();
        }
    }
}

} // namespace coterie::sim

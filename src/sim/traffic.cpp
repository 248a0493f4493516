// SPDX-License-Identifier: BSD-3-Clause
// A client's turn, and what it does when it sees a message.
#include "sim/traffic.hpp"

#include <algorithm>

namespace coterie::sim {

traffic::traffic(world& around, std::uint64_t seed) : _world(around), _random(seed) {
    _world.on_turn = [this](std::uint32_t index) { turn(index); };
}

void traffic::assign(client& who, const traffic_profile& profile) {
    if (_shares.size() <= who.index()) {
        _shares.resize(who.index() + 1);
    }
    share& mine = _shares[who.index()];
    const bool first = !mine.assigned;
    mine = {.profile = profile, .assigned = true, .stalled = mine.stalled};
    if (profile.answers != 0) {
        who.on_seen = [this](client& reader, const trace::event& seen) {
            if (_stopped || seen.kind != trace::event_kind::client_delivered || seen.sender == reader.who()) {
                return;
            }
            const std::uint64_t readers = std::max<std::size_t>(1, reader.members().size());
            if (_random.chance(_shares[reader.index()].profile.answers, 100 * readers)) {
                _world.post([this, &reader] { say(reader, _shares[reader.index()].profile); });
            }
        };
    }
    if (first) {
        plan_turn(who.index(), profile);
    }
}

void traffic::plan_turn(std::uint32_t index, const traffic_profile& profile) {
    const std::int64_t pace = profile.pace.count();
    const duration wait = profile.regular ? profile.pace : duration(_random.between(pace / 10, pace * 19 / 10));
    _world.plan(wait, happening::client_acts, index);
}

void traffic::turn(std::uint32_t index) {
    if (_stopped) {
        return;
    }
    share& mine = _shares[index];
    act(_world.client_at(index), mine);
    plan_turn(index, mine.profile);
}

const std::string& traffic::some_group(const traffic_profile& profile) {
    return profile.groups[_random.below(profile.groups.size())];
}

void traffic::say(client& who, const traffic_profile& profile) {
    if (who.state() != standing::member && who.state() != standing::joining) {
        return;
    }
    const auto bounded = [this](std::size_t low, std::size_t high) {
        return static_cast<std::size_t>(
            _random.between(static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)));
    };
    const bool large = happens(profile.large);
    const std::size_t bytes =
        large ? bounded(profile.bytes_max, profile.large_bytes_max) : bounded(profile.bytes_min, profile.bytes_max);
    (void)who.multicast(bytes, happens(profile.safe) ? guarantee::safe : guarantee::agreed);
}

void traffic::act(client& who, share& mine) {
    const traffic_profile& profile = mine.profile;
    if (mine.stalled && (!who.home().alive() || _random.chance(1, 3))) {
        mine.stalled = false;
        who.unstall();
    }
    if (!who.home().alive()) {
        return;
    }
    switch (who.state()) {
    case standing::closed: who.enter(some_group(profile)); return;
    case standing::open: (void)who.join(some_group(profile)); return;
    case standing::leaving: return;
    case standing::joining:
    case standing::member: break;
    }
    if (happens(profile.crashes)) {
        who.crash();
        if (_random.chance(1, 2)) {
            who.reborn(_world.new_pid());
        }
    } else if (happens(profile.leaves)) {
        (void)who.leave();
    } else if (happens(profile.finalizes)) {
        who.finalize();
    } else if (happens(profile.stalls)) {
        mine.stalled = true;
        who.stall();
    } else {
        for (std::uint64_t left = 1 + _random.below(profile.burst_max); left > 0; --left) {
            say(who, profile);
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

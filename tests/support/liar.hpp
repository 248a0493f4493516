// SPDX-License-Identifier: BSD-3-Clause
// A member that has the keys but not its senses: whatever a string of bytes makes it say, with the right origin, view
// and tag. Random bytes in a test and a fuzzer's input drive it alike, so what one finds the other replays.
#pragma once

#include "tests/support/small_world.hpp"
#include "tests/support/whims.hpp"
#include "tests/support/wire_packets.hpp"
#include "wire/records.hpp"

namespace coterie::tests {

class liar {
public:
    liar(small_world& world, std::uint32_t place) : _world(world), _place(place) {}

    /// Notes what the liar really sends, to send it again later, and what others say, to answer it.
    void overhear(const flight& packet) {
        if (packet.from == node(_place)) {
            keep(packet.bytes);
        }
        const auto learn = [this](auto decoded) {
            if (decoded) {
                _attempt = decoded->attempt;
            }
            return decoded;
        };
        switch (packet.kind()) {
        case packet_kind::proposal: learn(wire::decode_proposal(packet.body())); break;
        case packet_kind::completion:
            if (const auto said = learn(wire::decode_completion(packet.body()))) {
                _hash = said->plan_hash;
            }
            break;
        case packet_kind::plan:
            if (const auto plan = learn(wire::decode_plan(packet.body()))) {
                _hash = wire::hash_of(*plan);
            }
            break;
        default: break;
        }
    }

    /// Changes a datagram of the liar in one to four places, and seals it again.
    void garble(flight& packet, whims& whim) {
        for (std::uint32_t changes = 1 + whim.below(4); changes > 0; --changes) {
            garble_once(packet.bytes, whim);
        }
        _world.reseal(packet.bytes);
    }

    /// Says something of any kind to `target`.
    void lie(std::uint32_t target, whims& whim);

    /// Says again what it has said before.
    void repeat(std::uint32_t target, whims& whim) {
        if (!_said.empty()) {
            tell(target, _said[whim.any<std::uint16_t>() % _said.size()]);
        }
    }

    /// A body of any bytes.
    void babble(std::uint32_t target, whims& whim) {
        const auto kind = static_cast<packet_kind>(1 + whim.below(wire::packet_kinds - 1));
        tell(target, _world.sealed(me().origin(), kind, whim.run(whim.byte())));
    }

    /// The next number of the view, with that payload, to all others.
    void say_to_all(bytes_view payload, whims& whim);

private:
    static constexpr std::uint64_t counter_end = std::uint64_t{1} << 62U;
    static constexpr std::size_t said_max = 512;

    [[nodiscard]] small_world::machine& me() { return _world[_place]; }
    [[nodiscard]] std::uint64_t highest() {
        std::uint64_t result = me().engine().delivered().value;
        for (small_world::machine* each : _world.machines()) {
            result = std::max(result, each->engine().delivered().value);
        }
        return result;
    }
    static base::epoch_number epoch(std::uint64_t value) {
        return {{std::clamp<std::uint64_t>(value, 1, counter_end - 1)}};
    }
    /// An epoch that nobody has promised itself to yet, unless others are far ahead.
    [[nodiscard]] std::uint64_t newest_epoch() {
        std::uint64_t result = _attempt.epoch.value + 1;
        for (small_world::machine* each : _world.machines()) {
            for (const ring::step& step : each->steps) {
                result = std::max(result, step.view.epoch.value + 1);
            }
        }
        return result;
    }
    void keep(const std::vector<std::byte>& bytes) {
        if (_said.size() < said_max) {
            _said.push_back(bytes);
        } else {
            _said[_next_kept++ % said_max] = bytes;
        }
    }
    void tell(std::uint32_t target, const std::vector<std::byte>& bytes) {
        if (target != _place && target <= _world.size() && _world[target].alive()) {
            _world.inject(target, bytes);
        }
    }
    template <class Packet>
    void say(std::uint32_t target, const Packet& packet) {
        base::buffer encoded = wire::encode(_pool, me().origin(), packet);
        wire::seal(encoded, 1);
        tell(target, {encoded.bytes().begin(), encoded.bytes().end()});
    }
    /// Makes itself a coordinator, so that the plans and installs that follow are listened to.
    void propose(std::uint32_t target, whims& whim) {
        _attempt = {epoch(whim.chance(6) ? counter(whim) : newest_epoch() + whim.below(16)), me().id(),
                    me().self().nonce};
        say(target, wire::proposal{_attempt, members(whim)});
    }

    void garble_once(std::vector<std::byte>& bytes, whims& whim) {
        const std::size_t body = bytes.size() - wire::header_bytes;
        switch (whim.below(8)) {
        case 0: bytes.resize(wire::header_bytes + (body == 0 ? 0 : whim.any<std::uint16_t>() % (body + 1))); break;
        case 1: {
            const bytes_view more = whim.run(whim.byte() % 32);
            bytes.insert(bytes.end(), more.begin(), more.end());
            break;
        }
        case 2: bytes[5] = static_cast<std::byte>(1 + whim.below(wire::packet_kinds - 1)); break;
        case 3: put(bytes, whim, counter(whim)); break;
        case 4: put(bytes, whim, static_cast<std::uint32_t>(counter(whim))); break;
        case 5: put(bytes, whim, static_cast<std::uint16_t>(counter(whim))); break;
        case 6: put(bytes, whim, static_cast<std::uint32_t>(who(whim).value)); break;
        default: put(bytes, whim, whim.byte()); break;
        }
    }
    template <class Number>
    static void put(std::vector<std::byte>& bytes, whims& whim, Number value) {
        const std::size_t body = bytes.size() - wire::header_bytes;
        if (body >= sizeof value) {
            const std::size_t at = wire::header_bytes + whim.any<std::uint16_t>() % (body - sizeof value + 1);
            std::memcpy(bytes.data() + at, &value, sizeof value);
        }
    }

    // Values: mostly near what is true, since that goes deepest, now and then at the ends of what can be encoded.
    std::uint64_t counter(whims& whim) {
        const ring::engine& engine = me().engine();
        switch (whim.below(12)) {
        case 0: return 0;
        case 1: return counter_end - 1 - whim.below(3);
        case 2: return counter_end / 2 - 1 + whim.below(3);
        case 3: return whim.any<std::uint64_t>() % counter_end;
        case 4: return highest() + whim.any<std::uint16_t>() % 5'000;
        case 5: return engine.hop().value + whim.below(4);
        case 6: return engine.stable().value + whim.below(4);
        case 7: return engine.view().id.epoch.value + whim.below(4);
        default: return highest() + 2 - std::min<std::uint64_t>(whim.below(5), highest() + 2);
        }
    }
    node_id who(whims& whim) {
        return whim.chance(8) ? node(1 + whim.any<std::uint32_t>() % 1'000) : node(1 + whim.below(_world.size()));
    }
    base::member life(std::uint32_t number) {
        return _world[number].alive() ? _world[number].self() : base::member{node(number), {7}};
    }
    std::vector<base::member> members(whims& whim) {
        std::vector<base::member> result;
        if (whim.chance(16)) {
            return members_of(1 + whim.byte(), 1 + whim.byte() % wire::members_max);
        }
        const std::uint8_t skipped = whim.chance(3) ? whim.byte() : std::uint8_t{0};
        for (std::uint32_t each = 1; each <= _world.size(); ++each) {
            if ((skipped >> each & 1U) == 0) {
                result.push_back(life(each));
            }
        }
        if (whim.chance(6)) {
            result.push_back({node(900), {9}});
        }
        if (result.empty()) {
            result.push_back(me().self());
        }
        return result;
    }
    std::vector<node_id> nodes(whims& whim) {
        if (whim.chance(8)) {
            return nodes_of(500, whim.byte() % (wire::members_max + 1));
        }
        std::vector<node_id> result;
        for (const base::member& each : members(whim)) {
            result.push_back(each.node);
        }
        return result;
    }
    view_id view(whims& whim) {
        switch (whim.below(8)) {
        case 0: return _attempt.valid() ? _attempt : me().engine().view().id;
        case 1: return {epoch(counter(whim)), who(whim), {1 + whim.any<std::uint64_t>() / 2}};
        case 2: {
            view_id result = me().engine().view().id;
            result.epoch = epoch(result.epoch.value + whim.below(3));
            return result.coordinator == base::no_node ? view_id{{{1}}, {1}, {1}} : result;
        }
        default: return me().engine().view().id.valid() ? me().engine().view().id : view_id{{{1}}, {1}, {1}};
        }
    }
    view_id attempt(whims& whim) { return _attempt.valid() && !whim.chance(6) ? _attempt : view(whim); }
    std::uint64_t hash(whims& whim) { return whim.chance(4) ? whim.any<std::uint64_t>() : _hash; }
    std::uint8_t flags(whims& whim, unsigned end) { return static_cast<std::uint8_t>(whim.byte() % end); }

    template <class Packet>
    Packet make(whims& whim);

    wire::transition transition(whims& whim, view_id old_view) {
        wire::transition result{.old_view = old_view,
                                .together = nodes(whim),
                                .stable = {{counter(whim)}},
                                .base = {{counter(whim)}},
                                .owed = nodes(whim),
                                .union_runs = {}};
        if (result.together.empty()) {
            result.together.push_back(me().id());
        }
        result.stable = whim.chance(3) ? result.stable : std::min(result.stable, result.base);
        std::size_t packets = 0;
        for (std::uint32_t runs = whim.chance(8) ? 255 : whim.below(5); runs > 0; --runs) {
            const auto count =
                static_cast<std::uint16_t>(whim.chance(8) ? 1 + whim.any<std::uint16_t>() % 4'096 : 1 + whim.below(4));
            packets += count;
            if (packets > wire::window_packets_max) {
                break;
            }
            const auto owner = static_cast<std::uint8_t>(
                whim.below(static_cast<std::uint32_t>(std::min<std::size_t>(result.together.size(), 200))));
            result.union_runs.push_back({whim.chance(4) ? wire::transition::run::nobody : owner, count});
        }
        return result;
    }

    small_world& _world;
    std::uint32_t _place;
    base::buffer_pool _pool;
    std::vector<std::vector<std::byte>> _said;
    std::size_t _next_kept = 0;
    view_id _attempt;
    std::uint64_t _hash = 0;
};

template <>
inline wire::heartbeat liar::make(whims& whim) {
    wire::heartbeat result{.view = whim.chance(8) ? base::no_view : view(whim),
                           .view_size = static_cast<std::uint16_t>(whim.byte() % (wire::members_max + 1)),
                           .flags = flags(whim, 16),
                           .promised = whim.chance(4) ? attempt(whim) : base::no_view,
                           .epoch_highest = {{counter(whim)}},
                           .hop = {{counter(whim)}},
                           .holder = who(whim),
                           .highest = {{counter(whim)}},
                           .received = {{counter(whim)}},
                           .stable = {{counter(whim)}},
                           .counter = counter(whim),
                           .echo_nonce = {whim.any<std::uint64_t>()},
                           .echo_counter = counter(whim),
                           .echo_held_us = whim.any<std::uint32_t>(),
                           .hears = members(whim)};
    if (!whim.chance(4)) {
        result.flags = static_cast<std::uint8_t>(result.flags & ~static_cast<unsigned>(wire::heartbeat::leaving));
    }
    return result;
}

template <>
inline wire::data liar::make(whims& whim) {
    return {.view = view(whim),
            .number = {{std::max<std::uint64_t>(1, counter(whim))}},
            .originator = who(whim),
            .flags = flags(whim, 8),
            .hop = {{counter(whim)}},
            .holder = who(whim),
            .hop_first = {{counter(whim)}},
            .stable = {{counter(whim)}},
            .payload = whim.run(whim.byte() % 64)};
}

/// No transport hands one to the ring; a member may send it all the same.
template <>
inline wire::link_probe liar::make(whims& whim) {
    return {.link = {static_cast<std::uint8_t>(whim.byte() % base::links_max)},
            .round = std::max<std::uint64_t>(1, counter(whim)),
            .answered = {whim.byte()}};
}

/// As above: the record layer keeps them to itself.
template <>
inline wire::life_proof liar::make(whims& whim) {
    const bool answers = whim.chance(2);
    return {.to = {1U + whim.byte()},
            .question = counter(whim),
            .answered = {answers ? 1U + whim.byte() : 0U},
            .answer = answers ? std::max<std::uint64_t>(1, counter(whim)) : 0,
            .other_slot = whim.byte()};
}

/// As above.
template <>
inline wire::size_probe liar::make(whims& whim) {
    return {.link = {static_cast<std::uint8_t>(whim.byte() % base::links_max)},
            .round = std::max<std::uint64_t>(1, counter(whim)),
            .answered = {1U + whim.byte()},
            .bytes = 100U + whim.any<std::uint16_t>() % 60'000U,
            .filler = {}};
}

template <>
inline wire::fragment liar::make(whims& whim) {
    static constexpr std::uint32_t unit = wire::fragment::unit_min;
    static constexpr std::array<std::byte, unit> piece{};
    const auto index = static_cast<std::uint16_t>(whim.byte() % 4);
    return {.number = std::max<std::uint64_t>(1, counter(whim)),
            .total = unit * (index + 1U) + (index == 0 ? 1U : 0U),
            .unit = unit,
            .index = index,
            .piece = piece};
}

template <>
inline wire::token liar::make(whims& whim) {
    wire::token result{.view = view(whim),
                       .hop = {{std::max<std::uint64_t>(1, counter(whim))}},
                       .giver = who(whim),
                       .target = who(whim),
                       .next = {{std::max<std::uint64_t>(1, counter(whim))}},
                       .numbered_bytes = counter(whim),
                       .stable = {{counter(whim)}},
                       .members = {}};
    const std::size_t count = whim.chance(8) ? 1 + whim.byte() % wire::members_max
                                             : std::max<std::size_t>(1, me().engine().view().members.size());
    for (std::size_t at = 0; at < count; ++at) {
        result.members.push_back(
            {{{counter(whim)}}, whim.chance(4) ? whim.any<std::uint32_t>() : whim.byte(), whim.byte()});
    }
    return result;
}

template <>
inline wire::token_proof liar::make(whims& whim) {
    return {view(whim), {{std::max<std::uint64_t>(1, counter(whim))}}};
}

template <>
inline wire::token_request liar::make(whims& whim) {
    return {view(whim), who(whim), whim.chance(4) ? whim.any<std::uint32_t>() : whim.byte(), {{counter(whim)}}};
}

template <>
inline wire::acknowledgement liar::make(whims& whim) {
    const auto first = static_cast<std::uint16_t>(whim.below(wire::members_max));
    const auto count =
        static_cast<std::uint16_t>(1 + whim.below(static_cast<std::uint32_t>(wire::members_max - first)));
    return {view(whim),        first,         whim.chance(3) ? count : std::uint16_t{1}, {{counter(whim)}},
            {{counter(whim)}}, flags(whim, 2)};
}

template <>
inline wire::repair_request liar::make(whims& whim) {
    wire::repair_request result{.view = view(whim),
                                .attempt = whim.chance(3) ? attempt(whim) : base::no_view,
                                .to_all = whim.chance(2),
                                .ranges = {}};
    const std::uint32_t count = whim.chance(8) ? wire::repair_ranges_max : 1 + whim.below(4);
    for (std::uint32_t at = 0; at < count; ++at) {
        result.ranges.push_back({{{std::max<std::uint64_t>(1, counter(whim))}},
                                 whim.chance(4) ? std::uint32_t{wire::window_packets_max} : 1 + whim.below(16)});
    }
    return result;
}

template <>
inline wire::proposal liar::make(whims& whim) {
    return {attempt(whim), members(whim)};
}

template <>
inline wire::report liar::make(whims& whim) {
    wire::report result{.attempt = attempt(whim),
                        .old_view = whim.chance(8) ? base::no_view : view(whim),
                        .received = {{counter(whim)}},
                        .beyond = {},
                        .delivered = {{counter(whim)}},
                        .stable = {{counter(whim)}},
                        .completed = whim.chance(3) ? view(whim) : base::no_view,
                        .completed_hash = hash(whim),
                        .owed_stable = {{counter(whim)}},
                        .owed = nodes(whim),
                        .epoch_highest = {{counter(whim)}},
                        .hears = members(whim)};
    if (!whim.chance(4)) {
        result.delivered = std::min(result.delivered, result.received);
        result.stable = std::min(result.stable, result.received);
        result.owed_stable = std::min(result.owed_stable, result.received);
    }
    const std::size_t beyond = whim.chance(6) ? wire::window_packets_max / 8 : whim.below(4);
    for (std::size_t at = 0; at < beyond; ++at) {
        result.beyond.push_back(whim.chance(2) ? std::uint8_t{0xFF} : whim.byte());
    }
    return result;
}

template <>
inline wire::refusal liar::make(whims& whim) {
    return {attempt(whim), view(whim)};
}

template <>
inline wire::plan liar::make(whims& whim) {
    wire::plan result{.attempt = attempt(whim), .members = members(whim), .first_holder = {}, .transitions = {}};
    result.first_holder = result.members[whim.byte() % result.members.size()].node;
    std::set<view_id> old_views{me().engine().view().id};
    for (std::uint32_t more = whim.below(3); more > 0; --more) {
        old_views.insert(view(whim));
    }
    for (const view_id& each : old_views) {
        result.transitions.push_back(transition(whim, each));
    }
    _hash = wire::hash_of(result);
    return result;
}

template <>
inline wire::completion liar::make(whims& whim) {
    return {attempt(whim), hash(whim), whim.byte()};
}

template <>
inline wire::install liar::make(whims& whim) {
    return {attempt(whim), hash(whim), whim.chance(3) ? view(whim) : base::no_view};
}

template <>
inline wire::recovered liar::make(whims& whim) {
    return {.attempt = attempt(whim),
            .old_view = view(whim),
            .number = {{std::max<std::uint64_t>(1, counter(whim))}},
            .originator = who(whim),
            .flags = flags(whim, 8),
            .payload = whim.run(whim.byte() % 64)};
}

inline void liar::lie(std::uint32_t target, whims& whim) {
    const auto kind = static_cast<packet_kind>(1 + whim.below(wire::packet_kinds - 1));
    if (kind == packet_kind::plan || whim.chance(8)) {
        propose(target, whim);
    }
    visit_kind(kind, [&]<class Packet>() { say(target, make<Packet>(whim)); });
}

inline void liar::say_to_all(bytes_view payload, whims& whim) {
    wire::data packet = make<wire::data>(whim);
    packet.view = me().engine().view().id;
    packet.originator = node(_place);
    packet.flags = whim.chance(3) ? wire::data::safe : 0;
    packet.number = {{highest() + 1}};
    packet.stable = {};
    packet.payload = payload;
    for (small_world::machine* each : _world.machines()) {
        say(each->id().value, packet);
    }
}

} // namespace coterie::tests

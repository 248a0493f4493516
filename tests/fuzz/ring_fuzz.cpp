// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the ring engine from within: a member with the keys lies to real engines, and its payloads go up into real
// process groups. The input says what it lies, when, and what the honest members do meanwhile. Nothing may fall, stores
// stay within their bounds, time goes on, and when the liar has gone the honest ones are one view again.
#include "groups/service.hpp"
#include "tests/fuzz/decoder_target.hpp"
#include "tests/support/liar.hpp"

namespace {

using namespace coterie;
using namespace std::chrono_literals;
using tests::liar;
using tests::small_world;
using tests::whims;

constexpr std::uint32_t nodes = 4;
constexpr std::uint64_t message_bytes_max = std::uint64_t{1} << 20U;
constexpr std::size_t actions_max = 600;
constexpr std::uint64_t packets_max = 200'000; ///< more than any input of this length has a reason for
constexpr auto recovery_max = 60s;             ///< who has flapped may be held off meanwhile

/// Process groups on a node, with two clients that nobody listens to.
class groups_above final : public groups::client_sink {
public:
    groups_above(const ring::settings& cfg, base::buffer_pool& pool)
        : _pool(pool),
          service({.self = cfg.self, .message_bytes_max = message_bytes_max}, pool, *this, nullptr) {
        for (std::uint32_t pid = 100; pid < 102; ++pid) {
            if (const auto handle = service.open(pid, true)) {
                _handles.push_back(*handle);
                (void)service.join(*handle, pid == 100 ? "one" : "two", true);
            }
        }
    }
    void act(whims& whim) {
        const groups::handle_id handle = _handles[whim.below(2)];
        switch (whim.below(4)) {
        case 0: (void)service.join(handle, whim.chance(2) ? "one" : "two", false); break;
        case 1: (void)service.leave(handle); break;
        default: {
            const std::vector<std::byte> body(whim.chance(8) ? 20'000 : whim.byte(), std::byte{'x'});
            (void)service.multicast(handle, whim.chance(3) ? groups::guarantee::safe : groups::guarantee::agreed,
                                    _pool.copy(body));
        }
        }
    }

    // groups::client_sink
    void on_change(groups::handle_id, const groups::change&) override {}
    void on_message(groups::handle_id, const groups::message&) override {}
    void on_ring_view(groups::handle_id, const groups::ring_view&) override {}
    void on_writable(groups::handle_id) override {}

private:
    base::buffer_pool& _pool;
    std::vector<groups::handle_id> _handles;

public:
    groups::service service;
};

/// A payload of records as a sender of groups writes them, with values of the input's choice.
std::vector<std::byte> records(whims& whim) {
    std::vector<std::byte> space(1'200);
    base::byte_writer out(space);
    const auto slot = [&] { return whim.chance(4) ? whim.any<std::uint32_t>() : whim.below(4); };
    const auto size = [&] { return whim.chance(4) ? whim.any<std::uint64_t>() : whim.any<std::uint16_t>(); };
    const auto name = [&] { return whim.chance(2) ? std::string_view("one") : std::string_view("two"); };
    for (std::uint32_t count = 1 + whim.below(4); count > 0; --count) {
        switch (whim.below(6)) {
        case 0: {
            std::vector<wire::table_record::entry> entries;
            for (std::uint32_t entry = whim.below(4); entry > 0; --entry) {
                entries.push_back({slot(), whim.below(200), name()});
            }
            (void)wire::append_table(out, entries, 0);
            break;
        }
        case 1: (void)wire::append(out, wire::join_record{slot(), whim.below(200), name()}); break;
        case 2:
            (void)wire::append(
                out, wire::leave_record{slot(), whim.chance(2) ? wire::departure::left : wire::departure::died});
            break;
        case 3: (void)wire::append(out, wire::message_record{slot(), whim.run(whim.byte())}); break;
        case 4: {
            const base::bytes_view body = whim.run(1 + whim.below(200));
            if (!body.empty()) {
                const std::uint64_t offset = size() / 16;
                (void)wire::append(out, wire::piece_record{slot(), offset + body.size() + size() / 16, offset, body});
            }
            break;
        }
        case 5: (void)wire::append(out, wire::pause_record{slot(), whim.chance(2)}); break;
        default: (void)wire::append(out, wire::abort_record{slot()}); break;
        }
    }
    space.resize(out.size());
    return space;
}

class scene {
public:
    scene(whims& whim, std::uint32_t place, bool with_groups)
        : _whim(whim),
          _place(place),
          _world(
              nodes, [](ring::settings& cfg) { cfg.wall_clock_us = 1'000'000; },
              with_groups ? small_world::upper_maker([this](const ring::settings& cfg, base::buffer_pool& pool) {
                  auto made = std::make_shared<groups_above>(cfg, pool);
                  _groups[cfg.self.node] = made;
                  return small_world::upper{made, &made->service, &made->service};
              })
                          : small_world::upper_maker{}),
          _liar(_world, place) {
        _world.tap = [this](tests::flight& packet) {
            _liar.overhear(packet);
            if (_garbling && packet.from == tests::node(_place) && _whim.chance(3)) {
                _liar.garble(packet, _whim);
            }
            return true;
        };
        tests::require(_world.form_view());
        _world.run_for(20ms);
        _garbling = true;
    }

    void play() {
        for (std::size_t count = 0; count < actions_max && !_whim.over(); ++count) {
            act();
            tests::require(_world.carried() < packets_max);
        }
        _world.run_for(1s);
        check();
        go_on_without_the_liar();
    }

private:
    void act() {
        const std::uint32_t target = 1 + _whim.below(nodes);
        switch (_whim.below(16)) {
        case 0: _liar.babble(target, _whim); break;
        case 1: _liar.repeat(target, _whim); break;
        case 2: _liar.say_to_all(_whim.run(_whim.byte()), _whim); break;
        case 3: _liar.say_to_all(records(_whim), _whim); break;
        case 4:
        case 5: honest_words(target); break;
        case 6:
        case 7: _world.run_for(1ms * (1 + _whim.below(8))); break;
        case 8: _world.run_for(1ms * _whim.any<std::uint16_t>() / 64); break;
        case 9: disturb(target); break;
        default:
            if (target != _place) {
                _liar.lie(target, _whim);
            }
        }
    }
    void honest_words(std::uint32_t target) {
        small_world::machine& one = _world[target];
        if (!one.running()) {
            return;
        }
        if (const auto found = _groups.find(one.id()); found != _groups.end()) {
            found->second->act(_whim);
            one.wake();
        } else {
            one.say(std::string(_whim.byte(), 'x'), _whim.chance(3));
        }
    }
    void disturb(std::uint32_t target) {
        switch (_whim.below(6)) {
        case 0: _world.cut_both(target, 1 + _whim.below(nodes)); break;
        case 1: _world.cut(target, 1 + _whim.below(nodes)); break;
        case 2:
        case 3: _world.heal(); break;
        case 4:
            if (target != _place) {
                _world.boot(target);
            }
            break;
        default:
            if (_world[target].running() && target != _place) {
                _world.pause(target);
                _world.run_for(600ms);
                _world.resume(target);
            }
        }
    }
    void go_on_without_the_liar() {
        _world.crash(_place);
        _world.heal();
        std::vector<std::uint32_t> honest;
        for (std::uint32_t each = 1; each <= nodes; ++each) {
            if (each != _place) {
                honest.push_back(each);
            }
        }
        tests::require(_world.settle_as(honest, recovery_max));
        tests::require(_world.carried() < packets_max);
    }
    void check() {
        for (std::uint32_t each = 1; each <= nodes; ++each) {
            tests::require(_world[each].engine().stored_packets() <= wire::window_packets_max + wire::members_max);
            tests::require(!_groups.empty() ||
                           _world.held_datagrams(each) <= wire::window_packets_max + wire::members_max);
        }
        for (const auto& [node, above] : _groups) {
            tests::require(above->service.counts().assembling_bytes <= nodes * message_bytes_max);
        }
    }

    whims& _whim;
    std::uint32_t _place;
    std::map<base::node_id, std::shared_ptr<groups_above>> _groups;
    small_world _world;
    liar _liar;
    bool _garbling = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    whims whim(std::as_bytes(std::span(bytes, size)));
    const std::uint32_t place = 1 + whim.below(nodes);
    const bool with_groups = whim.chance(2);
    scene(whim, place, with_groups).play();
    return 0;
}

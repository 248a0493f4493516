// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the judge of links: peers that answer and ask whatever the input says, ports that refuse, sends that fail, pauses.
// Traffic always has a link, probes keep their pace, reports keep their bounds, and once everybody answers again every
// path is used again.
#include "net/duplicate_filter.hpp"
#include "net/path_watch.hpp"
#include "tests/fuzz/decoder_target.hpp"
#include "tests/support/whims.hpp"

#include <deque>
#include <set>

namespace {

using namespace coterie;
using namespace std::chrono_literals;
using tests::require;

constexpr base::incarnation self{77};
constexpr std::size_t actions_max = 2'000;

class scene final : net::path_watch::outputs {
public:
    explicit scene(tests::whims& whim) : _whim(whim), _watch(settings(whim, _links), *this) {
        for (std::uint32_t nodes = 1 + whim.below(3); nodes > 0; --nodes) {
            node added{.place = _watch.add_node()};
            for (std::uint8_t link = 0; link < _links; ++link) {
                if (link == 0 || !whim.chance(4)) {
                    _watch.add_path(added.place, {link});
                    added.present |= net::only({link});
                }
            }
            _nodes.push_back(added);
        }
        for (std::uint8_t link = 0; link < _links; ++link) {
            _honest.push_back(whim.chance(2));
        }
    }

    void play() {
        for (std::size_t count = 0; count < actions_max && !_whim.over(); ++count) {
            act();
            check();
        }
        // All is well again for longer than anything is held off.
        _honest.assign(_honest.size(), true);
        pass(40s);
        for (const node& each : _nodes) {
            for (const net::path_report& path : _watch.paths(_now, each.place)) {
                require(path.state == net::path_state::up);
            }
        }
    }

private:
    struct node {
        net::path_watch::node_place place{};
        net::link_set present = 0;
        std::uint64_t round = 0; ///< the latest that was asked
        std::uint64_t rounds = 0;
        std::uint64_t questions = 0; ///< answered by the watch
        std::uint64_t asked = 0;     ///< of the watch
    };

    static net::path_watch::settings settings(tests::whims& whim, std::uint8_t& links) {
        links = static_cast<std::uint8_t>(1 + whim.below(base::links_max));
        net::path_watch::settings result{
            .self = self, .links = {}, .mode = static_cast<net::link_mode>(whim.below(3)), .limits = {}};
        result.limits = net::path_limits::for_silence(1ms * (100 + whim.any<std::uint16_t>() % 5'000));
        for (std::uint8_t link = 0; link < links; ++link) {
            result.links.push_back({.number = {link}, .priority = static_cast<int>(whim.below(4))});
        }
        return result;
    }

    void act() {
        node& with = _nodes[_whim.below(static_cast<std::uint32_t>(_nodes.size()))];
        const base::link_number link{static_cast<std::uint8_t>(_whim.below(base::links_max))};
        switch (_whim.below(10)) {
        case 0:
        case 1: answer(with, link); break;
        case 2:
            ++with.asked;
            _watch.on_probe(_now, with.place, {_whim.any<std::uint64_t>()},
                            {.link = link, .round = std::uint64_t{1} + _whim.byte(), .answered = base::no_incarnation});
            break;
        case 3: _watch.on_refused(_now, with.place, link); break;
        case 4: _watch.on_unsendable(_now, with.place, link, 1 + _whim.byte()); break;
        case 5: pass(1us * _whim.any<std::uint16_t>()); break;
        case 6: pass(1ms * _whim.any<std::uint16_t>() / 32); break;
        case 7:
            // This node stands still.
            _now += 1ms * _whim.any<std::uint16_t>() / 16;
            _watch.on_time(_now);
            break;
        case 8: _honest[link.value % _honest.size()] = _whim.chance(2); break;
        default: _watch.on_time(_now); break;
        }
    }
    /// To a question that was asked, or to none.
    void answer(node& with, base::link_number link) {
        const std::uint64_t round = _whim.chance(4) ? 1 + _whim.any<std::uint64_t>() / 4
                                                    : with.round - std::min<std::uint64_t>(with.round, _whim.below(80));
        const base::incarnation to = _whim.chance(4) ? base::incarnation{_whim.any<std::uint64_t>()} : self;
        with.asked += to == base::no_incarnation ? 1U : 0U;
        _watch.on_probe(_now, with.place, {9}, {.link = link, .round = round, .answered = to});
    }

    /// Honest links answer after a quarter of a millisecond.
    void pass(base::duration time) {
        const base::time_point end = _now + time;
        while (true) {
            base::time_point next = std::min(end, std::max(_watch.deadline(), _now));
            if (!_answers.empty()) {
                next = std::min(next, std::max(_answers.front().at, _now));
            }
            _now = next;
            if (!_answers.empty() && _answers.front().at <= _now) {
                const auto due = _answers.front();
                _answers.pop_front();
                _watch.on_probe(_now, due.from, {9}, due.probe);
            } else if (_watch.deadline() <= _now) {
                _watch.on_time(_now);
                require(_watch.deadline() > _now);
            } else if (_now >= end) {
                return;
            }
        }
    }

    void check() {
        for (const node& each : _nodes) {
            const net::link_set traffic = _watch.for_traffic(each.place);
            require(traffic != 0 && (traffic & ~each.present) == 0);
            require(_watch.for_control(each.place) == each.present);
            require(each.questions <= each.asked);
            const auto paces = static_cast<std::uint64_t>((_now - _begin) / 1ms);
            require(each.rounds <= 2 + paces);
            for (const net::path_report& path : _watch.paths(_now, each.place)) {
                require(net::has(each.present, path.link));
                require(path.loss_percent.value_or(0) <= 100 && path.held_off >= 0s && path.held_off <= 30s);
                require(path.since >= 0s && path.round_trip.value_or(1us) > 0s);
            }
        }
    }

    // net::path_watch::outputs
    void send_probe(net::path_watch::node_place to, const wire::link_probe& probe) override {
        node& target = _nodes[to];
        if (probe.answered != base::no_incarnation) {
            ++target.questions;
            return;
        }
        target.rounds += probe.round != target.round ? 1U : 0U;
        target.round = probe.round;
        if (_honest[probe.link.value]) {
            _answers.push_back({_now + 250us, to, {.link = probe.link, .round = probe.round, .answered = self}});
        }
    }
    void on_path(net::path_watch::node_place which, const net::path_report& now) override {
        require(net::has(_nodes[which].present, now.link));
    }
    void on_refused(net::path_watch::node_place) override {}

    struct late_answer {
        base::time_point at;
        net::path_watch::node_place from;
        wire::link_probe probe;
    };

    tests::whims& _whim;
    std::uint8_t _links = 0;
    std::vector<node> _nodes;
    std::vector<bool> _honest; ///< which links answer by themselves
    std::deque<late_answer> _answers;
    static constexpr base::time_point _begin{1'000s};
    base::time_point _now = _begin;
    net::path_watch _watch;
};

/// What has not come in this life of the sender is new, and nothing that has come lately is new again.
void check_duplicates(tests::whims whim) {
    net::duplicate_filter filter;
    base::incarnation life;
    std::set<std::uint64_t> come;
    for (std::size_t count = 0; count < actions_max && !whim.over(); ++count) {
        if (life == base::no_incarnation || whim.chance(32)) {
            life = {life.value + 1 + whim.byte()};
            come.clear();
        }
        const std::uint64_t highest = come.empty() ? 0 : *come.rbegin();
        const std::uint64_t counter =
            whim.chance(6)
                ? whim.any<std::uint64_t>() >> 2U
                : highest + whim.below(40) - std::min<std::uint64_t>(highest, whim.any<std::uint16_t>() % 9'000);
        const bool is_fresh = come.insert(counter).second;
        const bool is_new = filter.is_new(life, counter);
        require(is_fresh ? is_new : !is_new || *come.rbegin() - counter >= 8'000);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    tests::whims whim(std::as_bytes(std::span(bytes, size)));
    check_duplicates(whim);
    scene(whim).play();
    return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "bench/joins.hpp"

#include "bench/client_handle.hpp"

#include <algorithm>
#include <memory>
#include <poll.h>
#include <vector>

namespace coterie::bench {

namespace {

std::set<member_id> ids_of(std::span<const cpg_address> list) {
    std::set<member_id> result;
    std::transform(list.begin(), list.end(), std::inserter(result, result.end()), id_of);
    return result;
}

/// One handle at a time, and where it is in its round.
class visitor {
public:
    explicit visitor(std::string group) : _group(std::move(group)) {}

    std::expected<void, std::string> open(double limit_seconds) {
        cpg_model_v1_data_t model{};
        model.cpg_confchg_fn = [](cpg_handle_t handle, const cpg_name*, const cpg_address* members, size_t member_count,
                                  const cpg_address* left, size_t left_count, const cpg_address* joined,
                                  size_t joined_count) {
            client_handle::owner<visitor>(handle).on_change({members, member_count}, {left, left_count},
                                                            {joined, joined_count});
        };
        _handle.close();
        if (auto opened = _handle.open(model, this, limit_seconds); !opened) {
            return opened;
        }
        _check = std::make_unique<change_check>(_handle.id());
        _state = state::outside;
        return {};
    }
    /// Asks to be let in or out, where that is due; CS_ERR_TRY_AGAIN when the daemon is not ready for it.
    cs_error_t ask() {
        const cpg_name name = name_of(_group);
        const bool enters = _state == state::outside;
        if (_asked_ns == 0) {
            _asked_ns = now_ns();
        }
        const cs_error_t outcome = enters ? cpg_join(_handle.get(), &name) : cpg_leave(_handle.get(), &name);
        if (outcome == CS_OK) {
            _state = enters ? state::entering : state::leaving;
        }
        return outcome;
    }
    std::expected<void, std::string> dispatch() {
        const cs_error_t outcome = cpg_dispatch(_handle.get(), CS_DISPATCH_ALL);
        if (outcome != CS_OK && outcome != CS_ERR_TRY_AGAIN) {
            return std::unexpected(fault_text("cpg_dispatch", outcome));
        }
        if (!_check->fault().empty()) {
            return std::unexpected(_group + ": " + _check->fault());
        }
        return {};
    }

    [[nodiscard]] bool outside() const { return _state == state::outside; }
    [[nodiscard]] bool may_ask() const { return _state == state::outside || _state == state::inside; }
    [[nodiscard]] bool has_left() const { return _state == state::gone; }
    [[nodiscard]] int descriptor() const { return _handle.descriptor(); }
    [[nodiscard]] member_id id() const { return _handle.id(); }
    [[nodiscard]] const latencies& joins() const { return _joins; }
    [[nodiscard]] const latencies& leaves() const { return _leaves; }

private:
    enum class state { outside, entering, inside, leaving, gone };

    void on_change(std::span<const cpg_address> members, std::span<const cpg_address> left,
                   std::span<const cpg_address> joined) {
        const auto what = _check->take(members, left, joined);
        if (what == change_check::meaning::of_others) {
            return;
        }
        const bool entered = what == change_check::meaning::joined;
        (entered ? _joins : _leaves).add(now_ns() - std::exchange(_asked_ns, 0));
        _state = entered ? state::inside : state::gone;
    }

    const std::string _group;
    client_handle _handle;
    std::unique_ptr<change_check> _check;
    state _state = state::gone;
    std::int64_t _asked_ns = 0; ///< 0: nothing is asked for
    latencies _joins;
    latencies _leaves;
};

/// All of them, until the time is over and all have left.
class visitors {
public:
    explicit visitors(const joins_options& asked) : _asked(asked) {}

    std::expected<joins_report, std::string> run() {
        for (std::size_t number = 1; number <= _asked.handles; ++number) {
            _all.push_back(std::make_unique<visitor>(_asked.group + "-" + std::to_string(number)));
            _watched.push_back({.fd = -1, .events = POLLIN, .revents = 0});
        }
        _begin_ns = now_ns();
        double measured = 0;
        std::size_t rounds = 0;
        while (_at_rest < _all.size()) {
            if (!_ending && passed() >= _asked.seconds) {
                _ending = true;
                measured = passed();
                rounds = collected(&visitor::leaves).count();
            }
            if (passed() > _asked.seconds + _asked.limit_seconds) {
                return std::unexpected("a join or leave was not answered within the limit");
            }
            if (auto fine = step(); !fine) {
                return std::unexpected(fine.error());
            }
        }
        if (rounds == 0) {
            return std::unexpected("no join was answered within the time that was measured");
        }
        return joins_report{.self = _all.front()->id(),
                            .rate = static_cast<double>(rounds) / measured,
                            .join = collected(&visitor::joins).told(),
                            .leave = collected(&visitor::leaves).told()};
    }

private:
    [[nodiscard]] double passed() const { return static_cast<double>(now_ns() - _begin_ns) / 1e9; }

    [[nodiscard]] latencies collected(const latencies& (visitor::*of)() const) const {
        latencies result;
        for (const auto& each : _all) {
            result.add_all((*each.*of)());
        }
        return result;
    }

    /// Everybody asks for what is next, and hears what has happened.
    std::expected<void, std::string> step() {
        bool put_off = false;
        _at_rest = 0;
        for (std::size_t i = 0; i < _all.size(); ++i) {
            visitor& who = *_all[i];
            if (who.has_left() && !_ending) {
                if (auto opened = who.open(_asked.limit_seconds); !opened) {
                    return opened;
                }
                _watched[i].fd = who.descriptor();
            }
            if (who.may_ask() && !(_ending && who.outside())) {
                const cs_error_t outcome = who.ask();
                put_off = put_off || outcome == CS_ERR_TRY_AGAIN;
                if (outcome != CS_OK && outcome != CS_ERR_TRY_AGAIN) {
                    return std::unexpected(fault_text(who.outside() ? "cpg_join" : "cpg_leave", outcome));
                }
            }
            _at_rest += _ending && (who.has_left() || who.outside()) ? 1U : 0U;
        }
        if (_at_rest == _all.size()) {
            return {};
        }
        ::poll(_watched.data(), _watched.size(), put_off ? 1 : 50);
        for (std::size_t i = 0; i < _watched.size(); ++i) {
            if (_watched[i].revents != 0) {
                if (auto fine = _all[i]->dispatch(); !fine) {
                    return fine;
                }
            }
        }
        return {};
    }

    const joins_options _asked;
    std::vector<std::unique_ptr<visitor>> _all;
    std::vector<pollfd> _watched;
    std::int64_t _begin_ns = 0;
    bool _ending = false;
    std::size_t _at_rest = 0; ///< that are out for good
};

} // namespace

change_check::meaning change_check::take(std::span<const cpg_address> members, std::span<const cpg_address> left,
                                         std::span<const cpg_address> joined) {
    const std::set<member_id> now = ids_of(members);
    const std::set<member_id> gone = ids_of(left);
    const std::set<member_id> come = ids_of(joined);
    const bool enters = come.contains(_self);
    const bool leaves = gone.contains(_self);
    std::set<member_id> expected = _members;
    for (const member_id each : gone) {
        expected.erase(each);
    }
    expected.insert(come.begin(), come.end());
    std::string wrong;
    if (now.size() != members.size()) {
        wrong = "a member stands twice in the list";
    } else if (!_inside && !enters) {
        wrong = "a change of a group that this handle is not in";
    } else if (_inside && enters) {
        wrong = "it joined twice";
    } else if (leaves != !now.contains(_self)) {
        wrong = "the list of members does not say whether it is in the group";
    } else if (enters ? !std::includes(now.begin(), now.end(), come.begin(), come.end()) : now != expected) {
        wrong = "the members are not those before, without who left, with who joined";
    }
    if (_fault.empty()) {
        _fault = wrong;
    }
    // Who leaves is told of no further change.
    _inside = !leaves;
    _members = leaves ? std::set<member_id>{} : now;
    return enters ? meaning::joined : leaves ? meaning::left : meaning::of_others;
}

std::expected<joins_report, std::string> join_and_leave(const joins_options& asked) { return visitors(asked).run(); }

} // namespace coterie::bench

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

/// One handle, and where it is in its round.
struct visitor {
    explicit visitor(std::string name) : group(std::move(name)) {}
    std::string group;
    client_handle handle;
    std::unique_ptr<change_check> check;
    bool inside = false;
    bool turned = true;        ///< what was asked for has happened
    std::int64_t asked_ns = 0; ///< 0: nothing is asked for
    latencies joined;
    latencies left;
};

void on_change(cpg_handle_t handle, const cpg_name*, const cpg_address* members, size_t member_count,
               const cpg_address* left, size_t left_count, const cpg_address* joined, size_t joined_count) {
    auto& who = client_handle::owner<visitor>(handle);
    const auto what = who.check->take({members, member_count}, {left, left_count}, {joined, joined_count});
    if (what == change_check::meaning::of_others) {
        return;
    }
    who.inside = what == change_check::meaning::joined;
    (who.inside ? who.joined : who.left).add(now_ns() - std::exchange(who.asked_ns, 0));
    who.turned = true;
}

/// Asks for the other state; CS_ERR_TRY_AGAIN when the daemon is not ready for that.
cs_error_t turn(visitor& who) {
    const cpg_name name = name_of(who.group);
    if (who.asked_ns == 0) {
        who.asked_ns = now_ns();
    }
    who.turned = false;
    const cs_error_t outcome = who.inside ? cpg_leave(who.handle.get(), &name) : cpg_join(who.handle.get(), &name);
    who.turned = outcome == CS_ERR_TRY_AGAIN;
    return outcome;
}

double seconds_since(std::int64_t begin_ns) { return static_cast<double>(now_ns() - begin_ns) / 1e9; }

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

std::expected<joins_report, std::string> join_and_leave(const joins_options& asked) {
    cpg_model_v1_data_t model{};
    model.cpg_confchg_fn = on_change;
    std::vector<std::unique_ptr<visitor>> visitors;
    std::vector<pollfd> watched;
    for (std::size_t number = 1; number <= asked.handles; ++number) {
        visitor& who = *visitors.emplace_back(std::make_unique<visitor>(asked.group + "-" + std::to_string(number)));
        if (auto opened = who.handle.open(model, &who, asked.limit_seconds); !opened) {
            return std::unexpected(opened.error());
        }
        who.check = std::make_unique<change_check>(who.handle.id());
        watched.push_back({.fd = who.handle.descriptor(), .events = POLLIN, .revents = 0});
    }
    const std::int64_t begin_ns = now_ns();
    double measured = 0;
    std::size_t rounds = 0;
    // Until the time is over and all are outside again.
    for (bool ending = false, all_out = false; !ending || !all_out;) {
        if (!ending && seconds_since(begin_ns) >= asked.seconds) {
            ending = true;
            measured = seconds_since(begin_ns);
            for (const auto& each : visitors) {
                rounds += each->left.count();
            }
        }
        if (seconds_since(begin_ns) > asked.seconds + asked.limit_seconds) {
            return std::unexpected("a join or leave was not answered within the limit");
        }
        bool put_off = false;
        all_out = true;
        for (const auto& each : visitors) {
            if (each->turned && (!ending || each->inside)) {
                const cs_error_t outcome = turn(*each);
                put_off = put_off || outcome == CS_ERR_TRY_AGAIN;
                if (outcome != CS_OK && outcome != CS_ERR_TRY_AGAIN) {
                    return std::unexpected(fault_text(each->inside ? "cpg_leave" : "cpg_join", outcome));
                }
            }
            all_out = all_out && each->turned && !each->inside;
        }
        ::poll(watched.data(), watched.size(), put_off || all_out ? 1 : 50);
        for (std::size_t i = 0; i < watched.size(); ++i) {
            if (watched[i].revents == 0) {
                continue;
            }
            const cs_error_t outcome = cpg_dispatch(visitors[i]->handle.get(), CS_DISPATCH_ALL);
            if (outcome != CS_OK && outcome != CS_ERR_TRY_AGAIN) {
                return std::unexpected(fault_text("cpg_dispatch", outcome));
            }
            if (!visitors[i]->check->fault().empty()) {
                return std::unexpected(visitors[i]->group + ": " + visitors[i]->check->fault());
            }
        }
    }
    latencies joins;
    latencies leaves;
    for (const auto& each : visitors) {
        joins.add_all(each->joined);
        leaves.add_all(each->left);
    }
    if (rounds == 0) {
        return std::unexpected("no join was answered within the time that was measured");
    }
    return joins_report{.self = visitors.front()->handle.id(),
                        .rate = static_cast<double>(rounds) / measured,
                        .join = joins.told(),
                        .leave = leaves.told()};
}

} // namespace coterie::bench

// SPDX-License-Identifier: BSD-3-Clause
// The table of states and faults, and the small machine that derives a node's state from its steps.
#include "sim/coverage.hpp"

#include <algorithm>

namespace coterie::sim {

std::string_view to_string(stage where) {
    switch (where) {
    case stage::operational: return "operational";
    case stage::gathering: return "gathering";
    case stage::proposing: return "proposing";
    case stage::frozen: return "frozen";
    case stage::planning: return "planning";
    case stage::recovering: return "recovering";
    case stage::completed: return "completed";
    case stage::installing: return "installing";
    case stage::count: break;
    }
    return "?";
}

std::string_view to_string(fault kind) {
    switch (kind) {
    case fault::loss: return "loss";
    case fault::duplicate: return "duplicate";
    case fault::late_duplicate: return "late-dup";
    case fault::reorder: return "reorder";
    case fault::corrupt: return "corrupt";
    case fault::partition: return "partition";
    case fault::one_way: return "one-way";
    case fault::crash: return "crash";
    case fault::crash_amid_burst: return "crash-amid";
    case fault::restart: return "restart";
    case fault::pause: return "pause";
    case fault::slow_store: return "slow-store";
    case fault::full_buffer: return "full-buffer";
    case fault::refused: return "refused";
    case fault::client_crash: return "client-crash";
    case fault::count: break;
    }
    return "?";
}

void coverage::add(const coverage& other) {
    for (std::size_t where = 0; where < stages; ++where) {
        for (std::size_t kind = 0; kind < faults; ++kind) {
            _counts[where][kind] += other._counts[where][kind];
        }
    }
}

std::vector<coverage::hole> coverage::holes() const {
    std::vector<hole> result;
    for (std::size_t where = 0; where < stages; ++where) {
        for (std::size_t kind = 0; kind < faults; ++kind) {
            if (_counts[where][kind] == 0) {
                result.push_back({static_cast<stage>(where), static_cast<fault>(kind)});
            }
        }
    }
    return result;
}

std::string coverage::table() const {
    static constexpr std::size_t first_column = 16;
    static constexpr std::size_t column = 13;
    std::string result(first_column, ' ');
    const auto right = [&result](std::string_view text) {
        result.append(column - std::min(column, text.size()), ' ');
        result.append(text);
    };
    for (std::size_t where = 0; where < stages; ++where) {
        right(to_string(static_cast<stage>(where)));
    }
    result += '\n';
    for (std::size_t kind = 0; kind < faults; ++kind) {
        const std::string_view name = to_string(static_cast<fault>(kind));
        result.append(name);
        result.append(first_column - std::min(first_column, name.size()), ' ');
        for (std::size_t where = 0; where < stages; ++where) {
            right(std::to_string(_counts[where][kind]));
        }
        result += '\n';
    }
    return result;
}

bool stage_tracker::follow(const ring::step& what) {
    using kind = ring::step::kind;
    const stage before = _now;
    switch (what.what) {
    case kind::proposed:
        _coordinated = what.view;
        _now = stage::proposing;
        break;
    case kind::promised:
        // A coordinator answers itself; it goes on being the one that asks.
        if (what.view != _coordinated || _now != stage::proposing) {
            _now = stage::frozen;
        }
        break;
    case kind::planned: _now = stage::planning; break;
    case kind::plan_accepted:
        if (_now != stage::planning) {
            _now = stage::recovering;
        }
        break;
    case kind::completed:
        if (what.view != _coordinated || _now != stage::planning) {
            _now = stage::completed;
        }
        break;
    case kind::install_sent: _now = stage::installing; break;
    case kind::installed:
        if (what.view != _coordinated || _now != stage::installing) {
            _now = stage::operational;
        }
        break;
    case kind::abandoned: _now = stage::gathering; break;
    case kind::hop_given:
    case kind::hop_taken:
    case kind::acknowledged:
    case kind::suspected:
    case kind::restarted:
    case kind::held_off:
    case kind::flapping:
    case kind::lagging:
    case kind::caught_up:
    case kind::left_out:
    case kind::paused:
    case kind::retired: break;
    }
    return _now != before;
}

} // namespace coterie::sim

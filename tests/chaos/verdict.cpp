// SPDX-License-Identifier: BSD-3-Clause
// The checker itself is the simulator's.
#include "tests/chaos/verdict.hpp"

#include "sim/checker.hpp"
#include "trace/reader.hpp"
#include "trace/recorders.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <unistd.h>
#include <utility>

namespace coterie::chaos {

namespace {

using trace::event;
using trace::event_kind;

bool is_client(event_kind kind) { return kind >= event_kind::client_opened; }
bool ends_client(event_kind kind) { return kind == event_kind::client_closed || kind == event_kind::client_failed; }

std::vector<event> read_all(const std::string& folder, verdict& result) {
    std::vector<event> events;
    std::vector<std::string> files;
    for (const auto& each : std::filesystem::directory_iterator(folder)) {
        if (each.path().filename().string().starts_with("trace-")) {
            files.push_back(each.path().string());
        }
    }
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) {
        auto read = trace::read_file(file);
        if (!read) {
            result.violations.push_back(file + ":" + std::to_string(read.error().line) + ": " + read.error().what);
            continue;
        }
        events.insert(events.end(), read->begin(), read->end());
    }
    return events;
}

/// All lives of daemons but the last of each, and but those that ended in order, were killed.
void complete_daemons(const std::vector<event>& events, std::vector<event>& added) {
    std::map<base::node_id, event> living;
    for (const event& each : events) {
        if (each.kind == event_kind::started) {
            const auto [at, fresh] = living.try_emplace(each.node, each);
            if (!fresh) {
                event failed = at->second;
                failed.kind = event_kind::failed;
                failed.time_ns = each.time_ns - 1;
                added.push_back(failed);
                at->second = each;
            }
        } else if (each.kind == event_kind::retired) {
            living.erase(each.node);
        }
    }
}

/// What a client process has written down of itself.
struct own_story {
    std::optional<event> open; ///< the opening of the handle that it has not closed; with the time of its last line
    std::string group;         ///< that it is in, as far as it knows
    std::set<std::uint64_t> accepted;
};

/// What others were told of the end of a process in a group.
struct sighting {
    bool process_down = false;
    std::int64_t last_leave_ns = 0;
};

using sightings = std::map<std::pair<trace::process, std::string>, sighting>;

std::map<trace::process, own_story> own_stories(const std::vector<event>& events) {
    std::map<trace::process, own_story> result;
    for (const event& each : events) {
        if (!is_client(each.kind)) {
            continue;
        }
        own_story& mine = result[each.who];
        if (ends_client(each.kind)) {
            mine.open.reset();
            mine.group.clear();
        } else if (each.kind == event_kind::client_opened) {
            mine.open = each;
        } else if (each.kind == event_kind::client_join) {
            mine.group = each.group;
        } else if (each.kind == event_kind::client_leave) {
            mine.group.clear();
        } else if (each.kind == event_kind::client_accepted) {
            mine.accepted.insert(each.message);
        }
        if (mine.open) {
            mine.open->time_ns = each.time_ns;
        }
    }
    return result;
}

sightings seen_by_others(const std::vector<event>& events) {
    sightings result;
    for (const event& each : events) {
        if (each.kind == event_kind::client_change) {
            for (const trace::departed& gone : each.left) {
                sighting& seen = result[{gone.who, each.group}];
                if (gone.why == trace::reason::process_down) {
                    seen.process_down = true;
                } else if (gone.why == trace::reason::leave) {
                    seen.last_leave_ns = std::max(seen.last_leave_ns, each.time_ns);
                }
            }
        }
    }
    return result;
}

/// Clients leave before they close a handle: who is seen to go down was killed while it was joined. All clocks are one
/// machine's, so a leave that is seen after the last line of who asked for it is one that it could not write down.
void complete_clients(const std::vector<event>& events, std::vector<event>& added) {
    std::map<trace::process, own_story> stories = own_stories(events);
    const sightings seen = seen_by_others(events);
    for (const event& each : events) {
        const auto found = each.kind == event_kind::message_numbered ? stories.find(each.who) : stories.end();
        if (found != stories.end() && found->second.open && found->second.accepted.insert(each.message).second) {
            event taken = *found->second.open;
            taken.kind = event_kind::client_accepted;
            taken.group = each.group;
            taken.message = each.message;
            taken.safe = each.safe;
            added.push_back(taken);
        }
    }
    for (const auto& [who, story] : stories) {
        // This process is there still.
        if (!story.open || who.pid == static_cast<std::uint32_t>(::getpid())) {
            continue;
        }
        event what = *story.open;
        for (const auto& [where, sight] : seen) {
            if (where.first != who) {
                continue;
            }
            what.group = where.second;
            if (sight.process_down && where.second != story.group) {
                what.kind = event_kind::client_join;
                added.push_back(what);
            } else if (!sight.process_down && where.second == story.group && sight.last_leave_ns > what.time_ns) {
                what.kind = event_kind::client_leave;
                added.push_back(what);
            }
        }
        what.group.clear();
        what.kind = event_kind::client_failed;
        added.push_back(what);
    }
}

void count(const std::vector<event>& events, verdict& result) {
    // What a handle has sent and not got back; those of handles that ended with their daemon are not owed any more.
    std::map<std::uint64_t, std::set<std::pair<std::string, std::uint64_t>>> owed;
    for (const event& each : events) {
        switch (each.kind) {
        case event_kind::client_accepted:
            ++result.accepted;
            owed[each.stream].emplace(each.group, each.message);
            break;
        case event_kind::client_delivered:
            ++result.delivered;
            owed[each.stream].erase({each.group, each.message});
            break;
        case event_kind::client_failed: owed.erase(each.stream); break;
        case event_kind::installed: ++result.views; break;
        default: break;
        }
    }
    for (const auto& [stream, messages] : owed) {
        result.lost += messages.size();
    }
    result.events = events.size();
}

} // namespace

verdict judge(const std::string& folder, std::size_t machines) {
    verdict result;
    std::vector<event> events = read_all(folder, result);
    std::vector<event> added;
    complete_daemons(events, added);
    complete_clients(events, added);
    if (auto file = trace::file_recorder::open(folder + "/trace-completed")) {
        for (const event& each : added) {
            file->record(each);
        }
    }
    events.insert(events.end(), added.begin(), added.end());
    count(events, result);

    sim::checker_options rules;
    rules.quiet_tail = true;
    rules.final_components.emplace_back();
    for (std::uint32_t node = 1; node <= machines; ++node) {
        rules.final_components.back().push_back(base::node_id{node});
    }
    for (const sim::violation& each : sim::check(events, rules)) {
        std::string text = "guarantee " + std::to_string(each.guarantee) + ": " + each.what;
        for (const std::size_t index : each.events) {
            text += "\n    " + trace::format(events[index]);
        }
        result.violations.push_back(std::move(text));
    }
    return result;
}

} // namespace coterie::chaos

// SPDX-License-Identifier: BSD-3-Clause
// What is waited for is waited for with patience; nothing is judged by its duration.
#include "tests/chaos/scenario.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <thread>

namespace coterie::chaos {

namespace {

using steady = std::chrono::steady_clock;
using tests::eventually;

constexpr auto patience = milliseconds(60'000);

std::string list_of(std::size_t first, std::size_t last, std::size_t without = 0) {
    std::string result = ":";
    for (std::size_t machine = first; machine <= last; ++machine) {
        result += machine == without ? "" : " " + std::to_string(machine);
    }
    return result;
}

/// Waits until these machines share a view of these members (": 1 2 3").
bool share_a_view(const world& where, const std::vector<std::size_t>& machines, const std::string& members) {
    return eventually(
        [&] {
            const std::string view = where.view_of(machines.front());
            return view.ends_with(members) && std::all_of(machines.begin(), machines.end(), [&](std::size_t machine) {
                       return where.view_of(machine) == view;
                   });
        },
        patience);
}

std::vector<std::size_t> range(std::size_t first, std::size_t last, std::size_t without = 0) {
    std::vector<std::size_t> result;
    for (std::size_t machine = first; machine <= last; ++machine) {
        if (machine != without) {
            result.push_back(machine);
        }
    }
    return result;
}

std::string all_views(const world& where) {
    std::string result;
    for (std::size_t machine = 1; machine <= where.made_of().machines; ++machine) {
        result += "\n    node " + std::to_string(machine) + " is in " + where.view_of(machine);
    }
    return result;
}

/// Waits until the daemons tell the same groups with the same members.
std::string compare_groups(const world& where) {
    const bool equal = eventually(
        [&] {
            const std::string groups = where.groups_of(1);
            bool same = true;
            for (std::size_t machine = 2; machine <= where.made_of().machines && same; ++machine) {
                same = where.groups_of(machine) == groups;
            }
            return same;
        },
        patience);
    return equal ? "" : "the daemons tell different members of groups";
}

/// Waits until no view has changed for this long.
std::string come_to_a_stable_view(const world& where, milliseconds quiet) {
    std::size_t views = where.views();
    auto since = steady::now();
    const bool stable = eventually(
        [&] {
            std::this_thread::sleep_for(milliseconds(50));
            if (const std::size_t now = where.views(); now != views) {
                views = now;
                since = steady::now();
            }
            return steady::now() - since >= quiet;
        },
        patience + quiet);
    return stable ? "" : "views go on changing";
}

std::string start_and_stop(world& where, const scenario_options& options, tally& sum) {
    base::random_source random(options.seed);
    for (unsigned i = 0; i < options.times; ++i) {
        // The first machine's clients go on throughout.
        const std::size_t machine = 2 + random.below(where.made_of().machines - 1);
        const bool killed = random.chance(1, 2);
        if (killed) {
            where.kill_daemon(machine);
        } else if (!where.end_daemon(machine)) {
            return "daemon " + std::to_string(machine) + " does not end in order";
        }
        ++sum.kinds[killed ? "daemon-killed" : "daemon-ended"].begun;
        std::this_thread::sleep_for(milliseconds(random.between(5, 700)));
        if (!where.start_daemon(machine)) {
            return "daemon " + std::to_string(machine) + " does not start";
        }
        if (std::string fault = where.settle(); !fault.empty()) {
            return fault;
        }
    }
    return where.clients(1).started() == where.made_of().clients ? "" : "clients were replaced";
}

std::string isolate(world& where, const scenario_options& options, tally& sum) {
    base::random_source random(options.seed);
    const std::size_t count = where.made_of().machines;
    for (unsigned i = 0; i < options.times; ++i) {
        const std::size_t machine = any_machine(where, random);
        if (!where.network().cut_off(machine)) {
            return "a port cannot be taken out of its bridge";
        }
        ++sum.kinds["port-out"].begun;
        if (!share_a_view(where, {machine}, list_of(machine, machine)) ||
            !share_a_view(where, range(1, count, machine), list_of(1, count, machine))) {
            return "node " + std::to_string(machine) + " is cut off and is not alone:" + all_views(where);
        }
        std::this_thread::sleep_for(milliseconds(random.between(0, 300)));
        if (!where.network().join_again(machine)) {
            return "a port cannot be put back into its bridge";
        }
        if (std::string fault = where.settle() + compare_groups(where); !fault.empty()) {
            return fault;
        }
    }
    return {};
}

std::string sixteen(world& where, const scenario_options& options, tally& sum) {
    base::random_source random(options.seed);
    const std::size_t count = where.made_of().machines;
    for (unsigned i = 0; i < options.times; ++i) {
        const std::size_t machine = any_machine(where, random);
        where.kill_daemon(machine);
        ++sum.kinds["daemon-killed"].begun;
        if (!share_a_view(where, range(1, count, machine), list_of(1, count, machine))) {
            return "node " + std::to_string(machine) + " was killed and is still there:" + all_views(where);
        }
        if (!where.start_daemon(machine)) {
            return "daemon " + std::to_string(machine) + " does not start";
        }
        if (std::string fault = where.settle() + compare_groups(where); !fault.empty()) {
            return fault;
        }
    }
    return {};
}

/// Cuts of a kind, each until no view changes any more although it goes on.
std::string cut_until_stable(world& where, const scenario_options& options, tally& sum, const char* name) {
    base::random_source random(options.seed);
    const fault_kind& kind = *fault_named(name);
    const fault cut = kind.draw(where, random);
    if (!cut.begin()) {
        return std::string(name) + " is not possible here";
    }
    ++sum.kinds[kind.name].begun;
    const std::string fault = come_to_a_stable_view(where, std::chrono::seconds(options.times));
    if (!cut.end()) {
        return std::string(name) + " cannot be undone";
    }
    return fault.empty() ? where.settle() : std::string(name) + " " + cut.where + ": " + fault;
}

std::string cut_one_way(world& where, const scenario_options& options, tally& sum) {
    return cut_until_stable(where, options, sum, "one-way-cut");
}

std::string cut_pair(world& where, const scenario_options& options, tally& sum) {
    return cut_until_stable(where, options, sum, "pair-cut");
}

/// What makes a daemon's send(2) fail in which way, until the daemon tells that it has.
std::string refuse_to_send(world& where, const scenario_options& options, tally& sum) {
    constexpr std::pair<const char*, int> errors[] = {
        {"send-eperm", EPERM},   {"send-einval", EINVAL},           {"send-ehostunreach", EHOSTUNREACH},
        {"send-eacces", EACCES}, {"send-enetunreach", ENETUNREACH}, {"send-enobufs", ENOBUFS}};
    base::random_source random(options.seed);
    for (unsigned i = 0; i < options.times; ++i) {
        for (const auto& [name, number] : errors) {
            const fault no = fault_named(name)->draw(where, random);
            std::map<std::size_t, std::uint64_t> before;
            for (const std::size_t machine : range(1, where.made_of().machines)) {
                before[machine] = where.unsent_by(machine).count;
            }
            if (!no.begin()) {
                return std::string(name) + " is not possible here";
            }
            ++sum.kinds[fault_named(name)->name].begun;
            const bool failed = eventually(
                [&] {
                    bool some = false;
                    for (const std::size_t machine : range(1, where.made_of().machines)) {
                        const world::unsent now = where.unsent_by(machine);
                        some = some || (now.count > before[machine] && now.last_error == number);
                    }
                    return some;
                },
                patience);
            if (!no.end()) {
                return std::string(name) + " cannot be undone";
            }
            if (!failed) {
                return std::string(name) + ": no daemon tells that its sending has failed";
            }
            if (std::string fault = where.settle(); !fault.empty()) {
                return fault;
            }
        }
    }
    return {};
}

/// How often machines have said this.
std::size_t times_said(const world& where, const std::string& words) {
    std::size_t result = 0;
    for (const std::size_t machine : range(1, where.made_of().machines)) {
        result += where.said(machine, words);
    }
    return result;
}

/// A machine's port lets only smaller packets through than before, and says nothing of it, while `play` runs.
std::string swallow_large(world& where, const scenario_options& options, tally& sum, std::size_t mtu,
                          const std::function<std::string(std::size_t machine)>& play) {
    base::random_source random(options.seed);
    for (unsigned i = 0; i < options.times; ++i) {
        const std::size_t machine = any_machine(where, random);
        if (!where.network().take_no_larger(machine, 0, mtu)) {
            return "the size of a port's packets cannot be changed";
        }
        ++sum.kinds["mtu-shrinks"].begun;
        if (std::string fault = play(machine); !fault.empty()) {
            return fault;
        }
        if (!where.network().take_no_larger(machine, 0, tests::switched_network::mtu)) {
            return "the size of a port's packets cannot be changed";
        }
        if (std::string fault = where.settle(); !fault.empty()) {
            return fault;
        }
    }
    return {};
}

/// Packets are soon made so small that they pass.
std::string swallow_large_and_go_on(world& where, const scenario_options& options, tally& sum) {
    const std::size_t views = where.views();
    return swallow_large(where, options, sum, 1'300, [&](std::size_t) -> std::string {
        const std::size_t before = times_said(where, "packets are made smaller");
        if (!eventually([&] { return times_said(where, "packets are made smaller") > before; }, patience)) {
            return "nobody says that large datagrams do not pass any more";
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
        return times_said(where, "does not keep up") > 0 ? "somebody cannot keep up"
               : where.views() != views                  ? "views have changed"
                                                         : "";
    });
}

/// Only heartbeats are small enough: who does not keep up is left out, and comes back.
std::string swallow_all_but_heartbeats(world& where, const scenario_options& options, tally& sum) {
    const std::size_t count = where.made_of().machines;
    return swallow_large(where, options, sum, 500, [&](std::size_t machine) -> std::string {
        const std::size_t before = times_said(where, "does not keep up");
        if (!eventually([&] { return times_said(where, "does not keep up") > before; }, patience)) {
            return "nobody says that somebody does not keep up";
        }
        return share_a_view(where, range(1, count, machine), list_of(1, count, machine))
                   ? ""
                   : "node " + std::to_string(machine) + " does not keep up and is not left out:" + all_views(where);
    });
}

std::string fill_trace_disks(world& where, const scenario_options& options, tally&) {
    const std::size_t before = where.views();
    const auto machines = range(1, where.made_of().machines);
    if (!eventually(
            [&] {
                return std::all_of(machines.begin(), machines.end(), [&](std::size_t machine) {
                    return where.said(machine, "the trace has gaps from here on") > 0;
                });
            },
            patience)) {
        return "not all daemons say that their traces have gaps";
    }
    std::this_thread::sleep_for(std::chrono::seconds(options.times));
    return where.views() == before ? "" : "views have changed";
}

/// One harmless fault after the other: nobody may be found missing.
std::string disturb(world& where, const scenario_options& options, tally& sum) {
    const std::size_t before = where.views();
    std::FILE* const list = std::fopen((where.folder() + "/faults").c_str(), "w");
    std::string fault;
    for (const fault_kind* each : all_faults()) {
        if (each->what == leaves::views && each->fits(where.made_of()) && fault.empty()) {
            torment one(where, {each}, options.seed, list);
            fault = one.run(std::chrono::seconds(options.times), 1);
            sum.add(one.counts());
            if (where.views() != before && fault.empty()) {
                fault = std::string(each->name) + " has changed views";
            }
        }
    }
    std::fclose(list);
    return fault;
}

const scenario list[] = {
    {.name = "starts-and-stops",
     .shows =
         "daemons are killed or ended and started again under load; what surviving clients sent comes back gap-free",
     .unit = "starts and stops",
     .times = 50,
     .times_brief = 4,
     .play = start_and_stop,
     .made_of = {.machines = 3, .clients = 2, .rate = 300}},
    {.name = "isolations",
     .shows = "machines are cut off; both sides tell the right view, then all the same view and the same members",
     .unit = "isolations",
     .times = 100,
     .times_brief = 4,
     .play = isolate,
     // Who comes and goes is kept away for longer each time, which is not what is looked at here.
     .made_of = {.machines = 4, .clients = 2, .rate = 60, .more = "member {\n  hold_off_max: 100\n}\n"}},
    {.name = "sixteen",
     .shows = "sixteen machines form one view, one daemon is killed and comes back, all are told",
     .unit = "kills",
     .times = 10,
     .times_brief = 2,
     .play = sixteen,
     .made_of = {.machines = 16, .clients = 1, .rate = 20, .message_bytes_max = 1'024}},
    {.name = "one-way-cut",
     .shows = "what one machine sends to another is thrown away: a stable view is found while this goes on",
     .unit = "seconds without a change",
     .times = 10,
     .times_brief = 2,
     .play = cut_one_way,
     .made_of = {.machines = 4, .clients = 1, .rate = 60}},
    {.name = "pair-cut",
     .shows = "two machines do not hear each other, others hear both: a stable view is found while this goes on",
     .unit = "seconds without a change",
     .times = 10,
     .times_brief = 2,
     .play = cut_pair,
     .made_of = {.machines = 3, .clients = 1, .rate = 60}},
    {.name = "send-errors",
     .shows = "each error that sending can give; daemons go on and tell it in their status",
     .unit = "times each",
     .times = 10,
     .times_brief = 1,
     .play = refuse_to_send,
     .made_of = {.machines = 3, .clients = 2, .rate = 200, .message_bytes_max = 1U << 20U}},
    {.name = "mtu-black-hole",
     .shows =
         "large packets to and from one machine are lost without a word: packets are made smaller, nobody falls behind",
     .unit = "times",
     .times = 1,
     .times_brief = 1,
     .play = swallow_large_and_go_on,
     .made_of = {.machines = 3, .clients = 2, .rate = 200}},
    {.name = "mtu-black-hole-evict",
     .shows = "all but heartbeats to and from one machine are lost, with `member.slow_policy: evict`: it is left out "
              "and comes "
              "back",
     .unit = "times",
     .times = 10,
     .times_brief = 1,
     .play = swallow_all_but_heartbeats,
     .made_of = {.machines = 3,
                 .clients = 2,
                 .rate = 200,
                 .more = "member {\n  slow_policy: evict\n  slow_timeout: 2000\n  hold_off_max: 500\n}\n"}},
    {.name = "trace-disks-full",
     .shows = "the disks under all daemons' traces are full: they say so and go on",
     .unit = "seconds",
     .times = 10,
     .times_brief = 1,
     .play = fill_trace_disks,
     .made_of = {.machines = 3, .clients = 2, .rate = 300, .small_trace_disk = true}},
    {.name = "no-false-eviction",
     .shows = "each fault that is no node's death, one after the other: no view changes",
     .unit = "seconds a kind of fault",
     .times = 30,
     .times_brief = 1,
     .play = disturb,
     .made_of = {.machines = 3,
                 .clients = 2,
                 .rate = 100,
                 .message_bytes_max = 1U << 20U,
                 .false_clock = true,
                 .small_log_disk = true}},
};

} // namespace

std::span<const scenario> scenarios() { return list; }

std::string play(const scenario& what, const scenario_options& options, tally& sum) {
    world where(what.made_of, options.seed);
    if (!where.fault().empty()) {
        return where.fault();
    }
    std::string fault = where.start();
    if (fault.empty()) {
        fault = what.play(where, options, sum);
    }
    if (fault.empty()) {
        fault = come_to_rest_and_judge(where, sum);
    }
    if (!fault.empty()) {
        keep(where, options.folder, std::string(what.name), fault);
    }
    return fault;
}

} // namespace coterie::chaos

// SPDX-License-Identifier: BSD-3-Clause
// Daemons and clients that are killed, ended and stopped.
#include "tests/chaos/fault.hpp"

#include <csignal>
#include <filesystem>

namespace coterie::chaos {

namespace {

enum class store { kept, lost };

fault kill_daemon(world& where, base::random_source& random, store what) {
    const std::size_t machine = any_machine(where, random);
    return {.where = "node " + std::to_string(machine),
            .holds = {daemon_of(machine)},
            .begin =
                [&where, machine] {
                    where.kill_daemon(machine);
                    return true;
                },
            .end =
                [&where, machine, what] {
                    if (what == store::lost) {
                        std::filesystem::remove_all(where.nodes().state_folder(machine - 1));
                    }
                    return where.start_daemon(machine);
                }};
}

fault end_daemon(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    return {.where = "node " + std::to_string(machine),
            .holds = {daemon_of(machine)},
            .begin = [&where, machine] { return where.end_daemon(machine); },
            .end = [&where, machine] { return where.start_daemon(machine); }};
}

fault stop_daemon(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    return {.where = "node " + std::to_string(machine),
            .holds = {daemon_of(machine)},
            .begin =
                [&where, machine] {
                    where.daemon(machine).send_signal(SIGSTOP);
                    return true;
                },
            .end =
                [&where, machine] {
                    where.daemon(machine).send_signal(SIGCONT);
                    return true;
                }};
}

fault kill_clients(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    const std::size_t count = 1 + random.below(where.made_of().clients);
    return {.where = std::to_string(count) + " of node " + std::to_string(machine),
            .holds = {clients_of(machine)},
            .begin =
                [&where, machine, count] {
                    where.clients(machine).kill(count);
                    return true;
                },
            .end =
                [&where, machine] {
                    where.clients(machine).fill();
                    return true;
                }};
}

fault stop_clients(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    return {.where = "node " + std::to_string(machine),
            .holds = {clients_of(machine)},
            .begin =
                [&where, machine] {
                    where.clients(machine).send_signal(SIGSTOP);
                    return true;
                },
            .end =
                [&where, machine] {
                    where.clients(machine).send_signal(SIGCONT);
                    return true;
                }};
}

const fault_kind kinds[] = {
    {.name = "daemon-killed",
     .does = "kill -9 of a daemon",
     .undone = "started again, its state as it was",
     .what = leaves::rest,
     .shortest = milliseconds(20),
     .longest = milliseconds(3'000),
     .draw = [](world& where, base::random_source& random) { return kill_daemon(where, random, store::kept); }},
    {.name = "daemon-killed-store-lost",
     .does = "kill -9 of a daemon",
     .undone = "started again with an empty state folder",
     .what = leaves::rest,
     .shortest = milliseconds(20),
     .longest = milliseconds(3'000),
     .draw = [](world& where, base::random_source& random) { return kill_daemon(where, random, store::lost); }},
    {.name = "daemon-ended",
     .does = "SIGTERM to a daemon",
     .undone = "started again",
     .what = leaves::rest,
     .shortest = milliseconds(20),
     .longest = milliseconds(3'000),
     .draw = end_daemon},
    {.name = "daemon-stopped-briefly",
     .does = "SIGSTOP of a daemon for up to 300 ms",
     .undone = "SIGCONT",
     .what = leaves::views,
     .shortest = milliseconds(5),
     .longest = milliseconds(300),
     .draw = stop_daemon},
    {.name = "daemon-stopped",
     .does = "SIGSTOP of a daemon for up to 4 s",
     .undone = "SIGCONT",
     .what = leaves::rest,
     .shortest = milliseconds(300),
     .longest = milliseconds(4'000),
     .draw = stop_daemon},
    {.name = "clients-killed",
     .does = "kill -9 of some or all clients of a machine",
     .undone = "others are started",
     .what = leaves::views,
     .shortest = milliseconds(5),
     .longest = milliseconds(2'000),
     .draw = kill_clients},
    {.name = "clients-stopped",
     .does = "SIGSTOP of all clients of a machine",
     .undone = "SIGCONT",
     .what = leaves::views,
     .shortest = milliseconds(5),
     .longest = milliseconds(5'000),
     .draw = stop_clients},
};

} // namespace

std::span<const fault_kind> process_faults() { return kinds; }

} // namespace coterie::chaos

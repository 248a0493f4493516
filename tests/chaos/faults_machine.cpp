// SPDX-License-Identifier: BSD-3-Clause
// What happens to a machine itself: its disks, its clock, its cores, its memory. `ip netns exec` has given each daemon mounts of
// its own, so that a disk can be put over its folders while it runs.
#include "tests/chaos/fault.hpp"

#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <unistd.h>

namespace coterie::chaos {

namespace {

constexpr const char* nsenter = "/usr/bin/nsenter";
constexpr std::int64_t day_s = 86'400;

/// A fault made of two shell commands among the mounts of a daemon, which has to live meanwhile.
fault among_mounts(world& where, std::size_t machine, const std::string& begin, const std::string& end) {
    const auto run_there = [&where, machine](const std::string& command) {
        return tests::run(
            {nsenter, "--target", std::to_string(where.daemon(machine).pid()), "--mount", "/bin/sh", "-c", command});
    };
    return {.where = "node " + std::to_string(machine),
            .holds = {daemon_of(machine)},
            .begin = [run_there, begin] { return run_there(begin); },
            .end = [run_there, end] { return run_there(end); }};
}

fault fill_state(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    const std::string folder = where.nodes().state_folder(machine - 1);
    return among_mounts(where, machine,
                        "mount -t tmpfs -o size=4k full " + folder + " && head -c 4096 /dev/zero >" + folder +
                            "/ballast",
                        "umount --lazy " + folder);
}

fault lock_state(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    const std::string folder = where.nodes().state_folder(machine - 1);
    return among_mounts(where, machine, "mount -t tmpfs -o ro read-only " + folder, "umount --lazy " + folder);
}

fault fill_log(world& where, base::random_source& random) {
    const std::string ballast = where.log_disk() + "/ballast";
    return among_mounts(where, any_machine(where, random), "head -c 1000000 /dev/zero >" + ballast + " 2>&- || true",
                        "rm " + ballast);
}

fault step_clock(world& where, base::random_source& random) {
    const std::int64_t most = random.chance(1, 2) ? 60 : 400 * day_s;
    const std::int64_t seconds = random.between(-most, most);
    return {.where = "node " + std::to_string(where.made_of().machines) + " by " + std::to_string(seconds) + " s",
            .holds = {"clock"},
            .begin = [&where, seconds] { return where.set_clock(seconds); },
            .end = [&where] { return where.set_clock(0); }};
}

fault saturate(world&, base::random_source& random) {
    const std::size_t count = std::thread::hardware_concurrency() * (1 + random.below(4));
    auto busy = std::make_shared<std::vector<cli::child_process>>();
    return {.where = std::to_string(count) + " processes",
            .holds = {"cores"},
            .begin =
                [busy, count] {
                    for (std::size_t i = 0; i < count; ++i) {
                        auto started = cli::child_process::start({.command = {"/bin/sh", "-c", "while :; do :; done"},
                                                                  .environment = {},
                                                                  .output_file = {},
                                                                  .piped = false});
                        if (!started) {
                            return false;
                        }
                        busy->push_back(std::move(*started));
                    }
                    return true;
                },
            .end =
                [busy] {
                    busy->clear();
                    return true;
                }};
}

/// A control group with little memory, of the kind that this machine has.
class small_memory {
public:
    explicit small_memory(std::size_t bytes) {
        const bool first_version = std::filesystem::exists("/sys/fs/cgroup/memory");
        _root = first_version ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
        _folder = _root + "/coterie-chaos-" + std::to_string(::getpid());
        std::error_code failed;
        std::filesystem::create_directory(_folder, failed);
        const std::string limit = _folder + (first_version ? "/memory.limit_in_bytes" : "/memory.max");
        _good = !failed && std::filesystem::exists(limit) && write(limit, std::to_string(bytes));
    }
    ~small_memory() {
        // What its reader has started last goes on to the end of its file, and keeps the group as long.
        static_cast<void>(tests::eventually([&] {
            std::error_code failed;
            std::filesystem::remove(_folder, failed);
            return !failed;
        }));
    }
    small_memory(const small_memory&) = delete;
    small_memory& operator=(const small_memory&) = delete;

    [[nodiscard]] bool good() const { return _good; }
    [[nodiscard]] std::string processes() const { return _folder + "/cgroup.procs"; }
    [[nodiscard]] bool take_in(pid_t pid) {
        _former = group_of(pid);
        return write(processes(), std::to_string(pid));
    }
    [[nodiscard]] bool put_back(pid_t pid) const { return write(_former + "/cgroup.procs", std::to_string(pid)); }

private:
    static bool write(const std::string& file, const std::string& text) {
        std::ofstream out(file);
        out << text << std::flush;
        return out.good();
    }
    [[nodiscard]] std::string group_of(pid_t pid) const {
        std::ifstream lines("/proc/" + std::to_string(pid) + "/cgroup");
        const std::string wanted = _root.ends_with("/memory") ? ":memory:" : "0::";
        for (std::string line; std::getline(lines, line);) {
            if (const std::size_t at = line.find(wanted); at != std::string::npos) {
                return _root + line.substr(at + wanted.size());
            }
        }
        return _root;
    }

    std::string _root;
    std::string _folder;
    std::string _former;
    bool _good = false;
};

struct pressure {
    small_memory group{std::size_t{192} << 20};
    cli::child_process reader;
    pid_t daemon = -1;
};

/// The daemon and a process that reads more than there is memory for, again and again, share a little memory: each page
/// that either wants has to be taken from somebody.
fault press_memory(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    auto shared = std::make_shared<std::unique_ptr<pressure>>();
    const std::string file = where.folder() + "/large-file";
    return {.where = "node " + std::to_string(machine),
            .holds = {daemon_of(machine), "memory"},
            .begin =
                [&where, machine, shared, file] {
                    auto fresh = std::make_unique<pressure>();
                    fresh->daemon = where.daemon(machine).pid();
                    if (!fresh->group.good() || !fresh->group.take_in(fresh->daemon)) {
                        return false;
                    }
                    tests::write_file(file, "");
                    std::filesystem::resize_file(file, std::uintmax_t{512} << 20);
                    auto reader =
                        cli::child_process::start({.command = {"/bin/sh", "-c",
                                                               "echo $$ >" + fresh->group.processes() + "; while cat " +
                                                                   file + " >/dev/null; do :; done"},
                                                   .environment = {},
                                                   .output_file = {},
                                                   .piped = false});
                    if (reader) {
                        fresh->reader = std::move(*reader);
                    }
                    *shared = std::move(fresh);
                    return (*shared)->reader.running();
                },
            .end =
                [shared, file] {
                    pressure& mine = **shared;
                    // The one that it has started ends by itself: the file has an end.
                    mine.reader.kill();
                    const bool back = mine.group.put_back(mine.daemon);
                    shared->reset();
                    std::filesystem::remove(file);
                    return back;
                }};
}

bool has_false_clock(const shape& what) { return what.false_clock; }
bool has_small_log_disk(const shape& what) { return what.small_log_disk; }

const fault_kind kinds[] = {
    {.name = "state-disk-full",
     .does = "the disk under a daemon's state folder is full",
     .undone = "there is room again",
     .what = leaves::views,
     .shortest = milliseconds(100),
     .longest = milliseconds(5'000),
     .draw = fill_state},
    {.name = "state-disk-read-only",
     .does = "the disk under a daemon's state folder is read-only",
     .undone = "it can be written to again",
     .what = leaves::views,
     .shortest = milliseconds(100),
     .longest = milliseconds(5'000),
     .draw = lock_state},
    {.name = "log-disk-full",
     .does = "the disk under a daemon's log file is full",
     .undone = "there is room again",
     .what = leaves::views,
     .shortest = milliseconds(100),
     .longest = milliseconds(5'000),
     .draw = fill_log,
     .fits = has_small_log_disk},
    {.name = "clock-stepped",
     .does = "the clock of a daemon's machine jumps back or forth, by seconds to a year",
     .undone = "and jumps back",
     .what = leaves::views,
     .shortest = milliseconds(1),
     .longest = milliseconds(4'000),
     .draw = step_clock,
     .fits = has_false_clock},
    {.name = "cores-saturated",
     .does = "one to four ordinary processes a core run without end",
     .undone = "they are ended",
     .what = leaves::views,
     .shortest = milliseconds(500),
     .longest = milliseconds(6'000),
     .draw = saturate},
    {.name = "memory-pressed",
     .does = "a daemon shares 192 MiB of memory with a process that reads 512 MiB again and again",
     .undone = "it has the machine's memory again",
     .what = leaves::views,
     .shortest = milliseconds(500),
     .longest = milliseconds(5'000),
     .draw = press_memory},
};

} // namespace

std::span<const fault_kind> machine_faults() { return kinds; }

} // namespace coterie::chaos

// SPDX-License-Identifier: BSD-3-Clause
#include "tests/chaos/mix.hpp"

#include <algorithm>
#include <filesystem>
#include <sched.h>
#include <thread>

namespace coterie::chaos {

namespace {

using steady = std::chrono::steady_clock;

constexpr auto pause_min_ms = 10;
constexpr auto pause_max_ms = 600;
constexpr milliseconds alone_for(100);
constexpr std::size_t violations_shown_max = 10;

shape draw_shape(base::random_source& random) {
    shape result;
    result.machines = 2 + random.below(4);
    result.links = random.chance(1, 3) ? 2 : 1;
    constexpr const char* modes[] = {"passive", "active", "rr"};
    result.link_mode = modes[random.below(3)];
    result.clients = 1 + random.below(3);
    result.rate = static_cast<int>(40 + random.below(360));
    result.message_bytes_max = random.chance(1, 2) ? 4'096U : std::uint64_t{4'096} << random.below(11);
    result.false_clock = random.chance(1, 3);
    result.small_log_disk = random.chance(1, 3);
    if (random.chance(1, 5)) {
        result.more += "system {\n  sched_rr: no\n}\n";
    }
    if (random.chance(1, 4)) {
        result.more += "totem {\n  token: " + std::to_string(random.between(200, 2'000)) + "\n}\n";
    }
    return result;
}

/// Real-time priority for a while: a pause that ends late, since the cores are saturated, would be a longer one. What is
/// started meanwhile does not have it.
class unhindered {
public:
    unhindered() { set(SCHED_RR | SCHED_RESET_ON_FORK, 1); }
    ~unhindered() { set(SCHED_OTHER, 0); }
    unhindered(const unhindered&) = delete;
    unhindered& operator=(const unhindered&) = delete;

private:
    static void set(int policy, int priority) {
        const sched_param wanted{.sched_priority = priority};
        static_cast<void>(::sched_setscheduler(0, policy, &wanted));
    }
};

/// About half of all kinds that can happen there.
std::vector<const fault_kind*> draw_kinds(const shape& made_of, base::random_source& random, const std::string& only) {
    std::vector<const fault_kind*> result;
    for (const fault_kind* each : all_faults()) {
        const bool wanted = only.empty() ? random.chance(1, 2) : each->name == only;
        if (wanted && each->fits(made_of)) {
            result.push_back(each);
        }
    }
    return result;
}

std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

std::string describe(const shape& made_of) {
    return std::to_string(made_of.machines) + " machines, " + std::to_string(made_of.links) + " links (" +
           made_of.link_mode + "), " + std::to_string(made_of.clients) + " clients each, " +
           std::to_string(made_of.rate) + " messages a second each of up to " +
           std::to_string(made_of.message_bytes_max) + " bytes" + (made_of.false_clock ? ", false clock" : "") +
           (made_of.small_log_disk ? ", small log disk" : "") + (made_of.more.empty() ? "" : ", ") +
           one_line(made_of.more);
}

} // namespace

void tally::add(const tally& other) {
    for (const auto& [name, count] : other.kinds) {
        kinds[name].begun += count.begun;
        kinds[name].refused += count.refused;
        kinds[name].time += count.time;
    }
    judged.events += other.judged.events;
    judged.accepted += other.judged.accepted;
    judged.delivered += other.judged.delivered;
    judged.lost += other.judged.lost;
    judged.views += other.judged.views;
    rounds += other.rounds;
    unexpected_views += other.unexpected_views;
}

void tally::print(std::FILE* out) const {
    std::fprintf(out, "| Fault | What it is | Times | Seconds in all |\n|---|---|---|---|\n");
    for (const fault_kind* each : all_faults()) {
        const auto found = kinds.find(each->name);
        const kind_count count = found == kinds.end() ? kind_count{} : found->second;
        std::fprintf(out, "| `%.*s` | %.*s; %.*s | %zu%s | %.0f |\n", static_cast<int>(each->name.size()),
                     each->name.data(), static_cast<int>(each->does.size()), each->does.data(),
                     static_cast<int>(each->undone.size()), each->undone.data(), count.begun,
                     count.refused > 0 ? (" (" + std::to_string(count.refused) + " not possible here)").c_str() : "",
                     static_cast<double>(count.time.count()) / 1'000);
    }
    std::fprintf(out,
                 "\n%zu rounds, %llu views installed, %llu messages accepted, %llu delivered, %llu lost; "
                 "%llu events judged\n",
                 rounds, static_cast<unsigned long long>(judged.views),
                 static_cast<unsigned long long>(judged.accepted), static_cast<unsigned long long>(judged.delivered),
                 static_cast<unsigned long long>(judged.lost), static_cast<unsigned long long>(judged.events));
}

torment::torment(world& where, std::vector<const fault_kind*> kinds, std::uint64_t seed, std::FILE* list)
    : _world(where),
      _kinds(std::move(kinds)),
      _random(seed),
      _list(list),
      _start(steady::now()) {}

std::string torment::run(milliseconds time, std::size_t at_once) {
    const unhindered while_faults_last;
    const auto over = steady::now() + time;
    auto next = steady::now();
    while (steady::now() < over) {
        const std::size_t before = _active.size();
        if (std::string failed = end_due(steady::now()); !failed.empty()) {
            return failed;
        }
        if (_active.empty() && before > 0) {
            // Two short pauses of one daemon without time to run between them would be a long one.
            next = std::max(next, steady::now() + alone_for);
        }
        if (steady::now() >= next && _active.size() < at_once && !_kinds.empty()) {
            begin_one();
            next = steady::now() + milliseconds(_random.between(pause_min_ms, pause_max_ms));
        }
        std::this_thread::sleep_for(milliseconds(5));
    }
    return end_due(steady::time_point::max());
}

void torment::begin_one() {
    const fault_kind& kind = *_kinds[_random.below(_kinds.size())];
    fault drawn = kind.draw(_world, _random);
    const milliseconds lasts(_random.between(kind.shortest.count(), kind.longest.count()));
    if (!is_free(drawn)) {
        return;
    }
    if (!drawn.begin()) {
        ++_counts.kinds[kind.name].refused;
        note("not possible", kind, drawn);
        return;
    }
    ++_counts.kinds[kind.name].begun;
    note("begin", kind, drawn);
    const auto now = steady::now();
    _active.push_back({&kind, std::move(drawn), now, now + lasts});
}

std::string torment::end_due(steady::time_point now) {
    for (std::size_t i = 0; i < _active.size();) {
        if (_active[i].ends > now) {
            ++i;
            continue;
        }
        const active ended = std::move(_active[i]);
        _active.erase(_active.begin() + static_cast<std::ptrdiff_t>(i));
        const bool undone = ended.what.end();
        note(undone ? "end" : "NOT ENDED", *ended.kind, ended.what);
        _counts.kinds[ended.kind->name].time += std::chrono::duration_cast<milliseconds>(steady::now() - ended.began);
        if (!undone) {
            return std::string(ended.kind->name) + " (" + ended.what.where + ") could not be undone";
        }
    }
    return {};
}

bool torment::is_free(const fault& what) const {
    return std::none_of(_active.begin(), _active.end(), [&](const active& each) {
        return std::any_of(what.holds.begin(), what.holds.end(), [&](const std::string& wanted) {
            return std::find(each.what.holds.begin(), each.what.holds.end(), wanted) != each.what.holds.end();
        });
    });
}

void torment::note(const char* what, const fault_kind& kind, const fault& which) const {
    const auto now = steady::now();
    std::fprintf(_list, "%.6f (+%.3f s) %s %.*s: %s\n", std::chrono::duration<double>(now.time_since_epoch()).count(),
                 std::chrono::duration<double>(now - _start).count(), what, static_cast<int>(kind.name.size()),
                 kind.name.data(), which.where.c_str());
    std::fflush(_list);
}

std::string come_to_rest_and_judge(world& where, tally& sum) {
    for (const auto step : {&world::settle, &world::end_clients}) {
        if (std::string fault = (where.*step)(); !fault.empty()) {
            return fault;
        }
    }
    tally mine;
    mine.rounds = 1;
    if (where.made_of().small_trace_disk) {
        sum.add(mine);
        return {};
    }
    if (std::string fault = where.record_end(); !fault.empty()) {
        return fault;
    }
    mine.judged = judge(where.folder(), where.made_of().machines);
    sum.add(mine);
    std::string fault;
    for (std::size_t i = 0; i < std::min(mine.judged.violations.size(), violations_shown_max); ++i) {
        fault += (i == 0 ? "" : "\n") + mine.judged.violations[i];
    }
    return fault;
}

void keep(const world& where, const std::string& folder, const std::string& name, const std::string& fault) {
    const std::string place = folder + "/" + name;
    std::error_code ignored;
    std::filesystem::remove_all(place, ignored);
    std::filesystem::create_directories(folder, ignored);
    // Sockets cannot be copied.
    std::filesystem::create_directories(place, ignored);
    for (const auto& each : std::filesystem::directory_iterator(where.folder())) {
        if (each.is_regular_file()) {
            std::filesystem::copy(each.path(), place + "/" + each.path().filename().string(), ignored);
        }
    }
    tests::write_file(place + "/failure", fault + "\n");
    std::printf("FAILED: %s\nlogs, traces, configurations and the list of faults: %s\n", fault.c_str(), place.c_str());
}

std::string play_round(const round_options& options, tally& sum) {
    base::random_source random(options.seed);
    shape made_of = draw_shape(random);
    while (!options.only.empty() && !fault_named(options.only)->fits(made_of)) {
        made_of = draw_shape(random);
    }
    const std::vector<const fault_kind*> kinds = draw_kinds(made_of, random, options.only);
    const std::size_t at_once = 1 + random.below(6);
    const std::uint64_t course = random.next();
    world where(made_of, options.seed);
    if (!where.fault().empty()) {
        return where.fault();
    }
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(options.seed), describe(made_of).c_str());
    std::fflush(stdout);
    std::string fault = where.start();
    tally mine;
    if (fault.empty()) {
        std::FILE* const list = std::fopen((where.folder() + "/faults").c_str(), "w");
        torment all(where, kinds, course, list);
        fault = all.run(options.time, at_once);
        mine.add(all.counts());
        std::fclose(list);
    }
    if (fault.empty()) {
        fault = come_to_rest_and_judge(where, mine);
    }
    if (!fault.empty()) {
        keep(where, options.folder, "seed-" + std::to_string(options.seed), fault);
    }
    sum.add(mine);
    return fault;
}

} // namespace coterie::chaos

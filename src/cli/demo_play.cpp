// SPDX-License-Identifier: BSD-3-Clause
// One loop that reads what the members tell, line by line, and does what the script says when its time has come.
#include "cli/demo_play.hpp"

#include "cli/printable.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <poll.h>
#include <set>
#include <sstream>
#include <unistd.h>

namespace coterie::cli {

namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

// The script, from the moment when all three are members.
constexpr auto kill_at = milliseconds(2'250);
constexpr auto restart_at = milliseconds(3'750);
constexpr auto stop_at = milliseconds(6'250);
constexpr auto rates_pace = milliseconds(500);
constexpr auto patience = milliseconds(15'000);
constexpr std::size_t victim = 1;

volatile std::sig_atomic_t interrupted = 0;

void take_signals() {
    struct sigaction action{};
    action.sa_handler = [](int number) { interrupted = number; };
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        ::sigaction(number, &action, nullptr);
    }
    action.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &action, nullptr);
}

std::string spaced(const std::string& list) {
    std::string result;
    for (const char each : list) {
        result += each == ',' ? ", " : std::string(1, each);
    }
    return result;
}

/// "node 2 left: its node is down" of "2:3".
std::string moved(const std::string& list, bool left) {
    std::string result;
    std::istringstream words(list);
    for (std::string each; std::getline(words, each, ',');) {
        const std::size_t colon = each.find(':');
        const std::string why = each.substr(colon + 1);
        result += (result.empty() ? "node " : "; node ") + each.substr(0, colon) + (left ? " left" : " joined");
        result += why == "3"   ? ", its node is down"
                  : why == "4" ? ", its node has come"
                  : why == "5" ? ", its process ended"
                               : "";
    }
    return result;
}

class play {
public:
    explicit play(const std::string& lines_file) : _lines_file(lines_file) {}

    int run() {
        const std::size_t lines = count_lines();
        if (lines == 0) {
            return fail(_lines_file + " cannot be read or has no lines to send");
        }
        auto built = demo_stage::build(_lines_file);
        if (!built) {
            return fail(built.error());
        }
        _stage = std::move(*built);
        _screen.begin(steady::now());
        introduce(lines);
        if (!set_up()) {
            return status();
        }
        while (_fault.empty() && interrupted == 0 && _done < demo_nodes) {
            hear(milliseconds(20));
            act();
        }
        if (!_fault.empty() || interrupted != 0) {
            return status();
        }
        return judge();
    }

private:
    struct teller {
        std::string unfinished;
        bool connected = false;
        std::uint64_t received = 0;
        std::uint64_t sent = 0;
        std::uint64_t received_at_rate = 0;
        steady::time_point counted;
        steady::time_point counted_at_rate;
    };
    struct shown_change {
        std::string words;
        std::set<std::size_t> told;
    };

    int fail(const std::string& line) {
        fmt::print(stderr, "coterie: {}\n", line);
        return 1;
    }

    int status() {
        if (interrupted != 0) {
            _screen.text("\nInterrupted; everything that was started is ended.");
            return 128 + interrupted;
        }
        _screen.conclusion(_fault, demo_screen::mood::bad);
        for (std::size_t place = 0; place < demo_nodes; ++place) {
            _screen.text(fmt::format("  the last that daemon {} said:", place + 1));
            _screen.text(_stage->log_tail(place));
        }
        return 1;
    }

    [[nodiscard]] std::size_t count_lines() const {
        std::ifstream in(_lines_file);
        std::size_t result = 0;
        for (std::string line; std::getline(in, line);) {
            if (!line.empty()) {
                ++result;
            }
        }
        return result;
    }

    void introduce(std::size_t lines) const {
        _screen.title(fmt::format("Three daemons on this machine: {}, {} and {}, UDP port {}", demo_address(0),
                                  demo_address(1), demo_address(2), _stage->port()));
        _screen.text(
            fmt::format("A client at each joins one group and multicasts the {} lines of {} again and again.\n", lines,
                        std::filesystem::path(_lines_file).filename().string()));
    }

    /// All three are members of one group.
    bool set_up() {
        for (std::size_t place = 0; place < demo_nodes; ++place) {
            note(_stage->start_daemon(place));
        }
        for (std::size_t place = 0; place < demo_nodes; ++place) {
            note(_stage->start_member(place));
        }
        const auto limit = steady::now() + patience;
        while (_fault.empty() && interrupted == 0 && _complete.size() < demo_nodes) {
            hear(milliseconds(20));
            if (steady::now() > limit) {
                _fault = "The three members did not come together.";
            }
        }
        _began = steady::now();
        _next_rates = _began + rates_pace;
        for (teller& each : _tellers) {
            each.received_at_rate = each.received;
            each.counted_at_rate = each.counted;
        }
        _screen.rates_head();
        return _fault.empty() && interrupted == 0;
    }

    /// What the script says about this moment.
    void act() {
        const auto now = steady::now();
        if (now >= _next_rates && !_stopping) {
            _next_rates += rates_pace;
            show_rates(now);
        }
        if (!_killed_at && now >= _began + kill_at) {
            _killed_at = now;
            _stage->daemon(victim).kill();
            _screen.happened(now, 'x', "the daemon of node 2 is killed", demo_screen::mood::bad);
        }
        if (!_restarted_at && now >= _began + restart_at) {
            _restarted_at = now;
            note(_stage->start_daemon(victim));
            _screen.happened(now, '>', "the daemon of node 2 is started again");
        }
        if (!_stopping && _restarted_at && now >= _began + stop_at && _back) {
            _stopping = true;
            _screen.happened(now, '.', "everyone says a last word");
            for (std::size_t place = 0; place < demo_nodes; ++place) {
                _stage->member(place).close_input();
            }
        }
        if (now > _began + stop_at + patience) {
            _fault = _back ? "The members did not come to their end." : "The member of node 2 did not come back.";
        }
    }

    void hear(milliseconds limit) {
        std::array<pollfd, demo_nodes> wanted{};
        for (std::size_t place = 0; place < demo_nodes; ++place) {
            wanted[place] = {
                .fd = _heard_all[place] ? -1 : _stage->member(place).output(), .events = POLLIN, .revents = 0};
        }
        ::poll(wanted.data(), wanted.size(), static_cast<int>(limit.count()));
        for (std::size_t place = 0; place < demo_nodes; ++place) {
            if (wanted[place].revents != 0) {
                hear_one(place);
            }
        }
    }

    void hear_one(std::size_t place) {
        std::array<char, 8'192> space;
        const ssize_t got = ::read(_stage->member(place).output(), space.data(), space.size());
        if (got <= 0) {
            if (got == 0 || errno != EINTR) {
                _heard_all[place] = true;
                if (!_finished.contains(place)) {
                    _fault = fmt::format("The member of node {} ended before its time.", place + 1);
                }
            }
            return;
        }
        std::string& text = _tellers[place].unfinished;
        text.append(space.data(), static_cast<std::size_t>(got));
        for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
            take_line(place, text.substr(0, end));
        }
    }

    void take_line(std::size_t place, const std::string& line) {
        std::istringstream words(line);
        std::string what;
        std::int64_t time = 0;
        words >> what >> time;
        const steady::time_point when{std::chrono::nanoseconds(time)};
        teller& from = _tellers[place];
        if (what == "count") {
            words >> from.received >> from.sent;
            from.counted = when;
        } else if (what == "change") {
            std::string members;
            std::string left;
            std::string joined;
            words >> members >> left >> joined;
            from.connected = true;
            take_change(place, when, members, left, joined);
        } else if (what == "lost") {
            from.connected = false;
            _screen.happened(when, '!', fmt::format("the client of node {} has lost its daemon", place + 1));
        } else if (what == "fault") {
            std::getline(words, _fault);
            _fault = fmt::format("The member of node {} found a fault:{}", place + 1, _fault);
        } else if (what == "done") {
            _finished.insert(place);
            ++_done;
        }
    }

    void take_change(std::size_t place, steady::time_point when, const std::string& members, const std::string& left,
                     const std::string& joined) {
        if (members == "1,2,3") {
            _complete.insert(place);
            _back = _back || (place == victim && _restarted_at);
        }
        const std::string words = members + left + joined;
        auto known = std::find_if(_changes.begin(), _changes.end(), [&](const shown_change& each) {
            return each.words == words && !each.told.contains(place);
        });
        if (known == _changes.end()) {
            known = _changes.insert(_changes.end(), {.words = words, .told = {}});
            const std::string who = left != "-" ? moved(left, true) : moved(joined, false);
            _screen.happened(when, left != "-" ? '-' : '+',
                             fmt::format("{}; members {}", who, members == "-" ? "none" : spaced(members)),
                             left != "-" ? demo_screen::mood::bad : demo_screen::mood::good);
        }
        known->told.insert(place);
        if (_killed_at && !_restarted_at && left == "2:3") {
            _told.push_back(fmt::format("node {} {:.0f} ms", place + 1,
                                        std::chrono::duration<double, std::milli>(when - *_killed_at).count()));
            if (_told.size() == 2) {
                _screen.happened(when, ' ', fmt::format("told after the kill: {}, {}", _told[0], _told[1]));
            }
        }
        if (_restarted_at && place == victim && members == "1,2,3") {
            _screen.happened(when, ' ',
                             fmt::format("a member again {:.0f} ms after the start of its daemon",
                                         std::chrono::duration<double, std::milli>(when - *_restarted_at).count()));
        }
    }

    void show_rates(steady::time_point now) {
        std::vector<std::optional<double>> rates;
        for (teller& each : _tellers) {
            const double seconds = std::chrono::duration<double>(each.counted - each.counted_at_rate).count();
            const auto count = static_cast<double>(each.received - each.received_at_rate);
            rates.push_back(each.connected && seconds > 0 ? std::optional(count / seconds) : std::nullopt);
            each.received_at_rate = each.received;
            each.counted_at_rate = each.counted;
        }
        _screen.rates(now, rates);
    }

    int judge() {
        std::vector<std::vector<segment>> members;
        std::uint64_t received = 0;
        for (std::size_t place = 0; place < demo_nodes; ++place) {
            auto segments = read_segments(_stage->segments_file(place));
            if (!segments) {
                _fault = segments.error();
                return status();
            }
            for (const segment& each : *segments) {
                received += each.digests.size();
            }
            members.push_back(std::move(*segments));
        }
        const std::vector<verdict> verdicts = compare(members);
        _screen.order(verdicts);
        std::size_t compared = 0;
        std::size_t with_all = 0;
        for (const verdict& each : verdicts) {
            if (!each.fault.empty()) {
                _screen.conclusion("The members did not see the same order.", demo_screen::mood::bad);
                return 1;
            }
            const std::size_t members_in_it = each.messages > 0 ? each.members.size() + each.cut_off.size() : 0;
            if (members_in_it > 1) {
                ++compared;
            }
            if (members_in_it == demo_nodes) {
                ++with_all;
            }
        }
        // All three before the kill, two of them after it, all three again.
        if (with_all < 2 || compared < 3) {
            _screen.conclusion("Too little could be compared.", demo_screen::mood::bad);
            return 1;
        }
        _screen.conclusion(fmt::format("Every member saw the same order: {} deliveries, {} stretches compared.",
                                       grouped(received), compared),
                           demo_screen::mood::good);
        return 0;
    }

    void note(const std::expected<void, std::string>& outcome) {
        if (!outcome && _fault.empty()) {
            _fault = outcome.error();
        }
    }

    const std::string _lines_file;
    demo_screen _screen;
    std::unique_ptr<demo_stage> _stage;
    std::string _fault;
    std::array<teller, demo_nodes> _tellers;
    std::array<bool, demo_nodes> _heard_all{};
    std::vector<shown_change> _changes;
    std::set<std::size_t> _complete;
    std::set<std::size_t> _finished;
    std::vector<std::string> _told;
    std::size_t _done = 0;
    steady::time_point _began;
    steady::time_point _next_rates;
    std::optional<steady::time_point> _killed_at;
    std::optional<steady::time_point> _restarted_at;
    bool _back = false;
    bool _stopping = false;
};

} // namespace

int play_demo(const std::string& lines_file) {
    take_signals();
    return play(lines_file).run();
}

} // namespace coterie::cli

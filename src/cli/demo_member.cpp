// SPDX-License-Identifier: BSD-3-Clause
// What it tells, a line each, with the monotonic time in nanoseconds: "change TIME MEMBERS LEFT JOINED" (lists of nodes,
// or - for none; who left with the reason after a colon), "lost TIME", "joined TIME NODE", "count TIME RECEIVED SENT",
// "fault TIME TEXT", "done TIME".
#include "cli/demo_member.hpp"

#include "cli/demo_order.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <corosync/cpg.h>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <poll.h>
#include <span>
#include <thread>
#include <unistd.h>

namespace coterie::cli {

namespace {

using steady = std::chrono::steady_clock;

constexpr std::string_view group_text = "demo";
constexpr std::string_view end_text = "the end";
constexpr auto count_pace = std::chrono::milliseconds(100);
constexpr auto retry_pace = std::chrono::milliseconds(20);
constexpr auto end_limit = std::chrono::seconds(10);
constexpr int events_a_turn = 512;
constexpr int sends_a_turn = 64;

void tell(const std::string& word, const std::string& rest = {}) {
    const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(steady::now().time_since_epoch()).count();
    std::printf("%s %lld%s%s\n", word.c_str(), static_cast<long long>(now), rest.empty() ? "" : " ", rest.c_str());
    std::fflush(stdout);
}

std::string list_of(const cpg_address* list, std::size_t count, bool with_reasons) {
    std::string result;
    for (std::size_t i = 0; i < count; ++i) {
        result += (i == 0 ? "" : ",") + std::to_string(list[i].nodeid);
        result += with_reasons ? ":" + std::to_string(list[i].reason) : "";
    }
    return result.empty() ? "-" : result;
}

class member {
public:
    member(std::vector<std::string> lines, std::string segments_file, std::uint64_t rate)
        : _lines(std::move(lines)),
          _segments_file(std::move(segments_file)),
          _rate(rate) {
        std::memcpy(_group.value, group_text.data(), group_text.size());
        _group.length = static_cast<std::uint32_t>(group_text.size());
    }

    int run() {
        while (!_ended && _fault.empty()) {
            if (!_handle && !connect()) {
                std::this_thread::sleep_for(retry_pace);
                judge_time();
                continue;
            }
            turn();
        }
        if (!write_segments(_segments_file, _segments)) {
            _fault = "cannot write " + _segments_file;
        }
        if (!_fault.empty()) {
            tell("fault", _fault);
            return 1;
        }
        leave();
        tell("done");
        return 0;
    }

private:
    bool connect() {
        cpg_model_v1_data_t model{};
        model.model = CPG_MODEL_V1;
        model.cpg_deliver_fn = [](cpg_handle_t handle, const cpg_name*, uint32_t node, uint32_t pid, void* text,
                                  size_t bytes) {
            of(handle).deliver(node, pid, {static_cast<const char*>(text), bytes});
        };
        model.cpg_confchg_fn = [](cpg_handle_t handle, const cpg_name*, const cpg_address* members, size_t member_count,
                                  const cpg_address* left, size_t left_count, const cpg_address* joined,
                                  size_t joined_count) {
            of(handle).change({members, member_count}, {left, left_count}, {joined, joined_count});
        };
        model.cpg_totem_confchg_fn = [](cpg_handle_t handle, cpg_ring_id ring, uint32_t, const uint32_t*) {
            of(handle).ring(std::to_string(ring.nodeid) + "." + std::to_string(ring.seq));
        };
        model.flags = CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF;
        cpg_handle_t handle = 0;
        if (cpg_model_initialize(&handle, CPG_MODEL_V1, reinterpret_cast<cpg_model_data_t*>(&model), this) != CS_OK) {
            return false;
        }
        cs_error_t joined = CS_ERR_TRY_AGAIN;
        while ((joined = cpg_join(handle, &_group)) == CS_ERR_TRY_AGAIN) {
            std::this_thread::sleep_for(retry_pace);
        }
        if (joined != CS_OK) {
            cpg_finalize(handle);
            return false;
        }
        _handle = handle;
        cpg_fd_get(handle, &_descriptor);
        cpg_local_get(handle, &_node);
        _ring.clear();
        _numbers.clear();
        return true;
    }

    static member& of(cpg_handle_t handle) {
        void* context = nullptr;
        cpg_context_get(handle, &context);
        return *static_cast<member*>(context);
    }

    /// Receives, sends, waits for either to be possible.
    void turn() {
        for (int i = 0; i < events_a_turn && !_ended; ++i) {
            const cs_error_t outcome = cpg_dispatch(*_handle, CS_DISPATCH_ONE_NONBLOCKING);
            if (outcome == CS_ERR_TRY_AGAIN) {
                break;
            }
            if (outcome != CS_OK) {
                lose();
                return;
            }
        }
        judge_time();
        if (_ended) {
            return;
        }
        if (!send_some()) {
            pollfd wanted{.fd = _descriptor, .events = POLLIN, .revents = 0};
            ::poll(&wanted, 1, 1);
        }
    }

    /// False when nothing more can be sent now.
    bool send_some() {
        if (!_recording || _end_sent) {
            return false;
        }
        for (int i = 0; i < sends_a_turn; ++i) {
            if (!_ending && !is_due()) {
                return false;
            }
            const std::string number = std::to_string(_sent) + ' ';
            const std::string_view line = _ending ? end_text : std::string_view(_lines[_sent % _lines.size()]);
            const std::array<iovec, 2> parts = {
                {{const_cast<char*>(number.data()), number.size()}, {const_cast<char*>(line.data()), line.size()}}};
            if (cpg_mcast_joined(*_handle, CPG_TYPE_AGREED, parts.data(), parts.size()) != CS_OK) {
                return false;
            }
            ++_sent;
            if (_ending) {
                _end_sent = true;
                return false;
            }
        }
        return true;
    }

    /// Whether the wished rate allows for another message by now.
    [[nodiscard]] bool is_due() const {
        const double seconds = std::chrono::duration<double>(steady::now() - _began).count();
        return _rate == 0 || static_cast<double>(_sent) < seconds * static_cast<double>(_rate);
    }

    void lose() {
        // The segment is cut off: nothing closes it.
        _recording = false;
        _unnamed.clear();
        cpg_finalize(*_handle);
        _handle.reset();
        _end_sent = false;
        tell("lost");
    }

    void deliver(std::uint32_t node, std::uint32_t pid, std::string_view text) {
        if (!_recording || _ended) {
            return;
        }
        ++_received;
        std::vector<std::uint64_t>& digests = _segments.back().digests;
        digests.push_back(extended(digests.empty() ? 0 : digests.back(), node, pid, text));
        judge_number(node, pid, text);
        if (text.ends_with(end_text)) {
            _ends.insert_or_assign(node, true);
            judge_end();
        }
    }

    /// Every sender counts its messages, so that a gap shows.
    void judge_number(std::uint32_t node, std::uint32_t pid, std::string_view text) {
        const std::uint64_t number = std::strtoull(std::string(text.substr(0, text.find(' '))).c_str(), nullptr, 10);
        const auto [known, fresh] = _numbers.try_emplace({node, pid}, number);
        if (!fresh && number != known->second + 1) {
            _fault = "node " + std::to_string(node) + " sent message " + std::to_string(known->second + 1) + ", but " +
                     std::to_string(number) + " came";
        }
        known->second = number;
    }

    void change(std::span<const cpg_address> members, std::span<const cpg_address> left,
                std::span<const cpg_address> joined) {
        const std::string words = list_of(members.data(), members.size(), false) + " " +
                                  list_of(left.data(), left.size(), true) + " " +
                                  list_of(joined.data(), joined.size(), true);
        if (_ended) {
            return;
        }
        tell("change", words);
        _segments.push_back({});
        const bool by_nodes = is_by_nodes(left) || is_by_nodes(joined);
        // Where nodes came or went, the ring that this led to is told next, and each side saw others come: what all have
        // in common is that ring and the members.
        _unnamed.push_back({.place = _segments.size() - 1,
                            .closes = _recording,
                            .words = by_nodes ? list_of(members.data(), members.size(), false) : words});
        if (!by_nodes && !_ring.empty()) {
            name_segments();
        }
        _recording = true;
        _members.clear();
        for (const cpg_address& each : members) {
            _members.push_back(each.nodeid);
        }
        for (const cpg_address& each : left) {
            _numbers.erase({each.nodeid, each.pid});
        }
        judge_end();
    }

    void ring(const std::string& name) {
        _ring = name;
        name_segments();
    }

    /// Gives the changes that waited for it the name of their ring.
    void name_segments() {
        for (const unnamed_change& each : _unnamed) {
            const std::string name = "in ring " + _ring + ": " + each.words;
            _segments[each.place].opened_by = name;
            if (each.closes) {
                _segments[each.place - 1].closed_by = name;
            }
        }
        _unnamed.clear();
    }

    static bool is_by_nodes(std::span<const cpg_address> list) {
        return !list.empty() &&
               (list.front().reason == CPG_REASON_NODEUP || list.front().reason == CPG_REASON_NODEDOWN);
    }

    void judge_end() {
        const bool all =
            std::all_of(_members.begin(), _members.end(), [&](std::uint32_t node) { return _ends.contains(node); });
        if (all && !_members.empty() && _recording) {
            _segments.back().closed_by = "the end";
            _ended = true;
        }
    }

    void judge_time() {
        const auto now = steady::now();
        if (now >= _next_count) {
            _next_count = now + count_pace;
            tell("count", std::to_string(_received) + " " + std::to_string(_sent));
            pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
            if (!_ending && ::poll(&input, 1, 0) > 0) {
                _ending = true;
                _end_limit = now + end_limit;
            }
        }
        if (_ending && now > _end_limit) {
            _fault = "the last messages did not come";
        }
    }

    void leave() {
        cpg_leave(*_handle, &_group);
        cpg_finalize(*_handle);
    }

    const std::vector<std::string> _lines;
    const std::string _segments_file;
    const std::uint64_t _rate;
    const steady::time_point _began = steady::now();
    cpg_name _group{};
    std::optional<cpg_handle_t> _handle;
    int _descriptor = -1;
    unsigned _node = 0;
    std::string _ring;

    struct unnamed_change {
        std::size_t place; ///< of the segment that it opens
        bool closes;       ///< the one before it
        std::string words;
    };
    std::vector<segment> _segments;
    std::vector<unnamed_change> _unnamed;
    bool _recording = false;
    std::vector<std::uint32_t> _members;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> _numbers;
    std::map<std::uint32_t, bool> _ends;
    std::uint64_t _received = 0;
    std::uint64_t _sent = 0;
    bool _ending = false;
    bool _end_sent = false;
    bool _ended = false;
    std::string _fault;
    steady::time_point _next_count;
    steady::time_point _end_limit;
};

} // namespace

int run_demo_member(const std::string& lines_file, const std::string& segments_file, std::uint64_t rate) {
    std::vector<std::string> lines;
    std::ifstream in(lines_file);
    for (std::string line; std::getline(in, line);) {
        if (!line.empty()) {
            lines.push_back(line);
        }
    }
    if (lines.empty()) {
        tell("fault", "there are no lines in " + lines_file);
        return 1;
    }
    return member(std::move(lines), segments_file, rate).run();
}

} // namespace coterie::cli

// SPDX-License-Identifier: BSD-3-Clause
// A client for the chaos: chaos_client SEED RATE SIZE_MAX. It joins one of three groups, sends RATE messages a second of 1 byte
// to SIZE_MAX bytes, agreed and safe, leaves after a while, joins again with the same handle or another one, and connects
// again when its daemon is gone. At the end of its input it stops sending, leaves, and ends with status 0 when all that it
// sent has come back. What it does and sees is in its trace.
#include "base/random.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <corosync/cpg.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::array<const char*, 3> groups{"red", "green", "blue"};
constexpr auto retry_pace = 20ms;
constexpr std::int64_t stay_ms_min = 300;
constexpr std::int64_t stay_ms_max = 8'000;
constexpr std::uint64_t small_bytes_max = 4'096;
constexpr std::uint64_t one_in_large = 200;
constexpr int sends_a_turn = 16;

/// No process sends the same bytes twice: what is shorter than a number's eight bytes is a count of that length.
class contents {
public:
    contents(std::uint64_t seed, std::uint64_t bytes_max) : _random(seed), _bytes_max(bytes_max) {}

    const std::vector<unsigned char>& draw() {
        const bool large = _bytes_max > small_bytes_max && _random.chance(1, one_in_large);
        std::uint64_t bytes = large ? small_bytes_max << _random.below(std::bit_width(_bytes_max / small_bytes_max))
                                    : std::uint64_t{1} << _random.below(std::bit_width(small_bytes_max));
        bytes = std::min(bytes + _random.below(bytes), _bytes_max);
        while (bytes < 8 && _counts[bytes] >> (8 * bytes) != 0) {
            ++bytes;
        }
        const std::uint64_t count = _counts[std::min<std::uint64_t>(bytes, 8)]++;
        _text.resize(bytes);
        for (std::size_t i = 0; i < bytes; ++i) {
            _text[i] = static_cast<unsigned char>(i < 8 ? count >> (8 * i) : i * (count | 1U));
        }
        return _text;
    }

private:
    coterie::base::random_source _random;
    const std::uint64_t _bytes_max;
    std::array<std::uint64_t, 9> _counts{};
    std::vector<unsigned char> _text;
};

class client {
public:
    client(std::uint64_t seed, std::int64_t rate, std::uint64_t bytes_max)
        : _random(seed),
          _pace(1'000'000'000 / rate),
          _contents(seed, bytes_max) {}

    void run() {
        while (!_ending || _joined || _joining) {
            if (_handle == 0 && !connect()) {
                std::this_thread::sleep_for(retry_pace);
                look_at_input(0ms);
                continue;
            }
            if (turn() != CS_OK) {
                // The daemon is gone.
                drop();
            }
        }
        drop();
    }

private:
    static client& of(cpg_handle_t handle) {
        void* self = nullptr;
        cpg_context_get(handle, &self);
        return *static_cast<client*>(self);
    }
    static void on_message(cpg_handle_t, const cpg_name*, std::uint32_t, std::uint32_t, void*, std::size_t) {}
    static void on_change(cpg_handle_t handle, const cpg_name*, const cpg_address*, std::size_t,
                          const cpg_address* left, std::size_t left_count, const cpg_address* joined,
                          std::size_t joined_count) {
        client& self = of(handle);
        self.note(joined, joined_count, CPG_REASON_JOIN);
        self.note(left, left_count, CPG_REASON_LEAVE);
    }
    void note(const cpg_address* list, std::size_t count, std::uint32_t why) {
        for (std::size_t i = 0; i < count; ++i) {
            if (list[i].nodeid == _node && list[i].pid == static_cast<std::uint32_t>(::getpid()) &&
                list[i].reason == why) {
                _joining = false;
                _joined = why == CPG_REASON_JOIN;
                _leaving = false;
            }
        }
    }

    bool connect() {
        cpg_model_v1_data_t model{.model = CPG_MODEL_V1,
                                  .cpg_deliver_fn = on_message,
                                  .cpg_confchg_fn = on_change,
                                  .cpg_totem_confchg_fn = nullptr,
                                  .flags = 0};
        if (cpg_model_initialize(&_handle, CPG_MODEL_V1, reinterpret_cast<cpg_model_data_t*>(&model), this) != CS_OK) {
            _handle = 0;
            return false;
        }
        return cpg_local_get(_handle, &_node) == CS_OK && cpg_fd_get(_handle, &_descriptor) == CS_OK;
    }

    void drop() {
        if (_handle != 0) {
            cpg_finalize(_handle);
        }
        _handle = 0;
        _joined = _joining = _leaving = false;
    }

    /// One round of the loop; anything but CS_OK ends the handle.
    cs_error_t turn() {
        const auto now = steady::now();
        if (!_joined && !_joining && !_ending) {
            if (const cs_error_t code = join(now); code != CS_OK) {
                return code;
            }
        }
        if (_joined && !_leaving && (_ending || now >= _stays_until)) {
            const cs_error_t code = cpg_leave(_handle, &_group);
            if (code != CS_OK && code != CS_ERR_TRY_AGAIN) {
                return code;
            }
            _leaving = code == CS_OK;
        }
        if (_joined && !_leaving && !_ending) {
            if (const cs_error_t code = send(now); code != CS_OK) {
                return code;
            }
        }
        look_at_input(5ms);
        return cpg_dispatch(_handle, CS_DISPATCH_ALL);
    }

    cs_error_t join(steady::time_point now) {
        if (_fresh_wanted) {
            _fresh_wanted = false;
            return CS_ERR_LIBRARY;
        }
        const char* const name = groups[_random.below(groups.size())];
        _group.length = static_cast<std::uint32_t>(std::strlen(name));
        std::memcpy(_group.value, name, _group.length);
        const cs_error_t code = cpg_join(_handle, &_group);
        if (code == CS_OK) {
            _joining = true;
            _fresh_wanted = _random.chance(1, 2);
            _stays_until = now + std::chrono::milliseconds(_random.between(stay_ms_min, stay_ms_max));
            _next_send = now;
        }
        return code == CS_ERR_TRY_AGAIN ? CS_OK : code;
    }

    cs_error_t send(steady::time_point now) {
        for (int i = 0; i < sends_a_turn && now >= _next_send; ++i) {
            if (!_waits) {
                _waits = true;
                _text = _contents.draw();
                _safe = _random.chance(1, 4);
            }
            const iovec part{_text.data(), _text.size()};
            const cs_error_t code = cpg_mcast_joined(_handle, _safe ? CPG_TYPE_SAFE : CPG_TYPE_AGREED, &part, 1);
            if (code == CS_ERR_TRY_AGAIN) {
                return CS_OK;
            }
            // What was not taken for sure may have been: it is not sent again.
            _waits = false;
            if (code != CS_OK) {
                return code;
            }
            _next_send = std::max(_next_send + _pace, now - 20ms);
        }
        return CS_OK;
    }

    void look_at_input(std::chrono::milliseconds wait) {
        pollfd wanted[2]{{.fd = _handle != 0 ? _descriptor : -1, .events = POLLIN, .revents = 0},
                         {.fd = _ending ? -1 : STDIN_FILENO, .events = POLLIN, .revents = 0}};
        if (::poll(wanted, 2, static_cast<int>(wait.count())) > 0 && wanted[1].revents != 0) {
            _ending = true;
        }
    }

    coterie::base::random_source _random;
    const std::chrono::nanoseconds _pace;
    contents _contents;
    cpg_handle_t _handle = 0;
    unsigned _node = 0;
    int _descriptor = -1;
    cpg_name _group{};
    bool _joining = false;
    bool _joined = false;
    bool _leaving = false;
    bool _fresh_wanted = false;
    bool _ending = false;
    steady::time_point _stays_until;
    steady::time_point _next_send;
    bool _waits = false; ///< _text is to be sent
    bool _safe = false;
    std::vector<unsigned char> _text;
};

} // namespace

int main(int count, char** words) {
    if (count != 4) {
        std::fprintf(stderr, "usage: chaos_client SEED RATE SIZE_MAX\n");
        return 2;
    }
    client(std::strtoull(words[1], nullptr, 10), std::max(1LL, std::strtoll(words[2], nullptr, 10)),
           std::strtoull(words[3], nullptr, 10))
        .run();
    return 0;
}

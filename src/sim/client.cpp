// SPDX-License-Identifier: BSD-3-Clause
// How a simulated process asks, waits, reads, is evicted, and dies.
#include "sim/client.hpp"

#include "sim/node.hpp"
#include "sim/world.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace coterie::sim {

using groups::refusal;
using trace::event_kind;

client::client(world& around, node& home, std::uint32_t index, const client_options& options)
    : _world(around),
      _home(home),
      _index(index),
      _who{home.id(), options.pid},
      _ring_views(options.ring_views),
      _reads_every(options.reads_every),
      _waiting_max(options.waiting_max) {}

trace::event client::event_of(event_kind kind) const {
    trace::event result;
    result.kind = kind;
    result.time_ns = _world.now().time_since_epoch().count();
    result.node = _who.node;
    result.stream = _stream;
    result.who = _who;
    return result;
}

void client::note(trace::event&& what) { _world.record(what); }

std::expected<void, refusal> client::open() { return ask({.what = wish::open, .group = {}, .body = {}, .how = {}}); }

std::expected<void, refusal> client::join(std::string_view group) {
    return ask({.what = wish::join, .group = std::string(group), .body = {}, .how = {}});
}

std::expected<void, refusal> client::leave() { return ask({.what = wish::leave, .group = {}, .body = {}, .how = {}}); }

std::expected<void, refusal> client::multicast(std::size_t bytes, guarantee how) {
    return ask({.what = wish::multicast, .group = {}, .body = make_message(bytes), .how = how});
}

void client::finalize() {
    if (_state != standing::closed) {
        (void)ask({.what = wish::finalize, .group = {}, .body = {}, .how = {}});
    }
}

void client::crash() {
    if (_state == standing::closed) {
        return;
    }
    _world.met(_home.id().value - 1, fault::client_crash);
    note(event_of(event_kind::client_failed));
    _state = standing::closed;
    _held.clear();
    _waiting.clear();
    _flood = {};
    (void)ask({.what = wish::crash, .group = {}, .body = {}, .how = {}});
}

void client::reborn(std::uint32_t pid) {
    if (_state == standing::closed && _handle.value == 0) {
        _who.pid = pid;
    }
}

void client::enter(std::string_view group) {
    if (_state == standing::closed && !open()) {
        return;
    }
    if (_state == standing::open) {
        (void)join(group);
    }
}

std::expected<void, refusal> client::ask(held_request&& request) {
    if (!_home.alive()) {
        return std::unexpected(refusal::bad_handle);
    }
    COTERIE_ASSERT(!_home.inside(), "a client asks between the daemon's inputs");
    if (_home.running() && _held.empty()) {
        return carry_out(request);
    }
    if (_held.size() >= held_max) {
        return std::unexpected(refusal::try_again);
    }
    _held.push_back(std::move(request));
    return {};
}

std::expected<void, refusal> client::carry_out(held_request& request) {
    if (request.what != wish::open && _handle.value == 0) {
        return std::unexpected(refusal::bad_handle);
    }
    // What a request sets off may be seen before the call returns, so it is noted as soon as it is accepted.
    switch (request.what) {
    case wish::open:
        if (_handle.value != 0) {
            return std::unexpected(refusal::exist);
        }
        return _home.request([this](groups::service& service) { return opened(service.open(_who.pid, _ring_views)); });
    case wish::join:
        return _home.request([&](groups::service& service) {
            const auto result = service.join(_handle, request.group, _ring_views);
            if (result) {
                _state = standing::joining;
                _group = request.group;
                trace::event joined = event_of(event_kind::client_join);
                joined.group = _group;
                note(std::move(joined));
            }
            return result;
        });
    case wish::leave:
        return _home.request([this](groups::service& service) {
            const auto result = service.leave(_handle);
            if (result) {
                _state = standing::leaving;
                note(event_of(event_kind::client_leave));
            }
            return result;
        });
    case wish::multicast:
        return _home.request([&](groups::service& service) {
            const auto result = service.multicast(_handle, request.how, request.body);
            if (result) {
                ++_accepted;
                ++_outstanding;
                trace::event accepted = event_of(event_kind::client_accepted);
                accepted.group = _group;
                accepted.message = trace::digest(request.body.bytes());
                accepted.safe = request.how == guarantee::safe;
                note(std::move(accepted));
            }
            return result;
        });
    case wish::finalize: note(event_of(event_kind::client_closed)); break;
    case wish::crash: break;
    }
    close_handle();
    return {};
}

std::expected<void, refusal> client::opened(const std::expected<groups::handle_id, refusal>& handle) {
    if (!handle) {
        return std::unexpected(handle.error());
    }
    _handle = *handle;
    _stream = _world.new_stream();
    _state = standing::open;
    _outstanding = 0;
    _home.attach(_handle, *this);
    note(event_of(event_kind::client_opened));
    return {};
}

void client::close_handle() {
    const groups::handle_id handle = _handle;
    _home.detach(handle);
    forget_handle();
    _home.request([handle](groups::service& service) {
        service.close(handle);
        return true;
    });
}

void client::forget_handle() {
    _handle = {};
    _state = standing::closed;
    _group.clear();
    _members.clear();
    _waiting.clear();
    _outstanding = 0;
    _flood = {};
    _evicting = false;
    _slow = false;
}

void client::daemon_died() {
    if (_state != standing::closed) {
        note(event_of(event_kind::client_failed));
    }
    _held.clear();
    forget_handle();
}

void client::evicted() {
    if (_handle.value == 0) {
        return;
    }
    if (_state != standing::closed) {
        note(event_of(event_kind::client_failed));
    }
    close_handle();
}

void client::daemon_resumed() {
    // First: what is held may wait for the end of a pause that this client has caused.
    tell_pace();
    while (!_held.empty() && _home.running()) {
        held_request next = std::move(_held.front());
        _held.pop_front();
        const auto result = carry_out(next);
        if (!result && result.error() == refusal::try_again && _home.running()) {
            _held.push_front(std::move(next));
            _world.after(std::chrono::milliseconds(1), [this] { daemon_resumed(); });
            return;
        }
    }
    if (_held.empty() && _home.running()) {
        writable();
    }
}

void client::tell(trace::event&& what) {
    if (_state == standing::closed || _evicting) {
        return;
    }
    if (_waiting.empty() && !_stalled && _reads_every == duration{}) {
        see(std::move(what));
        return;
    }
    if (_waiting.size() >= _waiting_max) {
        _evicting = true;
        _home.evict(*this);
        return;
    }
    _waiting.push_back(std::move(what));
    if (is_slow() != _slow) {
        _home.pace_changed(*this);
    }
    if (!_stalled && !_read_planned) {
        _read_planned = true;
        _world.plan(_reads_every, happening::client_reads, _index);
    }
}

void client::read() {
    _read_planned = false;
    while (!_stalled && !_waiting.empty()) {
        trace::event next = std::move(_waiting.front());
        _waiting.pop_front();
        see(std::move(next));
    }
    tell_pace();
}

bool client::is_slow() const {
    const std::size_t high = _waiting_max / 8 + 1;
    return _waiting.size() > (_slow ? high / 2 : high);
}

void client::tell_pace() {
    // A daemon that stands still learns it when it goes on.
    if (_handle.value == 0 || is_slow() == _slow || !_home.running()) {
        return;
    }
    _slow = !_slow;
    static_cast<void>(_home.request([this](groups::service& service) {
        service.slow(_handle, _slow);
        return 0;
    }));
}

void client::read_every(duration pace) {
    _reads_every = pace;
    if (!_waiting.empty() && !_read_planned) {
        _read_planned = true;
        _world.plan(_reads_every, happening::client_reads, _index);
    }
}

void client::unstall() {
    _stalled = false;
    read_every(_reads_every);
}

void client::see(trace::event&& what) {
    what.time_ns = _world.now().time_since_epoch().count();
    note(trace::event(what));
    if (what.kind == event_kind::client_delivered) {
        ++_delivered;
        if (what.sender == _who && _outstanding > 0) {
            --_outstanding;
        }
    } else if (what.kind == event_kind::client_change) {
        const auto names_me = [this](const trace::departed& each) { return each.who == _who; };
        if (std::ranges::any_of(what.joined, names_me) && _state != standing::leaving) {
            _state = standing::member;
        }
        if (std::ranges::any_of(what.left, names_me)) {
            _state = standing::open;
            _group.clear();
            _members.clear();
        } else {
            _members = what.processes;
        }
    }
    if (on_seen) {
        on_seen(*this, what);
    }
}

bool client::at_rest() const {
    return _held.empty() && _waiting.empty() && _outstanding == 0 && _flood.left == 0 && _state != standing::joining &&
           _state != standing::leaving;
}

void client::flood(std::size_t count, std::size_t bytes, guarantee how) {
    _flood = {count, bytes, how};
    continue_flood();
}

void client::continue_flood() {
    while (_flood.left > 0) {
        const auto result = multicast(_flood.bytes, _flood.how);
        if (!result) {
            // Room is announced by writable(); anything else ends it.
            _flood.left = result.error() == refusal::try_again ? _flood.left : 0;
            return;
        }
        // The daemon may have died of it, and the flood with it.
        _flood.left -= _flood.left > 0 ? 1 : 0;
    }
}

void client::writable() {
    if (_flood.left > 0 && !_flood_planned) {
        _flood_planned = true;
        _world.post([this] {
            _flood_planned = false;
            continue_flood();
        });
    }
    if (on_room) {
        on_room(*this);
    }
}

base::buffer client::make_message(std::size_t bytes) {
    constexpr std::size_t bits_a_byte = 8;
    std::size_t size = std::max<std::size_t>(bytes, 1);
    // Small messages count by themselves: so many different ones there are of each size.
    while (size < small_bytes && _small_made[size] >> (bits_a_byte * size) != 0) {
        ++size;
    }
    const std::uint64_t count = size < small_bytes ? _small_made[size]++ : ++_messages_made;
    base::buffer result = _world.pool().take(size);
    result.resize(size);
    const std::span<std::byte> space = result.writable();
    std::memcpy(space.data(), &count, std::min(sizeof count, size));
    for (std::size_t at = sizeof count; at < size; at += sizeof count) {
        // A pattern that depends on place and sender, so that pieces put together wrongly differ.
        const std::uint64_t word = (std::uint64_t{_who.pid} << 40U) + (count << 24U) + at;
        std::memcpy(space.data() + at, &word, std::min(sizeof word, size - at));
    }
    return result;
}

} // namespace coterie::sim

// SPDX-License-Identifier: BSD-3-Clause
// The client's end: the greeting and the requests. Three locks for three things that go on side by side: the ring of requests,
// the ring of events (client_events.cpp), and the one request that waits for its answer.
#include "ipc/client_channel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace coterie::ipc {

namespace {

/// A daemon that does not welcome a client within this time is busy or stopped.
constexpr int welcome_timeout_ms = 5'000;
/// While a call waits for an answer it looks this often whether the daemon still lives.
constexpr int answer_timeout_ms = 100;
/// Space in the ring of requests that multicasts leave to requests with answers, of which there is one at a time.
constexpr std::size_t kept_for_asking = 1'024;
/// Messages in files that may be under way to the daemon; one is always allowed.
constexpr std::size_t sent_files_max = 16;
constexpr std::size_t sent_file_bytes_max = std::size_t{8} << 20U;
/// Without any other sign of the daemon it is looked for after so many multicasts, and so long after one had no room.
constexpr std::uint32_t sent_unwatched_max = 256;
constexpr auto unwatched_time = std::chrono::milliseconds(10);

status status_of(const std::error_code& fault) {
    if (fault == std::errc::permission_denied || fault == std::errc::operation_not_permitted) {
        return status::access;
    }
    if (fault == std::errc::file_too_large || fault == std::errc::too_many_files_open ||
        fault == std::errc::too_many_files_open_in_system) {
        return status::no_resources;
    }
    if (fault == std::errc::not_enough_memory || fault == std::errc::resource_unavailable_try_again) {
        return status::no_memory;
    }
    return fault == std::errc::filename_too_long ? status::invalid_param : status::library;
}

void copy_parts(std::byte* to, std::span<const iovec> parts) {
    for (const iovec& part : parts) {
        if (part.iov_len > 0) {
            std::memcpy(to, part.iov_base, part.iov_len);
            to += part.iov_len;
        }
    }
}

} // namespace

std::expected<std::unique_ptr<client_channel>, status> client_channel::connect(const std::string& path,
                                                                               const hello& wish) {
    auto made = channel_socket::make();
    if (!made) {
        return std::unexpected(status_of(made.error()));
    }
    const descriptor& connected = made->get();
    if (const std::error_code fault = connect_socket(connected, path)) {
        return std::unexpected(status_of(fault));
    }
    std::array<std::byte, std::max(hello_bytes, welcome_bytes)> space;
    base::byte_writer out(space);
    write(out, wish);
    // A daemon that turns this process away does so without waiting for the hello, and then closes: what it said can
    // still be read, behind an error.
    static_cast<void>(send_packet(connected, base::bytes_view(space).first(out.size())));
    if (!wait_for(connected, false, welcome_timeout_ms)) {
        return std::unexpected(status::try_again);
    }
    const received_packet packet = receive_behind_reset(connected, space);
    if (packet.bytes.empty() && packet.how != transfer::done) {
        return std::unexpected(status::library);
    }
    const auto greeting = read_welcome(packet.bytes);
    if (!greeting) {
        return std::unexpected(status::library);
    }
    if (greeting->result != status::ok) {
        return std::unexpected(greeting->result);
    }
    if (!packet.file) {
        // The daemon passed its file, but this process had no number left for it.
        return std::unexpected(status::no_resources);
    }
    auto memory = channel_memory::map(packet.file,
                                      {.requests = greeting->request_ring_bytes, .events = greeting->event_ring_bytes});
    if (!memory) {
        return std::unexpected(status_of(memory.error()));
    }
    return std::unique_ptr<client_channel>(new client_channel(std::move(*made), std::move(*memory), *greeting));
}

client_channel::client_channel(channel_socket socket, channel_memory memory, const welcome& greeting)
    : _connection(std::move(socket)),
      _memory(std::move(memory)),
      _greeting(greeting),
      _requests(_memory.control().requests, _memory.requests()),
      _events(_memory.control().events, _memory.events()) {}

bool client_channel::is_cut_off() const {
    pollfd connection{.fd = _socket.number(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&connection, 1, 0) == 1;
}

void client_channel::close() {
    _gone = true;
    static_cast<void>(::shutdown(_socket.number(), SHUT_RDWR));
}

bool client_channel::wake_daemon() {
    switch (send_packet(_socket, base::bytes_view(&wake_mark, 1))) {
    case transfer::gone: _gone = true; break;
    case transfer::exhausted: {
        // Whoever comes next tries again, unless the daemon has said something else meanwhile.
        auto awake = static_cast<std::uint32_t>(daemon_sleep::none);
        _memory.control().daemon_sleeps.compare_exchange_strong(
            awake, static_cast<std::uint32_t>(daemon_sleep::until_request), std::memory_order_seq_cst);
        break;
    }
    default:
        // Where there is no room for a packet, there is one that wakes it.
        break;
    }
    return !_gone;
}

template <class Fill>
status client_channel::put(std::uint32_t tag, std::size_t body_bytes, bool asks, Fill fill) {
    std::byte* const place =
        asks ? _requests.reserve(body_bytes, tag, 0, fit::anyhow) : _requests.reserve(body_bytes, tag, kept_for_asking);
    if (place == nullptr) {
        return no_room();
    }
    fill(place);
    _requests.publish();
    std::atomic<std::uint32_t>& sleep = _memory.control().daemon_sleeps;
    // A daemon that takes no multicasts goes on to say so while it answers, also when it has begun to only now.
    auto how = static_cast<std::uint32_t>(daemon_sleep::until_request);
    const bool woken =
        sleep.compare_exchange_strong(how, static_cast<std::uint32_t>(daemon_sleep::none), std::memory_order_seq_cst);
    if (woken || (asks && how == static_cast<std::uint32_t>(daemon_sleep::until_asked))) {
        _sent_unwatched = 0;
        return wake_daemon() ? status::ok : status::library;
    }
    if (++_sent_unwatched > sent_unwatched_max) {
        _sent_unwatched = 0;
        _gone = _gone || is_cut_off();
    }
    return _gone ? status::library : status::ok;
}

status client_channel::no_room() {
    const auto now = std::chrono::steady_clock::now();
    if (now - _watched_at > unwatched_time) {
        _watched_at = now;
        _gone = _gone || is_cut_off();
    }
    return _gone || _requests.corrupt() ? status::library : status::try_again;
}

status client_channel::put_request(const request& what, const descriptor& file) {
    const std::scoped_lock lock(_sending);
    if (_gone) {
        return status::library;
    }
    if (file) {
        const transfer how = send_packet(_socket, base::bytes_view(&wake_mark, 1), file);
        if (how != transfer::done) {
            return how == transfer::gone ? status::library : status::no_resources;
        }
    }
    std::array<std::byte, request_body_bytes_max> space;
    base::byte_writer out(space);
    write(out, what);
    return put(tag_of(what.kind, what.flags), out.size(), true,
               [&](std::byte* place) { std::memcpy(place, space.data(), out.size()); });
}

client_channel::question::question(client_channel& channel) : _channel(&channel), _turn(channel._asking) {
    _channel->_memory.control().asking.store(1, std::memory_order_seq_cst);
}

client_channel::question::~question() { _channel->_memory.control().asking.store(0, std::memory_order_seq_cst); }

status client_channel::question::put(const request& what, const descriptor& file) {
    return _channel->put_request(what, file);
}

client_channel::answer client_channel::question::wait() {
    const channel_control& control = _channel->_memory.control();
    answer result;
    while (_channel->wait_for_answer()) {
        if (result.body.empty()) {
            result.result = static_cast<status>(control.result);
        }
        const std::size_t left = static_cast<std::size_t>(control.answer_bytes) - result.body.size();
        const auto part = _channel->_memory.answer().first(std::min(left, answer_bytes_max));
        result.body.insert(result.body.end(), part.begin(), part.end());
        if (part.size() == left) {
            return result;
        }
        if (const status more = put({.kind = request_kind::more}); more != status::ok) {
            return {.result = more, .body = {}};
        }
    }
    return {.result = status::library, .body = {}};
}

client_channel::answer client_channel::ask(const request& what) {
    question asked(*this);
    const status put = asked.put(what);
    return put == status::ok ? asked.wait() : answer{.result = put, .body = {}};
}

bool client_channel::wait_for_answer() {
    const std::atomic<std::uint32_t>& answered = _memory.control().answered;
    ++_asked;
    while (true) {
        const std::uint32_t seen = answered.load(std::memory_order_seq_cst);
        if (seen == _asked) {
            return true;
        }
        if (_gone) {
            return false;
        }
        futex_wait(answered, seen, answer_timeout_ms);
        if (answered.load(std::memory_order_seq_cst) == seen) {
            // The packet that wakes it may have found no room in the system.
            _gone = _gone || is_cut_off() || !wake_daemon();
        }
    }
}

status client_channel::multicast(bool safe, std::span<const iovec> parts, std::size_t bytes) {
    if (bytes > _greeting.message_bytes_max) {
        return status::too_big;
    }
    if (bytes > body_bytes_max(_greeting.request_ring_bytes)) {
        return multicast_in_file(safe, parts, bytes);
    }
    const std::scoped_lock lock(_sending);
    if (_gone) {
        return status::library;
    }
    if (is_shut()) {
        return no_room();
    }
    const std::uint32_t tag = tag_of(request_kind::multicast, safe ? request::safe : 0);
    const status result = put(tag, bytes, false, [&](std::byte* place) { copy_parts(place, parts); });
    if (result == status::ok) {
        _copied_bytes += bytes;
    }
    return result;
}

bool client_channel::is_shut() const {
    return _memory.control().daemon_sleeps.load(std::memory_order_seq_cst) ==
           static_cast<std::uint32_t>(daemon_sleep::until_asked);
}

bool client_channel::may_send_file(std::size_t bytes) {
    const std::uint64_t released = _requests.released();
    while (!_sent_files.empty() && _sent_files.front().ring_end <= released) {
        _sent_files.pop_front();
    }
    for (const sent_file& each : _sent_files) {
        bytes += each.bytes;
    }
    return _sent_files.empty() || (_sent_files.size() < sent_files_max && bytes <= sent_file_bytes_max);
}

status client_channel::multicast_in_file(bool safe, std::span<const iovec> parts, std::size_t bytes) {
    {
        // Asked before the work of filling a file, and again below.
        const std::scoped_lock lock(_sending);
        if (_gone || !may_send_file(bytes)) {
            return _gone ? status::library : no_room();
        }
    }
    const auto file = make_memory_file(parts, bytes);
    if (!file) {
        const status fault = status_of(file.error());
        return fault == status::no_memory ? fault : status::no_resources;
    }
    const std::scoped_lock lock(_sending);
    if (_gone) {
        return status::library;
    }
    if (is_shut() || !may_send_file(bytes) || !_requests.has_room(sizeof(std::uint64_t), kept_for_asking)) {
        return no_room();
    }
    const transfer how = send_packet(_socket, base::bytes_view(&wake_mark, 1), *file);
    if (how != transfer::done) {
        _gone = _gone || how == transfer::gone;
        return how == transfer::gone ? status::library : status::try_again;
    }
    const std::uint64_t size = bytes;
    const status result = put(tag_of(request_kind::multicast_file, safe ? request::safe : 0), sizeof(size), false,
                              [&](std::byte* place) { std::memcpy(place, &size, sizeof(size)); });
    if (result == status::ok) {
        _copied_bytes += bytes;
        _sent_files.push_back({.ring_end = _requests.position(), .bytes = bytes});
    }
    return result;
}

bool client_channel::blocked() {
    const std::scoped_lock lock(_sending);
    return !_gone && (is_shut() || !_requests.has_room(1, kept_for_asking));
}

void* client_channel::take_buffer(std::size_t bytes, status& fault) {
    if (fault = share_arena(); fault != status::ok) {
        return nullptr;
    }
    fault = status::no_memory;
    const std::scoped_lock lock(_buffers);
    return _arena->take(bytes);
}

bool client_channel::has_arena() {
    const std::scoped_lock lock(_buffers);
    return _arena.has_value();
}

/// `ok` once there is an arena, which the first call shares with the daemon. The lock on the buffers is never held while a
/// question is put: whoever puts one may look for a buffer amid it.
status client_channel::share_arena() {
    if (has_arena()) {
        return status::ok;
    }
    question asked(*this);
    if (has_arena()) {
        return status::ok;
    }
    auto made = shared_arena::make(static_cast<std::size_t>(shared_bytes_max(_greeting.message_bytes_max)));
    if (!made) {
        return status_of(made.error());
    }
    status shared = asked.put({.kind = request_kind::share, .bytes = made->size()}, made->file());
    if (shared == status::ok) {
        shared = asked.wait().result;
    }
    if (shared == status::ok) {
        made->close_file();
        const std::scoped_lock lock(_buffers);
        _arena.emplace(std::move(*made));
    }
    return shared;
}

bool client_channel::give_back_buffer(const void* buffer) {
    const std::scoped_lock lock(_buffers);
    return _arena && _arena->give_back(buffer);
}

std::expected<request, status> client_channel::multicast_from_buffer(bool safe, const void* start, std::size_t bytes) {
    const std::scoped_lock lock(_buffers);
    const auto offset = _arena ? _arena->offset_of(start, bytes) : std::nullopt;
    if (!offset) {
        return std::unexpected(status::invalid_param);
    }
    if (bytes > _greeting.message_bytes_max) {
        return std::unexpected(status::too_big);
    }
    return request{.kind = request_kind::multicast_shared,
                   .flags = static_cast<std::uint16_t>(safe ? request::safe : 0),
                   .offset = *offset,
                   .bytes = bytes};
}

} // namespace coterie::ipc

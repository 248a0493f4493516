// SPDX-License-Identifier: BSD-3-Clause
// The client's end. Three locks for three things that go on side by side: the ring of requests, the ring of events, and the
// one request that waits for its answer. The packets on the socket only wake: how many there have to be is counted in the
// shared memory, so that taking the last event takes exactly those that told of it.
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
/// A packet that has been counted is on its way; so often, a millisecond each, it is waited for.
constexpr int packet_waits_max = 10;

status status_of(const std::error_code& fault) {
    if (fault == std::errc::permission_denied || fault == std::errc::operation_not_permitted) {
        return status::access;
    }
    if (fault == std::errc::too_many_files_open || fault == std::errc::too_many_files_open_in_system) {
        return status::no_resources;
    }
    if (fault == std::errc::not_enough_memory) {
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

/// Tells the daemon that somebody waits, for as long as it lives.
class asking_mark {
public:
    explicit asking_mark(std::atomic<std::uint32_t>& word) : _word(word) { _word.store(1, std::memory_order_seq_cst); }
    asking_mark(const asking_mark&) = delete;
    asking_mark& operator=(const asking_mark&) = delete;
    ~asking_mark() { _word.store(0, std::memory_order_seq_cst); }

private:
    std::atomic<std::uint32_t>& _word;
};

/// A packet and whether the other end has gone: the first news of that may stand before packets that are still there.
received_packet receive_surely(const descriptor& socket, std::span<std::byte> space, bool look = false) {
    received_packet result = receive_packet(socket, space, look);
    return result.how == transfer::gone ? receive_packet(socket, space, look) : std::move(result);
}

} // namespace

std::expected<std::unique_ptr<client_channel>, status> client_channel::connect(const std::string& path,
                                                                               const hello& wish) {
    auto connected = connect_to(path);
    if (!connected) {
        return std::unexpected(status_of(connected.error()));
    }
    std::array<std::byte, std::max(hello_bytes, welcome_bytes)> space;
    base::byte_writer out(space);
    write(out, wish);
    // A daemon that turns this process away does so without waiting for the hello, and then closes: what it said can
    // still be read, behind an error.
    static_cast<void>(send_packet(*connected, base::bytes_view(space).first(out.size())));
    if (!wait_for(*connected, false, welcome_timeout_ms)) {
        return std::unexpected(status::try_again);
    }
    const received_packet packet = receive_surely(*connected, space);
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
    return std::unique_ptr<client_channel>(new client_channel(std::move(*connected), std::move(*memory), *greeting));
}

client_channel::client_channel(descriptor socket, channel_memory memory, const welcome& greeting)
    : _socket(std::move(socket)),
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

void client_channel::abandon() {
    _abandoned = true;
    // By its number: the object that owns it is never destroyed in this process.
    ::close(_socket.number());
}

// Requests.

bool client_channel::wake_daemon() {
    if (send_packet(_socket, base::bytes_view(&wake_mark, 1)) == transfer::gone) {
        _gone = true;
    }
    // Where there is no room for a packet, there is one that wakes it.
    return !_gone;
}

template <class Fill>
status client_channel::put(std::uint32_t tag, std::size_t body_bytes, bool asks, Fill fill) {
    std::byte* const place = _requests.reserve(body_bytes, tag, asks ? 0 : kept_for_asking);
    if (place == nullptr) {
        return no_room();
    }
    fill(place);
    _requests.publish();
    std::atomic<std::uint32_t>& sleep = _memory.control().daemon_sleeps;
    constexpr auto none = static_cast<std::uint32_t>(daemon_sleep::none);
    constexpr auto until_asked = static_cast<std::uint32_t>(daemon_sleep::until_asked);
    const std::uint32_t how = sleep.load(std::memory_order_seq_cst);
    if (how != none && (asks || how != until_asked) && sleep.exchange(none, std::memory_order_seq_cst) != none) {
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
            return how == transfer::later ? status::try_again : status::library;
        }
    }
    std::array<std::byte, request_body_bytes_max> space;
    base::byte_writer out(space);
    write(out, what);
    return put(tag_of(what.kind, what.flags), out.size(), true,
               [&](std::byte* place) { std::memcpy(place, space.data(), out.size()); });
}

client_channel::answer client_channel::ask(const request& what) { return ask_with(what, {}); }

client_channel::answer client_channel::ask_with(const request& what, const descriptor& file) {
    const std::scoped_lock lock(_asking);
    const asking_mark mark(_memory.control().asking);
    answer result{.result = put_request(what, file), .body = {}};
    if (result.result != status::ok) {
        return result;
    }
    const channel_control& control = _memory.control();
    while (wait_for_answer()) {
        if (result.body.empty()) {
            result.result = static_cast<status>(control.result);
        }
        const std::size_t left = static_cast<std::size_t>(control.answer_bytes) - result.body.size();
        const auto part = _memory.answer().first(std::min(left, answer_bytes_max));
        result.body.insert(result.body.end(), part.begin(), part.end());
        if (part.size() == left) {
            return result;
        }
        if (const status more = put_request({.kind = request_kind::more}); more != status::ok) {
            return {.result = more, .body = {}};
        }
    }
    return {.result = status::library, .body = {}};
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
        if (answered.load(std::memory_order_seq_cst) == seen && is_cut_off()) {
            _gone = true;
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
    const std::uint32_t tag = tag_of(request_kind::multicast, safe ? request::safe : 0);
    const status result = put(tag, bytes, false, [&](std::byte* place) { copy_parts(place, parts); });
    if (result == status::ok) {
        _copied_bytes += bytes;
    }
    return result;
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
    if (!may_send_file(bytes) || !_requests.has_room(sizeof(std::uint64_t), kept_for_asking)) {
        return no_room();
    }
    const transfer how = send_packet(_socket, base::bytes_view(&wake_mark, 1), *file);
    if (how != transfer::done) {
        _gone = _gone || how != transfer::later;
        return how == transfer::later ? status::try_again : status::library;
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
    return !_gone && !_requests.has_room(1, kept_for_asking);
}

void* client_channel::take_buffer(std::size_t bytes, status& fault) {
    const std::scoped_lock lock(_buffers);
    fault = status::no_memory;
    if (!_arena) {
        auto made = shared_arena::make(static_cast<std::size_t>(shared_bytes_max(_greeting.message_bytes_max)));
        if (!made) {
            fault = status_of(made.error());
            return nullptr;
        }
        const request what{.kind = request_kind::share, .bytes = made->size()};
        const status shared = ask_with(what, made->file()).result;
        if (shared != status::ok) {
            fault = shared;
            return nullptr;
        }
        made->close_file();
        _arena.emplace(std::move(*made));
    }
    return _arena->take(bytes);
}

bool client_channel::give_back_buffer(const void* buffer) {
    const std::scoped_lock lock(_buffers);
    return _arena && _arena->give_back(buffer);
}

status client_channel::multicast_buffer(bool safe, const void* start, std::size_t bytes) {
    std::optional<std::size_t> offset;
    {
        const std::scoped_lock lock(_buffers);
        offset = _arena ? _arena->offset_of(start, bytes) : std::nullopt;
    }
    if (!offset) {
        return status::invalid_param;
    }
    if (bytes > _greeting.message_bytes_max) {
        return status::too_big;
    }
    return ask({.kind = request_kind::multicast_shared,
                .flags = static_cast<std::uint16_t>(safe ? request::safe : 0),
                .offset = *offset,
                .bytes = bytes})
        .result;
}

// Events.

client_channel::taken_event client_channel::next_event() {
    const std::scoped_lock lock(_taking);
    taken_event result{.how = transfer::malformed, .what = {}, .storage = {}};
    while (!_fault && _at == _row.size()) {
        result.how = next_row();
        if (result.how == transfer::later || result.how == transfer::gone) {
            return result;
        }
        _fault = result.how != transfer::done;
    }
    auto what = _fault ? std::nullopt : read_event(_row, _at);
    if (!what) {
        _fault = true;
        result.how = transfer::malformed;
        return result;
    }
    row& source = _rows.back();
    source.read = _at == _row.size();
    ++source.leases;
    result.how = transfer::done;
    result.what = std::move(*what);
    result.storage = lease(*this, _first_row + _rows.size() - 1);
    return result;
}

transfer client_channel::next_row() {
    _row = {};
    _at = 0;
    auto next = _events.take();
    while (!next) {
        if (_events.corrupt()) {
            return transfer::malformed;
        }
        if (const transfer how = rest(); how != transfer::done) {
            return how;
        }
        next = _events.take();
    }
    row added{.ring_end = next->end, .leases = 0, .read = next->body.empty(), .file = {}};
    _row = next->body;
    if (next->tag == static_cast<std::uint32_t>(event_tag::file)) {
        if (const transfer how = fetch_file(*next, added.file); how != transfer::done) {
            return how;
        }
        _row = added.file.bytes();
    }
    _rows.push_back(std::move(added));
    return transfer::done;
}

transfer client_channel::fetch_file(const ring_reader::record& stub, mapped_file& file) {
    std::uint64_t bytes = 0;
    if (stub.body.size() != sizeof(bytes)) {
        return transfer::malformed;
    }
    std::memcpy(&bytes, stub.body.data(), sizeof(bytes));
    std::array<std::byte, 1> space;
    while (true) {
        // The packet of the file stays where it is until there is another or no event is left: the descriptor has to be
        // readable for what comes behind this one.
        const received_packet packet = receive_surely(_socket, space, true);
        if (packet.how != transfer::done) {
            return packet.how == transfer::gone ? transfer::gone : transfer::malformed;
        }
        if (packet.file && !_file_in_front) {
            _file_in_front = true;
            auto mapping = mapped_file::map_copy(packet.file, static_cast<std::size_t>(bytes));
            if (!mapping) {
                return transfer::malformed;
            }
            file = std::move(*mapping);
            return transfer::done;
        }
        static_cast<void>(receive_packet(_socket, space));
        _file_in_front = false;
        ++_received;
    }
}

/// The ring seems empty: asks to be signalled, and takes the packets that told of what has been read. `done` if there is
/// something in the ring after all.
transfer client_channel::rest() {
    channel_control& control = _memory.control();
    const std::uint64_t sent = control.signals.load(std::memory_order_seq_cst);
    control.signal_wanted.store(1, std::memory_order_seq_cst);
    if (!_events.empty()) {
        if (_received < sent) {
            // The packet that is still there tells of this as well. Without one the daemon is about to send it.
            control.signal_wanted.store(0, std::memory_order_seq_cst);
        }
        return transfer::done;
    }
    std::array<std::byte, 1> space;
    const bool told = _received < sent;
    for (int waits = 0; _received < sent && waits < packet_waits_max;) {
        const received_packet packet = receive_surely(_socket, space);
        if (packet.how == transfer::done) {
            ++_received;
            _file_in_front = false;
        } else if (packet.how == transfer::later) {
            ++waits;
            static_cast<void>(wait_for(_socket, false, 1));
        } else {
            _gone = true;
            return transfer::gone;
        }
    }
    if (told) {
        return transfer::later;
    }
    // Nothing was told, so somebody may have been woken by the daemon's end.
    switch (receive_surely(_socket, space, true).how) {
    case transfer::later: return transfer::later;
    case transfer::done: return _events.empty() ? transfer::later : transfer::done;
    default: _gone = true; return transfer::gone;
    }
}

void client_channel::settle() {
    const std::scoped_lock lock(_taking);
    if (!_fault && _at == _row.size() && _events.empty()) {
        // What is found out about the daemon here is found out again by next_event.
        static_cast<void>(rest());
    }
}

void client_channel::give_back(std::uint64_t number) {
    if (_abandoned) {
        return;
    }
    const std::scoped_lock lock(_taking);
    --_rows[static_cast<std::size_t>(number - _first_row)].leases;
    release_rows();
}

void client_channel::release_rows() {
    std::size_t done = 0;
    while (done < _rows.size() && _rows[done].read && _rows[done].leases == 0) {
        _events.release(_rows[done].ring_end);
        ++done;
    }
    if (done == 0) {
        return;
    }
    _rows.erase(_rows.begin(), _rows.begin() + static_cast<std::ptrdiff_t>(done));
    _first_row += done;
    std::atomic<std::uint32_t>& wanted = _memory.control().room_wanted;
    if (wanted.load(std::memory_order_seq_cst) != 0 && _events.used() <= _events.capacity() / 2 &&
        wanted.exchange(0, std::memory_order_seq_cst) != 0) {
        static_cast<void>(wake_daemon());
    }
}

} // namespace coterie::ipc

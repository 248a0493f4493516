// SPDX-License-Identifier: BSD-3-Clause
// A client's requests, taken in turns and answered. While one of its multicasts waits for room the client is told that no more
// are welcome, and its ring is read only for a request that somebody waits for.
#include "ipc/session.hpp"

#include <algorithm>
#include <cstring>
#include <sys/socket.h>
#include <utility>

namespace coterie::ipc {

namespace {

/// Bounds of what one client may have taken in one turn, whichever is reached first.
constexpr int requests_a_turn = 512;
constexpr int requests_when_woken = 64;
constexpr std::size_t bytes_a_turn = std::size_t{256} << 10U;
constexpr int packets_a_turn = 32;
/// A client with more requests in this time floods: it would wake the daemon for each single one that it finds asleep.
constexpr auto flood_time = std::chrono::milliseconds(1);
constexpr std::int64_t flood_requests = 64;
/// Files that may have come before their requests are read. An honest client sends fewer.
constexpr std::size_t files_max = 20;

} // namespace

session::session(session_context& context, client_id id, descriptor connected, const credentials& who)
    : _context(&context),
      _id(id),
      _who(who),
      _socket(std::move(connected)),
      _counting_since(std::chrono::steady_clock::now()) {}

session::~session() {
    // The other end is told at once; closing may take long.
    static_cast<void>(::shutdown(_socket.number(), SHUT_RDWR));
    _context->closing.close(std::move(_socket));
    for (descriptor& file : _files) {
        _context->closing.close(std::move(file));
    }
}

void session::take_packets(bool for_file) {
    std::array<std::byte, hello_bytes + 1> space;
    for (int turn = 0; turn < packets_a_turn && !_over && !_closing; ++turn) {
        received_packet packet = receive_behind_reset(_socket, space);
        const bool more = take_packet(packet, for_file);
        _context->closing.close(std::move(packet.file));
        for (descriptor& other : packet.others) {
            _context->closing.close(std::move(other));
        }
        if (!more) {
            return;
        }
    }
}

bool session::take_packet(received_packet& packet, bool for_file) {
    if (packet.how == transfer::later) {
        return false;
    }
    if (packet.how == transfer::gone) {
        hung_up();
    } else if (!welcomed()) {
        take_hello(packet);
    } else if (packet.how != transfer::done || packet.bytes.size() != 1 || packet.bytes[0] != wake_mark) {
        malformed("a malformed packet, or this daemon has no descriptor left for the file that came with one");
    } else if (!packet.file) {
        // One packet for one sleep: there is hardly another, and it would be told again.
        return for_file;
    } else if (!is_memory_file(packet.file)) {
        // It might be this client's own socket, whose end would then never be seen.
        malformed("a file that is not in memory");
    } else if (!take_file(std::move(packet.file))) {
        malformed("more files than it may");
    } else {
        return !for_file;
    }
    return true;
}

bool session::take_file(descriptor file) {
    if (_files.size() == files_max) {
        return false;
    }
    _files.push_back(std::move(file));
    return true;
}

void session::take_hello(const received_packet& packet) {
    const auto wish = packet.how == transfer::done && !_waiting ? read_hello(packet.bytes) : std::nullopt;
    if (!wish) {
        refuse(status::version);
        malformed("a hello of another version");
        return;
    }
    if (!is_called(_who.pid, wish->pid)) {
        refuse(status::access);
        malformed("a hello with another process's number");
        return;
    }
    _waiting = *wish;
    admit();
}

void session::admit() {
    if (!_waiting || _over) {
        return;
    }
    const status opened = _context->handler.on_open(_id, *_waiting);
    if (opened == status::try_again) {
        return;
    }
    _waiting.reset();
    if (opened != status::ok) {
        refuse(opened);
        end("not accepted", true);
        return;
    }
    _opened = true;
    welcome_it();
}

void session::welcome_it() {
    const server_settings& settings = _context->settings;
    auto file = channel_memory::make_file(settings.rings);
    auto memory = file ? channel_memory::map(*file, settings.rings) : std::unexpected(file.error());
    if (!memory) {
        const bool full = memory.error() == std::errc::not_enough_memory;
        refuse(full ? status::no_memory : status::no_resources);
        end("no memory to share with it: " + memory.error().message(), true);
        return;
    }
    _memory.emplace(std::move(*memory));
    // Both ends begin asleep.
    sleep(daemon_sleep::until_request);
    _memory->control().signal_wanted.store(1, std::memory_order_relaxed);
    _requests.emplace(_memory->control().requests, _memory->requests());
    _events.emplace(*_memory, _socket, _context->rows, settings.event_bytes_max);
    std::array<std::byte, welcome_bytes> space{};
    base::byte_writer out(space);
    write(out, welcome{.result = status::ok,
                       .node = settings.node,
                       .request_ring_bytes = static_cast<std::uint32_t>(settings.rings.requests),
                       .event_ring_bytes = static_cast<std::uint32_t>(settings.rings.events),
                       .message_bytes_max = settings.message_bytes_max});
    if (send_packet(_socket, space, *file) != transfer::done) {
        end("it closed before it was welcomed", false);
    }
}

void session::refuse(status why) {
    std::array<std::byte, welcome_bytes> space{};
    base::byte_writer out(space);
    write(out, welcome{.result = why});
    // If it cannot be told it sees the end of the connection.
    static_cast<void>(send_packet(_socket, space));
}

session::turn_end session::take_requests(bool woken) {
    if (!_requests) {
        return turn_end::rest;
    }
    if (_shut && !is_urgent()) {
        return rest_shut();
    }
    submit_held();
    _turn_bytes = 0;
    const int most = woken ? requests_when_woken : requests_a_turn;
    int taken = 0;
    while (!_over && !_held && taken < most && _turn_bytes < bytes_a_turn) {
        const auto next = _requests->take();
        if (!next) {
            _counted += static_cast<std::uint64_t>(taken);
            return found_empty(taken > 0);
        }
        ++taken;
        _turn_bytes += next->body.size();
        if (!take(*next)) {
            malformed("a malformed request");
        } else if (_requests->taken() - _requests->released() > _requests->capacity() / 8) {
            _requests->release_all();
        }
    }
    _counted += static_cast<std::uint64_t>(taken);
    _requests->release_all();
    if (_over || (_held && _held->urgent)) {
        return turn_end::rest;
    }
    return _held ? rest_shut() : turn_end::more;
}

session::turn_end session::found_empty(bool took_some) {
    _requests->release_all();
    if (_requests->corrupt()) {
        malformed("nonsense in the shared memory: a ring that is fuller than full");
        return turn_end::rest;
    }
    if (took_some && !_closing && !_shut && in_flood()) {
        return turn_end::soon;
    }
    sleep(_shut ? daemon_sleep::until_asked : daemon_sleep::until_request);
    if (!_requests->empty() || _requests->corrupt()) {
        if (_shut) {
            return rest_shut();
        }
        sleep(daemon_sleep::none);
        return turn_end::more;
    }
    if (_closing) {
        end("its process ended", false);
    }
    return turn_end::rest;
}

bool session::is_urgent() const { return _closing || _memory->control().asking.load(std::memory_order_seq_cst) != 0; }

void session::shut() {
    _shut = true;
    sleep(daemon_sleep::until_asked);
}

/// What is in the ring waits for room, unless the client waits for an answer behind it. It may just have begun to.
session::turn_end session::rest_shut() {
    _requests->release_all();
    sleep(daemon_sleep::until_asked);
    return is_urgent() ? turn_end::more : turn_end::rest;
}

void session::sleep(daemon_sleep how) {
    _memory->control().daemon_sleeps.store(static_cast<std::uint32_t>(how), std::memory_order_seq_cst);
}

bool session::in_flood() {
    const auto now = std::chrono::steady_clock::now();
    const auto passed = now - _counting_since;
    if (passed >= flood_time) {
        _flood = static_cast<std::int64_t>(_counted) * flood_time > flood_requests * passed;
        _counting_since = now;
        _counted = 0;
    }
    return _flood;
}

bool session::take(const ring_reader::record& what) {
    const auto kind = read_tag(what.tag);
    if (!kind) {
        return false;
    }
    if (kind->kind == request_kind::multicast) {
        return take_multicast((kind->flags & request::safe) != 0, what.body);
    }
    // Copied before it is judged.
    std::array<std::byte, request_body_bytes_max> space;
    if (what.body.size() > space.size()) {
        return false;
    }
    std::ranges::copy(what.body, space.begin());
    const auto whole = read_request(what.tag, base::bytes_view(space).first(what.body.size()));
    return whole && take_request(*whole);
}

bool session::take_request(const request& what) {
    request_handler& handler = _context->handler;
    if (what.kind == request_kind::more) {
        return take_more();
    }
    if (!_opened) {
        if (what.kind == request_kind::multicast_file) {
            return false;
        }
        answer(status::bad_handle);
        return true;
    }
    switch (what.kind) {
    case request_kind::join:
        answer(handler.on_join(_id, what.group, (what.flags & request::initial_ring_view) != 0));
        return true;
    case request_kind::leave: answer(handler.on_leave(_id)); return true;
    case request_kind::membership: answer(status::ok, pack_members(handler.members_of(what.group))); return true;
    case request_kind::groups: answer(status::ok, pack_groups(handler.all_groups())); return true;
    case request_kind::pauses: answer(status::ok, pack_pauses(handler.pauses_so_far())); return true;
    case request_kind::status: {
        const std::string report = handler.status_report();
        const auto bytes = std::as_bytes(std::span(report.data(), report.size()));
        answer(status::ok, {bytes.begin(), bytes.end()});
        return true;
    }
    case request_kind::finalize:
        _opened = false;
        _slow_since.reset();
        handler.on_closed(_id, "finalized", false);
        answer(status::ok);
        return true;
    case request_kind::multicast_file: return take_multicast_file(what);
    case request_kind::multicast_shared: return take_multicast_shared(what);
    case request_kind::share: return take_share(what);
    default: return false;
    }
}

bool session::take_multicast(bool safe, bytes_view body) {
    return _opened && body.size() <= _context->settings.message_bytes_max && submit(safe, _context->pool.copy(body));
}

bool session::take_multicast_file(const request& what) {
    if (_files.empty()) {
        // It was sent before the request was, perhaps behind packets that only wake.
        take_packets(true);
    }
    if (_files.empty() || what.bytes > _context->settings.message_bytes_max) {
        return false;
    }
    descriptor file = std::move(_files.front());
    _files.erase(_files.begin());
    const auto bytes = static_cast<std::size_t>(what.bytes);
    if (!is_sealed_memory_file(file, bytes)) {
        _context->closing.close(std::move(file));
        return false;
    }
    base::buffer body = _context->pool.take(bytes);
    body.resize(bytes);
    _turn_bytes += bytes;
    return read_at(file, 0, body.writable()) && submit((what.flags & request::safe) != 0, std::move(body));
}

bool session::take_multicast_shared(const request& what) {
    const bytes_view shared = _shared.bytes();
    if (what.bytes > _context->settings.message_bytes_max || what.offset > shared.size() ||
        what.bytes > shared.size() - what.offset) {
        return false;
    }
    const base::buffer body = _context->pool.copy(
        shared.subspan(static_cast<std::size_t>(what.offset), static_cast<std::size_t>(what.bytes)));
    // The bound is lifted for what was sent before, not for this.
    const status outcome = _context->handler.on_multicast(_id, (what.flags & request::safe) != 0, body, false);
    if (outcome == status::try_again) {
        shut();
    }
    answer(outcome);
    return true;
}

bool session::take_share(const request& what) {
    if (_files.empty()) {
        take_packets(true);
    }
    if (_files.empty() || !_shared.bytes().empty() ||
        what.bytes > shared_bytes_max(_context->settings.message_bytes_max)) {
        return false;
    }
    descriptor file = std::move(_files.front());
    _files.erase(_files.begin());
    auto mapping = mapped_file::map_shared(file, static_cast<std::size_t>(what.bytes), mapped_file::access::read);
    if (mapping) {
        _shared = std::move(*mapping);
    } else {
        _context->closing.close(std::move(file));
    }
    answer(mapping ? status::ok : status::no_memory);
    return true;
}

bool session::submit(bool safe, base::buffer body) {
    const bool urgent = is_urgent();
    const status outcome = _context->handler.on_multicast(_id, safe, body, urgent);
    if (outcome == status::try_again) {
        _held = held_multicast{.safe = safe, .urgent = urgent, .body = std::move(body)};
        shut();
        return true;
    }
    if (urgent && !_context->handler.has_room(_id)) {
        // It was taken for what stands behind it. Others of the client's threads have to wait all the same.
        shut();
    }
    return outcome == status::ok; // an honest library knows what it may send
}

void session::submit_held() {
    if (!_held || _over) {
        return;
    }
    held_multicast held = std::move(*_held);
    _held.reset();
    if (!submit(held.safe, std::move(held.body))) {
        malformed("a multicast that it may not send");
    }
}

void session::resume() {
    if (_over || !std::exchange(_shut, false)) {
        return;
    }
    submit_held();
    if (!_shut) {
        sleep(daemon_sleep::none);
    }
}

void session::answer(status result, std::vector<std::byte> body) {
    // An honest client waits for this, one thread at a time: there is no more in its ring that is in a hurry.
    _turn_bytes = bytes_a_turn;
    _answer = std::move(body);
    _answer_shown = 0;
    _memory->control().answer_bytes = _answer.size();
    show_answer(result);
}

bool session::take_more() {
    if (_answer_shown == _answer.size()) {
        return false;
    }
    show_answer(status::ok);
    return true;
}

void session::show_answer(status result) {
    const auto part = bytes_view(_answer).subspan(_answer_shown);
    const std::size_t bytes = std::min(part.size(), answer_bytes_max);
    if (bytes > 0) {
        std::memcpy(_memory->answer().data(), part.data(), bytes);
    }
    _answer_shown += bytes;
    if (_answer_shown == _answer.size()) {
        _answer = {};
        _answer_shown = 0;
    }
    // Whoever has its answer also has back the space of its request.
    _requests->release_all();
    channel_control& control = _memory->control();
    control.result = static_cast<std::uint32_t>(result);
    control.answered.store(++_answered, std::memory_order_seq_cst);
    futex_wake(control.answered);
}

session::turn_end session::flush() {
    if (_over || !_events) {
        return turn_end::rest;
    }
    // That it has gone is seen by reading its socket, behind everything that it had still sent.
    const transfer how = _events->flush();
    _wants_room = how == transfer::later;
    if (_events->corrupt()) {
        malformed("nonsense in the shared memory: it has read what was never written");
    } else if (_events->failed()) {
        end_as_slow();
    }
    judge_pace();
    return how == transfer::exhausted ? turn_end::soon : turn_end::rest;
}

void session::judge_pace() {
    if (_over || !_opened) {
        return;
    }
    const std::size_t waiting = _events->bytes_waiting();
    const std::size_t high = _context->settings.event_bytes_high;
    if (!_slow_since && waiting > high) {
        _slow_since = std::chrono::steady_clock::now();
        _context->handler.on_slow(_id, true);
    } else if (_slow_since && waiting <= high / 2) {
        _slow_since.reset();
        _context->handler.on_slow(_id, false);
    }
}

void session::end_as_slow() {
    ++_context->counts.too_slow;
    std::string why = "it does not take its events: " + std::to_string(_events->bytes_waiting()) + " bytes wait for it";
    if (_slow_since) {
        const auto passed = std::chrono::steady_clock::now() - *_slow_since;
        why += ", for " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(passed).count()) + " ms";
    }
    end(why, true);
}

void session::hung_up() {
    _closing = true;
    // Nobody takes these any more, nor has to be waited for.
    _events.reset();
    if (std::exchange(_slow_since, std::nullopt) && _opened) {
        _context->handler.on_slow(_id, false);
    }
    if (!welcomed()) {
        end("it closed before it was welcomed", false);
    }
}

void session::malformed(std::string_view what) {
    ++_context->counts.malformed;
    end("it sent " + std::string(what), true);
}

void session::end(std::string_view why, bool by_force) {
    if (!_over) {
        _over = true;
        _why = why;
        _by_force = by_force;
    }
}

void session::tell_closed() {
    if (_opened) {
        _opened = false;
        _context->handler.on_closed(_id, _why, _by_force);
    }
}

} // namespace coterie::ipc

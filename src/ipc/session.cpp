// SPDX-License-Identifier: BSD-3-Clause
// A client's requests, taken in turns and answered. At most one answer waits for a client: while it does, or while one of
// its multicasts waits for room, the client is not read, and its own socket pushes back.
#include "ipc/session.hpp"

#include <sys/epoll.h>
#include <sys/uio.h>

namespace coterie::ipc {

namespace {
/// Requests that one client may have taken in one turn.
constexpr int requests_a_turn = 64;
/// Kernel buffers of the two sockets, each way.
constexpr int socket_bytes = 2 << 20;
} // namespace

session::session(session_context& context, client_id id, descriptor connected, const credentials& who)
    : _context(&context),
      _id(id),
      _who(who),
      _connected(std::move(connected)),
      _events(context.packets, context.settings.event_bytes_max) {
    size_buffers(_connected, socket_bytes);
}

void session::greet() {
    const received_packet packet = receive_packet(_connected, _context->scratch);
    if (packet.how == transfer::later) {
        return;
    }
    if (packet.how == transfer::gone) {
        end("it closed before it said hello", false);
        return;
    }
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
    auto pair = socket_pair();
    if (!pair) {
        refuse(status::no_resources);
        end("no descriptors left for it", true);
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
    _requests = std::move(pair->first);
    size_buffers(_requests, socket_bytes);
    size_buffers(pair->second, socket_bytes);
    std::array<std::byte, welcome_bytes> space{};
    base::byte_writer out(space);
    const server_settings& settings = _context->settings;
    write(out, welcome{.result = status::ok,
                       .node = settings.node,
                       .window_messages = settings.window_messages,
                       .window_bytes = settings.window_bytes,
                       .message_bytes_max = settings.message_bytes_max});
    if (send_packet(_connected, space, pair->second) != transfer::done) {
        end("it closed before it was welcomed", false);
    }
}

void session::refuse(status why) {
    std::array<std::byte, welcome_bytes> space{};
    base::byte_writer out(space);
    write(out, welcome{.result = why, .node = {}, .window_messages = 0, .window_bytes = 0, .message_bytes_max = 0});
    // If it cannot be told it sees the end of the connection.
    static_cast<void>(send_packet(_connected, space));
}

bool session::take_requests() {
    bool drained = false;
    for (int turn = 0; turn < requests_a_turn && !_over && !_held && !_answer; ++turn) {
        const received_packet packet = receive_packet(_requests, _context->scratch);
        if (packet.how == transfer::later) {
            drained = true;
            break;
        }
        if (packet.how == transfer::gone) {
            end("its process ended", false);
            return true;
        }
        if (packet.how == transfer::malformed || !take(packet)) {
            malformed("a malformed request");
            return true;
        }
    }
    const server_settings& settings = _context->settings;
    if (drained || _taken_messages - _told_messages >= settings.window_messages / 4 ||
        _taken_bytes - _told_bytes >= settings.window_bytes / 4) {
        send_credit();
    }
    return drained;
}

bool session::take(const received_packet& packet) {
    if (const auto large = read_stub(packet.bytes)) {
        return take_large(*large, packet.file);
    }
    const auto what = read_request(packet.bytes);
    return what && !packet.file && take_request(*what);
}

bool session::take_large(const stub& what, const descriptor& file) {
    std::array<std::byte, request_head_bytes> space{};
    if (!file || what.file_bytes > _context->settings.message_bytes_max + space.size() ||
        !is_sealed_memory_file(file, static_cast<std::size_t>(what.file_bytes)) || !read_at(file, 0, space)) {
        return false;
    }
    const auto head = read_multicast_head(space);
    if (!head || !_opened || head->second != what.file_bytes - space.size()) {
        return false;
    }
    const auto bytes = static_cast<std::size_t>(head->second);
    base::buffer body = _context->pool.take(bytes);
    body.resize(bytes);
    return read_at(file, space.size(), body.writable()) &&
           submit((head->first.flags & request::safe) != 0, std::move(body));
}

bool session::take_request(const request& what) {
    request_handler& handler = _context->handler;
    if (!_opened) {
        reply_to(what, status::bad_handle);
        return what.kind != request_kind::multicast;
    }
    switch (what.kind) {
    case request_kind::join:
        reply_to(what, handler.on_join(_id, what.group, (what.flags & request::initial_ring_view) != 0));
        break;
    case request_kind::leave: reply_to(what, handler.on_leave(_id)); break;
    case request_kind::multicast: return submit((what.flags & request::safe) != 0, _context->pool.copy(what.body));
    case request_kind::membership: {
        const std::vector<address> members = handler.members_of(what.group);
        reply_to(what, status::ok, pack_members(members));
        break;
    }
    case request_kind::groups: {
        const std::vector<group_listing> groups = handler.all_groups();
        reply_to(what, status::ok, pack_groups(groups));
        break;
    }
    case request_kind::status: {
        const std::string report = handler.status_report();
        reply_to(what, status::ok, std::as_bytes(std::span(report.data(), report.size())));
        break;
    }
    case request_kind::finalize:
        _opened = false;
        handler.on_closed(_id, "finalized", false);
        reply_to(what, status::ok);
        break;
    }
    return true;
}

bool session::submit(bool safe, base::buffer body) {
    const std::size_t bytes = body.size();
    switch (_context->handler.on_multicast(_id, safe, body)) {
    case status::ok:
        ++_taken_messages;
        _taken_bytes += bytes;
        return true;
    case status::try_again: _held = held_multicast{.safe = safe, .body = std::move(body)}; return true;
    default: return false; // an honest library knows what it may send
    }
}

void session::resume() {
    if (!_held || _over) {
        return;
    }
    held_multicast held = std::move(*_held);
    _held.reset();
    if (!submit(held.safe, std::move(held.body))) {
        malformed("a multicast that it may not send");
    } else if (!_held) {
        take_requests();
    }
}

void session::reply_to(const request& what, status result, bytes_view body) {
    if (what.kind == request_kind::multicast) {
        return;
    }
    answer next;
    next.packet.resize(reply_head_bytes + body.size());
    base::byte_writer out(next.packet);
    write(out, reply{.kind = reply_kind::result,
                     .result = result,
                     .serial = what.serial,
                     .taken_messages = 0,
                     .taken_bytes = 0,
                     .body = body});
    if (next.packet.size() > packet_bytes_max) {
        const iovec part{next.packet.data(), next.packet.size()};
        auto file = make_memory_file(std::span(&part, 1), next.packet.size());
        if (!file) {
            reply_to(what, status::no_memory);
            return;
        }
        const stub large{.file_bytes = next.packet.size()};
        next.file = std::move(*file);
        next.packet.resize(stub_bytes);
        base::byte_writer stub_out(next.packet);
        write(stub_out, large);
    }
    _answer = std::move(next);
    // Whoever has an answer knows also what was taken before it.
    send_credit();
    send_answer();
}

void session::send_answer() {
    if (!_answer) {
        return;
    }
    switch (send_packet(_requests, _answer->packet, _answer->file)) {
    case transfer::done: _answer.reset(); break;
    case transfer::later: break;
    default: end("its process ended", false); break;
    }
}

void session::send_credit() {
    _credit_late = false;
    if (_told_messages == _taken_messages || _over) {
        return;
    }
    std::array<std::byte, reply_head_bytes> space{};
    base::byte_writer out(space);
    write(out, reply{.kind = reply_kind::credit,
                     .result = status::ok,
                     .serial = 0,
                     .taken_messages = _taken_messages,
                     .taken_bytes = _taken_bytes,
                     .body = {}});
    switch (send_packet(_requests, base::bytes_view(space).first(out.size()))) {
    case transfer::done:
        _told_messages = _taken_messages;
        _told_bytes = _taken_bytes;
        break;
    case transfer::later: _credit_late = true; break;
    default: end("its process ended", false); break;
    }
}

void session::send_pending() {
    if (_over || !greeted()) {
        return;
    }
    send_answer();
    if (_credit_late) {
        send_credit();
    }
    if (!_events.empty() && _events.send(_connected) == transfer::gone) {
        end("its process ended", false);
    }
    if (_events.failed() && !_over) {
        ++_context->counts.too_slow;
        end("it does not take its events: " + std::to_string(_events.bytes()) + " bytes wait for it", true);
    }
}

void session::hung_up() {
    // What it had still asked for comes before its end, unless the layers above have no room for that.
    if (_held || _answer || take_requests()) {
        end("its process ended", false);
    }
}

session::interest session::wanted() const {
    if (!greeted()) {
        return {.events = EPOLLIN, .requests = 0};
    }
    interest result;
    if (!_events.empty()) {
        result.events |= EPOLLOUT;
    }
    if (!_held && !_answer) {
        result.requests |= EPOLLIN;
    }
    if (_answer || _credit_late) {
        result.requests |= EPOLLOUT;
    }
    return result;
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

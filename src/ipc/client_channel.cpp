// SPDX-License-Identifier: BSD-3-Clause
// The client's end. Of the threads that wait for answers one reads the request socket for all of them; a thread that
// multicasts reads credit only while nobody does. A packet of events stays in its socket until its last event is taken,
// so that the descriptor tells the truth to whoever polls it.
#include "ipc/client_channel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace coterie::ipc {

namespace {

/// A daemon that does not welcome a client within this time is busy or stopped.
constexpr int welcome_timeout_ms = 5'000;
/// Parts of a message that are passed to the kernel as they are.
constexpr std::size_t parts_max = 64;

status status_of(const std::error_code& fault) {
    if (fault == std::errc::permission_denied || fault == std::errc::operation_not_permitted) {
        return status::access;
    }
    if (fault == std::errc::too_many_files_open || fault == std::errc::too_many_files_open_in_system) {
        return status::no_resources;
    }
    return fault == std::errc::filename_too_long ? status::invalid_param : status::library;
}

/// Waits until the socket can be read or written, or is closed.
void wait_for_either(const descriptor& socket) {
    pollfd wanted{.fd = socket.number(), .events = POLLIN | POLLOUT, .revents = 0};
    while (::poll(&wanted, 1, -1) < 0 && errno == EINTR) {
    }
}

/// The parts as one row of bytes.
std::vector<std::byte> joined(std::span<const iovec> parts, std::size_t bytes) {
    std::vector<std::byte> result(bytes);
    std::size_t at = 0;
    for (const iovec& part : parts) {
        if (part.iov_len > 0) {
            std::memcpy(result.data() + at, part.iov_base, part.iov_len);
            at += part.iov_len;
        }
    }
    return result;
}

} // namespace

std::expected<std::unique_ptr<client_channel>, status> client_channel::connect(const std::string& path,
                                                                               const hello& wish) {
    auto connected = connect_to(path);
    if (!connected) {
        return std::unexpected(status_of(connected.error()));
    }
    std::array<std::byte, packet_bytes_max> space;
    base::byte_writer out(space);
    write(out, wish);
    // A daemon that turns this process away does so without waiting for the hello, and then closes: what it said can
    // still be read, behind an error.
    static_cast<void>(send_packet(*connected, base::bytes_view(space).first(out.size())));
    if (!wait_for(*connected, false, welcome_timeout_ms)) {
        return std::unexpected(status::try_again);
    }
    received_packet packet = receive_packet(*connected, space);
    if (packet.how == transfer::gone) {
        packet = receive_packet(*connected, space);
    }
    const auto greeting = packet.how == transfer::done ? read_welcome(packet.bytes) : std::nullopt;
    if (!greeting) {
        return std::unexpected(status::library);
    }
    if (greeting->result != status::ok) {
        return std::unexpected(greeting->result);
    }
    if (!packet.file) {
        // The daemon passed its socket, but this process had no number left for it.
        return std::unexpected(status::no_resources);
    }
    return std::unique_ptr<client_channel>(
        new client_channel(std::move(*connected), std::move(packet.file), *greeting));
}

client_channel::client_channel(descriptor connected, descriptor requests, const welcome& greeting)
    : _connected(std::move(connected)),
      _requests(std::move(requests)),
      _greeting(greeting),
      _scratch(packet_bytes_max) {}

client_channel::answer client_channel::ask(request_kind kind, std::string_view group, std::uint16_t flags) {
    std::array<std::byte, request_head_bytes + sizeof(std::uint16_t) + group_name_bytes_max> space;
    std::unique_lock lock(_mutex);
    const std::uint32_t serial = ++_serial;
    base::byte_writer out(space);
    write(out, request{.kind = kind, .flags = flags, .serial = serial, .group = group, .body = {}});
    pending_answer mine;
    _pending[serial] = &mine;
    while (!_broken) {
        const transfer how = send_packet(_requests, base::bytes_view(space).first(out.size()));
        if (how == transfer::done) {
            break;
        }
        if (how == transfer::later) {
            wait_for_replies(lock, true);
        } else {
            _broken = true;
        }
    }
    while (!mine.arrived && !_broken) {
        wait_for_replies(lock, false);
    }
    _pending.erase(serial);
    if (!mine.arrived) {
        return {.result = status::library, .body = {}};
    }
    return std::move(mine.what);
}

void client_channel::wait_for_replies(std::unique_lock<std::mutex>& lock, bool or_room) {
    if (_reading && !or_room) {
        _arrived.wait(lock);
        return;
    }
    const bool reader = !_reading;
    _reading = true;
    lock.unlock();
    if (!reader) {
        static_cast<void>(wait_for(_requests, true, -1));
    } else if (or_room) {
        wait_for_either(_requests);
    } else {
        static_cast<void>(wait_for(_requests, false, -1));
    }
    lock.lock();
    if (reader) {
        _reading = false;
        take_replies();
        _arrived.notify_all();
    }
}

void client_channel::take_replies() {
    while (!_broken) {
        const received_packet packet = receive_packet(_requests, _scratch);
        if (packet.how == transfer::later) {
            return;
        }
        if (packet.how == transfer::done) {
            take_reply(packet);
        } else {
            _broken = true;
        }
    }
}

void client_channel::take_reply(const received_packet& packet) {
    const auto large = read_stub(packet.bytes);
    if (!large) {
        take_reply(packet.bytes);
        return;
    }
    const auto content = mapped_file::map(packet.file, static_cast<std::size_t>(large->file_bytes));
    if (!content) {
        _broken = true;
        return;
    }
    take_reply(content->bytes());
}

void client_channel::take_reply(base::bytes_view bytes) {
    const auto what = read_reply(bytes);
    if (!what) {
        _broken = true;
        return;
    }
    if (what->kind == reply_kind::credit) {
        _taken_messages = what->taken_messages;
        _taken_bytes = what->taken_bytes;
        return;
    }
    const auto asked = _pending.find(what->serial);
    if (asked != _pending.end()) {
        asked->second->what.result = what->result;
        asked->second->what.body.assign(what->body.begin(), what->body.end());
        asked->second->arrived = true;
    }
}

bool client_channel::has_credit(std::size_t bytes) {
    const auto enough = [&] {
        const std::uint64_t messages_out = _sent_messages - _taken_messages;
        const std::uint64_t bytes_out = _sent_bytes - _taken_bytes;
        return messages_out == 0 ||
               (messages_out < _greeting.window_messages && bytes_out + bytes <= _greeting.window_bytes);
    };
    if (!enough() && !_reading) {
        take_replies();
        _arrived.notify_all();
    }
    return enough();
}

status client_channel::multicast(bool safe, std::span<const iovec> parts, std::size_t bytes) {
    if (bytes > _greeting.message_bytes_max) {
        return status::too_big;
    }
    std::vector<std::byte> copy;
    iovec whole{};
    if (parts.size() > parts_max) {
        copy = joined(parts, bytes);
        whole = {copy.data(), copy.size()};
        parts = {&whole, 1};
    }
    std::array<std::byte, request_head_bytes> head_space;
    base::byte_writer head(head_space);
    write_multicast_head(head, safe, bytes);
    std::array<iovec, parts_max + 1> row;
    row.front() = {head_space.data(), head_space.size()};
    std::copy(parts.begin(), parts.end(), row.begin() + 1);
    const std::span<const iovec> packet = std::span<const iovec>(row).first(parts.size() + 1);
    if (head.size() + bytes > packet_bytes_max) {
        return multicast_in_file(packet, bytes);
    }
    const std::scoped_lock lock(_mutex);
    return send_multicast(packet, {}, bytes);
}

status client_channel::multicast_in_file(std::span<const iovec> packet, std::size_t bytes) {
    {
        // Asked before the work of filling a file, and again below.
        const std::scoped_lock lock(_mutex);
        if (_broken || !has_credit(bytes)) {
            return _broken ? status::library : status::try_again;
        }
    }
    const auto file = make_memory_file(packet, request_head_bytes + bytes);
    if (!file) {
        return file.error() == std::errc::not_enough_memory ? status::no_memory : status::no_resources;
    }
    std::array<std::byte, stub_bytes> space;
    base::byte_writer out(space);
    write(out, stub{.file_bytes = request_head_bytes + bytes});
    const iovec part{space.data(), space.size()};
    const std::scoped_lock lock(_mutex);
    return send_multicast(std::span(&part, 1), *file, bytes);
}

status client_channel::send_multicast(std::span<const iovec> packet, const descriptor& file, std::size_t bytes) {
    if (_broken || !has_credit(bytes)) {
        return _broken ? status::library : status::try_again;
    }
    switch (send_packet(_requests, packet, file)) {
    case transfer::done: break;
    case transfer::later: return status::try_again;
    default: _broken = true; return status::library;
    }
    ++_sent_messages;
    _sent_bytes += bytes;
    return status::ok;
}

bool client_channel::blocked() {
    const std::scoped_lock lock(_mutex);
    return !_broken && (!has_credit(1) || !wait_for(_requests, true, 0));
}

transfer client_channel::fetch_batch() {
    // The old batch is used again unless some event of it is still held.
    if (!_batch || _batch.use_count() > 1) {
        _batch = std::make_shared<batch>();
    }
    _batch->file.reset();
    _batch->bytes = {};
    _batch->at = 0;
    if (!_batch->space) {
        _batch->space = std::make_unique_for_overwrite<std::byte[]>(packet_bytes_max);
    }
    const received_packet packet = receive_packet(_connected, {_batch->space.get(), packet_bytes_max}, true);
    if (packet.how != transfer::done) {
        return packet.how;
    }
    const auto large = read_stub(packet.bytes);
    if (!large) {
        _batch->bytes = packet.bytes;
        return transfer::done;
    }
    auto content = mapped_file::map(packet.file, static_cast<std::size_t>(large->file_bytes));
    if (!content) {
        return transfer::malformed;
    }
    _batch->file.emplace(std::move(*content));
    _batch->bytes = _batch->file->bytes();
    return transfer::done;
}

client_channel::taken_event client_channel::next_event() {
    const std::scoped_lock lock(_event_mutex);
    taken_event result{.how = transfer::malformed, .what = {}, .storage = {}};
    if (_event_fault) {
        return result;
    }
    if (!_batch || _batch->at == _batch->bytes.size()) {
        const transfer how = fetch_batch();
        if (how != transfer::done) {
            result.how = how;
            _event_fault = how == transfer::malformed;
            return result;
        }
    }
    auto what = read_event(_batch->bytes, _batch->at);
    if (!what) {
        _event_fault = true;
        return result;
    }
    if (_batch->at == _batch->bytes.size()) {
        discard_packet(_connected);
    }
    result.how = transfer::done;
    result.what = std::move(*what);
    result.storage = _batch;
    return result;
}

void client_channel::close() {
    static_cast<void>(::shutdown(_connected.number(), SHUT_RDWR));
    static_cast<void>(::shutdown(_requests.number(), SHUT_RDWR));
}

} // namespace coterie::ipc

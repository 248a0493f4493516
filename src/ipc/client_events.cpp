// SPDX-License-Identifier: BSD-3-Clause
// The client's end: events. The packets on the socket only wake: how many there have to be is counted in the shared memory, so
// that taking the last event takes exactly those that told of it.
#include "ipc/client_channel.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace coterie::ipc {

namespace {

/// A packet that has been counted is on its way; so often, a millisecond each, it is waited for.
constexpr int packet_waits_max = 10;

} // namespace

client_channel::taken_event client_channel::next_event() {
    const std::scoped_lock lock(_taking);
    taken_event result{.how = transfer::malformed, .what = {}, .storage = {}};
    while (!_fault && _at == _row.size()) {
        result.how = next_row();
        if (result.how == transfer::later || result.how == transfer::gone || result.how == transfer::exhausted) {
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
    // Nothing may fail once the record has been taken.
    _rows.reserve(_rows.size() + 1);
    auto next = _stub ? std::exchange(_stub, std::nullopt) : _events.take();
    while (!next) {
        if (_events.corrupt()) {
            return transfer::malformed;
        }
        if (const transfer how = rest(); how != transfer::done) {
            return how;
        }
        next = _events.take();
    }
    row added{.ring_end = next->end, .leases = 0, .read = next->body.empty(), .bytes = next->body, .file = {}};
    _row = next->body;
    if (next->tag == static_cast<std::uint32_t>(event_tag::file)) {
        if (const transfer how = fetch_file(*next, added.file); how != transfer::done) {
            _stub = next;
            _row = {};
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
        const received_packet packet = receive_behind_reset(_socket, space, true);
        if (packet.bytes.empty()) {
            return packet.how == transfer::gone ? transfer::gone : transfer::malformed;
        }
        if (!_file_in_front && packet.how != transfer::done) {
            // This process has no number left for the file; it waits.
            return transfer::exhausted;
        }
        if (packet.file && !_file_in_front) {
            auto mapping = mapped_file::map_copy(packet.file, static_cast<std::size_t>(bytes));
            if (!mapping) {
                return mapping.error() == std::errc::bad_message ? transfer::malformed : transfer::exhausted;
            }
            _file_in_front = true;
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
        const received_packet packet = receive_behind_reset(_socket, space);
        if (!packet.bytes.empty()) {
            // Whatever became of the file that came with it: it has been used.
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
    switch (receive_behind_reset(_socket, space, true).how) {
    case transfer::later: return transfer::later;
    case transfer::done: return _events.empty() ? transfer::later : transfer::done;
    default: _gone = true; return transfer::gone;
    }
}

void client_channel::settle() {
    const std::scoped_lock lock(_taking);
    if (!_fault && !_stub && _at == _row.size() && _events.empty()) {
        // What is found out about the daemon here is found out again by next_event.
        static_cast<void>(rest());
    }
}

void client_channel::before_fork() {
    _taking.lock();
    try {
        for (const row& each : _rows) {
            if (each.leases > 0) {
                _kept.insert(_kept.end(), each.bytes.begin(), each.bytes.end());
            }
        }
    } catch (const std::bad_alloc&) {
        _kept = {};
    }
}

void client_channel::after_fork() {
    _kept = {};
    _taking.unlock();
}

void client_channel::abandon() {
    _abandoned = true;
    _taking.unlock();
    // The parent goes on, and its daemon writes where an event lies that a callback of this process may still look at: the
    // shared memory makes way for memory of this process's own, with the events as they were before the fork.
    const std::span<std::byte> shared = _memory.all();
    void* const own = ::mmap(nullptr, shared.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (own == MAP_FAILED) {
        return;
    }
    std::size_t at = 0;
    for (const row& each : _rows) {
        if (each.leases > 0 && each.bytes.size() <= _kept.size() - at) {
            std::memcpy(static_cast<std::byte*>(own) + (each.bytes.data() - shared.data()), _kept.data() + at,
                        each.bytes.size());
            at += each.bytes.size();
        }
    }
    if (::mremap(own, shared.size(), shared.size(), MREMAP_MAYMOVE | MREMAP_FIXED, shared.data()) == MAP_FAILED) {
        ::munmap(own, shared.size());
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
    std::size_t largest = 0;
    while (done < _rows.size() && _rows[done].read && _rows[done].leases == 0) {
        _events.release(_rows[done].ring_end);
        largest = std::max(largest, _rows[done].bytes.size());
        ++done;
    }
    if (done == 0) {
        return;
    }
    _rows.erase(_rows.begin(), _rows.begin() + static_cast<std::ptrdiff_t>(done));
    _first_row += done;
    std::atomic<std::uint32_t>& wanted = _memory.control().room_wanted;
    if (wanted.load(std::memory_order_seq_cst) != 0 && _events.is_half_free(largest) &&
        wanted.exchange(0, std::memory_order_seq_cst) != 0) {
        static_cast<void>(wake_daemon());
    }
}

} // namespace coterie::ipc

// SPDX-License-Identifier: BSD-3-Clause
// A client that has no library and no manners: it greets, writes into the memory that it shares with the daemon and sends
// packets and files on its socket as a string of bytes says. Never blocks.
#pragma once

#include "ipc/channel_memory.hpp"
#include "ipc/messages.hpp"
#include "ipc/packet_socket.hpp"
#include "tests/support/whims.hpp"

#include <array>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace coterie::tests {

class hostile_client {
public:
    hostile_client(const std::string& path, whims& whim) {
        if (auto connected = ipc::connect_to(path)) {
            _socket = std::move(*connected);
            greet(whim);
        }
    }

    void act(whims& whim) {
        if (!_memory) {
            look_for_welcome();
        }
        if (!_memory || whim.chance(10)) {
            whim.chance(2) ? greet(whim) : send_anything(whim);
            return;
        }
        switch (whim.below(9)) {
        case 0: request(whim); break;
        case 1: multicast(whim); break;
        case 2: pass_file(whim); break;
        case 3: scribble(_memory->all().first(sizeof(ipc::channel_control)), whim); break;
        case 4: scribble(_memory->requests(), whim); break;
        case 5: scribble(_memory->all(), whim); break;
        case 6: take_events(); break;
        case 7: _memory->control().asking.store(whim.below(2)); break;
        default: any_record(whim); break;
        }
        _requests->publish();
        if (!whim.chance(3)) {
            wake();
        }
    }

private:
    void greet(whims& whim) {
        std::array<std::byte, ipc::welcome_bytes> space{};
        base::byte_writer out(space);
        write(out, ipc::hello{.ring_views = whim.chance(2),
                              .pid = whim.chance(12) ? whim.byte() : static_cast<std::uint32_t>(::getpid())});
        if (whim.chance(12)) {
            space[whim.below(ipc::hello_bytes)] = std::byte{whim.byte()};
        }
        send(base::bytes_view(space).first(whim.chance(12) ? whim.below(ipc::welcome_bytes) : out.size()));
    }
    void look_for_welcome() {
        std::array<std::byte, ipc::welcome_bytes> space{};
        const ipc::received_packet packet = receive_packet(_socket, space);
        const auto greeting = packet.how == ipc::transfer::done ? ipc::read_welcome(packet.bytes) : std::nullopt;
        if (!greeting || greeting->result != ipc::status::ok) {
            return;
        }
        if (auto memory = ipc::channel_memory::map(
                packet.file, {.requests = greeting->request_ring_bytes, .events = greeting->event_ring_bytes})) {
            _memory.emplace(std::move(*memory));
            _requests.emplace(_memory->control().requests, _memory->requests());
        }
    }

    void record(std::uint32_t tag, base::bytes_view body) {
        const std::size_t bytes = std::min(body.size(), ipc::body_bytes_max(_memory->requests().size()));
        if (std::byte* const place = _requests->reserve(bytes, tag == 0 ? 1 : tag)) {
            std::ranges::copy(body.first(bytes), place);
        }
    }
    static ipc::request_kind kind(whims& whim) { return static_cast<ipc::request_kind>(1 + whim.below(11)); }
    void well_formed(const ipc::request& what) {
        std::array<std::byte, 256> space{};
        base::byte_writer out(space);
        write(out, what);
        record(tag_of(what.kind, what.flags), base::bytes_view(space).first(out.size()));
    }
    void request(whims& whim) {
        const std::string group(whim.below(ipc::group_name_bytes_max + 1), whim.chance(2) ? 'x' : 'g');
        well_formed({.kind = kind(whim),
                     .flags = static_cast<std::uint16_t>(whim.below(4)),
                     .group = group,
                     .offset = whim.chance(3) ? whim.any<std::uint64_t>() : whim.byte(),
                     .bytes = whim.chance(3) ? whim.any<std::uint64_t>() : whim.byte()});
    }
    void multicast(whims& whim) {
        const std::vector<std::byte> body(whim.any<std::uint16_t>() % 2'100, std::byte{'m'});
        for (std::uint32_t count = 1 + whim.below(8); count > 0; --count) {
            record(tag_of(ipc::request_kind::multicast,
                          whim.chance(2) ? std::uint16_t{ipc::request::safe} : std::uint16_t{0}),
                   body);
        }
    }
    void any_record(whims& whim) {
        const std::uint32_t tag =
            whim.chance(2) ? whim.any<std::uint32_t>() : tag_of(kind(whim), static_cast<std::uint16_t>(whim.byte()));
        record(tag, whim.run(whim.byte()));
    }
    /// A file and a request that speaks of it, which may not fit each other.
    void pass_file(whims& whim) {
        const std::size_t bytes = whim.chance(2) ? whim.byte() : whim.any<std::uint32_t>() % 600'000;
        const ipc::descriptor file = make_file(bytes, whim);
        const std::byte mark = ipc::wake_mark;
        static_cast<void>(send_packet(_socket, base::bytes_view(&mark, 1), file));
        if (!whim.chance(6)) {
            well_formed({.kind = whim.chance(2) ? ipc::request_kind::multicast_file : ipc::request_kind::share,
                         .flags = static_cast<std::uint16_t>(whim.chance(4) ? ipc::request::safe : 0),
                         .group = {},
                         .bytes = whim.chance(6) ? whim.any<std::uint32_t>() : bytes});
        }
    }
    [[nodiscard]] ipc::descriptor make_file(std::size_t bytes, whims& whim) const {
        switch (whim.below(8)) {
        case 0: return ipc::descriptor(::open("/dev/null", O_RDWR | O_CLOEXEC));
        case 1: return ipc::descriptor(::open("/", O_RDONLY | O_CLOEXEC));
        case 2: {
            // Neither sealed nor of that size.
            ipc::descriptor result(::memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
            static_cast<void>(::ftruncate(result.number(), static_cast<off_t>(bytes / 2)));
            return result;
        }
        case 3: {
            int ends[2];
            if (::pipe2(ends, O_CLOEXEC) == 0) {
                ::close(ends[1]);
                return ipc::descriptor(ends[0]);
            }
            return {};
        }
        case 4:
            // What would keep the daemon from seeing this client's end.
            return ipc::descriptor(::dup(_socket.number()));
        case 5: return std::move(ipc::make_shared_file(bytes)).value_or(ipc::descriptor());
        default: {
            const std::vector<std::byte> body(bytes, std::byte{'f'});
            const iovec part{const_cast<std::byte*>(body.data()), body.size()};
            return std::move(ipc::make_memory_file(std::span(&part, 1), bytes)).value_or(ipc::descriptor());
        }
        }
    }

    /// Words anywhere: lengths and counts that fit each other nearly, or anything.
    static void scribble(std::span<std::byte> space, whims& whim) {
        for (std::uint32_t count = 1 + whim.below(6); count > 0; --count) {
            const std::size_t at = whim.any<std::uint16_t>() * std::size_t{4} % (space.size() - sizeof(std::uint64_t));
            const std::uint64_t value = whim.chance(3)
                                            ? whim.any<std::uint64_t>()
                                            : (whim.chance(2) ? whim.byte() * 8U : ~std::uint64_t{whim.byte()});
            std::memcpy(space.data() + at, &value, whim.chance(2) ? sizeof(value) : sizeof(std::uint32_t));
        }
    }
    /// As if all had been read, which is how more of them come.
    void take_events() {
        auto& events = _memory->control().events;
        events.released.store(events.written.load());
        std::array<std::byte, 64> space{};
        static_cast<void>(receive_packet(_socket, space));
    }
    void send_anything(whims& whim) {
        std::array<int, 3> files{_socket.number(), _socket.number(), _socket.number()};
        const base::bytes_view bytes = whim.run(whim.byte() % 64);
        iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof files)> control{};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (const std::uint32_t count = whim.below(4); count > 0) {
            message.msg_control = control.data();
            message.msg_controllen = CMSG_SPACE(count * sizeof(int));
            cmsghdr* const head = CMSG_FIRSTHDR(&message);
            head->cmsg_level = SOL_SOCKET;
            head->cmsg_type = SCM_RIGHTS;
            head->cmsg_len = CMSG_LEN(count * sizeof(int));
            std::memcpy(CMSG_DATA(head), files.data(), count * sizeof(int));
        }
        static_cast<void>(::sendmsg(_socket.number(), &message, MSG_DONTWAIT | MSG_NOSIGNAL));
    }
    void send(base::bytes_view bytes) { static_cast<void>(send_packet(_socket, bytes)); }
    void wake() { send(base::bytes_view(&ipc::wake_mark, 1)); }

    ipc::descriptor _socket;
    std::optional<ipc::channel_memory> _memory;
    std::optional<ipc::ring_writer> _requests;
};

} // namespace coterie::tests

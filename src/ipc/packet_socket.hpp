// SPDX-License-Identifier: BSD-3-Clause
// Packets on Unix SOCK_SEQPACKET sockets, never blocking: one call sends or takes one packet, with at most one file
// descriptor beside it. Both ends of the channel stand on these.
#pragma once

#include "ipc/memory_file.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <sys/types.h>
#include <system_error>
#include <vector>

namespace coterie::ipc {

/// How a call on a socket ended.
enum class transfer : std::uint8_t {
    done,
    later,     ///< no room or nothing there; nothing happened
    exhausted, ///< the system has no memory or descriptors left for it; nothing happened, and nothing tells when it has
    gone,      ///< the other end has closed
    malformed, ///< a packet was taken that no honest peer sends: too large, or with several descriptors
};

/// Sends one packet made of `parts`, with `file` beside it unless that is empty.
[[nodiscard]] transfer send_packet(const descriptor& socket, std::span<const iovec> parts, const descriptor& file = {});
[[nodiscard]] transfer send_packet(const descriptor& socket, base::bytes_view packet, const descriptor& file = {});

/// A packet that was received: `bytes` lie in the space that was given.
struct received_packet {
    transfer how{};
    std::span<std::byte> bytes;
    descriptor file;
    std::vector<descriptor> others; ///< that came beside the file; no honest peer sends them
};
/// Takes one packet. With `look` it stays in the socket, to be seen again.
[[nodiscard]] received_packet receive_packet(const descriptor& socket, std::span<std::byte> space, bool look = false);

/// The same where `gone` may stand before packets that are still there: a reset is told first, and once.
[[nodiscard]] received_packet receive_behind_reset(const descriptor& socket, std::span<std::byte> space,
                                                   bool look = false);

/// Waits until the socket is readable (or, if asked, writable) or closed. False when `timeout_ms` (-1: none) is over.
[[nodiscard]] bool wait_for(const descriptor& socket, bool writable, int timeout_ms);

/// Who is at the other end, as the kernel knows.
struct credentials {
    pid_t pid{}; ///< 0: not visible from here
    uid_t user{};
    gid_t group{};
};
[[nodiscard]] std::expected<credentials, std::error_code> credentials_of(const descriptor& socket);
/// The supplementary groups of the process at the other end.
[[nodiscard]] std::expected<std::vector<gid_t>, std::error_code> groups_of(const descriptor& socket);
/// Whether the process that the kernel knows as `kernel_pid` is called `claimed` where it lives: the same number, or the
/// one that it has in a process namespace of its own.
[[nodiscard]] bool is_called(pid_t kernel_pid, std::uint32_t claimed);

[[nodiscard]] std::expected<descriptor, std::error_code> make_socket();
/// Connects such a socket to the one at `path`; waits while too many others do.
[[nodiscard]] std::error_code connect_socket(const descriptor& socket, const std::string& path);
/// A new socket, connected.
[[nodiscard]] std::expected<descriptor, std::error_code> connect_to(const std::string& path);
/// Listens at `path`, for everyone; a socket file that nobody listens at any more is replaced. `address_in_use` when
/// somebody does.
[[nodiscard]] std::expected<descriptor, std::error_code> listen_at(const std::string& path);

} // namespace coterie::ipc

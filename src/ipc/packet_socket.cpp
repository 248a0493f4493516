// SPDX-License-Identifier: BSD-3-Clause
// Unix sequenced-packet sockets: the system calls behind packet_socket.hpp.
#include "ipc/packet_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

namespace coterie::ipc {

namespace {

constexpr int listen_backlog = 4'096;
/// As many descriptors as the kernel lets one packet carry: those that there was no space for it would close at once, however
/// long that takes.
constexpr std::size_t files_max = 253;

std::unexpected<std::error_code> last_error() {
    return std::unexpected(std::error_code(errno, std::generic_category()));
}

/// The descriptors that came with a packet. False if there are more than one honest peer sends.
bool take_files(msghdr& header, received_packet& into) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
            descriptor file(number);
            if (into.file) {
                into.others.push_back(std::move(file));
            } else {
                into.file = std::move(file);
            }
        }
    }
    return into.others.empty() && (header.msg_flags & MSG_CTRUNC) == 0;
}

std::expected<sockaddr_un, std::error_code> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof(address.sun_path)) {
        return std::unexpected(std::make_error_code(std::errc::filename_too_long));
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

const sockaddr* as_socket_address(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

} // namespace

transfer send_packet(const descriptor& socket, std::span<const iovec> parts, const descriptor& file) {
    msghdr header{};
    header.msg_iov = const_cast<iovec*>(parts.data());
    header.msg_iovlen = parts.size();
    alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(int))]{};
    if (file) {
        header.msg_control = control;
        header.msg_controllen = sizeof(control);
        cmsghdr* const part = CMSG_FIRSTHDR(&header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof(int));
        const int number = file.number();
        std::memcpy(CMSG_DATA(part), &number, sizeof(int));
    }
    while (::sendmsg(socket.number(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        switch (errno) {
        case EINTR: continue;
        case EAGAIN: return transfer::later;
        case ENOBUFS:
        case ENOMEM:
        case ETOOMANYREFS: return transfer::exhausted;
        default: return transfer::gone;
        }
    }
    return transfer::done;
}

transfer send_packet(const descriptor& socket, base::bytes_view packet, const descriptor& file) {
    const iovec part{const_cast<std::byte*>(packet.data()), packet.size()};
    return send_packet(socket, std::span(&part, 1), file);
}

received_packet receive_packet(const descriptor& socket, std::span<std::byte> space, bool look) {
    iovec part{space.data(), space.size()};
    alignas(cmsghdr) std::byte control[CMSG_SPACE(files_max * sizeof(int))];
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    received_packet result;
    ssize_t got = -1;
    do {
        got = ::recvmsg(socket.number(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (look ? MSG_PEEK : 0));
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        result.how = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? transfer::later : transfer::gone;
        return result;
    }
    const bool one_file_at_most = take_files(header, result);
    if (got == 0) {
        result.how = transfer::gone;
        return result;
    }
    result.bytes = space.first(static_cast<std::size_t>(got));
    result.how = one_file_at_most && (header.msg_flags & MSG_TRUNC) == 0 ? transfer::done : transfer::malformed;
    return result;
}

received_packet receive_behind_reset(const descriptor& socket, std::span<std::byte> space, bool look) {
    received_packet result = receive_packet(socket, space, look);
    return result.how == transfer::gone ? receive_packet(socket, space, look) : std::move(result);
}

bool wait_for(const descriptor& socket, bool writable, int timeout_ms) {
    pollfd wanted{.fd = socket.number(), .events = static_cast<short>(writable ? POLLOUT : POLLIN), .revents = 0};
    if (timeout_ms < 0) {
        int ready = -1;
        do {
            ready = ::poll(&wanted, 1, -1);
        } while (ready < 0 && errno == EINTR);
        return ready > 0;
    }
    // However many signals come, the time ends.
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
        const int ready = ::poll(&wanted, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
        if (ready >= 0 || errno != EINTR) {
            return ready > 0;
        }
    }
}

std::expected<credentials, std::error_code> credentials_of(const descriptor& socket) {
    ucred found{};
    socklen_t size = sizeof(found);
    if (::getsockopt(socket.number(), SOL_SOCKET, SO_PEERCRED, &found, &size) != 0) {
        return last_error();
    }
    return credentials{.pid = found.pid, .user = found.uid, .group = found.gid};
}

std::expected<std::vector<gid_t>, std::error_code> groups_of(const descriptor& socket) {
    // Asked twice: first how many there are. They are those of the moment of connecting, so they do not change between.
    socklen_t bytes = 0;
    std::vector<gid_t> result;
    while (::getsockopt(socket.number(), SOL_SOCKET, SO_PEERGROUPS, result.data(), &bytes) != 0) {
        if (errno != ERANGE) {
            return last_error();
        }
        result.resize(bytes / sizeof(gid_t));
    }
    result.resize(bytes / sizeof(gid_t));
    return result;
}

bool is_called(pid_t kernel_pid, std::uint32_t claimed) {
    if (kernel_pid <= 0 || static_cast<std::uint32_t>(kernel_pid) == claimed) {
        return kernel_pid > 0 || claimed != 0;
    }
    std::ifstream facts("/proc/" + std::to_string(kernel_pid) + "/status");
    for (std::string line; std::getline(facts, line);) {
        // "NSpid:" and the process's numbers, from the outermost namespace to its own.
        if (line.starts_with("NSpid:")) {
            const std::string_view own = std::string_view(line).substr(line.find_last_of("\t ") + 1);
            std::uint32_t number = 0;
            const auto [end, fault] = std::from_chars(own.data(), own.data() + own.size(), number);
            return fault == std::errc{} && end == own.data() + own.size() && number == claimed;
        }
    }
    return false;
}

std::expected<descriptor, std::error_code> make_socket() {
    descriptor result(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    return result ? std::expected<descriptor, std::error_code>(std::move(result)) : last_error();
}

std::error_code connect_socket(const descriptor& socket, const std::string& path) {
    const auto address = address_of(path);
    if (!address) {
        return address.error();
    }
    int outcome = -1;
    do {
        outcome = ::connect(socket.number(), as_socket_address(*address), sizeof(*address));
    } while (outcome != 0 && errno == EINTR);
    return {outcome == 0 ? 0 : errno, std::generic_category()};
}

std::expected<descriptor, std::error_code> connect_to(const std::string& path) {
    auto result = make_socket();
    if (result) {
        if (const std::error_code fault = connect_socket(*result, path)) {
            return std::unexpected(fault);
        }
    }
    return result;
}

std::expected<descriptor, std::error_code> listen_at(const std::string& path) {
    const auto address = address_of(path);
    if (!address) {
        return std::unexpected(address.error());
    }
    descriptor result(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!result) {
        return last_error();
    }
    if (::bind(result.number(), as_socket_address(*address), sizeof(*address)) != 0) {
        if (errno != EADDRINUSE) {
            return last_error();
        }
        const auto probe = connect_to(path);
        if (probe || probe.error() != std::errc::connection_refused) {
            return std::unexpected(std::make_error_code(std::errc::address_in_use));
        }
        struct stat facts{};
        if (::lstat(path.c_str(), &facts) != 0 || !S_ISSOCK(facts.st_mode)) {
            return std::unexpected(std::make_error_code(std::errc::file_exists));
        }
        if (::unlink(path.c_str()) != 0 ||
            ::bind(result.number(), as_socket_address(*address), sizeof(*address)) != 0) {
            return last_error();
        }
    }
    // Who may do what is decided by credentials, so that a refusal can be told from a daemon that is not there.
    if (::chmod(path.c_str(), 0666) != 0 || ::listen(result.number(), listen_backlog) != 0) {
        return last_error();
    }
    return result;
}

} // namespace coterie::ipc

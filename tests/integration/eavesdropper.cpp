// SPDX-License-Identifier: BSD-3-Clause
// Packet sockets, packet(7). Frames go out under the own hardware address, or the switch would send the victim's to us.
#include "tests/integration/eavesdropper.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <set>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace coterie::tests {

namespace {

constexpr std::size_t frame_bytes_max = 70'000;
constexpr int buffer_bytes = 64 << 20;

/// The sum of IPv4's header.
std::uint16_t checksum(const iphdr& header) {
    std::uint16_t words[sizeof(iphdr) / 2];
    std::memcpy(words, &header, sizeof(header));
    std::uint32_t sum = 0;
    for (const std::uint16_t each : words) {
        sum += each;
    }
    sum = (sum & 0xFFFFU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~(sum + (sum >> 16U)));
}

bool read_frame(const std::uint8_t* frame, std::size_t size, overheard& into) {
    constexpr std::size_t heads = sizeof(ethhdr) + sizeof(iphdr) + sizeof(udphdr);
    ethhdr ether{};
    iphdr ip{};
    udphdr udp{};
    if (size < heads) {
        return false;
    }
    std::memcpy(&ether, frame, sizeof(ether));
    std::memcpy(&ip, frame + sizeof(ether), sizeof(ip));
    std::memcpy(&udp, frame + sizeof(ether) + sizeof(ip), sizeof(udp));
    if (ntohs(ether.h_proto) != ETH_P_IP || ip.protocol != IPPROTO_UDP || ip.ihl != 5) {
        return false;
    }
    into = {.from = ip.saddr,
            .to = ip.daddr,
            .from_port = ntohs(udp.source),
            .to_port = ntohs(udp.dest),
            .to_card = {ether.h_dest, ether.h_dest + ETH_ALEN},
            .bytes = {frame + heads, frame + size}};
    return true;
}

} // namespace

eavesdropper::eavesdropper(const std::string& name_space, const std::string& card) {
    // A socket belongs to the namespace of the thread that made it.
    std::thread([&] {
        const int there = ::open(("/run/netns/" + name_space).c_str(), O_RDONLY | O_CLOEXEC);
        if (there < 0 || ::setns(there, CLONE_NEWNET) != 0) {
            return;
        }
        ::close(there);
        _socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
        static_cast<void>(::setsockopt(_socket, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes)));
        if (!card.empty()) {
            ifreq asked{};
            card.copy(asked.ifr_name, IFNAMSIZ - 1);
            ::ioctl(_socket, SIOCGIFHWADDR, &asked);
            _own.assign(asked.ifr_hwaddr.sa_data, asked.ifr_hwaddr.sa_data + ETH_ALEN);
            _card = static_cast<int>(::if_nametoindex(card.c_str()));
        }
    }).join();
}

eavesdropper::~eavesdropper() {
    if (_socket >= 0) {
        ::close(_socket);
    }
}

std::vector<overheard> eavesdropper::take() {
    std::set<overheard> seen;
    std::vector<overheard> result;
    std::vector<std::uint8_t> space(frame_bytes_max);
    for (ssize_t got = 0; (got = ::recv(_socket, space.data(), space.size(), 0)) > 0;) {
        overheard one;
        if (read_frame(space.data(), static_cast<std::size_t>(got), one) && seen.insert(one).second) {
            result.push_back(std::move(one));
        }
    }
    return result;
}

bool eavesdropper::inject(const overheard& what) {
    ethhdr ether{};
    std::ranges::copy(what.to_card, ether.h_dest);
    std::ranges::copy(_own, ether.h_source);
    ether.h_proto = htons(ETH_P_IP);
    udphdr udp{};
    udp.source = htons(what.from_port);
    udp.dest = htons(what.to_port);
    udp.len = htons(static_cast<std::uint16_t>(sizeof(udp) + what.bytes.size()));
    iphdr ip{};
    ip.version = 4;
    ip.ihl = 5;
    ip.ttl = 64;
    ip.protocol = IPPROTO_UDP;
    ip.tot_len = htons(static_cast<std::uint16_t>(sizeof(ip) + sizeof(udp) + what.bytes.size()));
    ip.saddr = what.from;
    ip.daddr = what.to;
    ip.check = checksum(ip);
    std::vector<std::uint8_t> frame;
    const auto add = [&](const void* bytes, std::size_t size) {
        const auto* const first = static_cast<const std::uint8_t*>(bytes);
        frame.insert(frame.end(), first, first + size);
    };
    add(&ether, sizeof(ether));
    add(&ip, sizeof(ip));
    add(&udp, sizeof(udp));
    add(what.bytes.data(), what.bytes.size());
    sockaddr_ll where{};
    where.sll_family = AF_PACKET;
    where.sll_ifindex = _card;
    where.sll_halen = ETH_ALEN;
    std::ranges::copy(what.to_card, where.sll_addr);
    return ::sendto(_socket, frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&where), sizeof(where)) ==
           static_cast<ssize_t>(frame.size());
}

} // namespace coterie::tests

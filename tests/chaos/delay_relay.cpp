// SPDX-License-Identifier: BSD-3-Clause
// delay_relay ONE OTHER SEED: passes every packet between two cards on, late, and says so when it begins. How late jumps
// between 0.1 and 40 ms each way, so that a round trip takes 0.2 to 80 ms, after random times of 10 to 500 ms. Packets of one
// direction keep their order.
#include "base/random.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::size_t header_bytes = 10; // struct virtio_net_hdr
constexpr std::size_t packet_bytes_max = 70'000;
constexpr std::size_t packets_max = 20'000;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

int open_card(const char* name) {
    const int socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
    const int yes = 1;
    const int room = 16 << 20;
    sockaddr_ll where{};
    where.sll_family = AF_PACKET;
    where.sll_protocol = htons(ETH_P_ALL);
    where.sll_ifindex = static_cast<int>(::if_nametoindex(name));
    packet_mreq all{.mr_ifindex = where.sll_ifindex, .mr_type = PACKET_MR_PROMISC, .mr_alen = 0, .mr_address = {}};
    // With its header a packet keeps what its sender left to the card to do: checksums, cutting to size.
    if (socket < 0 || where.sll_ifindex == 0 ||
        ::setsockopt(socket, SOL_PACKET, PACKET_VNET_HDR, &yes, sizeof(yes)) != 0 ||
        ::setsockopt(socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)) != 0 ||
        ::bind(socket, reinterpret_cast<const sockaddr*>(&where), sizeof(where)) != 0 ||
        ::setsockopt(socket, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) != 0) {
        fail(name);
    }
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    return socket;
}

struct direction {
    int from;
    int to;
    struct packet {
        steady::time_point due;
        std::vector<char> bytes;
    };
    std::deque<packet> waiting{};

    void take(steady::time_point now, std::chrono::nanoseconds late) {
        std::array<char, packet_bytes_max> space;
        for (ssize_t got = 0; (got = ::read(from, space.data(), space.size())) > 0;) {
            if (static_cast<std::size_t>(got) > header_bytes && waiting.size() < packets_max) {
                const steady::time_point due = waiting.empty() ? now + late : std::max(now + late, waiting.back().due);
                waiting.push_back({due, {space.data(), space.data() + got}});
            }
        }
    }
    void pass(steady::time_point now) {
        for (; !waiting.empty() && waiting.front().due <= now; waiting.pop_front()) {
            // What does not fit is lost, as on any cable.
            static_cast<void>(!::write(to, waiting.front().bytes.data(), waiting.front().bytes.size()));
        }
    }
};

} // namespace

int main(int count, char** words) {
    if (count != 4) {
        std::fprintf(stderr, "usage: delay_relay ONE OTHER SEED\n");
        return 2;
    }
    // A cable does not wait for a core.
    const sched_param cable{.sched_priority = 1};
    if (::sched_setscheduler(0, SCHED_RR, &cable) != 0) {
        fail("real-time priority");
    }
    coterie::base::random_source random(std::strtoull(words[3], nullptr, 10));
    const std::array<int, 2> cards{open_card(words[1]), open_card(words[2])};
    std::array<direction, 2> ways{direction{cards[0], cards[1]}, direction{cards[1], cards[0]}};
    std::puts("ready");
    std::fflush(stdout);
    std::chrono::nanoseconds late = 100us;
    steady::time_point next_jump = steady::now();
    while (true) {
        const auto now = steady::now();
        if (now >= next_jump) {
            late = random.chance(1, 2) ? 100us : std::chrono::microseconds(random.between(100, 40'000));
            next_jump = now + std::chrono::milliseconds(random.between(10, 500));
        }
        steady::time_point wake = next_jump;
        for (direction& each : ways) {
            each.take(now, late);
            each.pass(now);
            wake = each.waiting.empty() ? wake : std::min(wake, each.waiting.front().due);
        }
        const auto wait = std::max(std::chrono::nanoseconds(0), wake - steady::now());
        const timespec limit{.tv_sec = 0, .tv_nsec = std::min<long>(wait.count(), 999'999'999)};
        pollfd wanted[2]{{cards[0], POLLIN, 0}, {cards[1], POLLIN, 0}};
        ::ppoll(wanted, 2, &limit, nullptr);
    }
}

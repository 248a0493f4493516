// SPDX-License-Identifier: BSD-3-Clause
// The channel between clients and their daemon, seen from outside: what memory is shared, what a handle costs, how many
// system calls a flood makes, and what becomes of a client that spoils the memory.
#include "tests/integration/cpg_fixture.hpp"

#include "ipc/client_channel.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace coterie::tests {

namespace {

using cpg_channel = cpg_api;

struct mapping {
    std::uintptr_t first;
    std::uintptr_t end;
    std::string inode;
};

/// The memory files of this layer that a process has mapped.
std::vector<mapping> shared_mappings(const std::string& process) {
    std::ifstream maps("/proc/" + process + "/maps");
    std::vector<mapping> result;
    for (std::string line; std::getline(maps, line);) {
        if (line.find("memfd:coterie-shared") == std::string::npos) {
            continue;
        }
        std::istringstream words(line);
        mapping found{};
        char dash = 0;
        std::string rights;
        std::string offset;
        std::string device;
        words >> std::hex >> found.first >> dash >> found.end >> rights >> offset >> device >> found.inode;
        result.push_back(found);
    }
    return result;
}

std::size_t lines_of(const std::string& file) {
    std::ifstream in(file);
    std::size_t result = 0;
    for (std::string line; std::getline(in, line);) {
        ++result;
    }
    return result;
}

std::size_t descriptors_of(pid_t process) {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(process) + "/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// The number of calls in the last line of a summary of strace -c.
std::uint64_t calls_in(const std::string& summary) {
    std::istringstream lines(content_of(summary));
    std::string total;
    for (std::string line; std::getline(lines, line);) {
        total = line.ends_with(" total") ? line : total;
    }
    // "100.00 SECONDS USECS CALLS [ERRORS] total"
    std::istringstream words(total);
    double percent = 0;
    double seconds = 0;
    std::uint64_t average = 0;
    std::uint64_t result = 0;
    words >> percent >> seconds >> average >> result;
    return result;
}

} // namespace

TEST_F(cpg_channel, buffers_lie_in_memory_that_the_daemon_sees) {
    cpg_client client;
    join(client, "group");
    void* buffer = nullptr;
    ASSERT_EQ(cpg_zcb_alloc(client.handle, 1'000, &buffer), CS_OK);
    const auto address = reinterpret_cast<std::uintptr_t>(buffer);
    EXPECT_EQ(address % 8, 0U);
    std::string inode;
    for (const mapping& each : shared_mappings("self")) {
        if (each.first <= address && address + 1'000 <= each.end) {
            inode = each.inode;
        }
    }
    ASSERT_FALSE(inode.empty()) << "the buffer is in no shared mapping";
    const auto theirs = shared_mappings(std::to_string(daemons().daemon(0).pid()));
    EXPECT_TRUE(std::ranges::any_of(theirs, [&](const mapping& each) { return each.inode == inode; }));
}

TEST_F(cpg_channel, a_handle_costs_the_daemon_one_descriptor_and_few_maps) {
    constexpr std::size_t handles = 40;
    const pid_t daemon = daemons().daemon(0).pid();
    const std::string maps = "/proc/" + std::to_string(daemon) + "/maps";
    {
        // The first makes the daemon set up what it needs once.
        cpg_client first;
        join(first, "first");
    }
    const std::size_t descriptors_before = descriptors_of(daemon);
    const std::size_t maps_before = lines_of(maps);
    std::vector<std::unique_ptr<cpg_client>> clients;
    for (std::size_t i = 0; i < handles; ++i) {
        cpg_client& client = *clients.emplace_back(std::make_unique<cpg_client>());
        join(client, "group" + std::to_string(i));
        void* buffer = nullptr;
        ASSERT_EQ(cpg_zcb_alloc(client.handle, 100, &buffer), CS_OK);
    }
    // The file of a buffer's memory may be closed a moment after the client has its answer.
    EXPECT_TRUE(eventually([&] { return descriptors_of(daemon) <= descriptors_before + handles; }));
    EXPECT_LE(lines_of(maps), maps_before + 4 * handles);
    clients.clear();
    EXPECT_TRUE(eventually([&] { return descriptors_of(daemon) <= descriptors_before; }));
    EXPECT_TRUE(eventually([&] { return lines_of(maps) <= maps_before + handles; }));
}

TEST_F(cpg_channel, a_flood_makes_less_than_one_system_call_for_100_messages) {
    constexpr std::uint64_t messages = 200'000;
    const std::string strace = "/usr/bin/strace";
    std::uint64_t fewest = messages;
    std::string counted;
    // Where other programs take the processor from the sender the daemon has time to sleep, and has to be woken: the best of
    // some runs tells of the channel.
    for (int run = 0; run < 5 && fewest >= messages / 100; ++run) {
        const std::string daemon_calls = daemons().folder() / "daemon.calls" + std::to_string(run);
        const std::string client_calls = daemons().folder() / "client.calls" + std::to_string(run);
        const std::string log = daemons().folder() / "strace.log" + std::to_string(run);
        auto watching = cli::child_process::start(
            {.command = {strace, "-c", "-f", "-o", daemon_calls, "-p", std::to_string(daemons().daemon(0).pid())},
             .environment = {},
             .output_file = log,
             .piped = false});
        ASSERT_TRUE(watching);
        ASSERT_TRUE(eventually([&] { return !content_of(log).empty(); }));
        auto flooding = cli::child_process::start(daemons().client(
            0, {strace, "-c", "-f", "-o", client_calls, built("tests/flood_client"), std::to_string(messages), "100"}));
        ASSERT_TRUE(flooding);
        ASSERT_EQ(flooding->wait(milliseconds(60'000)), 0);
        watching->send_signal(SIGINT);
        ASSERT_TRUE(watching->wait(milliseconds(10'000)));
        ASSERT_GT(calls_in(daemon_calls), 0U) << content_of(daemon_calls);
        ASSERT_GT(calls_in(client_calls), 0U) << content_of(client_calls);
        fewest = std::min(fewest, std::max(calls_in(daemon_calls), calls_in(client_calls)));
        counted += content_of(daemon_calls) + content_of(client_calls);
    }
    EXPECT_LT(fewest, messages / 100) << counted;
}

TEST_F(cpg_channel, who_spoils_the_shared_memory_is_cut_off_with_a_line_in_the_log) {
    cpg_client honest;
    join(honest, "group");
    for (int round = 0; round < 20; ++round) {
        const auto connected = ipc::connect_to(daemons().socket(0));
        ASSERT_TRUE(connected);
        std::array<std::byte, ipc::welcome_bytes> space;
        base::byte_writer out(space);
        write(out, ipc::hello{.ring_views = false, .pid = static_cast<std::uint32_t>(::getpid())});
        ASSERT_EQ(send_packet(*connected, base::bytes_view(space).first(out.size())), ipc::transfer::done);
        ASSERT_TRUE(wait_for(*connected, false, 10'000));
        const auto packet = receive_packet(*connected, space);
        const auto greeting = ipc::read_welcome(packet.bytes);
        ASSERT_TRUE(greeting);
        const auto memory = ipc::channel_memory::map(
            packet.file, {.requests = greeting->request_ring_bytes, .events = greeting->event_ring_bytes});
        ASSERT_TRUE(memory);
        std::memset(memory->all().data(), 40 + round, memory->all().size());
        static_cast<void>(send_packet(*connected, base::bytes_view(&ipc::wake_mark, 1)));
        ASSERT_TRUE(wait_for(*connected, false, 10'000)) << "the end of the connection";
        ASSERT_EQ(honest.send("message"), CS_OK);
    }
    EXPECT_TRUE(honest.see(21)) << "the others lose nothing";
    EXPECT_TRUE(daemons().logs(0, "is cut off: it sent nonsense"));
}

} // namespace coterie::tests

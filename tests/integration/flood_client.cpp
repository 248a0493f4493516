// SPDX-License-Identifier: BSD-3-Clause
// A client that sends in one thread, as fast as its daemon takes and without ever resting, and dispatches in another until it
// has all its messages back: flood_client MESSAGES BYTES. Prints nothing when they came back whole and in order.
#include <corosync/cpg.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sys/uio.h>
#include <thread>
#include <vector>

namespace {

std::uint64_t delivered = 0;
bool joined = false;

[[noreturn]] void fail(const char* what, int code) {
    std::fprintf(stderr, "flood_client: %s: %d\n", what, code);
    std::_Exit(1);
}

void on_message(cpg_handle_t, const cpg_name*, std::uint32_t, std::uint32_t, void* message, std::size_t bytes) {
    std::uint64_t number = 0;
    if (bytes < sizeof(number)) {
        fail("a message that was never sent", static_cast<int>(bytes));
    }
    std::memcpy(&number, message, sizeof(number));
    if (number != delivered) {
        fail("out of order", static_cast<int>(number));
    }
    ++delivered;
}

void on_change(cpg_handle_t, const cpg_name*, const cpg_address*, std::size_t, const cpg_address*, std::size_t,
               const cpg_address*, std::size_t) {
    joined = true;
}

void dispatch(cpg_handle_t handle) {
    int descriptor = -1;
    cpg_fd_get(handle, &descriptor);
    pollfd wanted{.fd = descriptor, .events = POLLIN, .revents = 0};
    if (::poll(&wanted, 1, 20'000) == 0) {
        fail("nothing came for 20 seconds, messages delivered so far", static_cast<int>(delivered));
    }
    if (const cs_error_t code = cpg_dispatch(handle, CS_DISPATCH_ALL); code != CS_OK) {
        fail("cpg_dispatch", code);
    }
}

} // namespace

int main(int count, char** words) {
    if (count != 3) {
        fail("usage: flood_client MESSAGES BYTES", count);
    }
    const std::uint64_t messages = std::strtoull(words[1], nullptr, 10);
    std::vector<char> body(std::strtoull(words[2], nullptr, 10) + sizeof(std::uint64_t));
    cpg_callbacks_t callbacks{.cpg_deliver_fn = on_message, .cpg_confchg_fn = on_change};
    cpg_handle_t handle = 0;
    if (const cs_error_t code = cpg_initialize(&handle, &callbacks); code != CS_OK) {
        fail("cpg_initialize", code);
    }
    const cpg_name group{.length = 5, .value = "flood"};
    if (const cs_error_t code = cpg_join(handle, &group); code != CS_OK) {
        fail("cpg_join", code);
    }
    while (!joined) {
        dispatch(handle);
    }
    std::thread sender([&] {
        for (std::uint64_t sent = 0; sent < messages;) {
            std::memcpy(body.data(), &sent, sizeof(sent));
            const iovec part{body.data(), body.size()};
            const cs_error_t code = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &part, 1);
            if (code == CS_OK) {
                ++sent;
            } else if (code != CS_ERR_TRY_AGAIN) {
                fail("cpg_mcast_joined", code);
            }
        }
    });
    while (delivered < messages) {
        dispatch(handle);
    }
    sender.join();
    return cpg_finalize(handle) == CS_OK ? 0 : 1;
}

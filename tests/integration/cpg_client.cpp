// SPDX-License-Identifier: BSD-3-Clause
// Changes are written as "GROUP: members A B; joined C(why)" or "...; left C(why)", messages as "GROUP: 'text' of A", long
// ones by their length, views of the ring as "ring: nodes 1 2". A process is NODE/PID.
#include "tests/integration/cpg_client.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>

namespace coterie::tests {

namespace {

constexpr std::size_t text_shown_max = 64;
constexpr int patience_ms = 10'000;

std::string list_of(const cpg_address* list, std::size_t count, bool reasons) {
    std::string result;
    for (std::size_t i = 0; i < count; ++i) {
        result += " " + std::to_string(list[i].nodeid) + "/" + std::to_string(list[i].pid);
        result += reasons ? "(" + std::to_string(list[i].reason) + ")" : "";
    }
    return result;
}

std::string text_of(const cpg_name& name) { return {name.value, name.length}; }

} // namespace

cpg_name name_of(std::string_view text) {
    cpg_name result{};
    result.length = static_cast<std::uint32_t>(text.size());
    std::memcpy(result.value, text.data(), std::min(text.size(), sizeof(result.value)));
    return result;
}

std::string self(unsigned node) { return std::to_string(node) + "/" + std::to_string(::getpid()); }

cpg_client::~cpg_client() { close(); }

cs_error_t cpg_client::open(const options& wish) {
    cpg_model_v1_data_t model{};
    model.model = CPG_MODEL_V1;
    model.cpg_deliver_fn = deliver;
    model.cpg_confchg_fn = change;
    model.cpg_totem_confchg_fn = wish.ring_views ? ring : nullptr;
    model.flags = wish.initial_ring_view ? CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF : 0;
    const cs_error_t result =
        cpg_model_initialize(&handle, CPG_MODEL_V1, reinterpret_cast<cpg_model_data_t*>(&model), this);
    _open = result == CS_OK;
    return result;
}

cs_error_t cpg_client::close() {
    if (!_open) {
        return CS_ERR_BAD_HANDLE;
    }
    _open = false;
    return cpg_finalize(handle);
}

cs_error_t cpg_client::join(std::string_view group) {
    const cpg_name name = name_of(group);
    return cpg_join(handle, &name);
}

cs_error_t cpg_client::leave(std::string_view group) {
    const cpg_name name = name_of(group);
    return cpg_leave(handle, &name);
}

cs_error_t cpg_client::send(std::string_view text) {
    const iovec part{const_cast<char*>(text.data()), text.size()};
    return cpg_mcast_joined(handle, CPG_TYPE_AGREED, &part, 1);
}

cs_error_t cpg_client::send_patiently(std::string_view text) {
    cs_error_t result = CS_ERR_TRY_AGAIN;
    for (int i = 0; i < patience_ms && (result = send(text)) == CS_ERR_TRY_AGAIN; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return result;
}

std::size_t cpg_client::known_members() const {
    cpg_iteration_handle_t iteration = 0;
    EXPECT_EQ(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, nullptr, &iteration), CS_OK);
    std::size_t count = 0;
    cpg_iteration_description_t one;
    while (cpg_iteration_next(iteration, &one) == CS_OK) {
        ++count;
    }
    EXPECT_EQ(cpg_iteration_finalize(iteration), CS_OK);
    return count;
}

bool cpg_client::see(std::size_t count) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
    const auto seen_so_far = [this] {
        const std::scoped_lock lock(_mutex);
        return _seen.size();
    };
    while (seen_so_far() < count) {
        if (dispatch(CS_DISPATCH_ONE_NONBLOCKING) == CS_OK) {
            continue;
        }
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

std::vector<std::string> cpg_client::seen() const {
    const std::scoped_lock lock(_mutex);
    return _seen;
}

std::string cpg_client::last() const {
    const std::scoped_lock lock(_mutex);
    return _seen.empty() ? "" : _seen.back();
}

bool cpg_client::readable() const {
    int descriptor = -1;
    cpg_fd_get(handle, &descriptor);
    pollfd wanted{.fd = descriptor, .events = POLLIN, .revents = 0};
    return ::poll(&wanted, 1, 0) == 1 && (wanted.revents & (POLLIN | POLLHUP)) != 0;
}

cpg_client* cpg_client::of(cpg_handle_t handle) {
    void* context = nullptr;
    cpg_context_get(handle, &context);
    return static_cast<cpg_client*>(context);
}

void cpg_client::saw(cpg_handle_t handle, const std::string& what) {
    if (cpg_client* const client = of(handle)) {
        client->keep(what);
    }
}

void cpg_client::keep(const std::string& what) {
    {
        const std::scoped_lock lock(_mutex);
        _seen.push_back(what);
    }
    if (within_callback) {
        within_callback();
    }
}

void cpg_client::deliver(cpg_handle_t handle, const cpg_name* group, uint32_t node, uint32_t pid, void* text,
                         size_t bytes) {
    const std::string content = bytes > text_shown_max ? std::to_string(bytes) + " bytes"
                                                       : "'" + std::string(static_cast<char*>(text), bytes) + "'";
    saw(handle, text_of(*group) + ": " + content + " of " + std::to_string(node) + "/" + std::to_string(pid));
    // What is delivered may be changed in place.
    std::memset(text, 0x5a, bytes);
}

void cpg_client::change(cpg_handle_t handle, const cpg_name* group, const cpg_address* members, size_t member_count,
                        const cpg_address* left, size_t left_count, const cpg_address* joined, size_t joined_count) {
    std::string line = text_of(*group) + ": members" + list_of(members, member_count, false);
    line += left_count == 0 ? "" : "; left" + list_of(left, left_count, true);
    line += joined_count == 0 ? "" : "; joined" + list_of(joined, joined_count, true);
    saw(handle, line);
}

void cpg_client::ring(cpg_handle_t handle, cpg_ring_id ring, uint32_t count, const uint32_t* nodes) {
    std::string line = ring.seq == 0 ? "no ring: nodes" : "ring: nodes";
    for (uint32_t i = 0; i < count; ++i) {
        line += " " + std::to_string(nodes[i]);
    }
    saw(handle, line);
}

} // namespace coterie::tests

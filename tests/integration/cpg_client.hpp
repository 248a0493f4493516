// SPDX-License-Identifier: BSD-3-Clause
// A client for tests: a handle of the C API in this process that writes down what its callbacks are told, each event as a
// line of words.
#pragma once

#include <chrono>
#include <corosync/cpg.h>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

/// For what passes on values that an enumeration does not have, as a C program can.
#if defined(__clang__)
#define COTERIE_ANY_ENUMERATOR __attribute__((no_sanitize("enum")))
#else
#define COTERIE_ANY_ENUMERATOR
#endif

namespace coterie::tests {

[[nodiscard]] cpg_name name_of(std::string_view text);

class cpg_client {
public:
    struct options {
        bool ring_views = false;
        bool initial_ring_view = false;
    };
    cpg_client() = default;
    cpg_client(const cpg_client&) = delete;
    cpg_client& operator=(const cpg_client&) = delete;
    /// Finalizes, unless that was done.
    ~cpg_client();

    [[nodiscard]] cs_error_t open() { return open(options{}); }
    [[nodiscard]] cs_error_t open(const options& wish);
    cs_error_t close();
    [[nodiscard]] cs_error_t join(std::string_view group);
    [[nodiscard]] cs_error_t leave(std::string_view group);
    [[nodiscard]] cs_error_t send(std::string_view text);
    /// Sends as soon as there is room.
    [[nodiscard]] cs_error_t send_patiently(std::string_view text);
    [[nodiscard]] COTERIE_ANY_ENUMERATOR cs_error_t dispatch(cs_dispatch_flags_t flags) {
        return cpg_dispatch(handle, flags);
    }
    /// How many members its daemon knows of in all groups together.
    [[nodiscard]] std::size_t known_members() const;
    /// Dispatches until `count` events have been seen in all; false if they do not come.
    [[nodiscard]] bool see(std::size_t count);
    /// What was seen: "+GROUP: members; joined", "-GROUP: ...", "GROUP: text", "ring members". See cpg_client.cpp.
    [[nodiscard]] std::vector<std::string> seen() const;
    [[nodiscard]] std::string last() const;
    /// Whether the descriptor is readable now.
    [[nodiscard]] bool readable() const;

    cpg_handle_t handle = 0;
    /// Called at the end of every callback, when set.
    std::function<void()> within_callback;

private:
    /// Null when another thread has finalized the handle meanwhile.
    static cpg_client* of(cpg_handle_t handle);
    static void deliver(cpg_handle_t handle, const cpg_name* group, uint32_t node, uint32_t pid, void* text,
                        size_t bytes);
    static void change(cpg_handle_t handle, const cpg_name* group, const cpg_address* members, size_t member_count,
                       const cpg_address* left, size_t left_count, const cpg_address* joined, size_t joined_count);
    static void ring(cpg_handle_t handle, cpg_ring_id ring, uint32_t count, const uint32_t* nodes);
    static void saw(cpg_handle_t handle, const std::string& what);
    void keep(const std::string& what);

    bool _open = false;
    mutable std::mutex _mutex;
    std::vector<std::string> _seen;
};

/// This process in a list of members: "NODE/PID".
[[nodiscard]] std::string self(unsigned node = 1);

} // namespace coterie::tests

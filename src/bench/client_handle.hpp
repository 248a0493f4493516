// SPDX-License-Identifier: BSD-3-Clause
// A handle of libcpg as the benchmarks use it, with patience for a daemon that has just started or is changing its view.
// Nothing but the calls of <corosync/cpg.h> that every libcpg.so.4 has is used, so that the same program runs on Corosync.
#pragma once

#include "bench/order_check.hpp"

#include <chrono>
#include <corosync/cpg.h>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace coterie::bench {

/// Of CLOCK_MONOTONIC.
[[nodiscard]] std::int64_t now_ns();
[[nodiscard]] constexpr std::int64_t in_ns(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }
/// `CALL: REASON`, for people.
[[nodiscard]] std::string fault_text(const char* call, cs_error_t fault);
[[nodiscard]] cpg_name name_of(std::string_view group);
[[nodiscard]] member_id id_of(const cpg_address& who);

/// Repeats a call while a daemon that has just started, or is changing its view, puts it off.
template <class Call>
cs_error_t insist(double limit_seconds, Call call) {
    const std::int64_t deadline = now_ns() + in_ns(limit_seconds);
    cs_error_t outcome = call();
    while ((outcome == CS_ERR_TRY_AGAIN || outcome == CS_ERR_LIBRARY) && now_ns() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        outcome = call();
    }
    return outcome;
}

/// One handle. Its context is what callbacks find with `owner<T>`.
class client_handle {
public:
    client_handle() = default;
    client_handle(client_handle&& other) noexcept : _handle(std::exchange(other._handle, 0)) {}
    client_handle& operator=(client_handle&&) = delete;
    ~client_handle() { close(); }

    /// Errors are texts for people.
    [[nodiscard]] std::expected<void, std::string> open(cpg_model_v1_data_t model, void* owner, double limit_seconds);
    [[nodiscard]] std::expected<void, std::string> join(std::string_view group, double limit_seconds);
    [[nodiscard]] cpg_handle_t get() const { return _handle; }
    [[nodiscard]] int descriptor() const;
    [[nodiscard]] member_id id() const;
    void close();

    template <class T>
    static T& owner(cpg_handle_t handle) {
        void* context = nullptr;
        cpg_context_get(handle, &context);
        return *static_cast<T*>(context);
    }

private:
    cpg_handle_t _handle = 0;
};

} // namespace coterie::bench

// SPDX-License-Identifier: BSD-3-Clause
#include "bench/client_handle.hpp"

#include <corosync/corotypes.h>
#include <unistd.h>

namespace coterie::bench {

std::int64_t now_ns() {
    using namespace std::chrono;
    return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

std::string fault_text(const char* call, cs_error_t fault) { return std::string(call) + ": " + cs_strerror(fault); }

cpg_name name_of(std::string_view group) {
    cpg_name result{};
    result.length = static_cast<std::uint32_t>(group.copy(result.value, sizeof(result.value)));
    return result;
}

member_id id_of(const cpg_address& who) { return {.node = {who.nodeid}, .pid = who.pid}; }

std::expected<void, std::string> client_handle::open(cpg_model_v1_data_t model, void* owner, double limit_seconds) {
    model.model = CPG_MODEL_V1;
    const cs_error_t outcome = insist(limit_seconds, [&] {
        return cpg_model_initialize(&_handle, CPG_MODEL_V1, reinterpret_cast<cpg_model_data_t*>(&model), owner);
    });
    if (outcome != CS_OK) {
        _handle = 0;
        return std::unexpected(fault_text("cannot connect to the daemon", outcome));
    }
    return {};
}

std::expected<void, std::string> client_handle::join(std::string_view group, double limit_seconds) {
    const cpg_name name = name_of(group);
    const cs_error_t outcome = insist(limit_seconds, [&] { return cpg_join(_handle, &name); });
    if (outcome != CS_OK) {
        return std::unexpected(fault_text(("cannot join " + std::string(group)).c_str(), outcome));
    }
    return {};
}

int client_handle::descriptor() const {
    int result = -1;
    cpg_fd_get(_handle, &result);
    return result;
}

member_id client_handle::id() const {
    unsigned node = 0;
    cpg_local_get(_handle, &node);
    return {.node = {node}, .pid = static_cast<std::uint32_t>(::getpid())};
}

void client_handle::close() {
    if (_handle != 0) {
        cpg_finalize(std::exchange(_handle, 0));
    }
}

} // namespace coterie::bench

// SPDX-License-Identifier: BSD-3-Clause
#include "bench/watch.hpp"

#include "bench/client_handle.hpp"

#include <cstdio>
#include <poll.h>
#include <span>

namespace coterie::bench {

namespace {

void tell(const char* what, const auto& nodes, auto node_of) {
    std::printf("%lld %s", static_cast<long long>(now_ns()), what);
    for (const auto& each : nodes) {
        std::printf(" %u", node_of(each));
    }
    std::printf("\n");
    std::fflush(stdout);
}

void on_change(cpg_handle_t, const cpg_name*, const cpg_address* members, size_t count, const cpg_address*, size_t,
               const cpg_address*, size_t) {
    tell("group", std::span(members, count), [](const cpg_address& each) { return each.nodeid; });
}

void on_ring(cpg_handle_t, cpg_ring_id, uint32_t count, const uint32_t* nodes) {
    tell("ring", std::span(nodes, count), [](uint32_t each) { return each; });
}

} // namespace

std::string watch(const std::string& group, double limit_seconds) {
    cpg_model_v1_data_t model{};
    model.cpg_confchg_fn = on_change;
    model.cpg_totem_confchg_fn = on_ring;
    model.flags = CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF;
    client_handle handle;
    if (auto opened = handle.open(model, nullptr, limit_seconds); !opened) {
        return opened.error();
    }
    if (auto joined = handle.join(group, limit_seconds); !joined) {
        return joined.error();
    }
    cs_error_t outcome = CS_OK;
    while (outcome == CS_OK || outcome == CS_ERR_TRY_AGAIN) {
        pollfd wanted{.fd = handle.descriptor(), .events = POLLIN, .revents = 0};
        ::poll(&wanted, 1, -1);
        outcome = cpg_dispatch(handle.get(), CS_DISPATCH_ALL);
    }
    return fault_text("the daemon has gone", outcome);
}

} // namespace coterie::bench

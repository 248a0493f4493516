// SPDX-License-Identifier: BSD-3-Clause
// A client that tells when it was told what: it joins a group and prints a line for every change of the group ("group" and
// its members' nodes) and of the ring ("ring" and its nodes), with CLOCK_MONOTONIC in nanoseconds in front. It uses
// <corosync/cpg.h> alone, so the same program runs on any daemon with that library. It goes on until it is ended, or until
// its daemon has gone.
#include <CLI/CLI.hpp>
#include <chrono>
#include <corosync/cpg.h>
#include <csignal>
#include <cstdio>
#include <poll.h>
#include <span>
#include <sys/prctl.h>
#include <thread>

namespace coterie::bench {

namespace {

using steady = std::chrono::steady_clock;

void tell(const char* what, const auto& nodes, auto node_of) {
    const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(steady::now().time_since_epoch()).count();
    std::printf("%lld %s", static_cast<long long>(now), what);
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

int fail(const char* what, cs_error_t why) {
    std::fprintf(stderr, "%s: %s\n", what, cs_strerror(why));
    return 1;
}

/// Repeats a call while a daemon that has just started, or is changing its view, puts it off.
template <class Call>
cs_error_t insist(std::chrono::seconds limit, Call call) {
    const auto deadline = steady::now() + limit;
    cs_error_t outcome = call();
    while ((outcome == CS_ERR_TRY_AGAIN || outcome == CS_ERR_LIBRARY) && steady::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        outcome = call();
    }
    return outcome;
}

int watch(std::chrono::seconds limit) {
    cpg_model_v1_data_t model{};
    model.model = CPG_MODEL_V1;
    model.cpg_confchg_fn = on_change;
    model.cpg_totem_confchg_fn = on_ring;
    model.flags = CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF;
    cpg_handle_t handle = 0;
    cs_error_t outcome = insist(limit, [&] {
        return cpg_model_initialize(&handle, CPG_MODEL_V1, reinterpret_cast<cpg_model_data_t*>(&model), nullptr);
    });
    if (outcome != CS_OK) {
        return fail("cannot connect to the daemon", outcome);
    }
    const cpg_name group{.length = 5, .value = "bench"};
    outcome = insist(limit, [&] { return cpg_join(handle, &group); });
    if (outcome != CS_OK) {
        return fail("cannot join", outcome);
    }
    int descriptor = -1;
    cpg_fd_get(handle, &descriptor);
    while (outcome == CS_OK || outcome == CS_ERR_TRY_AGAIN) {
        pollfd wanted{.fd = descriptor, .events = POLLIN, .revents = 0};
        ::poll(&wanted, 1, -1);
        outcome = cpg_dispatch(handle, CS_DISPATCH_ALL);
    }
    return fail("the daemon has gone", outcome);
}

} // namespace

} // namespace coterie::bench

int main(int count, char** words) {
    // Whoever measures may be killed.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int limit = 60;
    CLI::App app{"Prints when it is told of which change, on the monotonic clock."};
    app.add_option("--limit", limit, "seconds that connecting and joining may take each")->capture_default_str();
    CLI11_PARSE(app, count, words);
    return coterie::bench::watch(std::chrono::seconds(limit));
}

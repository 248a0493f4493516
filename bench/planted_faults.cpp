// SPDX-License-Identifier: BSD-3-Clause
// A library to be preloaded into a client: it hands one message on wrongly, as $PLANTED_FAULT says. With it a test sees that
// benchmarks fail when they ought to.
#include <corosync/cpg.h>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <vector>

namespace {

struct arrival {
    cpg_handle_t handle;
    cpg_name group;
    std::uint32_t node;
    std::uint32_t pid;
    std::vector<char> body;
};

cpg_deliver_fn_t deliver = nullptr; ///< the client's own
std::vector<arrival> held;
std::size_t arrived = 0;
bool done = false;

void hand_on(const arrival& what) {
    std::vector<char> body = what.body;
    deliver(what.handle, &what.group, what.node, what.pid, body.data(), body.size());
}

void on_message(cpg_handle_t handle, const cpg_name* group, std::uint32_t node, std::uint32_t pid, void* body,
                std::size_t bytes) {
    constexpr std::size_t place = 20; // somewhere in the row
    const char* const wish = std::getenv("PLANTED_FAULT");
    const std::string fault = wish == nullptr ? "" : wish;
    const auto* const begin = static_cast<const char*>(body);
    const arrival now{handle, *group, node, pid, {begin, begin + bytes}};
    if (++arrived < place || done) {
        hand_on(now);
    } else if (fault == "lost") {
        done = true;
    } else if (fault == "doubled") {
        done = true;
        hand_on(now);
        hand_on(now);
    } else if (fault == "altered") {
        done = true;
        arrival other = now;
        other.body.back() = static_cast<char>(other.body.back() ^ 1);
        hand_on(other);
    } else if (fault == "swapped") {
        // With the next one, whosever that is.
        held.push_back(now);
        if (held.size() == 2) {
            done = true;
            hand_on(held[1]);
            hand_on(held[0]);
        }
    } else if (fault == "reordered") {
        // With the next one of another sender: each sender's row stays as it is, and only other members can tell.
        if (held.empty() || held.back().pid == pid) {
            if (!held.empty()) {
                hand_on(held.back());
            }
            held = {now};
        } else {
            done = true;
            hand_on(now);
            hand_on(held.back());
        }
    } else {
        hand_on(now);
    }
}

} // namespace

extern "C" __attribute__((visibility("default"))) cs_error_t cpg_model_initialize(cpg_handle_t* handle,
                                                                                  cpg_model_t model,
                                                                                  cpg_model_data_t* data,
                                                                                  void* context) {
    using initialize = cs_error_t (*)(cpg_handle_t*, cpg_model_t, cpg_model_data_t*, void*);
    const auto real = reinterpret_cast<initialize>(::dlsym(RTLD_NEXT, "cpg_model_initialize"));
    auto own = *reinterpret_cast<cpg_model_v1_data_t*>(data);
    deliver = own.cpg_deliver_fn;
    own.cpg_deliver_fn = on_message;
    return real(handle, model, reinterpret_cast<cpg_model_data_t*>(&own), context);
}

// SPDX-License-Identifier: BSD-3-Clause
// One handle's rules: who may join, leave and send when, and how events become callbacks.
#include "client/group_handle.hpp"

#include "client/cancellation.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <poll.h>
#include <unistd.h>

namespace coterie::client {

namespace {

constexpr const char* default_socket = "/run/coterie/coteried.sock";

cs_error_t error_of(ipc::status result) { return static_cast<cs_error_t>(result); }

std::string socket_path() {
    const char* const path = ::secure_getenv("COTERIE_SOCKET");
    return path != nullptr && *path != '\0' ? path : default_socket;
}

cpg_name name_of(std::string_view group) {
    cpg_name result{};
    result.length = static_cast<std::uint32_t>(std::min(group.size(), sizeof(result.value)));
    std::copy_n(group.begin(), result.length, result.value);
    return result;
}

/// The same list in the words of cpg.h: both are three numbers of 32 bits in this order.
const cpg_address* addresses_of(std::span<const ipc::address> list) {
    static_assert(sizeof(ipc::address) == sizeof(cpg_address) && alignof(ipc::address) == alignof(cpg_address));
    static_assert(offsetof(ipc::address, node) == offsetof(cpg_address, nodeid) &&
                  offsetof(ipc::address, pid) == offsetof(cpg_address, pid) &&
                  offsetof(ipc::address, reason) == offsetof(cpg_address, reason));
    return reinterpret_cast<const cpg_address*>(list.data());
}

bool runs_one(cs_dispatch_flags_t flags) { return flags == CS_DISPATCH_ONE || flags == CS_DISPATCH_ONE_NONBLOCKING; }

} // namespace

std::expected<std::shared_ptr<group_handle>, cs_error_t> group_handle::open(const cpg_model_v1_data_t& model,
                                                                            void* context) {
    auto channel = ipc::client_channel::connect(socket_path(), {.ring_views = model.cpg_totem_confchg_fn != nullptr,
                                                                .pid = static_cast<std::uint32_t>(::getpid())});
    if (!channel) {
        return std::unexpected(error_of(channel.error()));
    }
    return std::shared_ptr<group_handle>(new group_handle(std::move(*channel), model, context));
}

group_handle::group_handle(std::unique_ptr<ipc::client_channel> channel, const cpg_model_v1_data_t& model,
                           void* context)
    : _channel(std::move(channel)),
      _model(model),
      _pid(static_cast<std::uint32_t>(::getpid())),
      _trace(client_trace::open(node(), _pid)),
      _context(context) {}

void group_handle::note_own_part(const ipc::event& what) {
    const auto is_self = [&](const ipc::address& each) { return each.node == node() && each.pid == _pid; };
    const bool left = std::any_of(what.left.begin(), what.left.end(), is_self);
    if (left || std::any_of(what.joined.begin(), what.joined.end(), is_self)) {
        const std::scoped_lock lock(_mutex);
        _standing.changed_itself(left);
        _settled.notify_all();
    }
}

cs_error_t group_handle::join(std::string_view group) {
    standing::operation which = 0;
    {
        const std::scoped_lock lock(_mutex);
        if (const cs_error_t fault = _standing.judge_join(); fault != CS_OK) {
            return fault;
        }
        which = _standing.begin_join(group);
    }
    if (_trace) {
        _trace->asked_to_join(group);
    }
    const bool initial =
        (_model.flags & CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF) != 0 && _model.cpg_totem_confchg_fn != nullptr;
    return carry_out(which, ipc::request_kind::join, group, initial ? ipc::request::initial_ring_view : 0);
}

cs_error_t group_handle::leave(std::string_view group) {
    standing::operation which = 0;
    {
        std::unique_lock lock(_mutex);
        // Behind a join that another thread is asking for.
        _settled.wait(lock, [&] { return !_standing.joining(); });
        if (const cs_error_t fault = _standing.judge_leave(group); fault != CS_OK) {
            return fault;
        }
        // From here on no multicast is handed over, so none can come behind the leave.
        which = _standing.begin_leave();
    }
    if (_trace) {
        _trace->asked_to_leave();
    }
    return carry_out(which, ipc::request_kind::leave, {}, 0);
}

cs_error_t group_handle::carry_out(standing::operation which, ipc::request_kind kind, std::string_view group,
                                   std::uint16_t flags) {
    const ipc::status result = _channel->ask({.kind = kind, .flags = flags, .group = group}).result;
    if (_trace) {
        _trace->answered(result == ipc::status::ok);
    }
    const std::scoped_lock lock(_mutex);
    _standing.answered(which, result == ipc::status::ok);
    _settled.notify_all();
    return error_of(result);
}

cs_error_t group_handle::multicast(cpg_guarantee_t guarantee, std::span<const iovec> parts) {
    std::size_t bytes = 0;
    for (const iovec& part : parts) {
        if (part.iov_base == nullptr && part.iov_len != 0) {
            return CS_ERR_INVALID_PARAM;
        }
        if (__builtin_add_overflow(bytes, part.iov_len, &bytes)) {
            return CS_ERR_TOO_BIG;
        }
    }
    const bool safe = guarantee == CPG_TYPE_SAFE;
    const std::scoped_lock lock(_mutex);
    if (const cs_error_t fault = judge_send(); fault != CS_OK) {
        return fault;
    }
    if (!_trace) {
        return error_of(_channel->multicast(safe, parts, bytes));
    }
    const auto held = _trace->hold();
    const ipc::status result = _channel->multicast(safe, parts, bytes);
    if (result == ipc::status::ok) {
        _trace->accepted(_standing.group(), parts, bytes, safe, held);
    }
    return error_of(result);
}

cs_error_t group_handle::multicast_buffer(cpg_guarantee_t guarantee, void* start, std::size_t bytes) {
    const bool safe = guarantee == CPG_TYPE_SAFE;
    const iovec part{.iov_base = start, .iov_len = bytes};
    // The order among the handle's requests is settled when it is put; waiting is done without the lock on the standing.
    ipc::client_channel::question asked(*_channel);
    std::unique_lock<std::mutex> trace_held;
    std::string traced_group;
    {
        const std::scoped_lock lock(_mutex);
        if (const cs_error_t fault = judge_send(); fault != CS_OK) {
            return fault;
        }
        const auto wish = _channel->multicast_from_buffer(safe, start, bytes);
        if (!wish) {
            return error_of(wish.error());
        }
        if (_trace) {
            trace_held = _trace->hold();
        }
        if (const ipc::status put = asked.put(*wish); put != ipc::status::ok) {
            return error_of(put);
        }
        traced_group = _standing.group();
    }
    const ipc::status result = asked.wait().result;
    if (_trace && result == ipc::status::ok) {
        _trace->accepted(traced_group, {&part, 1}, bytes, safe, trace_held);
    }
    return error_of(result);
}

cs_error_t group_handle::judge_send() const {
    if (_finalized) {
        return CS_ERR_BAD_HANDLE;
    }
    return _standing.joined() ? CS_OK : CS_ERR_NOT_EXIST;
}

ipc::client_channel::taken_event group_handle::next_event() {
    const no_cancellation whole;
    ipc::client_channel::taken_event next = _channel->next_event();
    if (_finalized || next.how == ipc::transfer::later || next.how == ipc::transfer::exhausted) {
        return next;
    }
    if (next.how != ipc::transfer::done) {
        if (_trace) {
            _trace->failed();
        }
        return next;
    }
    if (_trace) {
        _trace->saw(next.what);
    }
    if (next.what.kind == ipc::event_kind::change) {
        note_own_part(next.what);
    }
    return next;
}

cs_error_t group_handle::dispatch(cpg_handle_t self, cs_dispatch_flags_t flags) {
    while (true) {
        ipc::client_channel::taken_event next;
        try {
            next = next_event();
        } catch (const std::bad_alloc&) {
            // The event stays where it is.
            return CS_ERR_NO_MEMORY;
        }
        if (_finalized) {
            return CS_ERR_BAD_HANDLE;
        }
        if (next.how == ipc::transfer::later) {
            if (flags == CS_DISPATCH_ALL) {
                return CS_OK;
            }
            if (flags == CS_DISPATCH_ONE_NONBLOCKING) {
                return CS_ERR_TRY_AGAIN;
            }
            static_cast<void>(_channel->wait_for_event(-1));
            continue;
        }
        if (next.how == ipc::transfer::exhausted) {
            return CS_ERR_NO_RESOURCES;
        }
        if (next.how != ipc::transfer::done) {
            return CS_ERR_LIBRARY;
        }
        if (runs_one(flags)) {
            // Whoever polls next, perhaps in the callback, has to be told of the next event only.
            const no_cancellation whole;
            _channel->settle();
        }
        run_callback(self, std::move(next));
        if (_finalized) {
            return CS_ERR_BAD_HANDLE;
        }
        if (runs_one(flags)) {
            return CS_OK;
        }
    }
}

void group_handle::run_callback(cpg_handle_t self, ipc::client_channel::taken_event taken) const {
    const ipc::event& what = taken.what;
    const cpg_name group = name_of(what.group);
    switch (what.kind) {
    case ipc::event_kind::message:
        if (_model.cpg_deliver_fn != nullptr) {
            _model.cpg_deliver_fn(self, &group, what.sender.node.value, what.sender.pid, what.body.data(),
                                  what.body.size());
        }
        break;
    case ipc::event_kind::change:
        if (_model.cpg_confchg_fn != nullptr) {
            _model.cpg_confchg_fn(self, &group, addresses_of(what.members), what.members.size(),
                                  addresses_of(what.left), what.left.size(), addresses_of(what.joined),
                                  what.joined.size());
        }
        break;
    case ipc::event_kind::ring_view:
        if (_model.cpg_totem_confchg_fn != nullptr) {
            _model.cpg_totem_confchg_fn(self, {.nodeid = what.coordinator.value, .seq = what.epoch},
                                        static_cast<std::uint32_t>(what.nodes.size()), what.nodes.data());
        }
        break;
    }
    const no_cancellation whole;
    taken.storage = {};
}

cs_error_t group_handle::finalize() {
    {
        // No callback begins from here on, and no multicast is handed over behind the request to finalize.
        const std::scoped_lock lock(_mutex);
        _finalized = true;
    }
    const ipc::status result = _channel->ask({.kind = ipc::request_kind::finalize}).result;
    if (_trace) {
        _trace->closed();
    }
    _channel->close();
    return error_of(result);
}

void group_handle::abandon() {
    _finalized = true;
    _channel->abandon();
}

bool group_handle::is_cut_off() const {
    pollfd connection{.fd = event_descriptor(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&connection, 1, 0) == 1;
}

std::expected<std::vector<ipc::address>, cs_error_t> group_handle::members_of(std::string_view group) {
    const auto answer = _channel->ask({.kind = ipc::request_kind::membership, .group = group});
    if (answer.result != ipc::status::ok) {
        return std::unexpected(error_of(answer.result));
    }
    auto members = ipc::unpack_members(answer.body);
    if (!members) {
        return std::unexpected(CS_ERR_LIBRARY);
    }
    return std::move(*members);
}

std::expected<ipc::pauses, cs_error_t> group_handle::pauses() {
    const auto answer = _channel->ask({.kind = ipc::request_kind::pauses});
    if (answer.result != ipc::status::ok) {
        return std::unexpected(error_of(answer.result));
    }
    const auto known = ipc::unpack_pauses(answer.body);
    return known ? std::expected<ipc::pauses, cs_error_t>(*known) : std::unexpected(CS_ERR_LIBRARY);
}

std::expected<std::vector<std::byte>, cs_error_t> group_handle::all_groups() {
    auto answer = _channel->ask({.kind = ipc::request_kind::groups});
    if (answer.result != ipc::status::ok) {
        return std::unexpected(error_of(answer.result));
    }
    return std::move(answer.body);
}

std::expected<void*, cs_error_t> group_handle::take_buffer(std::size_t bytes) {
    ipc::status fault{};
    void* const result = _channel->take_buffer(bytes, fault);
    return result == nullptr ? std::expected<void*, cs_error_t>(std::unexpected(error_of(fault))) : result;
}

} // namespace coterie::client

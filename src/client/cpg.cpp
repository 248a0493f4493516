// SPDX-License-Identifier: BSD-3-Clause
// The C functions of cpg.h: arguments are checked, the handle is looked up, the object behind it does the work. Nothing
// thrown in here reaches the application.
#include "client/cancellation.hpp"
#include "client/open_handles.hpp"

#include <algorithm>
#include <coterie/pauses.h>
#include <cstring>
#include <new>

namespace {

using coterie::client::all_handles;
using coterie::client::group_handle;
using coterie::client::iteration;
using coterie::client::no_cancellation;

/// Sends of up to this size are one step; the value is that of the reference implementation.
constexpr std::uint32_t atomic_message_bytes = 1'048'576 - 1'024;

/// Runs `work` on the object behind the handle.
template <class Work>
cs_error_t with(cpg_handle_t handle, Work work) noexcept {
    const no_cancellation whole;
    try {
        const std::shared_ptr<group_handle> object = all_handles().groups.find(handle);
        if (!object) {
            return CS_ERR_BAD_HANDLE;
        }
        const cs_error_t result = work(*object);
        // It is not the daemon that has gone when another thread has finalized the handle meanwhile.
        return result == CS_ERR_LIBRARY && object->finalized() ? CS_ERR_BAD_HANDLE : result;
    } catch (const std::bad_alloc&) {
        return CS_ERR_NO_MEMORY;
    } catch (...) {
        return CS_ERR_LIBRARY;
    }
}

std::string_view view_of(const cpg_name& name) { return {name.value, name.length}; }

/// The number that a C program passed where an enumeration is meant; it may be none of its values.
template <class Enumeration>
unsigned number_of(const Enumeration& value) {
    unsigned result = 0;
    static_assert(sizeof(result) == sizeof(value));
    std::memcpy(&result, &value, sizeof(result));
    return result;
}

bool is_within(unsigned value, unsigned first, unsigned last) { return value >= first && value <= last; }

/// What is wrong with a name, or CS_OK.
cs_error_t judged(const cpg_name* name) {
    if (name == nullptr) {
        return CS_ERR_INVALID_PARAM;
    }
    return name->length > CPG_MAX_NAME_LENGTH ? CS_ERR_NAME_TOO_LONG : CS_OK;
}

} // namespace

extern "C" {

cs_error_t cpg_initialize(cpg_handle_t* handle, cpg_callbacks_t* callbacks) {
    cpg_model_v1_data_t model{};
    model.model = CPG_MODEL_V1;
    if (callbacks != nullptr) {
        model.cpg_deliver_fn = callbacks->cpg_deliver_fn;
        model.cpg_confchg_fn = callbacks->cpg_confchg_fn;
    }
    return cpg_model_initialize(handle, CPG_MODEL_V1, reinterpret_cast<cpg_model_data_t*>(&model), nullptr);
}

cs_error_t cpg_model_initialize(cpg_handle_t* handle, cpg_model_t model, cpg_model_data_t* model_data, void* context) {
    if (handle == nullptr || number_of(model) != CPG_MODEL_V1) {
        return CS_ERR_INVALID_PARAM;
    }
    cpg_model_v1_data_t wanted{};
    if (model_data != nullptr) {
        wanted = *reinterpret_cast<cpg_model_v1_data_t*>(model_data);
    }
    if ((wanted.flags & ~static_cast<unsigned>(CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF)) != 0) {
        return CS_ERR_INVALID_PARAM;
    }
    const no_cancellation whole;
    try {
        // First: a process that forks while this is under way is taken care of.
        coterie::client::open_handles& handles = all_handles();
        auto opened = group_handle::open(wanted, context);
        if (!opened) {
            return opened.error();
        }
        *handle = handles.groups.add(std::move(*opened));
        return CS_OK;
    } catch (const std::bad_alloc&) {
        return CS_ERR_NO_MEMORY;
    } catch (...) {
        return CS_ERR_LIBRARY;
    }
}

cs_error_t cpg_finalize(cpg_handle_t handle) {
    const no_cancellation whole;
    try {
        const std::shared_ptr<group_handle> object = all_handles().groups.take(handle);
        if (!object) {
            return CS_ERR_BAD_HANDLE;
        }
        all_handles().iterations.remove_if([&](const iteration& each) { return each.belongs_to(*object); });
        return object->finalize();
    } catch (...) {
        return CS_ERR_LIBRARY;
    }
}

cs_error_t cpg_fd_get(cpg_handle_t handle, int* fd) {
    return fd == nullptr ? CS_ERR_INVALID_PARAM : with(handle, [&](group_handle& object) {
        *fd = object.event_descriptor();
        return CS_OK;
    });
}

cs_error_t cpg_max_atomic_msgsize_get(cpg_handle_t handle, uint32_t* size) {
    return size == nullptr ? CS_ERR_INVALID_PARAM : with(handle, [&](group_handle&) {
        *size = atomic_message_bytes;
        return CS_OK;
    });
}

cs_error_t cpg_context_get(cpg_handle_t handle, void** context) {
    return context == nullptr ? CS_ERR_INVALID_PARAM : with(handle, [&](group_handle& object) {
        *context = object.context();
        return CS_OK;
    });
}

cs_error_t cpg_context_set(cpg_handle_t handle, void* context) {
    return with(handle, [&](group_handle& object) {
        object.set_context(context);
        return CS_OK;
    });
}

cs_error_t cpg_dispatch(cpg_handle_t handle, cs_dispatch_flags_t dispatch_types) {
    if (!is_within(number_of(dispatch_types), CS_DISPATCH_ONE, CS_DISPATCH_ONE_NONBLOCKING)) {
        return CS_ERR_INVALID_PARAM;
    }
    // Not through with(): what an application's callback throws is passed on to the application.
    const std::shared_ptr<group_handle> object = all_handles().groups.find(handle);
    return object ? object->dispatch(handle, dispatch_types) : CS_ERR_BAD_HANDLE;
}

cs_error_t cpg_join(cpg_handle_t handle, const struct cpg_name* group) {
    const cs_error_t fault = judged(group);
    return fault != CS_OK ? fault : with(handle, [&](group_handle& object) { return object.join(view_of(*group)); });
}

cs_error_t cpg_leave(cpg_handle_t handle, const struct cpg_name* group) {
    const cs_error_t fault = judged(group);
    return fault != CS_OK ? fault : with(handle, [&](group_handle& object) { return object.leave(view_of(*group)); });
}

cs_error_t cpg_mcast_joined(cpg_handle_t handle, cpg_guarantee_t guarantee, const struct iovec* iovec,
                            unsigned int iov_len) {
    if ((iovec == nullptr && iov_len != 0) || !is_within(number_of(guarantee), CPG_TYPE_UNORDERED, CPG_TYPE_SAFE)) {
        return CS_ERR_INVALID_PARAM;
    }
    return with(handle, [&](group_handle& object) { return object.multicast(guarantee, {iovec, iov_len}); });
}

cs_error_t cpg_membership_get(cpg_handle_t handle, struct cpg_name* groupName, struct cpg_address* member_list,
                              int* member_list_entries) {
    if (const cs_error_t fault = judged(groupName); fault != CS_OK) {
        return fault;
    }
    if (member_list == nullptr || member_list_entries == nullptr) {
        return CS_ERR_INVALID_PARAM;
    }
    return with(handle, [&](group_handle& object) {
        const auto members = object.members_of(view_of(*groupName));
        if (!members) {
            return members.error();
        }
        const std::size_t count = std::min<std::size_t>(members->size(), CPG_MEMBERS_MAX);
        for (std::size_t i = 0; i < count; ++i) {
            const coterie::ipc::address& each = (*members)[i];
            member_list[i] = {.nodeid = each.node.value, .pid = each.pid, .reason = CPG_REASON_UNDEFINED};
        }
        *member_list_entries = static_cast<int>(count);
        return count < members->size() ? CS_ERR_NO_SPACE : CS_OK;
    });
}

cs_error_t cpg_local_get(cpg_handle_t handle, unsigned int* local_nodeid) {
    return local_nodeid == nullptr ? CS_ERR_INVALID_PARAM : with(handle, [&](group_handle& object) {
        *local_nodeid = object.node().value;
        return object.is_cut_off() ? CS_ERR_LIBRARY : CS_OK;
    });
}

cs_error_t coterie_pauses_get(cpg_handle_t handle, struct coterie_pauses* pauses) {
    return pauses == nullptr ? CS_ERR_INVALID_PARAM : with(handle, [&](group_handle& object) {
        const auto known = object.pauses();
        if (!known) {
            return known.error();
        }
        *pauses = {.count = known->count, .last_ns = known->last_ns, .passed_ns = known->passed_ns};
        return CS_OK;
    });
}

cs_error_t cpg_flow_control_state_get(cpg_handle_t handle, cpg_flow_control_state_t* flow_control_enabled) {
    return flow_control_enabled == nullptr ? CS_ERR_INVALID_PARAM : with(handle, [&](group_handle& object) {
        *flow_control_enabled = object.blocked() ? CPG_FLOW_CONTROL_ENABLED : CPG_FLOW_CONTROL_DISABLED;
        return CS_OK;
    });
}

cs_error_t cpg_zcb_alloc(cpg_handle_t handle, size_t size, void** buffer) {
    return buffer == nullptr ? CS_ERR_INVALID_PARAM : with(handle, [&](group_handle& object) {
        const auto taken = object.take_buffer(size);
        *buffer = taken.value_or(nullptr);
        return taken ? CS_OK : taken.error();
    });
}

cs_error_t cpg_zcb_free(cpg_handle_t handle, void* buffer) {
    return with(handle,
                [&](group_handle& object) { return object.give_back_buffer(buffer) ? CS_OK : CS_ERR_INVALID_PARAM; });
}

cs_error_t cpg_zcb_mcast_joined(cpg_handle_t handle, cpg_guarantee_t guarantee, void* msg, size_t msg_len) {
    if (!is_within(number_of(guarantee), CPG_TYPE_UNORDERED, CPG_TYPE_SAFE)) {
        return CS_ERR_INVALID_PARAM;
    }
    return with(handle, [&](group_handle& object) {
        return msg == nullptr ? CS_ERR_INVALID_PARAM : object.multicast_buffer(guarantee, msg, msg_len);
    });
}

cs_error_t cpg_iteration_initialize(cpg_handle_t handle, cpg_iteration_type_t iteration_type,
                                    const struct cpg_name* group, cpg_iteration_handle_t* cpg_iteration_handle) {
    if (cpg_iteration_handle == nullptr ||
        !is_within(number_of(iteration_type), CPG_ITERATION_NAME_ONLY, CPG_ITERATION_ALL)) {
        return CS_ERR_INVALID_PARAM;
    }
    const bool one = iteration_type == CPG_ITERATION_ONE_GROUP;
    if (one != (group != nullptr)) {
        return CS_ERR_INVALID_PARAM;
    }
    if (one && group->length > CPG_MAX_NAME_LENGTH) {
        return CS_ERR_NAME_TOO_LONG;
    }
    return with(handle, [&](group_handle& object) {
        auto begun = iteration::begin(object, iteration_type, one ? view_of(*group) : std::string_view{});
        if (!begun) {
            return begun.error();
        }
        *cpg_iteration_handle = all_handles().iterations.add(std::move(*begun));
        return CS_OK;
    });
}

cs_error_t cpg_iteration_next(cpg_iteration_handle_t handle, struct cpg_iteration_description_t* description) {
    if (description == nullptr) {
        return CS_ERR_INVALID_PARAM;
    }
    const std::shared_ptr<iteration> object = all_handles().iterations.find(handle);
    if (!object) {
        return CS_ERR_BAD_HANDLE;
    }
    const auto row = object->next();
    if (!row) {
        return CS_ERR_NO_SECTIONS;
    }
    *description = *row;
    return CS_OK;
}

cs_error_t cpg_iteration_finalize(cpg_iteration_handle_t handle) {
    return all_handles().iterations.take(handle) ? CS_OK : CS_ERR_BAD_HANDLE;
}

} // extern "C"

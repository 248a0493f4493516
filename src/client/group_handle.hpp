// SPDX-License-Identifier: BSD-3-Clause
// What stands behind a cpg_handle_t: a channel to the daemon, the application's callbacks, and which group the handle is
// in. The functions are those of cpg.h without the handle; arguments have been checked for null pointers.
#pragma once

#include "client/client_trace.hpp"
#include "ipc/client_channel.hpp"

#include <atomic>
#include <corosync/cpg.h>
#include <expected>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>

namespace coterie::client {

/// Thread-safe; no lock is held while a callback runs or a call waits.
class group_handle {
public:
    [[nodiscard]] static std::expected<std::shared_ptr<group_handle>, cs_error_t> open(const cpg_model_v1_data_t& model,
                                                                                       void* context);

    [[nodiscard]] cs_error_t join(std::string_view group);
    [[nodiscard]] cs_error_t leave(std::string_view group);
    [[nodiscard]] cs_error_t multicast(cpg_guarantee_t guarantee, std::span<const iovec> parts);
    /// `self` is what callbacks are told.
    [[nodiscard]] cs_error_t dispatch(cpg_handle_t self, cs_dispatch_flags_t flags);
    /// Call once, when the handle is no longer known to others.
    [[nodiscard]] cs_error_t finalize();

    [[nodiscard]] std::expected<std::vector<ipc::address>, cs_error_t> members_of(std::string_view group);
    /// The reply to a request for all groups, for ipc::unpack_groups.
    [[nodiscard]] std::expected<std::vector<std::byte>, cs_error_t> all_groups();

    [[nodiscard]] int event_descriptor() const { return _channel->event_descriptor(); }
    [[nodiscard]] base::node_id node() const { return _channel->greeting().node; }
    [[nodiscard]] bool blocked() { return _channel->blocked(); }
    [[nodiscard]] void* context() const { return _context; }
    void set_context(void* context) { _context = context; }

    [[nodiscard]] void* take_buffer(std::size_t bytes);
    /// False if it was not taken here.
    [[nodiscard]] bool give_back_buffer(void* buffer);

private:
    /// The daemon has the last word; this says what it has been asked for so far.
    enum class standing : std::uint8_t { outside, joining, joined, leaving };

    group_handle(std::unique_ptr<ipc::client_channel> channel, const cpg_model_v1_data_t& model, void* context);
    /// Begins a join or a leave; its number, for finish().
    std::uint64_t begin(standing under_way);
    /// The answer to the join or leave of this number has come, unless a change has told its outcome before.
    void finish(std::uint64_t operation, standing outcome);
    /// A change that lists this process proves that what was asked for was accepted.
    void note_own_part(const ipc::event& what);
    void run_callback(cpg_handle_t self, const ipc::event& what) const;

    const std::unique_ptr<ipc::client_channel> _channel;
    const cpg_model_v1_data_t _model;
    const std::uint32_t _pid;
    const std::unique_ptr<client_trace> _trace;
    std::atomic<void*> _context;
    std::atomic<bool> _finalized = false;

    std::mutex _mutex; ///< the standing; held while a multicast is handed over, so that none follows a leave
    standing _standing = standing::outside;
    std::uint64_t _operation = 0; ///< counts joins and leaves
    std::string _group;

    std::mutex _buffers_mutex;
    std::unordered_map<void*, std::unique_ptr<std::byte[]>> _buffers;
};

} // namespace coterie::client

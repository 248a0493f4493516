// SPDX-License-Identifier: BSD-3-Clause
// What stands behind a cpg_handle_t: a channel to the daemon, the application's callbacks, and which group the handle is
// in. The functions are those of cpg.h without the handle; arguments have been checked for null pointers.
#pragma once

#include "client/client_trace.hpp"
#include "client/standing.hpp"
#include "ipc/client_channel.hpp"

#include <atomic>
#include <condition_variable>
#include <corosync/cpg.h>
#include <expected>
#include <memory>
#include <mutex>
#include <span>
#include <string>

namespace coterie::client {

/// Thread-safe; no lock is held while a callback runs or a call waits.
class group_handle {
public:
    [[nodiscard]] static std::expected<std::shared_ptr<group_handle>, cs_error_t> open(const cpg_model_v1_data_t& model,
                                                                                       void* context);

    [[nodiscard]] cs_error_t join(std::string_view group);
    [[nodiscard]] cs_error_t leave(std::string_view group);
    [[nodiscard]] cs_error_t multicast(cpg_guarantee_t guarantee, std::span<const iovec> parts);
    /// The same for a message in memory from take_buffer(), which can be used again at once.
    [[nodiscard]] cs_error_t multicast_buffer(cpg_guarantee_t guarantee, void* start, std::size_t bytes);
    /// `self` is what callbacks are told.
    [[nodiscard]] cs_error_t dispatch(cpg_handle_t self, cs_dispatch_flags_t flags);
    /// Call once, when the handle is no longer known to others.
    [[nodiscard]] cs_error_t finalize();
    /// True from the moment that finalize() began.
    [[nodiscard]] bool finalized() const { return _finalized; }
    /// Around a fork, in the parent.
    void before_fork() { _channel->before_fork(); }
    void after_fork() { _channel->after_fork(); }
    /// In a forked child: lets go of the parent's connection, without a word to the daemon. A dispatch during whose callback
    /// the fork happened ends; nothing else may be called.
    void abandon();
    /// Whether the daemon has gone.
    [[nodiscard]] bool is_cut_off() const;

    [[nodiscard]] std::expected<std::vector<ipc::address>, cs_error_t> members_of(std::string_view group);
    [[nodiscard]] std::expected<ipc::pauses, cs_error_t> pauses();
    /// The reply to a request for all groups, for ipc::unpack_groups.
    [[nodiscard]] std::expected<std::vector<std::byte>, cs_error_t> all_groups();

    [[nodiscard]] int event_descriptor() const { return _channel->event_descriptor(); }
    [[nodiscard]] base::node_id node() const { return _channel->greeting().node; }
    [[nodiscard]] bool blocked() { return _channel->blocked(); }
    [[nodiscard]] void* context() const { return _context; }
    void set_context(void* context) { _context = context; }

    /// Memory that the daemon sees too.
    [[nodiscard]] std::expected<void*, cs_error_t> take_buffer(std::size_t bytes);
    /// False if it was not taken here.
    [[nodiscard]] bool give_back_buffer(void* buffer) { return _channel->give_back_buffer(buffer); }

private:
    group_handle(std::unique_ptr<ipc::client_channel> channel, const cpg_model_v1_data_t& model, void* context);
    /// Asks the daemon for the join or leave that has begun under this number.
    [[nodiscard]] cs_error_t carry_out(standing::operation which, ipc::request_kind kind, std::string_view group,
                                       std::uint16_t flags);
    /// Whether this handle may send now; the caller holds _mutex.
    [[nodiscard]] cs_error_t judge_send() const;
    /// Takes the next event, and notes what it says about this handle.
    [[nodiscard]] ipc::client_channel::taken_event next_event();
    /// A change that lists this process proves that what was asked for was accepted.
    void note_own_part(const ipc::event& what);
    /// Gives back the event's storage when the application has done with it.
    void run_callback(cpg_handle_t self, ipc::client_channel::taken_event taken) const;

    const std::unique_ptr<ipc::client_channel> _channel;
    const cpg_model_v1_data_t _model;
    const std::uint32_t _pid;
    const std::unique_ptr<client_trace> _trace;
    std::atomic<void*> _context;
    std::atomic<bool> _finalized = false;

    std::mutex _mutex; ///< the standing; held while a multicast is handed over, so that none follows a leave
    standing _standing;
    std::condition_variable _settled; ///< a join has been answered, or proved by its change
};

} // namespace coterie::client

// SPDX-License-Identifier: BSD-3-Clause
// What one handle's application asked for and saw, written down for the checker when $COTERIE_TRACE names a file. The
// order in which a handle's lines stand is one in which things can have happened: nothing is delivered before it was
// accepted.
#pragma once

#include "ipc/messages.hpp"
#include "trace/recorders.hpp"

#include <memory>
#include <mutex>
#include <string_view>
#include <sys/uio.h>

namespace coterie::client {

/// Thread-safe.
class client_trace {
public:
    /// Null unless tracing is switched on and the file can be written.
    [[nodiscard]] static std::unique_ptr<client_trace> open(base::node_id node, std::uint32_t pid);
    client_trace(const client_trace&) = delete;
    client_trace& operator=(const client_trace&) = delete;

    /// Around the sending of a message and its record, so that no delivery of it comes between.
    [[nodiscard]] std::unique_lock<std::mutex> hold() { return std::unique_lock(_mutex); }
    void accepted(std::string_view group, std::span<const iovec> parts, std::size_t bytes, bool safe,
                  const std::unique_lock<std::mutex>& held);

    /// A join or leave is about to be asked for; whichever of the answer and the change comes first proves that it was
    /// accepted.
    void asked_to_join(std::string_view group);
    void asked_to_leave();
    void answered(bool accepted);

    void saw(const ipc::event& what);
    void closed();
    void failed();

private:
    client_trace(trace::file_recorder file, base::node_id node, std::uint32_t pid, std::uint64_t stream);
    [[nodiscard]] trace::event blank(trace::event_kind kind) const;
    void write_asked();

    std::mutex _mutex;
    trace::file_recorder _file;
    const base::node_id _node;
    const std::uint32_t _pid;
    const std::uint64_t _stream;
    bool _over = false;
    bool _asking = false;
    trace::event _asked;
    std::vector<std::byte> _joined_parts;
};

} // namespace coterie::client

// SPDX-License-Identifier: BSD-3-Clause
// Closed process groups on a ring: joins, leaves, deaths, messages whole and in pieces, the exchange of tables after a
// view change, and what local clients are told of it all. A state machine without I/O: it is the ring's listener and
// packet source, takes requests of local handles, and hands events to a client_sink. docs/protocol.md, section 5.
#pragma once

#include "base/buffer.hpp"
#include "ring/listener.hpp"
#include "trace/event.hpp"

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::groups {

using base::node_id;
using base::view_id;
using trace::departed;
using trace::process;
using trace::reason;

/// One use of the service by a local client; chosen by the service, never used twice in an incarnation.
using handle_id = base::strong_number<struct handle_id_tag, std::uint64_t>;

/// Why a request is not accepted. The names follow cs_error_t.
enum class refusal : std::uint8_t {
    try_again, ///< the handle's queue is full, or the handle is still leaving
    exist,     ///< the handle has joined or is joining; or this process is in that group by another handle
    not_exist, ///< the handle has not joined, or is leaving
    too_big,   ///< larger than settings::message_bytes_max
    name_too_long,
    invalid,    ///< empty group name, or a pid of 0
    bad_handle, ///< unknown or closed
    no_space,   ///< too many handles
};
[[nodiscard]] std::string_view to_string(refusal why);

/// Every node takes messages of this size, whatever it lets its own clients send: what one delivers all have to.
inline constexpr std::uint64_t message_bytes_limit = std::uint64_t{1} << 30U;

struct settings {
    base::member self;
    std::uint64_t message_bytes_max = std::uint64_t{64} << 20U; ///< of what is sent here, at most message_bytes_limit
    std::uint64_t queue_bytes_max = std::uint64_t{1} << 20U; ///< accepted and not yet numbered, a handle; one message
                                                             ///< is always taken when the queue is empty
    std::size_t queue_messages_max = 4'096;
    /// What a queue takes beyond that of messages sent ahead of a request whose sender waits for the answer.
    std::uint64_t reserve_bytes = std::uint64_t{136} << 20U;
    std::size_t reserve_messages = 524'288;
    std::size_t handles_max = 65'536;
    std::size_t processes_max = 1'000'000; ///< table entries in all; what goes beyond is refused and counted
};

enum class guarantee : std::uint8_t { agreed, safe };

/// A change of a group as one local member sees it. Spans are valid during the call.
struct change {
    std::string_view group;
    std::span<const process> members; ///< after the change, sorted
    std::span<const departed> left;   ///< sorted
    std::span<const departed> joined; ///< sorted; either this or `left` is empty
};

struct message {
    std::string_view group;
    process sender;
    base::bytes_view body; ///< valid during the call; longer if `owner` is kept
    base::buffer owner;    ///< the packet or the assembly that `body` lies in
};

/// The ring as clients see it: the view of the latest common point.
struct ring_view {
    view_id id;
    std::span<const node_id> members; ///< sorted
};

/// What local clients are told. Called from within an input to the service or the ring, in the one order of events;
/// must not call back.
class client_sink {
public:
    virtual ~client_sink() = default;
    virtual void on_change(handle_id handle, const change& what) = 0;
    virtual void on_message(handle_id handle, const message& what) = 0;
    virtual void on_ring_view(handle_id handle, const ring_view& view) = 0;
    /// Room has come back in the queue of a handle that was refused with try_again.
    virtual void on_writable(handle_id handle) = 0;
};

struct counters {
    std::uint64_t accepted = 0; ///< messages
    std::uint64_t numbered = 0;
    std::uint64_t delivered = 0;      ///< to local clients, one count each
    std::uint64_t malformed = 0;      ///< payloads that are no records
    std::uint64_t implausible = 0;    ///< records that no honest member sends (unknown slot, wrong offset, ...)
    std::uint64_t table_mismatch = 0; ///< tables of nodes that moved together which differ from what was known
    std::uint64_t common_points = 0;
    std::uint64_t assembling_bytes = 0; ///< now
};

struct table_totals {
    std::size_t groups = 0;
    std::size_t joins = 0; ///< members of all groups together
};

/// A group that waits for members.
struct paused_group {
    std::string name;
    std::vector<process> slow; ///< sorted
};

/// One node's groups. Not thread-safe. `sink` and `recorder` (may be null) must outlive it.
class service final : public ring::listener, public ring::packet_source {
public:
    service(const settings& settings, base::buffer_pool& pool, client_sink& sink, trace::recorder* recorder);
    ~service() override;

    // Requests of local clients. After one that was accepted, call ring::engine::on_pending.

    /// A new handle for the local process `pid`. With `ring_views` it is told of every ring view, joined or not.
    [[nodiscard]] std::expected<handle_id, refusal> open(std::uint32_t pid, bool ring_views);
    /// Joins a group; with `initial_ring_view` the ring's view follows the first change.
    [[nodiscard]] std::expected<void, refusal> join(handle_id handle, std::string_view group, bool initial_ring_view);
    [[nodiscard]] std::expected<void, refusal> leave(handle_id handle);
    /// Accepts a message whole or refuses it. The service shares `body`'s bytes. `urgent`: it stands ahead of a request whose
    /// sender waits, and is accepted also where there is no room; on_writable follows as if it had been refused.
    [[nodiscard]] std::expected<void, refusal> multicast(handle_id handle, guarantee how, base::buffer body,
                                                         bool urgent = false);
    /// The handle's client takes events more slowly than they come, or does no longer: all nodes keep the messages to its
    /// group to themselves meanwhile.
    void slow(handle_id handle, bool is_slow);
    /// The handle is gone: finalized, its process dead, or evicted. If it is joined or joining, the others are told that
    /// the process is down. No event for it follows.
    void close(handle_id handle);
    /// Whether the next multicast of this size would be refused for lack of room (cpg_flow_control_state_get).
    [[nodiscard]] bool blocked(handle_id handle, std::size_t bytes) const;

    // Queries: the state after the events handed out so far.

    [[nodiscard]] std::vector<process> members(std::string_view group) const;
    [[nodiscard]] std::vector<std::string> group_names() const; ///< sorted
    /// The ring's view of the latest common point.
    [[nodiscard]] ring_view current_ring_view() const;
    [[nodiscard]] bool ready() const; ///< true once the first common point was reached
    [[nodiscard]] const counters& counts() const;
    [[nodiscard]] std::size_t open_handles() const;
    /// The group that the handle is in, or on its way in or out of; empty otherwise. Valid until the next input.
    [[nodiscard]] std::string_view group_of(handle_id handle) const;
    /// How much there is in the tables: a constant-time answer, unlike the lists above.
    [[nodiscard]] table_totals totals() const;
    [[nodiscard]] std::vector<paused_group> paused_groups() const; ///< sorted by name
    /// Records one `table` event a group; for the end of a traced run.
    void record_tables(std::int64_t now_ns) const;
    /// Time stamp for traces; set by the driver before each input. Nothing else reads it.
    void set_trace_time(std::int64_t now_ns);

    // ring::listener, ring::packet_source
    void on_delivery(const ring::delivery& packet) override;
    void on_transitional(const ring::transitional_view& view) override;
    void on_regular(const ring::regular_view& view) override;
    void on_numbered(const ring::delivery& packet) override;
    [[nodiscard]] bool pending() const override;
    filled fill(base::byte_writer& payload) override;
    bool deliver_next(view_id view, base::sequence_number number) override;
    void fill_first(base::byte_writer& payload) override;

private:
    class core;
    std::unique_ptr<core> _core;
};

} // namespace coterie::groups

// SPDX-License-Identifier: BSD-3-Clause
// The ring engine: agreed and safe order, reliability, failure detection, membership and recovery for one node, as one
// state machine without I/O. Feed it packets and the time, do what it asks of its environment, wake it at its deadline.
// This class wires the parts together; each part has a file of its own. docs/protocol.md tells the protocol.
#pragma once

#include "base/buffer.hpp"
#include "ring/listener.hpp"
#include "ring/settings.hpp"
#include "wire/codec.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coterie::ring {

/// Packets that were read and thrown away, by reason; then what the engine has done, and packets by kind.
struct counters {
    std::uint64_t malformed = 0;           ///< a body that does not decode
    std::uint64_t other_view = 0;          ///< of a view that is not installed
    std::uint64_t unknown_incarnation = 0; ///< of a life that is not proved, or of a node that is not configured
    std::uint64_t implausible = 0;         ///< well-formed, but no honest member says that
    std::uint64_t beyond_window = 0;       ///< beyond what the store can hold; they are repaired later
    std::uint64_t duplicates = 0;
    std::uint64_t numbered = 0;
    std::uint64_t delivered = 0;
    std::uint64_t repairs_asked = 0;
    std::uint64_t repairs_sent = 0;
    std::uint64_t hops = 0; ///< tokens taken
    std::uint64_t tokens_repeated = 0;
    std::uint64_t requests_sent = 0;
    std::uint64_t views = 0;
    std::uint64_t attempts = 0;
    std::array<std::uint64_t, wire::packet_kinds> received{};
    std::array<std::uint64_t, wire::packet_kinds> sent{};
};

/// What this node knows of its way to another one.
struct link {
    node_id node;
    bool heard = false;   ///< its packets arrive
    bool mutual = false;  ///< and it says that ours arrive there
    bool leaving = false; ///< it has said that it is about to leave
    std::optional<duration> last_heard_ago;
    std::optional<duration> round_trip; ///< smoothed
    std::uint32_t times_lost{};         ///< one after the other, lately
    std::optional<duration> held_off;   ///< it is not met again for so long
    std::optional<duration> lag;        ///< it does not keep up: so much later than here packets arrive there
};

/// Times for which this node did not run, longer than others wait for a silent one.
struct pauses {
    std::uint64_t count = 0;
    duration last{};    ///< how long the latest was
    time_point ended{}; ///< when it was over
};

/// One node's engine. Not thread-safe: all calls from one thread. `environment`, `listener` and `source` must outlive it.
class engine {
public:
    engine(const settings& settings, base::buffer_pool& pool, environment& environment, listener& listener,
           packet_source& source);
    ~engine();
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    /// The first input: asks for epochs, starts greeting. Call once.
    void start(time_point now);
    /// A datagram whose header and tag are good. `datagram` is kept as long as the engine needs it.
    void on_packet(time_point now, const base::buffer& datagram, const wire::opened& packet);
    /// The deadline has come, or any other wake-up.
    void on_time(time_point now);
    /// Every epoch below `epoch` is reserved on stable storage.
    void on_stored(time_point now, epoch_number epoch);
    /// The transport was told that nobody listens at `node`'s address (a hint, never proof).
    void on_refused(time_point now, node_id node);
    /// The source has something pending that it did not have before.
    void on_pending(time_point now);
    /// From now on data packets are made for datagrams of at most so many bytes; any size that a path can have.
    void set_datagram_bytes(std::size_t bytes);
    /// Leaves in order: tells the others and stops taking part. Packets still go out until retired().
    void leave(time_point now);

    /// When on_time wants to be called next; base::never if nothing is planned.
    [[nodiscard]] time_point deadline() const;
    /// True once a leave has been told to the others; the engine does nothing any more.
    [[nodiscard]] bool retired() const;

    /// The installed view; its id is invalid before the first.
    [[nodiscard]] const regular_view& view() const;
    /// True while a view is installed that is not frozen, and no attempt is running.
    [[nodiscard]] bool operational() const;
    [[nodiscard]] bool holds_token() const;
    [[nodiscard]] node_id holder() const;
    [[nodiscard]] hop_number hop() const;
    [[nodiscard]] sequence_number stable() const;
    [[nodiscard]] sequence_number delivered() const;
    [[nodiscard]] const counters& counts() const;
    /// Packets kept for repair now: at most the window and one table packet a member; twice the window while a view that
    /// was frozen behind the others' stable point is being recovered.
    [[nodiscard]] std::size_t stored_packets() const;
    /// One for every other configured node, sorted by node; times count up to `now`.
    [[nodiscard]] std::vector<link> links(time_point now) const;
    [[nodiscard]] const pauses& paused() const;
    /// A line for people about what the engine is doing.
    [[nodiscard]] std::string describe() const;

private:
    class core;
    std::unique_ptr<core> _core;
};

} // namespace coterie::ring

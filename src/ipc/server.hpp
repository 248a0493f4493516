// SPDX-License-Identifier: BSD-3-Clause
// The daemon's end of the client channel: accepts clients at the door by their credentials, takes their requests in
// fair turns, answers them, and carries events to them, all in memory that it shares with each. It never blocks: a client that
// does not read is cut off when its bound is reached, one that writes too fast is not read. A client is not trusted; whatever
// it writes, at worst it is cut off. What requests mean is its handler's affair.
#pragma once

#include "base/buffer.hpp"
#include "ipc/channel_memory.hpp"
#include "ipc/messages.hpp"
#include "ipc/packet_socket.hpp"

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace coterie::ipc {

/// One connection of a client; never used twice by a server.
using client_id = base::strong_number<struct client_id_tag, std::uint64_t>;

struct server_settings {
    node_id node;
    std::uint64_t message_bytes_max = std::uint64_t{64} << 20U;
    channel_memory::sizes rings;
    /// Events that may wait beside a client's full ring, in bytes: beyond the first bound the client is slow, until half of
    /// it; beyond the second it is cut off; beyond the third, of all clients together, the one for which most waits.
    std::size_t event_bytes_high = std::size_t{4} << 20U;
    std::size_t event_bytes_max = std::size_t{32} << 20U;
    std::size_t event_bytes_all_max = std::size_t{512} << 20U;
    /// Who has been slow for this long is cut off; zero: nobody is, for that.
    std::chrono::milliseconds slow_time = std::chrono::seconds(30);
    std::size_t clients_max = 65'536;
    /// Who may connect, by what the kernel knows of the process at the door and of its supplementary groups.
    std::function<bool(const credentials&, std::span<const gid_t>)> admits;
};

struct server_counters {
    std::uint64_t accepted = 0;
    std::uint64_t not_allowed = 0; ///< turned away for their credentials
    std::uint64_t turned_away = 0; ///< turned away for lack of room or of descriptors
    std::uint64_t malformed = 0;   ///< cut off for a packet that no honest client sends
    std::uint64_t too_slow = 0;    ///< cut off with too many events waiting, or for too long
};

/// What the server asks of the layers above. Called from within run_ready, run_turn and flush; may call the server's tell_*.
class request_handler {
public:
    virtual ~request_handler() = default;
    /// `try_again`: the client waits at the door until admit_waiting().
    [[nodiscard]] virtual status on_open(client_id client, const hello& wish) = 0;
    [[nodiscard]] virtual status on_join(client_id client, std::string_view group, bool initial_ring_view) = 0;
    [[nodiscard]] virtual status on_leave(client_id client) = 0;
    /// `try_again`: the server keeps the message and waits for resume(). `urgent`: a request whose sender waits stands behind
    /// it, or the client has gone; it is to be taken where there is no room, too, and resume() is owed all the same.
    [[nodiscard]] virtual status on_multicast(client_id client, bool safe, const base::buffer& body, bool urgent) = 0;
    /// Whether multicasts are taken that are not urgent. If not, resume() is owed.
    [[nodiscard]] virtual bool has_room(client_id client) = 0;
    /// The client takes its events more slowly than they come, or does no longer.
    virtual void on_slow(client_id client, bool is_slow) = 0;
    [[nodiscard]] virtual std::vector<address> members_of(std::string_view group) = 0;
    /// Every group with its members; names are valid until the next call.
    [[nodiscard]] virtual std::vector<group_listing> all_groups() = 0;
    /// For how long the daemon did not run.
    [[nodiscard]] virtual pauses pauses_so_far() = 0;
    /// The body of the answer to a request for the daemon's own state: text that the server only passes on.
    [[nodiscard]] virtual std::string status_report() = 0;
    /// The client has finalized, died, or been cut off; `why` is for the log. Told once for each successful on_open.
    virtual void on_closed(client_id client, std::string_view why, bool by_force) = 0;
};

/// Not thread-safe. `pool` and `handler` must outlive it.
class server {
public:
    server(const server_settings& settings, base::buffer_pool& pool, request_handler& handler);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    /// Starts to accept clients at `path`.
    [[nodiscard]] std::expected<void, std::error_code> listen(const std::string& path);
    /// Readable when somebody is at the door, or a client that slept has something new: call run_ready then.
    [[nodiscard]] int poll_descriptor() const;
    void run_ready();
    /// Takes a bounded number of requests of the client whose turn it is.
    void run_turn();
    /// Whether clients wait for another turn. They send no sign of it: call run_turn soon, however quiet the descriptor is.
    [[nodiscard]] bool busy() const;
    /// Whether clients flood, so that it is better to look for what they ask next after look_again_after than to be woken for
    /// every single request, or nobody can be let in before a descriptor is free: call look_again() and flush() then.
    [[nodiscard]] bool expects_more() const;
    void look_again();
    static constexpr auto look_again_after = std::chrono::microseconds(100);

    void tell_message(client_id client, std::string_view group, const address& sender, bytes_view body);
    void tell_change(client_id client, std::string_view group, std::span<const address> members,
                     std::span<const address> left, std::span<const address> joined);
    void tell_ring_view(client_id client, node_id coordinator, std::uint64_t epoch, std::span<const node_id> nodes);

    /// Clients that on_open has put off are asked for again.
    void admit_waiting();
    /// There is room for multicasts again. Cheap; the work is done in flush.
    void resume(client_id client);
    struct slow_client {
        client_id client;
        std::size_t bytes; ///< that wait for it
        std::chrono::steady_clock::duration time;
    };
    /// Those that are slow now. While there are any part_with_slow() has to be called now and then, and flush() behind it.
    [[nodiscard]] std::vector<slow_client> slow_clients() const;
    [[nodiscard]] bool has_slow() const;
    void part_with_slow();
    /// Shows what has been told, tries again what was put off, parts with clients that are gone or have to go. Call after
    /// every input to the layers above.
    void flush();

    [[nodiscard]] const server_counters& counts() const;
    [[nodiscard]] std::size_t clients() const;
    /// Whether clients have gone since the last call.
    [[nodiscard]] bool take_parted();
    /// Keeps no memory for the next ones.
    void drop_idle();

private:
    class core;
    std::unique_ptr<core> _core;
};

} // namespace coterie::ipc

// SPDX-License-Identifier: BSD-3-Clause
// Everything that a client library and its daemon say to each other, as typed values, with the functions that write and
// read them: the greeting on the socket, then records in the rings of their shared memory (channel_memory.hpp). Both ends
// use these; no reader trusts a length. Host byte order, since both ends are one machine.
#pragma once

#include "base/bytes.hpp"
#include "base/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace coterie::ipc {

using base::bytes_view;
using base::node_id;

inline constexpr std::size_t group_name_bytes_max = 128;

/// The outcome of a request: values of cs_error_t.
enum class status : std::uint16_t {
    ok = 1,
    library = 2,
    version = 3,
    try_again = 6,
    invalid_param = 7,
    no_memory = 8,
    bad_handle = 9,
    access = 11,
    not_exist = 12,
    name_too_long = 13,
    exist = 14,
    no_space = 15,
    no_resources = 18,
    too_big = 26,
};

/// The client's first packet.
struct hello {
    bool ring_views{};   ///< wants to be told of every view of the ring
    std::uint32_t pid{}; ///< as the client itself sees it; judged by the daemon
};

/// The daemon's first packet. With `ok` it carries the file of their shared memory.
struct welcome {
    status result{};
    node_id node{};
    std::uint32_t request_ring_bytes{};
    std::uint32_t event_ring_bytes{};
    std::uint64_t message_bytes_max{};
};

/// How much memory a client may share to send from; room for two messages of the largest kind.
constexpr std::uint64_t shared_bytes_max(std::uint64_t message_bytes_max) {
    return 2 * message_bytes_max + (std::uint64_t{64} << 10U);
}

/// All other packets on the socket are this one byte: "look into the rings". One may carry a file that a record speaks of.
inline constexpr std::byte wake_mark{'w'};

enum class request_kind : std::uint16_t {
    join = 1,
    leave = 2,
    multicast = 3,  ///< the body is the message; has no answer
    membership = 4, ///< of one group
    groups = 5,     ///< every group with its members
    finalize = 6,
    status = 7,           ///< what the daemon tells of itself, for operators; the answer's body is text
    multicast_file = 8,   ///< the message is in the next file on the socket; has no answer
    multicast_shared = 9, ///< the message is in the memory that the client has shared
    share = 10,           ///< shares the memory in the next file on the socket, for multicast_shared
    more = 11,            ///< the next part of an answer
    pauses = 12,          ///< for how long the daemon did not run
};

/// One request, apart from a message itself. Kind and flags are the tag of its record.
struct request {
    enum flag : std::uint16_t {
        initial_ring_view = 1, ///< join
        safe = 2,              ///< multicasts
    };
    request_kind kind{};
    std::uint16_t flags{};
    std::string_view group{}; ///< join, membership
    std::uint64_t offset{};   ///< multicast_shared: where in the shared memory
    std::uint64_t bytes{};    ///< multicast_file, multicast_shared: of the message; share: of the memory
};

/// How many bytes the body of a request's record has at most, messages apart.
inline constexpr std::size_t request_body_bytes_max = group_name_bytes_max;

/// Tags of records in the ring of events.
enum class event_tag : std::uint32_t {
    row = 1,  ///< the body is a row of events
    file = 2, ///< the events are in the next file on the socket; the body says how many bytes (u64)
};

/// A process, and in a change why it came or went (CPG_REASON_*; 0 in lists of members).
struct address {
    node_id node;
    std::uint32_t pid{};
    std::uint32_t reason{};
    friend bool operator==(const address&, const address&) = default;
};

/// The answer to `pauses`; times in nanoseconds, 0 if there was none.
struct pauses {
    std::uint64_t count{};
    std::uint64_t last_ns{};   ///< how long the latest was
    std::uint64_t passed_ns{}; ///< how long ago it was over
    friend bool operator==(const pauses&, const pauses&) = default;
};

/// One group in the answer to `groups`.
struct group_listing {
    std::string_view name;
    std::vector<address> members;
};

enum class event_kind : std::uint16_t {
    message = 1,
    change = 2,
    ring_view = 3,
};

/// An event as a client library takes it out of a row; views lie in the row.
struct event {
    event_kind kind{};
    std::string_view group;
    address sender;               ///< message
    std::span<std::byte> body;    ///< message: at a multiple of 8 bytes from the row's start, writable
    std::vector<address> members; ///< change
    std::vector<address> left;
    std::vector<address> joined;
    node_id coordinator; ///< ring_view
    std::uint64_t epoch{};
    std::vector<std::uint32_t> nodes;
};

// Writers: into space that the caller has made large enough (byte_writer::ok() tells).
void write(base::byte_writer& out, const hello& packet);
void write(base::byte_writer& out, const welcome& packet);
/// The body of its record.
void write(base::byte_writer& out, const request& what);
inline constexpr std::size_t hello_bytes = 12;
inline constexpr std::size_t welcome_bytes = 28;

// Readers: nothing when the packet is malformed.
[[nodiscard]] std::optional<hello> read_hello(bytes_view packet);
/// A welcome of another release is read as one with the result `version`.
[[nodiscard]] std::optional<welcome> read_welcome(bytes_view packet);

/// The tag of a request's record.
[[nodiscard]] std::uint32_t tag_of(request_kind kind, std::uint16_t flags = 0);
/// Kind and flags alone; nothing if there are no such.
[[nodiscard]] std::optional<request> read_tag(std::uint32_t tag);
/// A whole request of any kind but multicast.
[[nodiscard]] std::optional<request> read_request(std::uint32_t tag, bytes_view body);

// Bodies of answers.
[[nodiscard]] std::vector<std::byte> pack_members(std::span<const address> members);
[[nodiscard]] std::optional<std::vector<address>> unpack_members(bytes_view body);
[[nodiscard]] std::vector<std::byte> pack_pauses(const pauses& what);
[[nodiscard]] std::optional<pauses> unpack_pauses(bytes_view body);
[[nodiscard]] std::vector<std::byte> pack_groups(std::span<const group_listing> groups);
/// Names lie in `body`.
[[nodiscard]] std::optional<std::vector<group_listing>> unpack_groups(bytes_view body);

// Events: each is a multiple of 8 bytes long, and so they stand in rows.
[[nodiscard]] std::size_t message_record_bytes(std::size_t name_bytes, std::size_t body_bytes);
void write_message(base::byte_writer& out, std::string_view group, const address& sender, bytes_view body);
/// The same without the body, which the caller puts behind it, then zeros up to message_record_bytes.
void write_message_head(base::byte_writer& out, std::string_view group, const address& sender,
                        std::uint64_t body_bytes);
[[nodiscard]] std::size_t change_record_bytes(std::size_t name_bytes, std::size_t entries);
void write_change(base::byte_writer& out, std::string_view group, std::span<const address> members,
                  std::span<const address> left, std::span<const address> joined);
[[nodiscard]] std::size_t ring_view_record_bytes(std::size_t nodes);
void write_ring_view(base::byte_writer& out, node_id coordinator, std::uint64_t epoch, std::span<const node_id> nodes);

/// Reads the event at `at` and moves `at` behind it; nothing when it is malformed. `at` must be below the size.
[[nodiscard]] std::optional<event> read_event(std::span<std::byte> row, std::size_t& at);

} // namespace coterie::ipc

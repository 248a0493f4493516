// SPDX-License-Identifier: BSD-3-Clause
// Every packet between a client library and its daemon, as typed values, with the functions that write and read them.
// Both ends use these; no reader trusts a length. Which socket a packet travels on is told in docs of client_channel.hpp
// and session.hpp; host byte order, since both ends are one machine.
#pragma once

#include "base/bytes.hpp"
#include "base/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace coterie::ipc {

using base::bytes_view;
using base::node_id;

/// Bytes of one packet on a socket at most. What is larger is put into a sealed memory file, and a stub goes with it.
inline constexpr std::size_t packet_bytes_max = 65'536;
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
    not_supported = 19,
    too_big = 26,
};

/// Stands for a packet of any kind that is in the memory file that comes along.
struct stub {
    std::uint64_t file_bytes{};
};

/// The client's first packet.
struct hello {
    bool ring_views{};   ///< wants to be told of every view of the ring
    std::uint32_t pid{}; ///< as the client itself sees it; judged by the daemon
};

/// The daemon's first packet. With `ok` it carries the request socket.
struct welcome {
    status result{};
    node_id node;
    std::uint32_t window_messages{}; ///< sent and not yet taken by the daemon
    std::uint64_t window_bytes{};    ///< the same in bytes; one message is always allowed
    std::uint64_t message_bytes_max{};
};

enum class request_kind : std::uint16_t {
    join = 1,
    leave = 2,
    multicast = 3,  ///< has no reply
    membership = 4, ///< of one group
    groups = 5,     ///< every group with its members
    finalize = 6,
    status = 7, ///< what the daemon tells of itself, for operators; the answer's body is text
};

struct request {
    enum flag : std::uint16_t {
        initial_ring_view = 1, ///< join
        safe = 2,              ///< multicast
    };
    request_kind kind{};
    std::uint16_t flags{};
    std::uint32_t serial{}; ///< repeated in the reply
    std::string_view group; ///< join, membership
    bytes_view body;        ///< multicast
};

enum class reply_kind : std::uint16_t {
    result = 1,
    credit = 2,
};

/// An answer to a request, or new credit; both travel on the request socket.
struct reply {
    reply_kind kind{};
    status result{};
    std::uint32_t serial{};
    std::uint64_t taken_messages{}; ///< credit: multicasts that the daemon has taken since the welcome
    std::uint64_t taken_bytes{};
    bytes_view body;
};

/// A process, and in a change why it came or went (CPG_REASON_*; 0 in lists of members).
struct address {
    node_id node;
    std::uint32_t pid{};
    std::uint32_t reason{};
    friend bool operator==(const address&, const address&) = default;
};

/// One group in the reply to `groups`.
struct group_listing {
    std::string_view name;
    std::vector<address> members;
};

enum class event_kind : std::uint16_t {
    message = 1,
    change = 2,
    ring_view = 3,
};

/// An event as a client library takes it out of a packet; views lie in the packet.
struct event {
    event_kind kind{};
    std::string_view group;
    address sender;               ///< message
    std::span<std::byte> body;    ///< message: at a multiple of 8 bytes from the packet's start, writable
    std::vector<address> members; ///< change
    std::vector<address> left;
    std::vector<address> joined;
    node_id coordinator; ///< ring_view
    std::uint64_t epoch{};
    std::vector<std::uint32_t> nodes;
};

// Writers: into space that the caller has made large enough (byte_writer::ok() tells).
void write(base::byte_writer& out, const stub& packet);
void write(base::byte_writer& out, const hello& packet);
void write(base::byte_writer& out, const welcome& packet);
void write(base::byte_writer& out, const request& packet);
void write(base::byte_writer& out, const reply& packet);
inline constexpr std::size_t stub_bytes = 16;
inline constexpr std::size_t hello_bytes = 12;
inline constexpr std::size_t welcome_bytes = 32;
/// Bytes of a request in front of a group's name or a multicast's body.
inline constexpr std::size_t request_head_bytes = 16;
/// Bytes of a reply in front of its body, and all of a credit.
inline constexpr std::size_t reply_head_bytes = 24;

// Readers: nothing when the packet is malformed.
[[nodiscard]] std::optional<stub> read_stub(bytes_view packet);
[[nodiscard]] std::optional<hello> read_hello(bytes_view packet);
[[nodiscard]] std::optional<welcome> read_welcome(bytes_view packet);
[[nodiscard]] std::optional<request> read_request(bytes_view packet);
/// The head of a multicast alone, in front of a body of `body_bytes` that the caller sends.
void write_multicast_head(base::byte_writer& out, bool safe, std::uint64_t body_bytes);
/// The head of a multicast alone, whose body of the second number's bytes follows elsewhere.
[[nodiscard]] std::optional<std::pair<request, std::uint64_t>> read_multicast_head(bytes_view head);
[[nodiscard]] std::optional<reply> read_reply(bytes_view packet);

// Bodies of replies.
[[nodiscard]] std::vector<std::byte> pack_members(std::span<const address> members);
[[nodiscard]] std::optional<std::vector<address>> unpack_members(bytes_view body);
[[nodiscard]] std::vector<std::byte> pack_groups(std::span<const group_listing> groups);
/// Names lie in `body`.
[[nodiscard]] std::optional<std::vector<group_listing>> unpack_groups(bytes_view body);

// Events: a packet is a row of records, each a multiple of 8 bytes long.
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

/// Reads the record at `at` and moves `at` behind it; nothing when it is malformed. `at` must be below the size.
[[nodiscard]] std::optional<event> read_event(std::span<std::byte> packet, std::size_t& at);

} // namespace coterie::ipc

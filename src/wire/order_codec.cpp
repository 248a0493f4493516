// SPDX-License-Identifier: BSD-3-Clause
// Layouts and bounds of the packets that run a view: heartbeats, data, the token, acknowledgements and requests for
// repairs. What the fields mean is in packets.hpp, the offsets are in docs/wire.md.
#include "wire/layout.hpp"

namespace coterie::wire {

using layout::field;
using layout::in_range;
using layout::is_view;
using layout::is_view_or_none;

namespace {

// Places in the body of a data packet.
constexpr std::size_t data_flags_at = 32;
constexpr std::size_t data_hop_at = 33;
constexpr std::size_t data_holder_at = 41;
constexpr std::size_t data_stable_at = 53;
constexpr std::size_t data_payload_at = 61;

} // namespace

const std::size_t data_overhead_bytes = header_bytes + data_payload_at;

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, heartbeat>& packet) {
    walk(packet.view, packet.view_size, packet.flags, packet.promised, packet.epoch_highest, packet.hop, packet.holder,
         packet.highest, packet.received, packet.stable, packet.counter, packet.echo_nonce, packet.echo_counter,
         packet.echo_held_us);
    walk.list(packet.hears, members_max);
}

static bool acceptable(const heartbeat& packet) {
    constexpr unsigned flags = heartbeat::changing | heartbeat::probe | heartbeat::leaving | heartbeat::unstored;
    return is_view_or_none(packet.view) && packet.view_size <= members_max && layout::only_flags(packet.flags, flags) &&
           is_view_or_none(packet.promised) &&
           in_range(packet.epoch_highest, packet.hop, packet.highest, packet.received, packet.stable, packet.counter,
                    packet.echo_counter) &&
           layout::is_sorted(packet.hears);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, data>& packet) {
    walk(packet.view, packet.number, packet.originator, packet.flags, packet.hop, packet.holder, packet.hop_first,
         packet.stable);
    walk.rest(packet.payload);
}

static bool acceptable(const data& packet) {
    constexpr unsigned flags = data::safe | data::table | data::repair;
    return is_view(packet.view) && packet.number.value != 0 && packet.originator != base::no_node &&
           layout::only_flags(packet.flags, flags) &&
           in_range(packet.number, packet.hop, packet.hop_first, packet.stable);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, token::entry>& entry) {
    walk(entry.received, entry.wanted, entry.served);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, token>& packet) {
    walk(packet.view, packet.hop, packet.giver, packet.target, packet.next, packet.numbered_bytes, packet.stable);
    walk.list(packet.members, members_max);
}

static bool acceptable(const token& packet) {
    for (const token::entry& entry : packet.members) {
        if (!in_range(entry.received)) {
            return false;
        }
    }
    return is_view(packet.view) && packet.hop.value != 0 && packet.giver != base::no_node &&
           packet.target != base::no_node && packet.next.value != 0 &&
           in_range(packet.hop, packet.next, packet.numbered_bytes, packet.stable) && !packet.members.empty();
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, token_proof>& packet) {
    walk(packet.view, packet.hop);
}

static bool acceptable(const token_proof& packet) {
    return is_view(packet.view) && packet.hop.value != 0 && in_range(packet.hop);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, token_request>& packet) {
    walk(packet.view, packet.requester, packet.counter, packet.hop);
}

static bool acceptable(const token_request& packet) {
    return is_view(packet.view) && packet.requester != base::no_node && in_range(packet.hop);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, acknowledgement>& packet) {
    walk(packet.view, packet.first, packet.count, packet.received, packet.hop, packet.flags);
}

static bool acceptable(const acknowledgement& packet) {
    return is_view(packet.view) && packet.count != 0 &&
           std::size_t{packet.first} + std::size_t{packet.count} <= members_max &&
           in_range(packet.received, packet.hop) && layout::only_flags(packet.flags, acknowledgement::urgent);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, number_range>& range) {
    walk(range.first, range.count);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, repair_request>& packet) {
    walk(packet.view, packet.attempt, packet.to_all);
    walk.list(packet.ranges, repair_ranges_max);
}

static bool acceptable(const repair_request& packet) {
    for (const number_range& range : packet.ranges) {
        if (range.first.value == 0 || !in_range(range.first) || range.count == 0 || range.count > window_packets_max) {
            return false;
        }
    }
    return is_view(packet.view) && is_view_or_none(packet.attempt) && !packet.ranges.empty();
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const heartbeat& packet) {
    return layout::encode_as(packet_kind::heartbeat, pool, from, packet, "an encoded heartbeat is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const data& packet) {
    return layout::encode_as(packet_kind::data, pool, from, packet, "an encoded data packet is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const token& packet) {
    return layout::encode_as(packet_kind::token, pool, from, packet, "an encoded token is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const token_proof& packet) {
    return layout::encode_as(packet_kind::token_proof, pool, from, packet,
                             "an encoded token proof is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const token_request& packet) {
    return layout::encode_as(packet_kind::token_request, pool, from, packet,
                             "an encoded token request is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const acknowledgement& packet) {
    return layout::encode_as(packet_kind::acknowledgement, pool, from, packet,
                             "an encoded acknowledgement is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const repair_request& packet) {
    return layout::encode_as(packet_kind::repair_request, pool, from, packet,
                             "an encoded repair request is within its bounds");
}

base::buffer begin_data(base::buffer_pool& pool, std::size_t payload_bytes_max) {
    COTERIE_ASSERT(payload_bytes_max <= layout::body_bytes_max - data_payload_at,
                   "a data packet fits into one datagram");
    base::buffer result = pool.take(data_overhead_bytes + payload_bytes_max);
    // The size, not the buffer's rounded capacity, tells payload_space() how much was asked for.
    result.resize(data_overhead_bytes + payload_bytes_max);
    return result;
}

std::span<std::byte> payload_space(base::buffer& packet) {
    COTERIE_ASSERT(packet.size() >= data_overhead_bytes, "a payload is written into a begun data packet");
    return packet.writable().subspan(data_overhead_bytes);
}

void finish_data(base::buffer& packet, const origin& from, const data& fields, std::size_t payload_bytes) {
    COTERIE_ASSERT(packet.size() >= data_overhead_bytes && payload_bytes <= packet.size() - data_overhead_bytes,
                   "a payload stays within the space taken for it");
    COTERIE_ASSERT(!packet.sealed(), "a sealed packet is never rewritten");
    COTERIE_ASSERT(acceptable(fields), "an encoded data packet is within its bounds");
    packet.resize(data_overhead_bytes + payload_bytes);
    layout::write_header(packet.writable(), from, packet_kind::data, data_payload_at + payload_bytes);
    layout::writer out(packet.writable().subspan(header_bytes, data_payload_at));
    out(fields.view, fields.number, fields.originator, fields.flags, fields.hop, fields.holder, fields.hop_first,
        fields.stable);
    COTERIE_ASSERT(out.filled(), "a packet takes as many bytes as were measured");
}

void refresh_data(base::buffer& packet, hop_number hop, node_id holder, sequence_number stable, std::uint8_t flags) {
    COTERIE_ASSERT(packet.size() >= data_overhead_bytes &&
                       packet.bytes()[layout::kind_at] == static_cast<std::byte>(packet_kind::data),
                   "only a finished data packet is refreshed");
    COTERIE_ASSERT(!packet.sealed(), "a sealed packet is never rewritten");
    COTERIE_ASSERT(in_range(hop, stable) && layout::only_flags(flags, data::safe | data::table | data::repair),
                   "an encoded data packet is within its bounds");
    std::byte* body = packet.writable().data() + header_bytes;
    std::memcpy(body + data_flags_at, &flags, sizeof flags);
    std::memcpy(body + data_hop_at, &hop.value, sizeof hop.value);
    std::memcpy(body + data_holder_at, &holder.value, sizeof holder.value);
    std::memcpy(body + data_stable_at, &stable.value, sizeof stable.value);
}

std::optional<heartbeat> decode_heartbeat(bytes_view body) { return layout::decode_as<heartbeat>(body); }
std::optional<data> decode_data(bytes_view body) { return layout::decode_as<data>(body); }
std::optional<token> decode_token(bytes_view body) { return layout::decode_as<token>(body); }
std::optional<token_proof> decode_token_proof(bytes_view body) { return layout::decode_as<token_proof>(body); }
std::optional<token_request> decode_token_request(bytes_view body) { return layout::decode_as<token_request>(body); }
std::optional<acknowledgement> decode_acknowledgement(bytes_view body) {
    return layout::decode_as<acknowledgement>(body);
}
std::optional<repair_request> decode_repair_request(bytes_view body) { return layout::decode_as<repair_request>(body); }

} // namespace coterie::wire

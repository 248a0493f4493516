// SPDX-License-Identifier: BSD-3-Clause
// The largest packet of every kind that is still accepted: every counter, flag and list at its bound. A packet of any
// kind that grows past these is refused.
#pragma once

#include "tests/support/wire_packets.hpp"

namespace coterie::tests {

/// The highest counter on the wire.
inline constexpr std::uint64_t counter_max = (std::uint64_t{1} << 62U) - 1;

inline constexpr base::view_id last_view{
    .epoch = {{counter_max}}, .coordinator = {0xFFFFFFFF}, .nonce = {0xFFFFFFFFFFFFFFFF}};

/// Members up to the highest node id, as many as a view may have.
inline std::vector<base::member> most_members() {
    return members_of(static_cast<std::uint32_t>(0xFFFFFFFF - wire::members_max + 1), wire::members_max);
}

inline std::vector<base::node_id> most_nodes() {
    return nodes_of(static_cast<std::uint32_t>(0xFFFFFFFF - wire::members_max + 1), wire::members_max);
}

/// As many payload bytes as fit behind `overhead` bytes of a datagram.
inline bytes_view most_payload(std::size_t overhead) {
    static const std::vector<std::byte> bytes(wire::datagram_bytes_max, std::byte{0x5A});
    return bytes_view(bytes).first(wire::datagram_bytes_max - overhead);
}

template <class Packet>
Packet largest();

template <>
inline wire::heartbeat largest() {
    return {.view = last_view,
            .view_size = wire::members_max,
            .flags = 15,
            .promised = last_view,
            .epoch_highest = {{counter_max}},
            .hop = {{counter_max}},
            .holder = {0xFFFFFFFF},
            .highest = {{counter_max}},
            .received = {{counter_max}},
            .stable = {{counter_max}},
            .counter = counter_max,
            .echo_nonce = {0xFFFFFFFFFFFFFFFF},
            .echo_counter = counter_max,
            .echo_held_us = 0xFFFFFFFF,
            .hears = most_members()};
}

template <>
inline wire::data largest() {
    return {.view = last_view,
            .number = {{counter_max}},
            .originator = {0xFFFFFFFF},
            .flags = 7,
            .hop = {{counter_max}},
            .holder = {0xFFFFFFFF},
            .hop_first = {{counter_max}},
            .stable = {{counter_max}},
            .payload = most_payload(wire::data_overhead_bytes)};
}

template <>
inline wire::token largest() {
    return {.view = last_view,
            .hop = {{counter_max}},
            .giver = {0xFFFFFFFF},
            .target = {0xFFFFFFFF},
            .next = {{counter_max}},
            .numbered_bytes = counter_max,
            .stable = {{counter_max}},
            .members = std::vector<wire::token::entry>(
                wire::members_max, {.received = {{counter_max}}, .wanted = 0xFFFFFFFF, .served = 0xFFFFFFFF})};
}

template <>
inline wire::token_proof largest() {
    return {.view = last_view, .hop = {{counter_max}}};
}

template <>
inline wire::token_request largest() {
    return {.view = last_view, .requester = {0xFFFFFFFF}, .counter = 0xFFFFFFFF, .hop = {{counter_max}}};
}

template <>
inline wire::acknowledgement largest() {
    return {.view = last_view,
            .first = 0,
            .count = wire::members_max,
            .received = {{counter_max}},
            .hop = {{counter_max}},
            .flags = wire::acknowledgement::urgent};
}

template <>
inline wire::repair_request largest() {
    return {.view = last_view,
            .attempt = last_view,
            .to_all = true,
            .ranges = std::vector<wire::number_range>(wire::repair_ranges_max,
                                                      {.first = {{counter_max}}, .count = wire::window_packets_max})};
}

template <>
inline wire::proposal largest() {
    return {.attempt = last_view, .candidates = most_members()};
}

template <>
inline wire::report largest() {
    return {.attempt = last_view,
            .old_view = last_view,
            .received = {{counter_max}},
            .beyond = std::vector<std::uint8_t>(wire::window_packets_max / 8, 0xFF),
            .delivered = {{counter_max}},
            .stable = {{counter_max}},
            .completed = last_view,
            .completed_hash = 0xFFFFFFFFFFFFFFFF,
            .owed_stable = {{counter_max}},
            .owed = most_nodes(),
            .epoch_highest = {{counter_max}},
            .hears = most_members()};
}

template <>
inline wire::refusal largest() {
    return {.attempt = last_view, .promised = last_view};
}

/// Every member comes from a view of its own, and one transition has as many runs as there can be.
template <>
inline wire::plan largest() {
    wire::plan result{.attempt = last_view, .members = most_members(), .first_holder = {0xFFFFFFFF}, .transitions = {}};
    for (std::uint32_t i = 0; i < wire::members_max; ++i) {
        result.transitions.push_back({.old_view = view_of(i),
                                      .together = {result.members[i].node},
                                      .stable = {{counter_max}},
                                      .base = {{counter_max}},
                                      .owed = nodes_of(1, 64),
                                      .union_runs = {{.owner = 0, .count = wire::window_packets_max}}});
    }
    result.transitions.back().union_runs.assign(wire::window_packets_max, {.owner = 0, .count = 1});
    return result;
}

template <>
inline wire::completion largest() {
    return {.attempt = last_view, .plan_hash = 0xFFFFFFFFFFFFFFFF, .missing = 0xFFFFFFFF};
}

template <>
inline wire::install largest() {
    return {.attempt = last_view, .plan_hash = 0xFFFFFFFFFFFFFFFF, .authorised_by = last_view};
}

template <>
inline wire::recovered largest() {
    return {.attempt = last_view,
            .old_view = last_view,
            .number = {{counter_max}},
            .originator = {0xFFFFFFFF},
            .flags = 7,
            .payload = most_payload(wire::header_bytes + 53)};
}

template <>
inline wire::link_probe largest() {
    return {.link = {7}, .round = counter_max, .answered = {0xFFFFFFFFFFFFFFFF}};
}

template <>
inline wire::life_proof largest() {
    return {.to = {0xFFFFFFFF},
            .question = counter_max,
            .answered = {0xFFFFFFFFFFFFFFFF},
            .answer = counter_max,
            .other_slot = 0xFF};
}

/// A question.
template <>
inline wire::size_probe largest() {
    static const std::vector<std::byte> zeros(wire::datagram_bytes_max, std::byte{0});
    return {.link = {7},
            .round = counter_max,
            .answered = {},
            .bytes = wire::datagram_bytes_max,
            .filler = bytes_view(zeros).first(wire::datagram_bytes_max - wire::header_bytes - 21)};
}

template <>
inline wire::fragment largest() {
    const auto unit = static_cast<std::uint32_t>(wire::datagram_bytes_max - wire::fragment_overhead_bytes);
    return {.number = counter_max,
            .total = wire::datagram_bytes_max,
            .unit = unit,
            .index = 0,
            .piece = most_payload(wire::fragment_overhead_bytes)};
}

} // namespace coterie::tests

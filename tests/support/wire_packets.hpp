// SPDX-License-Identifier: BSD-3-Clause
// One packet of every kind for tests and fuzzers: an ordinary one in which every field has a value of its own, and the
// largest that is accepted. Also the decoders by type and by kind, so that a test can speak of "every packet".
#pragma once

#include "wire/codec.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace coterie::tests {

using base::bytes_view;

/// Calls `visit.template operator()<Packet>()` for the type of `kind`; false when there is no such kind.
template <class Visitor>
bool visit_kind(wire::packet_kind kind, Visitor&& visit) {
    switch (kind) {
    case wire::packet_kind::heartbeat: visit.template operator()<wire::heartbeat>(); return true;
    case wire::packet_kind::data: visit.template operator()<wire::data>(); return true;
    case wire::packet_kind::token: visit.template operator()<wire::token>(); return true;
    case wire::packet_kind::token_proof: visit.template operator()<wire::token_proof>(); return true;
    case wire::packet_kind::token_request: visit.template operator()<wire::token_request>(); return true;
    case wire::packet_kind::acknowledgement: visit.template operator()<wire::acknowledgement>(); return true;
    case wire::packet_kind::repair_request: visit.template operator()<wire::repair_request>(); return true;
    case wire::packet_kind::proposal: visit.template operator()<wire::proposal>(); return true;
    case wire::packet_kind::report: visit.template operator()<wire::report>(); return true;
    case wire::packet_kind::refusal: visit.template operator()<wire::refusal>(); return true;
    case wire::packet_kind::plan: visit.template operator()<wire::plan>(); return true;
    case wire::packet_kind::completion: visit.template operator()<wire::completion>(); return true;
    case wire::packet_kind::install: visit.template operator()<wire::install>(); return true;
    case wire::packet_kind::recovered: visit.template operator()<wire::recovered>(); return true;
    case wire::packet_kind::link_probe: visit.template operator()<wire::link_probe>(); return true;
    case wire::packet_kind::life_proof: visit.template operator()<wire::life_proof>(); return true;
    case wire::packet_kind::size_probe: visit.template operator()<wire::size_probe>(); return true;
    case wire::packet_kind::fragment: visit.template operator()<wire::fragment>(); return true;
    }
    return false;
}

template <class Packet>
std::optional<Packet> decode(bytes_view body);
// clang-format off
template <> inline std::optional<wire::heartbeat> decode(bytes_view body) { return wire::decode_heartbeat(body); }
template <> inline std::optional<wire::data> decode(bytes_view body) { return wire::decode_data(body); }
template <> inline std::optional<wire::token> decode(bytes_view body) { return wire::decode_token(body); }
template <> inline std::optional<wire::token_proof> decode(bytes_view body) { return wire::decode_token_proof(body); }
template <> inline std::optional<wire::token_request> decode(bytes_view body) { return wire::decode_token_request(body); }
template <> inline std::optional<wire::acknowledgement> decode(bytes_view body) { return wire::decode_acknowledgement(body); }
template <> inline std::optional<wire::repair_request> decode(bytes_view body) { return wire::decode_repair_request(body); }
template <> inline std::optional<wire::proposal> decode(bytes_view body) { return wire::decode_proposal(body); }
template <> inline std::optional<wire::report> decode(bytes_view body) { return wire::decode_report(body); }
template <> inline std::optional<wire::refusal> decode(bytes_view body) { return wire::decode_refusal(body); }
template <> inline std::optional<wire::plan> decode(bytes_view body) { return wire::decode_plan(body); }
template <> inline std::optional<wire::completion> decode(bytes_view body) { return wire::decode_completion(body); }
template <> inline std::optional<wire::install> decode(bytes_view body) { return wire::decode_install(body); }
template <> inline std::optional<wire::recovered> decode(bytes_view body) { return wire::decode_recovered(body); }
template <> inline std::optional<wire::link_probe> decode(bytes_view body) { return wire::decode_link_probe(body); }
template <> inline std::optional<wire::life_proof> decode(bytes_view body) { return wire::decode_life_proof(body); }
template <> inline std::optional<wire::size_probe> decode(bytes_view body) { return wire::decode_size_probe(body); }
template <> inline std::optional<wire::fragment> decode(bytes_view body) { return wire::decode_fragment(body); }
// clang-format on

template <class Packet>
bool same(const Packet& left, const Packet& right) {
    return left == right;
}

inline bool same(const wire::size_probe& left, const wire::size_probe& right) {
    return left.link == right.link && left.round == right.round && left.answered == right.answered &&
           left.bytes == right.bytes && std::ranges::equal(left.filler, right.filler);
}

inline bool same(const wire::fragment& left, const wire::fragment& right) {
    return left.number == right.number && left.total == right.total && left.unit == right.unit &&
           left.index == right.index && std::ranges::equal(left.piece, right.piece);
}

inline bool same(const wire::data& left, const wire::data& right) {
    return left.view == right.view && left.number == right.number && left.originator == right.originator &&
           left.flags == right.flags && left.hop == right.hop && left.holder == right.holder &&
           left.hop_first == right.hop_first && left.stable == right.stable &&
           std::ranges::equal(left.payload, right.payload);
}

inline bool same(const wire::recovered& left, const wire::recovered& right) {
    return left.attempt == right.attempt && left.old_view == right.old_view && left.number == right.number &&
           left.originator == right.originator && left.flags == right.flags &&
           std::ranges::equal(left.payload, right.payload);
}

/// The body of an encoded packet.
inline bytes_view body_of(const base::buffer& packet) { return packet.bytes().subspan(wire::header_bytes); }

/// A sender for packets of tests.
inline constexpr wire::origin sender{
    .cluster = {0x1122334455667788}, .node = {0x01020304}, .nonce = {0xA0A1A2A3A4A5A6A7}};

/// "View number `n`" of a test.
constexpr base::view_id view_of(std::uint64_t n) {
    return {.epoch = {{0x0100 + n}},
            .coordinator = {static_cast<std::uint32_t>(0x20 + n)},
            .nonce = {0xB0B1B2B3B4B5B600 + n}};
}

constexpr base::member member_of(std::uint32_t node) { return {.node = {node}, .nonce = {0xC0C1C2C300000000 + node}}; }

/// Members `first`, `first` + 1, …, `count` of them.
inline std::vector<base::member> members_of(std::uint32_t first, std::size_t count) {
    std::vector<base::member> result;
    for (std::size_t i = 0; i < count; ++i) {
        result.push_back(member_of(first + static_cast<std::uint32_t>(i)));
    }
    return result;
}

inline std::vector<base::node_id> nodes_of(std::uint32_t first, std::size_t count) {
    std::vector<base::node_id> result;
    for (std::size_t i = 0; i < count; ++i) {
        result.push_back({first + static_cast<std::uint32_t>(i)});
    }
    return result;
}

inline constexpr std::array payload_bytes{std::byte{'p'}, std::byte{'a'}, std::byte{'y'}};

/// An ordinary packet in which every field has a value of its own.
template <class Packet>
Packet sample();

template <>
inline wire::heartbeat sample() {
    return {.view = view_of(1),
            .view_size = 0x0005,
            .flags = wire::heartbeat::probe | wire::heartbeat::unstored,
            .promised = view_of(2),
            .epoch_highest = {{0x0301}},
            .hop = {{0x0302}},
            .holder = {0x0303},
            .highest = {{0x0304}},
            .received = {{0x0305}},
            .stable = {{0x0306}},
            .counter = 0x0307,
            .echo_nonce = {0x0308},
            .echo_counter = 0x0309,
            .echo_held_us = 0x030A,
            .hears = {member_of(1), member_of(7)}};
}

template <>
inline wire::data sample() {
    return {.view = view_of(1),
            .number = {{0x0401}},
            .originator = {0x0402},
            .flags = wire::data::safe | wire::data::repair,
            .hop = {{0x0403}},
            .holder = {0x0404},
            .hop_first = {{0x0405}},
            .stable = {{0x0406}},
            .payload = payload_bytes};
}

template <>
inline wire::token sample() {
    return {.view = view_of(1),
            .hop = {{0x0501}},
            .giver = {0x0502},
            .target = {0x0503},
            .next = {{0x0504}},
            .numbered_bytes = 0x0505,
            .stable = {{0x0506}},
            .members = {{.received = {{0x0507}}, .wanted = 0x0508, .served = 0x0509},
                        {.received = {{0x050A}}, .wanted = 0x050B, .served = 0x050C}}};
}

template <>
inline wire::token_proof sample() {
    return {.view = view_of(1), .hop = {{0x0601}}};
}

template <>
inline wire::token_request sample() {
    return {.view = view_of(1), .requester = {0x0701}, .counter = 0x0702, .hop = {{0x0703}}};
}

template <>
inline wire::acknowledgement sample() {
    return {.view = view_of(1),
            .first = 0x0011,
            .count = 0x0012,
            .received = {{0x0801}},
            .hop = {{0x0802}},
            .flags = wire::acknowledgement::urgent};
}

template <>
inline wire::repair_request sample() {
    return {.view = view_of(1),
            .attempt = view_of(2),
            .to_all = true,
            .ranges = {{.first = {{0x0901}}, .count = 0x0902}, {.first = {{0x0903}}, .count = 0x0904}}};
}

template <>
inline wire::proposal sample() {
    return {.attempt = view_of(1), .candidates = {member_of(2), member_of(3), member_of(9)}};
}

template <>
inline wire::report sample() {
    return {.attempt = view_of(1),
            .old_view = view_of(2),
            .received = {{0x0A01}},
            .beyond = {0x0F, 0x80},
            .delivered = {{0x0A02}},
            .stable = {{0x0A03}},
            .completed = view_of(3),
            .completed_hash = 0xFA0405060708090A,
            .owed_stable = {{0x0A05}},
            .owed = {{0x0A06}, {0x0A07}},
            .epoch_highest = {{0x0A08}},
            .hears = {member_of(4)}};
}

template <>
inline wire::refusal sample() {
    return {.attempt = view_of(1), .promised = view_of(2)};
}

template <>
inline wire::plan sample() {
    return {.attempt = view_of(5),
            .members = {member_of(1), member_of(2), member_of(3)},
            .first_holder = {2},
            .transitions = {
                {.old_view = view_of(1),
                 .together = {{1}, {2}},
                 .stable = {{0x0B01}},
                 .base = {{0x0B02}},
                 .owed = {{9}},
                 .union_runs = {{.owner = 1, .count = 0x0B03}, {.owner = wire::transition::run::nobody, .count = 1}}},
                {.old_view = view_of(2),
                 .together = {{3}},
                 .stable = {{0x0B04}},
                 .base = {{0x0B05}},
                 .owed = {},
                 .union_runs = {}}}};
}

template <>
inline wire::completion sample() {
    return {.attempt = view_of(1), .plan_hash = 0xFC01020304050607, .missing = 0x0C02};
}

template <>
inline wire::install sample() {
    return {.attempt = view_of(1), .plan_hash = 0xFD01020304050607, .authorised_by = view_of(2)};
}

template <>
inline wire::recovered sample() {
    return {.attempt = view_of(2),
            .old_view = view_of(1),
            .number = {{0x0E01}},
            .originator = {0x0E02},
            .flags = wire::data::table,
            .payload = payload_bytes};
}

template <>
inline wire::link_probe sample() {
    return {.link = {5}, .round = 0x0F01, .answered = {0xFE01020304050607}};
}

template <>
inline wire::life_proof sample() {
    return {.to = {0x1001}, .question = 0x1002, .answered = {0xFD01020304050607}, .answer = 0x1003, .other_slot = 0x11};
}

template <>
inline wire::size_probe sample() {
    return {.link = {6}, .round = 0x1201, .answered = {0xFC01020304050607}, .bytes = 0x05AC, .filler = {}};
}

template <>
inline wire::fragment sample() {
    return {.number = 0x1301, .total = 0x0203, .unit = 0x0100, .index = 2, .piece = payload_bytes};
}

} // namespace coterie::tests

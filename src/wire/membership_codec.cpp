// SPDX-License-Identifier: BSD-3-Clause
// Layouts and bounds of the packets that change a view: proposals, reports, plans, completions, installs and packets
// recovered from an old view. What the fields mean is in packets.hpp, the offsets are in docs/wire.md.
#include "wire/layout.hpp"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace coterie::wire {

using layout::field;
using layout::in_range;
using layout::is_sorted;
using layout::is_view;
using layout::is_view_or_none;

namespace {

constexpr std::size_t beyond_bytes_max = window_packets_max / 8;
static_assert(window_packets_max <= 0xFFFF, "counts of packets and of runs are 16 bits");

} // namespace

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, proposal>& packet) {
    walk(packet.attempt);
    walk.list(packet.candidates, members_max);
}

static bool acceptable(const proposal& packet) {
    return is_view(packet.attempt) && !packet.candidates.empty() && is_sorted(packet.candidates);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, report>& packet) {
    walk(packet.attempt, packet.old_view, packet.received);
    walk.list(packet.beyond, beyond_bytes_max);
    walk(packet.delivered, packet.stable, packet.completed, packet.completed_hash, packet.owed_stable);
    walk.list(packet.owed, members_max);
    walk(packet.epoch_highest);
    walk.list(packet.hears, members_max);
}

static bool acceptable(const report& packet) {
    return is_view(packet.attempt) && is_view_or_none(packet.old_view) && is_view_or_none(packet.completed) &&
           in_range(packet.received, packet.delivered, packet.stable, packet.owed_stable, packet.epoch_highest) &&
           is_sorted(packet.owed) && is_sorted(packet.hears);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, refusal>& packet) {
    walk(packet.attempt, packet.promised);
}

static bool acceptable(const refusal& packet) { return is_view(packet.attempt) && is_view(packet.promised); }

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, transition::run>& run) {
    walk(run.owner, run.count);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, transition>& one) {
    walk(one.old_view);
    walk.list(one.together, members_max);
    walk(one.stable, one.base);
    walk.list(one.owed, members_max);
    walk.list(one.union_runs, window_packets_max);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, plan>& packet) {
    walk(packet.attempt);
    walk.list(packet.members, members_max);
    walk(packet.first_holder);
    walk.list(packet.transitions, members_max);
}

static bool acceptable(const transition& one) {
    std::size_t packets = 0;
    for (const transition::run& run : one.union_runs) {
        packets += run.count;
        const bool owned = run.owner < one.together.size() || run.owner == transition::run::nobody;
        if (run.count == 0 || packets > window_packets_max || !owned) {
            return false;
        }
    }
    return is_view_or_none(one.old_view) && !one.together.empty() && is_sorted(one.together) &&
           in_range(one.stable, one.base) && is_sorted(one.owed);
}

static bool acceptable(const plan& packet) {
    const view_id* last = nullptr;
    for (const transition& one : packet.transitions) {
        if (!acceptable(one) || (last != nullptr && one.old_view <= *last)) {
            return false;
        }
        last = &one.old_view;
    }
    return is_view(packet.attempt) && is_sorted(packet.members) &&
           std::ranges::binary_search(packet.members, packet.first_holder, {}, &member::node);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, completion>& packet) {
    walk(packet.attempt, packet.plan_hash, packet.missing);
}

static bool acceptable(const completion& packet) { return is_view(packet.attempt); }

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, install>& packet) {
    walk(packet.attempt, packet.plan_hash, packet.authorised_by);
}

static bool acceptable(const install& packet) {
    return is_view(packet.attempt) && is_view_or_none(packet.authorised_by);
}

template <class Walker>
static constexpr void lay_out(Walker& walk, field<Walker, recovered>& packet) {
    walk(packet.attempt, packet.old_view, packet.number, packet.originator, packet.flags);
    walk.rest(packet.payload);
}

static bool acceptable(const recovered& packet) {
    constexpr unsigned flags = data::safe | data::table | data::repair;
    return is_view(packet.attempt) && is_view(packet.old_view) && packet.number.value != 0 && in_range(packet.number) &&
           packet.originator != base::no_node && layout::only_flags(packet.flags, flags);
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const proposal& packet) {
    return layout::encode_as(packet_kind::proposal, pool, from, packet, "an encoded proposal is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const report& packet) {
    return layout::encode_as(packet_kind::report, pool, from, packet, "an encoded report is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const refusal& packet) {
    return layout::encode_as(packet_kind::refusal, pool, from, packet, "an encoded refusal is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const plan& packet) {
    return layout::encode_as(packet_kind::plan, pool, from, packet, "an encoded plan is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const completion& packet) {
    return layout::encode_as(packet_kind::completion, pool, from, packet, "an encoded completion is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const install& packet) {
    return layout::encode_as(packet_kind::install, pool, from, packet, "an encoded install is within its bounds");
}

base::buffer encode(base::buffer_pool& pool, const origin& from, const recovered& packet) {
    return layout::encode_as(packet_kind::recovered, pool, from, packet,
                             "an encoded recovered packet is within its bounds");
}

std::size_t encoded_bytes(const plan& packet) { return header_bytes + layout::body_bytes_of(packet); }

std::uint64_t hash_of(const plan& packet) {
    std::vector<std::byte> body(layout::body_bytes_of(packet));
    layout::writer out(body);
    lay_out(out, packet);
    COTERIE_ASSERT(out.filled(), "a packet takes as many bytes as were measured");
    return XXH3_64bits(body.data(), body.size());
}

std::optional<proposal> decode_proposal(bytes_view body) { return layout::decode_as<proposal>(body); }
std::optional<report> decode_report(bytes_view body) { return layout::decode_as<report>(body); }
std::optional<refusal> decode_refusal(bytes_view body) { return layout::decode_as<refusal>(body); }
std::optional<plan> decode_plan(bytes_view body) { return layout::decode_as<plan>(body); }
std::optional<completion> decode_completion(bytes_view body) { return layout::decode_as<completion>(body); }
std::optional<install> decode_install(bytes_view body) { return layout::decode_as<install>(body); }
std::optional<recovered> decode_recovered(bytes_view body) { return layout::decode_as<recovered>(body); }

} // namespace coterie::wire

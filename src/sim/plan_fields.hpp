// SPDX-License-Identifier: BSD-3-Clause
// The names of everything that a plan may vary: one list for writing, reading and shrinking. A new setting of the world
// gets a line here and a line where the swarm draws it.
#pragma once

#include "sim/plan.hpp"

#include <concepts>
#include <type_traits>

namespace coterie::sim {

template <class Is, class Part>
concept a = std::same_as<std::remove_const_t<Is>, Part>;

void fields_of(a<link_quality> auto& of, auto&& each) {
    each("latency", of.latency);
    each("jitter", of.jitter);
    each("loss", of.loss);
    each("duplicate", of.duplicate);
    each("late_duplicate", of.late_duplicate);
    each("reorder", of.reorder);
    each("corrupt", of.corrupt);
    each("reorder_max", of.reorder_max);
    each("late_max", of.late_max);
    each("afflicted", of.afflicted);
}

void fields_of(a<ring::settings> auto& of, auto&& each) {
    each("heartbeat_interval", of.heartbeat_interval);
    each("silence_limit", of.silence_limit);
    each("contact_interval", of.contact_interval);
    each("contact_limit", of.contact_limit);
    each("hold_off", of.hold_off);
    each("hold_off_max", of.hold_off_max);
    each("lag_limit", of.lag_limit);
    each("lag_patience", of.lag_patience);
    each("repair_grace", of.repair_grace);
    each("acknowledge_delay", of.acknowledge_delay);
    each("watchers", of.watchers);
    each("acknowledgement_fan_in", of.acknowledgement_fan_in);
    each("datagram_bytes", of.datagram_bytes);
    each("window_bytes", of.window_bytes);
    each("window_packets", of.window_packets);
    each("epoch_block", of.epoch_block);
}

void fields_of(a<groups::settings> auto& of, auto&& each) {
    each("message_bytes_max", of.message_bytes_max);
    each("queue_bytes_max", of.queue_bytes_max);
    each("queue_messages_max", of.queue_messages_max);
}

/// What is neither of the ring, of the groups nor of the links.
void fields_of(a<world_options> auto& of, auto&& each) {
    each("seed", of.seed);
    each("nodes", of.nodes);
    each("socket_bytes", of.socket_bytes);
    each("store_min", of.store_min);
    each("store_max", of.store_max);
    each("encrypted", of.encrypted);
    each("replays", of.attacks.replays);
    each("forgeries", of.attacks.forgeries);
}

void fields_of(a<planned_client> auto& of, auto&& each) {
    each("node", of.node);
    each("comes", of.comes);
    each("seed", of.seed);
    each("pid", of.options.pid);
    each("ring_views", of.options.ring_views);
    each("reads_every", of.options.reads_every);
    each("waiting_max", of.options.waiting_max);
    each("groups", of.profile.groups);
    each("pace", of.profile.pace);
    each("regular", of.profile.regular);
    each("bytes_min", of.profile.bytes_min);
    each("bytes_max", of.profile.bytes_max);
    each("large", of.profile.large);
    each("large_bytes_max", of.profile.large_bytes_max);
    each("burst_max", of.profile.burst_max);
    each("safe", of.profile.safe);
    each("answers", of.profile.answers);
    each("leaves", of.profile.leaves);
    each("finalizes", of.profile.finalizes);
    each("crashes", of.profile.crashes);
    each("stalls", of.profile.stalls);
}

void fields_of(a<planned_fault> auto& of, auto&& each) {
    each("kind", of.kind);
    each("at", of.at);
    each("lasts", of.lasts);
    each("nodes", of.nodes);
    each("others", of.others);
    each("one_way", of.one_way);
    each("rounds", of.rounds);
    fields_of(of.quality, each);
    each("skip", of.skip);
    each("sent", of.sent);
    each("fate", of.fate);
    each("skew_us", of.skew_us);
    each("bytes", of.bytes);
    each("slow", of.slow);
}

/// How the run goes, apart from its parts.
void fields_of(a<plan> auto& of, auto&& each) {
    each("time", of.time);
    each("safe", of.safe);
    each("formed", of.formed);
    each("boots", of.boots);
}

} // namespace coterie::sim
